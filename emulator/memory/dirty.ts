/**
 * QEMU's three dirty bitmaps, as views of the pages' epochs: VGA (redraw), CODE (self-modifying code), MIGRATION.
 *
 * Invariant: a client clears only its own view. A page is dirty for VGA or MIGRATION if it changed since that client cleared it; blocks
 * start dirty. For CODE a page is *clean* while it holds translated code, as in QEMU: the next write finds code to drop.
 */
import { CHUNK_MASK, CHUNK_PAGES, CHUNK_SHIFT, PAGE_FLAG } from "./chunk.ts";
import type { Pages } from "./pages.ts";
import type { RamBlock } from "./ram-block.ts";

/** By QEMU's numbers: DIRTY_MEMORY_VGA 0, DIRTY_MEMORY_CODE 1, DIRTY_MEMORY_MIGRATION 2. */
export const DIRTY_CLIENTS = ["vga", "code", "migration"] as const;
export type DirtyClient = (typeof DIRTY_CLIENTS)[number];

export interface PageRange {
  /** First page of the block. */
  readonly first: number;
  readonly count: number;
}

/** Pages of a block as cells of a map, `pagesPerCell` in each; the last may have fewer. */
export interface CellRange extends PageRange {
  readonly pagesPerCell: number;
}

/** Epoch at which pages of one block were last cleared by one client. */
interface Cleared {
  whole: number;
  readonly chunks: Map<number, Uint32Array>;
}

export class DirtyMemory {
  readonly #pages: Pages;
  readonly #cleared: { readonly [client in "vga" | "migration"]: Map<RamBlock, Cleared> } = {
    vga: new Map(),
    migration: new Map(),
  };
  readonly #enabled = new Set<DirtyClient>(DIRTY_CLIENTS);

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  isEnabled(client: DirtyClient): boolean {
    return this.#enabled.has(client);
  }

  /** A disabled client sees nothing; enabled again it starts with everything dirty, because it has missed what happened. */
  setEnabled(client: DirtyClient, enabled: boolean): void {
    if (enabled === this.#enabled.has(client)) return;
    if (!enabled) this.#enabled.delete(client);
    else {
      this.#enabled.add(client);
      if (client !== "code") this.#cleared[client].clear();
    }
  }

  /** Forgets a block that is being taken out. */
  forget(block: RamBlock): void {
    this.#cleared.vga.delete(block);
    this.#cleared.migration.delete(block);
  }

  isDirty(client: DirtyClient, block: RamBlock, page: number): boolean {
    if (!this.#enabled.has(client)) return false;
    if (client === "code") {
      const flags = block.chunks[page >>> CHUNK_SHIFT]?.flags[page & CHUNK_MASK] ?? 0;
      return (flags & PAGE_FLAG.code) === 0;
    }
    const cleared = this.#cleared[client].get(block);
    if (cleared === undefined) return true;
    const since = Math.max(cleared.whole, cleared.chunks.get(page >>> CHUNK_SHIFT)?.[page & CHUNK_MASK] ?? 0);
    return this.#pages.lastChange(block, page) >= since;
  }

  /** Dirty pages among [first, first + count), joined to ranges. */
  *ranges(
    client: DirtyClient,
    block: RamBlock,
    first = 0,
    count = block.pageCount - first,
  ): Generator<PageRange> {
    let start = -1;
    for (let page = first; page < first + count; page++) {
      if (this.isDirty(client, block, page)) {
        if (start < 0) start = page;
      } else if (start >= 0) {
        yield { first: start, count: page - start };
        start = -1;
      }
    }
    if (start >= 0) yield { first: start, count: first + count - start };
  }

  /** Dirty ranges, which are clean for this client afterwards (QEMU: snapshot and clear). Begins an epoch. */
  take(
    client: "vga" | "migration",
    block: RamBlock,
    first = 0,
    count = block.pageCount - first,
  ): PageRange[] {
    const ranges = [...this.ranges(client, block, first, count)];
    if (ranges.length > 0) this.clear(client, block, first, count);
    return ranges;
  }

  /** Begins an epoch, so that the next change of each page is seen. */
  clear(client: "vga" | "migration", block: RamBlock, first = 0, count = block.pageCount - first): void {
    const epoch = this.#pages.beginEpoch();
    let cleared = this.#cleared[client].get(block);
    if (cleared === undefined) {
      cleared = { whole: 0, chunks: new Map() };
      this.#cleared[client].set(block, cleared);
    }
    if (first === 0 && count >= block.pageCount) {
      cleared.whole = epoch;
      cleared.chunks.clear();
      return;
    }
    for (let page = first; page < first + count; page++) {
      let epochs = cleared.chunks.get(page >>> CHUNK_SHIFT);
      if (epochs === undefined) {
        epochs = new Uint32Array(CHUNK_PAGES);
        cleared.chunks.set(page >>> CHUNK_SHIFT, epochs);
      }
      epochs[page & CHUNK_MASK] = epoch;
    }
  }

  /** How many pages of each cell are dirty for a client; costs what memory was ever touched, not what there is. */
  count(client: DirtyClient, block: RamBlock, cells: CellRange): Uint32Array {
    if (!this.#enabled.has(client)) return new Uint32Array(Math.ceil(cells.count / cells.pagesPerCell));
    const cleared = client === "code" ? undefined : this.#cleared[client].get(block);
    if (client !== "code" && (cleared?.chunks.size ?? 0) === 0)
      return this.countChanged(block, cleared?.whole ?? 0, cells);
    return tally(
      block,
      cells,
      (c) => (client === "code" && block.chunks[c] === undefined ? CHUNK_PAGES : null),
      (page) => this.isDirty(client, block, page),
    );
  }

  /** How many pages of each cell changed in an epoch (a value of `beginEpoch`) or later. */
  countChanged(block: RamBlock, epoch: number, cells: CellRange): Uint32Array {
    return tally(
      block,
      cells,
      (c) => {
        const chunk = block.chunks[c];
        if (chunk === undefined) return block.createdEpoch >= epoch ? CHUNK_PAGES : 0;
        return chunk.changedEpoch < epoch ? 0 : null;
      },
      (page) => this.#pages.lastChange(block, page) >= epoch,
    );
  }
}

/** Counts pages by cell. `uniform` answers for a chunk as a whole: all of it, nothing of it, or null if its pages have to be asked. */
function tally(
  block: RamBlock,
  { first, count, pagesPerCell }: CellRange,
  uniform: (chunk: number) => 0 | typeof CHUNK_PAGES | null,
  isCounted: (page: number) => boolean,
): Uint32Array {
  const counts = new Uint32Array(Math.ceil(count / pagesPerCell));
  const end = Math.min(first + count, block.pageCount);
  for (let page = first; page < end;) {
    const c = page >>> CHUNK_SHIFT;
    const chunkEnd = Math.min(end, (c + 1) * CHUNK_PAGES);
    const whole = uniform(c);
    if (whole === null) {
      for (; page < chunkEnd; page++)
        if (isCounted(page)) counts[Math.floor((page - first) / pagesPerCell)]!++;
    } else if (whole === 0) {
      page = chunkEnd;
    } else {
      while (page < chunkEnd) {
        const cell = Math.floor((page - first) / pagesPerCell);
        const cellEnd = Math.min(chunkEnd, first + (cell + 1) * pagesPerCell);
        counts[cell]! += cellEnd - page;
        page = cellEnd;
      }
    }
  }
  return counts;
}
