/**
 * The decoder beside a second one (iced-x86): lengths, validity, and that everything of the base instruction set is there. Random bytes in all
 * three code sizes, biased to prefixes and the two-byte map; the seed is fixed and printed with a failure.
 */
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { Decoder, type Decoded } from "../../emulator/cpu/decode.ts";
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
