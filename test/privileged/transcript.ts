/**
 * The privileged kernel's transcript: building the kernel, running it in QEMU and in the emulator, and what a line says.
 *
 * A line is a case's name and fields `key=value`; a case may have several. Everything here is deterministic, QEMU's side included.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine } from "../../emulator/machine/create.ts";
import type { StopReason } from "../../emulator/machine/stop.ts";

const SOURCES = fileURLToPath(new URL("kernel/", import.meta.url));
const CACHE = fileURLToPath(new URL("../../.cache/privileged", import.meta.url));
const RAM_BYTES = 64 * 2 ** 20;
const QEMU_TIMEOUT_MS = 60_000;
/** The kernel retires about half a million instructions; more means that a case does not end. */
const INSTANTS_MAX = 20_000_000;

/** Why the kernel cannot be assembled here, or null. */
export function nasmProblem(): string | null {
  return spawnSync("nasm", ["-v"]).error === undefined ? null : "nasm is not installed";
}
export function qemuProblem(): string | null {
  return spawnSync("qemu-system-x86_64", ["--version"]).error === undefined
    ? null
    : "qemu-system-x86_64 is not installed";
}
/** The version as QEMU prints it, for reports: "7.2.22". */
export function qemuVersion(): string {
  const { stdout } = spawnSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" });
  return /version ([\d.]+)/.exec(stdout)?.[1] ?? "unknown";
}

/** Assembles the kernel (once for each state of its sources) and returns the image's path. */
export function buildKernel(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(SOURCES).sort()) hash.update(readFileSync(join(SOURCES, name)));
  const path = join(CACHE, `kernel-${hash.digest("hex").slice(0, 16)}.bin`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${path}.${process.pid}`;
  const nasm = spawnSync("nasm", ["-f", "bin", "-o", fresh, "kernel.asm"], {
    cwd: SOURCES,
    encoding: "utf8",
  });
  if (nasm.status !== 0) throw new Error(`nasm cannot assemble the privileged kernel:\n${nasm.stderr}`);
  renameSync(fresh, path);
  return path;
}

export function runQemu(image: string): string {
  const output = join(CACHE, `qemu-${process.pid}.txt`);
  rmSync(output, { force: true });
  const options = `-accel tcg -cpu max,vendor=GenuineIntel -m 64 -display none -no-reboot -serial none -monitor none -device isa-debug-exit,iobase=0xf4,iosize=1`;
  const run = spawnSync(
    "qemu-system-x86_64",
    [...options.split(" "), "-kernel", image, "-debugcon", `file:${output}`],
    {
      encoding: "utf8",
      timeout: QEMU_TIMEOUT_MS,
    },
  );
  if (run.error !== undefined) throw run.error;
  const text = readFileSync(output, "latin1");
  rmSync(output);
  return text;
}

export interface Run {
  readonly text: string;
  readonly stop: StopReason;
  readonly instants: number;
}

export function runEmulator(image: string): Run {
  const machine = createMachine({
    ramBytes: RAM_BYTES,
    debugExit: { iobase: 0xf4, iosize: 1 },
    noReboot: true,
  });
  const booted = boot(machine, {
    kernel: new Uint8Array(readFileSync(image)),
    kernelName: "privileged",
    append: "",
    modules: [],
  });
  if (booted.kind !== "plan")
    throw new Error(`the privileged kernel does not boot: ${JSON.stringify(booted)}`);
  const bytes: number[] = [];
  machine.onOutput = (channel, byte) => {
    if (channel === "debugcon") bytes.push(byte);
  };
  const stop = machine.run({ instants: INSTANTS_MAX });
  return { text: Buffer.from(bytes).toString("latin1"), stop, instants: machine.instant };
}

/** Lines of each case, in order. */
export function byCase(text: string): Map<string, string[]> {
  const cases = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [name] = line.split(" ", 1);
    if (name === undefined || name === "" || name === "end") continue;
    cases.set(name, [...(cases.get(name) ?? []), line]);
  }
  return cases;
}
