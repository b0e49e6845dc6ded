/** The pictures of `test/guests/display.c` on our machine and on QEMU, one after the other. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, type Machine } from "../../emulator/index.ts";
import { made } from "../support/made.ts";

const SOURCE = fileURLToPath(new URL("../guests/display.c", import.meta.url));
const OUT = fileURLToPath(new URL("../../.cache/guests/", import.meta.url));
const TIMEOUT_MILLISECONDS = 60_000;

export const canCompile = spawnSync("gcc", ["-m32", "-xc", "-E", "-"], { input: "" }).status === 0;
export const canCompare = canCompile && spawnSync("qemu-system-x86_64", ["--version"]).status === 0;

export interface Shown {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue of each pixel. */
  readonly rgb: Uint8Array;
}

/** Path of the compiled guest. */
export function compile(): string {
  const words = [
    "-m32", "-O2", "-ffreestanding", "-fno-pic", "-no-pie", "-fno-stack-protector", "-mgeneral-regs-only", "-nostdlib", "-static",
    "-Wl,-N,-Ttext=0x101000,--section-start=.multiboot=0x100000,--no-warn-rwx-segments,--build-id=none,-e,_start",
  ]; // oxfmt-ignore
  return made(`${OUT}display.elf`, (out) => execFileSync("gcc", [...words, "-o", out, SOURCE]));
}

export class OurGuest {
  readonly machine: Machine = createMachine({
    ramBytes: 32 * 2 ** 20,
    noReboot: true,
    debugExit: { iobase: 0xf4, iosize: 4 },
  });
  #said = "";

  constructor(path: string) {
    this.machine.onOutput = (channel, byte) => {
      if (channel === "debugcon") this.#said += String.fromCharCode(byte);
    };
    const kernel = new Uint8Array(readFileSync(path));
    const booted = boot(this.machine, { kernel, kernelName: path, append: "", modules: [] });
    if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  }

  /** Runs until the guest says that it shows picture `number`. */
  next(number: number): Shown {
    if (number > 0) this.machine.input({ kind: "key", scancodes: [0x1c, 0xf0, 0x1c] });
    for (let slice = 0; this.#said.length <= number; slice++) {
      if (slice > 400) throw new Error(`the guest said ${this.#said}`);
      this.machine.run({ instants: 2e6 });
    }
    const { width, height, pixels } = this.machine.picture();
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < pixels.length; from += 4) {
      for (let channel = 0; channel < 3; channel++) rgb[to++] = pixels[from + channel]!;
    }
    return { width, height, rgb };
  }
}

/** What QEMU's `screendump` says of the first `count` pictures. */
export async function qemuPictures(path: string, count: number): Promise<Shown[]> {
  const said = `${OUT}display.said`;
  const dump = `${OUT}display.ppm`;
  rmSync(said, { force: true });
  const qemu = spawn("qemu-system-x86_64", [
    "-m", "32", "-kernel", path, "-display", "none", "-vga", "std", "-monitor", "stdio", "-debugcon", `file:${said}`, "-serial", "null",
    "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
  ]); // oxfmt-ignore
  let echo = "";
  qemu.stdout.on("data", (chunk: Buffer) => (echo += chunk.toString("latin1")));
  const until = async (what: () => boolean): Promise<void> => {
    const end = Date.now() + TIMEOUT_MILLISECONDS;
    while (!what()) {
      if (Date.now() > end || qemu.exitCode !== null) throw new Error(`QEMU: ${echo}`);
      await wait(20);
    }
  };
  const command = async (line: string): Promise<void> => {
    const before = echo.split("(qemu) ").length;
    qemu.stdin.write(`${line}\n`);
    await until(() => echo.split("(qemu) ").length > before);
  };
  const pictures: Shown[] = [];
  try {
    await until(() => echo.includes("(qemu) "));
    for (let number = 0; number < count; number++) {
      if (number > 0) await command("sendkey a 1");
      await until(() => readFileSync(said, "latin1").length > number);
      // The first may still show what was there before.
      await command(`screendump ${dump}`);
      await command(`screendump ${dump}`);
      pictures.push(parsePpm(readFileSync(dump)));
    }
  } finally {
    qemu.kill();
  }
  return pictures;
}

function parsePpm(bytes: Buffer): Shown {
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(bytes.toString("latin1", 0, 40));
  if (header === null) throw new Error("no PPM");
  return {
    width: Number(header[1]),
    height: Number(header[2]),
    rgb: new Uint8Array(bytes.subarray(header[0].length)),
  };
}
