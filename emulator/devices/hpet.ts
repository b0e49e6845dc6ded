/**
 * The High Precision Event Timer (IA-PC HPET 1.0a) as QEMU 7.2's `pc` has it: a 64-bit counter of 100 MHz and three comparators.
 *
 *     0x000  capabilities: 0x8086a201, above it the period, 10^7 fs        0x010  configuration: 0 run, 1 legacy routing
 *     0x020  interrupts of level-triggered timers (1 clears)               0x0f0  counter
 *     0x100 + 0x20 n  timer n: 1 level, 2 enabled, 3 periodic, 6 set the accumulator, 8 32 bits, 13:9 route; what it can do in 4, 5 and 63:32
 *     0x108 + 0x20 n  comparator; in periodic mode a write is the period, and with bit 6 the next match, too
 *
 * Registers take 32-bit accesses, two of which come as one (`halves`); no message-signalled interrupts. In legacy routing timers 0 and 1 have interrupts 0
 * and 8, and the PIT and the RTC, which have them otherwise, are cut off.
 *
 * Invariant: the counter is worked out from virtual time; a timer knows the tick at which it matches. As in QEMU a comparator set to the past matches at
 * the next tick; a chip would go once around.
 */
import type { Nanoseconds } from "../numbers.ts";
import type { Device, Line, PlainData, RegionOps } from "./device.ts";

const TICK_NANOSECONDS = 10;
const CAPABILITIES = 0x8086a201;
const PERIOD_FEMTOSECONDS = 10_000_000;
const TIMERS = 3;
/** Interrupts that a timer can be routed to: the I/O APIC's pin 2. */
const ROUTES = 1 << 2;
const LEGACY_ROUTES = [0, 8] as const;

const CONFIG = { run: 1, legacy: 2 } as const;
const TIMER = { level: 2, enabled: 4, periodic: 8, setValue: 0x40, bits32: 0x100, abilities: 0x30 } as const;
const TIMER_WRITABLE = 0x7f4e;
const REGISTER = {
  capabilities: 0x00,
  configuration: 0x10,
  status: 0x20,
  counter: 0xf0,
  timers: 0x100,
} as const;

const MASK_32 = 0xffffffffn;
const WORD = 2 ** 32;
/** A tick that is so far away is never reached. */
const FAR = 2 ** 50;

interface Timer {
  config: number;
  /** The comparator's halves, unsigned. */
  low: number;
  high: number;
  period: bigint;
  /** Number of the tick, counted from virtual time 0, at which it matches next; Infinity: it does not. */
  due: number;
}

/** Plain data: 64-bit values in hexadecimal. */
type State = {
  config: number;
  status: number;
  counter: string;
  timers: { config: number; comparator: string; period: string; due: number | null }[];
  levels: { pit: boolean; rtc: boolean };
  now: number;
};

export class Hpet implements Device, RegionOps {
  readonly name = "hpet";
  readonly #line: (route: number) => Line;
  #config = 0;
  #status = 0;
  /** The counter at tick 0 while it runs, its value while it does not: halves, unsigned. */
  #low = 0;
  #high = 0;
  #timers: Timer[] = powerOn();
  /** What the chips behind interrupts 0 and 8 want. */
  #levels = { pit: false, rtc: false };
  #now = 0;
  /** Ticks since virtual time 0. */
  #tick = 0;
  /** What `#schedule` finds: the tick at which a timer matches next, and the time at which one does that may interrupt. */
  #next = Infinity;
  #deadline = Infinity;

  /** @param line the wire of an interrupt: 0 and 8 as the ISA bus has them, 2 the I/O APIC's pin */
  constructor(line: (route: number) => Line) {
    this.#line = line;
  }

  /** The PIT's and the RTC's way to interrupts 0 and 8. */
  readonly pit: Line = (level) => this.#pass("pit", 0, level);
  readonly rtc: Line = (level) => this.#pass("rtc", 1, level);

  reset(): void {
    for (let n = 0; n < TIMERS; n++) this.#lower(n);
    this.#config = 0;
    this.#status = 0;
    this.#low = this.#high = 0;
    this.#timers = powerOn();
    this.#schedule();
  }

  get deadline(): number {
    return this.#deadline;
  }

  tick(now: Nanoseconds): void {
    // What was due has matched then, and what has been armed since is due later.
    if (now === this.#now) return;
    this.#now = now;
    this.#tick = Math.floor(now / TICK_NANOSECONDS);
    if (this.#tick < this.#next) return;
    for (let n = 0; n < TIMERS; n++) if (this.#timers[n]!.due <= this.#tick) this.#match(n, this.#timers[n]!);
    this.#schedule();
  }

  /** The counter, 64 bits. */
  get counter(): bigint {
    return quad(this.#counterLow, this.#counterHigh);
  }
  // Guests read it over and over, so its halves are numbers, and a remainder by 2^32 is a shift.
  get #counterLow(): number {
    return this.#runs ? (this.#low + this.#tick) >>> 0 : this.#low;
  }
  get #counterHigh(): number {
    if (!this.#runs) return this.#high;
    return (this.#high + Math.floor((this.#low + this.#tick) / WORD)) >>> 0;
  }

  // --- registers --------------------------------------------------------------------------------------------------------------------------

  read(address: number): number {
    const high = address & 4;
    const register = address & ~7;
    if (register >= REGISTER.timers) {
      const timer = this.#timers[(register - REGISTER.timers) >> 5];
      if (timer === undefined) return 0;
      if ((register & 0x18) === 0) return high ? ROUTES : timer.config;
      return (register & 0x18) === 8 ? (high ? timer.high : timer.low) : 0;
    }
    switch (register) {
      case REGISTER.capabilities:
        return high ? PERIOD_FEMTOSECONDS : CAPABILITIES;
      case REGISTER.configuration:
        return high ? 0 : this.#config;
      case REGISTER.status:
        return high ? 0 : this.#status;
      case REGISTER.counter:
        return high ? this.#counterHigh : this.#counterLow;
      default:
        return 0;
    }
  }

  write(address: number, _size: 1 | 2 | 4, value: number): void {
    this.#writeRegister(address, value);
    this.#schedule();
  }

  // Linux finds out how long its accesses take by making 400,000 of 8 bytes.
  readonly halves = {
    read: (address: number, into: Uint32Array): void => {
      into[0] = this.read(address);
      into[1] = this.read(address + 4);
    },
    write: (address: number, low: number, high: number): void => {
      this.#writeRegister(address, low);
      this.#writeRegister(address + 4, high);
      this.#schedule();
    },
  };

  #writeRegister(address: number, value: number): void {
    const isHigh = (address & 4) !== 0;
    const register = address & ~7;
    if (register >= REGISTER.timers) {
      const n = (register - REGISTER.timers) >> 5;
      const timer = this.#timers[n];
      if (timer === undefined) return;
      if ((register & 0x18) === 8) this.#writeComparator(timer, isHigh, value);
      else if ((register & 0x18) === 0 && !isHigh) this.#writeTimer(n, timer, value);
    } else if (register === REGISTER.counter) {
      if (this.#runs) return;
      if (isHigh) this.#high = value >>> 0;
      else this.#low = value >>> 0;
    } else if (isHigh) return;
    else if (register === REGISTER.configuration) this.#configure(value & (CONFIG.run | CONFIG.legacy));
    else if (register === REGISTER.status)
      for (let n = 0; n < TIMERS; n++) if (value & this.#status & (1 << n)) this.#lower(n);
  }

  #configure(value: number): void {
    const changed = value ^ this.#config;
    if (changed & CONFIG.run) {
      const { counter } = this;
      if (this.#runs) for (let n = 0; n < TIMERS; n++) this.#lower(n);
      this.#config = (this.#config & ~CONFIG.run) | (value & CONFIG.run);
      this.#setCounter(this.#runs ? counter - BigInt(this.#tick) : counter);
      for (const timer of this.#timers) {
        if (this.#runs) this.#arm(timer);
        else timer.due = Infinity;
      }
    }
    if (changed & CONFIG.legacy) {
      // The lines change hands: low in between.
      for (const [n, route] of LEGACY_ROUTES.entries()) {
        this.#lower(n);
        this.#line(route)(false);
      }
      this.#config = value;
      this.#pass("pit", 0, this.#levels.pit);
      this.#pass("rtc", 1, this.#levels.rtc);
    }
  }

  #setCounter(value: bigint): void {
    this.#low = Number(value & MASK_32);
    this.#high = Number((value >> 32n) & MASK_32);
  }

  #writeTimer(n: number, timer: Timer, value: number): void {
    const before = timer.config;
    const config = (value & TIMER_WRITABLE) | TIMER.abilities;
    // A line that is left, or a level that is none any more, falls.
    if ((before ^ config) & (TIMER.level | 0x3e00)) this.#lower(n);
    timer.config = config;
    if (config & TIMER.bits32) {
      timer.high = 0;
      timer.period &= MASK_32;
    }
    if (!(config & TIMER.enabled)) {
      this.#lower(n);
      timer.due = Infinity;
    } else if (!(before & TIMER.enabled) && this.#runs) this.#arm(timer);
  }

  #writeComparator(timer: Timer, isHigh: boolean, value: number): void {
    const isPeriodic = (timer.config & TIMER.periodic) !== 0;
    if (isHigh && timer.config & TIMER.bits32) return;
    if (!isPeriodic || timer.config & TIMER.setValue) {
      if (isHigh) timer.high = value >>> 0;
      else timer.low = value >>> 0;
    }
    if (isPeriodic) timer.period = merge(timer.period, isHigh, value);
    timer.config &= ~TIMER.setValue;
    // A match of a timer that is off shows only in a comparator that goes on by itself.
    if (!isPeriodic && (timer.config & TIMER.enabled) === 0) timer.due = Infinity;
    else if (this.#runs) this.#arm(timer);
  }

  // --- time -------------------------------------------------------------------------------------------------------------------------------

  get #runs(): boolean {
    return (this.#config & CONFIG.run) !== 0;
  }

  get #isLegacy(): boolean {
    return (this.#config & CONFIG.legacy) !== 0;
  }

  /** Finds the earliest matches; called after whatever may have changed one, since a deadline is asked for after every access. */
  #schedule(): void {
    this.#next = Infinity;
    let due = Infinity;
    if (this.#runs)
      for (let n = 0; n < TIMERS; n++) {
        const timer = this.#timers[n]!;
        if (timer.due < this.#next) this.#next = timer.due;
        if (timer.due < due && timer.config & TIMER.enabled) due = timer.due;
      }
    this.#deadline = due * TICK_NANOSECONDS;
  }

  /** Finds the next match. */
  #arm(timer: Timer): void {
    const low = timer.low - this.#counterLow;
    let ticks = low | 0;
    if (!(timer.config & TIMER.bits32))
      ticks = ((timer.high - this.#counterHigh - (low < 0 ? 1 : 0)) | 0) * WORD + (low >>> 0);
    if (ticks <= 0) ticks = 1;
    timer.due = ticks < FAR ? this.#tick + ticks : Infinity;
  }

  #match(n: number, timer: Timer): void {
    const { due } = timer;
    const late = this.#tick - due;
    const isPeriodic = (timer.config & TIMER.periodic) !== 0 && timer.period > 0n;
    if (isPeriodic) {
      const bits = timer.config & TIMER.bits32 ? 32 : 64;
      // After the tick at which it matched: the comparator may have been in the past.
      const comparator = quad(timer.low, timer.high);
      const behind = BigInt.asIntN(bits, this.counter - comparator);
      const periods = behind < 0n ? 0n : behind / timer.period + 1n;
      const next = BigInt.asUintN(bits, comparator + periods * timer.period);
      timer.low = Number(next & MASK_32);
      timer.high = Number(next >> 32n);
      this.#arm(timer);
    } else timer.due = timer.config & TIMER.bits32 ? due + WORD * (Math.floor(late / WORD) + 1) : Infinity;
    if (timer.config & TIMER.enabled) this.#raise(n, timer);
  }

  // --- interrupts -------------------------------------------------------------------------------------------------------------------------

  /** The wire of timer n; null if it has none. */
  #wire(n: number): Line | null {
    const legacy = this.#isLegacy ? LEGACY_ROUTES[n] : undefined;
    if (legacy !== undefined) return this.#line(legacy);
    const route = (this.#timers[n]!.config >>> 9) & 31;
    return ROUTES & (1 << route) ? this.#line(route) : null;
  }

  #raise(n: number, timer: Timer): void {
    const wire = this.#wire(n);
    wire?.(true);
    if (timer.config & TIMER.level) this.#status |= 1 << n;
    else wire?.(false);
  }

  #lower(n: number): void {
    if ((this.#status & (1 << n)) === 0) return;
    this.#status &= ~(1 << n);
    this.#wire(n)?.(false);
  }

  #pass(chip: "pit" | "rtc", n: 0 | 1, level: boolean): void {
    this.#levels[chip] = level;
    if (!this.#isLegacy) this.#line(LEGACY_ROUTES[n])(level);
  }

  // --- state ------------------------------------------------------------------------------------------------------------------------------

  save(): PlainData {
    const state: State = {
      config: this.#config,
      status: this.#status,
      counter: quad(this.#low, this.#high).toString(16),
      timers: this.#timers.map(({ config, low, high, period, due }) => ({
        config,
        comparator: quad(low, high).toString(16),
        period: period.toString(16),
        due: due === Infinity ? null : due,
      })),
      levels: { ...this.#levels },
      now: this.#now,
    };
    return state;
  }

  load(state: PlainData): void {
    const saved = state as State;
    const parse = (text: string): bigint => BigInt(`0x${text}`);
    this.#config = saved.config;
    this.#status = saved.status;
    this.#setCounter(parse(saved.counter));
    this.#timers = saved.timers.map(({ config, comparator, period, due }) => ({
      config,
      low: Number(parse(comparator) & MASK_32),
      high: Number(parse(comparator) >> 32n),
      period: parse(period),
      due: due ?? Infinity,
    }));
    this.#levels = { ...saved.levels };
    this.#now = saved.now;
    this.#tick = Math.floor(saved.now / TICK_NANOSECONDS);
    this.#schedule();
  }
}

function powerOn(): Timer[] {
  return Array.from({ length: TIMERS }, () => ({
    config: TIMER.abilities,
    low: 0xffff_ffff,
    high: 0xffff_ffff,
    period: 0n,
    due: Infinity,
  }));
}

const quad = (low: number, high: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/** A 64-bit value after a write of one half. */
function merge(value: bigint, isHigh: boolean, half: number): bigint {
  const bits = BigInt(half >>> 0);
  return isHigh ? (value & MASK_32) | (bits << 32n) : (value & ~MASK_32) | bits;
}
