/**
 * How a table's entries share the width of a strip: every run of entries that say the same is one box.
 *
 * On a true scale the kernel is a hair's breadth at the right end of 256 TiB. On the logarithmic one a run's width grows with the logarithm of
 * its length, so that one page and half the address space are both there to be seen; what is not present is narrower still.
 */
import type { TableEntry } from "../../protocol/paging.ts";

export type Scale = "logarithmic" | "true";

/** Entries `index` … `index + count − 1` of a strip's table; `entry` is null where nothing is present. */
export interface Run {
  readonly index: number;
  readonly count: number;
  /** Linear addresses of the first and the last byte. */
  readonly start: bigint;
  readonly last: bigint;
  readonly entry: TableEntry | null;
}

export interface Box extends Run {
  /** In percent of the strip's width. */
  readonly left: number;
  readonly width: number;
}

/** Canonical form of an address of `bits` bits. */
export function canonical(address: bigint, bits: number): bigint {
  if (bits === 32) return BigInt.asUintN(32, address);
  return BigInt.asUintN(64, BigInt.asIntN(bits, address));
}

/**
 * A table's entries with the gaps between them.
 *
 * @param start linear address of entry `from`; @param unit bytes that an entry maps.
 */
export function runsOf(
  entries: readonly TableEntry[],
  start: bigint,
  unit: bigint,
  from: number,
  to: number,
  bits: number,
): Run[] {
  const at = (index: number): bigint => canonical(start + BigInt(index - from) * unit, bits);
  const run = (index: number, count: number, entry: TableEntry | null): Run => {
    const first = at(index);
    return { index, count, start: first, last: first + BigInt(count) * unit - 1n, entry };
  };
  const runs: Run[] = [];
  // The upper half of the root lies elsewhere: an empty run does not reach over the hole between the halves.
  const middle = bits !== 32 && unit * BigInt(to - from) === 1n << BigInt(bits) ? (from + to) / 2 : -1;
  const gap = (index: number, end: number): void => {
    if (index < middle && middle < end) {
      gap(index, middle);
      gap(middle, end);
    } else if (index < end) runs.push(run(index, end - index, null));
  };
  let next = from;
  for (const entry of entries) {
    gap(next, entry.index);
    runs.push(run(entry.index, entry.count, entry));
    next = entry.index + entry.count;
  }
  gap(next, to);
  return runs;
}

/** Parts of a folded run, for looking closer: at most `most` of them, equally long. */
export function parts(run: Run, unit: bigint, most: number): Run[] {
  let length = 1;
  while (run.count / length > most) length *= 2;
  const result: Run[] = [];
  for (let done = 0; done < run.count; done += length) {
    const count = Math.min(length, run.count - done);
    const start = run.start + BigInt(done) * unit;
    result.push({ ...run, index: run.index + done, count, start, last: start + BigInt(count) * unit - 1n });
  }
  return result;
}

const weight = ({ count, entry }: Run, scale: Scale): number => {
  if (scale === "true") return count;
  return entry === null ? 1 + Math.log2(count) / 3 : 3 + Math.log2(count);
};

export function boxes(runs: readonly Run[], scale: Scale): Box[] {
  const weights = runs.map((run) => weight(run, scale));
  const total = weights.reduce((sum, value) => sum + value, 0);
  let left = 0;
  return runs.map((run, index) => {
    const width = (weights[index]! / total) * 100;
    const box = { ...run, left, width };
    left += width;
    return box;
  });
}

/** Where an address lies on a strip, in percent; ends of the strip for what is beyond. */
export function position(strip: readonly Box[], address: bigint): number {
  for (const { start, last, left, width } of strip) {
    if (address < start) return left;
    if (address <= last) return left + (width * Number(address - start)) / Number(last - start + 1n);
  }
  return 100;
}
