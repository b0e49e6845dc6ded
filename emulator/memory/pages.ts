/**
 * The pages of all RAMBlocks: which have a frame, which are stored outside, when each last changed; saving and loading them.
 *
 * Invariant: every change of a page goes through `writeFrame`, which stamps it with the current epoch. A host address that was given out
 * is good until the listener `void` hears of it; within one generation of addresses, a page's address does not change, but that of an untouched page.
 * Elsewhere: guest-physical addresses (`memory.ts`), tables of a chunk (`chunk.ts`).
 */
import { assert } from "../assert.ts";
import { PAGE_BYTES } from "../numbers.ts";
import {
  CHUNK_MASK,
  CHUNK_PAGES,
  CHUNK_SHIFT,
  CHUNK_TABLE_BYTES,
  Chunk,
  PAGE_FLAG,
  type StoredPages,
} from "./chunk.ts";
import { FrameCache, ZERO_FRAME } from "./frames.ts";
import type { Voided } from "./guest-memory.ts";
import type { RamBlock, RamList } from "./ram-block.ts";
import type { BlockState, MemoryState } from "./snapshot.ts";

export interface ChangedPage {
  readonly block: RamBlock;
  readonly page: number;
}

export interface PagesListeners {
  /** Host addresses given out are void: those of one page of a block, or of all pages. */
  readonly void: (which: Voided, block?: RamBlock, page?: number) => void;
  /** Before a load changes a page that holds code. */
  readonly codeChange: (block: RamBlock, page: number) => void;
}

export class Pages {
  readonly frames: FrameCache;
  /** Bytes of frames that `relieve` gets below. */
  readonly budgetBytes: number;
  /** Host addresses for writing were given out under this number; all are void when it changes. */
  generation = 1;
  /** The same for reading: a new epoch leaves it. */
  #readGeneration = 1;
  /** Stamp of changes that happen now. */
  epoch = 1;
  readonly #list: RamList;
  readonly #void: PagesListeners["void"];
  /** Before a load changes a page that holds code. */
  readonly #onCodeChange: (block: RamBlock, page: number) => void;
  /** Chunks with changes since the last save, by block. */
  readonly #touched = new Map<RamBlock, Set<number>>();
  readonly #saved = new Map<RamBlock, BlockState>();
  #savedState: MemoryState | null = null;
  #chunkCount = 0;

  constructor(
    wasm: WebAssembly.Memory,
    list: RamList,
    limits: { readonly limitBytes: number; readonly budgetBytes: number },
    listeners: PagesListeners,
  ) {
    this.frames = new FrameCache(wasm, limits.limitBytes);
    this.budgetBytes = limits.budgetBytes;
    this.#list = list;
    this.#void = listeners.void;
    this.#onCodeChange = listeners.codeChange;
  }

  /** Host memory in use: frames, and the tables that describe guest memory. Stored pages belong to saved states. */
  get bytes(): { readonly frames: number; readonly tables: number } {
    let tables = this.#chunkCount * CHUNK_TABLE_BYTES;
    for (const block of this.#list.blocks) tables += block.tableBytes;
    return { frames: this.frames.count * PAGE_BYTES, tables };
  }

  /** Voids every host address given out. */
  invalidate(): void {
    this.generation++;
    this.#readGeneration++;
    this.#void("all");
  }
  /** Voids the addresses given out for writing a page: it holds code, or ("beside") more code. */
  invalidateWrites(block: RamBlock, page: number, which: "writes" | "beside" = "writes"): void {
    this.#void(which, block, page);
  }

  /** Changes from now on are told from those before. Returns the number to ask `changedSince` with. */
  beginEpoch(): number {
    this.epoch++;
    this.generation++;
    this.#void("writes");
    return this.epoch;
  }

  /** Host address from which a page can be read. */
  readFrame(block: RamBlock, page: number): number {
    const c = page >>> CHUNK_SHIFT;
    const chunk = block.chunks[c];
    if (chunk === undefined) {
      block.zeroReadAt[c] = this.#readGeneration;
      return ZERO_FRAME;
    }
    const i = page & CHUNK_MASK;
    const frame = chunk.frames[i]!;
    if (frame !== 0) {
      chunk.flags[i]! |= PAGE_FLAG.recent;
      return frame;
    }
    const stored = chunk.stored[i]!;
    if (stored === null) {
      chunk.flags[i]! |= PAGE_FLAG.zeroRead;
      return ZERO_FRAME;
    }
    chunk.flags[i]! |= PAGE_FLAG.recent;
    return (chunk.frames[i] = this.frames.allocate(chunk, i, stored));
  }

  /** Host address at which a page is about to be changed; stamps it. */
  writeFrame(block: RamBlock, page: number): number {
    const c = page >>> CHUNK_SHIFT;
    const chunk = this.chunk(block, c);
    const i = page & CHUNK_MASK;
    let frame = chunk.frames[i]!;
    if (frame === 0) {
      frame = chunk.frames[i] = this.frames.allocate(chunk, i, chunk.stored[i]!);
      if ((chunk.flags[i]! & PAGE_FLAG.zeroRead) !== 0) {
        chunk.flags[i]! &= ~PAGE_FLAG.zeroRead;
        this.#void("all", block, page);
      }
    }
    chunk.flags[i]! |= PAGE_FLAG.unsynced | PAGE_FLAG.recent;
    chunk.epochs[i] = this.epoch;
    chunk.changedEpoch = this.epoch;
    if (!chunk.touched) this.#touch(block, c, chunk);
    return frame;
  }

  /** The tables of a chunk, made if they do not exist. */
  chunk(block: RamBlock, c: number): Chunk {
    let chunk = block.chunks[c];
    if (chunk === undefined) {
      chunk = block.chunks[c] = new Chunk(block.createdEpoch);
      this.#chunkCount++;
      // The zero frame was given out for some pages of the chunk; which, nobody remembers.
      if (block.zeroReadAt[c] === this.#readGeneration) chunk.flags.fill(PAGE_FLAG.zeroRead);
    }
    return chunk;
  }

  /** Copies bytes of one page into `into`, without giving it a frame. */
  readInto(block: RamBlock, page: number, within: number, into: Uint8Array): void {
    const chunk = block.chunks[page >>> CHUNK_SHIFT];
    const i = page & CHUNK_MASK;
    const frame = chunk?.frames[i] ?? 0;
    const end = within + into.length;
    if (frame !== 0) into.set(this.frames.bytes.subarray(frame + within, frame + end));
    else {
      const stored = chunk?.stored[i] ?? null;
      if (stored === null) into.fill(0);
      else into.set(stored.subarray(within, end));
    }
  }

  /** Epoch of a page's last change. */
  lastChange(block: RamBlock, page: number): number {
    return block.chunks[page >>> CHUNK_SHIFT]?.epochs[page & CHUNK_MASK] ?? block.createdEpoch;
  }

  /** Pages written in `epoch` (a value of `beginEpoch`) or later, by block and page number. */
  *changedSince(epoch: number, blocks = this.#list.blocks): Generator<ChangedPage> {
    for (const block of blocks) {
      for (let c = 0; c < block.chunks.length; c++) {
        const chunk = block.chunks[c];
        if (chunk === undefined || chunk.changedEpoch < epoch) continue;
        for (let i = 0; i < CHUNK_PAGES; i++) {
          if (chunk.epochs[i]! >= epoch) yield { block, page: c * CHUNK_PAGES + i };
        }
      }
    }
  }

  /** The memory as a value. Costs what changed since the last save or load; begins an epoch. */
  save(): MemoryState {
    const blocks: { [idstr: string]: BlockState } = {};
    let same = this.#savedState !== null;
    for (const block of this.#list.blocks) {
      const state = this.#saveBlock(block);
      blocks[block.idstr] = state;
      same &&= this.#savedState?.blocks[block.idstr] === state;
    }
    if (
      this.#savedState === null ||
      !same ||
      Object.keys(this.#savedState.blocks).length !== this.#list.blocks.length
    ) {
      this.#savedState = { blocks };
    }
    this.beginEpoch();
    return this.#savedState;
  }

  /** Makes the memory what it was when `state` was saved. Blocks must be the same. Pages that differ count as changed. */
  load(state: MemoryState): void {
    assert(
      Object.keys(state.blocks).length === this.#list.blocks.length,
      "the state has the machine's RAMBlocks",
      Object.keys(state.blocks).join(),
    );
    this.epoch++;
    for (const block of this.#list.blocks) {
      const from = state.blocks[block.idstr];
      assert(
        from !== undefined && from.maxLength === block.maxLength,
        "the state has this RAMBlock",
        block.idstr,
      );
      block.usedLength = from.usedLength;
      for (let c = 0; c < block.chunks.length; c++) this.#loadChunk(block, c, from.chunks[c] ?? null);
      this.#touched.delete(block);
      this.#saved.set(block, from);
    }
    this.#savedState = state;
    this.epoch++;
    this.invalidate();
  }

  /**
   * Moves pages that were not asked for lately out of linear memory if the frames exceed the budget. Call it between instructions:
   * it voids host addresses. Returns the number of frames freed.
   */
  relieve(budgetBytes = this.budgetBytes): number {
    const before = this.frames.count;
    const wanted = Math.floor(budgetBytes / PAGE_BYTES);
    if (before <= wanted) return 0;
    this.invalidate();
    const offer = (chunk: Chunk, i: number) => {
      if ((chunk.flags[i]! & PAGE_FLAG.recent) !== 0) chunk.flags[i]! &= ~PAGE_FLAG.recent;
      else this.#evict(chunk, i);
    };
    this.frames.sweep(2, offer, () => this.frames.count <= wanted);
    return before - this.frames.count;
  }

  /** Forgets a block that is being taken out. */
  forget(block: RamBlock): void {
    for (const chunk of block.chunks) {
      if (chunk === undefined) continue;
      for (const frame of chunk.frames) if (frame !== 0) this.frames.release(frame);
      this.#chunkCount--;
    }
    this.#touched.delete(block);
    this.#saved.delete(block);
    this.invalidate();
  }

  #touch(block: RamBlock, c: number, chunk: Chunk): void {
    chunk.touched = true;
    const set = this.#touched.get(block);
    if (set === undefined) this.#touched.set(block, new Set([c]));
    else set.add(c);
  }

  /** Stored bytes become those of the frame. */
  #sync(chunk: Chunk, i: number): void {
    const frame = chunk.frames[i]!;
    if (!this.frames.equals(frame, chunk.stored[i]!)) chunk.store(i, this.frames.copy(frame));
    chunk.flags[i]! &= ~PAGE_FLAG.unsynced;
  }

  #evict(chunk: Chunk, i: number): void {
    if ((chunk.flags[i]! & PAGE_FLAG.unsynced) !== 0) this.#sync(chunk, i);
    this.frames.release(chunk.frames[i]!);
    chunk.frames[i] = 0;
  }

  #saveBlock(block: RamBlock): BlockState {
    const previous = this.#saved.get(block);
    const touched = this.#touched.get(block);
    const chunks = previous === undefined ? [] : [...previous.chunks];
    let changed = previous === undefined || previous.usedLength !== block.usedLength;
    for (const c of [...(touched ?? [])].sort((a, b) => a - b)) {
      const chunk = block.chunks[c]!;
      for (let i = 0; i < CHUNK_PAGES; i++) {
        if ((chunk.flags[i]! & PAGE_FLAG.unsynced) !== 0) this.#sync(chunk, i);
      }
      chunk.touched = false;
      const shared = chunk.share();
      if ((chunks[c] ?? null) === shared) continue;
      while (chunks.length < c) chunks.push(null);
      chunks[c] = shared;
      changed = true;
    }
    touched?.clear();
    if (previous !== undefined && !changed) return previous;
    const { idstr, offset, usedLength, maxLength } = block;
    const state: BlockState = { idstr, offset, usedLength, maxLength, chunks };
    this.#saved.set(block, state);
    return state;
  }

  #loadChunk(block: RamBlock, c: number, stored: StoredPages | null): void {
    const existing = block.chunks[c];
    if (existing === undefined && stored === null) return;
    const chunk = this.chunk(block, c);
    if (!chunk.touched && chunk.sharesWith(stored)) return;
    for (let i = 0; i < CHUNK_PAGES; i++) {
      const target = stored?.[i] ?? null;
      const unsynced = (chunk.flags[i]! & PAGE_FLAG.unsynced) !== 0;
      const same = unsynced ? this.frames.equals(chunk.frames[i]!, target) : chunk.stored[i] === target;
      chunk.flags[i]! &= ~PAGE_FLAG.unsynced;
      if (same) continue;
      if ((chunk.flags[i]! & PAGE_FLAG.code) !== 0) this.#onCodeChange(block, c * CHUNK_PAGES + i);
      if (chunk.frames[i] !== 0) this.frames.release(chunk.frames[i]!);
      chunk.frames[i] = 0;
      chunk.epochs[i] = this.epoch;
      chunk.changedEpoch = this.epoch;
    }
    chunk.adopt(stored);
    chunk.touched = false;
  }
}
