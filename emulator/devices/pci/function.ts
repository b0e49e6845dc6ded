/**
 * A PCI function (PCI Local Bus 3.0 §6): configuration space, base address registers that place memory and port regions, capabilities, its interrupt.
 *
 * Invariant: configuration space is 256 bytes of plain state; what a guest may change is given by a mask, and everything that follows from it (where
 * the BARs' regions are, whether the function may master the bus) is derived again after every write and every `load`.
 * Elsewhere: how configuration space is reached (`bus.ts`), message-signalled interrupts (`msi.ts`).
 */
import { assert } from "../../assert.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { MemoryRegion } from "../../memory/index.ts";
import type { Nanoseconds } from "../../numbers.ts";
import type { Device, Line, Now, PlainData } from "../device.ts";

/** Offsets in configuration space. */
export const PCI = {
  vendorId: 0x00,
  deviceId: 0x02,
  command: 0x04,
  status: 0x06,
  revision: 0x08,
  /** three bytes: programming interface, subclass, class */
  classCode: 0x09,
  cacheLineSize: 0x0c,
  headerType: 0x0e,
  bar: 0x10,
  subsystemVendorId: 0x2c,
  subsystemId: 0x2e,
  romAddress: 0x30,
  capabilities: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const;

export const COMMAND = { io: 1, memory: 2, master: 4, serr: 0x100, interruptDisable: 0x400 } as const;
export const STATUS = { interrupt: 8, capabilities: 0x10 } as const;
/** Errors of transactions in the status register: the guest clears them by writing 1. */
const STATUS_ERRORS = 0xf900;

/** What a function asks of the machine. The board makes one for each function. */
export interface PciEnvironment {
  readonly now: Now;
  /** The function's deadline changed: this is when it is due next. */
  readonly rescheduled: (deadline: number) => void;
  /** Guest memory as a bus master sees it. */
  readonly dma: GuestMemory;
  /** The containers that BAR regions are put into. */
  readonly memory: MemoryRegion;
  readonly io: MemoryRegion;
  /** The wire of the function's interrupt pin (INTA# unless configuration space says otherwise). */
  readonly intx: Line;
  /** Delivers a message-signalled interrupt: a write of `data` to `address`. */
  readonly message: (address: number, data: number) => void;
  /** Runs a change of several regions as one. */
  readonly transaction: (change: () => void) => void;
}

export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision?: number;
  /** class, subclass, programming interface: 0xCCSSPP */
  readonly classCode: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  readonly multifunction?: boolean;
  /** 1 = INTA#; 0: no interrupt pin. */
  readonly interruptPin?: number;
}

interface Bar {
  readonly index: number;
  readonly kind: "io" | "memory" | "memory64" | "rom";
  readonly offset: number;
  readonly sizeBytes: number;
  readonly region: MemoryRegion;
  /** Where the region is now; null: nowhere. */
  address: number | null;
}

const CONFIG_BYTES = 256;
const HEADER_BYTES = 64;

export abstract class PciFunction implements Device {
  abstract readonly name: string;
  readonly config = new Uint8Array(CONFIG_BYTES);
  protected readonly environment: PciEnvironment;
  /** Bits a guest may write; bits a guest clears by writing 1. */
  protected readonly writable = new Uint8Array(CONFIG_BYTES);
  protected readonly clearable = new Uint8Array(CONFIG_BYTES);
  readonly #bars: Bar[] = [];
  #initial: Uint8Array | null = null;
  #capabilityEnd = HEADER_BYTES;
  #lastCapability: number = PCI.capabilities;
  #level = false;

  constructor(environment: PciEnvironment, identity: PciIdentity) {
    this.environment = environment;
    this.put(PCI.vendorId, 2, identity.vendorId);
    this.put(PCI.deviceId, 2, identity.deviceId);
    this.put(PCI.revision, 1, identity.revision ?? 0);
    this.put(PCI.classCode, 1, identity.classCode & 0xff);
    this.put(PCI.classCode + 1, 2, identity.classCode >>> 8);
    this.put(PCI.headerType, 1, identity.multifunction === true ? 0x80 : 0);
    this.put(PCI.subsystemVendorId, 2, identity.subsystemVendorId ?? 0x1af4);
    this.put(PCI.subsystemId, 2, identity.subsystemId ?? 0x1100);
    this.put(PCI.interruptPin, 1, identity.interruptPin ?? 0);
    this.allow(PCI.interruptLine, 1, 0xff);
    this.allow(PCI.cacheLineSize, 1, 0xff);
    // As in QEMU every function has all of these, whether or not it has something to decode.
    const { io, memory, master, serr, interruptDisable } = COMMAND;
    this.allow(PCI.command, 2, io | memory | master | serr | interruptDisable);
    this.clearable[PCI.status + 1] = STATUS_ERRORS >>> 8;
  }

  // --- Device -----------------------------------------------------------------------------------------------------------------------------

  get deadline(): number {
    return Infinity;
  }
  tick(_now: Nanoseconds): void {}

  /** A subclass that overrides it calls it first. */
  reset(): void {
    this.#initial ??= this.config.slice();
    this.config.set(this.#initial);
    this.#level = false;
    this.environment.intx(false);
    this.#place();
  }
  /** Configuration space and the interrupt level; a subclass adds its own state beside it. */
  save(): PlainData {
    return { config: this.config.slice(), level: this.#level };
  }
  load(state: PlainData): void {
    const saved = state as { config: Uint8Array; level: boolean };
    this.#initial ??= this.config.slice();
    this.config.set(saved.config);
    this.#level = saved.level;
    this.#place();
    this.configChanged(0, CONFIG_BYTES);
  }

  // --- configuration space ----------------------------------------------------------------------------------------------------------------

  get(offset: number, size: 1 | 2 | 4): number {
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + this.config[offset + n]!;
    return value;
  }
  /** Sets a register whatever its mask says: the device's own doing. */
  put(offset: number, size: 1 | 2 | 4, value: number): void {
    for (let n = 0; n < size; n++) this.config[offset + n] = (value >>> (8 * n)) & 0xff;
  }
  /** Lets the guest write these bits. */
  protected allow(offset: number, size: 1 | 2 | 4, bits: number): void {
    for (let n = 0; n < size; n++) this.writable[offset + n]! |= (bits >>> (8 * n)) & 0xff;
  }
  /** Makes everything behind the header memory for the guest: QEMU's default, and what its chipset devices leave at it. */
  protected allowDeviceRegisters(): void {
    this.writable.fill(0xff, HEADER_BYTES);
  }
  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.get(offset, size);
  }
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    for (let n = 0; n < size; n++) {
      const at = offset + n;
      const byte = (value >>> (8 * n)) & 0xff;
      const mask = this.writable[at]!;
      const kept = this.config[at]! & ~mask & ~(byte & this.clearable[at]!);
      this.config[at] = kept | (byte & mask);
    }
    this.#place();
    this.#drive();
    this.configChanged(offset, size);
  }
  /** Called after a guest wrote configuration space, and after `load`. */
  protected configChanged(_offset: number, _size: number): void {}

  get isMaster(): boolean {
    return (this.get(PCI.command, 2) & COMMAND.master) !== 0;
  }

  /** Adds a capability of `bytes` (header included) and returns its offset. */
  protected addCapability(id: number, bytes: number): number {
    const offset = this.#capabilityEnd;
    assert(offset + bytes <= CONFIG_BYTES, "capabilities fit into configuration space", offset, bytes);
    this.#capabilityEnd = (offset + bytes + 3) & ~3;
    this.put(offset, 1, id);
    this.put(offset + 1, 1, 0);
    this.put(this.#lastCapability, 1, offset);
    this.#lastCapability = offset + 1;
    this.put(PCI.status, 2, this.get(PCI.status, 2) | STATUS.capabilities);
    return offset;
  }

  // --- base address registers ---------------------------------------------------------------------------------------------------------------

  /** Gives BAR `index` (0 … 5; "rom": the expansion ROM) a region, whose size is a power of two. */
  protected addBar(
    index: number | "rom",
    kind: Bar["kind"],
    region: MemoryRegion,
    prefetchable = false,
  ): void {
    const sizeBytes = Number(region.size);
    assert(Number.isInteger(Math.log2(sizeBytes)), "size of a BAR is a power of two", sizeBytes);
    const offset = index === "rom" ? PCI.romAddress : PCI.bar + 4 * index;
    const mask = (-sizeBytes >>> 0) & (kind === "io" ? 0xfffffffc : 0xfffffff0);
    this.allow(offset, 4, kind === "rom" ? ((-sizeBytes >>> 0) & 0xfffff800) | 1 : mask);
    if (kind === "memory64") this.allow(offset + 4, 4, 0xffffffff);
    const type = kind === "io" ? 1 : kind === "memory64" ? 4 : 0;
    this.put(offset, 4, type | (prefetchable ? 8 : 0));
    this.#bars.push({ index: index === "rom" ? 6 : index, kind, offset, sizeBytes, region, address: null });
  }

  /** Where BAR `index` is, or null if it is not enabled. For panels and tests; 6 is the expansion ROM. */
  barAddress(index: number): number | null {
    return this.#bars.find((bar) => bar.index === index)?.address ?? null;
  }

  /** All BARs, by index; `address` is null where one is not enabled. */
  get bars(): readonly (Pick<Bar, "index" | "kind" | "sizeBytes" | "address"> & {
    readonly prefetchable: boolean;
  })[] {
    return this.#bars
      .map(({ index, kind, sizeBytes, address, offset }) => {
        const prefetchable = kind.startsWith("memory") && (this.config[offset]! & 8) !== 0;
        return { index, kind, sizeBytes, address, prefetchable };
      })
      .toSorted((a, b) => a.index - b.index);
  }

  #place(): void {
    const changed = this.#bars.filter((bar) => this.#address(bar) !== bar.address);
    if (changed.length === 0) return;
    this.environment.transaction(() => {
      for (const bar of changed) {
        const container = bar.kind === "io" ? this.environment.io : this.environment.memory;
        if (bar.address !== null) container.remove(bar.region);
        bar.address = this.#address(bar);
        if (bar.address !== null) container.add(bar.region, bar.address, 1);
      }
    });
  }
  #address({ kind, offset, sizeBytes }: Bar): number | null {
    const command = this.get(PCI.command, 2);
    const low = this.get(offset, 4);
    if ((command & (kind === "io" ? COMMAND.io : COMMAND.memory)) === 0) return null;
    if (kind === "rom" && (low & 1) === 0) return null;
    const high = kind === "memory64" ? this.get(offset + 4, 4) : 0;
    const base = (low & (kind === "io" ? 0xfffffffc : kind === "rom" ? 0xfffff800 : 0xfffffff0)) >>> 0;
    const address = high * 2 ** 32 + base;
    // Address 0 and ranges that wrap are what sizing a BAR leaves behind; QEMU does not map them either.
    const last = address + sizeBytes - 1;
    if (address === 0 || last >= 2 ** 52) return null;
    if (kind === "io") return last < 0x10000 ? address : null;
    return kind === "memory64" || last < 0xffffffff ? address : null;
  }

  // --- interrupt ----------------------------------------------------------------------------------------------------------------------------

  /** Level of the interrupt pin, as the device wants it. */
  protected setInterrupt(level: boolean): void {
    this.#level = level;
    const status = this.get(PCI.status, 2);
    this.put(PCI.status, 2, level ? status | STATUS.interrupt : status & ~STATUS.interrupt);
    this.#drive();
  }
  #drive(): void {
    this.environment.intx(this.#level && (this.get(PCI.command, 2) & COMMAND.interruptDisable) === 0);
  }
}
