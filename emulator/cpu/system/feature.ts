/**
 * The processor's features, by the names Linux and QEMU use: what CPUID says, and which bits of CR4, EFER and the MSRs exist because of it.
 *
 * Invariant: `true` means that it is implemented. An instruction set that becomes complete is switched on here and nowhere else.
 */

/** Registers of CPUID's answer. */
export type CpuidRegister = "eax" | "ebx" | "ecx" | "edx";

/** leaf, register, bit, implemented */
type Row = readonly [leaf: number, register: CpuidRegister, bit: number, implemented: boolean];

const EXTENDED = 0x80000001;

export const FEATURES = {
  fpu: [1, "edx", 0, true],
  vme: [1, "edx", 1, true],
  de: [1, "edx", 2, true],
  pse: [1, "edx", 3, true],
  tsc: [1, "edx", 4, true],
  msr: [1, "edx", 5, true],
  pae: [1, "edx", 6, true],
  mce: [1, "edx", 7, false],
  cx8: [1, "edx", 8, true],
  apic: [1, "edx", 9, true],
  sep: [1, "edx", 11, true],
  mtrr: [1, "edx", 12, true],
  pge: [1, "edx", 13, true],
  mca: [1, "edx", 14, false],
  cmov: [1, "edx", 15, true],
  pat: [1, "edx", 16, true],
  pse36: [1, "edx", 17, true],
  clflush: [1, "edx", 19, true],
  mmx: [1, "edx", 23, true],
  fxsr: [1, "edx", 24, true],
  sse: [1, "edx", 25, true],
  sse2: [1, "edx", 26, true],
  sse3: [1, "ecx", 0, true],
  pclmulqdq: [1, "ecx", 1, true],
  monitor: [1, "ecx", 3, false],
  ssse3: [1, "ecx", 9, true],
  fma: [1, "ecx", 12, false],
  cx16: [1, "ecx", 13, true],
  pcid: [1, "ecx", 17, true],
  sse4_1: [1, "ecx", 19, true],
  sse4_2: [1, "ecx", 20, true],
  x2apic: [1, "ecx", 21, true],
  movbe: [1, "ecx", 22, true],
  popcnt: [1, "ecx", 23, true],
  tsc_deadline: [1, "ecx", 24, true],
  aes: [1, "ecx", 25, true],
  xsave: [1, "ecx", 26, false],
  avx: [1, "ecx", 28, false],
  rdrand: [1, "ecx", 30, true],
  hypervisor: [1, "ecx", 31, true],
  fsgsbase: [7, "ebx", 0, true],
  bmi1: [7, "ebx", 3, false],
  smep: [7, "ebx", 7, true],
  bmi2: [7, "ebx", 8, false],
  erms: [7, "ebx", 9, true],
  invpcid: [7, "ebx", 10, true],
  rdseed: [7, "ebx", 18, true],
  adx: [7, "ebx", 19, true],
  smap: [7, "ebx", 20, true],
  umip: [7, "ecx", 2, true],
  la57: [7, "ecx", 16, true],
  rdpid: [7, "ecx", 22, false],
  fsrm: [7, "edx", 4, true],
  arch_capabilities: [7, "edx", 29, true],
  lahf_lm: [EXTENDED, "ecx", 0, true],
  lzcnt: [EXTENDED, "ecx", 5, true],
  prefetchw: [EXTENDED, "ecx", 8, true],
  syscall: [EXTENDED, "edx", 11, true],
  nx: [EXTENDED, "edx", 20, true],
  pdpe1gb: [EXTENDED, "edx", 26, true],
  rdtscp: [EXTENDED, "edx", 27, true],
  lm: [EXTENDED, "edx", 29, true],
} satisfies Record<string, Row>;

export type FeatureName = keyof typeof FEATURES;

export const hasFeature = (name: FeatureName): boolean => FEATURES[name][3] as boolean;

/** The feature bits of one register of a leaf. */
export function featureBits(leaf: number, register: CpuidRegister): number {
  let bits = 0;
  const rows: Record<string, Row> = FEATURES;
  for (const [rowLeaf, rowRegister, bit, implemented] of Object.values(rows))
    if (rowLeaf === leaf && rowRegister === register && implemented) bits |= 1 << bit;
  return bits >>> 0;
}
