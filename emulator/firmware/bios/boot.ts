/**
 * Starting: what the processor finds at the reset vector, INT 19h (boot) and INT 18h (this one did not boot: the next).
 *
 * Candidates are tried in the order of `-boot order=`: c the hard disks, a the floppies, d the CDs; n (network) is named as not there. A disk needs its
 * signature, a CD an El Torito entry. If none boots, the screen and the log say what was tried, and the processor halts for good.
 */
import { BlockError } from "../../block/index.ts";
import { FLAG } from "../../cpu/core.ts";
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import { ticksOfClock } from "./clock.ts";
import type { BiosContext, Service } from "./context.ts";
import { BDA } from "./data-area.ts";
import { numberedDrives, type NumberedDrive, readBlocks } from "./drive.ts";
import { bootEntry, type Emulation, emulationOf } from "./el-torito.ts";
import { CODE } from "./rom.ts";
import { print } from "./teletype.ts";

const BOOT_ADDRESS = 0x7c00;
/** Where the stack is when a boot sector starts; it grows down from below the sector's place. */
const STACK = 0x7000;

const KINDS = { a: "floppy", c: "disk", d: "cd" } as const;
const NAMES = { floppy: "floppy", disk: "hard disk", cd: "CD" } as const;

/** The start of the machine: a stack, the time of day, and on to INT 19h. */
export const post: Service = (call) => {
  for (const segment of [SEG.ds, SEG.es, SEG.fs, SEG.gs] as const) call.loadSegment(segment, 0);
  call.setStack(0, STACK);
  call.setData(BDA.ticks, ticksOfClock(call), 4);
};

export const boot: Service = (call, context) => {
  context.state.candidate = 0;
  tryCandidates(call, context);
};

export const bootNext: Service = (call, context) => tryCandidates(call, context);

type Ready = {
  readonly drive: number;
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly emulation: Emulation | null;
};

function tryCandidates(call: Call, context: BiosContext): void {
  const { state } = context;
  state.emulation = null;
  const candidates = inOrder(context);
  const failures: string[] = [];
  for (let n = state.candidate; n < candidates.length; n++) {
    const ready = prepare(candidates[n]!);
    if (typeof ready === "string") failures.push(ready);
    else {
      state.candidate = n + 1;
      return start(call, context, ready);
    }
  }
  fail(call, context, candidates.length === 0 ? ["there is no drive"] : failures);
}

function inOrder(context: BiosContext): readonly NumberedDrive[] {
  const drives = numberedDrives(context);
  return Array.from(context.bootOrder).flatMap((letter) => {
    const kind = (KINDS as { readonly [letter: string]: NumberedDrive["kind"] | undefined })[letter];
    return drives.filter((drive) => drive.kind === kind);
  });
}

/** What to load and start, or why the drive does not boot. Throws `Pending`. */
function prepare(drive: NumberedDrive): Ready | string {
  const name = `${NAMES[drive.kind]} ${drive.config?.index ?? 0}`;
  if (drive.image === null) return `${name}: no medium`;
  try {
    return drive.kind === "cd" ? prepareCd(drive, drive.image, name) : prepareDisk(drive, name);
  } catch (thrown) {
    if (!(thrown instanceof BlockError)) throw thrown;
    return `${name}: ${thrown.message}`;
  }
}

function prepareDisk(drive: NumberedDrive, name: string): Ready | string {
  const bytes = readBlocks(drive, 0, 1);
  if (bytes === null) return `${name}: shorter than a sector`;
  // A floppy's signature is not asked for by the PC's own BIOS, but by all since.
  if (bytes[510] !== 0x55 || bytes[511] !== 0xaa) return `${name}: no boot signature (55 AA at offset 510)`;
  return { drive: drive.number, address: BOOT_ADDRESS, bytes, emulation: null };
}

function prepareCd(
  drive: NumberedDrive,
  image: NonNullable<NumberedDrive["image"]>,
  name: string,
): Ready | string {
  const entry = bootEntry(image);
  if (typeof entry === "string") return `${name} ${entry}`;
  const emulation = emulationOf(drive.config?.id ?? "", drive.number, image, entry);
  const count = emulation.media === "none" ? entry.count : 1;
  if (emulation.sizeBytes < 512) return `${name} has a boot image beyond its end`;
  const bytes = image.read(emulation.start, Math.min(count * 512, emulation.sizeBytes));
  return { drive: emulation.number, address: entry.segment * 16, bytes, emulation };
}

function start(call: Call, context: BiosContext, { drive, address, bytes, emulation }: Ready): void {
  context.state.emulation = emulation;
  context.log(`booting from drive ${drive.toString(16).padStart(2, "0")}h at ${address.toString(16)}h`);
  call.writeBytes(address, bytes);
  const { core } = call;
  for (let n = 0; n < 8; n++) core.setGpr(n, 0n);
  for (const segment of [SEG.ds, SEG.es, SEG.fs, SEG.gs] as const) call.loadSegment(segment, 0);
  call.setStack(0, STACK);
  call.dl = drive;
  call.ax = 0xaa55;
  // 0000:7C00 rather than 07C0:0000, unless a CD asks for another segment.
  if (address === BOOT_ADDRESS) call.jumpFar(0, BOOT_ADDRESS);
  else call.jumpFar(address >> 4, 0);
  core.setSystemFlag(FLAG.IF, true);
}

function fail(call: Call, context: BiosContext, failures: readonly string[]): void {
  const lines = ["Nothing to boot from. Tried in this order:", ...failures.map((line) => `  ${line}`)];
  if (context.bootOrder.includes("n")) lines.push("  network: not there");
  for (const line of lines) context.log(line);
  print(call, `${lines.join("\r\n")}\r\n`);
  call.continueAt(CODE.halt);
}
