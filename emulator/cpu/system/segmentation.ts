/**
 * Segmentation: from an offset in a segment to a linear address, with the limit and type checks of each mode (SDM 3A 5.3, 5.5; 3.4.2.1 for 64-bit mode).
 *
 * Elsewhere: how a segment register gets its value (`segment.ts`).
 */
import type { Core } from "../core.ts";
import { ATTRIBUTE } from "../registers.ts";
import { Fault, VECTOR } from "../event.ts";
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE } from "../layout.ts";
import { canonical } from "./paging.ts";

/** 0 read, 1 write, 2 both. */
export type SegmentAccess = 0 | 1 | 2;

const NAMES = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"] as const;

/**
 * Turns the offset at RUN.effective in `segment` into a linear address at RUN.address. Throws #GP(0), or #SS(0) for SS.
 */
export function segmented(core: Core, segment: number, sizeBytes: number, access: SegmentAccess): void {
  segmentedAt(core, segment, core.word(RUN.effective), core.word(RUN.effective + 4), sizeBytes, access);
}

/** The same for an offset given as two halves. */
export function segmentedAt(core: Core, segment: number, offsetLo: number, offsetHi: number, sizeBytes: number, access: SegmentAccess): void {
  const u32 = core.u32;
  const at = (STATE.segments + segment * SEGMENT_BYTES) >>> 2;
  const mode = core.mode;
  if ((mode & MODE.codeSize) === 2) {
    let lo = offsetLo;
    let hi = offsetHi;
    if (segment === SEG.fs || segment === SEG.gs) {
      const sum = lo + u32[at + (SEGMENT.base >>> 2)]!;
      lo = sum >>> 0;
      hi = (hi + u32[at + (SEGMENT.base >>> 2) + 1]! + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    }
    u32[RUN.address >>> 2] = lo;
    u32[(RUN.address >>> 2) + 1] = hi;
    if (!canonical(core, hi)) throw refuse(segment, `0x${core.quad(RUN.address).toString(16)} is not a canonical address`);
    return;
  }
  const attributes = u32[at + (SEGMENT.attributes >>> 2)]!;
  const limit = u32[at + (SEGMENT.limit >>> 2)]!;
  if ((mode & (MODE.protected | MODE.virtual8086)) === MODE.protected) {
    if ((attributes & ATTRIBUTE.unusable) !== 0) throw refuse(segment, "it holds a null selector");
    if ((attributes & ATTRIBUTE.code) !== 0) {
      if (access !== 0) throw refuse(segment, "a code segment cannot be written");
      if ((attributes & ATTRIBUTE.readable) === 0) throw refuse(segment, "an execute-only code segment cannot be read");
    } else if (access !== 0 && (attributes & ATTRIBUTE.writable) === 0) throw refuse(segment, "the segment is read-only");
  }
  if (!withinLimit(attributes, limit, offsetLo, sizeBytes)) throw outside(segment, offsetLo, sizeBytes, limit);
  u32[RUN.address >>> 2] = (offsetLo + u32[at + (SEGMENT.base >>> 2)]!) >>> 0;
  u32[(RUN.address >>> 2) + 1] = 0;
} // oxfmt-ignore

/**
 * Whether `size` bytes at `offset` lie inside a segment. With a limit of 4 GiB everything does, also what wraps: the manual leaves it open (SDM 3A 5.3).
 */
export function withinLimit(attributes: number, limit: number, offset: number, size: number): boolean {
  const last = offset + size - 1;
  if ((attributes & (ATTRIBUTE.code | ATTRIBUTE.expandDown)) === ATTRIBUTE.expandDown)
    return offset > limit && last <= ((attributes & ATTRIBUTE.big) !== 0 ? 0xffffffff : 0xffff);
  return last <= limit || limit === 0xffffffff;
}

function outside(segment: number, offset: number, size: number, limit: number): Fault {
  return refuse(segment, `limit 0x${limit.toString(16)} forbids ${size} bytes at 0x${offset.toString(16)}`);
}

function refuse(segment: number, why: string): Fault {
  return new Fault(segment === SEG.ss ? VECTOR.SS : VECTOR.GP, 0, `${NAMES[segment]}: ${why}`);
}
