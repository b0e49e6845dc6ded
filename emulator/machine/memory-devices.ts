/**
 * Memory that comes in pieces: backends (`-object memory-backend-…`), the DIMMs in the slots, and their regions in "device-memory". Backends come first of
 * all RAMBlocks, as in QEMU; what comes and goes later does so between two instants, by an input, or in the instruction with which the guest ejects it.
 *
 * Invariant: a backend has a RAMBlock as long as it exists, a DIMM's region is in the tree as long as it is plugged in. Both are part of a saved state, and a
 * restored one has its blocks where they were, so this is restored before the memory, and the registers after it with the other devices.
 * Elsewhere: the rules (`memory/dimm.ts`), what the guest sees of it (`devices/memory-hotplug.ts`).
 */
import { assert } from "../assert.ts";
import type { PlainData } from "../devices/device.ts";
import { MemoryHotplug, MEMORY_HOTPLUG_GPE } from "../devices/memory-hotplug.ts";
import type { Power } from "../devices/power.ts";
import {
  deviceMemory,
  type Dimm,
  type DimmConfig,
  type Memory,
  type MemoryBackendConfig,
  MemoryRegion,
  type MemoryState,
  plug,
  type Plug,
  backendRefusal,
  RAM_FLAG,
  type RamBlock,
} from "../memory/index.ts";
import type { MachineConfig } from "./types.ts";

export interface MemoryBackend {
  readonly config: MemoryBackendConfig;
  readonly block: RamBlock;
  readonly region: MemoryRegion;
}

/** A DIMM with what the guest has been told and has said of it. */
export interface DimmReport extends Dimm {
  /** It was asked for, and the guest has not looked yet. */
  readonly isRemoving: boolean;
  /** What the guest said of its slot last (`_OST`): event and status; zeros if nothing. */
  readonly event: number;
  readonly status: number;
}

type State = {
  readonly backends: readonly MemoryBackendConfig[];
  readonly dimms: readonly Dimm[];
};

export class MemoryDevices {
  readonly name = "memory-devices";
  /** The guest's registers; null without slots or without ACPI. */
  readonly hotplug: MemoryHotplug | null;
  readonly #memory: Memory;
  readonly #config: MachineConfig;
  readonly #backends = new Map<string, MemoryBackend>();
  /** By slot. */
  readonly #dimms = new Map<number, Dimm>();
  readonly #window: MemoryRegion | null;

  constructor(memory: Memory, config: MachineConfig, power: Power) {
    this.#memory = memory;
    this.#config = config;
    for (const backend of config.memoryBackends ?? []) this.addBackend(backend);
    const window = deviceMemory(config);
    this.#window =
      window === null
        ? null
        : MemoryRegion.container("device-memory", window.sizeBytes, {
            owner: { kind: "obj", path: "/machine" },
          });
    const slots = config.slots ?? 0;
    this.hotplug =
      slots === 0 || config.acpi === false
        ? null
        : new MemoryHotplug(slots, {
            content: (slot) => this.#dimms.get(slot) ?? null,
            eject: (slot) => this.#take(slot),
            raiseEvent: () => power.raiseGpe(MEMORY_HOTPLUG_GPE),
          });
  }

  /** The backend that is the machine's RAM (`-machine memory-backend=`), or null. */
  get ram(): MemoryRegion | null {
    const id = this.#config.ramBackend;
    return id === undefined ? null : this.#backend(id).region;
  }

  /** Puts the window into the address space, and into it what is plugged in from the start. */
  attach(): void {
    const window = deviceMemory(this.#config);
    if (window !== null && this.#window !== null) this.#memory.system.add(this.#window, window.base);
    for (const dimm of this.#config.dimms ?? []) this.#plug(dimm, false);
  }

  // What there is

  /** In the order in which they were made. */
  get backends(): readonly MemoryBackend[] {
    return [...this.#backends.values()];
  }

  /** By address. */
  get dimms(): readonly DimmReport[] {
    return [...this.#dimms.values()]
      .map((dimm) => ({
        ...dimm,
        isRemoving: this.hotplug?.isRemoving(dimm.slot) ?? false,
        ...(this.hotplug?.report(dimm.slot) ?? { event: 0, status: 0 }),
      }))
      .sort((a, b) => a.address - b.address);
  }

  /** Whether a backend's memory is in use. */
  isMapped(id: string): boolean {
    return id === this.#config.ramBackend || [...this.#dimms.values()].some(({ memdev }) => memdev === id);
  }

  // What can be done to it. Refusals are in QEMU's words; null: it can be done.

  backendRefusal(backend: MemoryBackendConfig): string | null {
    const own = backendRefusal(backend);
    if (own !== null) return own;
    if (this.#backends.has(backend.id))
      return `attempt to add duplicate property '${backend.id}' to object (type 'container')`;
    // QEMU ends itself here.
    if (this.#memory.ramList.find(backend.id) !== undefined)
      return `RAMBlock "${backend.id}" already registered`;
    return null;
  }

  addBackend(config: MemoryBackendConfig): void {
    const refusal = this.backendRefusal(config);
    assert(refusal === null, "a backend that can be made", refusal);
    const block = this.#allocate(config);
    for (const { offset, bytes } of config.contents ?? []) this.#memory.writeBlock(block, offset, bytes);
  }

  backendRemovalRefusal(id: string): string | null {
    const isDefaultRam = id === "pc.ram" && this.#config.ramBackend === undefined;
    if (!this.#backends.has(id) && !isDefaultRam) return `object '${id}' not found`;
    return isDefaultRam || this.isMapped(id) ? `object '${id}' is in use, can not be deleted` : null;
  }

  removeBackend(id: string): void {
    const refusal = this.backendRemovalRefusal(id);
    assert(refusal === null, "a backend that can be taken away", refusal);
    this.#memory.free(this.#backend(id).block);
    this.#backends.delete(id);
  }

  /** Where a DIMM would go, or why it cannot be plugged in. */
  plan(dimm: DimmConfig): Plug {
    if (dimm.id !== undefined && this.#find(dimm.id) !== undefined)
      return { kind: "refusal", text: `Duplicate device ID '${dimm.id}'` };
    return plug(dimm, {
      limits: this.#config,
      plugged: [...this.#dimms.values()],
      backend: (id) => this.#backends.get(id)?.config,
      isMapped: (id) => this.isMapped(id),
    });
  }

  plug(dimm: DimmConfig): void {
    this.#plug(dimm, true);
  }

  unplugRefusal(id: string): string | null {
    return this.#find(id) === undefined ? `Device '${id}' not found` : null;
  }

  /** Asks the guest to give a DIMM back. */
  requestUnplug(id: string): void {
    const dimm = this.#find(id);
    assert(dimm !== undefined && this.hotplug !== null, "a DIMM that can be unplugged", id);
    this.hotplug.requestRemoval(dimm.slot);
  }

  // Saved states

  save(): PlainData {
    const state: State = {
      backends: this.backends.map(({ config }) => config),
      dimms: [...this.#dimms.values()],
    };
    // Nothing in it ever changes.
    return state as unknown as PlainData;
  }

  /** Takes out what the state has not and puts in what it has. To be called before the memory is loaded, which needs the state's blocks. */
  load(saved: PlainData, memory: MemoryState): void {
    const state = saved as unknown as State;
    this.#memory.transaction(() => {
      for (const dimm of this.#dimms.values())
        if (!state.dimms.some((other) => isSame(other, dimm))) this.#take(dimm.slot);
      for (const { config, block } of this.backends) {
        const kept = state.backends.some(
          (other) => isSame(other, config) && memory.blocks[config.id]?.offset === block.offset,
        );
        if (kept) continue;
        for (const dimm of this.#dimms.values()) if (dimm.memdev === config.id) this.#take(dimm.slot);
        this.#memory.free(block);
        this.#backends.delete(config.id);
      }
      const before = new Map(this.#backends);
      this.#backends.clear();
      for (const config of state.backends) {
        const kept = before.get(config.id);
        if (kept === undefined) this.#allocate(config, memory.blocks[config.id]!.offset);
        else this.#backends.set(config.id, kept);
      }
      const there = new Set(this.#dimms.keys());
      this.#dimms.clear();
      for (const dimm of state.dimms) {
        this.#dimms.set(dimm.slot, dimm);
        if (!there.has(dimm.slot)) this.#show(dimm);
      }
      this.#memory.ramList.arrange(Object.keys(memory.blocks));
    });
  }

  #allocate(config: MemoryBackendConfig, offset?: number): RamBlock {
    const { id, sizeBytes } = config;
    const flags =
      RAM_FLAG.migratable |
      (config.share === true ? RAM_FLAG.shared : 0) |
      (config.reserve === false ? RAM_FLAG.noReserve : 0);
    const block = this.#memory.allocate({
      idstr: id,
      usedLength: sizeBytes,
      flags,
      ...(offset === undefined ? {} : { offset }),
    });
    const region = MemoryRegion.ram(id, block, { owner: { kind: "obj", path: `/objects/${id}` } });
    block.isRegistered = id === this.#config.ramBackend;
    this.#backends.set(id, { config, block, region });
    return block;
  }

  #plug(config: DimmConfig, hotplugged: boolean): void {
    const planned = this.plan(config);
    assert(planned.kind === "place", "a DIMM that can be plugged in", planned);
    const { slot, address, sizeBytes, memdev } = planned;
    const dimm: Dimm = {
      id: config.id ?? null,
      memdev,
      slot,
      address,
      sizeBytes,
      node: config.node ?? 0,
      hotplugged,
    };
    this.#dimms.set(slot, dimm);
    this.#show(dimm);
    if (hotplugged) this.hotplug?.plugged(slot);
  }

  /** Puts a DIMM's memory into the window. */
  #show(dimm: Dimm): void {
    const window = deviceMemory(this.#config);
    assert(window !== null && this.#window !== null, "a window for memory devices");
    const { block, region } = this.#backend(dimm.memdev);
    this.#window.add(region, dimm.address - window.base);
    block.isRegistered = true;
  }

  #take(slot: number): void {
    const dimm = this.#dimms.get(slot);
    assert(dimm !== undefined && this.#window !== null, "a DIMM in the slot", slot);
    const { block, region } = this.#backend(dimm.memdev);
    this.#window.remove(region);
    block.isRegistered = false;
    this.#dimms.delete(slot);
  }

  #backend(id: string): MemoryBackend {
    const backend = this.#backends.get(id);
    assert(backend !== undefined, "a memory backend", id);
    return backend;
  }

  #find(id: string): Dimm | undefined {
    return [...this.#dimms.values()].find((dimm) => dimm.id === id);
  }
}

/** Whether two flat records say the same; arrays in them count as the same only if they are the same object. */
function isSame(a: object, b: object): boolean {
  if (a === b) return true;
  const entries = Object.entries(a);
  return (
    entries.length === Object.keys(b).length &&
    entries.every(([key, value]) => (b as Readonly<Record<string, unknown>>)[key] === value)
  );
}
