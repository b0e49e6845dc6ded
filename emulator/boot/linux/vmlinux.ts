/**
 * vmlinux, the kernel as it is linked, without a decompressor: entered in long mode at startup_64 with boot_params of our own, as a 64-bit bzImage enters
 * it once it has unpacked it. Nothing relocates the kernel then (no KASLR).
 *
 * Elsewhere: kernels with a PVH note, which `pvh.ts` starts; "auto" prefers that.
 */
import { checkLinked, isElf, readElf, type ElfFile } from "../elf.ts";
import { linuxEntry } from "../entry.ts";
import { Findings, isFinding, type Finding } from "../finding.ts";
import type { BootImage, BootPlan, Platform } from "../image.ts";
import { FOUR_GIB, Room, type MapEntry } from "../memory-map.ts";
import { readNotes } from "../notes.ts";
import { checkSegments, kernelImage, placeElf } from "../placement.ts";
import { BootParams } from "./boot-params.ts";
import {
  fillParams,
  fillPlatform,
  needsLongMode,
  placeIdentityMap,
  placeParams,
  surround,
} from "./surroundings.ts";

/** What a setup header would say: protocol 2.15, loaded high. */
const VERSION = 0x20f;
const HDRS = 0x53726448;
/** Linux's command line limit on x86 (COMMAND_LINE_SIZE less the zero). */
const COMMAND_LINE_MAX = 2047;
const BANNER = Uint8Array.from("Linux version ", (character) => character.charCodeAt(0));

export function planVmlinux(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
): BootPlan | Finding {
  const findings = new Findings("vmlinux", image.kernelName);
  const { kernel } = image;
  const missing = (text: string): Finding =>
    findings.make(
      "header-missing",
      isElf(kernel) ? 4 : null,
      text,
      "give the vmlinux of an x86-64 kernel build, or its bzImage",
    );
  if (!isElf(kernel)) return missing("the file is not ELF: it is no vmlinux");
  const elf = readElf(kernel, findings);
  if (isFinding(elf)) return elf;
  if (!isLinux(elf, kernel))
    return missing("the ELF file is not Linux: it has no note of that name and no \"Linux version\" text"); // oxfmt-ignore
  if (elf.bits !== 64) return missing("the ELF file is a 32-bit vmlinux, which has no 64-bit entry");
  if (platform.longMode === false) return needsLongMode(findings, 4);
  const checked = checkLinked(elf, findings) ?? checkSegments(elf, kernel, findings);
  if (checked !== null) return checked;
  const room = new Room(map);
  const placement = placeElf(elf, kernel, room, findings);
  if (isFinding(placement)) return placement;
  if (image.append.length > COMMAND_LINE_MAX)
    return findings.make("command-line", null, `the command line has ${image.append.length} characters, and Linux takes ${COMMAND_LINE_MAX}`, "shorten the command line"); // oxfmt-ignore

  const params = new BootParams()
    .set("hdr.boot_flag", 0xaa55)
    .set("hdr.header", HDRS)
    .set("hdr.version", VERSION)
    .set("hdr.loadflags", 1)
    .set("hdr.xloadflags", 1)
    .set("hdr.cmdline_size", COMMAND_LINE_MAX)
    .set("hdr.vid_mode", 0xffff);
  const placedParams = placeParams(params, room, findings);
  if (isFinding(placedParams)) return placedParams;
  const tables = placeIdentityMap(room, findings);
  if (isFinding(tables)) return tables;
  const around = surround(image, room, FOUR_GIB, findings);
  if (isFinding(around)) return around;
  fillPlatform(fillParams(params, around), map, platform);
  return {
    kind: "plan",
    loader: "vmlinux",
    entry: placement.entry,
    state: linuxEntry(placement.entry, placedParams.start, tables.start),
    information: placedParams.start,
    commandLine: image.append,
    placed: [
      ...placement.placed,
      placedParams,
      tables,
      around.commandLine,
      ...(around.initrd === null ? [] : [around.initrd]),
    ],
    images: [kernelImage(image, placement, 0n), ...around.images],
    notes: placement.notes,
  };
}

/** Linux leaves notes under its name since 4.19; before that only its banner tells. */
function isLinux(elf: ElfFile, bytes: Uint8Array): boolean {
  if (readNotes(elf, bytes).some(({ name }) => name === "Linux")) return true;
  return elf.segments.some(({ offset, fileBytes }) =>
    contains(bytes.subarray(offset, offset + fileBytes), BANNER),
  );
}

function contains(bytes: Uint8Array, text: Uint8Array): boolean {
  const first = text[0]!;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1))
    if (text.every((byte, n) => bytes[at + n] === byte)) return true;
  return false;
}
