/** What gdb shows of a kernel that runs in QEMU, at stops in turn. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface OracleFrame {
  readonly name: string;
  /** As the compiler recorded it; null without debug information. */
  readonly file: string | null;
  readonly line: number;
  readonly isInlined: boolean;
  /** By name, innermost block first: a decimal number, "optimized out", "unreadable"; null for what is not a number. */
  readonly variables: { readonly [name: string]: string | null };
}

export interface OracleStop {
  readonly pc: number;
  /** Innermost first. */
  readonly frames: readonly OracleFrame[];
}

/** `places` in gdb's words (`vm_map_enter`, `bootstrap.c:181`). Each is met once, in this order. */
export function stopsInQemu(
  kernel: string,
  append: string,
  places: readonly string[],
): readonly OracleStop[] {
  const folder = mkdtempSync(join(tmpdir(), "redzone-gdb-"));
  const socket = join(folder, "gdb");
  const words = [
    "-m", "128", "-kernel", kernel, "-append", append, "-display", "none", "-serial", "null",
    "-S", "-gdb", `unix:${socket},server=on,wait=off`,
  ]; // oxfmt-ignore
  // The 32-bit machine: gdb takes its registers for i386, and unwinds.
  const qemu = spawn("qemu-system-i386", words, { stdio: "ignore" });
  try {
    waitFor(socket);
    const script = fileURLToPath(new URL("frames.py", import.meta.url));
    const out = execFileSync("gdb", ["-batch", "-nx", kernel, "-x", script], {
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

/** QEMU listens from the moment its socket is there. */
function waitFor(socket: string): void {
  execFileSync("sh", [
    "-c",
    `for i in $(seq 600); do [ -S "$0" ] && exit 0; sleep 0.1; done; exit 1`,
    socket,
  ]);
}
