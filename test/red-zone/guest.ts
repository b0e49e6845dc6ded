/** Builds `kernel.c` in its variants with the host's gcc, boots it, and collects what it prints and what the detector reports. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { boot } from "../../emulator/boot/index.ts";
import {
  createMachine,
  WATCH,
  type Clobber,
  type Machine,
  type MachineConfig,
  type StopReason,
  type TranslatorMode,
} from "../../emulator/index.ts";
import { findOwnPushes, Liveness } from "../../debug-adapter/red-zone/index.ts";
import { memoryReader, openImage, SymbolError, SymbolTable } from "../../debug-adapter/symbols/index.ts";
import { made } from "../support/made.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const OUT = fileURLToPath(new URL("../../.cache/guests/red-zone/", import.meta.url));

export const hasGcc = spawnSync("gcc", ["--version"]).status === 0;

const built = new Map<string, string>();

/** Path of the ELF file. Words for gcc besides the usual: "-O0", "-mno-red-zone", "-DIST=2", "-DSKIP", "-DCASE=2", "-DTICKS=500". */
export function build(flags: readonly string[]): string {
  const name = `kernel${flags.join("")}.elf`;
  const known = built.get(name);
  if (known !== undefined) return known;
  const words = [
      "-g", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-pic", "-fno-pie", "-mgeneral-regs-only", "-fno-stack-protector",
      "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-static", "-nostdlib", "-no-pie", "-Wl,-T,kernel.lds", "-Wl,--build-id=none",
      "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096", "-Wl,--no-warn-rwx-segments",
      ...(flags.some((flag) => flag.startsWith("-O")) ? [] : ["-O2"]),
      ...(flags.some((flag) => flag.startsWith("-DCASE")) ? [] : ["-DCASE=7"]),
      ...flags, "start.S", "kernel.c",
  ]; // oxfmt-ignore
  const file = made(`${OUT}${name}`, (out) => execFileSync("gcc", [...words, "-o", out], { cwd: FOLDER }));
  built.set(name, file);
  return file;
}

export function symbolsOf(kernel: Uint8Array): SymbolTable {
  const image = openImage(memoryReader(kernel), { name: "kernel.elf" });
  if (image instanceof SymbolError) throw new Error(JSON.stringify(image));
  const symbols = new SymbolTable();
  symbols.add(image);
  return symbols;
}

export interface Run {
  readonly machine: Machine;
  readonly reports: readonly Clobber[];
  /** What it printed, without the marks of wrong sums. */
  readonly text: () => string;
  /** Reports of bytes that were read, by wrong sum: how many came between this mark and the one before. */
  readonly perSum: readonly number[];
  /** To the guest's end. */
  readonly finish: (slice?: number) => StopReason;
}

export const CONFIG: MachineConfig = {
  ramBytes: 16 << 20,
  noReboot: true,
  debugExit: { iobase: 0xf4, iosize: 4 },
};

/** How the detector is used: with what the static analysis says of live bytes, without, or not at all. */
export type Detector = "knows" | "guesses" | "off";

export function start(
  flags: readonly string[],
  detector: Detector,
  translator: TranslatorMode = "early",
): Run {
  const machine = createMachine({ ...CONFIG, translator });
  const kernel = new Uint8Array(readFileSync(build(flags)));
  const booted = boot(machine, { kernel, kernelName: "kernel.elf", append: "", modules: [] });
  if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  const reports: Clobber[] = [];
  const perSum: number[] = [];
  let text = "";
  let confirmed = 0;
  machine.onOutput = (channel, byte) => {
    if (channel !== "debugcon") return;
    const character = String.fromCharCode(byte);
    // Between "ready" and the line at the end, each stands for a wrong sum.
    if (character === "c" && text.endsWith("ready\n")) {
      perSum.push(confirmed);
      confirmed = 0;
    } else text += character;
  };
  if (detector !== "off") {
    if (detector === "knows") {
      const symbols = symbolsOf(kernel);
      const liveness = new Liveness(machine.cpus[0]!, symbols);
      machine.debug.liveBelow = (core) => liveness.below(core, core.rip);
      const search = findOwnPushes(symbols);
      let step = search.next();
      while (step.done !== true) step = search.next();
      machine.debug.ownPushes = step.value;
    }
    machine.debug.onClobber = (clobber) => {
      reports.push(clobber);
      if (clobber.kind === "confirmed") confirmed++;
    };
    machine.debug.addEvent(1, WATCH.redZone, () => false);
  }
  const finish = (slice = 1e6): StopReason => {
    const end = machine.instant + 400e6;
    for (;;) {
      const stop = machine.run({ instants: slice, resume: true });
      if (stop.kind !== "limit") return stop;
      if (machine.instant > end) throw new Error(`the guest did not end; it printed ${text}`);
    }
  };
  return { machine, reports, text: () => text, perSum, finish };
}
