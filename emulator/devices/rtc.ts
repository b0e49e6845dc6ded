/**
 * The MC146818 real-time clock and its CMOS memory, with the memory sizes QEMU's `pc` keeps there.
 *
 *     port 0x70  index (7-bit; the NMI mask in bit 7 is not modelled, as in QEMU)      port 0x71  data
 *     0x00…0x09, 0x32  time, alarm, date, century (0x37 is another name for it)        0x0a…0x0d  registers A…D        the rest  memory
 *
 * Invariant: the calendar is base + whole seconds of virtual time since `since`; the time registers are worked out when they are read. While B.SET
 * is set they are plain memory, and become the base when it is cleared. Flags in C are found by comparing now with the last time anyone looked, so
 * only enabled interrupts need a deadline. Not modelled: the square-wave pin and B.DSE (daylight saving, which is remembered), as in QEMU.
 */
import type { Nanoseconds } from "../numbers.ts";
import { daysOf, dateOf } from "./calendar.ts";
import { RTC_HERTZ, ticksAt, timeOf } from "./clock.ts";
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

const SECOND = 1_000_000_000;
const DAY_SECONDS = 86_400;
/** A.UIP is set for this long before the time changes (data sheet: t_BUC). */
const UPDATE_WARNING = 244_000;

/** Indices of the registers; the alarm's follow their time register by one. */
const REG = {
  seconds: 0,
  minutes: 2,
  hours: 4,
  weekday: 6,
  day: 7,
  month: 8,
  year: 9,
  a: 10,
  b: 11,
  c: 12,
  d: 13,
  century: 0x32,
} as const;
const A = { updateInProgress: 0x80, divider: 0x70, rate: 0x0f } as const;
const B = { set: 0x80, periodic: 0x40, alarm: 0x20, update: 0x10, binary: 4, hours24: 2 } as const;
const C = { interrupt: 0x80, periodic: 0x40, alarm: 0x20, update: 0x10 } as const;
const VALID_RAM = 0x80;
const PM = 0x80;

type State = {
  index: number;
  /** 128 bytes. The time registers are only up to date while B.SET is set. */
  cmos: Uint8Array;
  /** The calendar's seconds since 1970 at virtual time `since`, at which a second began. */
  base: number;
  since: number;
  now: number;
};

export class Rtc implements Device, RegionOps {
  readonly name = "mc146818rtc";
  readonly #irq8: Line;
  #state: State;

  /** @param rtcBase the start, in milliseconds since 1970 UTC */
  constructor(irq8: Line, rtcBase: number) {
    this.#irq8 = irq8;
    const cmos = new Uint8Array(128);
    cmos[REG.a] = 0x26;
    cmos[REG.b] = B.hours24;
    cmos[REG.d] = VALID_RAM;
    this.#state = {
      index: 0,
      cmos,
      base: Math.floor(rtcBase / 1000),
      since: -(rtcBase % 1000) * 1_000_000,
      now: 0,
    };
  }

  /** Interrupts off; time, date and memory go on, on battery. */
  reset(): void {
    const { cmos } = this.#state;
    cmos[REG.b]! &= ~(B.periodic | B.alarm | B.update);
    cmos[REG.c] = 0;
    this.#irq8(false);
  }

  get deadline(): number {
    const { cmos, now } = this.#state;
    const enabled = cmos[REG.b]! & ~cmos[REG.c]!;
    let deadline = Infinity;
    if (enabled & B.periodic) deadline = Math.min(deadline, this.#nextPeriod());
    if (this.#runs && enabled & (B.update | B.alarm)) {
      const second = this.#secondAt(now);
      if (enabled & B.update) deadline = Math.min(deadline, this.#timeOfSecond(second + 1));
      if (enabled & B.alarm) deadline = Math.min(deadline, this.#timeOfSecond(this.#nextAlarm(second)));
    }
    return deadline;
  }

  tick(now: Nanoseconds): void {
    const state = this.#state;
    const before = state.now;
    let flags = 0;
    if (now >= this.#nextPeriod()) flags |= C.periodic;
    if (this.#runs) {
      const second = this.#secondAt(before);
      const until = this.#secondAt(now);
      if (until > second) {
        flags |= C.update;
        if (this.#nextAlarm(second) <= until) flags |= C.alarm;
      }
    }
    state.now = now;
    state.cmos[REG.c]! |= flags;
    this.#update();
  }

  read(address: number, _size: 1 | 2 | 4): number {
    if (address === 0) return 0xff;
    const { index, cmos } = this.#state;
    switch (index) {
      case REG.a:
        return cmos[REG.a]! | (this.#updateNears() ? A.updateInProgress : 0);
      case REG.c: {
        const flags = cmos[REG.c]!;
        cmos[REG.c] = 0;
        this.#update();
        return flags;
      }
      default:
        if (isTime(index) && this.#runs) this.#show();
        return cmos[index]!;
    }
  }

  write(address: number, _size: 1 | 2 | 4, value: number): void {
    const { index, cmos } = this.#state;
    const byte = value & 0xff;
    if (address === 0) {
      const selected = byte & 0x7f;
      this.#state.index = selected === 0x37 ? REG.century : selected;
      return;
    }
    switch (index) {
      case REG.a:
        this.#writeA(byte & ~A.updateInProgress);
        break;
      case REG.b:
        this.#writeB(byte);
        break;
      case REG.c:
      case REG.d:
        break;
      default:
        if (isTime(index) && this.#runs) {
          this.#show();
          cmos[index] = byte;
          this.#adopt(this.#phase());
        } else cmos[index] = byte;
    }
    this.#update();
  }

  /** Writes a byte of CMOS memory as the board or its firmware does before hand-over; not for the time registers. */
  configure(index: number, value: number): void {
    this.#state.cmos[index] = value;
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  /** The calendar advances: no B.SET, and the divider chain is not held in reset (A bits 6:4 = 11x). */
  get #runs(): boolean {
    const { cmos } = this.#state;
    return (cmos[REG.b]! & B.set) === 0 && (cmos[REG.a]! & 0x60) !== 0x60;
  }

  #secondAt(now: number): number {
    return this.#state.base + Math.floor((now - this.#state.since) / SECOND);
  }

  #timeOfSecond(second: number): number {
    return this.#state.since + (second - this.#state.base) * SECOND;
  }

  #updateNears(): boolean {
    return this.#runs && SECOND - this.#phase() <= UPDATE_WARNING;
  }

  /** Nanoseconds since the current second began. */
  #phase(): number {
    const { now, since } = this.#state;
    return (((now - since) % SECOND) + SECOND) % SECOND;
  }

  /** When the next periodic flag is due after `now`; Infinity if the rate is 0. Rates 1 and 2 are those of 8 and 9 (data sheet, table 5). */
  #nextPeriod(): number {
    const rate = this.#state.cmos[REG.a]! & A.rate;
    if (rate === 0 || (this.#state.cmos[REG.a]! & 0x60) === 0x60) return Infinity;
    const period = 1 << ((rate <= 2 ? rate + 7 : rate) - 1);
    const passed = Math.floor(ticksAt(this.#state.now, RTC_HERTZ) / period);
    return timeOf((passed + 1) * period, RTC_HERTZ);
  }

  /** The first second after `second` that the alarm registers match; Infinity if they hold no time. A byte of 0xc0 or more matches anything. */
  #nextAlarm(second: number): number {
    const { cmos } = this.#state;
    const field = (index: number, decode: (byte: number) => number): number =>
      cmos[index]! >= 0xc0 ? -1 : decode(cmos[index]!);
    const seconds = field(REG.seconds + 1, (byte) => this.#decode(byte));
    const minutes = field(REG.minutes + 1, (byte) => this.#decode(byte));
    const hours = field(REG.hours + 1, (byte) => this.#decodeHours(byte));
    const midnight = Math.floor(second / DAY_SECONDS) * DAY_SECONDS;
    const fits = (wanted: number, value: number): boolean => wanted < 0 || wanted === value;
    for (const day of [midnight, midnight + DAY_SECONDS]) {
      for (let hour = 0; hour < 24; hour++) {
        if (!fits(hours, hour) || day + hour * 3600 + 3599 <= second) continue;
        for (let minute = 0; minute < 60; minute++) {
          const start = day + hour * 3600 + minute * 60;
          if (!fits(minutes, minute) || start + 59 <= second) continue;
          const at = seconds < 0 ? Math.max(start, second + 1) : start + seconds;
          if (seconds < 60 && at > second) return at;
        }
      }
    }
    return Infinity;
  }

  #writeA(value: number): void {
    const { cmos } = this.#state;
    const held = (cmos[REG.a]! & 0x60) === 0x60;
    const holds = (value & 0x60) === 0x60;
    if (!held && holds && this.#runs) this.#show();
    cmos[REG.a] = value;
    // The first update comes half a second after the divider chain is let go.
    if (held && !holds && this.#runs) this.#adopt(SECOND / 2);
  }

  #writeB(value: number): void {
    const { cmos } = this.#state;
    const ran = this.#runs;
    if (ran) this.#show();
    const phase = this.#phase();
    // Setting SET aborts an update and clears UIE (data sheet, register B).
    cmos[REG.b] = value & B.set ? value & ~B.update : value;
    if (!ran && this.#runs) this.#adopt(phase);
    else if (ran && this.#runs) this.#show(); // in the new format
  }

  /** Writes the calendar into the time registers. */
  #show(): void {
    const { cmos } = this.#state;
    const second = this.#secondAt(this.#state.now);
    const inDay = ((second % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS;
    const days = Math.floor(second / DAY_SECONDS);
    const { year, month, day } = dateOf(days);
    cmos[REG.seconds] = this.#encode(inDay % 60);
    cmos[REG.minutes] = this.#encode(Math.floor(inDay / 60) % 60);
    cmos[REG.hours] = this.#encodeHours(Math.floor(inDay / 3600));
    cmos[REG.weekday] = this.#encode(((((days + 4) % 7) + 7) % 7) + 1); // 1 = Sunday; 1970-01-01 was a Thursday
    cmos[REG.day] = this.#encode(day);
    cmos[REG.month] = this.#encode(month);
    cmos[REG.year] = this.#encode(year % 100);
    cmos[REG.century] = this.#encode(Math.floor(year / 100));
  }

  /** Takes the time registers as the calendar; the current second is `phase` nanoseconds old. */
  #adopt(phase: number): void {
    const { cmos } = this.#state;
    const decode = (index: number): number => this.#decode(cmos[index]!);
    const year = decode(REG.century) * 100 + decode(REG.year);
    const days = daysOf(year, decode(REG.month), decode(REG.day));
    this.#state.base =
      days * DAY_SECONDS +
      this.#decodeHours(cmos[REG.hours]!) * 3600 +
      decode(REG.minutes) * 60 +
      decode(REG.seconds);
    this.#state.since = this.#state.now - phase;
  }

  #encode(value: number): number {
    return this.#state.cmos[REG.b]! & B.binary ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }

  #decode(byte: number): number {
    return this.#state.cmos[REG.b]! & B.binary ? byte : (byte >> 4) * 10 + (byte & 15);
  }

  #encodeHours(hours: number): number {
    if (this.#state.cmos[REG.b]! & B.hours24) return this.#encode(hours);
    return this.#encode(hours % 12 || 12) | (hours >= 12 ? PM : 0);
  }

  #decodeHours(byte: number): number {
    if (this.#state.cmos[REG.b]! & B.hours24) return this.#decode(byte);
    return (this.#decode(byte & ~PM) % 12) + (byte & PM ? 12 : 0);
  }

  #update(): void {
    const { cmos } = this.#state;
    const pending = cmos[REG.c]! & cmos[REG.b]! & (C.periodic | C.alarm | C.update);
    cmos[REG.c] = (cmos[REG.c]! & ~C.interrupt) | (pending ? C.interrupt : 0);
    this.#irq8(pending !== 0);
  }
}

const isTime = (index: number): boolean =>
  (index < REG.a && (index >= REG.weekday || (index & 1) === 0)) || index === REG.century;
