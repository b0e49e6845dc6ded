/** The PCI side of a PC without the rest of it: bus, bridges and power management around a real memory, with recorded interrupt lines. */
import { PciBus } from "../../emulator/devices/pci/bus.ts";
import type { PciEnvironment } from "../../emulator/devices/pci/function.ts";
import { HostBridge } from "../../emulator/devices/pci/host-bridge.ts";
import { IsaBridge } from "../../emulator/devices/pci/isa-bridge.ts";
import { pmRegion, PowerManagement } from "../../emulator/devices/pci/power-management.ts";
import { Power } from "../../emulator/devices/power.ts";
import { Smbus } from "../../emulator/devices/smbus.ts";
import { createPcMemory, Memory, MemoryRegion } from "../../emulator/memory/index.ts";
import { ns, recordLine } from "./recorder.ts";

const IDLE = { read: () => 0, write: () => {} };

export function pciBoard(ramBytes = 128 * 2 ** 20) {
  const memory = new Memory(new WebAssembly.Memory({ initial: 160 }));
  const vgaLowmem = MemoryRegion.io("vga-lowmem", 0x20000, IDLE);
  const pcMemory = createPcMemory(memory, { ramBytes, vgaLowmem });
  const bus = new PciBus();
  const clock = { now: 0 };
  const machine: Omit<PciEnvironment, "intx"> = {
    now: () => ns(clock.now),
    rescheduled: () => {},
    dma: memory,
    memory: pcMemory.pci,
    io: memory.io,
    message: () => {},
    transaction: (change) => memory.transaction(change),
  };
  const environment = (device: number, number = 0): PciEnvironment =>
    bus.environment(device, number, machine);
  const irqs = Array.from({ length: 16 }, recordLine);
  const isaBridge = new IsaBridge(environment(1, 0), (irq) => irqs[irq]!.line);
  bus.connect((wire, level) => isaBridge.setPirq(wire, level));
  const slept: number[] = [];
  const power = new Power(isaBridge.line(9), (type) => slept.push(type));
  const smbus = new Smbus();
  const pm = pmRegion([
    [0, MemoryRegion.io("acpi-evt", 4, power.events)],
    [4, MemoryRegion.io("acpi-cnt", 2, power.controls)],
    [8, MemoryRegion.io("acpi-tmr", 4, power.timer)],
  ]);
  const hostBridge = new HostBridge(environment(0), pcMemory, ramBytes);
  const powerManagement = new PowerManagement(
    environment(1, 3),
    pm,
    MemoryRegion.io("pm-smbus", 64, smbus, { access: { impl: { max: 1 } } }),
  );
  bus.add(0, 0, hostBridge);
  bus.add(1, 0, isaBridge);
  bus.add(1, 3, powerManagement);
  memory.io.add(MemoryRegion.io("pci-conf-idx", 4, bus.address), 0xcf8);
  memory.io.add(MemoryRegion.io("pci-conf-data", 4, bus.data), 0xcfc);
  /** Configuration space as a guest reaches it. */
  const config = {
    read: (device: number, number: number, offset: number, size: 1 | 2 | 4): number => {
      memory.ports.writePort(0xcf8, 4, address(device, number, offset));
      return memory.ports.readPort(0xcfc + (offset & 3), size);
    },
    write: (device: number, number: number, offset: number, size: 1 | 2 | 4, value: number): void => {
      memory.ports.writePort(0xcf8, 4, address(device, number, offset));
      memory.ports.writePort(0xcfc + (offset & 3), size, value);
    },
    bytes: (device: number, number: number): Uint8Array =>
      Uint8Array.from({ length: 256 }, (_, offset) => config.read(device, number, offset, 1)),
  };
  const reset = (): void => {
    for (const device of [bus, ...bus.slots.map(({ pci }) => pci), power, smbus]) device.reset();
  };
  return {
    memory,
    pcMemory,
    bus,
    clock,
    machine,
    environment,
    irqs,
    isaBridge,
    hostBridge,
    powerManagement,
    power,
    smbus,
    slept,
    config,
    reset,
  };
}

const address = (device: number, number: number, offset: number): number =>
  (0x80000000 | (device << 11) | (number << 8) | (offset & 0xfc)) >>> 0;
