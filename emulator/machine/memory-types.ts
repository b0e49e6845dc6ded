/**
 * Memory type range registers as a PC's firmware leaves them on every processor (SDM 3A 11.11): what SeaBIOS writes. Nothing here is cached, so they decide
 * nothing; a kernel that finds them off leaves the page attribute table alone, too.
 *
 *     0 … 9ffff write-back     a0000 … bffff uncached     c0000 … fffff write-protected     PCI's window below 4 GiB uncached     all else write-back
 */
import type { Core } from "../cpu/core.ts";
import { PHYSICAL_BITS } from "../cpu/system/paging.ts";

const MSR = { physBase0: 0x200, physMask0: 0x201, fix64K: 0x250, fix16K80000: 0x258, fix16KA0000: 0x259, fix4K: 0x268, defaultType: 0x2ff } as const; // oxfmt-ignore
const FIX_4K_COUNT = 8;
const WRITE_BACK = 0x0606060606060606n;
const WRITE_PROTECTED = 0x0505050505050505n;
const VALID = 0x800n;
/** Fixed and variable ranges on; write-back where none applies. */
const DEFAULT_TYPE = 0xc06n;
const FOUR_GIB = 0x1_0000_0000n;

export function setMemoryTypes(core: Core, below4G: number): void {
  if (!core.has("mtrr")) return;
  core.setMsr(MSR.fix64K, WRITE_BACK);
  core.setMsr(MSR.fix16K80000, WRITE_BACK);
  core.setMsr(MSR.fix16KA0000, 0n);
  for (let n = 0; n < FIX_4K_COUNT; n++) core.setMsr(MSR.fix4K + n, WRITE_PROTECTED);
  const window = below4G <= 0xc0000000 ? 0xc0000000n : 0xe0000000n;
  const mask = ~(FOUR_GIB - window - 1n) & ((1n << BigInt(PHYSICAL_BITS)) - 1n);
  core.setMsr(MSR.physBase0, window);
  core.setMsr(MSR.physMask0, mask | VALID);
  core.setMsr(MSR.defaultType, DEFAULT_TYPE);
}
