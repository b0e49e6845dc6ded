/**
 * The processor's features, by the names Linux and QEMU use: where CPUID tells them, and whether they are implemented.
 *
 * Invariant: `true` means that it is implemented. An instruction set that becomes complete is switched on here and nowhere else; what a machine has is this
 * or less (`model.ts`). Those that are `false` are here because a processor model or a QEMU command line may name them.
 */

/** Registers of CPUID's answer. */
export type CpuidRegister = "eax" | "ebx" | "ecx" | "edx";

/** leaf, register, bit, implemented. Leaf 0Dh means its subleaf 1, all others subleaf 0. */
type Row = readonly [leaf: number, register: CpuidRegister, bit: number, implemented: boolean];

const EXTENDED = 0x80000001;
const POWER = 0x80000007;
const SAVE = 0x0d;

export const FEATURES = {
  fpu: [1, "edx", 0, true],
  vme: [1, "edx", 1, true],
  de: [1, "edx", 2, true],
  pse: [1, "edx", 3, true],
  tsc: [1, "edx", 4, true],
  msr: [1, "edx", 5, true],
  pae: [1, "edx", 6, true],
  mce: [1, "edx", 7, true],
  cx8: [1, "edx", 8, true],
  apic: [1, "edx", 9, true],
  sep: [1, "edx", 11, true],
  mtrr: [1, "edx", 12, true],
  pge: [1, "edx", 13, true],
  mca: [1, "edx", 14, true],
  cmov: [1, "edx", 15, true],
  pat: [1, "edx", 16, true],
  pse36: [1, "edx", 17, true],
  clflush: [1, "edx", 19, true],
  ds: [1, "edx", 21, false],
  acpi: [1, "edx", 22, false],
  mmx: [1, "edx", 23, true],
  fxsr: [1, "edx", 24, true],
  sse: [1, "edx", 25, true],
  sse2: [1, "edx", 26, true],
  ss: [1, "edx", 27, true],
  ht: [1, "edx", 28, true],
  tm: [1, "edx", 29, false],
  pbe: [1, "edx", 31, false],
  sse3: [1, "ecx", 0, true],
  pclmulqdq: [1, "ecx", 1, true],
  dtes64: [1, "ecx", 2, false],
  monitor: [1, "ecx", 3, false],
  ds_cpl: [1, "ecx", 4, false],
  vmx: [1, "ecx", 5, false],
  smx: [1, "ecx", 6, false],
  est: [1, "ecx", 7, false],
  tm2: [1, "ecx", 8, false],
  ssse3: [1, "ecx", 9, true],
  fma: [1, "ecx", 12, false],
  cx16: [1, "ecx", 13, true],
  xtpr: [1, "ecx", 14, false],
  pdcm: [1, "ecx", 15, false],
  pcid: [1, "ecx", 17, true],
  dca: [1, "ecx", 18, false],
  sse4_1: [1, "ecx", 19, true],
  sse4_2: [1, "ecx", 20, true],
  x2apic: [1, "ecx", 21, true],
  movbe: [1, "ecx", 22, true],
  popcnt: [1, "ecx", 23, true],
  tsc_deadline: [1, "ecx", 24, true],
  aes: [1, "ecx", 25, true],
  xsave: [1, "ecx", 26, true],
  avx: [1, "ecx", 28, false],
  f16c: [1, "ecx", 29, false],
  rdrand: [1, "ecx", 30, true],
  hypervisor: [1, "ecx", 31, true],
  arat: [6, "eax", 2, true],
  fsgsbase: [7, "ebx", 0, true],
  bmi1: [7, "ebx", 3, false],
  hle: [7, "ebx", 4, false],
  avx2: [7, "ebx", 5, false],
  smep: [7, "ebx", 7, true],
  bmi2: [7, "ebx", 8, false],
  erms: [7, "ebx", 9, true],
  invpcid: [7, "ebx", 10, true],
  rtm: [7, "ebx", 11, false],
  mpx: [7, "ebx", 14, false],
  avx512f: [7, "ebx", 16, false],
  rdseed: [7, "ebx", 18, true],
  adx: [7, "ebx", 19, true],
  smap: [7, "ebx", 20, true],
  clflushopt: [7, "ebx", 23, false],
  clwb: [7, "ebx", 24, false],
  sha_ni: [7, "ebx", 29, false],
  umip: [7, "ecx", 2, true],
  pku: [7, "ecx", 3, false],
  la57: [7, "ecx", 16, true],
  rdpid: [7, "ecx", 22, false],
  fsrm: [7, "edx", 4, true],
  md_clear: [7, "edx", 10, false],
  spec_ctrl: [7, "edx", 26, false],
  stibp: [7, "edx", 27, false],
  arch_capabilities: [7, "edx", 29, true],
  ssbd: [7, "edx", 31, false],
  xsaveopt: [SAVE, "eax", 0, true],
  xsavec: [SAVE, "eax", 1, true],
  xgetbv1: [SAVE, "eax", 2, true],
  xsaves: [SAVE, "eax", 3, true],
  lahf_lm: [EXTENDED, "ecx", 0, true],
  cmp_legacy: [EXTENDED, "ecx", 1, true],
  svm: [EXTENDED, "ecx", 2, false],
  cr8legacy: [EXTENDED, "ecx", 4, false],
  lzcnt: [EXTENDED, "ecx", 5, true],
  sse4a: [EXTENDED, "ecx", 6, false],
  misalignsse: [EXTENDED, "ecx", 7, false],
  prefetchw: [EXTENDED, "ecx", 8, true],
  osvw: [EXTENDED, "ecx", 9, false],
  topoext: [EXTENDED, "ecx", 22, false],
  syscall: [EXTENDED, "edx", 11, true],
  nx: [EXTENDED, "edx", 20, true],
  mmxext: [EXTENDED, "edx", 22, false],
  fxsr_opt: [EXTENDED, "edx", 25, false],
  pdpe1gb: [EXTENDED, "edx", 26, true],
  rdtscp: [EXTENDED, "edx", 27, true],
  lm: [EXTENDED, "edx", 29, true],
  "3dnowext": [EXTENDED, "edx", 30, false],
  "3dnow": [EXTENDED, "edx", 31, false],
  invtsc: [POWER, "edx", 8, true],
} satisfies Record<string, Row>;

export type FeatureName = keyof typeof FEATURES;

export const isImplemented = (name: FeatureName): boolean => FEATURES[name][3] as boolean;

export const FEATURE_NAMES = Object.keys(FEATURES) as readonly FeatureName[];
export const IMPLEMENTED: ReadonlySet<FeatureName> = new Set(FEATURE_NAMES.filter(isImplemented));

/** Those of `features` that CPUID tells in one register of a leaf. */
export function featureBits(
  features: ReadonlySet<FeatureName>,
  leaf: number,
  register: CpuidRegister,
): number {
  let bits = 0;
  for (const name of features) {
    const [rowLeaf, rowRegister, bit] = FEATURES[name];
    if (rowLeaf === leaf && rowRegister === register) bits |= 1 << bit;
  }
  return bits >>> 0;
}
