/**
 * Processor models as QEMU 7.2 defines them (target/i386/cpu.c, version 1 of each): what `-cpu NAME` gives before anything is added or taken away.
 *
 * Each row builds on another where QEMU's does. Features that are not implemented are listed all the same; `model.ts` leaves them out and says so.
 */
import { FEATURE_NAMES, type FeatureName, IMPLEMENTED } from "./feature.ts";

export type Vendor = "GenuineIntel" | "AuthenticAMD";

export interface ModelRow {
  readonly vendor: Vendor;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** Last basic and last extended leaf of CPUID. */
  readonly level: number;
  readonly extendedLevel: number;
  readonly modelId: string;
  readonly features: readonly FeatureName[];
}

const names = (text: string): readonly FeatureName[] => {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return FEATURE_NAMES.filter((name) => words.includes(name));
};
const also = (row: ModelRow, text: string): readonly FeatureName[] => [...row.features, ...names(text)];

const PENTIUM_PRO = "fpu de pse tsc msr mce cx8 pge cmov pat fxsr mmx sse sse2 pae sep apic";
const LONG = "syscall nx lm lahf_lm";

const qemu64: ModelRow = {
  vendor: "AuthenticAMD", family: 15, model: 107, stepping: 1, level: 0x0d, extendedLevel: 0x8000000a, modelId: "QEMU Virtual CPU version 2.5+",
  features: names(`${PENTIUM_PRO} mtrr clflush mca pse36 sse3 cx16 ${LONG} svm`),
}; // oxfmt-ignore
const core2duo: ModelRow = {
  vendor: "GenuineIntel", family: 6, model: 15, stepping: 11, level: 10, extendedLevel: 0x80000008,
  modelId: "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz",
  features: names(`${PENTIUM_PRO} mtrr clflush mca pse36 vme acpi ss sse3 monitor ssse3 cx16 ${LONG}`),
}; // oxfmt-ignore
const conroe: ModelRow = {
  ...core2duo, stepping: 3, modelId: "Intel Celeron_4x0 (Conroe/Merom Class Core 2)",
  features: names(`${PENTIUM_PRO} vme clflush pse36 mca mtrr ssse3 sse3 ${LONG}`),
}; // oxfmt-ignore
const penryn: ModelRow = {
  ...conroe, model: 23, modelId: "Intel Core 2 Duo P9xxx (Penryn Class Core 2)", features: also(conroe, "sse4_1 cx16"),
}; // oxfmt-ignore
const nehalem: ModelRow = {
  ...penryn, model: 26, level: 11, modelId: "Intel Core i7 9xx (Nehalem Class Core i7)", features: also(penryn, "popcnt sse4_2"),
}; // oxfmt-ignore
const westmere: ModelRow = {
  ...nehalem, model: 44, stepping: 1, modelId: "Westmere E56xx/L56xx/X56xx (Nehalem-C)", features: also(nehalem, "aes pclmulqdq arat"),
}; // oxfmt-ignore
const sandyBridge: ModelRow = {
  ...westmere, model: 42, level: 0x0d, modelId: "Intel Xeon E312xx (Sandy Bridge)",
  features: also(westmere, "avx xsave tsc_deadline x2apic rdtscp xsaveopt"),
}; // oxfmt-ignore
const ivyBridge: ModelRow = {
  ...sandyBridge, model: 58, stepping: 9, modelId: "Intel Xeon E3-12xx v2 (Ivy Bridge)", features: also(sandyBridge, "f16c rdrand fsgsbase smep erms"),
}; // oxfmt-ignore
const haswell: ModelRow = {
  ...ivyBridge, model: 60, stepping: 4, modelId: "Intel Core Processor (Haswell)",
  features: also(ivyBridge, "fma movbe pcid lzcnt bmi1 hle avx2 bmi2 invpcid rtm"),
}; // oxfmt-ignore
const broadwell: ModelRow = {
  ...haswell, model: 61, stepping: 2, modelId: "Intel Core Processor (Broadwell)", features: also(haswell, "prefetchw rdseed adx smap"),
}; // oxfmt-ignore
const skylake: ModelRow = {
  ...broadwell, model: 94, stepping: 3, modelId: "Intel Core Processor (Skylake)", features: also(broadwell, "xsavec xgetbv1"),
}; // oxfmt-ignore
const pentium: ModelRow = {
  vendor: "GenuineIntel", family: 5, model: 4, stepping: 3, level: 1, extendedLevel: 0, modelId: "", features: names("de fpu vme pse tsc msr mce cx8 mmx apic"),
}; // oxfmt-ignore
const PENTIUM2 = "de fpu vme pse tsc msr mce cx8 mmx apic sep pge mtrr pse36 pat mca cmov pae fxsr";

/** By the name that `-cpu` takes. */
export const MODELS: { readonly [name: string]: ModelRow } = {
  max: {
    vendor: "GenuineIntel", family: 6, model: 15, stepping: 11, level: 0x16, extendedLevel: 0x80000008, modelId: "Redzone Virtual CPU",
    features: [...IMPLEMENTED],
  },
  qemu64,
  qemu32: { ...qemu64, vendor: "GenuineIntel", family: 6, model: 6, stepping: 3, level: 4, extendedLevel: 0x80000004, features: names(`${PENTIUM_PRO} sse3`) },
  kvm64: {
    vendor: "GenuineIntel", family: 15, model: 6, stepping: 1, level: 0x0d, extendedLevel: 0x80000008, modelId: "Common KVM processor",
    features: names(`${PENTIUM_PRO} mtrr clflush mca pse36 vme sse3 cx16 syscall nx lm`),
  },
  kvm32: {
    vendor: "GenuineIntel", family: 15, model: 6, stepping: 1, level: 5, extendedLevel: 0x80000008, modelId: "Common 32-bit KVM processor",
    features: names(`${PENTIUM_PRO} mtrr clflush mca pse36 vme sse3`),
  },
  "486": { ...pentium, family: 4, model: 8, stepping: 0, features: names("fpu vme pse") },
  pentium,
  pentium2: { ...pentium, family: 6, model: 5, stepping: 2, level: 2, features: names(PENTIUM2) },
  pentium3: { ...pentium, family: 6, model: 7, stepping: 3, level: 3, features: names(`${PENTIUM2} sse`) },
  core2duo,
  Conroe: conroe,
  Penryn: penryn,
  Nehalem: nehalem,
  Westmere: westmere,
  SandyBridge: sandyBridge,
  IvyBridge: ivyBridge,
  Haswell: haswell,
  Broadwell: broadwell,
  "Skylake-Client": skylake,
  EPYC: {
    vendor: "AuthenticAMD", family: 23, model: 1, stepping: 2, level: 0x0d, extendedLevel: 0x8000001e, modelId: "AMD EPYC Processor",
    features: names(
      `${PENTIUM_PRO} clflush pse36 mca mtrr vme rdrand f16c avx xsave aes popcnt movbe sse4_2 sse4_1 cx16 fma ssse3 monitor pclmulqdq sse3 ${LONG} rdtscp
       pdpe1gb fxsr_opt mmxext osvw prefetchw misalignsse sse4a lzcnt cr8legacy svm topoext fsgsbase bmi1 avx2 smep bmi2 rdseed adx smap clflushopt
       sha_ni xsaveopt xsavec xgetbv1 arat`,
    ),
  },
}; // oxfmt-ignore
