/** Builds the guests of these tests with the host's GNU toolchain and runs them in QEMU. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const SAMPLE = join(ROOT, "media/sample-kernel/sample.elf");

const runs = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

export const hasQemu = runs("qemu-system-x86_64", "--version");
export const hasGcc = runs("make", "--version") && gccBuilds32();

function gccBuilds32(): boolean {
  const check = spawnSync("gcc", ["-m32", "-c", "-x", "assembler", "-o", "/dev/null", "-"], {
    input: "nop\n",
  });
  return check.status === 0;
}

const scratch = mkdtempSync(join(tmpdir(), "redzone-boot-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A new folder that goes when the tests of a file are done. */
export function temporaryFolder(): string {
  return mkdtempSync(join(scratch, "f"));
}

/** Links one assembly file of `guests-boot/`; the path of the ELF file. */
export function buildGuest(name: string, bits: 32 | 64): string {
  const out = join(temporaryFolder(), `${name}.elf`);
  const source = join(ROOT, "test/guests-boot", `${name}.S`);
  const script = join(ROOT, "test/guests-boot/guest.lds");
  execFileSync("gcc", [
    `-m${bits}`, "-static", "-nostdlib", "-no-pie", `-Wl,-T,${script}`, "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096",
    "-Wl,--no-warn-rwx-segments", "-o", out, source,
  ]); // oxfmt-ignore
  return out;
}

/** A folder of `media/` built into another place by its own Makefile. */
export function buildMedia(folder: string, target: string): Buffer {
  const out = temporaryFolder();
  execFileSync("make", ["-s", `OUT=${out}`, join(out, target)], { cwd: join(ROOT, "media", folder) });
  return readFileSync(join(out, target));
}

/** The 64-bit sample as QEMU's -kernel takes it. */
export function sampleFor32BitLoaders(): string {
  const out = join(temporaryFolder(), "sample.elf");
  execFileSync("objcopy", ["-O", "elf32-i386", SAMPLE, out]);
  return out;
}

export function temporaryFile(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

const ARGS = ["-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"];

/** Runs QEMU until the guest leaves by port 0xf4; what it wrote to COM1, and the exit code. */
export function qemu(
  args: readonly string[],
  cwd?: string,
): { readonly serial: string; readonly code: number | null } {
  // Into a file: what a pipe has not taken when QEMU leaves would be lost.
  const log = join(temporaryFolder(), "serial");
  const run = spawnSync("qemu-system-x86_64", [...ARGS, "-serial", `file:${log}`, ...args], {
    timeout: 60_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { serial: existsSync(log) ? readFileSync(log, "latin1") : "", code: run.status };
}

/** Waits until a program has made a file: QEMU its socket, on which it listens from then on. */
export async function waitForFile(path: string): Promise<void> {
  for (const deadline = performance.now() + 60_000; !existsSync(path); await sleep(20))
    if (performance.now() > deadline) throw new Error(`${path} has not been made`);
}

/** Runs QEMU until COM1 has said `text` (or for so many milliseconds), and ends it. */
export function qemuUntil(args: readonly string[], text: string, milliseconds = 120_000): Promise<string> {
  const run = spawn("qemu-system-x86_64", [...ARGS, "-serial", "stdio", ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const timer = setTimeout(() => run.kill("SIGKILL"), milliseconds);
  let serial = "";
  run.stdout.setEncoding("latin1").on("data", (part: string) => {
    serial += part;
    if (serial.includes(text)) run.kill("SIGKILL");
  });
  return new Promise((resolve) => {
    run.on("close", () => {
      clearTimeout(timer);
      resolve(serial);
    });
  });
}
