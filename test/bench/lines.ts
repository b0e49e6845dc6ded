/**
 * A program whose lines are timed by the host as they come, and what the benchmark's kernel says in its lines (`guest/main.c`).
 *
 * A work starts when the line before it has ended and is over when the line after it begins, so writing lines costs nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface TimedLine {
  readonly text: string;
  /** When its first byte came, and when its end, in milliseconds since the program was started. */
  readonly began: number;
  readonly ended: number;
  /** The same in milliseconds of processor time that the program had used; NaN where it cannot be known. */
  readonly cpuBegan: number;
  readonly cpuEnded: number;
}

export interface Command {
  readonly file: string;
  readonly words: readonly string[];
  /** Gives what to read the lines from, instead of the program's standard output, which is then its to read. */
  readonly lines?: (child: ChildProcess) => NodeJS.ReadableStream;
}

export interface TimedRun {
  readonly lines: readonly TimedLine[];
  readonly errors: string;
  /** Why the last line that was waited for has not come; null if it has. */
  readonly failure: string | null;
  readonly status: number | null;
}

/** Puts bytes together to lines; each call of `take` has its own time. */
export class LineReader {
  readonly #onLine: (line: TimedLine) => void;
  #text = "";
  #began: { readonly now: number; readonly cpu: number } | null = null;

  constructor(onLine: (line: TimedLine) => void) {
    this.#onLine = onLine;
  }

  take(chunk: string, now: number, cpu: number): void {
    for (const [index, piece] of chunk.replaceAll("\r", "").split("\n").entries()) {
      if (index > 0) {
        const began = this.#began ?? { now, cpu };
        this.#onLine({ text: this.#text, began: began.now, ended: now, cpuBegan: began.cpu, cpuEnded: cpu });
        this.#text = "";
        this.#began = null;
      }
      if (piece !== "") this.#began ??= { now, cpu };
      this.#text += piece;
    }
  }

  /** The program has ended: a last line without an end is one all the same. */
  end(now: number, cpu: number): void {
    if (this.#text !== "") this.take("\n", now, cpu);
  }
}

/** The processor time of a process (Linux: Documentation/scheduler/sched-stats.rst), that of threads which have ended included as far as it was seen. */
class CpuClock {
  readonly #nanoseconds = new Map<string, number>();

  /** In milliseconds; NaN where it cannot be known. */
  read(pid: number | undefined): number {
    try {
      for (const thread of pid === undefined ? [] : readdirSync(`/proc/${pid}/task`)) {
        const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1");
        this.#nanoseconds.set(thread, Number.parseInt(text, 10));
      }
    } catch {
      // The process, or one of its threads, has ended just now.
    }
    let sum = 0;
    for (const nanoseconds of this.#nanoseconds.values()) sum += nanoseconds;
    return this.#nanoseconds.size === 0 ? Number.NaN : sum / 1e6;
  }
}

/** Runs a program until a line that matches has come or it has ended. It is killed then, unless `mayEnd`: a program that ends by itself. */
export async function timedRun(
  command: Command,
  last: RegExp,
  { timeoutSeconds, mayEnd = false }: { readonly timeoutSeconds: number; readonly mayEnd?: boolean },
): Promise<TimedRun> {
  const lines: TimedLine[] = [];
  let errors = "";
  let failure: string | null = "it ended without a word";
  const started = performance.now();
  const child = spawn(command.file, command.words, {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const ended = endOf(child);
  const timer = setTimeout(() => {
    failure = `not done after ${timeoutSeconds} s`;
    kill(child);
  }, timeoutSeconds * 1000);
  const clock = new CpuClock();
  const reader = new LineReader((line) => {
    lines.push(line);
    if (failure === null || !last.test(line.text)) return;
    failure = null;
    if (!mayEnd) kill(child);
  });
  const hear = (stream: NodeJS.ReadableStream): void => {
    stream.setEncoding("latin1");
    stream.on("data", (chunk: string) =>
      reader.take(chunk, performance.now() - started, clock.read(child.pid)),
    );
    stream.on("error", ({ message }: Error) => (errors += message));
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  // What is written to a program that has ended is lost, and the run fails for that reason anyway.
  child.stdin.on("error", () => {});
  if (command.lines === undefined) child.stdin.end();
  hear(command.lines === undefined ? child.stdout : command.lines(child));
  const status = await ended;
  reader.end(performance.now() - started, clock.read(undefined));
  clearTimeout(timer);
  if (failure !== null && typeof status === "string") failure = status;
  else if (failure !== null && errors !== "") failure += `: ${errors.trim().split("\n").at(-1) ?? ""}`;
  return { lines, errors, failure, status: typeof status === "string" ? null : status };
}

/** The exit status; a text if the program could not be started. */
const endOf = (child: ChildProcess): Promise<number | string | null> =>
  new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (status) => resolve(status));
  });

/** With all that it has started. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

export interface WorkTime {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of the guest's timestamp counter; with Redzone, instructions. */
  readonly ticks: number;
  /** How much of it there was to do. */
  readonly rounds: number;
  readonly checksum: string;
}

/** By name, of the works that have ended. Lines that are not the kernel's are passed over: boot loaders write too. */
export function workTimes(lines: readonly TimedLine[]): ReadonlyMap<string, WorkTime> {
  const times = new Map<string, WorkTime>();
  let begun: {
    readonly name: string;
    readonly ticks: bigint;
    readonly rounds: number;
    readonly line: TimedLine;
  } | null = null;
  for (const line of lines) {
    const [, verb, name = "", ticks = "0", last = "0"] =
      /^(begin|end) (\S+) ([0-9a-f]{16})(?: ([0-9a-f]{16}))?$/.exec(line.text) ?? [];
    if (verb === "begin")
      begun = { name, ticks: BigInt(`0x${ticks}`), rounds: Number.parseInt(last, 16), line };
    else if (verb === "end" && begun?.name === name) {
      times.set(name, {
        seconds: (line.began - begun.line.ended) / 1000,
        cpuSeconds: (line.cpuBegan - begun.line.cpuEnded) / 1000,
        ticks: Number(BigInt(`0x${ticks}`) - begun.ticks),
        rounds: begun.rounds,
        checksum: last.slice(-8),
      });
      begun = null;
    }
  }
  return times;
}
