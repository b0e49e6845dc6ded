/**
 * The High Precision Event Timer (IA-PC HPET 1.0a) as QEMU 7.2's `pc` has it: a 64-bit counter of 100 MHz and three comparators.
 *
 *     0x000  capabilities: 0x8086a201, above it the period, 10^7 fs        0x010  configuration: 0 run, 1 legacy routing
 *     0x020  interrupts of level-triggered timers (1 clears)               0x0f0  counter
 *     0x100 + 0x20 n  timer n: 1 level, 2 enabled, 3 periodic, 6 set the accumulator, 8 32 bits, 13:9 route; what it can do in 4, 5 and 63:32
 *     0x108 + 0x20 n  comparator; in periodic mode a write is the period, and with bit 6 the next match, too
 *
 * Registers take 32-bit accesses; no message-signalled interrupts. In legacy routing timers 0 and 1 have interrupts 0 and 8, and the PIT and the RTC, which
 * have them otherwise, are cut off.
 *
 * Invariant: the counter is worked out from virtual time by who reads it, and a comparator that nobody compares with is memory: guests reach both without asking
 * (`OpenRegisters`). A timer knows the tick at which it matches. As in QEMU a comparator set to the past matches at the next tick; a chip would go once around.
 */
import type { Nanoseconds } from "../numbers.ts";
import type { Device, Line, OpenRegisters, PlainData, RegionOps } from "./device.ts";

const TICK_NANOSECONDS = 10;
const CAPABILITIES = 0x8086a201;
const PERIOD_FEMTOSECONDS = 10_000_000;
const COMPARATORS = [0x108, 0x128, 0x148] as const;
/** Interrupts that a timer can be routed to: the I/O APIC's pin 2. */
const ROUTES = 1 << 2;
const LEGACY_ROUTES = [0, 8] as const;

const CONFIG = { run: 1, legacy: 2 } as const;
const TIMER = { level: 2, enabled: 4, periodic: 8, setValue: 0x40, bits32: 0x100, abilities: 0x30 } as const;
const TIMER_WRITABLE = 0x7f4e;
/** Without these a comparator is memory: nobody compares with it, and all that is written stays. */
const TIMER_AT_WORK = TIMER.enabled | TIMER.periodic | TIMER.setValue | TIMER.bits32;
const REGISTER = {
  capabilities: 0x00,
  configuration: 0x10,
  status: 0x20,
  counter: 0xf0,
  timers: 0x100,
} as const;

const MASK_32 = 0xffffffffn;
const MASK_64 = 0xffff_ffff_ffff_ffffn;
const WORD = 2 ** 32;
/** A tick that is so far away is never reached. */
const FAR = 2 ** 50;

interface Timer {
  /** Offset of its comparator. */
  readonly comparator: number;
  config: number;
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
  /** The comparators, and the counter: its value at tick 0 while it runs, its value while it does not. */
  readonly #registers: OpenRegisters;
  #config = 0;
  #status = 0;
  #timers: Timer[] = [];
  /** What the chips behind interrupts 0 and 8 want. */
  #levels = { pit: false, rtc: false };
  #now = 0;
  /** Ticks since virtual time 0. */
  #tick = 0;
  /** What `#schedule` finds: the tick at which a timer matches next, and the time at which one does that may interrupt. */
  #next = Infinity;
  #deadline = Infinity;

  /** @param line the wire of an interrupt: 0 and 8 as the ISA bus has them, 2 the I/O APIC's pin */
  constructor(line: (route: number) => Line, registers: OpenRegisters) {
    this.#line = line;
    this.#registers = registers;
    registers.count(TICK_NANOSECONDS);
    this.#powerOn();
  }

  /** The PIT's and the RTC's way to interrupts 0 and 8. */
  readonly pit: Line = (level) => this.#pass("pit", 0, level);
  readonly rtc: Line = (level) => this.#pass("rtc", 1, level);

  reset(): void {
    for (let n = 0; n < COMPARATORS.length; n++) this.#lower(n);
    this.#powerOn();
  }

  #powerOn(): void {
    this.#config = 0;
    this.#status = 0;
    this.#setQuad(REGISTER.counter, 0n);
    this.#timers = COMPARATORS.map((comparator) => {
      this.#setQuad(comparator, MASK_64);
      return { comparator, config: TIMER.abilities, period: 0n, due: Infinity };
    });
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
    for (let n = 0; n < COMPARATORS.length; n++)
      if (this.#timers[n]!.due <= this.#tick) this.#match(n, this.#timers[n]!);
    this.#schedule();
  }

  /** The counter, 64 bits. */
  get counter(): bigint {
    return quad(this.#counterLow, this.#counterHigh);
  }
  // Its halves are numbers, and a remainder by 2^32 is a shift, since guests may read it over and over.
  get #counterLow(): number {
    const low = this.#registers.get(REGISTER.counter);
    return this.#runs ? (low + this.#tick) >>> 0 : low;
  }
  get #counterHigh(): number {
    const high = this.#registers.get(REGISTER.counter + 4);
    if (!this.#runs) return high;
    return (high + Math.floor((this.#registers.get(REGISTER.counter) + this.#tick) / WORD)) >>> 0;
  }

  // --- registers --------------------------------------------------------------------------------------------------------------------------

  read(address: number): number {
    const high = address & 4;
    const register = address & ~7;
    if (register >= REGISTER.timers) {
      const timer = this.#timers[(register - REGISTER.timers) >> 5];
      if (timer === undefined) return 0;
      if ((register & 0x18) === 0) return high ? ROUTES : timer.config;
      return (register & 0x18) === 8 ? this.#registers.get(address) : 0;
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
      if (!this.#runs) this.#registers.set(address, value);
    } else if (isHigh) return;
    else if (register === REGISTER.configuration) this.#configure(value & (CONFIG.run | CONFIG.legacy));
    else if (register === REGISTER.status)
      for (let n = 0; n < COMPARATORS.length; n++) if (value & this.#status & (1 << n)) this.#lower(n);
  }

  #configure(value: number): void {
    const changed = value ^ this.#config;
    if (changed & CONFIG.run) {
      const { counter } = this;
      if (this.#runs) for (let n = 0; n < COMPARATORS.length; n++) this.#lower(n);
      this.#config = (this.#config & ~CONFIG.run) | (value & CONFIG.run);
      this.#setQuad(REGISTER.counter, this.#runs ? counter - BigInt(this.#tick) : counter);
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

  #quad(register: number): bigint {
    return quad(this.#registers.get(register), this.#registers.get(register + 4));
  }
  /** Sets a register to the lower 64 bits of a value. */
  #setQuad(register: number, value: bigint): void {
    this.#registers.set(register, Number(value & MASK_32));
    this.#registers.set(register + 4, Number((value >> 32n) & MASK_32));
  }

  #writeTimer(n: number, timer: Timer, value: number): void {
    const before = timer.config;
    const config = (value & TIMER_WRITABLE) | TIMER.abilities;
    // A line that is left, or a level that is none any more, falls.
    if ((before ^ config) & (TIMER.level | 0x3e00)) this.#lower(n);
    timer.config = config;
    if (config & TIMER.bits32) {
      this.#registers.set(timer.comparator + 4, 0);
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
    if (!isPeriodic || timer.config & TIMER.setValue)
      this.#registers.set(timer.comparator + (isHigh ? 4 : 0), value);
    if (isPeriodic) timer.period = merge(timer.period, isHigh, value);
    timer.config &= ~TIMER.setValue;
    if (this.#runs) this.#arm(timer);
  }

  // --- time -------------------------------------------------------------------------------------------------------------------------------

  get #runs(): boolean {
    return (this.#config & CONFIG.run) !== 0;
  }

  get #isLegacy(): boolean {
    return (this.#config & CONFIG.legacy) !== 0;
  }

  /**
   * Finds the earliest matches, and opens what guests may reach by themselves; called after whatever may have changed that, since a deadline is asked for after every
   * access.
   */
  #schedule(): void {
    this.#registers.open(REGISTER.counter, this.#runs ? "counter" : "memory");
    for (const { comparator, config } of this.#timers)
      this.#registers.open(comparator, (config & TIMER_AT_WORK) === 0 ? "memory" : "device");
    this.#next = Infinity;
    let due = Infinity;
    if (this.#runs)
      for (let n = 0; n < COMPARATORS.length; n++) {
        const timer = this.#timers[n]!;
        if (timer.due < this.#next) this.#next = timer.due;
        if (timer.due < due && timer.config & TIMER.enabled) due = timer.due;
      }
    this.#deadline = due * TICK_NANOSECONDS;
  }

  /** Finds the next match. That of a timer that is off shows only in a comparator that goes on by itself. */
  #arm(timer: Timer): void {
    timer.due = Infinity;
    if ((timer.config & (TIMER.enabled | TIMER.periodic)) === 0) return;
    const low = this.#registers.get(timer.comparator) - this.#counterLow;
    const high = this.#registers.get(timer.comparator + 4) - this.#counterHigh;
    let ticks = low | 0;
    if (!(timer.config & TIMER.bits32)) ticks = ((high - (low < 0 ? 1 : 0)) | 0) * WORD + (low >>> 0);
    if (ticks <= 0) ticks = 1;
    if (ticks < FAR) timer.due = this.#tick + ticks;
  }

  #match(n: number, timer: Timer): void {
    const { due } = timer;
    const late = this.#tick - due;
    const isPeriodic = (timer.config & TIMER.periodic) !== 0 && timer.period > 0n;
    if (isPeriodic) {
      const bits = timer.config & TIMER.bits32 ? 32 : 64;
      // After the tick at which it matched: the comparator may have been in the past.
      const comparator = this.#quad(timer.comparator);
      const behind = BigInt.asIntN(bits, this.counter - comparator);
      const periods = behind < 0n ? 0n : behind / timer.period + 1n;
      const next = BigInt.asUintN(bits, comparator + periods * timer.period);
      this.#setQuad(timer.comparator, next);
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
      counter: this.#quad(REGISTER.counter).toString(16),
      timers: this.#timers.map(({ comparator, config, period, due }) => ({
        config,
        comparator: this.#quad(comparator).toString(16),
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
    this.#setQuad(REGISTER.counter, parse(saved.counter));
    this.#timers = saved.timers.map(({ config, comparator: value, period, due }, n) => {
      const comparator = COMPARATORS[n]!;
      this.#setQuad(comparator, parse(value));
      return { comparator, config, period: parse(period), due: due ?? Infinity };
    });
    this.#levels = { ...saved.levels };
    this.#now = saved.now;
    this.#tick = Math.floor(saved.now / TICK_NANOSECONDS);
    this.#schedule();
  }
}

const quad = (low: number, high: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/** A 64-bit value after a write of one half. */
function merge(value: bigint, isHigh: boolean, half: number): bigint {
  const bits = BigInt(half >>> 0);
  return isHigh ? (value & MASK_32) | (bits << 32n) : (value & ~MASK_32) | bits;
}
