/**
 * The decoder beside a second one (iced-x86): lengths, validity, and that everything of the base instruction set is there. Random bytes in all
 * three code sizes, biased to prefixes and the two-byte map; the seed is fixed and printed with a failure.
 */
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { Decoder, type Decoded } from "../../emulator/cpu/decode.ts";
import { variantName } from "../../emulator/cpu/interpreter/variant.ts";
import { MODE } from "../../emulator/cpu/layout.ts";

const iced = createRequire(import.meta.url)("iced-x86") as typeof import("iced-x86");

const MODES = {
  16: MODE.protected,
  32: MODE.protected | 1,
  64: MODE.protected | MODE.long | MODE.flat | 2,
} as const;
const SEED = 20260101;

/** xorshift32: the same bytes on every machine. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x64, 0x48, 0x41, 0x4f];

function bytesFrom(next: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from({ length: 16 }, () => next(256));
  let at = 0;
  while (next(3) === 0 && at < 3) bytes[at++] = PREFIXES[next(PREFIXES.length)] ?? 0;
  if (next(2) === 0) {
    bytes[at++] = 0x0f;
    // Most of the vector instructions are in the three-byte maps.
    if (next(4) === 0) bytes[at++] = next(2) === 0 ? 0x38 : 0x3a;
  }
  return bytes;
}

/** CPUID features by iced's names whose instructions the emulator has. */
const IMPLEMENTED = new Set([
  "INTEL8086", "INTEL8086_ONLY", "INTEL186", "INTEL286", "INTEL286_ONLY", "INTEL386", "INTEL386_ONLY", "INTEL486", "X64", "CX8", "CMPXCHG16B", "CMOV", "CPUID",
  "FPU", "FPU287", "FPU387", "SYSCALL", "SEP", "MSR", "TSC", "RDTSCP", "POPCNT", "LZCNT", "MOVBE", "ADX", "INVPCID", "SMAP", "FSGSBASE", "RDPMC", "MULTIBYTENOP",
  "MMX", "FXSR", "SSE", "SSE2", "SSE3", "SSSE3", "SSE4_1", "SSE4_2", "AES", "PCLMULQDQ", "XSAVE", "CLFSH", "PAUSE", "RDRAND", "RDSEED",
]); // oxfmt-ignore

interface Difference {
  readonly bits: number;
  readonly bytes: string;
  readonly ours: string;
  readonly theirs: string;
}

function compare(bits: 16 | 32 | 64, bytes: Uint8Array, ours: Decoder): Difference | null {
  const decoder = new iced.Decoder(bits, bytes, iced.DecoderOptions.None);
  const instruction = decoder.decode();
  const theirs = { code: iced.Code[instruction.code] ?? "", length: instruction.length };
  const features = Array.from(instruction.cpuidFeatures(), (f) => iced.CpuidFeature[f] ?? "");
  const result: Decoded = ours.decode(bytes, 0, bytes.length, MODES[bits]);
  const text = `${result} length ${ours.length} ${ours.form?.family.name ?? ""}`;
  instruction.free();
  decoder.free();
  const differs = (): Difference => ({
    bits,
    bytes: Buffer.from(bytes.subarray(0, Math.max(theirs.length, 4))).toString("hex"),
    ours: text,
    theirs: `${theirs.code} length ${theirs.length} ${features.join(",")}`,
  });
  if (theirs.code === "INVALID") {
    // A missing instruction may be named more generously than the other decoder knows it.
    // Control and debug registers that do not exist are found out when the instruction runs.
    const late = /^mov_(r_[cd]r|[cd]r_r)$/.test(ours.form?.family.name ?? "");
    return result === "invalid" || result === "missing" || result === "long" || late ? null : differs();
  }
  const known = features.every((feature: string) => IMPLEMENTED.has(feature));
  if (!known) return null;
  if (result !== "handler" && result !== "operation") return /^(Ud|Loadall|Xbts|Ibts|Cmpxchg486|Umov|Rsm|Cl1|Bb|Reserved)/i.test(theirs.code) ? null : differs(); // oxfmt-ignore
  return ours.length === theirs.length ? null : differs();
}

test.each([16, 32, 64] as const)("%i-bit code decodes as the second decoder has it", (bits) => {
  const next = random(SEED + bits);
  const ours = new Decoder();
  const differences = new Map<string, Difference>();
  for (let i = 0; i < 100_000; i++) {
    const difference = compare(bits, bytesFrom(next), ours);
    if (difference !== null)
      differences.set(`${difference.theirs.split(" ")[0]} ${difference.ours.split(" ")[0]}`, difference);
  }
  expect([...differences.values()], `seed ${SEED}`).toEqual([]);
});

/** All that a record is made of. */
function fields(d: Decoder, bytes: Uint8Array, end: number, mode: number): string {
  const result = d.decode(bytes, 0, end, mode);
  if (result !== "handler" && result !== "operation") return `${result} length ${d.length}`;
  const form = d.form === null ? [] : [d.form.family.name, d.form.map, d.form.opcode, d.form.digit];
  const how = [
    d.family?.name,
    d.variant === null ? "" : variantName(d.variant),
    d.ends,
    d.repeats,
    d.relative,
  ];
  const memory = [d.hasMemory, d.segment, d.addressSize, d.base, d.index, d.shift, d.ripRelative];
  const rest = [result === "handler" ? d.handler : 0, d.registers, d.displacement, d.immediate, d.wide];
  const all = [result, d.length, form, how, memory, rest, d.instruction];
  return JSON.stringify(all, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
}

test.each([16, 32, 64] as const)("%i-bit code decodes as it does the first time", (bits) => {
  const next = random(SEED + 7 * bits);
  const used = new Decoder();
  let mode: number = MODES[bits];
  for (let i = 0; i < 1_000; i++) {
    const bytes = bytesFrom(next);
    const end = next(8) === 0 ? next(16) : 16;
    if (next(4) === 0) mode = MODES[bits] ^ (next(2) * MODE.flat) ^ (next(2) * MODE.stack32);
    const first = fields(new Decoder(), bytes, end, mode);
    // Often of the same shape, with another SIB, displacement and immediate.
    const others = bytes.map((byte, at) => (at < 3 + next(5) ? byte : next(256)));
    used.decode(others, 0, 16, mode);
    for (const _ of "12") expect(fields(used, bytes, end, mode), `${i}, seed ${SEED}`).toBe(first);
  }
});
