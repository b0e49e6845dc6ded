/**
 * Multiboot 2 (specification 2.0): the header's tags, where the image goes, and the information structure.
 *
 * The i386 machine state only: EFI entry points are passed over, as on a PC that was not started through EFI. Information that this machine does
 * not have (EFI, APM, VBE, network) is left out; a kernel that insists on it boots with a note, as the specification lets a loader leave out
 * what does not exist. All sections of an ELF file are loaded, those that are not part of a segment behind the modules.
 */
import { checkLinked, isElf, readElf, viewOf, type ElfFile } from "./elf.ts";
import { multibootEntry } from "./entry.ts";
import { Findings, hex, isFinding, type Finding } from "./finding.ts";
import { placeFlat, type AddressFields } from "./flat.ts";
import { findHeader, MULTIBOOT2 } from "./header.ts";
import type { BootImage, BootPlan, Placed, Platform } from "./image.ts";
import { FOUR_GIB, Room, type MapEntry } from "./memory-map.ts";
import { writeInformation } from "./multiboot2-information.ts";
import { checkSegments, kernelImage, noRoom, placeElf, placeModules, type Placement } from "./placement.ts";
import { loadSections } from "./sections.ts";

/** What EAX holds at the entry. */
export const MAGIC = 0x36d76289;

const TAG = {
  end: 0, informationRequest: 1, address: 2, entryAddress: 3, console: 4, framebuffer: 5, moduleAlignment: 6, efiBootServices: 7,
  efiEntry32: 8, efiEntry64: 9, relocatable: 10,
} as const; // oxfmt-ignore
/** Bytes of each tag's fixed part. */
const TAG_BYTES: { readonly [type: number]: number } = {
  [TAG.informationRequest]: 8, [TAG.address]: 24, [TAG.entryAddress]: 12, [TAG.console]: 12, [TAG.framebuffer]: 20, [TAG.moduleAlignment]: 8,
  [TAG.efiBootServices]: 8, [TAG.efiEntry32]: 12, [TAG.efiEntry64]: 12, [TAG.relocatable]: 24,
}; // oxfmt-ignore
/** Kinds of information that the specification defines and this machine does not have. */
const ABSENT: { readonly [type: number]: string } = {
  5: "a BIOS boot device", 7: "VBE", 10: "APM", 11: "EFI (32-bit)", 12: "EFI (64-bit)", 14: "ACPI 1.0", 15: "ACPI 2.0", 16: "network",
  17: "an EFI memory map", 18: "EFI boot services", 19: "an EFI image handle", 20: "an EFI image handle",
}; // oxfmt-ignore
/** There unless the machine has no ACPI. */
const ACPI: readonly number[] = [14, 15];
const LAST_INFORMATION = 21;

interface Header {
  readonly kind: "header";
  readonly offset: number;
  readonly address: { readonly at: number; readonly fields: Omit<AddressFields, "entry"> } | null;
  readonly entry: { readonly at: number; readonly address: number } | null;
  readonly relocatable: Relocatable | null;
  readonly notes: readonly Finding[];
}

interface Relocatable {
  readonly at: number;
  readonly min: number;
  readonly max: number;
  readonly alignment: number;
  /** 0 none, 1 lowest, 2 highest address possible. */
  readonly preference: number;
}

export function planMultiboot2(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
): BootPlan | Finding {
  const findings = new Findings("multiboot2", image.kernelName);
  const offset = findHeader(image.kernel, MULTIBOOT2, findings);
  if (typeof offset !== "number") return offset;
  const header = readHeader(image, offset, platform, findings);
  if (isFinding(header)) return header;

  const room = new Room(map);
  let elf: ElfFile | null = null;
  let shift = 0;
  let placement: Placement | Finding;
  if (header.address !== null) placement = placeByAddressTag(image, header, header.address, room, findings);
  else {
    if (!isElf(image.kernel))
      return findings.make(
        "file-format",
        0,
        `the file is not ELF, and the Multiboot 2 header at ${hex(offset)} has no address tag to say where to load it`,
        "link an ELF file, or add an address tag (type 2) and an entry address tag (type 3)",
      );
    const read = readElf(image.kernel, findings);
    if (isFinding(read)) return read;
    elf = read;
    const checked = checkSegments(elf, image.kernel, findings);
    if (checked !== null) return checked;
    const moved = relocate(elf, header.relocatable, room, findings);
    if (typeof moved !== "number") return moved;
    shift = moved;
    placement = placeElf(elf, image.kernel, room, findings, shift);
  }
  if (isFinding(placement)) return placement;
  if (header.entry !== null && elf !== null) {
    const entry = header.entry.address + shift;
    const inside = placement.segments.some(
      (segment) => entry >= segment.physicalAddress && entry < segment.physicalAddress + segment.memoryBytes,
    );
    if (!inside)
      return findings.make(
        "entry-outside",
        header.entry.at,
        `the entry address tag says ${hex(entry)}, which lies in no loaded segment`,
        "give the physical address of the first 32-bit instruction",
      );
    placement = { ...placement, entry };
  }
  const notes = [...header.notes, ...placement.notes];
  return assemble(
    image,
    elf,
    header.relocatable === null ? null : shift,
    { ...placement, notes },
    room,
    map,
    findings,
    platform,
  );
}

function readHeader(
  image: BootImage,
  offset: number,
  platform: Platform,
  findings: Findings,
): Header | Finding {
  const view = viewOf(image.kernel);
  const architecture = view.getUint32(offset + 4, true);
  if (architecture !== 0)
    return findings.make(
      "header-architecture",
      offset + 4,
      `the Multiboot 2 header is for architecture ${architecture}${architecture === 4 ? " (MIPS)" : ""}`,
      "write architecture 0: 32-bit protected mode of i386",
    );
  const end = offset + view.getUint32(offset + 8, true);
  const limit = Math.min(MULTIBOOT2.window, image.kernel.length);
  if (end > limit || end < offset + 16)
    return findings.make(
      "header-position",
      offset + 8,
      `the Multiboot 2 header at ${hex(offset)} has length ${hex(end - offset)} and must end at ${hex(limit)} or before`,
      "set header_length to the size of the header with all its tags, in the first 32 KiB of the file",
    );
  let header: Header = { kind: "header", offset, address: null, entry: null, relocatable: null, notes: [] };
  for (let at = offset + 16; ;) {
    if (at + 8 > end)
      return findings.make(
        "header-tag",
        at,
        `the header's tags run past its end at ${hex(end)}`,
        "end the tags with one of type 0 and size 8, and count it in header_length",
      );
    const type = view.getUint16(at, true);
    const optional = (view.getUint16(at + 2, true) & 1) !== 0;
    const bytes = view.getUint32(at + 4, true);
    if (type === TAG.end && bytes === 8) return header;
    if (bytes < (TAG_BYTES[type] ?? 8) || at + bytes > end)
      return findings.make(
        "header-tag",
        at + 4,
        `the tag of type ${type} at ${hex(at)} has size ${bytes}; ${at + bytes > end ? `the header ends at ${hex(end)}` : `it needs ${TAG_BYTES[type] ?? 8}`}`,
        "write the tag's size with its 8-byte head, and start each tag on a multiple of 8 (.balign 8)",
      );
    const next = readTag(image, view, header, { type, at, bytes, optional }, platform, findings);
    if (isFinding(next)) return next;
    header = next;
    at += Math.ceil(bytes / 8) * 8;
  }
}

interface Tag {
  readonly type: number;
  readonly at: number;
  readonly bytes: number;
  readonly optional: boolean;
}

function readTag(
  image: BootImage,
  view: DataView,
  header: Header,
  tag: Tag,
  platform: Platform,
  findings: Findings,
): Header | Finding {
  const { type, at, bytes, optional } = tag;
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const note = (finding: Finding): Header => ({ ...header, notes: [...header.notes, finding] });
  switch (type) {
    case TAG.informationRequest: {
      let noted = header;
      for (let word = 8; word + 4 <= bytes; word += 4) {
        const wanted = u32(word);
        const absent = platform.rsdp !== null && ACPI.includes(wanted) ? undefined : ABSENT[wanted];
        if (absent === undefined && wanted <= LAST_INFORMATION) continue;
        const finding = findings.make(
          "information-request",
          at + word,
          absent === undefined
            ? `the header requests information of type ${wanted}, which Multiboot 2 does not define`
            : `the header requests ${absent} information (type ${wanted}), which this machine does not have`,
          "mark the request optional (flags bit 0), or remove the type",
        );
        if (optional) continue;
        if (absent === undefined) return finding;
        noted = { ...noted, notes: [...noted.notes, finding] };
      }
      return noted;
    }
    case TAG.address:
      return {
        ...header,
        address: { at: at + 8, fields: { header: u32(8), load: u32(12), loadEnd: u32(16), bssEnd: u32(20) } },
      };
    case TAG.entryAddress:
      return { ...header, entry: { at: at + 8, address: u32(8) } };
    case TAG.framebuffer: {
      const depth = u32(16);
      if (depth === 0) return header;
      const finding = findings.make(
        "video-mode",
        at,
        `the framebuffer tag asks for a graphics mode (${u32(8)}×${u32(12)}×${depth}); only the 80×25 text mode exists yet`,
        `mark the tag optional (flags bit 0); or choose the loader "multiboot2" to boot ${image.kernelName} in text mode`,
      );
      return optional || image.loader === "multiboot2" ? note(finding) : finding;
    }
    case TAG.relocatable: {
      const relocatable = {
        at,
        min: u32(8),
        max: u32(12),
        alignment: Math.max(u32(16), 1),
        preference: u32(20),
      };
      return { ...header, relocatable };
    }
    // Text is the console there is, modules are always page-aligned, and nothing here was started through EFI.
    case TAG.console:
    case TAG.moduleAlignment:
    case TAG.efiBootServices:
    case TAG.efiEntry32:
    case TAG.efiEntry64:
      return header;
    default: {
      if (optional) return header;
      return findings.make(
        "header-tag",
        at,
        `the header has a required tag of type ${type}, which Multiboot 2 does not define for i386`,
        "remove the tag or mark it optional (flags bit 0)",
      );
    }
  }
}

function placeByAddressTag(
  image: BootImage,
  header: Header,
  { at, fields }: NonNullable<Header["address"]>,
  room: Room,
  findings: Findings,
): Placement | Finding {
  if (header.entry === null)
    return findings.make(
      "address-fields",
      at,
      "the header has an address tag and no entry address tag",
      "add an entry address tag (type 3) with the physical address of the first 32-bit instruction",
    );
  // load_addr −1: the file is loaded from its beginning.
  const load = fields.load === 0xffffffff ? fields.header - header.offset : fields.load;
  return placeFlat(
    image,
    header.offset,
    at,
    { ...fields, load, entry: header.entry.address },
    room,
    findings,
  );
}

/** How far the image moves from where it was linked. */
function relocate(elf: ElfFile, wish: Relocatable | null, room: Room, findings: Findings): number | Finding {
  const segments = elf.segments.filter((segment) => segment.memoryBytes > 0);
  const start = Math.min(...segments.map((segment) => segment.physicalAddress));
  const end = Math.max(...segments.map((segment) => segment.physicalAddress + segment.memoryBytes));
  if (wish === null) return checkLinked(elf, findings) ?? 0;
  const max = Math.min(wish.max, FOUR_GIB);
  const asLinked = start >= Math.max(wish.min, 1) && end <= max && start % wish.alignment === 0;
  if (wish.preference === 0 && asLinked && room.isFree(start, end - start)) return 0;
  // A search of its own, so that the room found stays free for the segments.
  const found = new Room(room.usable.map((range) => ({ ...range, type: 1 as const }))).find(
    end - start,
    wish.alignment,
    Math.max(wish.min, 1),
    max,
    wish.preference === 2,
  );
  if (found !== null) return found - start;
  return findings.make(
    "relocation",
    wish.at,
    `the image needs ${hex(end - start)} bytes between ${hex(wish.min)} and ${hex(wish.max)}, ${hex(wish.alignment)}-aligned; usable RAM is at ${room.describe()}`,
    "widen the relocatable tag's range, or give the machine more memory (-m)",
  );
}

const INFORMATION_ADDRESS = 0x9500;

function assemble(
  image: BootImage,
  elf: ElfFile | null,
  /** How far a kernel with a relocatable tag was moved; null for any other. */
  shift: number | null,
  placement: Placement,
  room: Room,
  map: readonly MapEntry[],
  findings: Findings,
  platform: Platform,
): BootPlan | Finding {
  const modules = placeModules(image.modules, room, placement.end);
  if (typeof modules === "string") return noRoom(findings, room, modules);
  const sections = elf === null ? null : loadSections(elf, image.kernel, shift ?? 0, room, placement.end);
  const commandLine = `${image.kernelName} ${image.append}`;
  const bytes = writeInformation({
    rsdp: platform.rsdp?.bytes ?? null,
    commandLine,
    modules: modules.placed.map((range, n) => ({ ...range, cmdline: image.modules[n]?.cmdline ?? "" })),
    map,
    sections,
    loadBase: shift === null ? null : Math.min(...placement.placed.map((range) => range.start)),
  });
  // As low as QEMU's Multiboot 1 information if the kernel leaves that free.
  const information = room.find(bytes.length, 8, INFORMATION_ADDRESS) ?? room.find(bytes.length, 8);
  if (information === null) return noRoom(findings, room, "the boot information");
  const placed: Placed[] = [
    ...placement.placed,
    ...modules.placed,
    ...(sections?.placed ?? []),
    { start: information, length: bytes.length, bytes, what: "Multiboot 2 information" },
  ];
  return {
    kind: "plan",
    loader: "multiboot2",
    entry: placement.entry,
    state: multibootEntry(placement.entry, MAGIC, information),
    information,
    commandLine,
    placed,
    images: [kernelImage(image, placement, BigInt(shift ?? 0)), ...modules.images],
    notes: [...placement.notes],
  };
}
