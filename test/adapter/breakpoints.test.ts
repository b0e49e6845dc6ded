/** Breakpoints of every kind, on the sample kernel. A title begins with the capability that it uses. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, lineOf, sampleSource } from "./client.ts";

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const inMain = { path: sampleSource("main.c") };
const inTasks = { path: sampleSource("tasks.c") };

test("a source breakpoint set before the launch stops on its line", async () => {
  const line = lineOf("main.c", "interrupts_init();");
  await client.launchToEntry({}, async () => {
    const { breakpoints } = await client.request("setBreakpoints", {
      source: inMain,
      breakpoints: [{ line }],
    });
    expect(breakpoints).toMatchObject([{ verified: true, line }]);
  });
  const stop = await client.go();
  expect(stop).toMatchObject({ reason: "breakpoint", hitBreakpointIds: [1] });
  expect(await client.where()).toBe(`main.c:${line} kernel_main`);
});

test("a source breakpoint on a line without code moves to the next one, and one beyond the file is not verified", async () => {
  const empty = lineOf("main.c", "banner(&boot);") + 1;
  await client.launchToEntry();
  const { breakpoints } = await client.request("setBreakpoints", {
    source: inMain,
    breakpoints: [{ line: empty }, { line: 5000 }],
  });
  expect(breakpoints[0]).toMatchObject({ verified: true, line: empty + 1 });
  expect(breakpoints[1]).toMatchObject({ verified: false });
});

test("supportsConfigurationDoneRequest: a machine that does not stop at its entry waits for the breakpoints", async () => {
  await client.launch({ stopOnEntry: false }, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] }),
  );
  expect((await client.stopped()).reason).toBe("function breakpoint");
});

test("supportsFunctionBreakpoints: stops behind the prologue, in C and in 32-bit assembly", async () => {
  await client.launchToEntry();
  const { breakpoints } = await client.request("setFunctionBreakpoints", {
    breakpoints: [{ name: "build_page_tables" }, { name: "console_init" }, { name: "no_such_function" }],
  });
  expect(breakpoints.map((each) => each.verified)).toEqual([true, true, false]);
  expect((await client.go()).reason).toBe("function breakpoint");
  expect(await client.where()).toContain("build_page_tables");
  expect((await client.request("redzone/status")).mode).toBe("32-bit");
  await client.go();
  expect(await client.where()).toContain("console_init");
  expect((await client.request("redzone/status")).mode).toBe("64-bit");
});

test("supportsConditionalBreakpoints: stops only when the condition holds", async () => {
  const line = lineOf("tasks.c", "task->flags.turns++");
  await client.launchToEntry({}, () =>
    client.request("setBreakpoints", {
      source: inTasks,
      breakpoints: [{ line, condition: "task->name[0] == 'c' && task->flags.priority == 2" }],
    }),
  );
  await client.go();
  expect(await client.evaluate("task->name")).toContain('"clock"');
});

test("a condition that cannot be evaluated stops and says why", async () => {
  const line = lineOf("tasks.c", "task->flags.turns++");
  await client.launchToEntry({}, () =>
    client.request("setBreakpoints", {
      source: inTasks,
      breakpoints: [{ line, condition: "no_such_name > 1" }],
    }),
  );
  expect((await client.go()).reason).toBe("breakpoint");
  expect(client.console()).toContain("no_such_name");
});

test("supportsHitConditionalBreakpoints: stops at the hit that was asked for", async () => {
  const line = lineOf("tasks.c", "task->flags.turns++");
  await client.launchToEntry({}, () =>
    client.request("setBreakpoints", { source: inTasks, breakpoints: [{ line, hitCondition: "== 3" }] }),
  );
  await client.go();
  // clock and echo are due at once, report at the first tick.
  const turns = (
    await Promise.all(["echo", "clock", "report"].map((name) => client.evaluate(`${name}.flags.turns`)))
  ).map(Number);
  expect(turns.reduce((sum, each) => sum + each)).toBe(2);
});

test("supportsLogPoints: writes the message and goes on", async () => {
  const line = lineOf("tasks.c", "task->flags.turns++");
  await client.launchToEntry({}, async () => {
    await client.request("setBreakpoints", {
      source: inTasks,
      breakpoints: [
        { line, logMessage: "task {task->name} has run {task->flags.turns,d} times, {{braces}}" },
      ],
    });
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "exit_if_asked" }] });
  });
  await client.go();
  expect(client.console()).toMatch(/task 0x[0-9a-f]+( <[^>]*>)? "clock" has run 0 times, \{braces\}/);
  expect(await client.where()).toContain("exit_if_asked");
});

test("supportsInstructionBreakpoints: stops at an address with an offset", async () => {
  await client.launchToEntry();
  const { instructions } = await client.request("disassemble", {
    memoryReference: (await client.top()).instructionPointerReference!,
    instructionCount: 4,
  });
  const third = instructions[2]!.address;
  const { breakpoints } = await client.request("setInstructionBreakpoints", {
    breakpoints: [
      {
        instructionReference: instructions[0]!.address,
        offset: Number(BigInt(third) - BigInt(instructions[0]!.address)),
      },
    ],
  });
  expect(breakpoints[0]).toMatchObject({ verified: true });
  expect((await client.go()).reason).toBe("instruction breakpoint");
  expect(await client.evaluate("$rip")).toBe(third);
});

test("breakpointModes: a physical breakpoint stops where the code is in memory", async () => {
  const line = lineOf("main.c", "paging_init();");
  await client.launchToEntry();
  const { breakpoints } = await client.request("setBreakpoints", {
    source: inMain,
    breakpoints: [{ line, mode: "physical" }],
  });
  expect(breakpoints[0]!.instructionReference).toMatch(/^p:0x/);
  await client.go();
  expect(await client.where()).toBe(`main.c:${line} kernel_main`);
});

test("supportsDataBreakpoints: a variable is watched for writes", async () => {
  await client.launchToEntry();
  const info = await client.request("dataBreakpointInfo", { name: "ticks" });
  expect(info).toMatchObject({
    accessTypes: ["read", "write", "readWrite"],
    description: expect.stringMatching(/^ticks: 8 bytes at v:0x/),
  });
  const { breakpoints } = await client.request("setDataBreakpoints", {
    breakpoints: [{ dataId: info.dataId!, accessType: "write" }],
  });
  expect(breakpoints[0]).toMatchObject({ verified: true });
  const stop = await client.go();
  expect(stop).toMatchObject({
    reason: "data breakpoint",
    text: expect.stringMatching(/^Write of 8 bytes at 0x[0-9a-f]+: 0x0 became 0x1$/),
  });
  expect(await client.where()).toContain("tick");
  expect(await client.evaluate("ticks")).toBe("1");
});

test("supportsDataBreakpointBytes: any number of ranges, linear and physical, by address", async () => {
  await client.launchToEntry();
  const screen = await client.request("dataBreakpointInfo", {
    name: "p:0xb8000",
    asAddress: true,
    bytes: 4000,
  });
  expect(screen).toMatchObject({ dataId: "p:0xb8000/4000", canPersist: true });
  const idle = Array.from({ length: 8 }, (_, i) => ({
    dataId: `v:0x${(0x3000000 + i * 0x1000).toString(16)}/16`,
    accessType: "readWrite" as const,
  }));
  const { breakpoints } = await client.request("setDataBreakpoints", {
    breakpoints: [...idle, { dataId: screen.dataId!, accessType: "write" }],
  });
  expect(breakpoints.every((each) => each.verified)).toBe(true);
  const stop = await client.go();
  expect(stop.hitBreakpointIds).toEqual([breakpoints.at(-1)!.id]);
  const physical = BigInt(/at (0x[0-9a-f]+)/.exec(stop.text!)![1]!);
  expect(physical >= 0xb8000n && physical < 0xb8000n + 4000n).toBe(true);
});

test("a data breakpoint by variable finds members of structures through the Variables view", async () => {
  const line = lineOf("tasks.c", "task->flags.turns++");
  await client.launchToEntry({}, () =>
    client.request("setBreakpoints", { source: inTasks, breakpoints: [{ line }] }),
  );
  await client.go();
  const task = (await client.scope("Locals")).find((each) => each.name === "task")!;
  const info = await client.request("dataBreakpointInfo", {
    variablesReference: task.variablesReference,
    name: "state",
  });
  expect(info.dataId).toMatch(/\/4$/);
  await client.request("setBreakpoints", { source: inTasks, breakpoints: [] });
  await client.request("setDataBreakpoints", {
    breakpoints: [{ dataId: info.dataId!, condition: "clock.state == 2" }],
  });
  expect((await client.go()).reason).toBe("data breakpoint");
  expect(await client.evaluate("clock.state")).toBe("SLEEPING (2)");
});

test("supportsBreakpointLocationsRequest: lists the lines with code", async () => {
  await client.launchToEntry();
  const first = lineOf("main.c", "segments_init();");
  const { breakpoints } = await client.request("breakpointLocations", {
    source: inMain,
    line: first - 1,
    endLine: first + 2,
  });
  expect(breakpoints.map((each) => each.line)).toEqual([first, first + 1, first + 2]);
});

test("breakpoints keep their numbers when they are set again, and go when they are left out", async () => {
  const one = lineOf("main.c", "segments_init();");
  const two = lineOf("main.c", "timer_init();");
  await client.launchToEntry();
  const before = await client.request("setBreakpoints", {
    source: inMain,
    breakpoints: [{ line: one }, { line: two }],
  });
  const after = await client.request("setBreakpoints", { source: inMain, breakpoints: [{ line: two }] });
  expect(after.breakpoints[0]!.id).toBe(before.breakpoints[1]!.id);
  await client.go();
  expect(await client.where()).toBe(`main.c:${two} kernel_main`);
});

test("breakpoints stay over a reboot", async () => {
  await client.launchToEntry({ append: "bug=triple-fault" }, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] }),
  );
  expect((await client.go()).reason).toBe("function breakpoint");
  const stop = await client.go();
  expect(stop).toMatchObject({ reason: "exception", description: expect.stringContaining("Triple fault") });
  expect((await client.go()).reason).toBe("function breakpoint");
  expect(await client.where()).toContain("kernel_main");
});
