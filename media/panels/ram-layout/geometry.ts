/**
 * Where things are in the picture: guest-physical space as segments from top to bottom, the `ram_addr_t` space as pieces of blocks beside it, and how
 * tall each is.
 *
 * Invariant: segments fill the part of the space that is shown without a gap (what nobody answers is a segment, too), and a piece belongs to the same
 * segments over its whole length.
 */
import type { FlatRangeBody, RamLayoutBody } from "../../protocol.ts";

export type SegmentKind = FlatRangeBody["kind"] | "hole";

/** Guest-physical addresses [start, end). */
export interface Segment {
  readonly key: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly kind: SegmentKind;
  readonly name: string;
  /** Null for a hole. */
  readonly range: FlatRangeBody | null;
}

/** A part of a RAMBlock. */
export interface Piece {
  readonly key: string;
  readonly block: string;
  /** ram_addr_t of its first byte. */
  readonly start: bigint;
  readonly end: bigint;
  readonly blockOffset: bigint;
  /** Segments in which it is seen. Empty: it is not, at least not in the part that is shown. */
  readonly segments: readonly Segment[];
}

/** A part of the guest-physical space. */
export interface Extent {
  readonly start: bigint;
  readonly end: bigint;
}

export type Scale = "logarithmic" | "true";

/** A page is this many pixels tall at least, so that its name fits. */
const ROW_PIXELS = 19;

const low = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const high = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** What is to be seen at all: up to the last thing that answers. */
export function wholeOf({ ranges }: RamLayoutBody): Extent {
  const last = ranges.at(-1);
  return { start: 0n, end: last === undefined ? 1n << 32n : BigInt(last.start) + BigInt(last.size) };
}

export function segmentsOf({ ranges }: RamLayoutBody, { start, end }: Extent): Segment[] {
  const segments: Segment[] = [];
  let at = start;
  const hole = (until: bigint): void => {
    if (until > at)
      segments.push({
        key: `hole ${at}`,
        start: at,
        end: until,
        kind: "hole",
        name: "hole",
        range: null,
      });
  };
  for (const range of ranges) {
    const from = high(BigInt(range.start), start);
    const to = low(BigInt(range.start) + BigInt(range.size), end);
    if (from >= to) continue;
    hole(from);
    segments.push({
      key: `range ${range.start}`,
      start: from,
      end: to,
      kind: range.kind,
      name: range.region,
      range,
    });
    at = to;
  }
  hole(end);
  return segments;
}

/** Of a segment that shows RAM or ROM: its part of the block, as offsets. */
function windowOf(segment: Segment): { readonly from: bigint; readonly to: bigint } {
  const { range, start, end } = segment;
  const from = BigInt(range?.offset ?? 0) + start - BigInt(range?.start ?? 0);
  return { from, to: from + end - start };
}

export function piecesOf({ blocks }: RamLayoutBody, segments: readonly Segment[]): Piece[] {
  return blocks
    .toSorted((a, b) => (BigInt(a.offset) < BigInt(b.offset) ? -1 : 1))
    .flatMap(({ idstr, offset, used }) => {
      const base = BigInt(offset);
      const shown = segments.filter(({ range }) => range?.block === idstr);
      const cuts = [0n, BigInt(used)];
      for (const { from, to } of shown.map(windowOf)) cuts.push(from, to);
      const sorted = [...new Set(cuts)].sort((a, b) => (a < b ? -1 : 1));
      return sorted.slice(1).map((end, i): Piece => {
        const start = sorted[i]!;
        return {
          key: `piece ${base + start}`,
          block: idstr,
          start: base + start,
          end: base + end,
          blockOffset: start,
          segments: shown.filter((segment) => {
            const { from, to } = windowOf(segment);
            return from <= start && to >= end;
          }),
        };
      });
    });
}

/** The part of a segment's height at which a piece of it is, both 0 … 1. */
export function shareOf(segment: Segment, piece: Piece): { readonly from: number; readonly to: number } {
  const { from, to } = windowOf(segment);
  const length = Number(to - from);
  return {
    from: Number(piece.blockOffset - from) / length,
    to: Number(piece.blockOffset + (piece.end - piece.start) - from) / length,
  };
}

/** How tall a stack of parts must be for all names to fit. */
export const least = (parts: number): number => parts * ROW_PIXELS;

/** Heights in pixels that add up to `total`: each part gets a row, the rest goes by size. */
export function heights(sizes: readonly bigint[], total: number, scale: Scale): number[] {
  const row = scale === "true" ? Math.min(3, total / Math.max(1, sizes.length)) : ROW_PIXELS;
  const rest = Math.max(0, total - row * sizes.length);
  const weights = sizes.map((bytes) => (scale === "true" ? Number(bytes) : logarithm(bytes)));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => row + (sum === 0 ? rest / sizes.length : (rest * weight) / sum));
}

/** Of the number of pages; squared, so that gigabytes look larger than kilobytes. */
const logarithm = (bytes: bigint): number => Math.log2(Math.max(1, Number(bytes) / 4096)) ** 2;
