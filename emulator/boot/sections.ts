/**
 * The ELF section headers that Multiboot 2 hands to a kernel (tag 9): a copy of the file's table, in which every section has an address.
 * Sections that no segment holds (symbols, strings, debug information) are loaded besides, as GRUB does; where memory does not suffice
 * their address stays 0.
 */
import { viewOf, type ElfFile } from "./elf.ts";
import type { Placed } from "./image.ts";
import type { Room } from "./memory-map.ts";

export interface LoadedSections {
  readonly count: number;
  readonly entryBytes: number;
  readonly names: number;
  readonly headers: Uint8Array;
  readonly placed: readonly Placed[];
}

const SHT_NOBITS = 8;

/** `shift`: how far the image was moved; `floor`: where loading may begin. */
export function loadSections(
  elf: ElfFile,
  bytes: Uint8Array,
  shift: number,
  room: Room,
  floor: number,
): LoadedSections | null {
  if (elf.sections === null) return null;
  const { offset, entryBytes, count, names } = elf.sections;
  const headers = bytes.slice(offset, offset + count * entryBytes);
  const view = viewOf(headers);
  const wide = elf.bits === 64;
  const read = (at: number): number =>
    wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
  const loose: {
    readonly addressAt: number;
    readonly fileOffset: number;
    readonly size: number;
    readonly offset: number;
  }[] = [];
  let blockBytes = 0;
  for (let n = 0; n < count; n++) {
    const at = n * entryBytes;
    const type = view.getUint32(at + 4, true);
    const addressAt = at + (wide ? 16 : 12);
    const [address, fileOffset, size, alignment] = wide
      ? [read(at + 16), read(at + 24), read(at + 32), read(at + 48)]
      : [read(at + 12), read(at + 16), read(at + 20), read(at + 32)];
    if (address !== 0) {
      if (shift !== 0) move(view, addressAt, wide, shift);
      continue;
    }
    if (size === 0 || type === SHT_NOBITS || fileOffset + size > bytes.length) continue;
    const aligned = Math.ceil(blockBytes / powerOfTwo(alignment)) * powerOfTwo(alignment);
    loose.push({ addressAt, fileOffset, size, offset: aligned });
    blockBytes = aligned + size;
  }
  const start = blockBytes === 0 ? null : room.find(blockBytes, 0x1000, floor);
  const placed: Placed[] = [];
  if (start !== null)
    for (const section of loose) {
      const { fileOffset, size } = section;
      move(view, section.addressAt, wide, start + section.offset);
      placed.push({
        start: start + section.offset,
        length: size,
        bytes: bytes.subarray(fileOffset, fileOffset + size),
        what: "kernel section without a segment",
      });
    }
  return { count, entryBytes, names, headers, placed };
}

/** Adds to an address of a section header. */
function move(view: DataView, at: number, wide: boolean, distance: number): void {
  if (wide) view.setBigUint64(at, BigInt.asUintN(64, view.getBigUint64(at, true) + BigInt(distance)), true);
  else view.setUint32(at, view.getUint32(at, true) + distance, true);
}

const powerOfTwo = (alignment: number): number =>
  alignment >= 1 && alignment <= 0x1000 && Number.isInteger(Math.log2(alignment)) ? alignment : 16;
