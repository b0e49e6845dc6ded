/**
 * The host processor as an oracle: builds `native/harness.c` with gcc and runs cases through it.
 *
 * Only an x86-64 Linux host with gcc and modify_ldt can be asked; `nativeProblem` says what is missing, and tests skip with that text.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Case, decodeResults, encodeCases, type Result } from "./case.ts";

const SOURCE = fileURLToPath(new URL("native/harness.c", import.meta.url));
const CACHE = fileURLToPath(new URL("../../.cache/oracle", import.meta.url));
const OPTIONS = ["-O2", "-ffreestanding", "-nostdlib", "-static-pie", "-fpie", "-fno-stack-protector", "-mgeneral-regs-only", "-mno-red-zone", "-fcf-protection=none"]; // oxfmt-ignore
const MAX_OUTPUT_BYTES = 2 ** 30;

let built: { program: string } | { problem: string } | null = null;

function build(): { program: string } | { problem: string } {
  if (process.platform !== "linux" || process.arch !== "x64")
    return { problem: "the host is not x86-64 Linux" };
  const hash = createHash("sha256").update(readFileSync(SOURCE)).update(OPTIONS.join()).digest("hex");
  const program = join(CACHE, `harness-${hash.slice(0, 16)}`);
  if (!existsSync(program)) {
    mkdirSync(CACHE, { recursive: true });
    const fresh = `${program}.${process.pid}`;
    const gcc = spawnSync("gcc", [...OPTIONS, "-o", fresh, SOURCE], { encoding: "utf8" });
    if (gcc.error !== undefined) return { problem: "gcc is not installed" };
    if (gcc.status !== 0) throw new Error(`gcc cannot build ${SOURCE}:\n${gcc.stderr}`);
    renameSync(fresh, program);
  }
  const probe = spawnSync(program, { input: "", encoding: "utf8" });
  if (probe.status !== 0) return { problem: `the native harness does not run here: ${probe.stderr.trim()}` };
  return { program };
}

/** Why the host cannot be asked, or null if it can. */
export function nativeProblem(): string | null {
  built ??= build();
  return "problem" in built ? built.problem : null;
}

/** Runs all cases on the host, in order. */
export function runNative(cases: readonly Case[]): Result[] {
  const problem = nativeProblem();
  if (problem !== null || built === null || "problem" in built) throw new Error(problem ?? "not built");
  const run = spawnSync(built.program, { input: encodeCases(cases), maxBuffer: MAX_OUTPUT_BYTES });
  if (run.error !== undefined) throw run.error;
  const results = decodeResults(run.stdout);
  if (run.status !== 0 || results.length !== cases.length)
    throw new Error(
      `the native harness ended with ${run.status ?? run.signal} after ${results.length} of ${cases.length} cases: ${run.stderr.toString()}`,
    );
  return results;
}
