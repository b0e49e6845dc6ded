/**
 * PVH (Xen, docs/misc/pvh.pandoc and xen/include/public/arch-x86/hvm/start_info.h): an ELF file whose note XEN_ELFNOTE_PHYS32_ENTRY names a 32-bit entry,
 * which gets one structure with memory map, modules, command line and RSDP.
 *
 *     start info, 56 bytes: magic u32, version u32, flags u32, modules u32, module list u64, command line u64, RSDP u64, map u64, map entries u32, 0 u32
 *     module: address u64, size u64, command line u64, 0 u64          map entry: address u64, size u64, type u32 as in E820, 0 u32
 */
import { checkLinked, isElf, readElf, viewOf, type ElfFile } from "./elf.ts";
import { pvhEntry } from "./entry.ts";
import { Findings, hex, isFinding, type Finding } from "./finding.ts";
import type { BootImage, BootPlan, Placed, Platform } from "./image.ts";
import { Room, type MapEntry } from "./memory-map.ts";
import { readNotes } from "./notes.ts";
import { checkSegments, kernelImage, noRoom, placeModules, placeSegments } from "./placement.ts";
import { Writer } from "./writer.ts";

const XEN_ELFNOTE_PHYS32_ENTRY = 18;
const MAGIC = 0x336ec578;
const START_INFO_BYTES = 56;
const INFORMATION_ADDRESS = 0x9500;

export function planPvh(image: BootImage, map: readonly MapEntry[], platform: Platform): BootPlan | Finding {
  const findings = new Findings("pvh", image.kernelName);
  const missing = (text: string): Finding =>
    findings.make(
      "header-missing",
      null,
      text,
      "add a note of type 18 named Xen with the physical address of the 32-bit entry, in a PT_NOTE segment",
    );
  if (!isElf(image.kernel)) return missing("the file is not ELF: there is no PVH entry note");
  const elf = readElf(image.kernel, findings);
  if (isFinding(elf)) return elf;
  const entry = findEntry(elf, image.kernel, findings);
  if (entry === null)
    return (
      looseNote(image.kernel, findings) ??
      missing("the ELF file has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)")
    );
  if (isFinding(entry)) return entry;
  const checked = checkLinked(elf, findings) ?? checkSegments(elf, image.kernel, findings);
  if (checked !== null) return checked;
  const room = new Room(map);
  const segments = placeSegments(elf, image.kernel, room, findings);
  if (isFinding(segments)) return segments;
  const inside = segments.segments.some(
    ({ physicalAddress, memoryBytes }) =>
      entry.address >= physicalAddress && entry.address < physicalAddress + memoryBytes,
  );
  if (!inside)
    return findings.make(
      "entry-outside",
      entry.offset,
      `the PVH note names the entry ${hex(entry.address)}, which lies in no loaded segment`,
      "give the physical address of the first 32-bit instruction",
    );

  const modules = placeModules(image.modules, room, segments.end);
  if (typeof modules === "string") return noRoom(findings, room, modules);
  const information = placeInformation(image, map, platform, modules.placed, room);
  if (information === null) return noRoom(findings, room, "the PVH start info");
  const placement = { ...segments, entry: entry.address };
  return {
    kind: "plan",
    loader: "pvh",
    entry: entry.address,
    state: pvhEntry(entry.address, information.start),
    information: information.start,
    commandLine: image.append,
    placed: [...segments.placed, information, ...modules.placed],
    images: [kernelImage(image, placement, 0n), ...modules.images],
    notes: segments.notes,
  };
}

/** The entry that a PVH note names, with the note's file offset; null if there is no such note. */
function findEntry(
  elf: ElfFile,
  bytes: Uint8Array,
  findings: Findings,
): { readonly address: number; readonly offset: number } | Finding | null {
  const note = readNotes(elf, bytes).find(
    ({ name, type }) => name === "Xen" && type === XEN_ELFNOTE_PHYS32_ENTRY,
  );
  if (note === undefined) return null;
  const { descriptorOffset, descriptorBytes, offset } = note;
  if (descriptorBytes !== 4 && descriptorBytes !== 8)
    return findings.make("pvh-note", offset + 4, `the PVH note's descriptor has ${descriptorBytes} bytes; 4 or 8 hold an address`, "write the entry as one .long or .quad"); // oxfmt-ignore
  const view = viewOf(bytes);
  const high = descriptorBytes === 8 ? view.getUint32(descriptorOffset + 4, true) : 0;
  if (high !== 0)
    return findings.make("pvh-note", descriptorOffset, `the PVH note names the entry ${hex(view.getBigUint64(descriptorOffset, true))}, and the entry is 32-bit code without paging`, "give the physical address of the entry, below 4 GiB: symbol - KERNEL_BASE"); // oxfmt-ignore
  return { address: view.getUint32(descriptorOffset, true), offset: descriptorOffset };
}

/** As much of a file as is searched for a note that no segment holds. */
const SEARCH_BYTES = 0x4000000;

/** A note that is in the file but in no PT_NOTE segment, where a loader looks. */
function looseNote(file: Uint8Array, findings: Findings): Finding | null {
  const bytes = file.subarray(0, SEARCH_BYTES);
  const starts = (at: number, ...values: readonly number[]): boolean =>
    values.every((value, n) => bytes[at + n] === value);
  for (let x = bytes.indexOf(0x58, 12); x >= 0; x = bytes.indexOf(0x58, x + 1)) {
    const size = bytes[x - 8];
    if (!starts(x, 0x58, 0x65, 0x6e, 0) || !starts(x - 12, 4, 0, 0, 0) || (size !== 4 && size !== 8))
      continue;
    if (!starts(x - 7, 0, 0, 0, XEN_ELFNOTE_PHYS32_ENTRY, 0, 0, 0)) continue;
    return findings.make(
      "pvh-note",
      x - 12,
      `there is a PVH entry note at ${hex(x - 12)}, but in no PT_NOTE segment, where a boot loader looks for it`,
      'declare its section as a note (.section .note.Xen, "a", @note), keep it, and give it a PT_NOTE header if the linker script has PHDRS',
    );
  }
  return null;
}

/** Start info, map, module list and strings in one block. */
function placeInformation(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
  modules: readonly Placed[],
  room: Room,
): Placed | null {
  const mapAt = START_INFO_BYTES;
  const modulesAt = mapAt + map.length * 24;
  const stringsAt = modulesAt + modules.length * 32;
  const strings = new Writer().text(image.append);
  const moduleStrings = image.modules.map(({ cmdline }) => {
    const at = strings.length;
    strings.text(cmdline);
    return at;
  });
  const length = stringsAt + strings.length;
  const start = room.find(length, 8, INFORMATION_ADDRESS) ?? room.find(length, 8);
  if (start === null) return null;
  const writer = new Writer()
    .u32(MAGIC)
    .u32(1)
    .u32(0)
    .u32(modules.length)
    .u64(modules.length === 0 ? 0 : start + modulesAt)
    .u64(start + stringsAt)
    .u64(platform.rsdp?.address ?? 0)
    .u64(start + mapAt)
    .u32(map.length)
    .u32(0);
  for (const entry of map) writer.u64(entry.start).u64(entry.length).u32(entry.type).u32(0);
  for (const [n, module] of modules.entries())
    writer
      .u64(module.start)
      .u64(module.length)
      .u64(start + stringsAt + moduleStrings[n]!)
      .u64(0);
  writer.raw(strings.result());
  return { start, length, bytes: writer.result(), what: "PVH start info" };
}
