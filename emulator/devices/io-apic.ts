/**
 * The I/O APIC (Intel 82093AA, 290566): 24 pins, each with an entry that says who gets which vector.
 *
 *     0xfec00000  register select     0xfec00010  register window     0xfec00040  EOI of a vector (version 20h, as QEMU's)
 *     registers: 00 id, 01 version, 02 arbitration, 10h + 2n / 11h + 2n low and high half of entry n
 *     entry: 7:0 vector, 10:8 delivery, 11 logical, 13 active low, 14 remote IRR, 15 level, 16 masked, 63:56 destination
 *
 * Lines are active high here whatever bit 13 says: the board's wires carry "asserted". An edge that finds its entry masked waits for it, as in QEMU.
 */
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import { type ApicMessage, DELIVERY } from "./local-apic.ts";
import { copyOf } from "./state.ts";

export const IO_APIC_BASE = 0xfec00000;
const PINS = 24;
const VERSION = 0x20;
const ENTRY = { remoteIrr: 0x4000, level: 0x8000, masked: 0x10000 } as const;
/** Bits of an entry's low half that software may write. */
const WRITABLE = 0x1afff;

type State = {
  select: number;
  id: number;
  /** Pins asserted; requests not yet delivered. One bit a pin. */
  lines: number;
  irr: number;
  low: number[];
  high: number[];
};

const powerOn = (): State => ({
  select: 0,
  id: 0,
  lines: 0,
  irr: 0,
  low: Array.from({ length: PINS }, () => ENTRY.masked),
  high: Array.from({ length: PINS }, () => 0),
});

export class IoApic implements Device {
  readonly name = "ioapic";
  readonly deadline = Infinity;
  readonly #send: (message: ApicMessage) => void;
  readonly #acknowledge: () => number;
  #state = powerOn();

  /** @param acknowledge the 8259's vector, for an entry in external mode */
  constructor(send: (message: ApicMessage) => void, acknowledge: () => number) {
    this.#send = send;
    this.#acknowledge = acknowledge;
  }

  line(pin: number): Line {
    return (level) => this.setLine(pin, level);
  }

  /** Whether a request on this pin would be sent as things stand. */
  admits(pin: number): boolean {
    return (this.#state.low[pin]! & ENTRY.masked) === 0;
  }

  setLine(pin: number, level: boolean): void {
    const state = this.#state;
    const bit = 1 << pin;
    const before = (state.lines & bit) !== 0;
    state.lines = level ? state.lines | bit : state.lines & ~bit;
    const isLevel = (state.low[pin]! & ENTRY.level) !== 0;
    if (isLevel) state.irr = level ? state.irr | bit : state.irr & ~bit;
    else if (level && !before) state.irr |= bit;
    if (level) this.#service(pin);
  }

  /** A processor has ended a level-triggered interrupt. */
  endOfInterrupt(vector: number): void {
    const { low } = this.#state;
    for (let pin = 0; pin < PINS; pin++) {
      const entry = low[pin]!;
      if ((entry & 0xff) !== vector || (entry & ENTRY.level) === 0) continue;
      low[pin] = entry & ~ENTRY.remoteIrr;
      this.#service(pin);
    }
  }

  #service(pin: number): void {
    const state = this.#state;
    const bit = 1 << pin;
    const entry = state.low[pin]!;
    if ((state.irr & bit) === 0 || (entry & ENTRY.masked) !== 0) return;
    const level = (entry & ENTRY.level) !== 0;
    if (level) {
      if ((entry & ENTRY.remoteIrr) !== 0) return;
      state.low[pin] = entry | ENTRY.remoteIrr;
    } else state.irr &= ~bit;
    const delivery = (entry >>> 8) & 7;
    const external = delivery === DELIVERY.external;
    this.#send({
      vector: external ? this.#acknowledge() : entry & 0xff,
      delivery: external ? DELIVERY.fixed : delivery,
      destination: state.high[pin]! >>> 24,
      logical: (entry & 0x800) !== 0,
      level,
    });
  }

  readonly registers: RegionOps = {
    read: (address, size) => {
      const value = address < 0x10 ? this.#state.select : (address & ~15) === 0x10 ? this.#read() : 0;
      return size === 4 ? value >>> 0 : (value >>> ((address & 3) * 8)) & (size === 2 ? 0xffff : 0xff);
    },
    write: (address, _size, value) => {
      if (address < 0x10) this.#state.select = value & 0xff;
      else if (address === 0x10) this.#write(value);
      else if (address === 0x40) this.endOfInterrupt(value & 0xff);
    },
  };

  #read(): number {
    const { select, id, low, high } = this.#state;
    if (select === 0 || select === 2) return id << 24;
    if (select === 1) return VERSION | ((PINS - 1) << 16);
    const pin = (select - 0x10) >>> 1;
    if (select < 0x10 || pin >= PINS) return 0;
    return (select & 1) === 0 ? low[pin]! : high[pin]!;
  }

  #write(value: number): void {
    const state = this.#state;
    const { select } = state;
    if (select === 0) state.id = (value >>> 24) & 15;
    const pin = (select - 0x10) >>> 1;
    if (select < 0x10 || pin >= PINS) return;
    if ((select & 1) !== 0) {
      state.high[pin] = (value & 0xff000000) >>> 0;
      return;
    }
    let entry = (value & WRITABLE) | (state.low[pin]! & ENTRY.remoteIrr);
    // An entry that becomes edge-triggered forgets that it waits for an EOI; so software can clear remote IRR.
    if ((entry & ENTRY.level) === 0) entry &= ~ENTRY.remoteIrr;
    const bit = 1 << pin;
    if ((entry & ENTRY.level) !== 0) state.irr = (state.irr & ~bit) | (state.lines & bit);
    state.low[pin] = entry;
    this.#service(pin);
  }

  /** For `info pic` and panels: low and high halves of the entries, pins asserted and requesting. */
  get state(): Readonly<State> {
    return this.#state;
  }

  reset(): void {
    this.#state = { ...powerOn(), lines: this.#state.lines };
  }
  tick(): void {}
  save(): PlainData {
    return copyOf(this.#state);
  }
  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}
