/**
 * How long it takes until a session stands at its first instruction: the adapter's worker alone, started with its session and before it, and the same in a real
 * editor. Figures are printed; their bounds are wide, because the machines that run this are shared.
 */
import { mkdirSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
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
/** A worker that uses less of the processor than this in such a time has prepared all it can; one that never does is not waited for longer. */
const QUIET_MILLISECONDS = 300;
const QUIET_PROCESSOR_MILLISECONDS = 10;
const PATIENCE_MILLISECONDS = 20_000;

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

const processorMilliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function quiet(): Promise<void> {
  for (const end = performance.now() + PATIENCE_MILLISECONDS; performance.now() < end;) {
    const before = processorMilliseconds();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MILLISECONDS));
    if (processorMilliseconds() - before < QUIET_PROCESSOR_MILLISECONDS) return;
  }
}

/** A session as the editor has one, up to its first stop. @param isSpare the worker is there already, prepared */
async function session(isSpare: boolean): Promise<Figures> {
  const program = path.join(unpacked, "extension/dist/adapter-worker.js");
  const now = () => ({ wall: performance.now(), processor: processorMilliseconds() });
  let before = now();
  const worker = new Worker(program, { workerData: { isSpare } });
  if (isSpare) {
    await new Promise((resolve) => worker.once("online", resolve));
    await quiet();
    before = now();
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
  const after = now();
  await worker.terminate();
  return {
    milliseconds: after.wall - before.wall,
    processorMilliseconds: after.processor - before.processor,
  };
}

describe("the adapter's worker", () => {
  it.each([
    ["started with its session", false],
    ["started before it", true],
  ])("%s", async (name, isSpare) => {
    const figures: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) figures.push(await session(isSpare));
    const best = (key: keyof Figures): number => Math.min(...figures.map((each) => each[key]));
    console.log(
      `${name}: ${best("milliseconds").toFixed(0)} ms to the first stop, ${best("processorMilliseconds").toFixed(0)} ms of processor`,
    );
    expect(best("milliseconds")).toBeLessThan(MOST_SESSION_MILLISECONDS);
  });
});

it("the extension loads nothing but itself and a few of Node's modules", () => {
  const program = `const Module = require("node:module");
    const names = [];
    const load = Module._load;
    // A bundle copies what a module has of its own and takes the rest from its prototype.
    const classes = new Proxy({}, { get: () => class {} });
    const anything = new Proxy(function () {}, {
      get: (_, key) => (key === "prototype" ? {} : class {}),
      getPrototypeOf: () => classes,
    });
    Module._load = (name, ...rest) => {
      names.push(name.replace(/^node:/, ""));
      return name === "vscode" ? anything : load(name, ...rest);
    };
    require(${JSON.stringify(path.join(unpacked, "extension/dist/extension.js"))});
    console.log(JSON.stringify(names.slice(1)));`;
  const output = execFileSync(process.execPath, ["-e", program], { encoding: "utf8" });
  const names = new Set(JSON.parse(output) as string[]);
  console.log(`the extension loads ${[...names].join(", ")}`);
  expect(names).toEqual(new Set(["crypto", "fs/promises", "path", "vscode", "worker_threads"]));
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
    await window.openFile("main.c");
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
