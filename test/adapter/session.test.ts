/** A session from its first to its last message: launch, restart, the end, cancelling, the guest's input and output, the transports. */
import { spawn } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, ROOT, SAMPLE } from "./client.ts";

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const until = async (condition: () => boolean): Promise<void> => {
  for (const deadline = performance.now() + 60_000; !condition();) {
    if (performance.now() > deadline) throw new Error("it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

test("the guest's exit code ends the session", async () => {
  await client.launchToEntry({ append: "exit=42", debugExit: true });
  await client.request("continue", { threadId: 1 });
  const exited = await client.event("exited");
  expect(exited.body).toEqual({ exitCode: ((42 << 1) | 1) & 0xff });
  await client.event("terminated");
  expect(client.output()).toContain("tick 3");
  expect(await client.respond("continue", { threadId: 1 })).toMatchObject({ success: false });
});

test("supportsRestartRequest: the same kernel from the beginning, with its breakpoints, or another configuration", async () => {
  await client.launchToEntry({}, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] }),
  );
  await client.go();
  await client.request("restart", {});
  expect((await client.stopped()).reason).toBe("entry");
  expect((await client.go()).reason).toBe("function breakpoint");
  const configuration: object = { kernel: SAMPLE, append: "hello=restart", realTime: false };
  await client.request("restart", { arguments: configuration });
  await client.stopped();
  await client.go();
  await client.request("continue", { threadId: 1 });
  await until(() => client.output().includes("hello=restart"));
});

test("supportsTerminateRequest: ends a running machine", async () => {
  await client.launch({ stopOnEntry: false });
  await client.request("terminate", {});
  await client.event("terminated");
});

test("supportsCancelRequest: a request that waits is taken back", async () => {
  await client.launchToEntry();
  const first = client.respond("disassemble", { memoryReference: "0x200030", instructionCount: 20000 });
  const sequence = client.nextSequence;
  const second = client.respond("disassemble", { memoryReference: "0x200030", instructionCount: 20000 });
  const cancel = client.respond("cancel", { requestId: sequence });
  expect(await second).toMatchObject({ success: false, message: "cancelled" });
  expect(await first).toMatchObject({ success: true });
  expect(await cancel).toMatchObject({ success: true });
});

test("serial input and the keyboard reach the guest", async () => {
  await client.launch({ stopOnEntry: false });
  await until(() => client.output().includes("type something"));
  await client.request("redzone/serialInput", { port: 0, data: Buffer.from("Q").toString("base64") });
  await until(() => client.output().endsWith("Q"));
  for (const down of [true, false]) await client.request("redzone/key", { code: "KeyZ", down });
  await until(() => client.output().endsWith("Qz"));
  expect(await client.respond("redzone/key", { code: "KeyÄ", down: true })).toMatchObject({ success: false });
});

test("without VS Code the serial port is in the Debug Console", async () => {
  await client.launch({ stopOnEntry: false }, undefined, { clientID: "neovim" });
  await until(() => client.console().includes("type something"));
});

test("status events say mode, ring and paging", async () => {
  await client.launchToEntry({}, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] }),
  );
  await client.go();
  const event = await client.event("redzone/status", (body: { running: boolean }) => !body.running);
  expect(event.body).toMatchObject({
    mode: "64-bit",
    ring: 0,
    paging: "4-level",
    instant: expect.any(Number),
  });
});

test("noDebug ignores breakpoints and the entry", async () => {
  await client.launch({ noDebug: true, append: "exit=1", debugExit: true }, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] }),
  );
  await client.event("exited");
});

test("idle time passes as real time does, if wanted", async () => {
  await client.launchToEntry({ append: "exit=1", debugExit: true, realTime: true });
  const began = performance.now();
  await client.request("continue", { threadId: 1 });
  await client.event("exited");
  // Three timer ticks of 10 ms.
  expect(performance.now() - began).toBeGreaterThan(25);
});

test("two runs of the same session say the same", async () => {
  const run = async (): Promise<readonly [string, unknown]> => {
    const other = new Client();
    await other.launchToEntry({}, () =>
      other.request("setFunctionBreakpoints", { breakpoints: [{ name: "echo_keys" }] }),
    );
    await other.go();
    const status = await other.request("redzone/status");
    await other.end();
    return [other.output(), status];
  };
  expect(await run()).toEqual(await run());
});

test("symbols are indexed in the background, and progress can be cancelled", async () => {
  await client.launchToEntry();
  expect(await client.respond("cancel", { progressId: "symbols-1" })).toMatchObject({ success: true });
  expect(await client.evaluate("ticks")).toBe("0");
});

test("over stdio: a program that speaks DAP on its standard streams", async () => {
  const program = `import { runStdio } from "./debug-adapter/index.ts"; await runStdio(); process.exit(0);`;
  const { build } = await import("esbuild");
  const outfile = `${ROOT}/.cache/test-adapter-stdio.cjs`;
  await build({
    stdin: {
      contents: program.replace(
        "await runStdio(); process.exit(0);",
        "void runStdio().then(() => process.exit(0));",
      ),
      resolveDir: ROOT,
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile,
    external: ["iced-x86"],
    logLevel: "error",
  });
  const child = spawn(process.execPath, [outfile], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  const received: string[] = [];
  child.stdout.on("data", (data: Buffer) => received.push(data.toString()));
  const send = (seq: number, command: string, args: object): void => {
    const json = JSON.stringify({ seq, type: "request", command, arguments: args });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  };
  send(1, "initialize", { adapterID: "redzone", pathFormat: "path" });
  send(2, "launch", { kernel: SAMPLE });
  await until(() => received.join("").includes('"initialized"'));
  send(3, "configurationDone", {});
  await until(() => received.join("").includes('"reason":"entry"'));
  send(4, "disconnect", {});
  const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  expect(code).toBe(0);
});

test("in a worker: messages are plain objects", async () => {
  const { MessageChannel } = await import("node:worker_threads");
  const { startWorker } = await import("../../debug-adapter/index.ts");
  const { port1, port2 } = new MessageChannel();
  startWorker(port1);
  const messages: { type: string; command?: string; body?: unknown }[] = [];
  port2.on("message", (message: (typeof messages)[number]) => messages.push(message));
  port2.postMessage({ seq: 1, type: "request", command: "initialize", arguments: { adapterID: "redzone" } });
  await until(() => messages.length > 0);
  expect(messages[0]).toMatchObject({ type: "response", command: "initialize", success: true });
  port1.close();
});
