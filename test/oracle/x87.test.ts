/**
 * x87 instructions against the host's unit, bit for bit: random instructions over operands at the edges of every format, all rounding and precision
 * controls, all exceptions masked and not, all stack depths, in 64-, 32- and 16-bit code; and the state images, FXSAVE's included.
 *
 * The long form: ORACLE_COUNT=1000000 ORACLE_SEED=7 npx vitest run test/oracle/x87.test.ts.
 */
import { expect, test } from "vitest";
import { x87Name } from "../../emulator/cpu/x87/index.ts";
import { ARENA, background, type Case, type Quad, type Result } from "./case.ts";
import { Emulated } from "./emulated.ts";
import { isIntel } from "./maker.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";
import { type Mode, MODES, segmentOf } from "./segments.ts";
import { interestingOperand, randomImage, randomState87 } from "./x87-operands.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? 24_000);
const BATCH = 8000;
const MINUTES_PER_MILLION = 10;
const CODE_OFFSET = 0x1800;
const DATA_OFFSET = 0x4800;
const RDI = 7;
/** The flags FCOMI and FCMOVcc read and write. */
const STATUS_FLAGS = 0x8d5;

/**
 * What is not compared of an FXSAVE image: opcode, selectors and data pointer, which today's processors keep only for #MF, as AMD's do with the instruction pointer;
 * MXCSR_MASK; what is reserved.
 */
const IGNORED = [isIntel ? [6, 8] : [6, 12], [12, 24], [28, 32], [416, 512]] as const; // oxfmt-ignore
/** Transcendental functions are compared in `transcendental.test.ts`. */
const SKIPPED = /^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fsin|fcos|fsincos)$/;
/** Stores of the unit's pointers. */
const STORES_POINTERS = /^(fnstenv|fnsave|fxsave)$/;

const BACKGROUND = background();
const modes = MODES.filter((mode) => ["64-bit", "32-bit flat", "16-bit"].includes(mode.name));

interface FloatCase extends Case {
  readonly mode: Mode;
}

function randomEncoding(random: Random): {
  readonly name: string;
  readonly opcode: readonly number[];
  readonly modrm: number;
} {
  if (random.oneIn(40)) {
    const digit = random.below(2);
    return { name: digit === 0 ? "fxsave" : "fxrstor", opcode: [0x0f, 0xae], modrm: digit << 3 };
  }
  if (random.oneIn(100)) return { name: "fwait", opcode: [0x9b], modrm: 0xc0 };
  for (;;) {
    // A third of the cases are in row D9 F0 … FF, where the special functions are.
    const special = random.oneIn(3);
    const opcode = special ? 0xd9 : 0xd8 + random.below(8);
    const memory = !special && random.oneIn(2);
    const modrm = special ? 0xf0 | random.below(16) : memory ? random.below(8) << 3 : 0xc0 | random.below(64);
    const name = x87Name(opcode, modrm);
    if (name !== null && !SKIPPED.test(name)) return { name, opcode: [opcode], modrm };
  }
}

function randomCase(random: Random): FloatCase {
  const mode = random.oneIn(4) ? random.pick(modes) : modes[0]!;
  const { name, opcode, modrm } = randomEncoding(random);
  const memory = modrm < 0xc0;
  const narrow = memory && opcode.length === 1 && random.oneIn(4);
  const operandSize = narrow ? (mode.bits === 16 ? 32 : 16) : mode.bits === 16 ? 16 : 32;
  const gpr = Array.from(
    { length: 16 },
    () => random.bits64() & (mode.bits === 64 ? ~0n : 0xffff_ffffn) & 0xffff_ffff_ffff_ffffn,
  );
  gpr[RDI] = BigInt(ARENA + DATA_OFFSET - (mode.bits === 64 ? 0 : segmentOf(mode.selectors.ds)!.base));
  // The operand is at [rdi]: r/m 7, or 5 with 16-bit addresses.
  const code = [
    ...(narrow ? [0x66] : []),
    ...opcode,
    ...(name === "fwait" ? [] : [memory ? modrm | (mode.bits === 16 ? 5 : 7) : modrm]),
    0xcc,
  ];
  return {
    name,
    mode,
    gpr,
    rip: BigInt(mode.bits === 16 ? CODE_OFFSET : ARENA + CODE_OFFSET),
    rflags: 0x202 | (random.bits32() & STATUS_FLAGS),
    fsBase: 0n,
    gsBase: 0n,
    selectors: mode.selectors,
    code: Uint8Array.from(code),
    codeOffset: CODE_OFFSET,
    pokes: quads(
      /^(fldenv|frstor|fxrstor)$/.test(name)
        ? randomImage(random, name, operandSize)
        : interestingOperand(random, name),
    ),
    fx: randomState87(random),
  };
}

function quads(bytes: Uint8Array): Quad[] {
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 8 }, (_, i) => ({
    offset: DATA_OFFSET + i * 8,
    value: view.getBigUint64(i * 8, true),
  }));
}

function comparable(item: FloatCase, image: Uint8Array): string {
  const bytes = image.slice();
  for (const [from, to] of IGNORED) bytes.fill(0, from, to);
  // Legacy modes have no upper half of the instruction pointer, and only eight XMM registers.
  if (item.mode.bits !== 64) {
    bytes.fill(0, 8, 12);
    bytes.fill(0, 288);
  }
  // The upper six bytes of each register's slot are reserved.
  for (let i = 0; i < 8; i++) bytes.fill(0, 32 + i * 16 + 10, 48 + i * 16);
  return Buffer.from(bytes).toString("hex");
}

function describeState(image: Uint8Array): string {
  const view = new DataView(image.buffer, image.byteOffset);
  const hex = (value: number | bigint): string => value.toString(16);
  const registers = Array.from(
    { length: 8 },
    (_, i) => `${hex(view.getUint16(40 + i * 16, true))}:${hex(view.getBigUint64(32 + i * 16, true))}`,
  );
  return `cw ${hex(view.getUint16(0, true))} sw ${hex(view.getUint16(2, true))} tags ${hex(image[4]!)} ip ${hex(view.getUint32(8, true))} mxcsr ${hex(view.getUint32(24, true))} ${registers.join(" ")}`;
}

/** The stored image of FNSTENV, FNSAVE or FXSAVE without the pointers, which today's processors keep only for #MF; else all changed memory. */
function storedBytes(item: FloatCase, result: Result): string {
  if (!STORES_POINTERS.test(item.name))
    return result.changes.map((c) => `${c.offset.toString(16)}=${c.value.toString(16)}`).join(" ");
  const bytes = BACKGROUND.slice(DATA_OFFSET, DATA_OFFSET + 512);
  const view = new DataView(bytes.buffer);
  for (const { offset, value } of result.changes) view.setBigUint64(offset - DATA_OFFSET, value, true);
  if (item.name === "fxsave") {
    for (const [from, to] of IGNORED) bytes.fill(0, from, to);
    for (let i = 0; i < 8; i++) bytes.fill(0, 32 + i * 16 + 10, 48 + i * 16);
  } else {
    const step = (item.mode.bits === 16) === (item.code[0] === 0x66) ? 4 : 2;
    bytes.fill(0, 4 * step, 7 * step);
  }
  return Buffer.from(bytes).toString("hex");
}

/** What differs, or null. */
function difference(item: FloatCase, ours: Result, host: Result): string | null {
  const problems: string[] = [];
  if (ours.vector !== host.vector) problems.push(`vector ${ours.vector}, host ${host.vector}`);
  if (((ours.rflags ^ host.rflags) & STATUS_FLAGS) !== 0)
    problems.push(`flags ${ours.rflags.toString(16)}, host ${host.rflags.toString(16)}`);
  if (((ours.gpr[0]! ^ host.gpr[0]!) & 0xffff_ffffn) !== 0n)
    problems.push(`eax ${ours.gpr[0]!.toString(16)}, host ${host.gpr[0]!.toString(16)}`);
  if (comparable(item, ours.fx!) !== comparable(item, host.fx!))
    problems.push(`state\n  ours   ${describeState(ours.fx!)}\n  host   ${describeState(host.fx!)}`);
  const [stored, expected] = [storedBytes(item, ours), storedBytes(item, host)];
  if (stored !== expected) problems.push(`memory ${stored}, host ${expected}`);
  if (problems.length === 0) return null;
  return `${item.name} (${Buffer.from(item.code).toString("hex")}, ${item.mode.name}): ${problems.join("; ")}\n  before ${describeState(item.fx!)} memory ${item.pokes.map((p) => p.value.toString(16)).join(" ")} flags ${item.rflags.toString(16)}`;
}

const problem = nativeProblem();
test.skipIf(problem !== null)(
  `x87: ${COUNT} random cases equal the host's (seed ${SEED})${problem === null ? "" : `: ${problem}`}`,
  { timeout: 60_000 * Math.max(3, (COUNT / 1_000_000) * MINUTES_PER_MILLION) },
  () => {
    const random = new Random(SEED);
    const emulated = new Emulated();
    const byName = new Map<string, string[]>();
    let done = 0;
    while (done < COUNT) {
      const cases = Array.from({ length: Math.min(BATCH, COUNT - done) }, () => randomCase(random));
      runNative(cases).forEach((host, i) => {
        const text = difference(cases[i]!, emulated.run(cases[i]!), host);
        if (text === null) return;
        const { name } = cases[i]!;
        byName.set(name, [...(byName.get(name) ?? []), text]);
      });
      done += cases.length;
    }
    console.log(`oracle: ${done} x87 cases, seed ${SEED}, ${[...byName.values()].flat().length} mismatches`);
    expect([...byName].map(([, texts]) => `${texts.length} of ${texts[0]}`).join("\n"), `seed ${SEED}`).toBe(
      "",
    );
  },
);
