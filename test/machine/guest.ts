/** Guests of `test/guests/`, assembled with nasm, on our machine and on QEMU; both print to the debug console. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, type Machine, type MachineConfig, type StopReason } from "../../emulator/index.ts";
import { made } from "../support/made.ts";

const FOLDER = fileURLToPath(new URL("../guests/", import.meta.url));
const OUT = fileURLToPath(new URL("../../.cache/guests/", import.meta.url));

export const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;

/** Path of the assembled flat file. @param defines "NAME=value" for the assembler */
export function assemble(name: string, defines: readonly string[] = []): string {
  const words = ["-f", "bin", "-I", FOLDER, ...defines.map((define) => `-D${define}`)];
  return made(`${OUT}${[name, ...defines].join("-")}.bin`, (out) =>
    execFileSync("nasm", [...words, "-o", out, `${FOLDER}${name}.asm`]),
  );
}

export interface Guest {
  readonly machine: Machine;
  /** What the guest has printed. */
  text(): string;
  /** Runs until something other than the limit stops the machine, `slice` instants at a time. */
  run(slice?: number): StopReason;
}

export const CONFIG: MachineConfig = {
  ramBytes: 128 * 2 ** 20,
  noReboot: true,
  debugExit: { iobase: 0xf4, iosize: 4 },
};

/** Processors of the guests that want several. */
const CPUS: Readonly<Record<string, number>> = { smp: 4 };
const cpusOf = (name: string): number => CPUS[name] ?? 1;

/** A machine without a guest, for a saved state to go into. */
export function emptyGuest(name = ""): Guest {
  const machine = createMachine({ ...CONFIG, translator: "early", cpus: cpusOf(name) });
  let text = "";
  machine.onOutput = (channel, byte) => {
    if (channel === "debugcon") text += String.fromCharCode(byte);
  };
  return {
    machine,
    text: () => text,
    run: (slice = 1e6) => {
      const end = machine.instant + 100e6;
      for (;;) {
        const stop = machine.run({ instants: slice });
        if (stop.kind !== "limit") return stop;
        if (machine.instant > end) throw new Error(`the guest did not end; it printed ${text}`);
      }
    },
  };
}

export function startGuest(name: string): Guest {
  const guest = emptyGuest(name);
  const kernel = new Uint8Array(readFileSync(assemble(name)));
  const booted = boot(guest.machine, { kernel, kernelName: name, append: "", modules: [] });
  if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  return guest;
}

/** What the guest prints in QEMU until it leaves. */
export function runQemu(name: string): string {
  const run = spawnSync(
    "qemu-system-x86_64",
    [
      "-m", "128", "-smp", String(cpusOf(name)), "-cpu", "max", "-kernel", assemble(name), "-display", "none", "-debugcon", "stdio", "-serial", "null", "-serial", "null", "-parallel", "none",
      "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-icount", "shift=0,sleep=off", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
    ], // oxfmt-ignore
    { encoding: "latin1", timeout: 120_000 },
  );
  if (run.status !== 1) throw new Error(`QEMU ended with ${run.status}: ${run.stderr}`);
  return run.stdout;
}
