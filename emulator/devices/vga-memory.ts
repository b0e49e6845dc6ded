/**
 * The VGA's 16 MiB of memory, RAMBlock "vga.vram": the linear frame buffer, whose first 256 KiB are the four planes.
 *
 * A byte of plane p at offset o lies at o × 4 + p, as in QEMU: a text cell's character and attribute are neighbours, chain-4 and odd/even addresses need one shift,
 * and a word of 32 bits holds what the graphics controller latches.
 * Invariant: all changes, the processor's own through a mapping included, are seen by `takeChanges`, since pages know their epochs.
 */
import { assert } from "../assert.ts";
import { type Memory, MemoryRegion, type RamBlock } from "../memory/index.ts";
import { PAGE_BYTES } from "../numbers.ts";

export const VGA_MEMORY_BYTES = 16 * 2 ** 20;
/** What a VGA without extensions has: four planes of 64 KiB. */
export const PLANES_BYTES = 0x40000;

/** Bytes [start, end) that may have changed. */
export interface Changed {
  readonly start: number;
  readonly end: number;
}

export class VgaMemory {
  readonly #memory: Memory;
  readonly #block: RamBlock;
  /** All of it, for a base address register and for windows onto it. */
  readonly region: MemoryRegion;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#block = memory.allocate({ idstr: "0000:00:02.0/vga.vram", usedLength: VGA_MEMORY_BYTES });
    this.region = MemoryRegion.ram("vga.vram", this.#block);
  }

  /** The four planes' bytes at an offset: plane 0 is the low byte. */
  word(offset: number): number {
    return this.#memory.readBlockWord(this.#block, offset * 4);
  }
  setWord(offset: number, value: number): void {
    this.#memory.writeBlockWord(this.#block, offset * 4, value >>> 0);
  }

  byte(at: number): number {
    return (this.word(at >>> 2) >>> (8 * (at & 3))) & 0xff;
  }
  setByte(at: number, value: number): void {
    const shift = 8 * (at & 3);
    this.setWord(at >>> 2, (this.word(at >>> 2) & ~(0xff << shift)) | ((value & 0xff) << shift));
  }

  /** A copy. */
  bytes(start: number, length: number): Uint8Array {
    assert(start >= 0 && start + length <= VGA_MEMORY_BYTES, "within VGA memory", start, length);
    return this.#memory.readBlock(this.#block, start, length);
  }
  write(start: number, bytes: Uint8Array): void {
    assert(start >= 0 && start + bytes.length <= VGA_MEMORY_BYTES, "within VGA memory", start, bytes.length);
    this.#memory.writeBlock(this.#block, start, bytes);
  }

  /** What may have changed in [start, end) since it was taken last; it counts as unchanged afterwards. Whole pages. */
  takeChanges(start: number, end: number): Changed[] {
    const first = Math.floor(start / PAGE_BYTES);
    const count = Math.min(Math.ceil(end / PAGE_BYTES), VGA_MEMORY_BYTES / PAGE_BYTES) - first;
    return this.#memory.dirty
      .take("vga", this.#block, first, count)
      .map((range) => ({ start: range.first * PAGE_BYTES, end: (range.first + range.count) * PAGE_BYTES }));
  }

  /** Runs a change of several regions as one. */
  transaction(change: () => void): void {
    this.#memory.transaction(change);
  }
}
