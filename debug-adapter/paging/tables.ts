/**
 * Pages of guest memory that are page tables, as copies: read once, read again only after they have changed, and as they were at the last stop.
 *
 * Invariant: looking changes nothing. A page where no memory is has no words. What a page was at the last stop is kept only for pages that have changed since,
 * so the cost of a stop is that of the table pages that were written, whoever wrote them.
 * Elsewhere: what the words mean (`entry.ts`), which pages are tables (`tree.ts`).
 */
import { PAGE_BYTES, physical, type Memory, type RamBlock } from "../../emulator/index.ts";

/** The 1024 32-bit words of a page; an 8-byte entry is two of them, low half first. */
export type Words = Int32Array;

/** More tables than any guest has in use; beyond it the copies are made anew. */
const MOST_PAGES = 1 << 16;

interface Table {
  readonly page: number;
  /** Where it is kept. */
  readonly block: RamBlock;
  readonly offset: number;
  words: Words;
}

export class Tables {
  readonly #memory: Memory;
  /** By physical page number; null: no memory is there. */
  readonly #tables = new Map<number, Table | null>();
  /** The same by where they are kept: two physical pages may be one. */
  readonly #places = new Map<RamBlock, Map<number, Table[]>>();
  /** Pages that have changed since the last stop, as they were there; and at the last stop, since the one before. */
  #since = new Map<number, Words>();
  #atStop = new Map<number, Words>();
  #epoch: number;
  #stoppedAt: number | null = null;
  #comparesWith: number | null = null;
  /** A number for what the tables say: another one when some entry is different. */
  content = 1;
  /** The same, and another one at each stop. */
  version = 1;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#epoch = memory.beginEpoch();
  }

  /** Reads again what has changed. Everything that is asked later is as of now. */
  refresh(): void {
    let hasChanged = false;
    let isWritten = false;
    for (const { block, page } of this.#memory.changedSince(this.#epoch)) {
      isWritten = true;
      for (const table of this.#places.get(block)?.get(page) ?? []) {
        const words = wordsOf(this.#memory.readBlock(block, page * PAGE_BYTES, PAGE_BYTES));
        if (equal(words, table.words)) continue;
        if (!this.#since.has(table.page)) this.#since.set(table.page, table.words);
        table.words = words;
        hasChanged = true;
      }
    }
    // Other memory, or none, may answer there now: hot-plug, a BAR, shadowed ROM.
    for (const [page, table] of this.#tables) {
      const place = this.#memory.locate(physicalPage(page));
      if (
        (place?.block ?? null) === (table?.block ?? null) &&
        (table === null || place?.offset === table.offset)
      )
        continue;
      this.#drop(page, table);
      hasChanged = true;
    }
    if (this.#tables.size > MOST_PAGES) this.#forget();
    if (hasChanged) {
      this.content++;
      this.version++;
    }
    // A new epoch costs the processor what it knows of pages that it may write.
    if (isWritten) this.#epoch = this.#memory.beginEpoch();
  }

  /** The machine stands still: from now on "before" is the stop before this one. */
  stopped(instant: number): void {
    this.refresh();
    this.#atStop = this.#since;
    this.#since = new Map();
    this.#comparesWith = this.#stoppedAt;
    this.#stoppedAt = instant;
    this.version++;
  }

  /** Instant of the stop that `before` is about; null: there was none. */
  since(isRunning: boolean): number | null {
    return isRunning ? this.#stoppedAt : this.#comparesWith;
  }

  /** A table page; null if no memory is there. */
  words(page: number): Words | null {
    const known = this.#tables.get(page);
    if (known !== undefined) return known === null ? null : known.words;
    const place = this.#memory.locate(physicalPage(page));
    if (place === null || place.offset % PAGE_BYTES !== 0) {
      // A page that is no page of its block is nobody's table.
      this.#tables.set(page, null);
      return null;
    }
    const { block, offset } = place;
    const table: Table = {
      page,
      block,
      offset,
      words: wordsOf(this.#memory.readBlock(block, offset, PAGE_BYTES)),
    };
    this.#tables.set(page, table);
    let places = this.#places.get(block);
    if (places === undefined) this.#places.set(block, (places = new Map()));
    const inBlock = offset / PAGE_BYTES;
    places.set(inBlock, [...(places.get(inBlock) ?? []), table]);
    return table.words;
  }

  /** Pages that are different now, and what they were: since the last stop while the machine runs, else since the one before. */
  before(isRunning: boolean): ReadonlyMap<number, Words> {
    if (isRunning || this.#since.size === 0) return isRunning ? this.#since : this.#atStop;
    // Changed by hand at a stop.
    return new Map([...this.#since, ...this.#atStop]);
  }

  #drop(page: number, table: Table | null): void {
    this.#tables.delete(page);
    if (table === null) return;
    const places = this.#places.get(table.block)!;
    const inBlock = table.offset / PAGE_BYTES;
    places.set(
      inBlock,
      places.get(inBlock)!.filter((other) => other !== table),
    );
  }

  #forget(): void {
    this.#tables.clear();
    this.#places.clear();
    this.#since.clear();
    this.#atStop.clear();
  }
}

const physicalPage = (page: number) => physical(page * PAGE_BYTES);

const wordsOf = (bytes: Uint8Array): Words => new Int32Array(bytes.buffer, bytes.byteOffset, PAGE_BYTES / 4);

function equal(a: Words, b: Words): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
