/**
 * Frames of guest memory: 4 KiB pieces of the one linear memory, from FRAMES upward. Frame 0 is the zero frame that all untouched pages share.
 *
 * Invariant: a host address given out stays good until the owner of the page is told otherwise; nothing here moves a frame by itself.
 * Elsewhere: which page a frame belongs to in the guest (`ram-block.ts`), who decides what is cold (`memory.ts`).
 */
import { assert } from "../assert.ts";
import { Halt } from "../cpu/event.ts";
import { FRAMES } from "../cpu/layout.ts";
import { PAGE_BYTES, WASM_PAGE_BYTES } from "../numbers.ts";
import type { Chunk } from "./chunk.ts";

/** WebAssembly's limit for a 32-bit memory. */
const MAX_LINEAR_BYTES = 2 ** 32;
/** A growth costs V8 a collection of garbage, so steps are large; the smaller one is for a host that refuses. */
const GROWTH_BYTES = 64 * 2 ** 20;
const SMALL_GROWTH_BYTES = 2 ** 20;

/** Host address of the frame of zeros. It is only ever read. */
export const ZERO_FRAME = FRAMES;

export class FrameCache {
  /** All of linear memory; replaced when it grows. */
  bytes: Uint8Array;
  words: Int32Array;
  view: DataView;
  readonly #wasm: WebAssembly.Memory;
  readonly #limitFrames: number;
  /** Frames in use below `#next` that were given back. */
  readonly #free: number[] = [];
  /** First frame number that was never used, and how many linear memory has room for. */
  #next = 1;
  #capacity = 0;
  readonly #owners: (Chunk | null)[] = [null];
  #ownerIndices = new Uint16Array(1024);
  /** Frame number at which the next sweep for cold pages goes on. */
  #hand = 1;

  /** `limitBytes` bounds the frames; running into it is a `Halt` that says so. */
  constructor(wasm: WebAssembly.Memory, limitBytes: number) {
    this.#wasm = wasm;
    this.#limitFrames = Math.floor(Math.min(limitBytes, MAX_LINEAR_BYTES - FRAMES) / PAGE_BYTES);
    this.bytes = new Uint8Array(0);
    this.words = new Int32Array(0);
    this.view = new DataView(new ArrayBuffer(0));
    this.#refresh();
    if (this.#capacity < 1) this.#grow();
    this.bytes.fill(0, ZERO_FRAME, ZERO_FRAME + PAGE_BYTES);
  }

  /** Frames in use, the zero frame not counted. */
  get count(): number {
    return this.#next - 1 - this.#free.length;
  }

  /** Host address of a frame for page `index` of `chunk`. Its bytes are those of `content`, or zero. */
  allocate(chunk: Chunk, index: number, content: Uint8Array | null): number {
    let frame = this.#free.pop();
    const isNew = frame === undefined;
    if (frame === undefined) {
      if (this.#next > this.#limitFrames) throw this.#outOfMemory();
      if (this.#next >= this.#capacity) this.#grow();
      frame = this.#next++;
    }
    if (frame >= this.#ownerIndices.length) {
      const indices = new Uint16Array(this.#ownerIndices.length * 2);
      indices.set(this.#ownerIndices);
      this.#ownerIndices = indices;
    }
    this.#owners[frame] = chunk;
    this.#ownerIndices[frame] = index;
    const address = FRAMES + frame * PAGE_BYTES;
    if (content !== null) this.bytes.set(content, address);
    else if (!isNew) this.bytes.fill(0, address, address + PAGE_BYTES);
    return address;
  }

  release(address: number): void {
    const frame = (address - FRAMES) / PAGE_BYTES;
    assert(
      this.#owners[frame] !== null && frame >= 1 && frame < this.#next,
      "released frame is in use",
      address,
    );
    this.#owners[frame] = null;
    this.#free.push(frame);
  }

  /** A copy of a frame's bytes; null if all are zero. */
  copy(address: number): Uint8Array | null {
    const first = address >>> 2;
    const end = first + PAGE_BYTES / 4;
    const words = this.words;
    for (let i = first; i < end; i++) {
      if (words[i] !== 0) return this.bytes.slice(address, address + PAGE_BYTES);
    }
    return null;
  }

  /** Whether a frame's bytes are those of `content` (null: zeros). */
  equals(address: number, content: Uint8Array | null): boolean {
    const first = address >>> 2;
    const count = PAGE_BYTES / 4;
    const words = this.words;
    if (content === null) {
      for (let i = 0; i < count; i++) if (words[first + i] !== 0) return false;
      return true;
    }
    const other = new Int32Array(content.buffer, content.byteOffset, count);
    for (let i = 0; i < count; i++) if (words[first + i] !== other[i]) return false;
    return true;
  }

  /** Offers frames in turn, going on where the last sweep ended, until `enough` says so or each was offered `rounds` times. */
  sweep(rounds: number, offer: (chunk: Chunk, index: number) => void, enough: () => boolean): void {
    for (let left = rounds * (this.#next - 1); left > 0 && !enough(); left--) {
      if (this.#hand >= this.#next) this.#hand = 1;
      const frame = this.#hand++;
      const chunk = this.#owners[frame];
      if (chunk !== null && chunk !== undefined) offer(chunk, this.#ownerIndices[frame]!);
    }
  }

  #refresh(): void {
    const buffer = this.#wasm.buffer;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.#capacity = Math.max(0, Math.floor((buffer.byteLength - FRAMES) / PAGE_BYTES));
  }

  #grow(): void {
    const now = this.#wasm.buffer.byteLength;
    const room = Math.min(MAX_LINEAR_BYTES, FRAMES + (this.#limitFrames + 1) * PAGE_BYTES) - now;
    const wanted = Math.max(GROWTH_BYTES, Math.floor(now / 4), FRAMES + PAGE_BYTES - now);
    for (const bytes of [wanted, SMALL_GROWTH_BYTES]) {
      try {
        const pages = Math.ceil(Math.min(bytes, room) / WASM_PAGE_BYTES);
        if (pages <= 0) break;
        this.#wasm.grow(pages);
        this.#refresh();
        return;
      } catch (error) {
        // The host refuses (a RangeError): a smaller step may still do.
        if (!(error instanceof RangeError)) throw error;
      }
    }
    throw this.#outOfMemory();
  }

  #outOfMemory(): Halt {
    const used = Math.round((this.count * PAGE_BYTES) / 2 ** 20);
    const limit = Math.round((this.#limitFrames * PAGE_BYTES) / 2 ** 20);
    return new Halt({
      kind: "out-of-memory",
      text: `the guest's pages in use need more than the host gives: ${used} MiB of frames in use, limit ${limit} MiB`,
    });
  }
}
