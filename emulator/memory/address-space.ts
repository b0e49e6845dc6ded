/**
 * AddressSpace: a tree of regions as seen by somebody ("memory", "I/O", a PCI device's bus mastering), kept rendered as a FlatView.
 *
 * Invariant: outside a transaction the flat view is that of the tree. Inside one it is the old view, however many regions have changed.
 */
import { assert } from "../assert.ts";
import type { PortBus } from "./guest-memory.ts";
import { type AccessSize, allOnes, accessIsValid, readDevice, writeDevice } from "./dispatch.ts";
import { type FlatRange, FlatView, flatViewRoot } from "./flat-view.ts";
import type { MemoryRegion, RegionObserver } from "./region.ts";

/** Changes of the trees that take effect together. */
export class Transactions {
  #depth = 0;
  readonly #pending = new Set<AddressSpace>();

  begin(): void {
    this.#depth++;
  }

  commit(): void {
    assert(this.#depth > 0, "a transaction is open");
    if (--this.#depth > 0) return;
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const space of pending) space.update();
  }

  changed(space: AddressSpace): void {
    if (this.#depth > 0) this.#pending.add(space);
    else space.update();
  }
}

export class AddressSpace implements RegionObserver {
  readonly name: string;
  readonly root: MemoryRegion;
  /** Called after the flat view has changed. */
  onChange: () => void = () => {};
  readonly #transactions: Transactions;
  #flatView: FlatView;
  #hit: FlatRange | null = null;

  constructor(name: string, root: MemoryRegion, transactions: Transactions) {
    this.name = name;
    this.root = root;
    this.#transactions = transactions;
    this.#flatView = new FlatView(flatViewRoot(root));
    root.observe(this);
  }

  get flatView(): FlatView {
    return this.#flatView;
  }

  regionChanged(): void {
    this.#transactions.changed(this);
  }

  update(): void {
    const view = new FlatView(flatViewRoot(this.root));
    if (view.equals(this.#flatView)) return;
    this.#flatView = view;
    this.#hit = null;
    this.onChange();
  }

  /** The range an address lies in, or null. */
  find(address: number): FlatRange | null {
    const hit = this.#hit;
    if (hit !== null && hit.contains(address)) return hit;
    const range = this.#flatView.find(address);
    if (range !== null) this.#hit = range;
    return range;
  }
}

/**
 * I/O ports: an access that no single device takes whole is taken apart into smaller ones, as the bus of a PC does.
 * A port that nothing answers reads as all ones.
 */
export class Ports implements PortBus {
  readonly #space: AddressSpace;

  constructor(space: AddressSpace) {
    this.#space = space;
  }

  readPort(port: number, size: AccessSize): number {
    const range = this.#whole(port, size);
    if (range !== null) return readDevice(range.region, port - range.start + range.offset, size);
    if (size === 1) return allOnes(1);
    const half = (size / 2) as AccessSize;
    const low = this.readPort(port, half);
    return (low | (this.readPort(port + half, half) << (8 * half))) >>> 0;
  }

  writePort(port: number, size: AccessSize, value: number): void {
    const range = this.#whole(port, size);
    if (range !== null) {
      writeDevice(range.region, port - range.start + range.offset, size, value);
    } else if (size > 1) {
      const half = (size / 2) as AccessSize;
      this.writePort(port, half, value & allOnes(half));
      this.writePort(port + half, half, value >>> (8 * half));
    }
  }

  /**
   * The range that takes the access in one piece. As in QEMU its first port decides: a dword at 0xcf8 goes to the PCI host whole, although 0xcf9 by itself
   * is the reset control.
   */
  #whole(port: number, size: AccessSize): FlatRange | null {
    const range = this.#space.find(port);
    if (range === null) return null;
    const offset = port - range.start + range.offset;
    const isFallback = range.region === this.#space.root;
    if (isFallback ? port + size > range.end : offset + size > range.region.size) return null;
    return accessIsValid(range.region, offset, size) ? range : null;
  }
}
