/**
 * The tables of 512 guest pages (2 MiB of one RAMBlock): where each page's bytes are, and when they last changed.
 *
 * Invariant: a page's bytes are in its frame if it has one, else in `stored`, else they are zero. While a page is not UNSYNCED its frame
 * and its stored bytes agree, so the frame may be dropped. Stored bytes are never written again: saved states share them.
 * Elsewhere: frames (`frames.ts`), who makes chunks (`ram-block.ts`), what is saved (`snapshot.ts`).
 */
export const CHUNK_PAGES = 512;
export const CHUNK_SHIFT = 9;
export const CHUNK_MASK = CHUNK_PAGES - 1;

/** The bytes of up to 512 pages; null is a page of zeros. Immutable once it is part of a saved state. */
export type StoredPages = readonly (Uint8Array | null)[];

export const PAGE_FLAG = {
  /** The frame has bytes that `stored` has not. */
  unsynced: 1,
  /** Holds translated code: QEMU's CODE bit is clean. */
  code: 2,
  /** The shared zero frame was given out for this page. */
  zeroRead: 4,
  /** Asked for since the last sweep that looked for cold pages. */
  recent: 8,
  /** Holds a table whose writes somebody watches. */
  table: 16,
} as const;

const NOTHING_STORED: StoredPages = Array.from({ length: CHUNK_PAGES }, () => null);

export class Chunk {
  /** Host address of each page's frame; 0: none. */
  readonly frames = new Uint32Array(CHUNK_PAGES);
  /** Epoch of each page's last change. */
  readonly epochs: Uint32Array;
  /** Generation of host addresses in which the page was given out for writing; see `Memory.frameForWrite`. */
  readonly lentAt = new Uint32Array(CHUNK_PAGES);
  /** PAGE_FLAG */
  readonly flags = new Uint8Array(CHUNK_PAGES);
  /** Some page has changed since the last save; the chunk is in the list of those to save. */
  touched = false;
  /** Epoch of the last change of any page. */
  changedEpoch: number;
  #stored: StoredPages = NOTHING_STORED;
  #storedIsShared = true;

  constructor(createdEpoch: number) {
    this.epochs = new Uint32Array(CHUNK_PAGES).fill(createdEpoch);
    this.changedEpoch = createdEpoch;
  }

  get stored(): StoredPages {
    return this.#stored;
  }

  /** Sets one page's stored bytes, without touching what a saved state shares. */
  store(index: number, bytes: Uint8Array | null): void {
    if (this.#stored[index] === bytes) return;
    if (this.#storedIsShared) {
      this.#stored = [...this.#stored];
      this.#storedIsShared = false;
    }
    (this.#stored as (Uint8Array | null)[])[index] = bytes;
  }

  /** The stored pages, from now on shared with a saved state; null if all of them are zero. */
  share(): StoredPages | null {
    if (this.#stored === NOTHING_STORED) return null;
    if (!this.#storedIsShared && this.#stored.every((bytes) => bytes === null)) this.#stored = NOTHING_STORED;
    this.#storedIsShared = true;
    return this.#stored === NOTHING_STORED ? null : this.#stored;
  }

  /** Takes over the pages of a saved state. */
  adopt(stored: StoredPages | null): void {
    this.#stored = stored ?? NOTHING_STORED;
    this.#storedIsShared = true;
  }

  sharesWith(stored: StoredPages | null): boolean {
    return this.#stored === (stored ?? NOTHING_STORED);
  }
}

/** What a chunk's tables take, without stored pages. */
export const CHUNK_TABLE_BYTES = CHUNK_PAGES * (4 + 4 + 4 + 1 + 8);
