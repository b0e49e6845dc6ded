/**
 * MemoryRegion: a node of the tree from which an address space is made, with QEMU's kinds (docs/devel/memory.rst): container, RAM, ROM,
 * ROM device, MMIO, alias.
 *
 * Invariant: a change of any region reaches the root of every address space it can be seen in, through containers and aliases.
 * Elsewhere: what the tree amounts to (`flat-view.ts`).
 */
import { assert } from "../assert.ts";
import type { RegionOps } from "../devices/device.ts";
import type { RamBlock } from "./ram-block.ts";

/** Size of a region that covers everything: 2^64. */
export const ALL_BYTES = 2 ** 64;

/** Sizes a device takes, as QEMU's MemoryRegionOps. Others are refused (`valid`) or taken apart and widened (`impl`). */
export interface RegionAccess {
  readonly valid?: { readonly min?: 1 | 2 | 4; readonly max?: 1 | 2 | 4; readonly unaligned?: boolean };
  readonly impl?: { readonly min?: 1 | 2 | 4; readonly max?: 1 | 2 | 4 };
}

/** The same with nothing left out, in one shape for all devices: every access looks here. */
export interface AccessSizes {
  readonly validMin: number;
  readonly validMax: number;
  readonly unaligned: boolean;
  readonly implMin: number;
  readonly implMax: number;
}

const sizesOf = ({ valid, impl }: RegionAccess): AccessSizes => ({
  validMin: valid?.min ?? 1,
  validMax: valid?.max ?? 4,
  unaligned: valid?.unaligned === true,
  implMin: impl?.min ?? 1,
  implMax: impl?.max ?? 4,
});

/** A device ("dev") or other object that a region belongs to, with its QOM path: for `info mtree -o`. */
export interface RegionOwner {
  readonly kind: "dev" | "obj";
  readonly path: string;
  /** `-device …,id=`: printed instead of the path. */
  readonly id?: string;
}

export interface RegionOptions {
  readonly owner?: RegionOwner;
  readonly access?: RegionAccess;
}

/** Told when a region below changes: address spaces, and regions themselves. */
export interface RegionObserver {
  regionChanged(): void;
}

interface Content {
  readonly block: RamBlock | null;
  readonly readonly: boolean;
  readonly romd: boolean;
  readonly ops: RegionOps | null;
  readonly alias: { readonly target: MemoryRegion; readonly offset: number } | null;
}

const CONTAINER: Content = { block: null, readonly: false, romd: false, ops: null, alias: null };

export class MemoryRegion implements RegionObserver {
  readonly name: string;
  readonly size: number;
  readonly block: RamBlock | null;
  readonly ops: RegionOps | null;
  readonly alias: Content["alias"];
  readonly access: AccessSizes;
  readonly owner: RegionOwner | null;
  readonly #romDevice: boolean;
  #container: MemoryRegion | null = null;
  #address = 0;
  #priority = 0;
  #enabled = true;
  #readonly: boolean;
  #romd: boolean;
  /** By falling priority; of equal ones the youngest first, which is also the one seen. */
  readonly #subregions: MemoryRegion[] = [];
  readonly #observers = new Set<RegionObserver>();

  private constructor(name: string, size: number, content: Content, options: RegionOptions) {
    assert(size > 0 && (size <= Number.MAX_SAFE_INTEGER || size === ALL_BYTES), "region size", name, size);
    this.name = name;
    this.size = size;
    this.block = content.block;
    this.ops = content.ops;
    this.alias = content.alias;
    this.#readonly = content.readonly;
    this.#romDevice = content.romd;
    this.#romd = content.romd;
    this.access = sizesOf(options.access ?? {});
    this.owner = options.owner ?? null;
    if (content.alias !== null) content.alias.target.observe(this);
  }

  /** Only holds other regions: where it has none, what lies below it in priority is seen. */
  static container(name: string, size: number, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(name, size, CONTAINER, options);
  }

  static ram(name: string, block: RamBlock, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(name, block.usedLength, { ...CONTAINER, block }, options);
  }

  static rom(name: string, block: RamBlock, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(name, block.usedLength, { ...CONTAINER, block, readonly: true }, options);
  }

  /** A ROM device (flash): reads come from the block while in ROMD mode, writes always go to `ops`. */
  static romDevice(name: string, block: RamBlock, ops: RegionOps, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(name, block.usedLength, { ...CONTAINER, block, ops, romd: true }, options);
  }

  /** Device registers, in memory or I/O space. May have subregions, which go before it. */
  static io(name: string, size: number, ops: RegionOps, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(name, size, { ...CONTAINER, ops }, options);
  }

  /** A window of `size` bytes onto `target`, from `offset` in it. */
  static alias(
    name: string,
    target: MemoryRegion,
    offset: number,
    size: number,
    options: RegionOptions & { readonly readonly?: boolean } = {},
  ): MemoryRegion {
    const alias = { target, offset };
    return new MemoryRegion(
      name,
      size,
      { ...CONTAINER, alias, readonly: options.readonly === true },
      options,
    );
  }

  get container(): MemoryRegion | null {
    return this.#container;
  }
  get subregions(): readonly MemoryRegion[] {
    return this.#subregions;
  }
  /** Address in the container. */
  get address(): number {
    return this.#address;
  }
  set address(value: number) {
    this.#address = value;
    this.#container?.regionChanged();
  }
  /** Signed; compared among the subregions of one container only. Given when the region is added. */
  get priority(): number {
    return this.#priority;
  }
  get enabled(): boolean {
    return this.#enabled;
  }
  set enabled(value: boolean) {
    if (this.#enabled === value) return;
    this.#enabled = value;
    this.regionChanged();
  }
  /** Writes are dropped; holds for everything that is seen through the region. */
  get readonly(): boolean {
    return this.#readonly;
  }
  set readonly(value: boolean) {
    if (this.#readonly === value) return;
    this.#readonly = value;
    this.regionChanged();
  }
  /** A ROM device answers reads from its block. */
  get romd(): boolean {
    return this.#romd;
  }
  set romd(value: boolean) {
    assert(this.#romDevice, "only a ROM device has a ROMD mode", this.name);
    if (this.#romd === value) return;
    this.#romd = value;
    this.regionChanged();
  }
  /** Answers where it has no subregions: anything but a container or an alias. */
  get terminates(): boolean {
    return this.block !== null || this.ops !== null;
  }

  /** The kind in QEMU's monitor. An alias has its target's. */
  get type(): "romd" | "rom" | "ram" | "i/o" {
    if (this.alias !== null) return this.alias.target.type;
    if (this.#romDevice) return this.#romd ? "romd" : "i/o";
    if (this.block !== null) return this.#readonly ? "rom" : "ram";
    return "i/o";
  }

  add(region: MemoryRegion, address: number, priority = 0): void {
    assert(
      region.#container === null,
      "region is in one container only",
      region.name,
      region.#container?.name,
    );
    region.#container = this;
    region.#address = address;
    region.#priority = priority;
    const before = this.#subregions.findIndex((other) => priority >= other.#priority);
    this.#subregions.splice(before < 0 ? this.#subregions.length : before, 0, region);
    if (region.#enabled) this.regionChanged();
  }

  remove(region: MemoryRegion): void {
    const index = this.#subregions.indexOf(region);
    assert(index >= 0, "region is in its container", region.name, this.name);
    this.#subregions.splice(index, 1);
    region.#container = null;
    if (region.#enabled) this.regionChanged();
  }

  observe(observer: RegionObserver): void {
    this.#observers.add(observer);
  }

  regionChanged(): void {
    for (const observer of this.#observers) observer.regionChanged();
    this.#container?.regionChanged();
  }
}
