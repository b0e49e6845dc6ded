/**
 * Saved memory: immutable values that share every page that did not change between them.
 *
 * Invariant: a page of zeros is always null and a chunk of zero pages always null, so equal memories have equal shapes; shared pieces
 * are the same objects, which makes comparing two successive states a matter of what changed between them.
 * Elsewhere: `Pages.save` and `Pages.load` (`pages.ts`) make states and go back to them.
 */
import { PAGE_BYTES } from "../numbers.ts";
import { CHUNK_MASK, CHUNK_PAGES, CHUNK_SHIFT, type StoredPages } from "./chunk.ts";

export interface BlockState {
  readonly idstr: string;
  /** In the `ram_addr_t` space, bytes. */
  readonly offset: number;
  readonly usedLength: number;
  readonly maxLength: number;
  /** Pages by 512; null or missing at the end: all zero. */
  readonly chunks: readonly (StoredPages | null)[];
}

export interface MemoryState {
  /** By RAMBlock idstr. */
  readonly blocks: { readonly [idstr: string]: BlockState };
}

/** One page of a block; null is a page of zeros. */
export function statePage(block: BlockState, page: number): Uint8Array | null {
  return block.chunks[page >>> CHUNK_SHIFT]?.[page & CHUNK_MASK] ?? null;
}

/** Bytes of a block as they were when the state was saved. */
export function stateBytes(block: BlockState, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const within = (offset + done) % PAGE_BYTES;
    const count = Math.min(PAGE_BYTES - within, length - done);
    const page = statePage(block, Math.floor((offset + done) / PAGE_BYTES));
    if (page !== null) bytes.set(page.subarray(within, within + count), done);
    done += count;
  }
  return bytes;
}

/** A page that is not the same in two states. */
export interface PageDifference {
  readonly idstr: string;
  readonly page: number;
}

/** Pages whose bytes differ, in order. A block that only one state has counts as zeros in the other. */
export function* memoryDifferences(a: MemoryState, b: MemoryState): Generator<PageDifference> {
  for (const idstr of new Set([...Object.keys(a.blocks), ...Object.keys(b.blocks)])) {
    const blockA = a.blocks[idstr];
    const blockB = b.blocks[idstr];
    if (blockA === blockB) continue;
    const chunkCount = Math.max(blockA?.chunks.length ?? 0, blockB?.chunks.length ?? 0);
    for (let c = 0; c < chunkCount; c++) {
      const chunkA = blockA?.chunks[c] ?? null;
      const chunkB = blockB?.chunks[c] ?? null;
      if (chunkA === chunkB) continue;
      for (let i = 0; i < CHUNK_PAGES; i++) {
        if (!equalPages(chunkA?.[i] ?? null, chunkB?.[i] ?? null)) yield { idstr, page: c * CHUNK_PAGES + i };
      }
    }
  }
}

/** Whether two states have the same blocks with the same bytes. */
export function equalMemory(a: MemoryState, b: MemoryState): boolean {
  if (a === b) return true;
  const names = Object.keys(a.blocks);
  if (names.length !== Object.keys(b.blocks).length) return false;
  for (const name of names) {
    const blockA = a.blocks[name]!;
    const blockB = b.blocks[name];
    if (blockB === undefined) return false;
    const sameShape =
      blockA.offset === blockB.offset &&
      blockA.usedLength === blockB.usedLength &&
      blockA.maxLength === blockB.maxLength;
    if (!sameShape) return false;
  }
  return memoryDifferences(a, b).next().done === true;
}

/** Bytes of pages in a state that `base` does not share: what keeping it costs beside `base`. */
export function unsharedBytes(state: MemoryState, base: MemoryState | null): number {
  let pages = 0;
  for (const [idstr, block] of Object.entries(state.blocks)) {
    const baseBlock = base?.blocks[idstr];
    if (block === baseBlock) continue;
    for (let c = 0; c < block.chunks.length; c++) {
      const chunk = block.chunks[c] ?? null;
      const baseChunk = baseBlock?.chunks[c] ?? null;
      if (chunk === null || chunk === baseChunk) continue;
      for (let i = 0; i < CHUNK_PAGES; i++) {
        if (chunk[i] !== null && chunk[i] !== baseChunk?.[i]) pages++;
      }
    }
  }
  return pages * PAGE_BYTES;
}

function equalPages(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  for (let i = 0; i < PAGE_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}
