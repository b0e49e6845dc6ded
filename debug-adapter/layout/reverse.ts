/**
 * From a physical address back to linear ones, through the page tables of one CPU as they are now.
 *
 * Elsewhere: the same question with levels, entries and rights is the Page Tables panel's (`paging/`).
 */
import { pagingMode } from "../../emulator/index.ts";
import type { GuestSpace } from "../memory/space.ts";
import { visitLeaves } from "../memory/walk.ts";

/** Recursive mappings can have millions of pages: beyond this it is not looked further. */
const MOST_LEAVES = 400_000;

/** Where pages of physical memory are mapped: by number of page, the linear addresses of its first byte. */
export function linearPages(
  space: GuestSpace,
  pages: ReadonlySet<number>,
  most: number,
): ReadonlyMap<number, readonly bigint[]> {
  const found = new Map<number, bigint[]>();
  if (pagingMode(space.core) === "off") {
    for (const page of pages) if (page < 2 ** 20) found.set(page, [BigInt(page) * 4096n]);
    return found;
  }
  const sorted = [...pages].sort((a, b) => a - b);
  let visited = 0;
  visitLeaves(space, ({ linear, physical, pageBytes }) => {
    const first = physical / 4096;
    const end = first + pageBytes / 4096;
    for (const page of sorted) {
      if (page < first) continue;
      if (page >= end) break;
      const list = found.get(page) ?? [];
      if (list.length < most) list.push(linear + BigInt(page - first) * 4096n);
      found.set(page, list);
    }
    return ++visited < MOST_LEAVES;
  });
  return found;
}

/** The linear addresses of one byte; at most `most`. */
export function linearAddresses(space: GuestSpace, physical: number, most: number): readonly bigint[] {
  const page = Math.floor(physical / 4096);
  return (linearPages(space, new Set([page]), most).get(page) ?? []).map(
    (linear) => linear + BigInt(physical % 4096),
  );
}
