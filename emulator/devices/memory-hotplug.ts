/**
 * ACPI memory hot-plug (QEMU: docs/specs/acpi_mem_hotplug.rst, hw/acpi/memory_hotplug.c): 24 bytes of I/O ports through which a guest learns what is in the
 * slots, and gives a DIMM back.
 *
 *             read, of the selected slot        write
 *     +0x00   address, 64 bits                  +0x00 selects a slot
 *     +0x04     its upper half                  +0x04 _OST: event
 *     +0x08   size, 64 bits                     +0x08 _OST: status
 *     +0x10   proximity domain
 *     +0x14   0 a DIMM is there                 +0x14 1 clears "was plugged in", 2 clears "is to be removed", 3 ejects; the first of them counts
 *             1 was plugged in
 *             2 is to be removed
 *
 * Invariant: a slot that does not exist reads as 0, and writes to it do nothing. Like QEMU's, the registers outlive a reset.
 * Elsewhere: what is in the slots (`machine/memory-devices.ts`), general purpose event 3 (`power.ts`), the methods that use all this
 * (`firmware/acpi/memory.ts`).
 */
import { assert } from "../assert.ts";
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

export const MEMORY_HOTPLUG_PORT = 0xa00;
export const MEMORY_HOTPLUG_BYTES = 0x18;
/** General purpose event that says "look at the slots". */
export const MEMORY_HOTPLUG_GPE = 3;

const STATUS = { enabled: 1, inserting: 2, removing: 4 } as const;
const CONTROL = { clearInserting: 2, clearRemoving: 4, eject: 8 } as const;

/** What a slot holds. */
export interface SlotContent {
  readonly address: number;
  readonly sizeBytes: number;
  readonly node: number;
}

export interface MemoryHotplugEnvironment {
  /** What is in a slot, or null. */
  readonly content: (slot: number) => SlotContent | null;
  /** The guest gives a DIMM back. */
  readonly eject: (slot: number) => void;
  readonly raiseEvent: () => void;
}

/** What the guest has said about a slot (ACPI 6.5 §6.3.5): event 1 device check, 3 ejection; status 0 success. */
export interface SlotReport {
  readonly event: number;
  readonly status: number;
}

type Slot = { inserting: boolean; removing: boolean; event: number; status: number };
type State = { selector: number; slots: Slot[] };

export class MemoryHotplug implements Device {
  readonly name = "acpi-mem-hotplug";
  readonly deadline = Infinity;
  readonly #environment: MemoryHotplugEnvironment;
  #state: State;

  /** @param slots how many there are, at least 1 */
  constructor(slots: number, environment: MemoryHotplugEnvironment) {
    this.#environment = environment;
    const slot = (): Slot => ({ inserting: false, removing: false, event: 0, status: 0 });
    this.#state = { selector: 0, slots: Array.from({ length: slots }, slot) };
  }

  reset(): void {}
  tick(): void {}

  /** A DIMM has come while the guest runs. */
  plugged(slot: number): void {
    this.#slot(slot).inserting = true;
    this.#environment.raiseEvent();
  }

  /** Somebody wants the DIMM out: it is gone when the guest ejects it. */
  requestRemoval(slot: number): void {
    this.#slot(slot).removing = true;
    this.#environment.raiseEvent();
  }

  /** Whether the guest has been asked for a slot's DIMM and has not looked yet. */
  isRemoving(slot: number): boolean {
    return this.#slot(slot).removing;
  }

  /** What the guest has said last; zeros if it has said nothing. */
  report(slot: number): SlotReport {
    const { event, status } = this.#slot(slot);
    return { event, status };
  }

  readonly registers: RegionOps = {
    read: (address, size) => this.#read(address) % 2 ** (8 * size),
    write: (address, _size, value) => this.#write(address, value),
  };

  #read(address: number): number {
    const { selector, slots } = this.#state;
    const slot = slots[selector];
    if (slot === undefined) return 0;
    const content = this.#environment.content(selector);
    switch (address) {
      case 0x00:
        return (content?.address ?? 0) % 2 ** 32;
      case 0x04:
        return Math.floor((content?.address ?? 0) / 2 ** 32);
      case 0x08:
        return (content?.sizeBytes ?? 0) % 2 ** 32;
      case 0x0c:
        return Math.floor((content?.sizeBytes ?? 0) / 2 ** 32);
      case 0x10:
        return content?.node ?? 0;
      case 0x14:
        return (
          (content === null ? 0 : STATUS.enabled) |
          (slot.inserting ? STATUS.inserting : 0) |
          (slot.removing ? STATUS.removing : 0)
        );
      default:
        return 0xffffffff;
    }
  }

  #write(address: number, value: number): void {
    const state = this.#state;
    if (address === 0) {
      state.selector = value;
      return;
    }
    const slot = state.slots[state.selector];
    if (slot === undefined) return;
    if (address === 0x04) slot.event = value;
    else if (address === 0x08) slot.status = value;
    else if (address === 0x14) {
      if (value & CONTROL.clearInserting) slot.inserting = false;
      else if (value & CONTROL.clearRemoving) slot.removing = false;
      else if (value & CONTROL.eject && this.#environment.content(state.selector) !== null)
        this.#environment.eject(state.selector);
    }
  }

  #slot(slot: number): Slot {
    const found = this.#state.slots[slot];
    assert(found !== undefined, "memory slot", slot);
    return found;
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}
