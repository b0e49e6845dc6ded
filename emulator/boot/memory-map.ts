/**
 * The memory map that boot information carries, and the search for free room in it.
 *
 * The map is QEMU's for machine `pc` as its BIOS reports it (INT 15h E820), less what that BIOS keeps at the top of memory for ACPI tables: there is
 * no BIOS here, so there is nothing to keep.
 *
 *     0x00000000 – 0x0009fbff  usable          0x000f0000 – 0x000fffff  reserved (system BIOS)
 *     0x0009fc00 – 0x0009ffff  reserved (EBDA)  0x00100000 – top         usable
 *     0xfffc0000 – 0xffffffff  reserved (flash)    4 GiB – …             usable
 */
import { hex } from "./finding.ts";
import type { MemoryRange } from "./image.ts";

export interface MapEntry extends MemoryRange {
  /** 1 usable, 2 reserved: the numbers of E820 and of both Multiboot versions. */
  readonly type: 1 | 2;
}

const EBDA = 0x9fc00;
const VGA = 0xa0000;
const BIOS = 0xf0000;
export const HIGH_MEMORY = 0x100000;
const FLASH = 0xfffc0000;
export const FOUR_GIB = 0x1_0000_0000;

/** `ram`: where the machine has RAM, ascending, not overlapping. */
export function memoryMap(ram: readonly MemoryRange[]): readonly MapEntry[] {
  const map: MapEntry[] = [];
  for (const entry of [
    ...usable(ram, 0, EBDA),
    { start: EBDA, length: VGA - EBDA, type: 2 as const },
    { start: BIOS, length: HIGH_MEMORY - BIOS, type: 2 as const },
    ...usable(ram, HIGH_MEMORY, FLASH),
    { start: FLASH, length: FOUR_GIB - FLASH, type: 2 as const },
    ...usable(ram, FOUR_GIB, Infinity),
  ])
    if (entry.length > 0) map.push(entry);
  return map;
}

function usable(ram: readonly MemoryRange[], from: number, to: number): MapEntry[] {
  return ram
    .map((range) => ({ start: Math.max(range.start, from), end: Math.min(range.start + range.length, to) }))
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => ({ start, length: end - start, type: 1 }));
}

/** `mem_lower` and `mem_upper` of Multiboot, in KiB: usable memory from 0 (640 at most) and from 1 MiB up to the first hole. */
export function basicMemory(map: readonly MapEntry[]): { readonly lower: number; readonly upper: number } {
  const kib = (start: number): number =>
    Math.floor((map.find((entry) => entry.type === 1 && entry.start === start)?.length ?? 0) / 1024);
  return { lower: kib(0), upper: kib(HIGH_MEMORY) };
}

/** Room in usable memory below 4 GiB. Address 0 is never given out: to a guest it would mean "none". */
export class Room {
  readonly usable: readonly MemoryRange[];
  private readonly taken: MemoryRange[] = [];

  constructor(map: readonly MapEntry[]) {
    this.usable = map.filter((entry) => entry.type === 1);
  }

  /** True if all of [start, start + length) is usable memory. */
  isUsable(start: number, length: number): boolean {
    return this.usable.some((range) => start >= range.start && start + length <= range.start + range.length);
  }

  isFree(start: number, length: number): boolean {
    return (
      this.isUsable(start, length) &&
      !this.taken.some((range) => start < range.start + range.length && range.start < start + length)
    );
  }

  take(range: MemoryRange): void {
    if (range.length > 0) this.taken.push(range);
  }

  /** Finds the lowest (or highest) free address in [min, max) that fits and takes it; null if there is none. */
  find(length: number, alignment: number, min = 1, max = FOUR_GIB, highest = false): number | null {
    const up = (address: number): number => Math.ceil(address / alignment) * alignment;
    const down = (address: number): number => Math.floor(address / alignment) * alignment;
    const blocks = [...this.usable, ...this.taken];
    // The lowest fit starts at the bottom or just after something taken; the highest ends at the top or just before something.
    const candidates = highest
      ? [
          max,
          ...this.usable.map((range) => range.start + range.length),
          ...this.taken.map((range) => range.start),
        ]
          .map((end) => down(Math.min(end, max) - length))
          .sort((a, b) => b - a)
      : [min, ...blocks.map((range) => range.start), ...this.taken.map((range) => range.start + range.length)]
          .map((start) => up(Math.max(start, min, 1)))
          .sort((a, b) => a - b);
    for (const start of candidates)
      if (start >= Math.max(min, 1) && start + length <= max && this.isFree(start, Math.max(length, 1))) {
        this.take({ start, length });
        return start;
      }
    return null;
  }

  /** "0x0–0x9fbff, 0x100000–0x7ffffff", for messages. */
  describe(): string {
    return this.usable
      .map((range) => `${hex(range.start)}–${hex(range.start + range.length - 1)}`)
      .join(", ");
  }
}
