/**
 * Runs a program and waits for what it prints, for ten seconds at most.
 *
 * Invariant: when it returns, neither the program nor what it started runs any more. Its temporary files go to a folder that the caller removes.
 */
import { spawn, type ChildProcess } from "node:child_process";

const TIME_MILLISECONDS = 10_000;
const OUTPUT_MAX = 4 * 1024 * 1024;

export interface Ran {
  /** null: it could not be started, took too long, or was stopped. */
  readonly status: number | null;
  readonly output: string;
}

export interface RunOptions {
  readonly directory: string;
  /** For temporary files of the program itself. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

export function run(
  program: string,
  words: readonly string[],
  { directory, scratch, signal }: RunOptions,
): Promise<Ran> {
  if (signal.aborted) {
    return Promise.resolve({ status: null, output: "" });
  }
  return new Promise((resolve) => {
    const hasGroups = process.platform !== "win32";
    const child = spawn(program, words, {
      cwd: directory,
      // A compiler starts others; a group of their own is ended with it.
      detached: hasGroups,
      windowsHide: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C", TMPDIR: scratch, TEMP: scratch, TMP: scratch },
    });
    let output = "";
    let isStopped = false;
    const stop = (): void => {
      isStopped = true;
      kill(child, hasGroups);
    };
    const timer = setTimeout(stop, TIME_MILLISECONDS);
    signal.addEventListener("abort", stop, { once: true });
    const end = (status: number | null): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve({ status: isStopped ? null : status, output });
    };
    const keep = (part: string): void => {
      output += output.length < OUTPUT_MAX ? part : "";
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", () => end(null));
    child.on("close", end);
  });
}

function kill(child: ChildProcess, hasGroups: boolean): void {
  try {
    if (hasGroups && child.pid !== undefined) {
      process.kill(-child.pid, "SIGKILL");
    } else {
      child.kill("SIGKILL");
    }
  } catch {
    // It has ended by itself meanwhile.
  }
}
