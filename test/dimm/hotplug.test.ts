/**
 * The hot-plug registers beside QEMU's, read and written by its monitor; and what is plugged in as a part of the machine's state: going back brings DIMMs and
 * backends back, and takes them away.
 */
import { describe, expect, it, test } from "vitest";
import { createMachine, physical, type Pc } from "../../emulator/index.ts";
import { expectEqualStates } from "../machine/equality.ts";
import { hasQemu, qemuMonitor } from "../memory/qemu.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const CONFIG = { ramBytes: 512 * MIB, slots: 3, maxRamBytes: 2 * GIB };
const GPE_STATUS = 0xafe0;

const add = (machine: Pc, id: string, mebibytes: number): void =>
  machine.input({
    kind: "backend-add",
    backend: { id, type: "memory-backend-ram", sizeBytes: mebibytes * MIB },
  });
const plug = (machine: Pc, id: string, memdev: string): void =>
  machine.input({ kind: "dimm-plug", dimm: { id, memdev } });

const SIZES = { b: 1, h: 2, w: 4 } as const;

/** QEMU's monitor commands, as far as this test says them. */
function ours(machine: Pc, command: string): string {
  const words = command.split(" ");
  const [verb = ""] = words;
  const size = SIZES[words[1]?.slice(1) as keyof typeof SIZES];
  const port = Number(words[2]);
  switch (verb) {
    case "i": {
      const digits = machine.memory.ports.readPort(port, size).toString(16).padStart(size * 2, "0"); // oxfmt-ignore
      return `port${{ 1: "b", 2: "w", 4: "l" }[size]}[0x${port.toString(16).padStart(4, "0")}] = 0x${digits}\n`;
    }
    case "o":
      machine.memory.ports.writePort(port, size, Number(words[3]));
      return "";
    case "object_add":
      add(machine, /id=(\w+)/.exec(command)![1]!, Number(/size=(\d+)M/.exec(command)![1]));
      return "";
    case "device_add":
      plug(machine, /,id=(\w+)/.exec(command)![1]!, /memdev=(\w+)/.exec(command)![1]!);
      return "";
    case "device_del":
      machine.input({ kind: "dimm-unplug", id: words[1]! });
      return "";
    case "system_reset":
      machine.reset();
      return "";
    default:
      throw new Error(command);
  }
}

const REGISTERS = ["0xa00", "0xa04", "0xa08", "0xa0c", "0xa10", "0xa14"].map((port) => `i /w ${port}`);
const LOOK = [...REGISTERS, "i /b 0xafe0"];
const SESSION = [
  ...LOOK,
  "object_add memory-backend-ram,id=m1,size=128M",
  "device_add pc-dimm,id=d1,memdev=m1",
  ...LOOK,
  "i /b 0xa14",
  "i /h 0xa14",
  "i /b 0xa15",
  "i /b 0xa01",
  "i /h 0xa02",
  "i /w 0xa02",
  "i /w 0xa16",
  "o /b 0xafe0 8",
  "o /w 0xa14 8", // not told yet, ejected all the same: see below
  ...LOOK,
  "object_add memory-backend-ram,id=m2,size=64M",
  "device_add pc-dimm,id=d2,memdev=m2",
  "o /w 0xa14 6", // the first bit counts
  ...LOOK,
  "device_del d2",
  ...LOOK,
  "o /w 0xa14 2",
  ...LOOK,
  "system_reset",
  ...LOOK,
  "o /w 0xa00 2",
  ...LOOK,
  "o /w 0xa14 8",
  "o /w 0xa00 3",
  ...LOOK,
  "o /w 0xa14 4",
  "o /w 0xa00 0",
  "o /w 0xa14 4",
  "o /w 0xa04 3",
  "o /w 0xa08 0x82",
  ...LOOK,
];

test.skipIf(!hasQemu)("registers read as QEMU's do", { timeout: 120_000 }, async () => {
  const machine = createMachine(CONFIG);
  const answers = await qemuMonitor(["-nodefaults", "-m", "512M,slots=3,maxmem=2G"], SESSION);
  const told = SESSION.map((command) => `${command}: ${ours(machine, command)}`);
  expect(told).toEqual(SESSION.map((command, n) => `${command}: ${answers[n]}`));
  expect(machine.memoryDevices.dimms).toMatchObject([{ id: "d2", slot: 0, event: 3, status: 0x82 }]);
});

describe("going back", () => {
  const dimmsOf = (machine: Pc): string =>
    machine.memoryDevices.dimms
      .map(({ id, slot, address }) => `${id}@${slot}:${address.toString(16)}`)
      .join(" ");

  it("brings back what was there and takes away what was not", () => {
    const machine = createMachine(CONFIG);
    const { memory } = machine;
    const word = (address: number): number => memory.read(physical(address), 4);
    const states = [machine.save()];
    add(machine, "m1", 128);
    add(machine, "m2", 128);
    plug(machine, "d1", "m1");
    memory.write(physical(4 * GIB + 0x1000), 4, 0x11111111);
    states.push(machine.save());
    plug(machine, "d2", "m2");
    memory.write(physical(4 * GIB + 128 * MIB), 4, 0x22222222);
    states.push(machine.save());
    ours(machine, "device_del d1");
    ours(machine, "o /w 0xa14 8");
    machine.input({ kind: "backend-remove", id: "m1" });
    states.push(machine.save());
    // Another of the same name, of another size and elsewhere.
    add(machine, "m1", 256);
    plug(machine, "d1", "m1");
    states.push(machine.save());

    const expected = [
      { dimms: "", blocks: "", first: 0xffffffff, second: 0xffffffff },
      { dimms: "d1@0:100000000", blocks: "m1 m2", first: 0x11111111, second: 0xffffffff },
      { dimms: "d1@0:100000000 d2@1:108000000", blocks: "m1 m2", first: 0x11111111, second: 0x22222222 },
      { dimms: "d2@1:108000000", blocks: "m2", first: 0xffffffff, second: 0x22222222 },
      { dimms: "d2@1:108000000 d1@0:110000000", blocks: "m1 m2", first: 0xffffffff, second: 0x22222222 },
    ];
    const offsets = states.map((state) => state.memory.blocks["m1"]?.offset);
    // From each to each.
    for (const from of [0, 4, 1, 3, 2, 4, 2, 1, 4, 3, 0, 2, 0, 1, 0, 3, 1]) {
      machine.load(states[from]!);
      const { dimms, blocks, first, second } = expected[from]!;
      expect(dimmsOf(machine)).toBe(dimms);
      const names = memory.ramList.blocks.map(({ idstr }) => idstr);
      expect(names).toEqual(Object.keys(states[from]!.memory.blocks));
      expect(names.filter((name) => name.startsWith("m")).join(" ")).toBe(blocks);
      expect([word(4 * GIB + 0x1000), word(4 * GIB + 128 * MIB)]).toEqual([first, second]);
      expect(memory.ramList.find("m1")?.offset).toBe(offsets[from]);
      expectEqualStates(states[from]!, machine.save());
    }
  });

  it("forgets the frames of what is taken out", () => {
    const machine = createMachine(CONFIG);
    const before = machine.memory.hostBytes;
    add(machine, "m1", 128);
    plug(machine, "d1", "m1");
    for (let page = 0; page < 100; page++) machine.memory.write(physical(4 * GIB + page * 4096), 4, page + 1);
    expect(machine.memory.hostBytes.frames - before.frames).toBeGreaterThanOrEqual(100 * 4096);
    ours(machine, "device_del d1");
    ours(machine, "o /w 0xa14 8");
    machine.input({ kind: "backend-remove", id: "m1" });
    expect(machine.memory.hostBytes).toEqual(before);
  });
});

it("an event is there until the guest clears it, and a reset clears it, but not the slots", () => {
  const machine = createMachine(CONFIG);
  add(machine, "m1", 128);
  plug(machine, "d1", "m1");
  const look = (): readonly number[] => [
    machine.memory.ports.readPort(GPE_STATUS, 1),
    machine.memory.ports.readPort(0xa14, 4),
  ];
  expect(look()).toEqual([8, 3]);
  machine.reset();
  expect(look()).toEqual([0, 3]);
});

it("without slots there are no registers", () => {
  for (const config of [{ ramBytes: 512 * MIB }, { ...CONFIG, acpi: false }]) {
    const machine = createMachine(config);
    expect(machine.memory.ports.readPort(0xa14, 4)).toBe(0xffffffff);
    expect(machine.memoryDevices.hotplug).toBeNull();
  }
});
