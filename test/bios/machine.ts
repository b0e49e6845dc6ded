/** Disks and CDs on the built-in BIOS: assembled guests, images in memory, and the same in QEMU with SeaBIOS. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BlockImage } from "../../emulator/block/index.ts";
import { createMachine, type Machine, type MachineConfig, type StopReason } from "../../emulator/index.ts";
import { made } from "../support/made.ts";

const FOLDER = fileURLToPath(new URL("guests/", import.meta.url));
export const CACHE = fileURLToPath(new URL("../../.cache/bios/", import.meta.url));

export const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;

/** Path of the assembled flat file, padded to `sizeBytes`. */
export function assemble(name: string, sizeBytes = 0): string {
  return made(`${CACHE}${name}.img`, (out) => {
    execFileSync("nasm", ["-f", "bin", "-I", FOLDER, "-o", out, `${FOLDER}${name}.asm`]);
    const bytes = readFileSync(out);
    if (bytes.length < sizeBytes)
      writeFileSync(out, Buffer.concat([bytes, Buffer.alloc(sizeBytes - bytes.length)]));
  });
}

/** A raw image in memory that takes writes. */
export class MemoryImage implements BlockImage {
  readonly name = "memory";
  readonly format = "raw";
  readonly readOnly = false;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get sizeBytes(): number {
    return this.bytes.length;
  }
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(offset, offset + length));
    return bytes;
  }
  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }
  discard(offset: number, length: number): void {
    this.bytes.fill(0, offset, offset + length);
  }
  flush(): void {}
}

export type Plug = "floppy" | "disk" | "virtio" | "cd";

export interface Guest {
  readonly machine: Machine;
  /** What came out of the debug console, and what the BIOS has logged. */
  text(): string;
  log(): string;
  /** Runs until something other than the limit stops the machine. */
  run(instants?: number): StopReason;
  /** Runs for some virtual time, idle or not: for guests that wait for keys. */
  settle(nanoseconds?: number): StopReason;
  /** The rows of the text screen, without trailing blanks. */
  screen(): string[];
}

export function start(
  plugs: readonly (readonly [Plug, BlockImage | null])[],
  config: Partial<MachineConfig> = {},
): Guest {
  const images = new Map<string, BlockImage>();
  const counts = { floppy: 0, disk: 0, virtio: 0, cd: 2 };
  const drives = plugs.map(([plug, image], n) => {
    const id = `drive${n}`;
    if (image !== null) images.set(id, image);
    const attach = plug === "floppy" || plug === "virtio" ? plug : "ide";
    const media = plug === "cd" ? "cdrom" : "disk";
    return { id, attach, index: counts[plug]++, media, readOnly: plug === "cd" } as const;
  });
  const machine = createMachine(
    { ramBytes: 128 * 2 ** 20, noReboot: true, debugExit: { iobase: 0xf4, iosize: 4 }, drives, ...config },
    { images },
  );
  let text = "";
  let log = "";
  machine.onOutput = (channel, byte) => {
    if (channel === "debugcon") text += String.fromCharCode(byte);
    if (channel === "seabios") log += String.fromCharCode(byte);
  };
  return {
    machine,
    text: () => text,
    log: () => log,
    run: (instants = 200e6) => {
      const end = machine.instant + instants;
      for (;;) {
        const stop = machine.run({ instants: Math.min(end - machine.instant, 1e6) });
        if (stop.kind !== "limit" || machine.instant >= end) return stop;
      }
    },
    settle: (nanoseconds = 10e6) => {
      const until = machine.now + nanoseconds;
      for (;;) {
        const stop = machine.run({ instants: 1e6, untilNanoseconds: until });
        if (stop.kind !== "limit" || machine.now >= until) return stop;
      }
    },
    screen: () => {
      const { columns, rows, cells } = machine.screen();
      return Array.from({ length: rows }, (_, row) =>
        Array.from({ length: columns }, (_each, column) =>
          String.fromCharCode(cells[(row * columns + column) * 2]!),
        )
          .join("")
          .trimEnd(),
      );
    },
  };
}

/** What a disk's guest prints to the debug console in QEMU with SeaBIOS until it leaves. */
export function runQemu(args: readonly string[], memoryMib = 128): string {
  const run = spawnSync(
    "qemu-system-x86_64",
    [
      "-m", String(memoryMib), ...args, "-display", "none", "-debugcon", "stdio", "-serial", "null", "-parallel", "none", "-vga", "std", "-nodefaults",
      "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-icount", "shift=0,sleep=off", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
    ], // oxfmt-ignore
    { encoding: "latin1", timeout: 60_000 },
  );
  if (run.status !== 1) throw new Error(`QEMU ended with ${run.status}: ${run.stderr} ${run.stdout}`);
  return run.stdout;
}
