/**
 * x87 instructions against the host's unit, bit for bit: random instructions over operands at the edges of every format, all rounding and precision
 * controls, all exceptions masked and not, all stack depths.
 *
 * The emulator's operations are called directly, without decoder and engine, so that what fails here is the arithmetic.
 */
import { expect, test } from "vitest";
import { Core } from "../../emulator/cpu/core.ts";
import { Fault } from "../../emulator/cpu/event.ts";
import type { Instruction } from "../../emulator/cpu/instruction.ts";
import { SEG, STATE } from "../../emulator/cpu/layout.ts";
import { x87Name, x87Operations } from "../../emulator/cpu/x87/index.ts";
import { ARENA, background, type Case, type Result } from "./case.ts";
import { FlatMemory } from "./flat-memory.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";
import { image87, interestingOperand, randomState87 } from "./x87-operands.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? 24_000);
const CODE_OFFSET = 0x1000;
const DATA_OFFSET = 0x4800;
/** The flags FCOMI and FCMOVcc read and write. */
const STATUS_FLAGS = 0x8d5;

/** What is compared of an image: everything but the opcode, the data pointer and the selectors, which today's processors keep only for #MF. */
const IGNORED_FX = [[6, 8], [12, 24], [24, 32], [416, 512]] as const; // oxfmt-ignore

/** Transcendental functions stop the emulator by name; FLDENV, FRSTOR and the like have tests of their own below. */
const SKIPPED = /^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fsin|fcos|fsincos|fldenv|frstor)$/;

function randomCase(random: Random): Case {
  for (;;) {
    // A third of the cases are in row D9 F0 … FF, where the special functions are.
    const special = random.oneIn(3);
    const opcode = special ? 0xd9 : 0xd8 + random.below(8);
    const memory = !special && random.oneIn(2);
    const modrm = special
      ? 0xf0 | random.below(16)
      : memory
        ? (random.below(8) << 3) | 7
        : 0xc0 | random.below(64);
    const name = x87Name(opcode, modrm);
    if (name === null || SKIPPED.test(name)) continue;
    const gpr = Array.from({ length: 16 }, () => random.bits64());
    gpr[7] = BigInt(ARENA + DATA_OFFSET);
    const bytes = interestingOperand(random, name);
    const view = new DataView(bytes.buffer);
    return {
      name,
      gpr,
      rip: BigInt(ARENA + CODE_OFFSET),
      rflags: 0x202 | (random.bits32() & STATUS_FLAGS),
      fsBase: 0n,
      gsBase: 0n,
      selectors: { es: 0, cs: 0x33, ss: 0x2b, ds: 0, fs: 0, gs: 0 },
      code: Uint8Array.of(opcode, modrm, 0xcc),
      codeOffset: CODE_OFFSET,
      pokes: [0, 8].map((at) => ({ offset: DATA_OFFSET + at, value: view.getBigUint64(at, true) })),
      fx: randomState87(random),
    };
  }
}

const guest = new FlatMemory((ARENA + 0x10000) / 4096 > 0x1000 ? 32 : 16);
const core = new Core(
  guest.wasm,
  guest,
  { readPort: () => 0, writePort: () => undefined },
  { timestamp: () => 0n, random: () => 0n },
);
const memory = background();
const GUEST_DATA = 0x4000;

function setUp(): void {
  core.setCr0(0x31);
  core.setSegment(SEG.cs, { selector: 8, base: 0n, limit: 0xffffffff, attributes: 0xc09b });
  for (const n of [SEG.ds, SEG.es, SEG.ss])
    core.setSegment(n, { selector: 16, base: 0n, limit: 0xffffffff, attributes: 0xc093 });
}

/** Runs the case's instruction on the emulator's operations and puts what it leaves in the shape of the host's result. */
function runOurs(item: Case): Pick<Result, "vector" | "rflags" | "fx" | "changes"> & { readonly ax: number } {
  const [opcode, modrm] = [item.code[0]!, item.code[1]!];
  guest.bytes.set(memory.subarray(0x4000, 0x6000), GUEST_DATA);
  const view = new DataView(guest.bytes.buffer, guest.bytes.byteOffset);
  for (const poke of item.pokes) view.setBigUint64(poke.offset, poke.value, true);
  core.setGpr(0, item.gpr[0]!);
  core.eflags = item.rflags;
  image87.load(core, item.fx!);
  core.rip = item.rip + 2n;
  core.effective = BigInt(DATA_OFFSET);
  const insn: Instruction = {
    mnemonic: item.name,
    length: 2,
    operandSize: 32,
    addressSize: 32,
    reg: (modrm >>> 3) & 7,
    rm: modrm >= 0xc0 ? modrm & 7 : -1,
    segment: SEG.ds,
    immediate: 0n,
    immediate2: 0,
    rep: "",
    lock: false,
    rex: false,
  };
  const operation = x87Operations[x87Name(opcode, modrm)!];
  let vector = 3;
  try {
    expect(operation, item.name).toBeDefined();
    operation!(core, insn);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    vector = fault.vector;
  }
  const changes: { offset: number; value: bigint }[] = [];
  const before = new DataView(memory.buffer);
  for (let offset = 0x4000; offset < 0x6000; offset += 8) {
    const value = view.getBigUint64(offset, true);
    if (value !== before.getBigUint64(offset, true)) changes.push({ offset, value });
  }
  return { vector, rflags: core.eflags, fx: image87.save(core), changes, ax: Number(core.gpr(0) & 0xffffn) };
}

function comparable(image: Uint8Array): string {
  const bytes = image.slice();
  for (const [from, to] of IGNORED_FX) bytes.fill(0, from, to);
  // The upper six bytes of each register's slot are reserved.
  for (let i = 0; i < 8; i++) bytes.fill(0, 32 + i * 16 + 10, 48 + i * 16);
  bytes.fill(0, 160);
  return Buffer.from(bytes).toString("hex");
}

function describeState(image: Uint8Array): string {
  const view = new DataView(image.buffer, image.byteOffset);
  const hex = (value: number | bigint): string => value.toString(16);
  const registers = Array.from(
    { length: 8 },
    (_, i) => `${hex(view.getUint16(40 + i * 16, true))}:${hex(view.getBigUint64(32 + i * 16, true))}`,
  );
  return `cw ${hex(view.getUint16(0, true))} sw ${hex(view.getUint16(2, true))} tags ${hex(image[4]!)} ip ${hex(view.getUint32(8, true))} ${registers.join(" ")}`;
}

/** One line of differences, or null. */
function difference(item: Case, host: Result): string | null {
  const ours = runOurs(item);
  const problems: string[] = [];
  if (ours.vector !== host.vector) problems.push(`vector ${ours.vector}, host ${host.vector}`);
  if (((ours.rflags ^ host.rflags) & STATUS_FLAGS) !== 0)
    problems.push(`flags ${ours.rflags.toString(16)}, host ${host.rflags.toString(16)}`);
  if (ours.ax !== Number(host.gpr[0]! & 0xffffn)) problems.push(`ax ${ours.ax.toString(16)}`);
  if (comparable(ours.fx!) !== comparable(host.fx!))
    problems.push(`state\n  ours   ${describeState(ours.fx!)}\n  host   ${describeState(host.fx!)}`);
  // The environment that FNSTENV and FNSAVE store has fields that the host does not keep.
  const stored = /^(fnstenv|fnsave)$/.test(item.name);
  const list = (changes: Result["changes"]): string =>
    changes.map((c) => `${c.offset.toString(16)}=${c.value.toString(16)}`).join(" ");
  if (!stored && list(ours.changes) !== list(host.changes))
    problems.push(`memory ${list(ours.changes)}, host ${list(host.changes)}`);
  if (problems.length === 0) return null;
  return `${item.name} (${Buffer.from(item.code.subarray(0, 2)).toString("hex")}): ${problems.join("; ")}\n  before ${describeState(item.fx!)} memory ${item.pokes.map((p) => p.value.toString(16)).join(" ")} flags ${item.rflags.toString(16)}`;
}

test.skipIf(nativeProblem() !== null)(`x87: ${COUNT} random cases equal the host's (seed ${SEED})`, () => {
  setUp();
  const random = new Random(SEED);
  const byName = new Map<string, string[]>();
  let done = 0;
  while (done < COUNT) {
    const cases = Array.from({ length: Math.min(8000, COUNT - done) }, () => randomCase(random));
    runNative(cases).forEach((host, i) => {
      const text = difference(cases[i]!, host);
      if (text === null) return;
      const { name } = cases[i]!;
      byName.set(name, [...(byName.get(name) ?? []), text]);
    });
    done += cases.length;
  }
  const summary = [...byName].map(([, texts]) => `${texts.length} of ${texts[0]}`);
  expect(summary.join("\n"), `seed ${SEED}`).toBe("");
});

test("the state layout is where the tests expect it", () => {
  expect(STATE.fpuRegisters - STATE.fpu).toBe(0x30);
});
