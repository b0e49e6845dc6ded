/**
 * Message-signalled interrupts (PCI 3.0 §6.8): the MSI and MSI-X capabilities of a function. An interrupt is a write of a word to an address.
 *
 * Invariant: a message that is masked when it is raised is pending, and is sent when its mask goes; nothing is sent while the capability is off.
 * While it is on, the function's interrupt pin is not used: that is for the function to see to (`enabled`).
 * Elsewhere: where messages go (the local APICs, by `PciEnvironment.message`).
 *
 *     MSI    +2 control: 0 enable, 3:1 log2 of the vectors there are, 6:4 of those in use, 7 64-bit address, 8 masks
 *            +4 address (64 bits)   +12 data   +16 mask bits   +20 pending bits
 *     MSI-X  +2 control: 10:0 vectors − 1, 14 all masked, 15 enable    +4 table: offset and BAR    +8 pending bits: offset and BAR
 *            table entry, 16 bytes: +0 address (64 bits)   +8 data   +12 control: 0 masked
 */
import { assert } from "../../assert.ts";
import { MemoryRegion } from "../../memory/index.ts";
import type { PlainData, RegionOps } from "../device.ts";

export const MSI_CAPABILITY = { id: 0x05, bytes: 24 } as const;
export const MSIX_CAPABILITY = { id: 0x11, bytes: 12 } as const;

/** What a capability needs of its function. */
export interface MessageFunction {
  get(offset: number, size: 1 | 2 | 4): number;
  put(offset: number, size: 1 | 2 | 4, value: number): void;
  /** Lets the guest write these bits of configuration space. */
  allow(offset: number, size: 1 | 2 | 4, bits: number): void;
  /** Sends a message, if the function may master the bus. */
  send(address: number, data: number): void;
}

const MSI = { enable: 1, capableShift: 1, usedShift: 4, used: 0x70, wide: 0x80, masks: 0x100 } as const;

export class Msi {
  readonly #function: MessageFunction;
  readonly #offset: number;
  readonly #vectors: number;

  /** @param offset where the capability is  @param vectors 1, 2, 4 … 32 */
  constructor(fn: MessageFunction, offset: number, vectors: number) {
    const log2 = Math.log2(vectors);
    assert(Number.isInteger(log2) && log2 <= 5, "number of MSI vectors", vectors);
    this.#function = fn;
    this.#offset = offset;
    this.#vectors = vectors;
    fn.put(offset + 2, 2, (log2 << MSI.capableShift) | MSI.wide | MSI.masks);
    fn.allow(offset + 2, 2, MSI.enable | MSI.used);
    fn.allow(offset + 4, 4, 0xfffffffc);
    fn.allow(offset + 8, 4, 0xffffffff);
    fn.allow(offset + 12, 2, 0xffff);
    fn.allow(offset + 16, 4, 2 ** vectors - 1);
  }

  get enabled(): boolean {
    return (this.#control & MSI.enable) !== 0;
  }

  /** Raises a vector. If the guest uses fewer than there are, the others come as vector 0. */
  notify(vector: number): void {
    assert(vector >= 0 && vector < this.#vectors, "MSI vector", vector);
    if (!this.enabled) return;
    const used = this.#used;
    const actual = vector < used ? vector : 0;
    if ((this.#function.get(this.#offset + 16, 4) >>> actual) & 1) this.#setPending(actual, true);
    else this.#send(actual, used);
  }

  /** To be called after the guest wrote configuration space: what is no longer masked is sent. */
  configChanged(): void {
    const ready = this.#function.get(this.#offset + 20, 4) & ~this.#function.get(this.#offset + 16, 4);
    if (!this.enabled || ready === 0) return;
    const used = this.#used;
    for (let vector = 0; vector < used; vector++) {
      if (((ready >>> vector) & 1) === 0) continue;
      this.#setPending(vector, false);
      this.#send(vector, used);
    }
  }

  get #control(): number {
    return this.#function.get(this.#offset + 2, 2);
  }
  get #used(): number {
    return Math.min(1 << ((this.#control & MSI.used) >> MSI.usedShift), this.#vectors);
  }

  /** The vector's number takes the place of the data's low bits. */
  #send(vector: number, used: number): void {
    const address =
      this.#function.get(this.#offset + 8, 4) * 2 ** 32 + this.#function.get(this.#offset + 4, 4);
    const data = this.#function.get(this.#offset + 12, 2);
    this.#function.send(address, (data & ~(used - 1)) | vector);
  }

  #setPending(vector: number, pending: boolean): void {
    const bits = this.#function.get(this.#offset + 20, 4);
    const bit = (1 << vector) >>> 0;
    this.#function.put(this.#offset + 20, 4, (pending ? bits | bit : bits & ~bit) >>> 0);
  }
}

const MSIX = { maskAll: 0x4000, enable: 0x8000 } as const;
const ENTRY_BYTES = 16;
const ENTRY_MASKED = 1;
/** Where QEMU puts the pending bits in a BAR of 4 KiB. */
const PENDING_OFFSET = 0x800;
const BAR_BYTES = 0x1000;

export class Msix {
  /** The BAR's contents: table, then pending bits. */
  readonly region: MemoryRegion;
  readonly #function: MessageFunction;
  readonly #offset: number;
  readonly #vectors: number;
  readonly #table: Uint8Array;
  readonly #view: DataView;
  readonly #pending: Uint8Array;

  /** @param name of the device, for the memory tree  @param bar number of the BAR that `region` is put into  @param vectors up to 128 */
  constructor(fn: MessageFunction, offset: number, name: string, bar: number, vectors: number) {
    assert(vectors >= 1 && vectors * ENTRY_BYTES <= PENDING_OFFSET, "number of MSI-X vectors", vectors);
    this.#function = fn;
    this.#offset = offset;
    this.#vectors = vectors;
    this.#table = new Uint8Array(vectors * ENTRY_BYTES);
    this.#view = new DataView(this.#table.buffer);
    this.#pending = new Uint8Array(Math.ceil(vectors / 64) * 8);
    fn.put(offset + 2, 2, vectors - 1);
    fn.put(offset + 4, 4, bar);
    fn.put(offset + 8, 4, PENDING_OFFSET | bar);
    fn.allow(offset + 2, 2, MSIX.maskAll | MSIX.enable);
    this.region = MemoryRegion.container(`${name}-msix`, BAR_BYTES);
    this.region.add(MemoryRegion.io("msix-table", this.#table.length, this.#tableOps), 0);
    this.region.add(MemoryRegion.io("msix-pba", this.#pending.length, this.#pendingOps), PENDING_OFFSET);
    this.reset();
  }

  get enabled(): boolean {
    return (this.#function.get(this.#offset + 2, 2) & MSIX.enable) !== 0;
  }

  reset(): void {
    this.#table.fill(0);
    this.#pending.fill(0);
    for (let vector = 0; vector < this.#vectors; vector++)
      this.#table[vector * ENTRY_BYTES + 12] = ENTRY_MASKED;
  }

  /** Raises a vector; one that does not exist is dropped. */
  notify(vector: number): void {
    if (vector >= this.#vectors || !this.enabled) return;
    if (this.#masked(vector)) this.#pending[vector >>> 3]! |= 1 << (vector & 7);
    else this.#send(vector);
  }

  /** To be called after the guest wrote configuration space: what is no longer masked is sent. */
  configChanged(): void {
    for (let vector = 0; vector < this.#vectors; vector++) this.#sendPending(vector);
  }

  save(): PlainData {
    return { table: this.#table.slice(), pba: this.#pending.slice() };
  }
  load(state: PlainData): void {
    const { table, pba } = state as { table: Uint8Array; pba: Uint8Array };
    this.#table.set(table);
    this.#pending.set(pba);
  }

  get #tableOps(): RegionOps {
    return {
      read: (address, size) => get(this.#table, address, size),
      write: (address, size, value) => {
        for (let n = 0; n < size; n++) this.#table[address + n] = value >>> (8 * n);
        this.#sendPending(Math.floor(address / ENTRY_BYTES));
      },
    };
  }
  get #pendingOps(): RegionOps {
    return { read: (address, size) => get(this.#pending, address, size), write: () => {} };
  }

  #masked(vector: number): boolean {
    const all = this.#function.get(this.#offset + 2, 2) & MSIX.maskAll;
    return all !== 0 || (this.#table[vector * ENTRY_BYTES + 12]! & ENTRY_MASKED) !== 0;
  }

  #sendPending(vector: number): void {
    const bit = 1 << (vector & 7);
    if ((this.#pending[vector >>> 3]! & bit) === 0 || !this.enabled || this.#masked(vector)) return;
    this.#pending[vector >>> 3]! &= ~bit;
    this.#send(vector);
  }

  #send(vector: number): void {
    const at = vector * ENTRY_BYTES;
    const address = this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
    this.#function.send(address, this.#view.getUint32(at + 8, true));
  }
}

function get(bytes: Uint8Array, address: number, size: 1 | 2 | 4): number {
  let value = 0;
  for (let n = size - 1; n >= 0; n--) value = value * 256 + (bytes[address + n] ?? 0);
  return value;
}
