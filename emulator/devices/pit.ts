/**
 * The i8254 programmable interval timer: three 16-bit down counters at 1.193182 MHz (Intel 8254 data sheet, 231164).
 *
 *     port 0…2  count of channel 0…2, low and high byte in turn as its control word says
 *     port 3    control word: 7:6 channel (3: read-back), 5:4 access (0: latch, 1 low, 2 high, 3 both), 3:1 mode, 0 BCD
 *
 * Invariant: nothing is counted. A channel knows at which tick its count was loaded, and output and count are functions of that and of now.
 * Channel 0 drives IRQ 0; channel 1 drives nothing; gate and output of channel 2 are in port 0x61 (`speaker.ts`).
 *
 * Counts follow the data sheet where QEMU simplifies: a count is loaded one tick after it was written, a new one in mode 2 or 3 takes effect at the
 * end of the (half) cycle, and the output in mode 2 is low for the last tick of a cycle, not high for the first.
 */
import type { Nanoseconds } from "../numbers.ts";
import { PIT_HERTZ, ticksAt, timeOf } from "./clock.ts";
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

/** A tick that never comes; plain data has no infinity. */
const NEVER = Number.MAX_SAFE_INTEGER;

type Channel = {
  mode: number;
  /** Access field of the control word: 1 low, 2 high, 3 low then high. */
  access: number;
  bcd: boolean;
  gate: boolean;
  /** Counts in a cycle: 1 … 65536; 0 before the first count is written. */
  count: number;
  /** Tick at which `count` was loaded; may lie one tick ahead. */
  start: number;
  /** Ticks counted when a low gate stopped the channel, or −1. */
  held: number;
  /** Modes 1 and 5 wait for a rising gate. */
  triggered: boolean;
  /** A count that replaces `count` at tick `nextAt`; 0 if none. */
  next: number;
  nextAt: number;
  /** Latched count and status, −1 if none. */
  latch: number;
  status: number;
  /** The low byte has been read, the high one is next. */
  readHigh: boolean;
  /** The low byte that was written first, or −1. */
  writtenLow: number;
};

type State = { now: number; channels: [Channel, Channel, Channel]; out0: boolean };

export class Pit implements Device, RegionOps {
  readonly name = "i8254";
  readonly #irq0: Line;
  #state: State;

  constructor(irq0: Line) {
    this.#irq0 = irq0;
    this.#state = powerOn(0);
  }

  reset(): void {
    this.#state = powerOn(this.#state.now);
    this.#irq0(this.#state.out0);
  }

  get deadline(): number {
    const change = nextChange(this.#state.channels[0], this.#tick);
    return change >= NEVER ? Infinity : timeOf(change, PIT_HERTZ);
  }

  tick(now: Nanoseconds): void {
    const state = this.#state;
    const until = ticksAt(now, PIT_HERTZ);
    const [channel] = state.channels;
    for (let at = nextChange(channel, this.#tick); at <= until; at = nextChange(channel, at)) {
      settle(channel, at);
      this.#drive(at);
    }
    state.now = now;
    for (const each of state.channels) settle(each, until);
    this.#drive(until);
  }

  read(address: number, _size: 1 | 2 | 4): number {
    const channel = this.#state.channels[address & 3];
    if (!channel) return 0;
    if (channel.status >= 0) {
      const status = channel.status;
      channel.status = -1;
      return status;
    }
    const value = channel.latch >= 0 ? channel.latch : valueAt(channel, this.#tick);
    const high = channel.access === 2 || (channel.access === 3 && channel.readHigh);
    if (channel.access === 3) channel.readHigh = !channel.readHigh;
    if (channel.access !== 3 || high) channel.latch = -1;
    return high ? value >> 8 : value & 0xff;
  }

  write(address: number, _size: 1 | 2 | 4, value: number): void {
    const channel = this.#state.channels[address & 3];
    if (channel) this.#writeCount(channel, value & 0xff);
    else this.#writeControl(value & 0xff);
    this.#drive(this.#tick);
  }

  /** Gate of channel 2, from port 0x61 bit 0. */
  get gate2(): boolean {
    return this.#state.channels[2].gate;
  }
  set gate2(level: boolean) {
    setGate(this.#state.channels[2], level, this.#tick);
  }

  /** Output of channel 2 now, for port 0x61 bit 5. */
  get out2(): boolean {
    return outputAt(this.#state.channels[2], this.#tick);
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  get #tick(): number {
    return ticksAt(this.#state.now, PIT_HERTZ);
  }

  #drive(tick: number): void {
    const level = outputAt(this.#state.channels[0], tick);
    if (level === this.#state.out0) return;
    this.#state.out0 = level;
    this.#irq0(level);
  }

  #writeControl(value: number): void {
    const { channels } = this.#state;
    const select = value >> 6;
    if (select === 3) {
      channels.forEach((channel, index) => {
        if ((value & (2 << index)) === 0) return;
        if ((value & 0x20) === 0) latchCount(channel, this.#tick);
        if ((value & 0x10) === 0 && channel.status < 0) channel.status = statusAt(channel, this.#tick);
      });
      return;
    }
    const channel = channels[select]!;
    if ((value & 0x30) === 0) {
      latchCount(channel, this.#tick);
      return;
    }
    const mode = (value >> 1) & 7;
    channels[select] = {
      ...blank(channel.gate),
      mode: mode > 5 ? mode & 3 : mode,
      access: (value >> 4) & 3,
      bcd: (value & 1) !== 0,
      start: channel.start,
    };
  }

  #writeCount(channel: Channel, value: number): void {
    if (channel.access === 3 && channel.writtenLow < 0) {
      channel.writtenLow = value;
      if (channel.mode === 0) channel.count = 0; // the first byte stops counting
      return;
    }
    const raw =
      channel.access === 3 ? (value << 8) | channel.writtenLow : channel.access === 2 ? value << 8 : value;
    channel.writtenLow = -1;
    const count = (channel.bcd ? fromBcd(raw) : raw) || modulus(channel);
    const tick = this.#tick;
    switch (channel.mode) {
      case 1:
      case 5:
        if (channel.triggered && tick < channel.start) {
          channel.count = count;
          return;
        }
        channel.next = count;
        channel.nextAt = NEVER;
        return;
      case 2:
      case 3:
        // Once a count was loaded, another waits for the end of the cycle, or with a low gate for the gate.
        if (channel.count > 0 && tick >= channel.start) {
          channel.next = count;
          channel.nextAt = channel.gate ? cycleEnd(channel, tick) : NEVER;
          return;
        }
    }
    channel.count = count;
    channel.start = tick + 1;
    channel.held = channel.gate ? -1 : 0;
  }
}

function powerOn(now: number): State {
  const running = (gate: boolean): Channel => ({
    ...blank(gate),
    mode: 3,
    count: 0x10000,
    start: ticksAt(now, PIT_HERTZ),
    held: gate ? -1 : 0,
  });
  return { now, channels: [running(true), running(true), running(false)], out0: true };
}

function blank(gate: boolean): Channel {
  return {
    mode: 0,
    access: 0,
    bcd: false,
    gate,
    count: 0,
    start: 0,
    held: -1,
    triggered: false,
    next: 0,
    nextAt: 0,
    latch: -1,
    status: -1,
    readHigh: false,
    writtenLow: -1,
  };
}

const modulus = (channel: Channel): number => (channel.bcd ? 10_000 : 0x10000);
const elapsedAt = (channel: Channel, tick: number): number =>
  channel.held >= 0 ? channel.held : tick - channel.start;
const waits = (channel: Channel): boolean =>
  channel.count === 0 || ((channel.mode === 1 || channel.mode === 5) && !channel.triggered);

/** Ticks for which a mode 3 output is high in each cycle. */
const highTicks = (count: number): number => (count + 1) >> 1;

/** Loads the waiting count if its time has come. */
function settle(channel: Channel, tick: number): void {
  if (channel.next === 0 || tick < channel.nextAt) return;
  // Mode 3 reloads at the end of a half: if that was the high one, the new count begins with its low half.
  const intoCycle = (channel.nextAt - channel.start) % channel.count;
  channel.start = channel.nextAt - (channel.mode === 3 && intoCycle !== 0 ? highTicks(channel.next) : 0);
  channel.count = channel.next;
  channel.next = 0;
}

/** The tick at which the current cycle (mode 2) or half cycle (mode 3) ends. */
function cycleEnd(channel: Channel, tick: number): number {
  const { count, start } = channel;
  if (tick < start) return start;
  const intoCycle = (tick - start) % count;
  const half = highTicks(count);
  return channel.mode === 3 && intoCycle < half ? tick - intoCycle + half : tick - intoCycle + count;
}

function outputAt(channel: Channel, tick: number): boolean {
  if (waits(channel)) return channel.mode !== 0;
  const { count, mode } = channel;
  const elapsed = elapsedAt(channel, tick);
  switch (mode) {
    case 0:
    case 1:
      return elapsed >= count;
    case 2:
      return !channel.gate || elapsed < 0 || elapsed % count !== count - 1;
    case 3:
      return !channel.gate || elapsed < 0 || elapsed % count < highTicks(count);
    default:
      return elapsed !== count || channel.held >= 0;
  }
}

/** The first tick after `tick` at which the output changes; NEVER if it stays. */
function nextChange(channel: Channel, tick: number): number {
  if (waits(channel) || channel.held >= 0) return NEVER;
  const { count, mode, start } = channel;
  const elapsed = tick - start;
  const intoCycle = Math.max(elapsed, 0) % count;
  const from = Math.max(tick, start);
  switch (mode) {
    case 0:
    case 1:
      return elapsed < count ? start + count : NEVER;
    case 2:
      if (count === 1) return NEVER;
      return intoCycle < count - 1 ? from + count - 1 - intoCycle : from + 1;
    case 3:
      if (count === 1) return NEVER;
      return from + (intoCycle < highTicks(count) ? highTicks(count) : count) - intoCycle;
    default:
      return elapsed < count ? start + count : elapsed === count ? tick + 1 : NEVER;
  }
}

/** The counting element as a guest reads it. */
function valueAt(channel: Channel, tick: number): number {
  const { count, mode } = channel;
  const elapsed = Math.max(elapsedAt(channel, tick), 0);
  let value: number;
  if (waits(channel)) value = count;
  else if (mode === 2) value = count - (elapsed % count);
  else if (mode === 3) {
    // Counts by two; an odd count is first made even, and its high half lasts one tick longer (down to 0).
    const intoCycle = elapsed % count;
    const half = highTicks(count);
    value = (count & ~1) - 2 * (intoCycle < half ? intoCycle : intoCycle - half);
  } else value = (((count - elapsed) % modulus(channel)) + modulus(channel)) % modulus(channel);
  value %= modulus(channel);
  return channel.bcd ? toBcd(value) : value;
}

/** Read-back status: 7 output, 6 null count, 5:4 access, 3:1 mode, 0 BCD. */
function statusAt(channel: Channel, tick: number): number {
  const nullCount = channel.count === 0 || channel.next !== 0 || (channel.held < 0 && tick < channel.start);
  return (
    (outputAt(channel, tick) ? 0x80 : 0) |
    (nullCount ? 0x40 : 0) |
    (channel.access << 4) |
    (channel.mode << 1) |
    (channel.bcd ? 1 : 0)
  );
}

function latchCount(channel: Channel, tick: number): void {
  if (channel.latch < 0) channel.latch = valueAt(channel, tick);
}

function setGate(channel: Channel, level: boolean, tick: number): void {
  if (level === channel.gate) return;
  channel.gate = level;
  const retriggered = channel.mode !== 0 && channel.mode !== 4;
  if (!level) {
    if (channel.mode === 1 || channel.mode === 5) return;
    channel.held = Math.max(tick - channel.start, 0);
    channel.nextAt = NEVER;
  } else if (retriggered) {
    if (channel.next !== 0) channel.count = channel.next;
    channel.next = 0;
    channel.triggered = channel.count !== 0;
    channel.start = tick + 1;
    channel.held = -1;
  } else {
    if (tick >= channel.start) channel.start = tick - Math.max(channel.held, 0);
    channel.held = -1;
  }
}

const fromBcd = (value: number): number =>
  (value >> 12) * 1000 + ((value >> 8) & 15) * 100 + ((value >> 4) & 15) * 10 + (value & 15);
const toBcd = (value: number): number =>
  (Math.floor(value / 1000) << 12) |
  ((Math.floor(value / 100) % 10) << 8) |
  ((Math.floor(value / 10) % 10) << 4) |
  (value % 10);
