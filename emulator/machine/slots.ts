/**
 * What is plugged into the PCI bus of the machine `pc`, in QEMU's slots: 00.0 host bridge, 01.0 ISA bridge, 01.1 IDE, 01.3 power management, 02.0 VGA, and
 * what `-device` and `-drive` add from slot 4 on. Wiring only.
 *
 * Elsewhere: devices with fixed ports (`board.ts`), the addresses that firmware gives them (`devices/pci/assign.ts`).
 */
import type { Device, Line, Now, RegionOps } from "../devices/device.ts";
import { PciBus } from "../devices/pci/bus.ts";
import { DisplayFunction } from "../devices/pci/display.ts";
import type { PciEnvironment, PciFunction } from "../devices/pci/function.ts";
import { HostBridge } from "../devices/pci/host-bridge.ts";
import { IsaBridge } from "../devices/pci/isa-bridge.ts";
import { pmRegion, PowerManagement } from "../devices/pci/power-management.ts";
import type { Power } from "../devices/power.ts";
import type { Vga } from "../devices/vga.ts";
import { type Memory, MemoryRegion, type PcMemory } from "../memory/index.ts";
import type { MachineConfig } from "./types.ts";

/** What the board gives to the bus. */
export interface SlotEnvironment {
  readonly config: MachineConfig;
  readonly memory: Memory;
  readonly pcMemory: PcMemory;
  readonly now: Now;
  readonly rescheduled: (deadline: number) => void;
  /** The line of an ISA interrupt. */
  readonly line: (irq: number) => Line;
  readonly message: (address: number, data: number) => void;
  readonly power: Power;
  readonly vga: Vga;
  /** Brings a device to now before an access, and reports its deadline after it. */
  readonly timed: (device: Device, ops: RegionOps) => RegionOps;
}

export class Slots {
  readonly bus = new PciBus();
  readonly isaBridge: IsaBridge;
  readonly #environment: SlotEnvironment;

  constructor(environment: SlotEnvironment) {
    this.#environment = environment;
    const { bus } = this;
    const { config, memory, pcMemory, power, timed, line } = environment;
    bus.add(0, 0, new HostBridge(this.at(0, 0), pcMemory, config.ramBytes));

    this.isaBridge = new IsaBridge(this.at(1, 0), line);
    bus.add(1, 0, this.isaBridge);
    bus.connect((wire, level) => this.isaBridge.setPirq(wire, level));

    const pm = pmRegion([
      [0, MemoryRegion.io("acpi-evt", 4, timed(power, power.events))],
      [4, MemoryRegion.io("acpi-cnt", 2, timed(power, power.controls))],
      [8, MemoryRegion.io("acpi-tmr", 4, timed(power, power.timer))],
    ]);
    const smbus = MemoryRegion.io("pm-smbus", 64, ABSENT, { access: { valid: { max: 1 } } });
    bus.add(1, 3, new PowerManagement(this.at(1, 3), pm, smbus));

    bus.add(2, 0, new DisplayFunction(this.at(2, 0), memory, environment.vga, config.vgaRom ?? null));

    const { io } = memory;
    memory.transaction(() => {
      io.add(MemoryRegion.io("pci-conf-idx", 4, bus.address), 0xcf8);
      io.add(MemoryRegion.io("pci-conf-data", 4, bus.data), 0xcfc);
      io.add(MemoryRegion.io("acpi-gpe0", 4, timed(power, power.gpe)), 0xafe0);
    });
  }

  /** What the function in a slot is made with. */
  at(device: number, number: number): PciEnvironment {
    const { memory, pcMemory, now, rescheduled, message } = this.#environment;
    return this.bus.environment(device, number, {
      now,
      rescheduled,
      dma: memory,
      memory: pcMemory.pci,
      io: memory.io,
      message,
      transaction: (change) => memory.transaction(change),
    });
  }

  /** The functions that are plugged in, in the order of their slots. */
  get functions(): readonly PciFunction[] {
    return this.bus.slots.map(({ pci }) => pci);
  }
}

/** The SMBus host has nobody to talk to: no serial presence detect. */
const ABSENT: RegionOps = { read: () => 0, write: () => {} };
