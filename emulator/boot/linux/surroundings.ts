/**
 * What a Linux kernel is given besides itself, whichever way it is started: initrd, command line, boot_params, and page tables for the 64-bit entry.
 *
 * Small things lie in low memory where QEMU's -kernel has them (setup code or boot_params at 0x10000, command line at 0x20000); the initrd as high as it may
 * be, so that it is out of the way of a kernel that unpacks itself.
 */
import { noRoom } from "../placement.ts";
import type { Finding, Findings } from "../finding.ts";
import {
  encodeText,
  type BootImage,
  type LoadedImage,
  type MemoryRange,
  type Placed,
  type Platform,
} from "../image.ts";
import { basicMemory, FOUR_GIB, type MapEntry, type Room } from "../memory-map.ts";
import { Writer } from "../writer.ts";
import { BOOT_PARAMS_BYTES, type BootParams } from "./boot-params.ts";

export const LOW_ADDRESS = 0x10000;
const COMMAND_LINE_ADDRESS = 0x20000;
const PAGE = 0x1000;
/** "Undefined" in the protocol's list: Redzone has no number. */
export const TYPE_OF_LOADER = 0xff;
/** VGA in text mode 3, as the platform is handed over. */
const TEXT_MODE = { mode: 3, columns: 80, rows: 25, points: 16, ega: 3, isVga: 1 } as const;

export interface Surroundings {
  readonly commandLine: Placed;
  readonly initrd: Placed | null;
  readonly images: readonly LoadedImage[];
}

/** Finds room for the command line, at or above `lowest` if there is any, and for the initrd, which ends at or below `initrdEnd`. */
export function surround(
  image: BootImage,
  room: Room,
  initrdEnd: number,
  findings: Findings,
  lowest = COMMAND_LINE_ADDRESS,
): Surroundings | Finding {
  const text = encodeText(image.append);
  const at = room.find(text.length, 16, lowest, 0xa0000) ?? room.find(text.length, 16);
  if (at === null) return noRoom(findings, room, "the command line");
  const commandLine = { start: at, length: text.length, bytes: text, what: "Linux command line" };
  if (image.modules.length === 0) return { commandLine, initrd: null, images: [] };
  const bytes = joined(image);
  const max = Math.min(initrdEnd, memoryLimit(image.append), FOUR_GIB);
  const start = room.find(bytes.length, PAGE, PAGE, max, true);
  if (start === null) return noRoom(findings, room, `the initrd (${bytes.length} bytes)`);
  const range: MemoryRange = { start, length: bytes.length };
  return {
    commandLine,
    initrd: { ...range, bytes, what: "initrd" },
    images: image.modules.map((module) => ({
      name: module.name,
      bytes: module.bytes,
      role: "module",
      loadBias: 0n,
      segments: [],
      module: range,
    })),
  };
}

/** Several initrds are one after the other in memory, each on a multiple of 4: the kernel unpacks them in turn. */
function joined({ modules }: BootImage): Uint8Array {
  const [first] = modules;
  if (modules.length === 1 && first !== undefined) return first.bytes;
  const writer = new Writer();
  for (const { bytes } of modules) writer.align(4).raw(bytes);
  return writer.result();
}

/** "mem=" is the one option besides "vga=" that the protocol wants a boot loader to understand: memory beyond it is not used. */
function memoryLimit(append: string): number {
  const value = /(?:^|\s)mem=(0x[0-9a-f]+|\d+)([kmgt]?)(?:\s|$)/i.exec(append);
  if (value === null) return Infinity;
  const shift = ["", "k", "m", "g", "t"].indexOf(value[2]!.toLowerCase()) * 10;
  return Number(value[1]) * 2 ** shift || Infinity;
}

/** Fills in what loaders must, and for entries behind the setup code what it would have asked the BIOS for. */
export function fillParams(params: BootParams, { commandLine, initrd }: Surroundings): BootParams {
  params.set("hdr.type_of_loader", TYPE_OF_LOADER).set("hdr.cmd_line_ptr", commandLine.start);
  if (initrd !== null)
    params.set("hdr.ramdisk_image", initrd.start).set("hdr.ramdisk_size", initrd.bytes.length);
  return params;
}

export function fillPlatform(params: BootParams, map: readonly MapEntry[], { rsdp }: Platform): void {
  const extended = basicMemory(map).upper;
  params
    .set("screen_info.orig_video_mode", TEXT_MODE.mode)
    .set("screen_info.orig_video_cols", TEXT_MODE.columns)
    .set("screen_info.orig_video_lines", TEXT_MODE.rows)
    .set("screen_info.orig_video_points", TEXT_MODE.points)
    .set("screen_info.orig_video_ega_bx", TEXT_MODE.ega)
    .set("screen_info.orig_video_isVGA", TEXT_MODE.isVga)
    .set("screen_info.ext_mem_k", Math.min(extended, 0xfc00))
    .set("alt_mem_k", Math.min(extended, 0xffffffff))
    .set("acpi_rsdp_addr", rsdp?.address ?? 0)
    .setMemoryMap(map);
}

/** @param offset in the file, of what says that the kernel is 64-bit */
export function needsLongMode(findings: Findings, offset: number): Finding {
  return findings.make(
    "processor",
    offset,
    "the kernel is 64-bit code, and the processor has no long mode (CPUID 80000001h EDX bit 29, lm)",
    "choose a 64-bit processor, such as -cpu qemu64, or leave -cpu away",
  );
}

/** Takes a page for boot_params. */
export function placeParams(params: BootParams, room: Room, findings: Findings): Placed | Finding {
  const start = room.find(BOOT_PARAMS_BYTES, PAGE, LOW_ADDRESS, 0xa0000);
  if (start === null) return noRoom(findings, room, "boot_params");
  return { start, length: BOOT_PARAMS_BYTES, bytes: params.bytes, what: "boot_params" };
}

/** Page tables that map the first 4 GiB to themselves with 2 MiB pages: one PML4, one PDPT, four page directories. */
export function placeIdentityMap(room: Room, findings: Findings): Placed | Finding {
  const length = 6 * PAGE;
  const start = room.find(length, PAGE, LOW_ADDRESS, 0xa0000) ?? room.find(length, PAGE);
  if (start === null) return noRoom(findings, room, "page tables");
  const bytes = new Uint8Array(length);
  const entries = new BigUint64Array(bytes.buffer);
  const table = (n: number): bigint => BigInt(start + n * PAGE) | 3n;
  entries[0] = table(1);
  for (let n = 0; n < 4; n++) entries[512 + n] = table(2 + n);
  // Present, writable, page size: 2 MiB.
  for (let n = 0; n < 4 * 512; n++) entries[1024 + n] = (BigInt(n) << 21n) | 0x83n;
  return { start, length, bytes, what: "identity page tables" };
}
