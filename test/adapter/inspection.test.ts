/** Looking at a stopped machine: stack, scopes, variables, expressions, registers; and changing them. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, lineOf, sampleSource } from "./client.ts";

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const stopAt = async (
  file: string,
  text: string,
  configuration: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  await client.launchToEntry(configuration, () =>
    client.request("setBreakpoints", {
      source: { path: sampleSource(file) },
      breakpoints: [{ line: lineOf(file, text) }],
    }),
  );
  await client.go();
};
const inTask = (): Promise<void> => stopAt("tasks.c", "task->flags.turns++");
const inInterrupt = (): Promise<void> => stopAt("timer.c", "ticks++;");

test("supportsDelayedStackTraceLoading: frames come in pieces and add up", async () => {
  await inInterrupt();
  const whole = await client.request("stackTrace", { threadId: 1 });
  const one = await client.request("stackTrace", { threadId: 1, startFrame: 0, levels: 1 });
  const rest = await client.request("stackTrace", { threadId: 1, startFrame: 1, levels: 100 });
  expect([...one.stackFrames, ...rest.stackFrames].map((frame) => frame.name)).toEqual(
    whole.stackFrames.map((frame) => frame.name),
  );
  expect(one.totalFrames).toBeGreaterThan(1);
  expect(rest.totalFrames).toBe(whole.stackFrames.length);
});

test("the call stack goes on below an interrupt", async () => {
  await inInterrupt();
  const frames = await client.frames();
  expect(frames[0]).toMatchObject({ name: "tick", moduleId: 1, source: { name: "timer.c" } });
  expect(frames[0]!.instructionPointerReference).toMatch(/^v:0x[0-9a-f]+$/);
  expect(frames.some((frame) => frame.name.includes("[interrupted]"))).toBe(true);
  expect(frames.map((frame) => frame.name)).toContain("kernel_main");
});

test("locals, parameters and the globals of a file", async () => {
  await inTask();
  const locals = await client.scope("Locals");
  expect(locals.map((each) => each.name)).toEqual(["task"]);
  expect(locals[0]).toMatchObject({ type: "struct task *", evaluateName: "task" });
  const members = await client.children(locals[0]!.variablesReference);
  expect(members.map((each) => each.name)).toEqual([
    "name",
    "run",
    "state",
    "flags",
    "wake_at",
    "data",
    "next",
  ]);
  expect(members[0]).toMatchObject({ value: expect.stringContaining('"clock"'), evaluateName: "task->name" });
  expect(members[1]).toMatchObject({
    value: expect.stringMatching(/<show_clock>$/),
    valueLocationReference: expect.any(Number),
  });
  expect(members[2]).toMatchObject({ value: "RUNNING (1)" });
  const flags = await client.children(members[3]!.variablesReference);
  expect(flags.map((each) => [each.name, each.value])).toEqual([
    ["priority", "2"],
    ["wants_screen", "1"],
    ["turns", "0"],
  ]);
  const globals = await client.scope("Globals");
  expect(globals.map((each) => each.name)).toEqual(
    expect.arrayContaining(["echo", "clock", "report", "first_task"]),
  );
});

test("supportsSetVariable: a local, a bit-field, a register and one of its fields", async () => {
  await inTask();
  const task = (await client.scope("Locals"))[0]!;
  const flags = (await client.children(task.variablesReference)).find((each) => each.name === "flags")!;
  const set = await client.request("setVariable", {
    variablesReference: flags.variablesReference,
    name: "turns",
    value: "41 + 1",
  });
  expect(set.value).toBe("42");
  expect(await client.evaluate("task->flags.turns")).toBe("42");
  expect(await client.evaluate("task->flags.priority")).toBe("2");

  const groups = await client.scope("Registers");
  const general = groups.find((each) => each.name === "General")!.variablesReference;
  expect(
    await client.request("setVariable", { variablesReference: general, name: "r15", value: "0x1234" }),
  ).toMatchObject({ value: "0x0000000000001234" });
  expect(await client.evaluate("$r15")).toBe("0x1234");
  const rflags = (await client.children(general)).find((each) => each.name === "rflags")!;
  await client.request("setVariable", {
    variablesReference: rflags.variablesReference,
    name: "CF",
    value: "1",
  });
  expect(await client.evaluate("$rflags & 1")).toBe("0x1");
});

test("a register that hardware would refuse is refused with the reason", async () => {
  await inTask();
  const control = (await client.scope("Registers")).find(
    (each) => each.name === "Control",
  )!.variablesReference;
  const response = await client.respond("setVariable", {
    variablesReference: control,
    name: "cr0",
    value: "0x80000000",
  });
  expect(response).toMatchObject({ success: false, message: expect.stringContaining("PG needs PE") });
  expect(await client.evaluate("$cr0 & 1")).toBe("0x1");
});

test("registers in groups, with their bit-fields and descriptor tables decoded", async () => {
  await inInterrupt();
  const groups = await client.scope("Registers");
  expect(groups.map((each) => each.name)).toEqual([
    "General",
    "Segments",
    "Control",
    "Tables",
    "Debug",
    "Model-specific",
    "x87",
    "SSE",
  ]);
  const group = async (
    name: string,
  ): Promise<ReadonlyMap<string, { value: string; variablesReference: number; type?: string }>> =>
    new Map(
      (await client.children(groups.find((each) => each.name === name)!.variablesReference)).map((each) => [
        each.name,
        each,
      ]),
    );
  const control = await group("Control");
  expect(control.get("cr0")!.value).toMatch(/^0x80010011 \[PG WP ET PE\]$/);
  expect(control.get("efer")!.value).toBe("0x500 [LMA LME]");
  const bits = await client.children(control.get("cr4")!.variablesReference);
  expect(bits.find((each) => each.name === "PAE")).toMatchObject({
    value: "1",
    type: "bit 5: 8-byte page-table entries",
  });
  const segments = await group("Segments");
  expect(segments.get("cs")!.value).toContain("64-bit code");
  const tables = await group("Tables");
  const idt = await client.children(tables.get("IDT")!.variablesReference);
  expect(idt.find((each) => each.name === "[0xe] #PF")!.value).toMatch(
    /interrupt gate, 64-bit, 0x8:0x[0-9a-f]+, DPL 0 <vectors/,
  );
  expect(idt.find((each) => each.name === "[0x8] #DF")!.value).toContain("IST 1");
  const gdt = await client.children(tables.get("GDT")!.variablesReference);
  expect(gdt.find((each) => each.name === "[3] 0x18")!.value).toMatch(/^64-bit TSS \(busy\)/);
  const tss = await client.children(tables.get("TSS")!.variablesReference);
  expect(tss.find((each) => each.name === "ist1")!.value).not.toBe("0x0");
});

test("registers of a calling frame are those it had", async () => {
  await stopAt("tasks.c", "task->flags.turns++");
  const [, caller] = await client.frames();
  const { result } = await client.request("evaluate", {
    expression: "$rip",
    frameId: caller!.id,
    context: "watch",
  });
  expect(`v:${result}`).toBe(caller!.instructionPointerReference);
  const refused = await client.respond("setExpression", {
    expression: "$rbp",
    value: "0",
    frameId: caller!.id,
  });
  expect(refused).toMatchObject({ success: false, message: expect.stringContaining("calling frame") });
});

test("supportsEvaluateForHovers: names, members and registers, without side effects", async () => {
  await inTask();
  expect(await client.evaluate("task->next->name", "hover")).toContain('"echo"');
  const response = await client.respond("evaluate", {
    expression: "task->flags.turns = 9",
    context: "hover",
  });
  expect(response).toMatchObject({ success: false, message: expect.stringContaining("not allowed") });
});

test("expressions: casts, address spaces, formats, assignments", async () => {
  await inTask();
  expect(await client.evaluate("*(unsigned short *)p:0xb8000, x", "watch")).toMatch(/^0x[0-9a-f]+$/);
  expect(await client.evaluate("*(u8 *)v:&task->flags == *(unsigned char *)&task->flags")).toBe("true");
  expect(await client.evaluate("task->name, s")).toBe('"clock"');
  expect(await client.evaluate("task->wake_at, b")).toMatch(/^0b0+/);
  expect(await client.evaluate("'A', d")).toBe("65");
  expect(await client.evaluate("sizeof(struct task)")).toBe("48");
  expect(await client.evaluate("&first_task->next")).toMatch(/^0x/);
  expect(await client.evaluate("first_task == &report ? 1 + 2 * 3 : 0")).toBe("7");
  expect(await client.evaluate("task->flags.turns += 5", "repl")).toBe("5");
  expect(await client.evaluate("$al = 0x7f", "repl")).toBe("0x7f");
  expect(await client.evaluate("(enum task_state) 2")).toBe("SLEEPING (2)");
  const response = await client.respond("evaluate", { expression: "1 +", context: "watch" });
  expect(response).toMatchObject({ success: false, message: "The expression ends too early at column 4" });
});

test("supportsSetExpression: what can be evaluated can be set", async () => {
  await inTask();
  expect(
    await client.request("setExpression", { expression: "clock.data.clock.separator", value: "'!'" }),
  ).toMatchObject({ value: "33 '!'" });
  expect(
    await client.request("setExpression", { expression: "$rflags.if", value: "1" }).catch(() => "refused"),
  ).toBe("refused");
  expect(await client.request("setExpression", { expression: "$rbx", value: "-1" })).toMatchObject({
    value: "0xffffffffffffffff",
  });
});

test("supportsValueFormattingOptions: hexadecimal on request", async () => {
  await inTask();
  const decimal = await client.request("evaluate", { expression: "sizeof(struct task)", context: "watch" });
  const hex = await client.request("evaluate", {
    expression: "sizeof(struct task)",
    context: "watch",
    format: { hex: true },
  });
  expect([decimal.result, hex.result]).toEqual(["48", "0x30"]);
  const { stackFrames } = await client.request("stackTrace", {
    threadId: 1,
    format: { parameters: true, parameterNames: true, module: true, line: true },
  });
  expect(stackFrames[0]!.name).toMatch(/sample\.elf!run_task\(task\) Line \d+$/);
});

test("supportsClipboardContext: the whole value", async () => {
  await inTask();
  const text = await client.evaluate("clock", "clipboard");
  expect(text.split("\n").length).toBeGreaterThan(6);
  expect(text).toContain("wake_at = ");
});

test("large arrays come page by page", async () => {
  await stopAt("main.c", "segments_init();");
  const body = await client.request("evaluate", {
    expression: "(unsigned char *)0x200000, 100000",
    context: "watch",
  });
  expect(body.indexedVariables).toBe(100000);
  const { variables } = await client.request("variables", {
    variablesReference: body.variablesReference,
    filter: "indexed",
    start: 70000,
    count: 3,
  });
  expect(variables.map((each) => each.name)).toEqual(["[70000]", "[70001]", "[70002]"]);
});

test("supportsCompletionsRequest: registers, members, names, monitor commands", async () => {
  await inTask();
  const labels = async (text: string): Promise<string[]> =>
    (await client.request("completions", { text, column: text.length + 1 })).targets.map(
      (item) => item.label,
    );
  expect(await labels("$r1")).toEqual(expect.arrayContaining(["r10", "r15"]));
  expect(await labels("task->fl")).toEqual(["flags"]);
  expect(await labels("kernel_m")).toContain("kernel_main");
  expect(await labels("info r")).toEqual(expect.arrayContaining(["info registers", "info ramblock"]));
});

test("supportsExceptionInfoRequest and supportsExceptionFilterOptions: a page fault explained", async () => {
  await client.launchToEntry({ append: "bug=null" }, async () => {
    const { breakpoints } = (await client.request("setExceptionBreakpoints", {
      filters: [],
      filterOptions: [{ filterId: "vector-14", condition: "$address < 0x1000" }],
    }))!;
    expect(breakpoints).toMatchObject([{ verified: true }]);
  });
  const stop = await client.go();
  expect(stop).toMatchObject({ reason: "exception", description: "Paused: #PF (page fault)" });
  const info = await client.request("exceptionInfo", { threadId: 1 });
  expect(info.exceptionId).toBe("#PF");
  expect(info.description).toMatch(/supervisor read of a page that is not present/);
  expect(info.description).toMatch(/PTE at 0x[0-9a-f]+ = 0x[0-9a-f]+ not present/);
  expect(info.description).toContain("null pointer");
  expect(await client.where()).toMatch(/^bugs\.c:\d+ null_bug$/);
});

test("exceptionBreakpointFilters: mode changes, control registers, MSRs, ports, interrupts", async () => {
  const filters = (list: readonly { filterId: string; condition?: string }[]): Promise<unknown> =>
    client.request("setExceptionBreakpoints", { filters: [], filterOptions: [...list] });
  await client.launchToEntry({}, () => filters([{ filterId: "mode-pg" }]));
  expect(await client.go()).toMatchObject({ reason: "exception", text: "PG is now 1." });
  await filters([{ filterId: "mode-cs-l" }]);
  expect(await client.go()).toMatchObject({ text: "CS.L is now 1." });
  await filters([{ filterId: "port", condition: "$port == 0x43 && $write && $value == 0x36" }]);
  expect(await client.go()).toMatchObject({ text: "OUT to port 0x43: 0x36 (1 byte)." });
  await filters([{ filterId: "interrupt", condition: "$vector == 0x20" }]);
  expect(await client.go()).toMatchObject({ text: "External interrupt 0x20." });
  const info = await client.request("exceptionInfo", { threadId: 1 });
  expect(info.description).toContain("IRQ 0 arrived as vector 0x20.");
  await client.request("restart", {});
  await client.stopped();
  await filters([{ filterId: "msr", condition: "$msr == 0xc0000080" }]);
  expect(await client.go()).toMatchObject({ text: expect.stringContaining("MSR 0xc0000080 written") });
  await filters([{ filterId: "control-register", condition: "$cr == 3" }]);
  await client.request("restart", {});
  await client.stopped();
  expect(await client.go()).toMatchObject({
    text: expect.stringMatching(/^CR3 changed from 0x0 to 0x[0-9a-f]+\.$/),
  });
});

test("a triple fault stops before the reset, and the autopsy shows the chain", async () => {
  await client.launchToEntry({ append: "bug=triple-fault" });
  const stop = await client.go();
  expect(stop.reason).toBe("exception");
  expect((await client.top()).name).toBe("descend");
  const { description } = await client.request("exceptionInfo", { threadId: 1 });
  expect(description).toMatch(/Triple fault: #PF.*→ #DF.*→ shutdown/);
  expect(client.console()).toContain("Triple fault");
});

test("the machine that can do nothing more stops with a reason", async () => {
  await client.launchToEntry({ append: "bug=overflow" });
  expect(await client.go()).toMatchObject({ description: "Halted for good" });
  expect((await client.frames()).map((frame) => frame.name)).toContain("panic");
});

test("a change by hand invalidates what the client shows", async () => {
  await inTask();
  await client.request("setExpression", { expression: "clock.wake_at", value: "7" });
  expect((await client.event("memory")).body).toMatchObject({
    memoryReference: expect.stringMatching(/^v:0x/),
    count: 8,
  });
  expect((await client.event("invalidated")).body).toEqual({ areas: ["all"] });
});

test("a frame of an earlier stop has nothing to show, and its variables and numbers that never were are refused", async () => {
  await inTask();
  const { id } = await client.top();
  const { scopes } = await client.request("scopes", { frameId: id });
  const { variablesReference } = scopes[0] as { variablesReference: number };
  await client.go("next");
  const past = { success: false, message: expect.stringContaining("earlier stop") };
  expect(await client.respond("scopes", { frameId: id })).toMatchObject({
    success: true,
    body: { scopes: [] },
  });
  expect(await client.respond("variables", { variablesReference })).toMatchObject(past);
  expect(await client.respond("scopes", { frameId: 1_000_000 })).toMatchObject({ success: false });
});

test("a vector register as numbers of each size, changed lane by lane", async () => {
  await client.launchToEntry();
  const registers = await client.scope("Registers");
  const sse = registers.find(({ name }) => name === "SSE")!;
  expect(sse.value).toBe("mxcsr 0x1f80");
  const kinds = async () => {
    const [xmm0] = await client.children(sse.variablesReference);
    return client.children(xmm0!.variablesReference);
  };
  const kind = async (wanted: string) => (await kinds()).find(({ name }) => name === wanted)!;
  const set = async (wanted: string, name: string, value: string) =>
    client.request("setVariable", {
      variablesReference: (await kind(wanted)).variablesReference,
      name,
      value,
    });
  expect((await set("v4_float", "[1]", "0.1")).value).toBe("0.1");
  expect((await set("v2_double", "[1]", "-2.5")).value).toBe("-2.5");
  expect((await set("v16_int8", "[0]", "0x7f")).value).toBe("0x7f");
  expect((await kind("v4_float")).value).toBe("{1.78e-43, 0.1, 0, -2.0625}");
  expect((await kind("v2_int64")).value).toBe("{0x3dcccccd0000007f, 0xc004000000000000}");
  expect((await kind("v4_int32")).type).toBe("int32_t[4], lane 0 in the lowest bits");
  await expect(set("v16_int8", "[15]", "256")).rejects.toThrow(/8 bits/u);
});
