/**
 * From program headers to memory: what is loaded where, and the entry point as a physical address.
 *
 * A segment goes to its physical address (p_paddr). An entry point inside a segment's virtual range is moved along with it, as GRUB and QEMU do, so
 * that a kernel linked high and loaded low may name its entry by either address.
 */
import type { ElfFile, Segment } from "./elf.ts";
import { hex, isFinding, type Finding, type Findings } from "./finding.ts";
import type { BootImage, BootModule, LoadedImage, LoadedSegment, Placed } from "./image.ts";
import { FOUR_GIB, type Room } from "./memory-map.ts";

export interface Placement {
  readonly kind: "placement";
  readonly entry: number;
  readonly placed: readonly Placed[];
  readonly segments: readonly LoadedSegment[];
  /** Physical address after the last byte. */
  readonly end: number;
  readonly notes: readonly Finding[];
}

/** Checks that all segments' bytes are in the file. */
export function checkSegments(elf: ElfFile, bytes: Uint8Array, findings: Findings): Finding | null {
  for (const segment of elf.segments) {
    const { index, headerOffset, offset, fileBytes, memoryBytes } = segment;
    if (fileBytes > memoryBytes)
      return findings.make(
        "segment-size",
        headerOffset,
        `segment ${index} has ${hex(fileBytes)} bytes in the file and only ${hex(memoryBytes)} in memory`,
        "check the linker script; the file may be damaged",
      );
    if (offset + fileBytes > bytes.length)
      return findings.make(
        "segment-truncated",
        headerOffset,
        `segment ${index} ends at file offset ${hex(offset + fileBytes)}, the file at ${hex(bytes.length)}`,
        "the file is cut off: build or copy it again",
      );
  }
  return overlap(elf.segments, findings);
}

function overlap(segments: readonly Segment[], findings: Findings): Finding | null {
  const sorted = segments
    .filter((segment) => segment.memoryBytes > 0)
    .toSorted((a, b) => a.physicalAddress - b.physicalAddress);
  for (let n = 1; n < sorted.length; n++) {
    const low = sorted[n - 1]!;
    const high = sorted[n]!;
    if (low.physicalAddress + low.memoryBytes > high.physicalAddress)
      return findings.make(
        "segment-overlap",
        high.headerOffset,
        `segment ${high.index} is loaded at ${hex(high.physicalAddress)}, inside segment ${low.index} (${extent(low)})`,
        "give the sections load addresses that do not overlap: AT() in the linker script",
      );
  }
  return null;
}

/** Places a checked ELF file `shift` bytes away from its physical addresses, and finds its entry. */
export function placeElf(
  elf: ElfFile,
  bytes: Uint8Array,
  room: Room,
  findings: Findings,
  shift = 0,
): Placement | Finding {
  const segments = placeSegments(elf, bytes, room, findings, shift);
  if (isFinding(segments)) return segments;
  const entry = findEntry(elf, shift);
  if (entry === null || segments.placed.length === 0)
    return findings.make(
      "entry-outside",
      24,
      `the entry point ${hex(elf.entry)} lies in none of the segments (${elf.segments.map(extent).join(", ")})`,
      "name the entry symbol with ENTRY(_start) in the linker script, and keep its section",
    );
  return { ...segments, entry };
}

/** Places the segments, for protocols that name the entry elsewhere. */
export function placeSegments(
  elf: ElfFile,
  bytes: Uint8Array,
  room: Room,
  findings: Findings,
  shift = 0,
): Omit<Placement, "entry"> | Finding {
  const placed: Placed[] = [];
  const segments: LoadedSegment[] = [];
  const notes: Finding[] = [];
  let end = 0;
  for (const segment of elf.segments) {
    if (segment.memoryBytes === 0) continue;
    const start = segment.physicalAddress + shift;
    if (!room.isUsable(start, segment.memoryBytes)) {
      const finding = findings.make(
        "segment-memory",
        segment.headerOffset,
        `segment ${segment.index} belongs at ${hex(start)}–${hex(start + segment.memoryBytes - 1)}; usable RAM is at ${room.describe()}`,
        adviseMemory(start, segment.memoryBytes),
      );
      // A linker that is given only -Ttext puts the ELF headers into a segment of their own, a page below: often 0xff000.
      if (!holdsOnlyHeaders(segment, elf)) return finding;
      notes.push({ ...finding, text: `${finding.text}; it holds only the ELF headers and is left out` });
      continue;
    }
    placed.push({
      start,
      length: segment.memoryBytes,
      bytes: bytes.subarray(segment.offset, segment.offset + segment.fileBytes),
      what: `kernel segment ${segment.index}`,
    });
    segments.push(loaded(segment, shift));
    room.take({ start, length: segment.memoryBytes });
    end = Math.max(end, start + segment.memoryBytes);
  }
  return { kind: "placement", placed, segments, end, notes };
}

function holdsOnlyHeaders(segment: Segment, elf: ElfFile): boolean {
  const headers = elf.programHeadersEnd;
  return segment.offset === 0 && !segment.executable && segment.memoryBytes <= Math.ceil(headers / 16) * 16;
}

export function loaded(segment: Segment, shift = 0): LoadedSegment {
  return {
    virtualAddress: BigInt.asUintN(64, segment.virtualAddress + BigInt(shift)),
    physicalAddress: segment.physicalAddress + shift,
    fileOffset: segment.offset,
    fileBytes: segment.fileBytes,
    memoryBytes: segment.memoryBytes,
    executable: segment.executable,
  };
}

/** The entry point's physical address, or null if no segment holds it. */
export function findEntry(elf: ElfFile, shift = 0): number | null {
  const { entry, segments } = elf;
  for (const { virtualAddress, memoryBytes, physicalAddress } of segments) {
    const offset = entry - virtualAddress;
    if (offset >= 0n && offset < BigInt(memoryBytes)) return physicalAddress + shift + Number(offset);
  }
  for (const { physicalAddress, memoryBytes } of segments)
    if (entry >= BigInt(physicalAddress) && entry < BigInt(physicalAddress + memoryBytes))
      return Number(entry) + shift;
  return null;
}

const extent = (segment: Segment): string =>
  `${hex(segment.physicalAddress)}–${hex(segment.physicalAddress + Math.max(segment.memoryBytes, 1) - 1)}`;

function adviseMemory(start: number, length: number): string {
  if (start + length > FOUR_GIB)
    return "give the sections a physical load address below 4 GiB: AT(ADDR(.text) - KERNEL_BASE) in the linker script";
  if (start < 0x100000)
    return "load the kernel at 1 MiB or above: . = 0x100000 in the linker script, with no section and no ELF headers before it";
  return `give the machine more memory (-m ${Math.ceil((start + length) / 0x100000)}M or more) or load the kernel lower`;
}

export function kernelImage(image: BootImage, placement: Placement, loadBias: bigint): LoadedImage {
  return {
    name: image.kernelName,
    bytes: image.kernel,
    role: "kernel",
    loadBias,
    segments: placement.segments,
    module: null,
  };
}

/** Puts each module on pages of its own at or above `start`; the name of the first that does not fit otherwise. */
export function placeModules(
  modules: readonly BootModule[],
  room: Room,
  start: number,
): { readonly placed: readonly Placed[]; readonly images: readonly LoadedImage[] } | string {
  const placed: Placed[] = [];
  const images: LoadedImage[] = [];
  for (const { bytes, name } of modules) {
    const at = room.find(bytes.length, 0x1000, start);
    if (at === null) return `module ${name} (${bytes.length} bytes)`;
    const range = { start: at, length: bytes.length };
    placed.push({ ...range, bytes, what: `module ${name}` });
    images.push({ name, bytes, role: "module", loadBias: 0n, segments: [], module: range });
  }
  return { placed, images };
}

export function noRoom(findings: Findings, room: Room, what: string): Finding {
  return findings.make(
    "memory",
    null,
    `there is no room for ${what} behind the kernel; usable RAM is at ${room.describe()}`,
    "give the machine more memory (-m)",
  );
}
