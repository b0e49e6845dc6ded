/**
 * The timer of a local APIC (SDM 3A 11.5.4): one-shot, periodic, or at a value of the time-stamp counter. It counts at 1 GHz before its divider, as QEMU's.
 *
 * Invariant: knows when it ends, not whether anybody listens: the mask and the vector are the local vector table's (`local-apic.ts`).
 */
export const TIMER = { oneShot: 0, periodic: 1, tscDeadline: 2 } as const;

export type ApicTimerState = {
  initialCount: number;
  /** The divide configuration register. */
  divide: number;
  /** TIMER, bits 18:17 of the LVT entry. */
  mode: number;
  /** Virtual time at which the counter is next at its end; −1: it does not run. */
  expiry: number;
  /** TSC value of the deadline mode, hexadecimal, so that it is plain data; "0": not armed. */
  tscDeadline: string;
  now: number;
};

export class ApicTimer {
  readonly #timestampOffset: () => bigint;
  #state: ApicTimerState;

  /** @param timestampOffset how far the processor's TSC is ahead of virtual time, in nanoseconds */
  constructor(timestampOffset: () => bigint) {
    this.#timestampOffset = timestampOffset;
    this.#state = powerOn(0);
  }

  get state(): Readonly<ApicTimerState> {
    return this.#state;
  }
  load(state: ApicTimerState): void {
    this.#state = { ...state };
  }
  reset(): void {
    this.#state = powerOn(this.#state.now);
  }

  /** Virtual time of the next end, or Infinity. */
  get deadline(): number {
    return this.#state.expiry < 0 ? Infinity : this.#state.expiry;
  }

  /** Brings the counter to now; true if it has come to its end on the way. */
  tick(now: number): boolean {
    const state = this.#state;
    state.now = now;
    if (state.expiry < 0 || state.expiry > now) return false;
    if (state.mode === TIMER.periodic && state.initialCount > 0) {
      const period = state.initialCount * this.#divider;
      state.expiry += (Math.floor((now - state.expiry) / period) + 1) * period;
    } else {
      state.expiry = -1;
      state.tscDeadline = "0";
    }
    return true;
  }

  /** A change to or from the deadline mode stops the timer. */
  setMode(mode: number): void {
    const state = this.#state;
    if (mode === state.mode) return;
    if (mode === TIMER.tscDeadline || state.mode === TIMER.tscDeadline)
      Object.assign(state, { expiry: -1, tscDeadline: "0", initialCount: 0 });
    state.mode = mode;
  }

  get initialCount(): number {
    return this.#state.initialCount;
  }
  set initialCount(value: number) {
    const state = this.#state;
    if (state.mode === TIMER.tscDeadline) return;
    state.initialCount = value;
    state.expiry = value === 0 ? -1 : state.now + value * this.#divider;
  }

  get currentCount(): number {
    const { expiry, now, mode } = this.#state;
    if (expiry < 0 || mode === TIMER.tscDeadline) return 0;
    return Math.max(0, Math.ceil((expiry - now) / this.#divider));
  }

  get divide(): number {
    return this.#state.divide;
  }
  /** What is left of the count goes on at the new rate. */
  set divide(value: number) {
    const state = this.#state;
    const left = this.currentCount;
    state.divide = value;
    if (left > 0) state.expiry = state.now + left * this.#divider;
  }
  /** 2 … 128 for configurations 0 … 6, and 1 for 7. */
  get #divider(): number {
    const { divide } = this.#state;
    const configuration = (divide & 3) | ((divide >>> 1) & 4);
    return 1 << ((configuration + 1) & 7);
  }

  /** IA32_TSC_DEADLINE; 0 disarms. Outside of its mode it reads as 0 and takes nothing. */
  get tscDeadline(): bigint {
    return this.#state.mode === TIMER.tscDeadline ? BigInt(`0x${this.#state.tscDeadline}`) : 0n;
  }
  set tscDeadline(value: bigint) {
    const state = this.#state;
    if (state.mode !== TIMER.tscDeadline) return;
    state.tscDeadline = value.toString(16);
    const at = Number(BigInt.asIntN(64, value - this.#timestampOffset()));
    state.expiry = value === 0n ? -1 : Math.max(at, state.now);
  }
}

const powerOn = (now: number): ApicTimerState => ({
  initialCount: 0,
  divide: 0,
  mode: TIMER.oneShot,
  expiry: -1,
  tscDeadline: "0",
  now,
});
