/**
 * CPUID: an Intel-like processor, family 6 model 15, that says it is virtual and what it can do (SDM 2, CPUID).
 *
 * Leaves: 0 … 16h, 40000000h, 80000000h … 80000008h. The TSC runs at 1 GHz of virtual time, which leaf 15h tells, so that no kernel needs to
 * calibrate. Elsewhere: the feature bits (`feature.ts`).
 */
import type { Core } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { STATE } from "../layout.ts";
import { CR4, SIGNATURE } from "../registers.ts";
import { featureBits, hasFeature } from "./feature.ts";
import { PHYSICAL_BITS } from "./paging.ts";

type Answer = readonly [eax: number, ebx: number, ecx: number, edx: number];

const MAX_BASIC = 0x16;
const MAX_EXTENDED = 0x80000008;
const MAX_HYPERVISOR = 0x40000000;
const VENDOR = "GenuineIntel";
const HYPERVISOR = "RedzoneRZone";
const BRAND = "Redzone Virtual CPU";
/** Frequency of the TSC: one count is a nanosecond of virtual time. */
const TSC_HZ = 1_000_000_000;

const BITS = {
  ecx1: featureBits(1, "ecx"), edx1: featureBits(1, "edx"), ebx7: featureBits(7, "ebx"), ecx7: featureBits(7, "ecx"), edx7: featureBits(7, "edx"),
  ecxExtended: featureBits(0x80000001, "ecx"), edxExtended: featureBits(0x80000001, "edx"),
}; // oxfmt-ignore

const NOTHING: Answer = [0, 0, 0, 0];

/** Four characters as a register holds them. */
function characters(text: string, offset: number): number {
  let value = 0;
  for (let n = 0; n < 4; n++) value |= (text.charCodeAt(offset + n) || 0) << (n * 8);
  return value >>> 0;
}

function leaf1(core: Core): Answer {
  let ecx = BITS.ecx1;
  let edx = BITS.edx1;
  if ((core.cr4 & CR4.OSXSAVE) !== 0) ecx |= 1 << 27;
  // The APIC bit shows whether the APIC is enabled (IA32_APIC_BASE.E).
  if (hasFeature("apic") && (core.word(STATE.apicBase) & 0x800) === 0) edx &= ~(1 << 9);
  // CLFLUSH line of 8 × 8 bytes, one logical processor, initial APIC id.
  return [SIGNATURE, (core.index << 24) | (1 << 16) | (8 << 8), ecx, edx];
}

/** The answer for a leaf; leaves beyond the last basic one give that one's, as on Intel's processors. */
export function cpuid(core: Core, leaf: number, subleaf: number): Answer {
  const known = leaf <= MAX_BASIC || (leaf >= 0x40000000 && leaf <= MAX_HYPERVISOR) || (leaf >= 0x80000000 && leaf <= MAX_EXTENDED);
  switch (known ? leaf : MAX_BASIC) {
    case 0:
      return [MAX_BASIC, characters(VENDOR, 0), characters(VENDOR, 8), characters(VENDOR, 4)];
    case 1:
      return leaf1(core);
    case 2:
      // One descriptor byte set, all null: cache and TLB sizes are not told.
      return [1, 0, 0, 0];
    case 7:
      return subleaf === 0 ? [0, BITS.ebx7, BITS.ecx7, BITS.edx7] : NOTHING;
    case 0x15:
      return [1, 1, TSC_HZ, 0];
    case 0x16:
      return [TSC_HZ / 1e6, TSC_HZ / 1e6, 100, 0];
    case 0x40000000:
      return [MAX_HYPERVISOR, characters(HYPERVISOR, 0), characters(HYPERVISOR, 4), characters(HYPERVISOR, 8)];
    case 0x80000000:
      return [MAX_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [0, 0, BITS.ecxExtended, BITS.edxExtended];
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const at = (leaf - 0x80000002) * 16;
      return [characters(BRAND, at), characters(BRAND, at + 4), characters(BRAND, at + 8), characters(BRAND, at + 12)];
    }
    case 0x80000007:
      // Invariant TSC
      return [0, 0, 0, 1 << 8];
    case 0x80000008:
      return [PHYSICAL_BITS | ((hasFeature("la57") ? 57 : 48) << 8), 0, 0, 0];
    default:
      return NOTHING;
  }
} // oxfmt-ignore

export const cpuidOperations = {
  cpuid: (core) => {
    const [eax, ebx, ecx, edx] = cpuid(core, core.gpr32(0), core.gpr32(1));
    core.setGpr32(0, eax);
    core.setGpr32(3, ebx);
    core.setGpr32(1, ecx);
    core.setGpr32(2, edx);
  },
} satisfies Record<string, Operation>;
