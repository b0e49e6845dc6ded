/**
 * The machine as something that runs beside a conversation: in slices of about 5 ms, between which messages are read, output is handed on, and
 * a pause takes effect; and, if wanted, paced so that idle virtual time passes no faster than real time.
 *
 * Invariant: slices and pacing decide only when the host computes, never what the guest sees. One `run` at a time.
 * Elsewhere: whether a stop is one (`breakpoints/`, `stepping/`), what it is called (`stop.ts`).
 */
import { assert, type Core, type Input, type Machine, type StopReason } from "../emulator/index.ts";
import { runSingle } from "./stepping/single.ts";
import type { Channel } from "../media/protocol.ts";

/** The host's time, injected so that tests have one of their own. Milliseconds. */
export interface Clock {
  now(): number;
  /** Lets everything else that waits on this thread have its turn. */
  turn(): Promise<void>;
  /** Resolves after `milliseconds`, or when `wake` does. */
  sleep(milliseconds: number, wake: Promise<void>): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  sleep(milliseconds, wake) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      void wake.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  },
};

export type Stop = StopReason | { readonly kind: "pause" };

export interface RunOptions {
  /** Pass the first instruction even if it has a breakpoint. */
  readonly resume: boolean;
  /** At most so many instants; ends with "limit". */
  readonly instants?: number;
  /** Whether a stop is one; false goes on (a condition was false, a log point wrote its line). */
  readonly accepts: (stop: StopReason) => boolean;
}

/** How a step or a run drives the machine. */
export interface Control {
  /** Runs until something happens that `accepts` takes. */
  run(options: RunOptions): Promise<Stop>;
  /**
   * One instant of a CPU: an instruction, or the delivery of an interrupt or exception; breakpoints on the instruction do not count. The others take their
   * turns meanwhile. What `accepts` takes ends it before, as does a pause.
   */
  single(core: Core, accepts: RunOptions["accepts"]): Promise<Stop | { readonly kind: "stepped" }>;
}

/** Most instants between two looks at the clock: after fast code there may come some that runs at a hundredth of its speed, and a pause waits for it. */
const SLICE_INSTANTS_MAX = 500_000;
const SLICE_MILLISECONDS = 5;
/** A guest that computes falls behind real time, or gets ahead of it; beyond this, pacing starts anew instead of racing to catch up or sleeping it off. */
const LAG_MILLISECONDS = 50;
/** Output is handed on so often at most: each message goes through several processes of an editor. */
const OUTPUT_MILLISECONDS = 16;
/** Or as soon as there is this much. */
const OUTPUT_BYTES = 1 << 15;
const NANOSECONDS = 1e6;

export class Debuggee {
  readonly machine: Machine;
  /** Called between slices with what the guest wrote. */
  onOutput: (channel: Channel, bytes: Uint8Array) => void = () => undefined;
  /** Called between slices while running. */
  onSlice: () => void = () => undefined;
  /** Called when the machine has stopped, before anybody is told. */
  onRest: () => void = () => undefined;
  readonly #clock: Clock;
  readonly #realTime: boolean;
  readonly #output = new Map<Channel, OutputBuffer>();
  /** Some buffer has something in it, and since when nothing has been handed on. */
  #written = 0;
  #flushed = Number.NEGATIVE_INFINITY;
  #running = false;
  #sliceBegan = 0;
  #pause = false;
  #ended = false;
  #wake: () => void = () => undefined;
  #looksAgain = false;
  /** Instants that fit a slice, learnt while running. */
  #sliceInstants = 200_000;

  constructor(machine: Machine, clock: Clock, realTime: boolean) {
    this.machine = machine;
    this.#clock = clock;
    this.#realTime = realTime;
    machine.onOutput = (channel, byte) => {
      let buffer = this.#output.get(channel);
      if (buffer === undefined) this.#output.set(channel, (buffer = new OutputBuffer()));
      buffer.push(byte);
      this.#written++;
    };
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Ends a run at the next instruction; the run resolves with "pause". */
  pause(): void {
    this.#pause = true;
    this.#wake();
  }

  /** While a stop is being judged: its instruction has got breakpoints that it did not have when the machine stopped. */
  lookAgain(): void {
    this.#looksAgain = true;
  }

  /** The session is over: a run that is under way resolves soon and nothing more happens. */
  dispose(): void {
    this.#ended = true;
    this.pause();
  }

  input(input: Input): void {
    this.machine.input(input);
    this.#wake();
  }

  /**
   * Does something that runs the machine: continuing, a step. `body` gets the means to, and says where it ended; while it lasts the machine counts as
   * running and can be paused.
   */
  async perform(body: (control: Control) => Promise<Stop>): Promise<Stop> {
    assert(!this.#running, "one run at a time");
    this.#running = true;
    this.#pause = false;
    this.#sliceBegan = this.#clock.now();
    try {
      return await body({
        run: (options) =>
          this.#loop(options.resume, options.instants ?? Number.POSITIVE_INFINITY, options.accepts),
        single: (core, accepts) => this.#single(core, accepts),
      });
    } finally {
      this.#running = false;
      this.flush();
      this.onRest();
    }
  }

  async #single(core: Core, accepts: RunOptions["accepts"]): Promise<Stop | { readonly kind: "stepped" }> {
    for (;;) {
      if (await this.#breathe()) return { kind: "pause" };
      const stop = runSingle(this.machine, core, this.#sliceInstants);
      if (stop.kind === "stepped" || (!isUneventful(stop) && accepts(stop))) return stop;
      // Its own instruction has been executed when it causes a stop that is none.
      if ("cpu" in stop && stop.cpu === core.index) return { kind: "stepped" };
      if (stop.kind === "waiting") await this.#delivered(stop.ready);
      // Nobody can run until something comes from outside.
      else if (stop.kind === "idle") await this.#wait(1000);
    }
  }

  /** Between single steps: gives way when the slice is over. True: somebody asked for a pause. */
  async #breathe(): Promise<boolean> {
    if (this.#clock.now() - this.#sliceBegan >= SLICE_MILLISECONDS) {
      this.#flushNow();
      this.onSlice();
      await this.#clock.turn();
      this.#sliceBegan = this.#clock.now();
    }
    return this.#pause || this.#ended;
  }

  async #loop(first: boolean, instants: number, accepts: RunOptions["accepts"]): Promise<Stop> {
    const { machine } = this;
    const clock = this.#clock;
    const end = machine.instant + instants;
    let resume = first;
    let origin: { readonly real: number; readonly virtual: number } = {
      real: clock.now(),
      virtual: machine.now,
    };
    for (;;) {
      const started = clock.now();
      const sliceEnd = started + SLICE_MILLISECONDS;
      const target = origin.virtual + (sliceEnd - origin.real) * NANOSECONDS;
      let stop: StopReason;
      let hasIdled = false;
      // The clock ends a slice: the machine can be done with its instants in a tenth of it, and what comes between slices takes time.
      do {
        const before = machine.instant;
        const budget = Math.min(this.#sliceInstants, end - before);
        if (budget <= 0) return { kind: "limit" };
        const began = clock.now();
        stop = machine.run({
          instants: budget,
          resume,
          ...(this.#realTime ? { idleUntilNanoseconds: target } : {}),
        });
        hasIdled = machine.instant - before < budget;
        this.#learn(machine.instant - before, clock.now() - began);
        if (isUneventful(stop)) resume &&= machine.instant === before;
        else if (accepts(stop)) return stop;
        // A stop that is none must not stop again at the same instruction, unless breakpoints have come to it meanwhile.
        else resume = !this.#looksAgain;
        this.#looksAgain = false;
        if (this.#pause) return { kind: "pause" };
      } while ((!hasIdled || !isUneventful(stop)) && clock.now() < sliceEnd);
      if (machine.instant >= end) return { kind: "limit" };
      this.#flushNow();
      this.onSlice();
      await clock.turn();
      if (this.#pause || this.#ended) return { kind: "pause" };
      if (stop.kind === "waiting") await this.#delivered(stop.ready);
      else if (stop.kind === "idle") await this.#wait(1000);
      else if (this.#realTime) origin = await this.#pace(origin, hasIdled);
      if (this.#pause || this.#ended) return { kind: "pause" };
    }
  }

  /** Keeps a slice at about its length, whatever the guest does. */
  #learn(instants: number, milliseconds: number): void {
    if (instants < this.#sliceInstants / 2) return;
    const ideal = (this.#sliceInstants * SLICE_MILLISECONDS) / Math.max(milliseconds, 0.1);
    const next = Math.min(ideal, this.#sliceInstants * 2);
    this.#sliceInstants = Math.round(Math.min(Math.max(next, 1000), SLICE_INSTANTS_MAX));
  }

  /** Sleeps while the virtual time of an idle machine is ahead of real time. One that computes is never held up. */
  async #pace(
    origin: { readonly real: number; readonly virtual: number },
    hasIdled: boolean,
  ): Promise<{ real: number; virtual: number }> {
    const { machine } = this;
    const now = this.#clock.now();
    const virtual = machine.now;
    const ahead = (virtual - origin.virtual) / NANOSECONDS - (now - origin.real);
    if (ahead < -LAG_MILLISECONDS) return { real: now, virtual };
    if (ahead > LAG_MILLISECONDS) return { real: now + LAG_MILLISECONDS, virtual };
    if (hasIdled && ahead > 1) await this.#wait(ahead);
    return { ...origin };
  }

  async #wait(milliseconds: number): Promise<void> {
    this.flush();
    const wake = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await this.#clock.sleep(milliseconds, wake);
    this.#wake = () => undefined;
  }

  /** Until the host has delivered, or somebody wants the machine to pause. */
  async #delivered(ready: Promise<void>): Promise<void> {
    const wake = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.flush();
    // What went wrong is thrown by the request when it is made again.
    await Promise.race([ready.catch(() => undefined), wake]);
    this.#wake = () => undefined;
  }

  /** Between slices: what was written after a while of silence at once, the rest gathered. */
  #flushNow(): void {
    if (this.#written === 0) return;
    const isDue = this.#clock.now() - this.#flushed >= OUTPUT_MILLISECONDS;
    if (isDue || this.#written >= OUTPUT_BYTES) this.flush();
  }

  /** Hands on what the guest has written so far. */
  flush(): void {
    if (this.#written === 0) return;
    this.#written = 0;
    this.#flushed = this.#clock.now();
    for (const [channel, buffer] of this.#output) {
      const bytes = buffer.take();
      if (bytes.length > 0) this.onOutput(channel, bytes);
    }
  }
}

/** Bytes on their way out. */
class OutputBuffer {
  #bytes = new Uint8Array(256);
  #length = 0;

  push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }

  /** A copy, which is the caller's. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }
}

/** The slice is over, and nothing has happened that anybody asked for. */
const isUneventful = ({ kind }: StopReason): boolean =>
  kind === "limit" || kind === "idle" || kind === "waiting";
