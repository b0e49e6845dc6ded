/**
 * System instructions that are emitted do what their operations in TypeScript do, and hand over to them where they must: in random states of every mode and privilege,
 * with interrupts at the door, one instant at a time and many at once.
 */
import { describe, expect, test } from "vitest";
import { Fault, WATCH } from "../../emulator/cpu/event.ts";
import type { Instruction } from "../../emulator/cpu/instruction.ts";
import { SEG, STATE, STATE_BYTES } from "../../emulator/cpu/layout.ts";
import { CR4, EFER, FLAG } from "../../emulator/cpu/registers.ts";
import { systemOperations } from "../../emulator/cpu/system/index.ts";
import { physical } from "../../emulator/numbers.ts";
import { Random } from "../oracle/random.ts";
import { CODE, STACK, testProcessor, type TestMode, type TestProcessor } from "../support/processor.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 4_071_789);
const CASES = Number(process.env["CONTROL_CASES"] ?? 250);
const [GDT, IDT, TSS, HANDLER, KERNEL_STACK] = [0x7000, 0x8000, 0x9000, 0xa000, 0xb000];
const SELECTORS = { code: 0x08, data: 0x10, userData: 0x23, userCode: 0x2b, tss: 0x30 };

/** Selectors that IRET may find in its frame: the right ones more often than others, null, of another kind, RPL or table, not accessed yet, outside. */
const CODES = [0x08, 0x08, 0x08, 0x08, 0x2b, 0x2b, 0x2b, 0x2b, 0x00, 0x10, 0x2a, 0x0c, 0x38, 0x48];
const STACKS = [0x10, 0x10, 0x00, 0x00, 0x23, 0x23, 0x23, 0x23, 0x03, 0x18, 0x13, 0x08, 0x26];

type Mode = TestMode | "virtual8086";

interface Subject {
  readonly name: string;
  readonly code: readonly number[];
  /** What the decoder makes of it, beside the sizes. */
  readonly fields?: Partial<Instruction>;
  readonly long?: true;
}

const SUBJECTS: readonly Subject[] = [
  { name: "cli", code: [0xfa] },
  { name: "sti", code: [0xfb] },
  { name: "pushf", code: [0x9c] },
  { name: "pushf", code: [0x66, 0x9c] },
  { name: "popf", code: [0x9d] },
  { name: "popf", code: [0x66, 0x9d] },
  { name: "rdtsc", code: [0x0f, 0x31] },
  { name: "rdtscp", code: [0x0f, 0x01, 0xf9] },
  { name: "pause", code: [0xf3, 0x90] },
  { name: "clac", code: [0x0f, 0x01, 0xca] },
  { name: "stac", code: [0x0f, 0x01, 0xcb] },
  ...[0, 2, 3, 4].map((n) => ({ name: "mov_r_cr", code: [0x0f, 0x20, 0xc6 | (n << 3)], fields: { reg: n, rm: 6 } })),
  { name: "mov_r_cr", code: [0x44, 0x0f, 0x20, 0xc3], fields: { reg: 8, rm: 3 }, long: true },
  { name: "swapgs", code: [0x0f, 0x01, 0xf8], long: true },
  ...["rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase"].flatMap((name, n): Subject[] => [
    { name, code: [0xf3, 0x0f, 0xae, 0xc3 | (n << 3)], fields: { rm: 3, operandSize: 32 }, long: true },
    { name, code: [0xf3, 0x48, 0x0f, 0xae, 0xc3 | (n << 3)], fields: { rm: 3, operandSize: 64 }, long: true },
  ]),
  { name: "syscall", code: [0x0f, 0x05], long: true },
  { name: "sysret", code: [0x0f, 0x07], fields: { operandSize: 32 }, long: true },
  { name: "sysret", code: [0x48, 0x0f, 0x07], fields: { operandSize: 64 }, long: true },
  ...Array.from({ length: 12 }, () => ({ name: "iret", code: [0x48, 0xcf], fields: { operandSize: 64 }, long: true }) as const),
  { name: "iret", code: [0xcf] },
]; // oxfmt-ignore

/** What a case puts into the state, whatever the mode. */
interface Case {
  readonly subject: Subject;
  readonly cpl: 0 | 1 | 3;
  readonly flags: number;
  readonly cr4: number;
  readonly syscalls: boolean;
  readonly interrupt: boolean;
  readonly image: bigint;
  readonly target: bigint;
  readonly words: readonly bigint[];
  /** CS and SS of a frame for IRET. */
  readonly selectors: readonly [code: number, stack: number];
  readonly noSegments: boolean;
}

function makeCase(random: Random, mode: Mode): Case {
  const subjects = SUBJECTS.filter(({ long }) => long !== true || mode === "long");
  const bits = (...masks: readonly number[]): number =>
    masks.reduce((sum, mask) => sum | (random.oneIn(2) ? mask : 0), 0);
  const changing = bits(FLAG.IF, FLAG.DF, FLAG.NT, FLAG.ID, 0x1000, 0x2000) | (random.oneIn(4) ? FLAG.AC : 0) | (random.bits32() & 0x8d5);
  const flags = (changing | (random.oneIn(8) ? FLAG.TF : 0) | (mode === "virtual8086" ? FLAG.VM : 0) | 2) >>> 0;
  const near = random.oneIn(2) ? flags ^ bits(FLAG.IF, FLAG.CF, FLAG.ZF, FLAG.DF) : random.bits32();
  return {
    subject: random.pick(subjects),
    cpl: mode === "real" ? 0 : mode === "virtual8086" ? 3 : random.pick([0, 0, 1, 3]),
    flags,
    cr4: bits(CR4.TSD, CR4.FSGSBASE, CR4.VME, CR4.PVI),
    syscalls: !random.oneIn(4),
    interrupt: (flags & FLAG.IF) === 0 && random.oneIn(2),
    image: BigInt((random.oneIn(6) ? near : near & ~(FLAG.TF | FLAG.VM)) >>> 0),
    target: random.oneIn(5) ? random.bits64() : BigInt(HANDLER),
    words: Array.from({ length: 4 }, () => random.bits64()),
    selectors: [random.pick(CODES), random.pick(STACKS)],
    noSegments: mode === "long" && random.oneIn(2),
  };
} // oxfmt-ignore

/** GDT, a TSS, and an IDT all of whose entries lead to HANDLER, where there are NOPs. */
function tables({ cpu, memory }: TestProcessor, mode: Mode): void {
  const long = mode === "long";
  const gdt = new BigUint64Array(8);
  gdt[1] = long ? 0x00af9b000000ffffn : 0x00cf9b000000ffffn;
  gdt[2] = 0x00cf93000000ffffn;
  gdt[3] = 0x00cf92000000ffffn;
  gdt[4] = 0x00cff3000000ffffn;
  gdt[5] = long ? 0x00affb000000ffffn : 0x00cffb000000ffffn;
  gdt[6] = 0x0000_8b00_0000_0067n | (BigInt(TSS) << 16n);
  memory.poke(physical(GDT), new Uint8Array(gdt.buffer));
  const idt = new Uint32Array(1024);
  for (let vector = 0; vector < (long ? 256 : 512); vector++) {
    const at = vector * (long ? 4 : 2);
    idt[at] = (SELECTORS.code << 16) | HANDLER;
    idt[at + 1] = 0x8e00;
  }
  memory.poke(physical(IDT), new Uint8Array(idt.buffer));
  const tss = new Uint32Array(26);
  tss[1] = KERNEL_STACK;
  tss[2] = long ? 0 : SELECTORS.data;
  memory.poke(physical(TSS), new Uint8Array(tss.buffer));
  memory.poke(physical(HANDLER), new Uint8Array(64).fill(0x90));
  const { core } = cpu;
  core.gdtr = { base: BigInt(GDT), limit: 63 };
  core.idtr = { base: mode === "real" ? 0n : BigInt(IDT), limit: 0xfff };
  const tr = { selector: SELECTORS.tss, base: BigInt(TSS), limit: 0x67, attributes: 0x8b };
  if (mode !== "real") core.setSegment(SEG.tr, tr);
}

function prepare(processor: TestProcessor, item: Case, mode: Mode): void {
  const { cpu, memory } = processor;
  const { core } = cpu;
  const { cpl, subject } = item;
  memory.poke(physical(CODE), Uint8Array.from([...subject.code, ...new Uint8Array(8).fill(0x90)]));
  const stack = mode === "real" || mode === "virtual8086" ? 0xff00 : STACK - 0x100;
  const [code16, stack16] = item.selectors.map(BigInt);
  const frame = [item.target, code16!, item.image, item.words[3]!, stack16!];
  const bytes = new BigUint64Array(subject.name === "iret" ? frame : [item.image, ...item.words]);
  memory.poke(physical(stack), new Uint8Array(bytes.buffer));
  for (let n = 0; n < 16; n++) core.setGpr(n, item.words[n % 4]!);
  core.setGpr(1, item.target);
  core.setGpr(11, item.image);
  core.setGpr(3, item.target);
  core.rsp = BigInt(stack);
  if (mode !== "real") {
    const virtual = mode === "virtual8086";
    const code = mode === "long" ? 0xa09b : mode === "protected16" ? 0x809b : 0xc09b;
    core.writeSegment(SEG.cs, virtual ? 0xffff : cpl === 0 ? SELECTORS.code : SELECTORS.userCode, virtual ? 0xffff0n : 0n, virtual ? 0xffff : 0xffffffff, virtual ? 0xf3 : code | (cpl << 5));
    for (const n of [SEG.ss, SEG.ds, SEG.es, SEG.fs, SEG.gs])
      core.writeSegment(n, virtual ? 0 : SELECTORS.data | cpl, 0n, virtual ? 0xffff : 0xffffffff, virtual ? 0xf3 : (mode === "protected16" ? 0x8093 : 0xc093) | (cpl << 5));
  } else {
    core.writeSegment(SEG.cs, CODE >> 4, BigInt(CODE), 0xffff, 0x9b);
    core.writeSegment(SEG.ss, 0, 0n, 0xffff, 0x93);
  }
  if (item.noSegments)
    for (const n of [SEG.ds, SEG.es, SEG.fs, SEG.gs]) core.writeSegment(n, 0, 0n, 0, 0x10000);
  core.rip = mode === "real" ? 0n : mode === "virtual8086" ? 0x10n : BigInt(CODE);
  if (mode === "long") {
    core.setSegmentBase(SEG.fs, item.words[0]! >> 20n);
    core.setSegmentBase(SEG.gs, item.words[1]! >> 20n);
  }
  core.setQuad(STATE.kernelGsBase, item.words[2]! >> 20n);
  core.setQuad(STATE.tscOffset, item.words[3]!);
  core.setQuad(STATE.tscAux, 0x1234_5678n);
  core.setQuad(STATE.star, 0x001b_0008_0000_0000n);
  core.setQuad(STATE.lstar, BigInt(HANDLER));
  core.setQuad(STATE.fmask, item.words[0]! & 0x4_7fffn);
  const efer = core.efer & ~EFER.SCE;
  core.setEfer(item.syscalls ? efer | EFER.SCE : efer);
  core.setCr4((core.cr4 & CR4.PAE) | item.cr4);
  core.eflags = item.flags;
  core.shadow = 0;
  core.pendingDebug = 0;
  core.activity = 0;
  core.updateMode();
  cpu.interruptLine = item.interrupt;
} // oxfmt-ignore

const imageOf = ({ cpu, memory }: TestProcessor) => {
  const { core } = cpu;
  // Lazy flags have several forms of one value.
  const flags = core.eflags;
  core.eflags = flags;
  return {
    rip: core.rip.toString(16),
    eflags: core.eflags.toString(16),
    state: Buffer.from(core.u8.slice(0, STATE_BYTES)).toString("hex"),
    stacks: [KERNEL_STACK, 0x10000, STACK].map((top) =>
      Buffer.from(memory.readBytes(physical(top - 0x200), 0x240)).toString("hex"),
    ),
  };
};

/** The operation itself, as the engine would call it. Returns the fault. */
function operate({ cpu }: TestProcessor, { subject }: Case, mode: Mode): Fault | null {
  const { core } = cpu;
  const size = mode === "long" ? 64 : mode === "protected32" ? 32 : 16;
  const other = size === 64 || size === 32 ? 16 : 32;
  // IRET's operands have 32 bits in 64-bit mode, too; the other's with 64 bits are said so.
  const own = subject.name === "iret" && size === 64 ? 32 : size;
  const operandSize = subject.code[0] === 0x66 ? other : own;
  const defaults = { reg: 0, rm: -1, segment: SEG.ds, immediate: 0n, immediate2: 0, rep: "", lock: false, rex: false } as const;
  const { rip } = core;
  core.setSystemFlag(FLAG.RF, false);
  core.rip = rip + BigInt(subject.code.length);
  try {
    systemOperations[subject.name]!(core, { mnemonic: subject.name, length: subject.code.length, operandSize, addressSize: size, ...defaults, ...subject.fields });
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    core.rip = rip;
    return thrown;
  }
} // oxfmt-ignore

const MODES: readonly Mode[] = ["long", "protected32", "protected16", "real", "virtual8086"];
const processorFor = (mode: Mode): TestProcessor => {
  const processor = testProcessor(mode === "virtual8086" ? "protected32" : mode);
  tables(processor, mode);
  processor.cpu.acknowledge = () => 0x40;
  return processor;
};

describe.each(MODES)("in %s mode", (mode) => {
  test(`as the operation (seed ${SEED}, ${CASES} cases)`, () => {
    const random = new Random(SEED);
    const [emitted, called] = [processorFor(mode), processorFor(mode)];
    let fault: string | null = null;
    emitted.cpu.core.report = (event) => {
      if (event.kind === "exception") fault = `${event.fault.vector} ${event.fault.errorCode}`;
      return event.kind === "exception";
    };
    let faults = 0;
    for (let number = 0; number < CASES; number++) {
      const item = makeCase(random, mode);
      for (const processor of [emitted, called]) prepare(processor, item, mode);
      // A watched mode would be a reason for SYSCALL to escape.
      const unwatched =
        item.subject.name === "iret" || (item.subject.name.startsWith("sys") && item.syscalls);
      emitted.cpu.core.watched = unwatched && number % 8 !== 0 ? 0 : WATCH.exception;
      const what = `case ${number}: ${item.subject.name} ${JSON.stringify(item, (_key, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value))}`;
      const thrown = operate(called, item, mode);
      // Where the fault would be delivered there is nothing to compare.
      if (thrown !== null && emitted.cpu.core.watched === 0) continue;
      fault = null;
      emitted.cpu.run(1);
      expect(fault, what).toBe(thrown === null ? null : `${thrown.vector} ${thrown.errorCode}`);
      const traps = FLAG.TF & item.flags;
      // The engine's own doing after the instruction: a single-step trap is pending.
      if (traps !== 0) emitted.cpu.core.pendingDebug = called.cpu.core.pendingDebug = 0;
      expect(imageOf(emitted), what).toEqual(imageOf(called));
      if (thrown !== null) faults++;
    }
    if (mode !== "real") expect(faults).toBeGreaterThan(CASES / 40);
  });

  test(`many instants at once as one by one (seed ${SEED}, ${CASES} cases)`, () => {
    const random = new Random(SEED + 1);
    const [many, one] = [processorFor(mode), processorFor(mode)];
    for (let number = 0; number < CASES; number++) {
      const item = makeCase(random, mode);
      for (const processor of [many, one]) prepare(processor, item, mode);
      const what = `case ${number}: ${item.subject.name} ${JSON.stringify(item, (_key, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value))}`;
      const instants = 1 + random.below(6);
      const kind = many.cpu.run(instants).kind;
      const { executed } = many.cpu;
      let other: string = kind;
      for (let done = 0; done < executed; done++) other = one.cpu.run(1).kind;
      if (kind !== "budget") other = one.cpu.run(1).kind;
      expect(other, what).toBe(kind);
      expect(imageOf(many), what).toEqual(imageOf(one));
      if (kind !== "budget") for (const processor of [many, one]) processor.cpu.flushTraces();
    }
  });
});

// sti; nop; cli; sti; pushf; popf; sti; hlt; cli; pushf; pop rax; or ah, 2; push rax; popf; nop; jmp to the start
const PROGRAM = "fb 90 fa fb 9c 9d fb f4 fa 9c 58 80cc02 50 9d 90 ebec";

test("an interrupt that arrives at any instant is taken at the same instruction, however the run is cut into slices", () => {
  const states = (arrival: number, slice: number): unknown => {
    const processor = processorFor("long");
    const { cpu, memory } = processor;
    memory.poke(physical(CODE), Uint8Array.from(Buffer.from(PROGRAM.replaceAll(" ", ""), "hex")));
    // inc rbx; iretq
    memory.poke(physical(HANDLER), Uint8Array.from([0x48, 0xff, 0xc3, 0x48, 0xcf]));
    cpu.core.updateMode();
    const vectors: number[] = [];
    let now = 0;
    cpu.acknowledge = () => {
      vectors.push(now + cpu.executed);
      cpu.interruptLine = false;
      return 0x40;
    };
    const runTo = (end: number): void => {
      while (now < end) {
        const { kind } = cpu.run(Math.min(slice, end - now));
        now += cpu.executed;
        // Idle time: nothing happens until the interrupt.
        if (kind === "halted") {
          if (cpu.interruptLine) continue;
          if (end === arrival) return;
          cpu.interruptLine = true;
        }
      }
    };
    runTo(arrival);
    cpu.interruptLine = true;
    runTo(arrival + 40);
    return { vectors, now, ...imageOf(processor) };
  };
  for (let arrival = 0; arrival < 24; arrival++) {
    const expected = states(arrival, 1);
    for (const slice of [2, 5, 100]) expect(states(arrival, slice), `at ${arrival}, slices of ${slice}`).toEqual(expected);
  }
}); // oxfmt-ignore

test.each(["long", "protected32", "real"] as const)("the time stamp is exact at every instruction, in %s mode", (mode) => {
  const times = (cr4: number, slice: number): string[] => {
    const seen: string[] = [];
    let before = 0;
    let executed = (): number => 0;
    const processor = testProcessor(mode, { timestamp: () => 5n + 3n * BigInt(before + executed()), nanosecondsPerInstant: 3 });
    const { cpu, memory } = processor;
    executed = () => cpu.executed;
    // nop; rdtsc; nop; out 0x80, eax; rdtscp; out 0x80, eax; nop; nop; rdtsc; nop; out 0x80, eax; jmp to the start
    const size = mode === "real" ? "66e780" : "e780";
    const code = `900f3190${size}0f01f9${size}90900f3190${size}`;
    const jump = (0x100 - code.length / 2 - 2).toString(16);
    memory.poke(physical(CODE), Uint8Array.from(Buffer.from(`${code}eb${jump}`, "hex")));
    processor.ports.write = (_port, _size, value) => void seen.push(`${value} ${cpu.core.gpr(2)}`);
    cpu.core.setCr4(cpu.core.cr4 | cr4);
    cpu.core.setQuad(STATE.tscOffset, 0xfffffff0n);
    while (before < 300) {
      cpu.run(slice);
      before += cpu.executed;
    }
    return seen.slice(0, 60);
  };
  // With CR4.TSD the operation in TypeScript gives the time, at CPL 0 all the same.
  const expected = times(CR4.TSD, 1);
  expect(new Set(expected).size).toBe(60);
  for (const slice of [1, 4, 7, 300]) for (const cr4 of [0, CR4.TSD]) expect(times(cr4, slice)).toEqual(expected);
}); // oxfmt-ignore
