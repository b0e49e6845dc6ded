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
export function translateCode(core: Core, linear: bigint): PhysicalAddress {
  core.setQuad(RUN.address, linear);
  const lo = core.word(RUN.address);
  const hi = core.word(RUN.address + 4);
  if ((core.mode & MODE.codeSize) === 2 && !canonical(core, hi))
    throw new Fault(VECTOR.GP, 0, `RIP 0x${linear.toString(16)} is not a canonical address`);
  const page = lookupCode(core, lo, hi, core.cpl === 3);
  const u32 = core.u32;
  if (((u32[(RUN.breakpoints >>> 2) + ((lo >>> 17) & 1)]! >>> ((lo >>> 12) & 31)) & 1) !== 0)
    core.onBreakPage(linear & ~0xfffn, page);
  u32[RUN.codePage >>> 2] = lo & 0xfffff000;
  u32[(RUN.codePage >>> 2) + 1] = hi;
  u32[RUN.codeFrame >>> 2] = page >>> 0;
  u32[(RUN.codeFrame >>> 2) + 1] = Math.floor(page / 0x100000000);
  return physical(page * 4096 + (lo & 0xfff));
}
