/**
 * PCI configuration mechanism 1 (PCI 3.0 §3.2.2.3.2) with an empty bus: no host bridge, no devices.
 *
 *     0xcf8  address, 32 bits: 31 enable, 23:16 bus, 15:11 device, 10:8 function, 7:2 register     0xcfc  data
 *
 * The address register works, so software finds the mechanism; data reads as all ones, by which it finds that nobody is there.
 */
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

type State = { address: number };

const ALL_ONES = { 1: 0xff, 2: 0xffff, 4: 0xffffffff } as const;

export class PciHost implements Device {
  readonly name = "pci-host";
  readonly deadline = Infinity;
  #state: State = { address: 0 };

  reset(): void {
    this.#state.address = 0;
  }

  tick(): void {}

  /** Only accesses of all 32 bits reach the register; narrower ones belong to other devices' ports. */
  readonly index: RegionOps = {
    read: (_address, size) => (size === 4 ? this.#state.address : ALL_ONES[size]),
    write: (_address, size, value) => {
      if (size === 4) this.#state.address = (value & 0x80fffffc) >>> 0;
    },
  };

  readonly data: RegionOps = { read: (_address, size) => ALL_ONES[size], write: () => {} };

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}
