/**
 * The PCI bus of a PC and the way to its configuration space: mechanism 1 (PCI 3.0 §3.2.2.3.2).
 *
 *     0xcf8  address, 32 bits: 31 enable, 23:16 bus, 15:11 device, 10:8 function, 7:2 register     0xcfc  data, 1, 2 or 4 bytes
 *
 * Invariant: a register of a function that is not there reads as all ones. The interrupt pins of all functions meet in four wires, PIRQA … PIRQD: pin p
 * of device d on wire (d + p − 2) mod 4 (QEMU's i440FX board). A wire is high while any of its pins is; the bus drives it when that changes and not when a state is
 * loaded, since what it leads to was saved at the same instant.
 * Elsewhere: a function's registers (`function.ts`), where the wires lead (`isa-bridge.ts`), who gets which address (`assign.ts`).
 */
import { assert } from "../../assert.ts";
import type { Device, Line, PlainData, RegionOps } from "../device.ts";
import { copyOf } from "../state.ts";
import { PCI, type PciEnvironment, type PciFunction } from "./function.ts";

const ENABLE = 0x80000000;
const ADDRESS_MASK = 0x80fffffc;
const ALL_ONES = { 1: 0xff, 2: 0xffff, 4: 0xffffffff } as const;

export interface PciSlot {
  readonly device: number;
  readonly function: number;
  readonly pci: PciFunction;
}

type State = {
  address: number;
  /** Device and function (device × 8 + function) of each pin that is high, in rising order. */
  asserted: number[];
};

export class PciBus implements Device {
  readonly name = "i440FX-pcihost";
  readonly deadline = Infinity;
  readonly #slots = new Map<number, PciSlot>();
  #pirq: (wire: number, level: boolean) => void = () => {};
  #state: State = { address: 0, asserted: [] };

  /** Plugs a function in. Every device has a function 0. */
  add(device: number, number: number, pci: PciFunction): void {
    assert(device >= 0 && device < 32 && number >= 0 && number < 8, "slot of a PCI function", device, number);
    const key = device * 8 + number;
    assert(!this.#slots.has(key), "slot is free", device, number);
    this.#slots.set(key, { device, function: number, pci });
  }

  /** All functions, by device and function number. */
  get slots(): readonly PciSlot[] {
    return [...this.#slots.entries()].toSorted(([a], [b]) => a - b).map(([, slot]) => slot);
  }

  at(device: number, number: number): PciFunction | null {
    return this.#slots.get(device * 8 + number)?.pci ?? null;
  }

  /** What the function that will be plugged in there is to be made with. */
  environment(device: number, number: number, machine: Omit<PciEnvironment, "intx">): PciEnvironment {
    return { ...machine, intx: this.#pin(device, number) };
  }

  /** Gives the four wires somewhere to go: `pirq` is told of every change of one, 0 … 3. */
  connect(pirq: (wire: number, level: boolean) => void): void {
    this.#pirq = pirq;
  }

  /** Port 0xcf8. Only accesses of all 32 bits reach the register; narrower ones belong to other devices' ports. */
  readonly address: RegionOps = {
    read: (_address, size) => (size === 4 ? this.#state.address : ALL_ONES[size]),
    write: (_address, size, value) => {
      if (size === 4) this.#state.address = (value & ADDRESS_MASK) >>> 0;
    },
  };

  /** Port 0xcfc. */
  readonly data: RegionOps = {
    read: (address, size) =>
      this.#selected?.readConfig(this.#register(address, size), size) ?? ALL_ONES[size],
    write: (address, size, value) =>
      this.#selected?.writeConfig(this.#register(address, size), size, value >>> 0),
  };

  reset(): void {
    this.#state.address = 0;
  }

  tick(): void {}

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  get #selected(): PciFunction | null {
    const { address } = this.#state;
    if ((address & ENABLE) === 0 || (address & 0xff0000) !== 0) return null;
    return this.#slots.get((address >>> 8) & 0xff)?.pci ?? null;
  }

  #register(address: number, size: 1 | 2 | 4): number {
    assert((address & 3) + size <= 4, "an access stays within a register", address, size);
    return (this.#state.address & 0xfc) + (address & 3);
  }

  #pin(device: number, number: number): Line {
    const key = device * 8 + number;
    return (level) => {
      const state = this.#state;
      if (state.asserted.includes(key) === level) return;
      const wire = this.#wire(key);
      assert(wire !== null, "a function with a pin raises it", device, number);
      const others = state.asserted.filter((other) => other !== key);
      state.asserted = level ? [...others, key].toSorted((a, b) => a - b) : others;
      if (!others.some((other) => this.#wire(other) === wire)) this.#pirq(wire, level);
    };
  }

  /** The wire that the pin of a function is on; null if it has no pin. */
  #wire(key: number): number | null {
    const slot = this.#slots.get(key);
    const pin = slot?.pci.get(PCI.interruptPin, 1) ?? 0;
    return slot === undefined || pin === 0 ? null : pirqOf(slot.device, pin);
  }
}

/** The wire, 0 … 3, of pin 1 (INTA#) … 4 of a device. */
export function pirqOf(device: number, pin: number): number {
  return (device + pin - 2) & 3;
}
