/** Disassembly, memory, sources and images through the protocol. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, lineOf, SAMPLE, sampleSource } from "./client.ts";

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const toMain = async (configuration: Readonly<Record<string, unknown>> = {}): Promise<void> => {
  await client.launchToEntry(configuration, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] }),
  );
  await client.go();
};

test("supportsDisassembleRequest: exact counts around any address, the same rows wherever a request begins", async () => {
  await toMain();
  const reference = (await client.top()).instructionPointerReference!;
  const rows = async (instructionOffset: number, instructionCount: number): Promise<string[]> =>
    (
      await client.request("disassemble", { memoryReference: reference, instructionOffset, instructionCount })
    ).instructions.map((each) => `${each.address} ${each.instruction}`);
  const whole = await rows(-200, 400);
  expect(whole).toHaveLength(400);
  expect(new Set(whole.map((row) => row.split(" ")[0])).size).toBe(400);
  for (const [offset, count] of [
    [-200, 50],
    [-50, 50],
    [-37, 61],
    [0, 1],
    [120, 80],
    [-1, 2],
  ] as const) {
    expect(await rows(offset, count)).toEqual(whole.slice(200 + offset, 200 + offset + count));
  }
  const [here] = await rows(0, 1);
  expect(`v:${here!.split(" ")[0]!}`).toBe(reference);
});

test("disassembly shows symbols and source lines, in both syntaxes", async () => {
  await toMain({ disassemblyFlavor: "intel" });
  const reference = (await client.top()).instructionPointerReference!;
  const { instructions } = await client.request("disassemble", {
    memoryReference: reference,
    instructionCount: 12,
    resolveSymbols: true,
  });
  expect(instructions[0]).toMatchObject({
    location: { path: sampleSource("main.c") },
    line: (await client.top()).line,
  });
  expect(instructions.map((each) => each.instruction)).toContainEqual(
    expect.stringMatching(/^call 0x[0-9a-f]+ <read_boot_information>$/),
  );
  expect(instructions.map((each) => each.instruction).join("\n")).toMatch(/mov e[a-z]+,\[rbp-0x/);
});

test("32-bit code of a 64-bit image is decoded as 32-bit code, before and after the switch", async () => {
  await client.launchToEntry();
  const reference = (await client.top()).instructionPointerReference!;
  const text = async (): Promise<string[]> =>
    (
      await client.request("disassemble", { memoryReference: reference, instructionCount: 6 })
    ).instructions.map((each) => each.instruction);
  const before = await text();
  expect(before[2]).toMatch(/^mov \$0x[0-9a-f]+,%esp$/);
  expect(before.at(-1)).toMatch(/^mov %ebx,0x[0-9a-f]+$/);
  await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] });
  await client.go();
  expect(await text()).toEqual(before);
});

test("disassembly of memory that is not there keeps its count", async () => {
  await client.launchToEntry();
  const { instructions } = await client.request("disassemble", {
    memoryReference: "p:0xd0000000",
    instructionOffset: -5,
    instructionCount: 10,
  });
  expect(instructions).toHaveLength(10);
  expect(instructions.every((each) => each.presentationHint === "invalid")).toBe(true);
  expect(instructions[5]!.address).toBe("0xd0000000");
});

test("supportsReadMemoryRequest: linear and physical, with the hole at the end of memory", async () => {
  await client.launchToEntry({ memory: "16M" });
  const read = await client.request("readMemory", { memoryReference: "v:0x200000", count: 16 });
  expect(read).toMatchObject({ address: "0x200000" });
  expect(Buffer.from(read!.data!, "base64")).toHaveLength(16);
  const physical = await client.request("readMemory", {
    memoryReference: "p:0x200000",
    offset: 4,
    count: 12,
  });
  expect(physical!.data).toBe(Buffer.from(read!.data!, "base64").subarray(4).toString("base64"));
  const end = await client.request("readMemory", {
    memoryReference: `p:0x${(0x1000000 - 8).toString(16)}`,
    count: 5000,
  });
  expect(Buffer.from(end!.data!, "base64")).toHaveLength(8);
  expect(end!.unreadableBytes).toBe(4992);
  const hole = await client.request("readMemory", { memoryReference: "0xd0000000", count: 64 });
  expect(hole).toEqual({ address: "0xd0000000", unreadableBytes: 64 });
});

test("supportsWriteMemoryRequest: what is written is read, and shown", async () => {
  await toMain();
  const { memoryReference } = await client.request("evaluate", { expression: "&magic", context: "watch" });
  const data = Buffer.from([0x78, 0x56, 0x34, 0x12]).toString("base64");
  expect(await client.request("writeMemory", { memoryReference: memoryReference!, data })).toEqual({
    bytesWritten: 4,
  });
  expect(await client.evaluate("magic, x")).toBe("0x12345678");
  expect((await client.event("memory")).body).toMatchObject({ memoryReference, count: 4 });
  const response = await client.respond("writeMemory", { memoryReference: "p:0xd0000000", data });
  expect(response).toMatchObject({
    success: false,
    message: expect.stringContaining("no memory answers there"),
  });
});

test("code that is changed by hand runs changed", async () => {
  await toMain();
  const line = lineOf("main.c", "interrupts_init();");
  const { targets } = await client.request("gotoTargets", { source: { path: sampleSource("main.c") }, line });
  const at = targets[0]!.instructionPointerReference!;
  // Five bytes of call become NOPs.
  await client.request("writeMemory", {
    memoryReference: at,
    data: Buffer.alloc(5, 0x90).toString("base64"),
  });
  await client.request("setBreakpoints", {
    source: { path: sampleSource("main.c") },
    breakpoints: [{ line: line + 1 }],
  });
  await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "interrupts_init" }] });
  await client.go();
  expect(await client.where()).toBe(`main.c:${line + 1} kernel_main`);
});

test("supportsModulesRequest and additionalModuleColumns: every image with where it is", async () => {
  await client.launchToEntry();
  const { modules, totalModules } = await client.request("modules", {});
  expect(totalModules).toBe(1);
  expect(modules[0]).toMatchObject({
    id: 1,
    path: SAMPLE,
    symbolStatus: "debug information loaded",
    role: "kernel",
    loadOffset: "0x0",
    buildId: expect.any(String),
  });
});

test("supportsLoadedSourcesRequest: every source, where it is here", async () => {
  await client.launchToEntry();
  const { sources } = await client.request("loadedSources", {});
  expect(sources.map((each) => each.path)).toEqual(
    expect.arrayContaining([sampleSource("main.c"), sampleSource("boot.S")]),
  );
});

test("locations: from a variable to its declaration, from a function pointer to the function", async () => {
  await client.launchToEntry({}, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "run_task" }] }),
  );
  await client.go();
  const task = (await client.scope("Locals"))[0]!;
  const declared = await client.request("locations", {
    locationReference: task.declarationLocationReference!,
  });
  expect(declared).toMatchObject({
    source: { name: "tasks.c" },
    line: lineOf("tasks.c", "static void run_task(struct task *task)"),
  });
  const run = (await client.children(task.variablesReference)).find((each) => each.name === "run")!;
  const code = await client.request("locations", { locationReference: run.valueLocationReference! });
  expect(code!.line).toBe(lineOf("tasks.c", "static void show_clock(struct task *self)"));
});

test("a source that is not here has a text that says so, and its breakpoints work", async () => {
  await client.launchToEntry({ kernel: SAMPLE, cwd: "/", sourceMap: { "/no": "/where" } });
  // A path of another machine, found by its end.
  const line = lineOf("main.c", "paging_init();");
  const { breakpoints } = await client.request("setBreakpoints", {
    source: { path: "/home/someone/kernel/sample-kernel/main.c" },
    breakpoints: [{ line }],
  });
  expect(breakpoints[0]).toMatchObject({ verified: true, line });
  await client.go();
  const { content } = await client.request("source", {
    sourceReference: 0,
    source: { path: "/no/such/file.c" },
  });
  expect(content).toContain("is not on this machine");
  expect(content).toContain("sourceMap");
});

test("memory that a client was shown and that has changed by the next stop is announced", async () => {
  await client.launchToEntry();
  const { memoryReference } = await client.request("evaluate", { expression: "&ticks", context: "watch" });
  await client.request("readMemory", { memoryReference: memoryReference!, count: 8 });
  await client.request("readMemory", { memoryReference: "p:0x3000000", count: 64 });
  await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "exit_if_asked" }] });
  await client.go();
  expect((await client.event("memory")).body).toEqual({ memoryReference, offset: 0, count: 8 });
  const others = client.messages.filter((message) => JSON.stringify(message).includes('"event":"memory"'));
  expect(others).toHaveLength(1);
});
