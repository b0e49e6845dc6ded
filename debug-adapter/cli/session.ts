/**
 * One run of a machine under the command line: slices, stops, inputs, until it ends.
 *
 * Invariant: what the guest sees does not depend on how its run is sliced, on the clock, or on who watches. The clock decides only how long a
 * slice is, and how long the host sleeps while the guest of an interactive session idles.
 * Elsewhere: reading files and options (`run.ts`), GDB's protocol (`gdb/`).
 */
import type { Pc, RunLimit, StopReason } from "../../emulator/index.ts";
import type { Explainer } from "../exceptions/explain.ts";
import { type Ending, endingOf, STATUS } from "./ending.ts";
import { runSingle } from "../stepping/single.ts";
import type { Host } from "./host.ts";

const SLICE_MILLISECONDS = 5;
const FIRST_SLICE = 200_000;
/** How far an interactive guest's virtual time may run ahead of the wall clock while it idles. */
const AHEAD_NANOSECONDS = 2e6;

export interface SessionOptions {
  readonly noReboot: boolean;
  /** Stay, stopped, where a run would end, for whoever is attached to look. */
  readonly noShutdown: boolean;
  readonly maxInstructions: number | null;
  /** Idle time is not skipped faster than it would pass: somebody is looking. */
  readonly isPaced: boolean;
  /** Whether input from outside can still come: otherwise an idle guest waits for ever. */
  readonly canWait: () => boolean;
  readonly say: (text: string) => void;
  /** Explains a stop on the CPU that `stoppedAt` was told of last. */
  readonly explainer: Explainer;
  readonly stoppedAt: (cpu: number) => void;
}

/** What a debugger is told when the machine stops. */
export type Stop = StopReason | { readonly kind: "paused" } | { readonly kind: "stepped" };

/** Somebody who wants to look before it is too late: with one attached, a run that cannot go on stops first. */
export interface Observer {
  stopped(stop: Stop): void;
  ended(ending: Ending): void;
}

export class Session {
  readonly machine: Pc;
  observer: Observer | null = null;
  /** Something to do before each slice and at the end: flushing output. */
  onSlice: () => void = () => {};
  wallMilliseconds = 0;
  readonly #host: Host;
  readonly #options: SessionOptions;
  #mode: "running" | "stopped" | "step";
  /** The CPU that steps. */
  #stepping = 0;
  #resume = true;
  #ending: Ending | null = null;
  #slice = FIRST_SLICE;
  #wake: () => void = () => {};
  /** Wall clock and virtual time that are level with each other. */
  #paceFrom: { milliseconds: number; nanoseconds: number } | null = null;
  /** A stop that cannot be gone on from was shown to the observer; going on all the same is the end. */
  #shownEnding: Ending | null = null;
  /** Triple faults after which the machine was reset and went on: only the first is told at length. */
  #resets = 0;

  constructor(machine: Pc, host: Host, options: SessionOptions, startStopped: boolean) {
    this.machine = machine;
    this.#host = host;
    this.#options = options;
    this.#mode = startStopped ? "stopped" : "running";
  }

  get isRunning(): boolean {
    return this.#mode !== "stopped" && this.#ending === null;
  }

  cont(): void {
    this.#go("running");
  }

  /** Executes one instruction of a CPU, while the others take their turns, and stops. */
  step(cpu: number): void {
    this.#stepping = cpu;
    this.#go("step");
  }

  /** Stops a running machine; the observer hears of it. */
  pause(): void {
    if (this.#mode === "stopped") return;
    this.#halt({ kind: "paused" });
    this.#wake();
  }

  reset(): void {
    this.machine.reset();
  }

  end(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake();
  }

  quit(): void {
    this.end({ status: STATUS.ok, reason: "quit", text: "" });
  }

  /** An input has arrived: an idle machine looks at it at once. */
  wake(): void {
    this.#wake();
  }

  async run(): Promise<Ending> {
    while (this.#ending === null) {
      if (this.#mode === "stopped") {
        await this.#sleep(Infinity);
        continue;
      }
      const waits = this.#runSlice();
      this.onSlice();
      if (waits > 0 && this.#ending === null && this.isRunning) await this.#sleep(waits);
      else await this.#host.breathe();
    }
    const ending = this.#ending;
    this.onSlice();
    this.observer?.ended(ending);
    return ending;
  }

  /** Runs for about SLICE_MILLISECONDS; returns how long to sleep, in milliseconds. */
  #runSlice(): number {
    const { machine } = this;
    const { maxInstructions } = this.#options;
    const left = (maxInstructions ?? Infinity) - machine.instant;
    if (left <= 0) {
      const text = `${machine.instant} instructions executed, as --max-instructions allows`;
      this.end({ status: STATUS.limit, reason: "max-instructions", text });
      return 0;
    }
    const isStep = this.#mode === "step";
    const instants = Math.min(this.#slice, left);
    const limit: RunLimit = { instants, resume: this.#resume, ...(isStep ? {} : this.#pace()) };
    const before = this.#host.milliseconds();
    const instantBefore = machine.instant;
    const stop = isStep ? runSingle(machine, machine.cpus[this.#stepping]!, instants) : machine.run(limit);
    const milliseconds = this.#host.milliseconds() - before;
    this.wallMilliseconds += milliseconds;
    if (machine.instant > instantBefore) this.#resume = false;
    machine.memory.relieve();

    if (stop.kind === "waiting") {
      const wake = (): void => this.#wake();
      void stop.ready.then(wake, wake);
      return Infinity;
    }
    if (stop.kind === "stepped") {
      this.#halt(stop);
      return 0;
    }
    if (stop.kind !== "limit") return this.#stopped(stop);
    if (isStep) return 0;
    const wasFull = machine.instant - instantBefore >= instants;
    if (wasFull) this.#slice = nextSlice(this.#slice, milliseconds);
    else if (limit.idleUntilNanoseconds !== undefined && machine.now >= limit.idleUntilNanoseconds)
      return SLICE_MILLISECONDS;
    return 0;
  }

  /** The virtual time an interactive guest that idles may reach in this slice. */
  #pace(): { readonly idleUntilNanoseconds?: number } {
    if (!this.#options.isPaced) return {};
    const milliseconds = this.#host.milliseconds();
    const nanoseconds = this.machine.now;
    this.#paceFrom ??= { milliseconds, nanoseconds };
    const due = this.#paceFrom.nanoseconds + (milliseconds - this.#paceFrom.milliseconds) * 1e6;
    // A guest that computes falls behind; it does not catch up by idling faster.
    if (due - nanoseconds > AHEAD_NANOSECONDS * 10) this.#paceFrom = { milliseconds, nanoseconds };
    return { idleUntilNanoseconds: Math.max(due, nanoseconds) + AHEAD_NANOSECONDS };
  }

  /** Decides what a stop means; returns how long to sleep, in milliseconds. */
  #stopped(stop: StopReason): number {
    if (stop.kind === "idle") {
      if (this.#options.canWait() || this.observer !== null) {
        if (this.#mode === "step") this.#halt({ kind: "stepped" });
        return Infinity;
      }
      const text =
        "waiting for ever: every CPU is halted, no timer is running, and there is nobody to type or to debug";
      this.end({ status: STATUS.idle, reason: "idle", text });
      return 0;
    }
    // Cold pages move out of linear memory, and the instruction is tried again.
    const { memory } = this.machine;
    if ("cpu" in stop) this.#options.stoppedAt(stop.cpu);
    if (stop.kind === "out-of-memory" && memory.relieve(memory.hostBytes.frames * 0.75) > 0) return 0;
    const ending = endingOf(stop, this.#options.explainer);
    if (ending === null || this.#options.noShutdown) {
      this.#halt(stop);
      if (ending !== null && this.observer === null) this.end(ending);
      return 0;
    }
    // The reset that follows a triple fault was announced with it.
    if (stop.kind === "reset" && this.#shownEnding !== null) {
      this.end(this.#shownEnding);
      return 0;
    }
    const canLook = stop.kind === "triple-fault" || stop.kind === "dead" || stop.kind === "unimplemented";
    if (canLook && this.observer !== null && this.#shownEnding?.reason !== ending.reason) {
      this.#shownEnding = ending;
      this.#options.say(ending.text);
      this.#halt(stop);
      return 0;
    }
    if (stop.kind === "triple-fault" && !this.#options.noReboot) {
      // The machine resets itself when it is run again, as hardware does.
      this.#shownEnding = null;
      this.#options.say(this.#resets++ === 0 ? ending.text : "triple fault again");
      return 0;
    }
    this.end(ending);
    return 0;
  }

  #go(mode: "running" | "step"): void {
    if (this.#mode !== "stopped") return;
    this.#mode = mode;
    this.#resume = true;
    this.#paceFrom = null;
    this.#wake();
  }

  #halt(stop: Stop): void {
    this.#mode = "stopped";
    this.onSlice();
    this.observer?.stopped(stop);
  }

  async #sleep(milliseconds: number): Promise<void> {
    const sleep = this.#host.sleep(milliseconds);
    this.#wake = () => sleep.wake();
    await sleep.done;
    this.#wake = () => {};
  }
}

/** A slice that would take SLICE_MILLISECONDS, changed by at most a factor of two at a time. */
function nextSlice(slice: number, milliseconds: number): number {
  const factor = Math.min(2, Math.max(0.5, SLICE_MILLISECONDS / Math.max(milliseconds, 0.01)));
  return Math.max(10_000, Math.min(100_000_000, Math.round(slice * factor)));
}
