/**
 * The programs for a browser: the client's needs nothing of Node, and the server's answers in a worker of a real Chromium, over messages as the client sends them.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { builtinModules } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserPath, chromium, type Browser, type Page } from "../vscode/browser.ts";

const root = path.resolve(import.meta.dirname, "../..");
let dist = "";

beforeAll(() => {
  dist = mkdtempSync(path.join(tmpdir(), "redzone-web-"));
  execFileSync(process.execPath, ["build.mjs", "--web", "--out", dist], { cwd: root });
});
afterAll(() => rmSync(dist, { recursive: true }));

const program = (name: string): string => readFileSync(path.join(dist, "web", name), "utf8");

it("asks for no module but VS Code's", () => {
  const asked = (name: string): ReadonlySet<string> =>
    new Set(
      [...program(name).matchAll(/\brequire\(\s*["'`]([^"'`]+)["'`]\s*\)/gu)].map((match) => match[1] ?? ""),
    );
  expect(asked("extension.js")).toEqual(new Set(["vscode"]));
  const ofNode = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
  expect([...asked("language-server.js")].filter((name) => ofNode.has(name))).toEqual([]);
});

describe.skipIf(browserPath === null)("in Chromium", () => {
  let server: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const files: Readonly<Record<string, readonly [string, string]>> = {
      "/": ["text/html", ""],
      "/language-server.js": ["text/javascript", path.join(dist, "web/language-server.js")],
      "/iced_x86_bg.wasm": ["application/wasm", path.join(dist, "iced_x86_bg.wasm")],
    };
    server = createServer((request, response) => {
      const [type, file] = files[request.url ?? ""] ?? ["", undefined];
      response.writeHead(file === undefined ? 404 : 200, { "content-type": type });
      response.end(file ? readFileSync(file) : "<!doctype html>");
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    browser = await chromium.launch();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });

  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  it("answers initialize, hover, completion and go to definition", async () => {
    const uri = "vscode-vfs://github/someone/kernel/boot.S";
    const text = "\t.code64\nstart:\n\tmovq %cr3, %rax\n\tjmp start\n\tinvl\n";
    const at = (line: number, character: number) => ({
      textDocument: { uri },
      position: { line, character },
    });
    const answers = await page.evaluate<readonly unknown[], readonly (readonly [string, object])[]>(
      async (requests) => {
        const scope = globalThis as unknown as {
          Worker: new (url: string) => {
            onmessage: (event: {
              data: { id?: number; method?: string; result?: unknown; error?: unknown };
            }) => void;
            onerror: (event: { message: string }) => void;
            postMessage: (message: unknown) => void;
          };
          fetch: (url: string) => Promise<{ arrayBuffer: () => Promise<ArrayBuffer> }>;
        };
        const bytes = new Uint8Array(await (await scope.fetch("/iced_x86_bg.wasm")).arrayBuffer());
        const worker = new scope.Worker("/language-server.js");
        await new Promise<void>((resolve, reject) => {
          worker.onmessage = () => resolve();
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage(bytes);
        });
        const found: unknown[] = [];
        for (const [id, [method, params]] of requests.entries()) {
          if (!method.endsWith("didOpen") && method !== "initialized") {
            const answer = new Promise<unknown>((resolve) => {
              worker.onmessage = ({ data }) => {
                if (data.id === id && data.method === undefined) resolve(data.result ?? data.error);
              };
            });
            worker.postMessage({ jsonrpc: "2.0", id, method, params });
            found.push(await answer);
          } else worker.postMessage({ jsonrpc: "2.0", method, params });
        }
        return found;
      },
      [
        ["initialize", { processId: null, rootUri: null, capabilities: {} }],
        ["initialized", {}],
        ["textDocument/didOpen", { textDocument: { uri, languageId: "gas", version: 1, text } }],
        ["textDocument/hover", at(2, 3)],
        ["textDocument/completion", at(4, 5)],
        ["textDocument/definition", at(3, 7)],
      ],
    );
    const [initialized, hover, completion, definition] = answers.map((answer) => JSON.stringify(answer));
    expect(initialized).toContain('"definitionProvider":true');
    expect(hover).toMatch(/mov/iu);
    expect(completion).toContain("invlpg");
    expect(definition).toContain('"line":1');
  });
});
