/** The stack as frames of labelled bytes: the sample kernel in an interrupt over a red zone, after an overflow, with a stack protector, in 16- and 32-bit code. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StackBody, StackFrame, StackSlot } from "../../media/protocol.ts";
import { Client, lineOf, sampleSource } from "../adapter/client.ts";
import { assemble, hasOracle as hasNasm } from "../adapter/qemu.ts";
import { compileSample, hasCompiler } from "./oracle.ts";

let client: Client;
beforeEach(() => {
  client = new Client(60_000);
});
afterEach(() => client.end());

/** Stops where the text is in a source file of the sample. */
async function stopAt(
  file: string,
  text: string,
  configuration: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await client.launchToEntry(configuration, () =>
    client.request("setBreakpoints", {
      source: { path: sampleSource(file) },
      breakpoints: [{ line: lineOf(file, text) }],
    }),
  );
  await client.go();
}
const look = (count = 32): Promise<StackBody> => client.request("redzone/stack", { count, detailed: count });

const named = (body: StackBody, name: string): StackFrame => {
  const frame = body.frames.find(({ functions }) => functions.at(-1)?.name === name);
  expect(frame, `a frame of ${name}`).toBeDefined();
  return frame!;
};
const slot = ({ slots = [] }: StackFrame, name: string): StackSlot => {
  const found = slots.find((each) => each.name === name);
  expect(found, `${name} among ${slots.map((each) => each.name).join(", ")}`).toBeDefined();
  return found!;
};
const size = ({ low, high }: StackFrame): number => Number(BigInt(high!) - BigInt(low));

describe("an interrupt over the red zone of a function", () => {
  beforeEach(() => stopAt("timer.c", "ticks++;", { append: "bug=redzone" }), 60_000);

  test("frames go on below the handler, and say what every word is", async () => {
    const body = await look();
    expect(body).toMatchObject({ cpu: 0, bits: 64, wordBytes: 8, pointerName: "RSP", unreadable: null });
    expect(body.frames.slice(0, 7).map(({ functions }) => functions[0]!.name)).toEqual([
      "tick",
      "interrupt",
      "save_registers",
      "sum_in_red_zone",
      "red_zone_bug",
      "show_bug",
      "kernel_main",
    ]);
    expect(body.frames.map(({ isInterrupted }) => isInterrupted).indexOf(true)).toBe(3);
    const stub = named(body, "save_registers");
    expect(stub.slots!.slice(-8).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "saved rax",
      "pointed frame->vector",
      "pointed frame->error_code",
      "interrupt RIP",
      "interrupt CS",
      "interrupt RFLAGS",
      "interrupt RSP",
      "interrupt SS",
    ]);
    const interrupted = named(body, "sum_in_red_zone");
    expect(slot(stub, "RSP").value).toBe(interrupted.low);
    expect(slot(stub, "RIP")).toMatchObject({
      target: { kind: "code", text: expect.stringMatching(/^sum_in_red_zone\+/) },
    });
    expect(slot(stub, "CS").note).toBe("ring 0");
    expect(slot(stub, "frame->vector").value).toBe("32");
    expect(slot(named(body, "tick"), "return address").target!.text).toMatch(/^interrupt\+0x/);
    expect(slot(named(body, "interrupt"), "frame")).toMatchObject({
      kind: "parameter",
      type: "struct interrupt_frame *",
      target: { kind: "stack", text: "the frame of save_registers" },
    });
    const boot = slot(named(body, "kernel_main"), "boot");
    expect(boot).toMatchObject({ kind: "local", type: "struct boot_information", sizeBytes: 40 });
    expect(boot.parts!.map(({ name }) => name)).toEqual([
      "protocol",
      "loader",
      "command_line",
      "usable_bytes",
      "usable_ranges",
    ]);
    expect(boot.parts![0]).toMatchObject({ value: expect.stringContaining('"Multiboot 1"') });
  });

  test("frames have no holes, and end where the next begins", async () => {
    const { frames } = await look();
    for (const [n, frame] of frames.entries()) {
      if (frame.high === null) continue;
      let at = BigInt(frame.low);
      for (const { address, sizeBytes } of frame.slots!) {
        expect(address).toBe(`0x${at.toString(16)}`);
        at += BigInt(sizeBytes);
      }
      expect(`0x${at.toString(16)}`).toBe(frame.high);
      const next = frames[n + 1];
      if (next !== undefined) expect(BigInt(next.low)).toBe(BigInt(frame.high) + BigInt(next.alignmentBytes));
    }
  });

  test("the red zone says byte by byte what was needed and who overwrote it", async () => {
    const { windows, warnings } = await look();
    const [own, lost] = windows;
    expect(own).toMatchObject({ frame: 0, functionName: "tick", usedBytes: 0 });
    expect(own!.runs.map(({ state }) => state)).toEqual(["dead"]);
    expect(lost).toMatchObject({ frame: 3, functionName: "sum_in_red_zone" });
    expect(lost!.usedBytes).toBeGreaterThan(64);
    const overwritten = lost!.runs.filter(({ state }) => state === "overwritten");
    expect(overwritten.map(({ name }) => name)).toContain("numbers");
    expect(overwritten.find(({ offset }) => offset === -40)).toMatchObject({
      sizeBytes: 8,
      by: "RIP, pushed by the processor",
    });
    // It was read for the last time when the numbers were made.
    expect(lost!.runs.find(({ name }) => name === "first")).toMatchObject({ state: "dead" });
    expect(lost!.text).toMatch(/-mno-red-zone/);
    expect(warnings.map(({ text }) => text)).toContain(lost!.text);
    expect(lost!.runs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(128);
  });

  test("what has changed since the last stop is marked", async () => {
    await look();
    await client.go("next");
    const first = await look();
    expect(first.frames.flatMap(({ slots = [] }) => slots).filter(({ before }) => before !== null)).toEqual(
      [],
    );
    await client.go("stepOut");
    await client.go("stepOut");
    await client.request("setBreakpoints", {
      source: { path: sampleSource("bugs.c") },
      breakpoints: [{ line: lineOf("bugs.c", 'print("redzone: the sum is') }],
    });
    await look();
    await client.go();
    const body = await look();
    expect(slot(named(body, "red_zone_bug"), "sum")).toMatchObject({ before: expect.stringMatching(/^0x/) });
    expect(slot(named(body, "red_zone_bug"), "first").before).toBeNull();
  });

  test("a frame of the call stack is found again, and frames come in pieces", async () => {
    const { stackFrames } = await client.request("stackTrace", { threadId: 1 });
    const wanted = stackFrames.findIndex(({ name }) => name.startsWith("kernel_main"));
    const body = await client.request("redzone/stack", { frameId: stackFrames[wanted]!.id, detailed: 0 });
    expect(body.chosen).toBe(wanted);
    expect(body.frames[0]!.slots).toBeUndefined();
    const whole = await look();
    const two = await client.request("redzone/stack", { count: 2, detailed: 2 });
    expect(two.hasMore).toBe(true);
    const rest = await client.request("redzone/stack", { start: 2, count: 100, detailed: 100 });
    expect(rest.hasMore).toBe(false);
    expect([...two.frames, ...rest.frames]).toEqual(whole.frames);
    const { slots } = await client.request("redzone/stackSlots", { frame: 1 });
    expect(slots).toEqual(whole.frames[1]!.slots);
    expect((await client.request("redzone/stackSlots", { frame: 1000 })).slots).toEqual([]);
  });

  test("info stack says the same in text", async () => {
    const text = await client.evaluate("info stack 4", "repl");
    expect(text).toMatch(
      /^CPU 0: RSP 0x[0-9a-f]+ in stack \(0x[0-9a-f]+-0x[0-9a-f]+, 16384 bytes\): \d+ bytes used/,
    );
    expect(text).toMatch(/^#1 interrupt\+0x[0-9a-f]+ at \S*interrupts\.c:\d+ /m);
    expect(text).toMatch(/^ {2}0x[0-9a-f]+ +return address +0x[0-9a-f]+ <interrupt\+0x/m);
    expect(text).toMatch(/^\.\.\. more frames: info stack 5$/m);
    const refused = await client.respond("evaluate", { expression: "info stack x", context: "repl" });
    expect(refused.message).toMatch(/invalid number of frames/);
  });
});

test("an overflow: the stack that it left, and the one it is on now", async () => {
  await client.launchToEntry({ append: "bug=overflow" });
  await client.go();
  const body = await look(200);
  const deep = body.frames.find(({ isInterrupted }) => isInterrupted)!;
  expect(deep.functions[0]!.name).toBe("descend");
  expect(deep.switchedTo).not.toBeNull();
  expect(body.frames.filter(({ functions }) => functions[0]?.name === "descend").length).toBeGreaterThan(40);
  expect(size(deep)).toBeGreaterThan(256);
  // It reaches into the guard page.
  expect(deep.slots![0]).toMatchObject({
    name: "not readable",
    value: expect.stringContaining("not present"),
  });
  const next = body.frames[deep.index + 1]!;
  expect(slot(next, "frame").parts).toHaveLength(32);
  const overflow = body.warnings.find(({ severity }) => severity === "error");
  expect(overflow?.text).toMatch(/^Overflow: the stack pointer is \d+ bytes below the end of stack\.$/);
  // The handler has a vector of its own and an error code.
  const stub = body.frames[deep.index - 1]!;
  expect(slot(stub, "RIP").note).toMatch(/^interrupted here/);
});

test.skipIf(!hasCompiler)("thousands of frames come in pieces, the first of them at once", async () => {
  const { elf } = compileSample(
    "deep",
    "-O0 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables",
    4 << 20,
  );
  await client.launchToEntry({ kernel: elf, append: "bug=overflow" });
  await client.go();
  const first = await client.request("redzone/stack", { count: 48, detailed: 6 });
  expect(first.frames).toHaveLength(48);
  expect(first.hasMore).toBe(true);
  let frames = first.frames;
  for (let hasMore = true; hasMore;) {
    const next = await client.request("redzone/stack", { start: frames.length, count: 1024, detailed: 0 });
    for (const [n, frame] of next.frames.entries()) expect(frame.index).toBe(frames.length + n);
    frames = [...frames, ...next.frames];
    ({ hasMore } = next);
    if (!hasMore) expect(next.end).not.toBeNull();
  }
  // 4 MiB in frames of 288 bytes.
  expect(frames.filter(({ functions }) => functions[0]?.name === "descend").length).toBeGreaterThan(14_000);
  const { slots } = await client.request("redzone/stackSlots", { frame: 10_000 });
  expect(slots.map(({ name }) => name)).toEqual(expect.arrayContaining(["depth", "frame", "return address"]));
  // The stack is too large to be read from end to end.
  const { stacks } = await client.request("redzone/stacks");
  expect(stacks.find(({ name }) => name === "stack")!.highWater).toMatchObject({ method: "pointer" });
});

test.skipIf(!hasCompiler)(
  "a stack protector's word is recognised, and compared with what it must be",
  async () => {
    const { elf } = compileSample("protected", "-O1 -fstack-protector-all -fno-asynchronous-unwind-tables");
    await client.launchToEntry({ kernel: elf }, () =>
      client.request("setFunctionBreakpoints", { breakpoints: [{ name: "options_init" }] }),
    );
    await client.go();
    // Behind the prologue: the next line.
    await client.go("next");
    const word = (body: StackBody): StackSlot => {
      const found = named(body, "options_init").slots!.find(({ kind }) => kind === "canary");
      expect(found).toBeDefined();
      return found!;
    };
    const intact = word(await look());
    expect(intact).toMatchObject({ name: "stack protector", sizeBytes: 8, note: "intact: as it must be" });
    await client.request("writeMemory", { memoryReference: `v:${intact.address}`, data: "/////w==" });
    const body = await look();
    expect(word(body).note).toMatch(/^overwritten: it must be 0x/);
    expect(body.warnings.map(({ text }) => text).join()).toMatch(/stack protector's word of options_init/);
  },
);

test("at a handler's first instruction: what the processor has pushed, and through which gate", async () => {
  await client.launchToEntry();
  const vectors = BigInt(/0x[0-9a-f]+/.exec(await client.evaluate("&vectors"))![0]);
  const stub = `0x${(vectors + 0x20n * 16n).toString(16)}`;
  await client.request("setInstructionBreakpoints", { breakpoints: [{ instructionReference: stub }] });
  await client.go();
  const body = await look();
  const [handler, interrupted] = body.frames;
  expect(handler).toMatchObject({ pc: stub, low: body.pointer });
  expect(handler!.slots!.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "interrupt RIP",
    "interrupt CS",
    "interrupt RFLAGS",
    "interrupt RSP",
    "interrupt SS",
  ]);
  expect(slot(handler!, "RIP").note).toBe("interrupted here by vector 0x20");
  expect(interrupted).toMatchObject({ isInterrupted: true, low: slot(handler!, "RSP").value });
  // The processor aligns the stack pointer to 16 before it pushes.
  expect(Number(BigInt(handler!.high!) % 16n)).toBe(0);
  // The stub's own pushes move neither.
  for (let n = 0; n < 2; n++) {
    await client.go("stepIn", { granularity: "instruction" });
    const { frames } = await look();
    expect(frames[0]!.high).toBe(handler!.high);
    expect(frames[1]!.low).toBe(interrupted!.low);
  }
  expect(interrupted!.alignmentBytes).toBe(Number(BigInt(interrupted!.low) - BigInt(handler!.high!)));
});

test("an error code is the processor's, and says what it means", async () => {
  await client.launchToEntry({ append: "bug=null" });
  const vectors = BigInt(/0x[0-9a-f]+/.exec(await client.evaluate("&vectors"))![0]);
  const stub = `0x${(vectors + 14n * 16n).toString(16)}`;
  await client.request("setInstructionBreakpoints", { breakpoints: [{ instructionReference: stub }] });
  await client.request("setExceptionBreakpoints", { filters: [] });
  await client.go();
  const [handler] = (await look()).frames;
  expect(handler!.pc).toBe(stub);
  expect(slot(handler!, "RIP").note).toBe("interrupted here by #PF (page fault)");
  expect(slot(handler!, "error code")).toMatchObject({
    kind: "interrupt",
    value: "0x0",
    note: "0x0: supervisor read of a page that is not present",
  });
});

test("32-bit code has words of 4 bytes and no red zone", async () => {
  await stopAt("boot.S", "call    build_page_tables");
  await client.go("stepIn");
  const body = await look();
  expect(body).toMatchObject({ bits: 32, wordBytes: 4, pointerName: "ESP", windows: [] });
  const [inner] = body.frames;
  expect(inner!.functions[0]!.name).toBe("build_page_tables");
  expect(inner!.slots!.at(-1)).toMatchObject({
    kind: "return",
    sizeBytes: 4,
    target: { text: expect.stringMatching(/^_start\+0x/) },
  });
  expect(body.frames[1]!.functions[0]!.name).toBe("_start");
});

test.skipIf(!hasNasm)("16-bit code has words of 2 bytes, and its segment", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redzone-"));
  try {
    const image = new Uint8Array(1 << 20);
    image.set(
      assemble(
        "bits 16\norg 0x7c00\ncli\nxor ax, ax\nmov ss, ax\nmov sp, 0x7c00\npush word 0x1234\npush word 0x5678\nhlt\ntimes 510-($-$$) db 0\ndw 0xaa55\n",
      ),
    );
    writeFileSync(join(folder, "disk.img"), image);
    await client.launchToEntry({
      kernel: undefined,
      drives: [{ file: join(folder, "disk.img"), interface: "ide" }],
    });
    await client.go();
    const body = await look();
    expect(body).toMatchObject({ bits: 16, wordBytes: 2, pointer: "0x7bfc", pointerName: "SP", windows: [] });
    expect(body.frames[0]!.slots!.slice(0, 2).map(({ value, sizeBytes }) => [value, sizeBytes])).toEqual([
      ["0x5678", 2],
      ["0x1234", 2],
    ]);
    expect(body.end).toBe("callers of 16-bit code are not followed");
    const { stacks } = await client.request("redzone/stacks");
    expect(stacks[0]).toMatchObject({ low: "0x0", high: "0x10000", extent: "the stack segment" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a stack pointer in nothing is said, with the reason", async () => {
  await stopAt("timer.c", "ticks++;");
  await client.evaluate("$rsp = 0xffff900000000000", "repl");
  const body = await look();
  expect(body.unreadable).toMatchObject({
    address: "0xffff900000000000",
    why: expect.stringContaining("not present"),
  });
  expect(body.warnings[0]).toMatchObject({
    severity: "error",
    text: expect.stringContaining("is in no readable memory"),
  });
  const { stacks } = await client.request("redzone/stacks");
  expect(stacks[0]).toMatchObject({ cpu: 0, low: null, highWater: null });
});

test("malformed questions are refused, and a running machine is not asked", async () => {
  await client.launchToEntry();
  expect((await client.respond("redzone/stack", { cpu: 7 })).message).toMatch(/no CPU with thread id 8/);
  expect((await client.respond("redzone/stack", { count: "x" })).message).toMatch(/must be a number/);
  expect((await client.respond("redzone/stackWords", { high: "top", count: 4 })).message).toMatch(
    /not a memory reference/,
  );
  expect((await client.request("redzone/stack", { start: -5, count: -1 })).frames).toEqual([]);
  await client.request("continue", { threadId: 1 });
  expect((await client.respond("redzone/stack", {})).message).toMatch(/is running/);
  expect((await client.respond("evaluate", { expression: "info stack", context: "repl" })).message).toMatch(
    /is running/,
  );
  await client.request("pause", { threadId: 1 });
  await client.stopped();
});
