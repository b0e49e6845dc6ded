/** One set of page tables as they are now, with what questions about them share: the tree, what changed, and the regions with names. */
import type { LinearRegion } from "../../media/protocol.ts";
import { PAGE_BYTES, physical, type Memory } from "../../emulator/index.ts";
import { linearPage } from "./mode.ts";
import type { PageTree } from "./tree.ts";
import type { Words } from "./tables.ts";
import { walk } from "./walk.ts";

/** A region by page numbers of the linear address space. */
export interface Region {
  readonly first: number;
  readonly last: number;
  readonly name: string;
  readonly hole: boolean;
}

export interface View {
  readonly tree: PageTree;
  readonly memory: Memory;
  /** Pages that hold tables and were different before. */
  readonly before: ReadonlyMap<number, Words>;
  /** In the order of addresses. */
  readonly regions: readonly Region[];
  readonly shown: readonly LinearRegion[];
  readonly version: number;
}

/** Bytes at a linear address by these tables, as many as lie in its page; null: not mapped, or no memory. */
export function readLinear(
  tree: PageTree,
  memory: Memory,
  address: bigint,
  length: number,
): Uint8Array | null {
  const page = linearPage(tree.paging.shape, address);
  if (page === null) return null;
  const found = walk(tree, page);
  if (found.physical < 0) return null;
  const at = found.physical * PAGE_BYTES + Number(address & 0xfffn);
  if (memory.locate(physical(at)) === null) return null;
  return memory.readBytes(physical(at), Math.min(length, PAGE_BYTES - (at % PAGE_BYTES)));
}

/** The region that a page lies in. */
export function regionAt(regions: readonly Region[], page: number): Region | null {
  let low = 0;
  let high = regions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (regions[middle]!.first <= page) low = middle + 1;
    else high = middle;
  }
  const found = regions[low - 1];
  return found !== undefined && page <= found.last ? found : null;
}
