/**
 * RAMBlocks: the pieces of memory behind RAM and ROM regions, in QEMU's terms, and the list of them.
 *
 * Invariant: blocks do not overlap in the `ram_addr_t` space, and an offset, once given, never changes.
 * Elsewhere: where a block appears in the guest's address space is a matter of regions (`region.ts`), not of the block.
 */
import { assert } from "../assert.ts";
import { PAGE_BYTES, type RamAddress, ramAddress } from "../numbers.ts";
import { CHUNK_SHIFT, Chunk } from "./chunk.ts";

/** RAMBlock flags that exist in QEMU 7.2 and mean something here, with QEMU's values. */
export const RAM_FLAG = {
  prealloc: 1,
  shared: 2,
  /** `usedLength` may change up to `maxLength`. */
  resizeable: 4,
  ufZeroPage: 8,
  migratable: 16,
  pmem: 32,
  ufWriteProtect: 64,
  noReserve: 128,
  protected: 256,
} as const;

/** QEMU aligns blocks to 64 target pages, the unit in which dirty bits are synchronised. */
const BLOCK_ALIGN_BYTES = 0x40000;

export interface RamBlockOptions {
  /** Name, with the owning device's path in front if it has one ("0000:00:02.0/vga.vram"). Unique. */
  readonly idstr: string;
  /** Bytes; rounded up to whole pages. */
  readonly usedLength: number;
  /** Bytes; default `usedLength`. */
  readonly maxLength?: number;
  readonly flags?: number;
  /** In the `ram_addr_t` space; default: where QEMU would put it. For a block that comes back with a restored state. */
  readonly offset?: number;
}

export class RamBlock {
  readonly idstr: string;
  readonly offset: RamAddress;
  usedLength: number;
  readonly maxLength: number;
  readonly pageSize = PAGE_BYTES;
  readonly flags: number;
  /** Somebody uses the block. Until then, and again afterwards, QEMU has no name for a backend's block, and `info ramblock` shows none. */
  isRegistered = true;
  /** By page number >> CHUNK_SHIFT. Most are never made. */
  readonly chunks: (Chunk | undefined)[];
  /** Generation in which the zero frame was given out for a page of a chunk that does not exist. */
  readonly zeroReadAt: Uint32Array;
  readonly createdEpoch: number;
  /** Guest-physical pages that hold translated code, by page of this block. */
  readonly code = new Map<number, Set<number>>();

  constructor(options: RamBlockOptions, offset: RamAddress, createdEpoch: number) {
    this.idstr = options.idstr;
    this.offset = offset;
    this.usedLength = roundUp(options.usedLength, PAGE_BYTES);
    this.maxLength = roundUp(options.maxLength ?? options.usedLength, PAGE_BYTES);
    this.flags = options.flags ?? 0;
    this.createdEpoch = createdEpoch;
    assert(
      this.usedLength > 0 && this.usedLength <= this.maxLength,
      "used length lies within the maximum",
      options.idstr,
    );
    assert(
      this.pageCount < 2 ** 31,
      "page numbers within a block are 32-bit integers",
      options.idstr,
      this.maxLength,
    );
    this.chunks = Array.from({ length: (this.pageCount + (1 << CHUNK_SHIFT) - 1) >>> CHUNK_SHIFT });
    this.zeroReadAt = new Uint32Array(this.chunks.length);
  }

  get pageCount(): number {
    return this.maxLength / PAGE_BYTES;
  }

  /** Bytes of an untouched block that exist all the same. */
  get tableBytes(): number {
    return this.chunks.length * (8 + 4);
  }
}

export class RamList {
  readonly #blocks: RamBlock[] = [];

  /** Largest first, as QEMU keeps them; equal ones in the order they were added. */
  get blocks(): readonly RamBlock[] {
    return this.#blocks;
  }

  add(options: RamBlockOptions, createdEpoch: number): RamBlock {
    assert(this.find(options.idstr) === undefined, "a RAMBlock's idstr is unique", options.idstr);
    const maxLength = roundUp(options.maxLength ?? options.usedLength, PAGE_BYTES);
    const offset = options.offset ?? this.#findOffset(maxLength);
    const block = new RamBlock(options, ramAddress(offset), createdEpoch);
    const before = this.#blocks.findIndex((other) => other.maxLength < block.maxLength);
    this.#blocks.splice(before < 0 ? this.#blocks.length : before, 0, block);
    return block;
  }

  remove(block: RamBlock): void {
    const index = this.#blocks.indexOf(block);
    assert(index >= 0, "the block is in the list", block.idstr);
    this.#blocks.splice(index, 1);
  }

  /** Brings the blocks into the order of their names in `idstrs`, which has them all: the order in which a restored state had them. */
  arrange(idstrs: readonly string[]): void {
    this.#blocks.sort((a, b) => idstrs.indexOf(a.idstr) - idstrs.indexOf(b.idstr));
  }

  find(idstr: string): RamBlock | undefined {
    return this.#blocks.find((block) => block.idstr === idstr);
  }

  /** The block in which an address of the `ram_addr_t` space lies. */
  at(address: RamAddress): RamBlock | undefined {
    return this.#blocks.find((block) => address >= block.offset && address - block.offset < block.maxLength);
  }

  /** QEMU's find_ram_offset: the smallest gap behind an existing block in which the new one fits. */
  #findOffset(size: number): number {
    if (this.#blocks.length === 0) return 0;
    let best = Infinity;
    let offset = -1;
    for (const block of this.#blocks) {
      const candidate = roundUp(block.offset + block.maxLength, BLOCK_ALIGN_BYTES);
      let next = Infinity;
      for (const other of this.#blocks) {
        if (other.offset >= candidate) next = Math.min(next, other.offset);
      }
      const gap = next - candidate;
      // The last gap is endless; `<` lets the first of equal gaps win, as in QEMU.
      if (gap >= size && (gap < best || offset < 0)) {
        best = gap;
        offset = candidate;
      }
    }
    return offset;
  }
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
