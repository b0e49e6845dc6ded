/**
 * Which feature an instruction needs, from its encoding: what a processor without the feature does not know is an invalid opcode (SDM 2, "CPUID feature flag"
 * column).
 *
 * Elsewhere: control register bits and MSRs that come with features (`system/control.ts`, `system/msr.ts`). Not told apart: x87 without `fpu`, instructions of
 * the 486 and Pentium that have no bit, LAHF in 64-bit mode, and prefetches, which are hints. CMPXCHG16B is the 64-bit form of CMPXCHG8B and
 * asks itself.
 */
import { families, type Form } from "../isa/index.ts";
import type { FeatureName } from "./system/feature.ts";

const BY_FAMILY: { readonly [name: string]: FeatureName } = {
  popcnt: "popcnt", lzcnt: "lzcnt", movbe: "movbe", crc32: "sse4_2", crc32_8: "sse4_2", adcx: "adx", adox: "adx", cmpxchg8b: "cx8",
  syscall: "syscall", sysret: "syscall", sysenter: "sep", sysexit: "sep", rdtsc: "tsc", rdtscp: "rdtscp", rdmsr: "msr", wrmsr: "msr", rdrand: "rdrand",
  rdseed: "rdseed", rdfsbase: "fsgsbase", rdgsbase: "fsgsbase", wrfsbase: "fsgsbase", wrgsbase: "fsgsbase", invpcid: "invpcid", monitor: "monitor",
  mwait: "monitor", stac: "smap", clac: "smap", xgetbv: "xsave", xsetbv: "xsave", xsave: "xsave", xrstor: "xsave", xsaveopt: "xsaveopt",
  xsavec: "xsavec", xsaves: "xsaves", xrstors: "xsaves", fxsave: "fxsr", fxrstor: "fxsr", ldmxcsr: "sse", stmxcsr: "sse", movnti: "sse2", emms: "mmx",
  clflush: "clflush",
}; // oxfmt-ignore

/** Opcodes of the map 0F that SSE added to MMX, and those that SSE2 added. */
const MMX_OF_SSE = new Set([
  0x70, 0xc4, 0xc5, 0xd7, 0xda, 0xde, 0xe0, 0xe3, 0xe4, 0xe7, 0xea, 0xee, 0xf6, 0xf7,
]);
const MMX_OF_SSE2 = new Set([0xd4, 0xf4, 0xfb]);
const SSE3 = new Set([
  "66 7c",
  "f2 7c",
  "66 7d",
  "f2 7d",
  "66 d0",
  "f2 d0",
  "f2 12",
  "f3 12",
  "f3 16",
  "f2 f0",
]);
const SSE2_F3 = new Set([0x5b, 0x6f, 0x70, 0x7e, 0x7f, 0xd6, 0xe6]);
const STRING_COMPARISONS = [0x60, 0x63] as const;

/** The feature that brings a form; null if every processor here has it. */
export function requiredFeature(form: Form): FeatureName | null {
  const named = BY_FAMILY[form.family.name];
  if (named !== undefined) return named;
  if (form.family.name.startsWith("cmov")) return "cmov";
  if (form.family.name === "fence") return form.digit === 7 ? "sse" : "sse2";
  return form.isVector ? vectorFeature(form) : null;
}

function vectorFeature({ map, opcode, prefix, operands }: Form): FeatureName {
  if (map === 2) {
    if (opcode < 0x0c || (opcode >= 0x1c && opcode <= 0x1e)) return "ssse3";
    if (opcode >= 0xdb && opcode <= 0xdf) return "aes";
    return opcode === 0x37 ? "sse4_2" : "sse4_1";
  }
  if (map === 3) {
    if (opcode === 0x0f) return "ssse3";
    if (opcode === 0x44) return "pclmulqdq";
    if (opcode === 0xdf) return "aes";
    return opcode >= STRING_COMPARISONS[0] && opcode <= STRING_COMPARISONS[1] ? "sse4_2" : "sse4_1";
  }
  if (SSE3.has(`${prefix} ${opcode.toString(16)}`)) return "sse3";
  if (prefix === "66" || prefix === "f2") return "sse2";
  if (prefix === "f3") return SSE2_F3.has(opcode) ? "sse2" : "sse";
  if (operands.some(({ kind }) => kind.startsWith("xmm"))) return opcode === 0x5a || opcode === 0x5b ? "sse2" : "sse"; // oxfmt-ignore
  return MMX_OF_SSE.has(opcode) ? "sse" : MMX_OF_SSE2.has(opcode) ? "sse2" : "mmx";
}

/** The forms that a processor with these features does not know. */
export function absentForms(features: ReadonlySet<FeatureName>): ReadonlySet<Form> {
  const absent = new Set<Form>();
  for (const family of families)
    for (const form of family.forms) {
      const needed = requiredFeature(form);
      if (needed !== null && !features.has(needed)) absent.add(form);
    }
  return absent;
}
