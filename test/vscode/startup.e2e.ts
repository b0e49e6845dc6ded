/**
 * How long it takes until a session stands at its first instruction: the adapter's worker alone, started with its session and before it, and the same in a real
 * editor. Figures are printed; their bounds are wide, because the machines that run this are shared.
 */
import { mkdirSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { vsix } from "./package.ts";
import { root, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

/** On a machine that does nothing else: 300 ms for a session, 100 ms for the activation. */
const MOST_SESSION_MILLISECONDS = 5000;
const MOST_ACTIVATION_MILLISECONDS = 1000;
const ROUNDS = 3;
const AHEAD_MILLISECONDS = 2000;

const folder = path.join(tmpdir(), "redzone-e2e/startup");
let unpacked = "";

beforeAll(() => {
  unpacked = mkdtempSync(path.join(tmpdir(), "redzone-startup-"));
  execFileSync("unzip", ["-q", vsix(), "-d", unpacked]);
});
afterAll(() => rmSync(unpacked, { recursive: true }));

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
}

interface Figures {
  /** From the first message to the stop. */
  readonly milliseconds: number;
  /** Of the whole process meanwhile: less is said by it about other processes on the machine. */
  readonly processorMilliseconds: number;
}

/** A session as the editor has one, up to its first stop. @param ahead how long before it the worker starts, in milliseconds */
async function session(ahead: number): Promise<Figures> {
  const program = path.join(unpacked, "extension/dist/adapter-worker.js");
  const before = { wall: performance.now(), processor: process.cpuUsage() };
  const worker = new Worker(program, { workerData: { isSpare: ahead > 0 } });
  if (ahead > 0) {
    await new Promise((resolve) => setTimeout(resolve, ahead));
    before.wall = performance.now();
    before.processor = process.cpuUsage();
  }
  const waiting = new Map<number, () => void>();
  let seq = 1;
  const request = (command: string, args: object = {}): Promise<void> =>
    new Promise((resolve) => {
      waiting.set(seq, resolve);
      worker.postMessage({ seq: seq++, type: "request", command, arguments: args });
    });
  const stopped = new Promise<void>((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (message: Message) => {
      if (message.success === false) reject(new Error(JSON.stringify(message)));
      if (message.request_seq !== undefined) waiting.get(message.request_seq)?.();
      if (message.event === "initialized")
        void request("setExceptionBreakpoints", { filters: [] }).then(() => request("configurationDone"));
      if (message.event === "stopped") resolve();
    });
  });
  await request("initialize", { adapterID: "redzone", clientID: "vscode", pathFormat: "path" });
  void request("launch", { kernel: path.join(unpacked, "extension/media/sample-kernel/sample.elf") });
  await stopped;
  const { user, system } = process.cpuUsage(before.processor);
  const milliseconds = performance.now() - before.wall;
  await worker.terminate();
  return { milliseconds, processorMilliseconds: (user + system) / 1000 };
}

describe("the adapter's worker", () => {
  it.each([
    ["started with its session", 0],
    ["started before it", AHEAD_MILLISECONDS],
  ])("%s", { timeout: 60_000 }, async (name, ahead) => {
    const figures: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) figures.push(await session(ahead));
    const best = (key: keyof Figures): number => Math.min(...figures.map((each) => each[key]));
    console.log(
      `${name}: ${best("milliseconds").toFixed(0)} ms to the first stop, ${best("processorMilliseconds").toFixed(0)} ms of processor`,
    );
    expect(best("milliseconds")).toBeLessThan(MOST_SESSION_MILLISECONDS);
  });

  it("does not load the disassembler before it is needed, nor the extension anything but what it names", () => {
    const names: string[] = [];
    const real = createRequire(import.meta.url);
    const source = path.join(unpacked, "extension/dist/extension.js");
    const program = `const names = []; const load = require("node:module")._load;
      require("node:module")._load = (name, ...rest) => { names.push(name); return name === "vscode" ? new Proxy(function () {}, { get: (_, key) => key === "prototype" ? {} : class {} }) : load(name, ...rest); };
      require(${JSON.stringify(source)}); console.log(JSON.stringify(names.slice(1)));`;
    expect(real("node:fs")).toBeDefined();
    names.push(
      ...(JSON.parse(execFileSync(process.execPath, ["-e", program], { encoding: "utf8" })) as string[]),
    );
    console.log(`the extension loads ${names.join(", ")}`);
    expect(new Set(names.map((name) => name.replace(/^node:/u, "")))).toEqual(
      new Set(["path", "vscode", "worker_threads"]),
    );
  });
});

describe.skipIf(browserPath === null)("in VS Code", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    cpSync(path.join(root, "media/sample-kernel"), folder, { recursive: true });
    const configuration = {
      type: "redzone",
      request: "launch",
      name: "Sample",
      kernel: "${workspaceFolder}/sample.elf",
    };
    writeFileSync(
      path.join(folder, ".vscode/launch.json"),
      JSON.stringify({ version: "0.2.0", configurations: [configuration] }),
    );
    server = await installedServer("Default Dark Modern");
    window = await Workbench.open(server.url, folder);
  });

  afterAll(async () => {
    await window?.screenshot("98-startup");
    await window?.close();
    await server?.stop();
  });

  it("is at the first instruction soon after F5", async () => {
    for (const session of ["first", "second"]) {
      const before = performance.now();
      await window.page.keyboard.press("F5");
      await window.waitForStop(/_start, line \d+, boot\.S/u);
      console.log(
        `${session} session: ${(performance.now() - before).toFixed(0)} ms from F5 to the first stop on the screen`,
      );
      await window.page.keyboard.press("Shift+F5");
      await window.toolbar.waitFor({ state: "hidden" });
    }
  });

  it("is activated in little time", async () => {
    await window.command("Developer: Show Running Extensions");
    const row = window.page.locator(".runtime-extensions-editor .extension").filter({ hasText: "Redzone" });
    await row.waitFor();
    const text = await row.innerText();
    const milliseconds = Number(/Activation: (\d+)ms/u.exec(text)?.[1]);
    console.log(`activation: ${milliseconds} ms`);
    expect(milliseconds).toBeLessThan(MOST_ACTIVATION_MILLISECONDS);
  });
});
