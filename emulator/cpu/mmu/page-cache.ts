/**
 * The page cache: guest-physical pages and where their frames are, in linear memory where emitted page walks and TLB refills look.
 *
 * Invariant: an entry says what the memory model lent and has not taken back (`GuestMemory.onFramesChanged`): a frame to read from, and with bit 0 to
 * write to in this epoch. Only TypeScript fills it; emitted code that finds nothing asks TypeScript by leaving.
 * Elsewhere: who looks (`walk.ts`, `refill.ts`), who lends (`memory/memory.ts`).
 */
import { granulesOf, type GuestMemory, type Voided } from "../../memory/guest-memory.ts";
import { CODE_GRANULES, PAGE_CACHE } from "../layout.ts";
import type { TableHook } from "../stale.ts";
import { Views } from "../views.ts";

const WORDS = PAGE_CACHE.entryBytes >>> 2;

export class PageCache {
  readonly #views: Views;
  readonly #guest: GuestMemory;
  /** Indices in linear memory's words of entries that may be filled, and that may be writable. */
  readonly #filled: number[] = [];
  readonly #writable: number[] = [];
  /** The page that was last found to have no frame, which is a device's: until frames change. −1: none. */
  #frameless = -1;
  /** Who watches paging structures, if anybody does: says which pages are tables. */
  tables: TableHook | null = null;

  constructor(memory: WebAssembly.Memory, guest: GuestMemory) {
    this.#views = new Views(memory);
    this.#guest = guest;
  }

  /** `GuestMemory.frameForRead`, remembered. */
  frameForRead(page: number): number {
    const at = entry(page);
    const u32 = this.#views.u32;
    const known = u32[at]!;
    if (known !== 0 && u32[at + 1] === page) return frameOf(known);
    if (page === this.#frameless) return 0;
    const frame = this.#guest.frameForRead(page);
    if (frame !== 0) this.#fill(at, page, frame);
    else this.#frameless = page;
    return frame;
  }

  /** `GuestMemory.frameForWrite`, remembered. */
  frameForWrite(page: number): number {
    const at = entry(page);
    const u32 = this.#views.u32;
    const known = u32[at]!;
    if ((known & PAGE_CACHE.writable) !== 0 && u32[at + 1] === page) return frameOf(known);
    if (page === this.#frameless) return 0;
    const frame = this.#guest.frameForWrite(page);
    if (frame !== 0) {
      this.#fill(at, page, frame | PAGE_CACHE.writable);
      this.#writable.push(at);
    }
    return frame;
  }

  /**
   * Host address of the frame of a page with code, for a write of `size` bytes at `offset` that touches none of it; else 0. Emitted code is told, too:
   * `besideCode` in `beside-code.ts`.
   */
  frameBesideCode(page: number, offset: number, size: number): number {
    if (page === this.#frameless) return 0;
    const granules = this.#guest.codeGranules(page);
    if (granules === 0 || (granules & granulesOf(offset, offset + size)) !== 0) return 0;
    const frame = this.#guest.frameBesideCode(page);
    if (frame === 0) return 0;
    const at = entry(page);
    this.#fill(at, page, frame | PAGE_CACHE.besideCode);
    this.#writable.push(at);
    const u32 = this.#views.u32;
    const to = CODE_GRANULES.base + (page & (CODE_GRANULES.entries - 1)) * CODE_GRANULES.entryBytes;
    u32[(to + CODE_GRANULES.page) >>> 2] = page;
    u32[(to + CODE_GRANULES.granules) >>> 2] = granules;
    return frame;
  }

  /** The frame of a page for setting accessed and dirty bits: as for any write, unless the page is a known table, to which only walks may write. */
  frameForMarking(page: number): number {
    const { tables } = this;
    if (tables === null || tables.levels(page) === 0) return this.frameForWrite(page);
    const frame = tables.frameForMarking(page);
    if (frame !== 0) {
      const at = entry(page);
      this.#fill(at, page, frame | PAGE_CACHE.markable);
      this.#writable.push(at);
    }
    return frame;
  }

  /** What is known of a page as a table has changed. */
  tableChanged(page: number): void {
    const u32 = this.#views.u32;
    const at = entry(page);
    if (u32[at] === 0 || u32[at + 1] !== page) return;
    u32[at] = (u32[at]! & ~PAGE_CACHE.table) | (this.tables?.levels(page) ?? 0);
  }

  /** Addresses that were lent are void: of one page, or of all. */
  forget(which: Voided, page?: number): void {
    const u32 = this.#views.u32;
    if (page !== undefined) {
      const at = entry(page);
      if (u32[at + 1] === page) u32[at] = which === "all" ? 0 : readable(u32[at]!);
      return;
    }
    if (which === "all") {
      for (const at of this.#filled) u32[at] = 0;
      this.#filled.length = 0;
      this.#frameless = -1;
    } else {
      for (const at of this.#writable) u32[at] = readable(u32[at]!);
    }
    this.#writable.length = 0;
  }

  #fill(at: number, page: number, frame: number): void {
    const u32 = this.#views.u32;
    if (u32[at] === 0) this.#filled.push(at);
    u32[at] = this.tables === null ? frame : frame | this.tables.levels(page);
    u32[at + 1] = page;
  }
}

/** What an entry's word has beside its bits. */
const frameOf = (word: number): number => (word & -4096) >>> 0;
/** The word without what it says about writing. */
const readable = (word: number): number =>
  (word & ~(PAGE_CACHE.writable | PAGE_CACHE.besideCode | PAGE_CACHE.markable)) >>> 0;
const entry = (page: number): number => (PAGE_CACHE.base >>> 2) + (page & (PAGE_CACHE.entries - 1)) * WORDS;
