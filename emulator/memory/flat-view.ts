/**
 * FlatView: a tree of regions rendered into ranges that do not overlap, sorted by address. What an access meets is found here.
 *
 * Invariant: for every address the range is the one that QEMU's `render_memory_region` leaves there: priority decides among the subregions
 * of one container only, containers and aliases let lower ones show through their holes, and a range is read-only if anything on the
 * way to it is.
 */
import { PAGE_BYTES } from "../numbers.ts";
import type { RamBlock } from "./ram-block.ts";
import type { MemoryRegion } from "./region.ts";

export class FlatRange {
  readonly start: number;
  readonly size: number;
  readonly region: MemoryRegion;
  /** Offset in the region of the range's first byte. */
  readonly offset: number;
  readonly readonly: boolean;
  readonly romd: boolean;
  /** Reads come straight from this block. */
  readonly block: RamBlock | null;
  /** Writes go straight to it, too. */
  readonly writable: boolean;
  /** Pages that lie wholly in the range and are whole pages of the block; none if `lastPage < firstPage`. */
  readonly firstPage: number;
  readonly lastPage: number;
  /** Guest-physical page − page of the block. */
  readonly pageDelta: number;

  constructor(
    start: number,
    size: number,
    region: MemoryRegion,
    offset: number,
    readonly: boolean,
    romd: boolean,
  ) {
    this.start = start;
    this.size = size;
    this.region = region;
    this.offset = offset;
    this.readonly = readonly;
    this.romd = romd;
    this.block = region.ops === null || romd ? region.block : null;
    this.writable = this.block !== null && region.ops === null && !readonly;
    const pagesFit = this.block !== null && (start - offset) % PAGE_BYTES === 0;
    this.firstPage = pagesFit ? Math.ceil(start / PAGE_BYTES) : 0;
    this.lastPage = pagesFit ? Math.floor((start + size) / PAGE_BYTES) - 1 : -1;
    this.pageDelta = pagesFit ? (start - offset) / PAGE_BYTES : 0;
  }

  get end(): number {
    return this.start + this.size;
  }
  contains(address: number): boolean {
    return address >= this.start && address - this.start < this.size;
  }
  equals(other: FlatRange): boolean {
    return (
      this.start === other.start &&
      this.size === other.size &&
      this.region === other.region &&
      this.offset === other.offset &&
      this.readonly === other.readonly &&
      this.romd === other.romd
    );
  }
}

export class FlatView {
  /** The region that was rendered: QEMU skips roots that are only a window onto another one. Null: nothing is seen. */
  readonly root: MemoryRegion | null;
  readonly ranges: readonly FlatRange[];
  readonly #starts: Float64Array;

  constructor(root: MemoryRegion | null) {
    this.root = root;
    this.ranges = root === null ? [] : simplify(render(root));
    this.#starts = Float64Array.from(this.ranges, (range) => range.start);
  }

  /** The range an address lies in, or null: nothing answers there. */
  find(address: number): FlatRange | null {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low - 1];
    return range !== undefined && range.contains(address) ? range : null;
  }

  /** The first range that ends behind an address. */
  findFrom(address: number): FlatRange | null {
    return this.ranges.find((range) => range.end > address) ?? null;
  }

  equals(other: FlatView): boolean {
    return (
      this.root === other.root &&
      this.ranges.length === other.ranges.length &&
      this.ranges.every((range, i) => range.equals(other.ranges[i]!))
    );
  }
}

/** The region that a root amounts to (QEMU: `memory_region_get_flatview_root`); null if it shows nothing. */
export function flatViewRoot(root: MemoryRegion): MemoryRegion | null {
  let region = root;
  for (;;) {
    if (!region.enabled) return null;
    if (region.alias !== null) {
      if (region.alias.offset !== 0 || region.alias.target.size < region.size) return region;
      region = region.alias.target;
    } else if (region.terminates) {
      return region;
    } else {
      const seen: MemoryRegion[] = region.subregions.filter((sub) => sub.enabled);
      const only = seen[0];
      if (only === undefined) return null;
      if (seen.length > 1 || only.address !== 0 || only.size < region.size) return region;
      region = only;
    }
  }
}

function render(root: MemoryRegion): FlatRange[] {
  const ranges: FlatRange[] = [];
  renderRegion(ranges, root, 0, 0, root.size, false);
  return ranges;
}

/** Renders what of `region` lies in [clipStart, clipEnd). `base` is where the region's container (or alias) has its address 0. */
function renderRegion(
  ranges: FlatRange[],
  region: MemoryRegion,
  containerBase: number,
  clipStart: number,
  clipEnd: number,
  inheritedReadonly: boolean,
): void {
  if (!region.enabled) return;
  const base = containerBase + region.address;
  const readonly = inheritedReadonly || region.readonly;
  const start = Math.max(clipStart, base);
  const end = Math.min(clipEnd, base + region.size);
  if (start >= end) return;
  if (region.alias !== null) {
    const { target, offset } = region.alias;
    renderRegion(ranges, target, base - target.address - offset, start, end, readonly);
    return;
  }
  for (const sub of region.subregions) renderRegion(ranges, sub, base, start, end, readonly);
  if (region.terminates) fillGaps(ranges, region, base, start, end, readonly);
}

/** Puts `region` wherever nothing of higher priority lies in [start, end). */
function fillGaps(
  ranges: FlatRange[],
  region: MemoryRegion,
  base: number,
  start: number,
  end: number,
  readonly: boolean,
): void {
  const make = (from: number, to: number) =>
    new FlatRange(from, to - from, region, from - base, readonly, region.romd);
  let at = start;
  for (let i = 0; i < ranges.length && at < end; i++) {
    const taken = ranges[i]!;
    if (taken.end <= at) continue;
    if (taken.start > at) {
      const gapEnd = Math.min(taken.start, end);
      ranges.splice(i, 0, make(at, gapEnd));
      i++;
    }
    at = Math.max(at, taken.end);
  }
  if (at < end) ranges.push(make(at, end));
}

/** Joins neighbours that go on in the same region. */
function simplify(ranges: readonly FlatRange[]): FlatRange[] {
  const joined: FlatRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (
      last !== undefined &&
      last.end === range.start &&
      last.region === range.region &&
      last.offset + last.size === range.offset &&
      last.readonly === range.readonly &&
      last.romd === range.romd
    ) {
      joined[joined.length - 1] = new FlatRange(
        last.start,
        last.size + range.size,
        last.region,
        last.offset,
        last.readonly,
        last.romd,
      );
    } else joined.push(range);
  }
  return joined;
}
