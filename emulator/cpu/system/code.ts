/**
 * Code segments: the checks of every transfer that loads CS, and the instruction pointer that goes with it.
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { SEG } from "../layout.ts";
import { badSelector, isNull, requireDescriptor } from "./descriptor.ts";
import type { Descriptor } from "./descriptor.ts";
import { inLongMode } from "./operand.ts";
import { isCanonical } from "./paging.ts";
import { SEGMENT_NAMES, writeDescriptor } from "./segment.ts";

const NAME = SEGMENT_NAMES[SEG.cs];

/** The descriptor of a code segment selector that a far transfer names; #GP if null, outside its table or not code. */
export function codeDescriptor(core: Core, selector: number, ext: number): Descriptor {
  if (isNull(selector)) throw new Fault(VECTOR.GP, ext, `${NAME}: null selector`);
  const descriptor = requireDescriptor(core, selector, VECTOR.GP, ext, NAME);
  if (!descriptor.isCode) throw badSelector(VECTOR.GP, selector, ext, `${NAME}: not a code segment`);
  return descriptor;
}

/** Present, and in long mode not L and D at once. */
export function checkUsable(core: Core, descriptor: Descriptor, ext: number): void {
  if (inLongMode(core) && descriptor.isLong && descriptor.isBig)
    throw badSelector(VECTOR.GP, descriptor.selector, ext, `${NAME}: both L and D are set`);
  if (!descriptor.present)
    throw badSelector(VECTOR.NP, descriptor.selector, ext, `${NAME}: segment not present`);
}

/** The target of a JMP or CALL without gate: conforming code of the same or an inner level, or code of exactly this level. */
export function checkDirect(core: Core, descriptor: Descriptor): void {
  const cpl = core.cpl;
  const allowed = descriptor.isConforming
    ? descriptor.dpl <= cpl
    : descriptor.rpl <= cpl && descriptor.dpl === cpl;
  if (!allowed)
    throw badSelector(
      VECTOR.GP,
      descriptor.selector,
      0,
      `${NAME}: DPL ${descriptor.dpl} and RPL ${descriptor.rpl} do not allow a transfer at CPL ${cpl}`,
    );
  checkUsable(core, descriptor, 0);
}

/** Whether a segment's code would be 64-bit. */
export const is64BitCode = (core: Core, descriptor: Descriptor): boolean =>
  inLongMode(core) && descriptor.isLong;

/** Checks an offset against the code segment it is to run in, and returns it cut to that segment's width. #GP(ext) if outside. */
export function checkOffset(core: Core, descriptor: Descriptor, offset: bigint, ext = 0): bigint {
  if (is64BitCode(core, descriptor)) {
    if (!isCanonical(core, offset))
      throw new Fault(VECTOR.GP, ext, `0x${offset.toString(16)} is not a canonical address`);
    return offset;
  }
  const cut = offset & 0xffffffffn;
  if (cut > BigInt(descriptor.limit)) throw outsideCode(cut, descriptor.limit, ext);
  return cut;
}

/** The same for the segment that CS already names: real and virtual-8086 mode. */
export function checkRealOffset(core: Core, offset: bigint): void {
  const limit = core.segmentLimit(SEG.cs);
  if (offset > BigInt(limit)) throw outsideCode(offset, limit, 0);
}

export const outsideCode = (offset: bigint, limit: number, ext: number): Fault =>
  new Fault(VECTOR.GP, ext, `${NAME}: 0x${offset.toString(16)} is beyond the limit 0x${limit.toString(16)}`);

/** Loads CS at privilege `cpl`, which becomes its RPL. */
export function writeCode(core: Core, descriptor: Descriptor, cpl: number): void {
  writeDescriptor(core, SEG.cs, (descriptor.selector & ~3) | cpl, descriptor);
}
