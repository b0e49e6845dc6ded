/**
 * Instruction fetches: from the linear address of code to its guest-physical address, through the instruction TLB.
 */
import { physical } from "../../numbers.ts";
import type { PhysicalAddress } from "../../numbers.ts";
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { MODE, RUN } from "../layout.ts";
import { canonical } from "./paging.ts";
import { lookupCode } from "./tlb.ts";

/**
 * Guest-physical address of the instruction byte at `linear`; fills the instruction TLB and makes that page RUN.codePage. The code segment's limit is the
 * caller's to check. Throws #PF, or #GP(0) if the address is not canonical.
 */
export const translateCode = (core: Core, linear: bigint): PhysicalAddress =>
  fetchFrom(core, Number(linear & 0xffffffffn), Number(linear >> 32n));

/** The same of an address by its low and its high half. */
export function fetchFrom(core: Core, lo: number, hi: number): PhysicalAddress {
  core.setWord(RUN.address, lo);
  core.setWord(RUN.address + 4, hi);
  if ((core.mode & MODE.codeSize) === 2 && !canonical(core, hi))
    throw new Fault(VECTOR.GP, 0, `RIP 0x${core.quad(RUN.address).toString(16)} is not a canonical address`);
  const page = lookupCode(core, lo, hi, core.cpl === 3);
  const u32 = core.u32;
  if (((u32[(RUN.breakpoints >>> 2) + ((lo >>> 17) & 1)]! >>> ((lo >>> 12) & 31)) & 1) !== 0)
    core.onBreakPage(((BigInt(hi) << 32n) | BigInt(lo)) & ~0xfffn, page);
  u32[RUN.codePage >>> 2] = lo & 0xfffff000;
  u32[(RUN.codePage >>> 2) + 1] = hi;
  u32[RUN.codeFrame >>> 2] = page >>> 0;
  u32[(RUN.codeFrame >>> 2) + 1] = Math.floor(page / 0x100000000);
  return physical(page * 4096 + (lo & 0xfff));
}
