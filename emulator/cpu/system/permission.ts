/**
 * The two bitmaps of the TSS: I/O permission (SDM 1 19.5.2) and the redirection of INT n in virtual-8086 mode (SDM 3B 20.3.3).
 */
import type { Core } from "../core.ts";
import { SEG } from "../layout.ts";
import { readLinear32 } from "./access.ts";
import { gp, inLongMode, inProtectedMode, inRealMode } from "./operand.ts";
import { BY } from "./paging.ts";
import { is32BitTss } from "./tss.ts";

const tssByte = (core: Core, offset: number, size: 1 | 2): number =>
  readLinear32(
    core,
    BigInt.asUintN(inLongMode(core) ? 64 : 32, core.segmentBase(SEG.tr) + BigInt(offset)),
    size,
    BY.processor,
  );

/** Offset of the I/O map in the TSS; −1 if the TSS has none. */
function mapBase(core: Core): number {
  if (!is32BitTss(core) || core.segmentLimit(SEG.tr) < 0x67) return -1;
  return tssByte(core, 0x66, 2);
}

/** #GP(0) unless the ports may be accessed: CPL ≤ IOPL, or clear bits in the map (always asked in virtual-8086 mode). */
export function checkPorts(core: Core, port: number, size: number): void {
  if (inRealMode(core) || (inProtectedMode(core) && core.cpl <= core.iopl)) return;
  const base = mapBase(core);
  const at = base + (port >>> 3);
  // Two bytes are always read, as a map's bits may straddle them: hence the byte of ones at its end.
  if (base < 0 || at + 1 > core.segmentLimit(SEG.tr))
    throw gp(`port 0x${port.toString(16)} is not in the I/O permission map`);
  const bits = tssByte(core, at, 2) >>> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0)
    throw gp(`port 0x${port.toString(16)} is forbidden by the I/O permission map`);
}

/** Whether INT `vector` in virtual-8086 mode is redirected to the 8086 program's own table (CR4.VME is set). #GP(0) if the bitmap is outside the TSS. */
export function redirected(core: Core, vector: number): boolean {
  const base = mapBase(core);
  const at = base - 32 + (vector >>> 3);
  if (base < 0 || at < 0 || at > core.segmentLimit(SEG.tr))
    throw gp("the interrupt redirection bitmap is outside the TSS");
  return ((tssByte(core, at, 1) >>> (vector & 7)) & 1) === 0;
}
