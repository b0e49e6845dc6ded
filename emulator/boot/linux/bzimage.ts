/**
 * Linux bzImage (Documentation/arch/x86/boot.rst) through each of its three entries: "linux" in long mode at the load address + 200h, "linux32" in
 * protected mode at the load address, "linux16" in real mode at the setup code, which asks the BIOS for everything itself.
 *
 * A kernel that can be relocated is loaded at its preferred address, where it need not move itself; any other at 1 MiB, as QEMU does with all.
 */
import { linuxEntry, linuxRealModeEntry } from "../entry.ts";
import { Findings, hex, isFinding, type Finding } from "../finding.ts";
import type { BootImage, BootPlan, LoadedImage, LoaderName, Placed, Platform } from "../image.ts";
import { FOUR_GIB, HIGH_MEMORY, Room, type MapEntry } from "../memory-map.ts";
import { BootParams, HEADER_OFFSET, offsetOf } from "./boot-params.ts";
import { LOADFLAGS, readSetupHeader, type SetupHeader } from "./setup-header.ts";
import {
  fillParams,
  fillPlatform,
  needsLongMode,
  LOW_ADDRESS,
  placeIdentityMap,
  placeParams,
  surround,
} from "./surroundings.ts";

const ENTRY_64 = 0x200;

export function planLinux(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
): BootPlan | Finding {
  return planProtected(image, map, platform, "linux", 64);
}

export function planLinux32(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
): BootPlan | Finding {
  return planProtected(image, map, platform, "linux32", 32);
}

function planProtected(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
  loader: LoaderName,
  bits: 32 | 64,
): BootPlan | Finding {
  const findings = new Findings(loader, image.kernelName);
  const header = readSetupHeader(image, bits, findings);
  if (isFinding(header)) return header;
  // Its 32-bit entry, too, goes on to 64-bit code; only the setup code ("linux16") says what is missing.
  if (platform.longMode === false && header.is64Bit)
    return needsLongMode(findings, offsetOf("hdr.xloadflags"));
  const room = new Room(map);
  const kernel = placeKernel(header, room, findings);
  if (isFinding(kernel)) return kernel;
  const params = new BootParams();
  params.bytes.set(header.bytes, HEADER_OFFSET);
  const placedParams = placeParams(params, room, findings);
  if (isFinding(placedParams)) return placedParams;
  const tables = bits === 64 ? placeIdentityMap(room, findings) : null;
  if (tables !== null && isFinding(tables)) return tables;
  const around = surround(image, room, header.initrdEnd, findings);
  if (isFinding(around)) return around;
  fillPlatform(fillParams(params, around), map, platform);
  params.set("hdr.code32_start", kernel.start);

  const entry = kernel.start + (bits === 64 ? ENTRY_64 : 0);
  return {
    kind: "plan",
    loader,
    entry,
    state: linuxEntry(entry, placedParams.start, tables?.start ?? 0),
    information: placedParams.start,
    commandLine: image.append,
    placed: [
      kernel,
      placedParams,
      ...(tables === null ? [] : [tables]),
      around.commandLine,
      ...(around.initrd === null ? [] : [around.initrd]),
    ],
    images: [kernelImage(image, header, kernel), ...around.images],
    notes: videoNote(image, findings),
  };
}

/**
 * The real-mode way, laid out as QEMU does: setup code at 0x10000 with its heap up to the command line's end of the segment. Kernels of protocol 2.01 and
 * older want it at 0x90000, and find the command line through the two words that boot loaders before 2.02 wrote.
 */
export function planLinux16(image: BootImage, map: readonly MapEntry[]): BootPlan | Finding {
  const findings = new Findings("linux16", image.kernelName);
  const header = readSetupHeader(image, 16, findings);
  if (isFinding(header)) return header;
  const old = header.version < 0x202;
  const base = old || !header.loadedHigh ? 0x90000 : LOW_ADDRESS;
  const room = new Room(map);
  // The segment's last KiB is for the stack; below it ends the heap.
  const segmentBytes = base === LOW_ADDRESS ? 0x10000 : 0x9000;
  const setup = image.kernel.slice(0, header.setupBytes);
  if (setup.length > segmentBytes - 0x2000 || !room.isFree(base, segmentBytes))
    return findings.make("memory", offsetOf("hdr.setup_sects"), `there is no room for ${hex(setup.length)} bytes of setup code at ${hex(base)}; usable RAM is at ${room.describe()}`, "give the machine more memory (-m), or choose the loader \"linux\" or \"linux32\""); // oxfmt-ignore
  room.take({ start: base, length: segmentBytes });
  const kernel = header.loadedHigh ? placeHigh(header, room, findings) : placeLow(header, room, findings);
  if (isFinding(kernel)) return kernel;
  // Old setup code looks for its command line in its own segment.
  const around = surround(image, room, header.initrdEnd, findings, old ? base + segmentBytes : undefined);
  if (isFinding(around)) return around;

  const stack = segmentBytes - 0x10;
  const params = fillParams(new BootParams(setup), around);
  if (header.version >= 0x201)
    params
      .set("hdr.loadflags", params.get("hdr.loadflags") | LOADFLAGS.canUseHeap)
      .set("hdr.heap_end_ptr", stack - 0x400 - 0x200);
  if (header.loadedHigh) params.set("hdr.code32_start", kernel.start);
  if (old)
    params
      .set("screen_info.cl_magic", 0xa33f)
      .set("screen_info.cl_offset", around.commandLine.start - base)
      .set("hdr.setup_move_size", setup.length);
  const mode = videoMode(image.append);
  if (mode !== null) params.set("hdr.vid_mode", mode);
  return {
    kind: "plan",
    loader: "linux16",
    entry: base + 0x200,
    state: linuxRealModeEntry(base / 16, stack),
    information: base,
    commandLine: image.append,
    placed: [
      { start: base, length: setup.length, bytes: setup, what: "Linux setup code" },
      kernel,
      around.commandLine,
      ...(around.initrd === null ? [] : [around.initrd]),
    ],
    images: [kernelImage(image, header, kernel), ...around.images],
    notes: [],
  };
}

/** At the preferred address if the kernel can be relocated, else above it; one that cannot at 1 MiB. */
function placeKernel(header: SetupHeader, room: Room, findings: Findings): Placed | Finding {
  const { relocatable, start, alignment, length } = header.run;
  if (!relocatable) return placeHigh(header, room, findings);
  const at = room.find(length, alignment, Math.max(start, HIGH_MEMORY), FOUR_GIB);
  if (at === null) return noRunRoom(header, room, findings);
  return { start: at, length: header.code.length, bytes: header.code, what: "Linux kernel" };
}

/** At 1 MiB; the kernel will move to where it runs, which is kept free, too. */
function placeHigh(header: SetupHeader, room: Room, findings: Findings): Placed | Finding {
  const { code, run } = header;
  const end = HIGH_MEMORY + code.length;
  if (!room.isUsable(HIGH_MEMORY, code.length) || !room.isUsable(run.start, run.length))
    return noRunRoom(header, room, findings);
  room.take({ start: HIGH_MEMORY, length: Math.max(end, run.start + run.length) - HIGH_MEMORY });
  return { start: HIGH_MEMORY, length: code.length, bytes: code, what: "Linux kernel" };
}

/** A zImage: at 0x10000, from where its setup code moves it down. */
function placeLow(header: SetupHeader, room: Room, findings: Findings): Placed | Finding {
  const { code } = header;
  if (!room.isFree(LOW_ADDRESS, code.length)) return noRunRoom(header, room, findings);
  room.take({ start: LOW_ADDRESS, length: code.length });
  room.take({ start: HIGH_MEMORY, length: header.run.length });
  return { start: LOW_ADDRESS, length: code.length, bytes: code, what: "Linux kernel" };
}

function noRunRoom({ run, version }: SetupHeader, room: Room, findings: Findings): Finding {
  const megabytes = Math.ceil((run.start + run.length) / 0x100000) + 1;
  return findings.make(
    "memory",
    version >= 0x20a ? offsetOf("hdr.init_size") : offsetOf("hdr.syssize"),
    `the kernel needs ${hex(run.length)} bytes of memory from ${hex(run.start)} on; usable RAM is at ${room.describe()}`,
    `give the machine more memory (-m ${megabytes}M or more)`,
  );
}

/** "vga=" is for the setup code, which only the real-mode entry runs. */
function videoMode(append: string): number | null {
  const value = /(?:^|\s)vga=(\S+)/.exec(append)?.[1];
  if (value === undefined) return null;
  if (value === "normal") return 0xffff;
  if (value === "ext") return 0xfffe;
  if (value === "ask") return 0xfffd;
  const mode = Number(value);
  return Number.isInteger(mode) && mode >= 0 && mode <= 0xffff ? mode : null;
}

function videoNote(image: BootImage, findings: Findings): readonly Finding[] {
  const mode = videoMode(image.append);
  if (mode === null || mode === 0xffff) return [];
  return [
    findings.make(
      "video-mode",
      null,
      "vga= is for the kernel's real-mode setup code, which this entry passes over",
      'choose the loader "linux16"',
    ),
  ];
}

/** The protected-mode code as the guest first runs it. Symbols of the kernel that it unpacks come from a vmlinux file. */
function kernelImage(image: BootImage, header: SetupHeader, kernel: Placed): LoadedImage {
  const length = header.code.length;
  return {
    name: image.kernelName,
    bytes: image.kernel,
    role: "kernel",
    loadBias: 0n,
    segments: [
      {
        virtualAddress: BigInt(kernel.start),
        physicalAddress: kernel.start,
        fileOffset: header.setupBytes,
        fileBytes: length,
        memoryBytes: length,
        executable: true,
      },
    ],
    module: null,
  };
}
