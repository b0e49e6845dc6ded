/**
 * Whose turn it is: the processors of a machine run one after the other, each for an exact number of instants, in the order of their numbers.
 *
 * Invariant: which CPU runs next is a function of the machine's state alone, never of the slices a run is cut into.
 */
import { ACTIVITY, type Core, FLAG } from "../cpu/core.ts";
import { STATE } from "../cpu/layout.ts";
import type { PlainData } from "../devices/device.ts";

/**
 * Instants of a turn. Long enough that changing places (two copies of some 80 KiB) costs little, short enough that a CPU that waits for another without
 * PAUSE does not wait long.
 */
const TURN = 50_000;

/** INIT, or the vector of a start-up message. */
export type Signal = "init" | number;

export class Turns {
  readonly #cpus: readonly Core[];
  #current = 0;
  #left: number;
  /** Messages that have arrived and wait for the end of the instruction under way. */
  #signals: { readonly cpu: number; readonly signal: Signal }[] = [];

  constructor(cpus: readonly Core[]) {
    this.#cpus = cpus;
    this.#left = this.#whole;
  }

  get #whole(): number {
    return this.#cpus.length === 1 ? Infinity : TURN;
  }

  /** The CPU that runs, or ran last. */
  get current(): number {
    return this.#current;
  }
  /** Instants left of its turn. */
  get left(): number {
    return this.#left;
  }

  reset(): void {
    this.#current = 0;
    this.#left = this.#whole;
    this.#signals = [];
  }

  /** The CPU that goes on now, or null if all of them wait for an interrupt. */
  next(): number | null {
    if (this.#left > 0 && isRunnable(this.#cpus[this.#current]!)) return this.#current;
    const count = this.#cpus.length;
    for (let step = 1; step <= count; step++) {
      const cpu = (this.#current + step) % count;
      if (!isRunnable(this.#cpus[cpu]!)) continue;
      this.#current = cpu;
      this.#left = this.#whole;
      return cpu;
    }
    return null;
  }

  /** The current CPU has used so many instants. */
  used(instants: number): void {
    this.#left = Math.max(0, this.#left - instants);
  }

  /** The current CPU waits for another: ends its turn if another can run, and says so. */
  yield(): boolean {
    if (!this.#cpus.some((core) => core.index !== this.#current && isRunnable(core))) return false;
    this.#left = 0;
    return true;
  }

  signal(cpu: number, signal: Signal): void {
    this.#signals.push({ cpu, signal });
  }
  takeSignals(): readonly { readonly cpu: number; readonly signal: Signal }[] {
    const signals = this.#signals;
    if (signals.length > 0) this.#signals = [];
    return signals;
  }

  /** No interrupt can end it: every CPU is halted with interrupts off, has shut down, or was never started. */
  get isDead(): boolean {
    return this.#cpus.every((core) => core.activity !== ACTIVITY.halted || !core.systemFlag(FLAG.IF));
  }

  save(): PlainData {
    const left = this.#left === Infinity ? -1 : this.#left;
    return { current: this.#current, left, signals: this.#signals.map((each) => ({ ...each })) };
  }
  load(state: PlainData): void {
    const saved = state as { current: number; left: number; signals: { cpu: number; signal: Signal }[] };
    this.#current = saved.current;
    this.#left = saved.left < 0 ? Infinity : saved.left;
    this.#signals = saved.signals.map((each) => ({ ...each }));
  }
}

/** Not halted, or halted with an interrupt at the door that it will take. */
export function isRunnable(core: Core): boolean {
  if (core.activity === ACTIVITY.running) return true;
  if (core.activity !== ACTIVITY.halted) return false;
  if (core.nmiPending && core.word(STATE.nmiBlocked) === 0) return true;
  return core.interruptLine && core.systemFlag(FLAG.IF);
}
