/**
 * The task-state segment as a source of inner stacks (SDM 3A 7.2.1, 7.7).
 *
 * Elsewhere: task switches (`task.ts`), the I/O permission and interrupt redirection bitmaps (`permission.ts`).
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { SEG } from "../layout.ts";
import { readLinear, readLinear32 } from "./access.ts";
import { isNull, selectorError } from "./descriptor.ts";
import { inLongMode } from "./operand.ts";
import { BY, isCanonical } from "./paging.ts";
import { checkStack } from "./segment.ts";
import type { Descriptor } from "./descriptor.ts";

/** Whether TR holds a 32-bit TSS (in long mode: a 64-bit one). */
export const is32BitTss = (core: Core): boolean => (core.attributes(SEG.tr) & 8) !== 0;

const tssAddress = (core: Core, offset: number): bigint =>
  BigInt.asUintN(inLongMode(core) ? 64 : 32, core.segmentBase(SEG.tr) + BigInt(offset));

function requireTss(core: Core, last: number, ext: number): void {
  const limit = core.segmentLimit(SEG.tr);
  if (last > limit)
    throw new Fault(
      VECTOR.TS,
      selectorError(core.selector(SEG.tr), ext),
      `TR: limit 0x${limit.toString(16)} is too small for the stack pointer at 0x${last.toString(16)}`,
    );
}

/** A 64-bit stack pointer: of privilege 0 … 2 at offset 4, or of IST 1 … 7 at offset 36. #TS if outside, #SS if not canonical. */
export function stackPointer64(core: Core, index: number, ist: boolean, ext: number): bigint {
  const offset = ist ? 28 + index * 8 : 4 + index * 8;
  requireTss(core, offset + 7, ext);
  const pointer = readLinear(core, tssAddress(core, offset), 8, BY.processor);
  if (!isCanonical(core, pointer)) throw new Fault(VECTOR.SS, ext, `the stack pointer 0x${pointer.toString(16)} in the TSS is not canonical`);
  return pointer;
} // oxfmt-ignore

/** Stack selector, its checked descriptor and pointer of an inner privilege. */
export function innerStack(core: Core, cpl: number, ext: number): { readonly selector: number; readonly descriptor: Descriptor; readonly pointer: bigint } {
  const wide = is32BitTss(core);
  const offset = wide ? 4 + cpl * 8 : 2 + cpl * 4;
  requireTss(core, offset + (wide ? 5 : 3), ext);
  const pointer = readLinear(core, tssAddress(core, offset), wide ? 4 : 2, BY.processor);
  const selector = readLinear32(core, tssAddress(core, offset + (wide ? 4 : 2)), 2, BY.processor);
  if (isNull(selector)) throw new Fault(VECTOR.TS, ext, "SS: null selector in the TSS");
  return { selector, descriptor: checkStack(core, selector, cpl, VECTOR.TS, VECTOR.SS, ext), pointer };
} // oxfmt-ignore
