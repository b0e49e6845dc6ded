/**
 * Multiboot 1 (specification 0.6.96): the header's fields, where the image goes, and the information structure.
 *
 * Laid out as QEMU's -kernel does, field by field: information at 0x9500, its memory map at 0x9000, then after the kernel on a page of its own
 * the module table, the strings, and each module page-aligned. If the kernel itself is loaded over 0x9000, they move elsewhere.
 *
 * ELF64: the specification knows only 32-bit ELF, and its machine state is 32-bit protected mode. A 64-bit ELF file is loaded by its program
 * headers all the same and entered in that same 32-bit state, as GRUB does; its first code must be 32-bit.
 */
import { checkLinked, isElf, readElf, viewOf } from "./elf.ts";
import { multibootEntry } from "./entry.ts";
import { Findings, hex, isFinding, type Finding } from "./finding.ts";
import { placeFlat } from "./flat.ts";
import { findHeader, MULTIBOOT1 } from "./header.ts";
import type { BootImage, BootPlan, Placed } from "./image.ts";
import { basicMemory, Room, type MapEntry } from "./memory-map.ts";
import { checkSegments, kernelImage, noRoom, placeElf, placeModules, type Placement } from "./placement.ts";
import { Writer } from "./writer.ts";

/** What EAX holds at the entry. */
export const MAGIC = 0x2badb002;

/** Header flags: bits 0 to 15 must be understood, the others may be ignored. */
const HEADER = { pageAlign: 1, memory: 2, video: 4, addresses: 0x10000 } as const;
const KNOWN = HEADER.pageAlign | HEADER.memory | HEADER.video;
/** Flags of the information structure. */
const INFO = { memory: 1, bootDevice: 2, commandLine: 4, modules: 8, map: 0x40, loaderName: 0x200, framebuffer: 0x1000 } as const; // oxfmt-ignore

const MAP_ADDRESS = 0x9000;
const INFORMATION_ADDRESS = 0x9500;
const INFORMATION_BYTES = 116;
/** "No BIOS drive": what QEMU passes as boot_device. */
const BOOT_DEVICE = 0x8000ffff;
export const LOADER_NAME = "redzone";

/** Plans a boot. With `floor`, modules and tables are put at or above that address. */
export function planMultiboot1(image: BootImage, map: readonly MapEntry[], floor = 0): BootPlan | Finding {
  const findings = new Findings("multiboot1", image.kernelName);
  const header = findHeader(image.kernel, MULTIBOOT1, findings);
  if (typeof header !== "number") return header;
  const view = viewOf(image.kernel);
  const flags = view.getUint32(header + 4, true);
  const needed = flags & HEADER.video ? 48 : flags & HEADER.addresses ? 32 : 12;
  if (header + needed > Math.min(MULTIBOOT1.window, image.kernel.length))
    return findings.make(
      "header-position",
      header,
      `the Multiboot 1 header at ${hex(header)} needs ${needed} bytes with flags ${hex(flags)} and runs past ${hex(Math.min(MULTIBOOT1.window, image.kernel.length))}`,
      "put the header's section first in the linker script, and write all fields its flags announce",
    );
  const unknown = flags & 0xffff & ~KNOWN;
  if (unknown !== 0)
    return findings.make(
      "header-flags",
      header + 4,
      `flags ${hex(flags)} require features that Multiboot 1 does not define (bits ${hex(unknown)} of 0–15)`,
      `clear them: bits 0 (page-aligned modules), 1 (memory map) and 2 (video mode) exist`,
    );
  const video = videoMode(image, view, header, flags, findings);
  if (video !== null && image.loader !== "multiboot1") return video;

  const room = new Room(map);
  const placement =
    flags & HEADER.addresses
      ? placeByAddresses(image, view, header, room, findings)
      : placeByProgramHeaders(image, header, room, findings);
  if (isFinding(placement)) return placement;
  const notes = video === null ? placement.notes : [...placement.notes, video];
  const text = (flags & HEADER.video) !== 0 && video === null;
  return assemble(image, placement, room, map, findings, { floor, notes, text });
}

/** A finding if the header asks for a graphics mode. */
function videoMode(
  image: BootImage,
  view: DataView,
  header: number,
  flags: number,
  findings: Findings,
): Finding | null {
  if ((flags & HEADER.video) === 0 || view.getUint32(header + 32, true) === 1) return null;
  const [width, height, depth] = [36, 40, 44].map((offset) => view.getUint32(header + offset, true));
  return findings.make(
    "video-mode",
    header + 32,
    `the header asks for a linear graphics mode (${width}×${height}×${depth}, 0 meaning no preference); only the 80×25 text mode exists yet`,
    `set mode_type to 1 (text) or clear flag bit 2; or choose the loader "multiboot1" to boot ${image.kernelName} without a mode, as QEMU does`,
  );
}

function placeByProgramHeaders(
  image: BootImage,
  header: number,
  room: Room,
  findings: Findings,
): Placement | Finding {
  if (!isElf(image.kernel))
    return findings.make(
      "file-format",
      0,
      `the file is not ELF, and the Multiboot header at ${hex(header)} does not say where to load it (flag bit 16 is clear)`,
      "link an ELF file, or set bit 16 and fill in header_addr, load_addr, load_end_addr, bss_end_addr and entry_addr",
    );
  const elf = readElf(image.kernel, findings);
  if (isFinding(elf)) return elf;
  return (
    checkLinked(elf, findings) ??
    checkSegments(elf, image.kernel, findings) ??
    placeElf(elf, image.kernel, room, findings)
  );
}

/** The "a.out kludge": the header itself says what to load where (section 3.1.3). */
function placeByAddresses(
  image: BootImage,
  view: DataView,
  header: number,
  room: Room,
  findings: Findings,
): Placement | Finding {
  const field = (n: number): number => view.getUint32(header + 12 + n * 4, true);
  const fields = { header: field(0), load: field(1), loadEnd: field(2), bssEnd: field(3), entry: field(4) };
  return placeFlat(image, header, header + 12, fields, room, findings);
}

interface Extras {
  readonly floor: number;
  readonly notes: readonly Finding[];
  /** The header asked for text mode: describe it (flag bit 12). */
  readonly text: boolean;
}

function assemble(
  image: BootImage,
  placement: Placement,
  room: Room,
  map: readonly MapEntry[],
  findings: Findings,
  extras: Extras,
): BootPlan | Finding {
  const full = (what: string): Finding => noRoom(findings, room, what);
  const mapBytes = writeMap(map);
  const lowBytes = INFORMATION_ADDRESS - MAP_ADDRESS + INFORMATION_BYTES;
  const low = room.isFree(MAP_ADDRESS, lowBytes) ? MAP_ADDRESS : room.find(lowBytes, 0x1000);
  if (low === null) return full("the boot information");
  room.take({ start: low, length: lowBytes });
  const information = low + (INFORMATION_ADDRESS - MAP_ADDRESS);

  // Module table, modules' strings, command line, loader name: one block, then the modules.
  const commandLine = `${image.kernelName} ${image.append}`;
  const strings = new Writer();
  const moduleStrings = image.modules.map((module) => {
    const at = strings.length;
    strings.text(module.cmdline);
    return at;
  });
  const commandLineAt = strings.length;
  strings.text(commandLine);
  const loaderNameAt = strings.length;
  strings.text(LOADER_NAME);
  const tableBytes = image.modules.length * 16;
  const start = Math.max(placement.end, extras.floor);
  const table = room.find(tableBytes + strings.length, 0x1000, start);
  if (table === null) return full("the module table and command lines");
  const modules = placeModules(image.modules, room, start);
  if (typeof modules === "string") return full(modules);

  const block = new Writer();
  for (const [n, { start: moduleStart, length }] of modules.placed.entries())
    block
      .u32(moduleStart)
      .u32(moduleStart + length)
      .u32(table + tableBytes + moduleStrings[n]!)
      .u32(0);
  block.raw(strings.result());

  const { lower, upper } = basicMemory(map);
  const flags = INFO.memory | INFO.bootDevice | INFO.commandLine | INFO.modules | INFO.map | INFO.loaderName;
  const info = new Writer()
    .u32(extras.text ? flags | INFO.framebuffer : flags)
    .u32(lower)
    .u32(upper)
    .u32(BOOT_DEVICE)
    .u32(table + tableBytes + commandLineAt)
    .u32(modules.placed.length)
    .u32(table)
    .seek(44)
    .u32(mapBytes.length)
    .u32(low)
    .seek(64)
    .u32(table + tableBytes + loaderNameAt)
    .seek(88);
  if (extras.text) info.u64(0xb8000).u32(160).u32(80).u32(25).u8(16).u8(2);
  info.seek(INFORMATION_BYTES);
  const placed: Placed[] = [
    ...placement.placed,
    { start: low, length: mapBytes.length, bytes: mapBytes, what: "Multiboot memory map" },
    { start: information, length: info.length, bytes: info.result(), what: "Multiboot information" },
    { start: table, length: block.length, bytes: block.result(), what: "Multiboot module table and strings" },
    ...modules.placed,
  ];
  return {
    kind: "plan",
    loader: "multiboot1",
    entry: placement.entry,
    state: multibootEntry(placement.entry, MAGIC, information),
    information,
    commandLine,
    placed,
    images: [kernelImage(image, placement, 0n), ...modules.images],
    notes: extras.notes,
  };
}

/** Entries as E820 has them, each behind its size (which does not count itself): 24 bytes (section 3.3). */
function writeMap(map: readonly MapEntry[]): Uint8Array {
  const writer = new Writer();
  for (const entry of map) writer.u32(20).u64(entry.start).u64(entry.length).u32(entry.type);
  return writer.result();
}
