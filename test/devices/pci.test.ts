import { describe, expect, test } from "vitest";
import { assignResources } from "../../emulator/devices/pci/assign.ts";
import { type PciEnvironment, PciFunction, type PciIdentity } from "../../emulator/devices/pci/function.ts";
import { MemoryRegion } from "../../emulator/memory/index.ts";
import { physical } from "../../emulator/numbers.ts";
import { pciBoard } from "./pci-board.ts";
import { configBytes, QEMU_FUNCTIONS } from "./pci-qemu.ts";

type Bar = readonly [
  index: number | "rom",
  kind: "io" | "memory" | "memory64" | "rom",
  size: number,
  pref?: boolean,
];

/** A function with these BARs whose registers read as their BAR's index. */
class Probe extends PciFunction {
  readonly name: string;
  constructor(
    name: string,
    environment: PciEnvironment,
    identity: Partial<PciIdentity>,
    bars: readonly Bar[],
  ) {
    super(environment, { vendorId: 0x1af4, deviceId: 0x1000, classCode: 0xff0000, ...identity });
    this.name = name;
    for (const [index, kind, size, pref] of bars) {
      const ops = { read: () => (index === "rom" ? 6 : index), write: () => {} };
      this.addBar(index, kind, MemoryRegion.io(`${name}.bar${index}`, size, ops), pref);
    }
  }
  raise(level: boolean): void {
    this.setInterrupt(level);
  }
}

function board(bars: readonly (readonly Bar[])[] = []) {
  const pci = pciBoard();
  const probes = bars.map((list, index) => {
    const probe = new Probe(`probe${index}`, pci.environment(index + 2), { interruptPin: 1 }, list);
    pci.bus.add(index + 2, 0, probe);
    return probe;
  });
  pci.reset();
  return { ...pci, probes };
}

describe("configuration mechanism 1", () => {
  test("reads all ones where nothing is, and where the address is not enabled", () => {
    const { config, memory } = board();
    expect(config.read(5, 0, 0, 4)).toBe(0xffffffff);
    expect(config.read(0, 1, 0, 2)).toBe(0xffff);
    memory.ports.writePort(0xcf8, 4, 0x80010000); // bus 1
    expect(memory.ports.readPort(0xcfc, 4)).toBe(0xffffffff);
    memory.ports.writePort(0xcf8, 4, 0);
    expect(memory.ports.readPort(0xcfc, 4)).toBe(0xffffffff);
  });

  test("bytes and words at every offset, and the address reads back", () => {
    const { config, memory } = board();
    expect(config.read(0, 0, 0, 4)).toBe(0x12378086);
    expect(memory.ports.readPort(0xcf8, 4)).toBe(0x80000000);
    expect([0, 1, 2, 3].map((offset) => config.read(0, 0, offset, 1))).toEqual([0x86, 0x80, 0x37, 0x12]);
    expect(config.read(0, 0, 2, 2)).toBe(0x1237);
    config.write(0, 0, 0x91, 1, 0xab);
    config.write(0, 0, 0x92, 2, 0x1234);
    expect(config.read(0, 0, 0x90, 4)).toBe(0x1234ab00);
  });

  test("narrow accesses at 0xcf8 do not reach the address", () => {
    const { memory } = board();
    memory.ports.writePort(0xcf8, 4, 0x80000800);
    memory.ports.writePort(0xcf8, 1, 0xff);
    memory.ports.writePort(0xcfa, 2, 0x1234);
    expect(memory.ports.readPort(0xcf8, 4)).toBe(0x80000800);
  });

  test("identity is read-only, errors in the status clear by writing ones", () => {
    const { config, bus } = board();
    config.write(1, 0, 0, 4, 0);
    expect(config.read(1, 0, 0, 4)).toBe(0x70008086);
    bus.at(1, 0)!.put(6, 2, 0xa200);
    config.write(1, 0, 6, 2, 0x8000);
    expect(config.read(1, 0, 6, 2)).toBe(0x2200);
  });
});

describe("QEMU's configuration space", () => {
  const present = QEMU_FUNCTIONS.filter(({ device, function: number }) => pciBoard().bus.at(device, number));

  test.each(present)("$device.$function at power-on", ({ device, function: number, powerOn }) => {
    expect(board().config.bytes(device, number)).toEqual(configBytes(powerOn));
  });

  test.each(present)("$device.$function after firmware", ({ device, function: number, handOver }) => {
    const { bus, config } = board();
    assignResources(bus);
    expect(config.bytes(device, number)).toEqual(configBytes(handOver));
  });
});

describe("base address registers", () => {
  test("size, placing, moving and disabling", () => {
    const { config, memory, probes } = board([
      [
        [0, "io", 0x20],
        [1, "memory", 0x1000],
        [2, "memory64", 0x4000, true],
        ["rom", "rom", 0x10000],
      ],
    ]);
    const sizes = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x30].map((offset) => {
      config.write(2, 0, offset, 4, 0xffffffff);
      return config.read(2, 0, offset, 4);
    });
    expect(sizes).toEqual([0xffffffe1, 0xfffff000, 0xffffc00c, 0xffffffff, 0, 0xffff0001]);
    config.write(2, 0, 0x10, 4, 0xc041);
    config.write(2, 0, 0x14, 4, 0xe0000000);
    config.write(2, 0, 0x18, 4, 0);
    config.write(2, 0, 0x1c, 4, 1);
    config.write(2, 0, 0x30, 4, 0xe0100001);
    expect(memory.ports.readPort(0xc050, 1)).toBe(0xff);
    config.write(2, 0, 4, 2, 3);
    const probe = probes[0]!;
    expect([0, 1, 2, 6].map((index) => probe.barAddress(index))).toEqual([
      0xc040, 0xe0000000, 0x100000000, 0xe0100000,
    ]);
    expect(memory.ports.readPort(0xc050, 1)).toBe(0);
    expect(memory.read(physical(0xe0000ffc), 4)).toBe(1);
    expect(memory.read(physical(0x100000000), 4)).toBe(2);
    expect(memory.read(physical(0xe0100000), 1)).toBe(6);
    config.write(2, 0, 0x10, 4, 0xd000);
    expect([memory.ports.readPort(0xc050, 1), memory.ports.readPort(0xd000, 1)]).toEqual([0xff, 0]);
    config.write(2, 0, 4, 2, 0);
    expect(memory.read(physical(0xe0000ffc), 4)).toBe(0xffffffff);
    expect(memory.ports.readPort(0xd000, 1)).toBe(0xff);
  });

  test("are assigned where SeaBIOS assigns those of QEMU's VGA and virtio devices", () => {
    // `info pci` of QEMU 7.2 with -device virtio-blk-pci, virtio-rng-pci and virtio-serial-pci behind the VGA adapter and IDE.
    const virtio = (ports: number): Bar[] => [
      [0, "io", ports],
      [1, "memory", 0x1000],
      [4, "memory64", 0x4000, true],
    ];
    const { bus, config, probes, environment } = board([
      [
        [0, "memory", 0x1000000, true],
        [2, "memory", 0x1000],
        ["rom", "rom", 0x10000],
      ],
      virtio(0x80),
      virtio(0x20),
      virtio(0x40),
    ]);
    const ide = new Probe("ide", environment(1, 1), {}, [[4, "io", 0x10]]);
    bus.add(1, 1, ide);
    assignResources(bus);
    expect(ide.barAddress(4)).toBe(0xc0e0);
    const table = probes.map((probe) => [0, 1, 2, 4].map((index) => probe.barAddress(index)));
    expect(table).toEqual([
      [0xfd000000, null, 0xfebf0000, null],
      [0xc000, 0xfebf1000, null, 0xfe000000],
      [0xc0c0, 0xfebf2000, null, 0xfe004000],
      [0xc080, 0xfebf3000, null, 0xfe008000],
    ]);
    expect(config.read(2, 0, 0x30, 4)).toBe(0xfebe0000);
    expect([2, 3, 4, 5].map((device) => config.read(device, 0, 0x3c, 1))).toEqual([10, 11, 11, 10]);
    expect(config.read(3, 0, 4, 2)).toBe(0x103);
  });
});

describe("the host bridge", () => {
  test("PAM registers move the windows below 1 MiB", () => {
    const { config, memory } = board();
    memory.poke(physical(0xfff00000), Uint8Array.of(0));
    config.write(0, 0, 0x59, 1, 0x30);
    memory.write(physical(0xf8000), 1, 0x5a);
    expect(memory.read(physical(0xf8000), 1)).toBe(0x5a);
    config.write(0, 0, 0x59, 1, 0x10);
    memory.write(physical(0xf8000), 1, 0xa5);
    expect(memory.read(physical(0xf8000), 1)).toBe(0x5a);
    config.write(0, 0, 0x59, 1, 0);
    expect(memory.read(physical(0xf8000), 1)).toBe(0);
    config.write(0, 0, 0x5f, 1, 0x30); // 0xec000
    memory.write(physical(0xec000), 1, 7);
    memory.write(physical(0xe8000), 1, 7);
    expect([0xec000, 0xe8000].map((at) => memory.read(physical(at), 1))).toEqual([7, 0]);
  });

  test("SMRAMC opens RAM behind VGA", () => {
    const { config, memory, hostBridge } = board();
    memory.write(physical(0xa0000), 1, 1);
    expect(memory.read(physical(0xa0000), 1)).toBe(0);
    config.write(0, 0, 0x72, 1, 0x4a);
    memory.write(physical(0xa0000), 1, 1);
    expect(memory.read(physical(0xa0000), 1)).toBe(1);
    const saved = hostBridge.save();
    hostBridge.reset();
    expect(memory.read(physical(0xa0000), 1)).toBe(0);
    hostBridge.load(saved);
    expect(memory.read(physical(0xa0000), 1)).toBe(1);
  });
});

describe("interrupt pins", () => {
  test("meet in PIRQ wires, which are ORed and routed", () => {
    const { config, irqs, probes } = board([[], [], [], [], []]);
    const [a, , , , e] = probes; // devices 2 and 6: the same wire, PIRQB
    a!.raise(true);
    expect(irqs.some(({ level }) => level)).toBe(false);
    config.write(1, 0, 0x61, 1, 11);
    expect(irqs[11]!.level).toBe(true);
    e!.raise(true);
    a!.raise(false);
    expect(irqs[11]!.level).toBe(true);
    config.write(1, 0, 0x61, 1, 5);
    expect([irqs[11]!.level, irqs[5]!.level]).toEqual([false, true]);
    config.write(1, 0, 0x61, 1, 0x85);
    expect(irqs[5]!.level).toBe(false);
    config.write(1, 0, 0x61, 1, 5);
    config.write(6, 0, 4, 2, 0x400); // interrupt disable
    expect(irqs[5]!.level).toBe(false);
    expect(config.read(6, 0, 6, 2) & 8).toBe(8);
    config.write(6, 0, 4, 2, 0);
    expect(irqs[5]!.level).toBe(true);
    expect(irqs[5]!.rises).toBe(3);
  });

  test("share an ISA interrupt with its ISA device", () => {
    const { config, irqs, probes, power } = board([[]]);
    config.write(1, 0, 0x61, 1, 9);
    probes[0]!.raise(true);
    power.smiCommand.write(0, 1, 0xf1);
    power.events.write(2, 2, 0x100);
    power.pressButton();
    probes[0]!.raise(false);
    expect(irqs[9]!.level).toBe(true);
    power.events.write(0, 2, 0x100);
    expect(irqs[9]!.level).toBe(false);
    expect(irqs[9]!.rises).toBe(1);
  });

  test("a loaded state drives nothing and goes on where it was", () => {
    const one = board([[], []]);
    assignResources(one.bus);
    one.probes[0]!.raise(true);
    one.probes[1]!.raise(true);
    const devices = (pci: typeof one) => [pci.bus, ...pci.bus.slots.map((slot) => slot.pci)];
    const saved = devices(one).map((device) => device.save());
    const two = board([[], []]);
    for (const [index, device] of devices(two).entries()) device.load(saved[index]!);
    expect(devices(two).map((device) => device.save())).toEqual(saved);
    expect(two.irqs.map(({ rises }) => rises)).toEqual(Array.from({ length: 16 }, () => 0));
    for (const { probes } of [one, two]) probes[0]!.raise(false);
    for (const pci of [one, two]) {
      pci.config.write(1, 0, 0x62, 1, 5);
      expect(pci.irqs[5]!.level).toBe(true);
      expect(pci.irqs[10]!.level).toBe(false);
    }
    expect(devices(two).map((device) => device.save())).toEqual(devices(one).map((device) => device.save()));
  });
});

describe("PIIX4 power management", () => {
  test("moves the ACPI registers and the SMBus", () => {
    const { config, memory, bus, clock, power } = board();
    assignResources(bus);
    const port = memory.ports;
    clock.now = 1e9;
    power.tick(1e9 as never);
    expect(port.readPort(0x608, 4)).toBe(3_579_545);
    config.write(1, 3, 0x40, 4, 0xb001);
    expect(port.readPort(0x608, 4)).toBe(0xffffffff);
    expect(port.readPort(0xb008, 4)).toBe(3_579_545);
    config.write(1, 3, 0x80, 1, 0);
    expect(port.readPort(0xb008, 4)).toBe(0xffffffff);
  });

  test("an SMBus transaction finds nobody", () => {
    const { memory, bus, smbus } = board();
    assignResources(bus);
    const port = memory.ports;
    expect(port.readPort(0x700, 1)).toBe(0);
    port.writePort(0x704, 1, 0xa1);
    port.writePort(0x702, 1, 0x48);
    expect(port.readPort(0x700, 1)).toBe(6);
    const saved = smbus.save();
    port.writePort(0x700, 1, 6);
    expect(port.readPort(0x700, 1)).toBe(0);
    smbus.load(saved);
    expect(port.readPort(0x700, 1)).toBe(6);
    expect(port.readPort(0x704, 1)).toBe(0xa1);
  });
});
