/**
 * CPUID: who the machine's processor is and what it can do (SDM 2, CPUID; AMD's manual 3, appendix E), from its model.
 *
 * The TSC runs at 1 GHz of virtual time. Leaves 15h and 16h tell so, where a model reaches that far, so that a kernel need not calibrate. Caches and topology
 * are told as QEMU tells them: one package of as many cores as there are processors. Elsewhere: the feature bits (`feature.ts`), the models (`model.ts`).
 */
import type { Core } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { MODE, STATE } from "../layout.ts";
import { CR4 } from "../registers.ts";
import { type CpuidRegister, featureBits, FEATURES, type FeatureName } from "./feature.ts";
import { type CpuModel, signature } from "./model.ts";
import { PHYSICAL_BITS } from "./paging.ts";

type Answer = readonly [eax: number, ebx: number, ecx: number, edx: number];

const MAX_HYPERVISOR = 0x40000000;
const HYPERVISOR = "RedzoneRZone";
/** Frequency of the TSC: one count is a nanosecond of virtual time. */
const TSC_HZ = 1_000_000_000;
const EXTENDED = 0x80000000;
const EXTENDED_FEATURES = 0x80000001;
const OSXSAVE = 1 << 27;
const APIC = 1 << 9;
const SYSCALL = 1 << 11;
const ENABLED = 0x800;
const LINE_BYTES = 64;
/** The XSAVE area with x87 and SSE state: legacy region and header, in either format. */
const XSAVE_BYTES = 512 + 64;

interface Cache {
  /** 1 data, 2 instructions, 3 both. */
  readonly type: number;
  readonly level: number;
  readonly ways: number;
  readonly sets: number;
  readonly shared: boolean;
}
/** 32 KiB twice, 2 MiB, and 16 MiB for all cores. */
const CACHES: readonly Cache[] = [
  { type: 1, level: 1, ways: 8, sets: 64, shared: false },
  { type: 2, level: 1, ways: 8, sets: 64, shared: false },
  { type: 3, level: 2, ways: 8, sets: 4096, shared: false },
  { type: 3, level: 3, ways: 16, sets: 16384, shared: true },
];
/** The same as descriptors of leaf 2. */
const CACHE_DESCRIPTORS = { l3: 0x4d, others: 0x002c307d } as const;
/** Bits of 80000001h:EDX that repeat leaf 1's on AMD's processors. */
const ALIASES = 0x0183f3ff;

const NOTHING: Answer = [0, 0, 0, 0];

/** Four characters as a register holds them. */
function characters(text: string, offset: number): number {
  let value = 0;
  for (let n = 0; n < 4; n++) value |= (text.charCodeAt(offset + n) || 0) << (n * 8);
  return value >>> 0;
}

interface Bits {
  readonly eax6: number; readonly ecx1: number; readonly edx1: number; readonly ebx7: number; readonly ecx7: number; readonly edx7: number;
  readonly eaxSave: number; readonly ecxExtended: number; readonly edxExtended: number; readonly edxPower: number;
} // oxfmt-ignore
const bitsOf = new WeakMap<CpuModel, Bits>();

function bitsFor(model: CpuModel): Bits {
  const known = bitsOf.get(model);
  if (known !== undefined) return known;
  const of = (leaf: number, register: CpuidRegister): number => featureBits(model.features, leaf, register);
  const edx1 = of(1, "edx");
  const aliases = model.vendor === "AuthenticAMD" ? edx1 & ALIASES : 0;
  const bits: Bits = {
    eax6: of(6, "eax"), ecx1: of(1, "ecx"), edx1, ebx7: of(7, "ebx"), ecx7: of(7, "ecx"), edx7: of(7, "edx"), eaxSave: of(0x0d, "eax"),
    ecxExtended: of(EXTENDED_FEATURES, "ecx"), edxExtended: (of(EXTENDED_FEATURES, "edx") | aliases) >>> 0, edxPower: of(0x80000007, "edx"),
  }; // oxfmt-ignore
  bitsOf.set(model, bits);
  return bits;
}

function leaf1(core: Core): Answer {
  const { model } = core;
  let { ecx1, edx1 } = bitsFor(model);
  if ((core.cr4 & CR4.OSXSAVE) !== 0) ecx1 |= OSXSAVE;
  // The APIC bit shows whether the APIC is enabled (IA32_APIC_BASE.E).
  if ((core.word(STATE.apicBase) & ENABLED) === 0) edx1 &= ~APIC;
  const count = Math.min(model.cpus, 255);
  return [signature(model), (core.index << 24) | (count << 16) | ((LINE_BYTES / 8) << 8), ecx1, edx1];
}

/** Deterministic cache parameters. At most 64 cores can be told. */
function leaf4({ cpus }: CpuModel, subleaf: number): Answer {
  const cache = CACHES[subleaf];
  if (cache === undefined) return NOTHING;
  const { type, level, ways, sets, shared } = cache;
  const selfInitializing = 1 << 8;
  const sharing = shared ? Math.min(2 ** idBits(cpus), 4096) - 1 : 0;
  const cores = Math.min(2 ** idBits(cpus), 64) - 1;
  return [
    type | (level << 5) | selfInitializing | (sharing << 14) | (cores << 26),
    ((ways - 1) << 22) | (LINE_BYTES - 1),
    sets - 1,
    0,
  ];
}

/** Bits of an APIC id that tell the cores of a package apart. */
const idBits = (cpus: number): number => Math.ceil(Math.log2(cpus));

/** Extended topology: one thread per core, all cores in one package. */
function leafB(core: Core, subleaf: number): Answer {
  const thread = 1;
  const coreLevel = 2;
  if (subleaf === 0) return [0, 1, thread << 8, core.index];
  if (subleaf === 1)
    return [idBits(core.model.cpus), core.model.cpus, subleaf | (coreLevel << 8), core.index];
  return [0, 0, subleaf, core.index];
}

function leafD(model: CpuModel, subleaf: number): Answer {
  if (!model.features.has("xsave")) return NOTHING;
  if (subleaf === 0) return [model.features.has("sse") ? 3 : 1, XSAVE_BYTES, XSAVE_BYTES, 0];
  return subleaf === 1 ? [bitsFor(model).eaxSave, XSAVE_BYTES, 0, 0] : NOTHING;
}

/** On Intel's processors SYSCALL is there, and told, in 64-bit mode only. */
function extendedFeatures(core: Core): Answer {
  const { model } = core;
  const { ecxExtended, edxExtended } = bitsFor(model);
  const isAmd = model.vendor === "AuthenticAMD";
  const hidden = !isAmd && (core.mode & MODE.long) === 0 ? SYSCALL : 0;
  return [isAmd ? signature(model) : 0, 0, ecxExtended, edxExtended & ~hidden];
}

/** AMD's cache leaves, 80000005h and 80000006h: size, ways, lines per tag, line size. */
function amdCaches(leaf: number): Answer {
  const l1 = ((32 << 24) | (8 << 16) | (1 << 8) | LINE_BYTES) >>> 0;
  // Associativity as a code: 6 is 8 ways, 8 is 16; the L3's size in units of 512 KiB.
  if (leaf === 0x80000005) return [0, 0, l1, l1];
  return [
    0,
    0,
    (2048 << 16) | (6 << 12) | (1 << 8) | LINE_BYTES,
    (32 << 18) | (8 << 12) | (1 << 8) | LINE_BYTES,
  ];
}

/** The answer for a leaf; leaves beyond the last basic one give that one's, as on Intel's processors. */
export function cpuid(core: Core, leaf: number, subleaf: number): Answer {
  const { model } = core;
  const { level, extendedLevel, vendor, modelId } = model;
  const last = leaf >= EXTENDED ? extendedLevel : leaf >= MAX_HYPERVISOR ? hypervisorLevel(model) : level;
  if (leaf > last) return model.vendor === "GenuineIntel" ? basic(core, level, subleaf) : NOTHING;
  if (leaf < MAX_HYPERVISOR) return basic(core, leaf, subleaf);
  const bits = bitsFor(model);
  switch (leaf) {
    case MAX_HYPERVISOR:
      return [MAX_HYPERVISOR, characters(HYPERVISOR, 0), characters(HYPERVISOR, 4), characters(HYPERVISOR, 8)];
    case EXTENDED:
      return vendor === "AuthenticAMD" ? [extendedLevel, ...vendorWords(vendor)] : [extendedLevel, 0, 0, 0];
    case EXTENDED_FEATURES:
      return extendedFeatures(core);
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const at = (leaf - 0x80000002) * 16;
      return [characters(modelId, at), characters(modelId, at + 4), characters(modelId, at + 8), characters(modelId, at + 12)];
    }
    case 0x80000005:
    case 0x80000006:
      return vendor === "AuthenticAMD" ? amdCaches(leaf) : NOTHING;
    case 0x80000007:
      return [0, 0, 0, bits.edxPower];
    case 0x80000008: {
      const linear = model.features.has("la57") ? 57 : 48;
      return [PHYSICAL_BITS | (linear << 8), 0, vendor === "AuthenticAMD" ? model.cpus - 1 : 0, 0];
    }
    default:
      return NOTHING;
  }
} // oxfmt-ignore

const hypervisorLevel = (model: CpuModel): number => (model.features.has("hypervisor") ? MAX_HYPERVISOR : 0);

/** EBX, ECX and EDX of leaf 0. */
const vendorWords = (vendor: string): [number, number, number] => [
  characters(vendor, 0),
  characters(vendor, 8),
  characters(vendor, 4),
];

function basic(core: Core, leaf: number, subleaf: number): Answer {
  const { model } = core;
  const bits = bitsFor(model);
  switch (leaf) {
    case 0:
      return [model.level, ...vendorWords(model.vendor)];
    case 1:
      return leaf1(core);
    case 2:
      return model.vendor === "GenuineIntel" ? [1, 0, CACHE_DESCRIPTORS.l3, CACHE_DESCRIPTORS.others] : NOTHING;
    case 4:
      return model.vendor === "GenuineIntel" ? leaf4(model, subleaf) : NOTHING;
    case 6:
      return [bits.eax6, 0, 0, 0];
    case 7:
      return subleaf === 0 ? [0, bits.ebx7, bits.ecx7, bits.edx7] : NOTHING;
    case 0x0b:
      return leafB(core, subleaf);
    case 0x0d:
      return leafD(model, subleaf);
    case 0x15:
      return [1, 1, TSC_HZ, 0];
    case 0x16:
      return [TSC_HZ / 1e6, TSC_HZ / 1e6, 100, 0];
    default:
      return NOTHING;
  }
} // oxfmt-ignore

/** Whether CPUID tells a feature now, for tests and the debugger. */
export function tells(core: Core, name: FeatureName): boolean {
  const [leaf, register, bit] = FEATURES[name];
  const answer = cpuid(core, leaf, leaf === 0x0d ? 1 : 0);
  return ((answer[["eax", "ebx", "ecx", "edx"].indexOf(register)]! >>> bit) & 1) === 1;
}

export const cpuidOperations = {
  cpuid: (core) => {
    const [eax, ebx, ecx, edx] = cpuid(core, core.gpr32(0), core.gpr32(1));
    core.setGpr32(0, eax);
    core.setGpr32(3, ebx);
    core.setGpr32(1, ecx);
    core.setGpr32(2, edx);
  },
} satisfies Record<string, Operation>;
