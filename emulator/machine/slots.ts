/**
 * What is plugged into the PCI bus of the machine `pc`, in QEMU's slots: 00.0 host bridge, 01.0 ISA bridge, 01.1 IDE, 01.3 power management, 02.0 VGA, and
 * what `-device` and `-drive` add from slot 4 on. Wiring only.
 *
 * Elsewhere: devices with fixed ports (`board.ts`), the addresses that firmware gives them (`devices/pci/assign.ts`).
 */
import { assert } from "../assert.ts";
import type { Drive } from "../block/index.ts";
import type { Device, Line, Now, RegionOps } from "../devices/device.ts";
import { IdeController, makeDrive, type MakeDrive } from "../devices/ide/index.ts";
import { PciBus } from "../devices/pci/bus.ts";
import { DisplayFunction } from "../devices/pci/display.ts";
import type { PciEnvironment, PciFunction } from "../devices/pci/function.ts";
import { HostBridge } from "../devices/pci/host-bridge.ts";
import { IsaBridge } from "../devices/pci/isa-bridge.ts";
import { pmRegion, PowerManagement } from "../devices/pci/power-management.ts";
import type { Power } from "../devices/power.ts";
import { Smbus } from "../devices/smbus.ts";
import type { Vga } from "../devices/vga.ts";
import { VirtioBlock, VirtioConsole, VirtioEntropy, VirtioPci } from "../devices/virtio/index.ts";
import { type Memory, MemoryRegion, type PcMemory, type RegionAccess } from "../memory/index.ts";
import { RandomSource } from "./random.ts";
import type { MachineConfig, OutputChannel } from "./types.ts";

const FIRST_FREE_SLOT = 4;
const SLOTS = 32;
/** Command block and control block of the IDE channels, and their interrupts. */
const IDE = [
  { command: 0x1f0, control: 0x3f6, irq: 14 },
  { command: 0x170, control: 0x376, irq: 15 },
] as const;
const BYTES: RegionAccess = { valid: { max: 1 } };

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
  /** By `DriveConfig.id`: those that have a medium. */
  readonly drives: ReadonlyMap<string, Drive>;
  readonly output: (channel: OutputChannel, byte: number) => void;
  /** Brings a device to now before an access, and reports its deadline after it. */
  readonly timed: (device: Device, ops: RegionOps) => RegionOps;
}

export class Slots {
  readonly bus = new PciBus();
  readonly isaBridge: IsaBridge;
  readonly ide: IdeController;
  readonly smbus = new Smbus();
  /** The virtio consoles, if there are any. */
  readonly consoles: VirtioConsole | null;
  readonly #environment: SlotEnvironment;

  constructor(environment: SlotEnvironment) {
    this.#environment = environment;
    const { bus } = this;
    const { config, memory, pcMemory, power, timed, line } = environment;
    bus.add(0, 0, new HostBridge(this.at(0, 0), pcMemory, config.ramBytes));

    this.isaBridge = new IsaBridge(this.at(1, 0), line);
    bus.add(1, 0, this.isaBridge);
    bus.connect((wire, level) => this.isaBridge.setPirq(wire, level));

    this.ide = this.#plugIde();
    bus.add(1, 1, this.ide);

    const pm = pmRegion([
      [0, MemoryRegion.io("acpi-evt", 4, timed(power, power.events))],
      [4, MemoryRegion.io("acpi-cnt", 2, timed(power, power.controls))],
      [8, MemoryRegion.io("acpi-tmr", 4, timed(power, power.timer))],
    ]);
    const smbus = MemoryRegion.io("pm-smbus", 64, this.smbus, { access: BYTES });
    bus.add(1, 3, new PowerManagement(this.at(1, 3), pm, smbus));

    bus.add(2, 0, new DisplayFunction(this.at(2, 0), memory, environment.vga, config.vgaRom ?? null));

    this.consoles = this.#plugVirtio();

    const { io } = memory;
    memory.transaction(() => {
      io.add(MemoryRegion.io("pci-conf-idx", 4, bus.address), 0xcf8);
      io.add(MemoryRegion.io("pci-conf-data", 4, bus.data), 0xcfc);
      io.add(MemoryRegion.io("acpi-gpe0", 4, timed(power, power.gpe)), 0xafe0);
    });
  }

  /** The controller with its drives; a CD drive without a medium is an empty tray. */
  #plugIde(): IdeController {
    const { config, drives, memory } = this.#environment;
    const at = (position: number): MakeDrive => {
      const drive = config.drives?.find(({ attach, index }) => attach === "ide" && index === position);
      if (drive === undefined) return null;
      const { id, media, serial } = drive;
      const image = drives.get(id)?.image ?? null;
      assert(image !== null || media === "cdrom", "an IDE disk has an image", id);
      return makeDrive(position, { media, image, ...(serial === undefined ? {} : { serial }) });
    };
    const ide = new IdeController(
      this.at(1, 1),
      [this.isaBridge.line(IDE[0].irq), this.isaBridge.line(IDE[1].irq)],
      [at(0), at(1), at(2), at(3)],
    );
    memory.transaction(() => {
      for (const [n, { command, control }] of IDE.entries()) {
        const { commandBlock, controlBlock } = ide.channels[n]!;
        memory.io.add(MemoryRegion.io("ide", 8, commandBlock), command);
        memory.io.add(MemoryRegion.io("ide", 1, controlBlock, { access: BYTES }), control);
      }
    });
    return ide;
  }

  /** Disks in their order, then the consoles, then the source of entropy, from the first free slot on. */
  #plugVirtio(): VirtioConsole | null {
    const { config, drives, output } = this.#environment;
    let slot = FIRST_FREE_SLOT;
    const plug = (device: VirtioBlock | VirtioConsole | VirtioEntropy, index: number): VirtioPci => {
      assert(slot < SLOTS, "a free PCI slot", slot);
      const pci = new VirtioPci(this.at(slot, 0), device, index);
      this.bus.add(slot++, 0, pci);
      return pci;
    };
    const disks = (config.drives ?? []).filter(({ attach }) => attach === "virtio");
    for (const { id, index, readOnly, serial } of disks.toSorted((a, b) => a.index - b.index)) {
      const drive = drives.get(id);
      assert(drive !== undefined, "a virtio disk has an image", id);
      plug(new VirtioBlock(drive.image, { readOnly, ...(serial === undefined ? {} : { serial }) }), index);
    }
    const ports = config.virtioConsoles ?? 0;
    let consoles: VirtioConsole | null = null;
    if (ports > 0) {
      consoles = new VirtioConsole(ports, (port, byte) => output(`console${port}`, byte));
      const pci = plug(consoles, 0);
      consoles.wake = (queue) => pci.wake(queue);
    }
    // A stream of its own: what the guest draws from the processor does not change what it gets here.
    if (config.virtioRng === true) plug(new VirtioEntropy(new RandomSource((config.seed ?? 0) + 1)), 0);
    return consoles;
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
