/** Where gdb finds frames, saved registers and variables of a kernel that runs in QEMU, at stops in turn; and the kernels for it. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SAMPLE = join(ROOT, "media/sample-kernel");

export interface OracleFrame {
  readonly name: string | null;
  /** Addresses as decimal numbers. */
  readonly cfa: string;
  readonly saved: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

export interface OracleStop {
  readonly pc: string;
  /** Real frames, innermost first. */
  readonly frames: readonly OracleFrame[];
}

const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
export const hasCompiler = has("gcc") && has("make") && has("objcopy");
export const hasOracle = hasCompiler && has("gdb") && has("qemu-system-x86_64");

/** The sample kernel, compiled once with other options; ELF64 and, for QEMU, the same as ELF32. @param stackBytes of its stack, in place of 16 KiB */
export function compileSample(
  name: string,
  flags: string,
  stackBytes = 16384,
): { readonly elf: string; readonly elf32: string } {
  const common = `-g -gdwarf-5 -std=gnu17 -ffreestanding -fno-pic -fno-pie -fcf-protection=none -mgeneral-regs-only -mno-red-zone`;
  const words = [
    `CFLAGS=${common} ${flags}`,
    // A stack protector wants somebody to complain to.
    "CC=gcc -Wl,--defsym=__stack_chk_fail=panic",
  ];
  const hash = createHash("sha256").update(JSON.stringify([words, stackBytes]));
  for (const file of readdirSync(SAMPLE)) hash.update(readFileSync(join(SAMPLE, file)));
  const made = join(ROOT, ".cache/stack", `${name}-${hash.digest("hex").slice(0, 12)}`);
  const files = { elf: join(made, "sample.elf"), elf32: join(made, "sample32.elf") };
  if (existsSync(files.elf32)) return files;
  const out = `${made}.${process.pid}`;
  const source = join(out, "source");
  mkdirSync(out, { recursive: true });
  cpSync(SAMPLE, source, { recursive: true });
  const entry = join(source, "boot.S");
  writeFileSync(entry, readFileSync(entry, "utf8").replaceAll("16384", String(stackBytes)));
  execFileSync("make", ["-s", "-C", source, `OUT=${out}`, ...words, `${out}/sample32.elf`], {
    stdio: "pipe",
  });
  try {
    renameSync(out, made);
  } catch (error) {
    // Another process has been quicker.
    if (!existsSync(files.elf32)) throw error;
    rmSync(out, { recursive: true });
  }
  return files;
}

/** `places` in gdb's words. Each is met once, in this order. */
export function stopsInQemu(
  { elf, elf32 }: { readonly elf: string; readonly elf32: string },
  append: string,
  places: readonly string[],
): readonly OracleStop[] {
  const folder = mkdtempSync(join(tmpdir(), "redzone-stack-"));
  const socket = join(folder, "gdb");
  const words = [
    "-m", "128", "-kernel", elf32, "-append", append, "-display", "none", "-serial", "null",
    "-S", "-gdb", `unix:${socket},server=on,wait=off`,
  ]; // oxfmt-ignore
  const qemu = spawn("qemu-system-x86_64", words, { stdio: "ignore" });
  try {
    execFileSync("sh", [
      "-c",
      `for i in $(seq 600); do [ -S "$0" ] && exit 0; sleep 0.1; done; exit 1`,
      socket,
    ]);
    const script = fileURLToPath(new URL("frames.py", import.meta.url));
    const out = execFileSync("gdb", ["-batch", "-nx", elf, "-x", script], {
      encoding: "latin1",
      timeout: 120_000,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SOCKET: socket, PLACES: JSON.stringify(places) },
    });
    return out
      .split("\n")
      .filter((line) => line.startsWith("STOP "))
      .map((line) => JSON.parse(line.slice(5)) as OracleStop);
  } finally {
    qemu.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}
