/** Steps on the sample kernel: over, into, out; by line, statement and instruction; across modes and interrupts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, lineOf, sampleSource } from "./client.ts";

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const inMain = { path: sampleSource("main.c") };
const toLine = async (file: string, text: string): Promise<number> => {
  const line = lineOf(file, text);
  await client.launchToEntry({}, () =>
    client.request("setBreakpoints", { source: { path: sampleSource(file) }, breakpoints: [{ line }] }),
  );
  await client.go();
  expect(await client.where()).toContain(`${file}:${line} `);
  await client.request("setBreakpoints", { source: { path: sampleSource(file) }, breakpoints: [] });
  return line;
};

test("a step over passes calls and ends on the next line", async () => {
  const line = await toLine("main.c", "segments_init();");
  expect((await client.go("next")).reason).toBe("step");
  expect(await client.where()).toBe(`main.c:${line + 1} kernel_main`);
});

test("a step into ends behind the prologue of the function called, a step out behind the call", async () => {
  const line = await toLine("main.c", "segments_init();");
  await client.go("stepIn");
  expect(await client.where()).toMatch(/^segments\.c:\d+ segments_init$/);
  const [, caller] = await client.frames();
  expect(caller).toMatchObject({ name: "kernel_main", line });
  await client.go("stepOut");
  expect(await client.where()).toMatch(new RegExp(`^main\\.c:(${line}|${line + 1}) kernel_main$`));
});

test("supportsSteppingGranularity: by instruction, into a call and over it", async () => {
  await client.launchToEntry();
  const first = BigInt(await client.evaluate("$rip"));
  await client.go("next", { granularity: "instruction" });
  expect(BigInt(await client.evaluate("$rip"))).toBe(first + 1n);
  const call = lineOf("boot.S", "call    serial_init32");
  await client.request("setBreakpoints", {
    source: { path: sampleSource("boot.S") },
    breakpoints: [{ line: call }],
  });
  await client.go();
  const at = BigInt(await client.evaluate("$rip"));
  await client.go("stepIn", { granularity: "instruction" });
  expect(await client.where()).toContain("serial_init32");
  await client.go("stepOut", { granularity: "instruction" });
  expect(BigInt(await client.evaluate("$rip"))).toBe(at + 5n);
});

test("a step over goes across the far jump into 64-bit code, and disassembly follows", async () => {
  await toLine("boot.S", "ljmp    $BOOT_CODE64, $start64");
  expect((await client.request("redzone/status")).mode).toBe("32-bit compat");
  await client.go("next");
  expect(await client.where()).toContain("start64");
  expect(await client.request("redzone/status")).toMatchObject({
    mode: "64-bit",
    ring: 0,
    paging: "4-level",
  });
  await client.go("next");
  const { instructions } = await client.request("disassemble", {
    memoryReference: (await client.top()).instructionPointerReference!,
    instructionCount: 6,
  });
  expect(instructions.map((each) => each.instruction)).toContainEqual(
    expect.stringMatching(/^mov %eax,%gs$/),
  );
});

test("a step is not led astray by timer interrupts", async () => {
  await toLine("tasks.c", "if (is_due(task))");
  // Round and round the task loop, with hlt and an interrupt in each round.
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    expect((await client.go("next")).reason).toBe("step");
    seen.add((await client.top()).name);
  }
  expect([...seen].every((name) => name === "run_tasks")).toBe(true);
});

test("a step over a fault that never returns ends where the machine ends", async () => {
  const line = lineOf("bugs.c", "the parent is %p");
  await client.launchToEntry({ append: "bug=null" }, () =>
    client.request("setBreakpoints", { source: { path: sampleSource("bugs.c") }, breakpoints: [{ line }] }),
  );
  await client.go();
  const stop = await client.go("next");
  expect(stop).toMatchObject({ reason: "exception", description: "Halted for good" });
  const names = (await client.frames()).map((frame) => frame.name);
  expect(names).toContainEqual(expect.stringMatching(/^null_bug \[interrupted\]$/));
});

test("supportsStepInTargetsRequest: the second call of a line is entered directly", async () => {
  const line = await toLine("main.c", 'print("boot: %s');
  const { id } = await client.top();
  const { targets } = await client.request("stepInTargets", { frameId: id });
  expect(targets).toMatchObject([{ label: "print", line }]);
  await client.go("stepIn", { targetId: targets[0]!.id });
  expect(await client.where()).toMatch(/^console\.c:\d+ print$/);
});

test("supportsGotoTargetsRequest: execution goes on at another line", async () => {
  await toLine("main.c", "segments_init();");
  const line = lineOf("main.c", "timer_init();");
  const { targets } = await client.request("gotoTargets", { source: inMain, line });
  expect(targets).toMatchObject([{ line, label: expect.stringContaining("kernel_main") }]);
  await client.request("goto", { threadId: 1, targetId: targets[0]!.id });
  expect((await client.stopped()).reason).toBe("goto");
  expect(await client.where()).toBe(`main.c:${line} kernel_main`);
});

test("a step out of the outermost frame is refused", async () => {
  await client.launchToEntry();
  const response = await client.respond("stepOut", { threadId: 1 });
  expect(response).toMatchObject({ success: false, message: expect.stringContaining("outermost") });
});

test("a pause stops a machine that runs", async () => {
  await client.launchToEntry();
  await client.request("continue", { threadId: 1 });
  await client.written("type something");
  await client.request("pause", { threadId: 1 });
  expect((await client.stopped()).reason).toBe("pause");
});

test("a breakpoint in a function that is stepped over ends the step", async () => {
  await toLine("main.c", "segments_init();");
  await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "segments_init" }] });
  expect((await client.go("next")).reason).toBe("function breakpoint");
  expect(await client.where()).toContain("segments_init");
});
