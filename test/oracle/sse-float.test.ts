/**
 * SSE floating-point instructions against the host's unit, bit for bit: random instructions over operands at the edges of their formats, all rounding modes,
 * DAZ and FTZ, all exceptions masked and not, registers and memory, aligned and not, in 64- and 32-bit code.
 *
 * And over operands that emitted code computes with by itself: not one of them may need TypeScript.
 *
 * The long form: ORACLE_COUNT=1000000 ORACLE_SEED=7 npx vitest run test/oracle/sse-float.test.ts; ORACLE_ONLY=dpps runs one instruction.
 */
import { expect, test } from "vitest";
import { ARENA, type Case, type Quad, type Result } from "./case.ts";
import { Emulated, ENGINES, TRANSLATED } from "./emulated.ts";
import { isIntel } from "./maker.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";
import { type Mode, MODES, segmentOf } from "./segments.ts";
import { FLOAT_FORMS, type FloatForm } from "./sse-float-forms.ts";
import { floats, ordinary, randomMxcsr } from "./sse-float-operands.ts";
import { randomState87 } from "./x87-operands.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? (process.env["REDZONE_LONG"] === "1" ? 64_000 : 32_000));
const ONLY = process.env["ORACLE_ONLY"];
const BATCH = 4000;
/** Cases of ordinary numbers. */
const PLAIN = 3000;
const MINUTES_PER_MILLION = 5;
const CODE_OFFSET = 0x1800;
const DATA_OFFSET = 0x4800;
const RDI = 7;
const STATUS_FLAGS = 0x8d5;
/** Operands of four and eight bytes that are not aligned are then #AC. */
const AC = 0x4_0000;
const XMM_AT = 160;
const MM_AT = 32;

/** Not compared of the FXSAVE image: opcode, selectors and pointers, which today's processors keep only for #MF; MXCSR_MASK; what is reserved. */
const IGNORED = [[6, 24], [28, 32], [416, 512]] as const; // oxfmt-ignore

/** Tables of RCP and RSQRT are each maker's own, and which NaN of a dot product is the sum; the emulator's are Intel's. */
const MAKERS_OWN = /^(r(cp|sqrt)|dpp)/;
const forms = FLOAT_FORMS.filter(
  ({ name }) => (ONLY === undefined || name === ONLY) && (isIntel || !MAKERS_OWN.test(name)),
);
const modes = MODES.filter((mode) => ["64-bit", "32-bit flat"].includes(mode.name));

interface FloatCase extends Case {
  readonly mode: Mode;
}

function quads(bytes: Uint8Array, offset: number): Quad[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: bytes.length / 8 }, (_, i) => ({
    offset: offset + i * 8,
    value: view.getBigUint64(i * 8, true),
  }));
}

/** General registers of a case: integers at the edges of both formats, and the operand's address. */
function registers(random: Random, mode: Mode, misaligned: number): bigint[] {
  const wide = mode.bits === 64;
  const gpr = Array.from({ length: 16 }, () => {
    const value = random.bits64() >> BigInt(random.oneIn(2) ? random.below(64) : 0);
    const signed = random.oneIn(2) ? BigInt.asUintN(64, -value) : value;
    return wide ? signed : signed & 0xffff_ffffn;
  });
  gpr[RDI] = BigInt(ARENA + DATA_OFFSET + misaligned - (wide ? 0 : segmentOf(mode.selectors.ds)!.base));
  return gpr;
}

/** What emitted code does alone: operands without edges, and PE set, or with `exact` clear and results that are exact. */
interface Plain {
  readonly exact: boolean;
}

function randomCase(random: Random, form: FloatForm, plain: Plain | null = null): FloatCase {
  const mode = random.oneIn(5) ? modes[1]! : modes[0]!;
  const wide = mode.bits === 64;
  const memory = form.options.has("mem") || random.oneIn(3);
  const misaligned = plain === null && random.oneIn(12) ? random.pick([4, 8, 1]) : 0;
  const first = form.digit >= 0 ? form.digit : random.below(8);
  let second = memory ? RDI : random.below(8);
  // A general register that is not the address, for conversions.
  const rex = wide && random.oneIn(2) ? 0x40 | (random.oneIn(2) ? 8 : 0) | (random.oneIn(2) ? 4 : 0) : 0;
  const rexB = rex !== 0 && !memory && random.oneIn(2) ? 1 : 0;
  if (form.format === "g" && second === RDI && !memory) second = 0;
  const immediate = random.oneIn(8) ? random.below(256) : form.name.startsWith("dp") ? random.below(256) | 0x31 : random.below(16);
  const code = [
    ...(form.prefix === null ? [] : [form.prefix]),
    ...(rex === 0 ? [] : [rex | rexB]),
    ...form.opcode,
    (memory ? 0 : 0xc0) | (first << 3) | second,
    ...(form.options.has("imm") ? [immediate] : []),
    0xcc,
  ];
  const { fx, pokes } = operands(random, form, first + ((rex & 4) << 1), second + rexB * 8, plain);
  return {
    name: form.name,
    mode,
    gpr: registers(random, mode, memory ? misaligned : 0),
    rip: BigInt(ARENA + CODE_OFFSET),
    rflags: 0x202 | (random.bits32() & STATUS_FLAGS) | (plain === null && random.oneIn(8) ? AC : 0),
    fsBase: 0n,
    gsBase: 0n,
    selectors: mode.selectors,
    code: Uint8Array.from(code),
    codeOffset: CODE_OFFSET,
    pokes,
    fx,
  };
} // oxfmt-ignore

/** Registers, and memory that holds what the second register does. */
function operands(random: Random, form: FloatForm, first: number, second: number, plain: Plain | null): { fx: Uint8Array; pokes: Quad[] } {
  const fx = randomState87(random);
  const view = new DataView(fx.buffer);
  const format = form.format === "g" ? "i" : form.format;
  view.setUint32(24, plain === null ? randomMxcsr(random) : plain.exact ? 0x1f80 : 0x1fa0, true);
  const some = (): Uint8Array => ordinary(random, format, plain!.exact, form.name.startsWith("sqrt"));
  const a = plain === null ? floats(random, form.format) : some();
  const b = plain === null ? floats(random, format, a) : some();
  if (form.format === "m") new DataView(b.buffer).setUint32(0, random.oneIn(8) ? random.bits32() : random.bits32() & 0xffff, true);
  fx.set(a, XMM_AT + (first & 15) * 16);
  fx.set(b, XMM_AT + (second & 15) * 16);
  const top = (view.getUint16(2, true) >> 11) & 7;
  if (form.options.has("mm")) fx.set(b.subarray(0, 8), MM_AT + (((second & 7) - top) & 7) * 16);
  const memory = new Uint8Array(32);
  memory.set(b);
  memory.set(plain === null ? floats(random, form.format) : some(), 16);
  return { fx, pokes: quads(memory, DATA_OFFSET) };
} // oxfmt-ignore

function comparable(image: Uint8Array): string {
  const bytes = image.slice();
  for (const [from, to] of IGNORED) bytes.fill(0, from, to);
  for (let i = 0; i < 8; i++) bytes.fill(0, 32 + i * 16 + 10, 48 + i * 16);
  return Buffer.from(bytes).toString("hex");
}

/** The parts of a state that say something: what differs from another one, or with `registers` the operands. */
function describeState(image: Uint8Array, other: Uint8Array | null, registers: readonly number[] = []): string {
  const view = new DataView(image.buffer, image.byteOffset);
  const hex = (at: number): string =>
    [12, 8, 4, 0].map((i) => view.getUint32(at + i, true).toString(16).padStart(8, "0")).join("_");
  const text = [`mxcsr ${view.getUint32(24, true).toString(16)} sw ${view.getUint16(2, true).toString(16)} tags ${image[4]!.toString(16)}`];
  for (let at = MM_AT; at < XMM_AT + 256; at += 16) {
    const n = (at - (at < XMM_AT ? MM_AT : XMM_AT)) / 16;
    const differs = other !== null && image.subarray(at, at + 16).some((byte, i) => byte !== other[at + i]);
    if (differs || (at >= XMM_AT && registers.includes(n))) text.push(`${at < XMM_AT ? "st" : "xmm"}${n} ${hex(at)}`);
  }
  return text.join(" ");
} // oxfmt-ignore

const changes = (result: Result): string =>
  result.changes.map((c) => `${c.offset.toString(16)}=${c.value.toString(16)}`).join(" ");

/** Numbers of the registers in ModRM and REX. */
function operandsOf({ code }: FloatCase): number[] {
  const rex = code.find((byte) => (byte & 0xf0) === 0x40) ?? 0;
  const modrm = code[code.indexOf(0x0f) + (code[code.indexOf(0x0f) + 1] === 0x3a ? 3 : 2)]!;
  return [((modrm >> 3) & 7) + ((rex & 4) << 1), (modrm & 7) + (rex & 1) * 8];
}

/** What differs, or null. */
function difference(item: FloatCase, ours: Result, host: Result): string | null {
  // AMD's processors have a bit more in MXCSR, which allows operands that are not aligned.
  if (!isIntel && item.name === "ldmxcsr" && host.vector === 3 && ours.vector === 13) return null;
  const problems: string[] = [];
  if (ours.vector !== host.vector) problems.push(`vector ${ours.vector}, host ${host.vector}`);
  if (((ours.rflags ^ host.rflags) & STATUS_FLAGS) !== 0)
    problems.push(`flags ${ours.rflags.toString(16)}, host ${host.rflags.toString(16)}`);
  const used = item.mode.bits === 64 ? 16 : 8;
  for (let n = 0; n < used; n++) {
    const mask = item.mode.bits === 64 ? ~0n : 0xffff_ffffn;
    if (((ours.gpr[n]! ^ host.gpr[n]!) & mask) !== 0n)
      problems.push(`register ${n} ${ours.gpr[n]!.toString(16)}, host ${host.gpr[n]!.toString(16)}`);
  }
  if (comparable(ours.fx!) !== comparable(host.fx!))
    problems.push(
      `state\n  ours   ${describeState(ours.fx!, host.fx)}\n  host   ${describeState(host.fx!, ours.fx)}`,
    );
  if (changes(ours) !== changes(host)) problems.push(`memory ${changes(ours)}, host ${changes(host)}`);
  if (problems.length === 0) return null;
  return `${item.name} (${Buffer.from(item.code).toString("hex")}, ${item.mode.name}): ${problems.join("; ")}\n  before ${describeState(item.fx!, host.fx, operandsOf(item))}\n  memory ${item.pokes.map((p) => p.value.toString(16)).join(" ")} rdi ${item.gpr[RDI]!.toString(16)}`;
}

/** Families that are operations altogether. */
const OPERATIONS = /^(r(cp|sqrt)|dp|.*pi|cvtpi)/;
/** Results that are exact for small integers, whatever they are. */
const EXACT = /^(add|sub|mul|h|min|max|cmp|u?comi|cvt(?!si)|round|ldm|stm)/;

const problem = nativeProblem();
test.skipIf(problem !== null).each(ENGINES)(
  `SSE floating point, translator $translator: ${COUNT} random cases (forced: fewer) equal the host's (seed ${SEED})${problem === null ? "" : `: ${problem}`}`,
  { timeout: 60_000 * Math.max(3, (COUNT / 1_000_000) * MINUTES_PER_MILLION) },
  ({ translator, share }) => {
    const count = Math.ceil(COUNT * share);
    const random = new Random(SEED);
    const emulated = new Emulated(translator);
    const byName = new Map<string, string[]>();
    const vectors = new Map<number, number>();
    let done = 0;
    while (done < count) {
      const cases = Array.from({ length: Math.min(BATCH, count - done) }, () => randomCase(random, random.pick(forms)));
      runNative(cases).forEach((host, i) => {
        vectors.set(host.vector, (vectors.get(host.vector) ?? 0) + 1);
        const text = difference(cases[i]!, emulated.run(cases[i]!), host);
        if (text === null) return;
        const { name } = cases[i]!;
        byName.set(name, [...(byName.get(name) ?? []), text]);
      });
      done += cases.length;
    }
    const mismatches = [...byName.values()].flat().length;
    console.log(
      `oracle: ${done} SSE floating-point cases of ${forms.length} instructions, #XM ${vectors.get(19) ?? 0}, #GP ${vectors.get(13) ?? 0}, #AC ${vectors.get(17) ?? 0}, #MF ${vectors.get(16) ?? 0}, translator ${translator}, seed ${SEED}, ${mismatches} mismatches`,
    );
    expect([...byName].map(([, texts]) => `${texts.length} of ${texts[0]}`).join("\n"), `seed ${SEED}`).toBe("");
    if (translator === "forced") expect(emulated.translated).toBeGreaterThan(count * TRANSLATED);
  },
); // oxfmt-ignore

test.skipIf(problem !== null).each([
  { name: "PE set", exact: false },
  { name: "PE clear and exact results", exact: true },
])(
  `ordinary numbers, $name: ${PLAIN} cases equal the host's and do not leave emitted code (seed ${SEED})`,
  { timeout: 300_000 },
  ({ exact }) => {
    const random = new Random(SEED);
    const emulated = new Emulated();
    const { counters } = emulated.cpu;
    const plain = forms.filter(({ name }) => !OPERATIONS.test(name) && (!exact || EXACT.test(name)));
    const cases = Array.from({ length: PLAIN }, () => randomCase(random, random.pick(plain), { exact }));
    // What is counted for a case that has nothing but the breakpoint.
    emulated.run({ ...cases[0]!, code: Uint8Array.of(0xcc) });
    const before = counters.callOuts;
    emulated.run({ ...cases[0]!, code: Uint8Array.of(0xcc) });
    const frame = counters.callOuts - before;
    const wrong: string[] = [];
    runNative(cases).forEach((host, i) => {
      const count = counters.callOuts;
      const text = difference(cases[i]!, emulated.run(cases[i]!), host);
      if (text !== null) wrong.push(text);
      if (counters.callOuts - count !== frame) wrong.push(`${cases[i]!.name}: ${counters.callOuts - count - frame} call-outs, ${describeState(cases[i]!.fx!, null, operandsOf(cases[i]!))} memory ${cases[i]!.pokes.map((p) => p.value.toString(16)).join(" ")} code ${Buffer.from(cases[i]!.code).toString("hex")}`);
    });
    console.log(`oracle: ${cases.length} cases of ${plain.length} instructions, ${wrong.length} mismatches or call-outs`);
    expect(wrong.slice(0, 5).join("\n"), `seed ${SEED}`).toBe("");
  },
); // oxfmt-ignore
