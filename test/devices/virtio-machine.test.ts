/** virtio devices in a whole machine: where they are plugged in, waiting for the host, inputs, outputs, saved states. */
import { describe, expect, test } from "vitest";
import { createMachine, openImage, type MachineConfig, type PhysicalAddress } from "../../emulator/index.ts";
import { MemoryStore } from "../block/memory-store.ts";

const MIB = 2 ** 20;
const physical = (value: number): PhysicalAddress => value as PhysicalAddress;

const CONFIG: MachineConfig = {
  ramBytes: 16 * MIB,
  drives: [
    { id: "second", attach: "virtio", index: 1, media: "disk", readOnly: true },
    { id: "first", attach: "virtio", index: 0, media: "disk", readOnly: false, serial: "ABC" },
  ],
  virtioConsoles: 1,
  virtioRng: true,
};

function machine() {
  const first = new MemoryStore(new Uint8Array(MIB).fill(0x11), { name: "first", readOnly: true });
  const second = new MemoryStore(new Uint8Array(2 * MIB).fill(0x22), { name: "second", readOnly: true });
  const images = new Map([
    ["first", openImage(first, "raw")],
    ["second", openImage(second, "raw")],
  ]);
  const pc = createMachine(CONFIG, { images });
  // The processor has nothing to do at its reset vector: sti; hlt; jmp back.
  pc.memory.poke(physical(0xfffffff0), Uint8Array.of(0xfb, 0xf4, 0xeb, 0xfc));
  const ports = pc.memory.ports;
  const config = {
    read: (slot: number, offset: number, size: 1 | 2 | 4): number => {
      ports.writePort(0xcf8, 4, 0x80000000 + slot * 0x800 + (offset & 0xfc));
      return ports.readPort(0xcfc + (offset & 3), size);
    },
    write: (slot: number, offset: number, size: 1 | 2 | 4, value: number): void => {
      ports.writePort(0xcf8, 4, 0x80000000 + slot * 0x800 + (offset & 0xfc));
      ports.writePort(0xcfc + (offset & 3), size, value);
    },
  };
  return { pc, first, second, config, ports };
}

/** Starts queue 0 of the legacy interface of a slot, with its tables at `at`, and asks for sector 0. */
function readSector(board: ReturnType<typeof machine>, slot: number, at: number): void {
  const { pc, ports, config } = board;
  const base = config.read(slot, 0x10, 4) & 0xfffc;
  config.write(slot, 4, 2, 7);
  ports.writePort(base + 18, 1, 3);
  ports.writePort(base + 14, 2, 0);
  ports.writePort(base + 8, 4, at / 4096);
  ports.writePort(base + 18, 1, 7);
  const words = (address: number, ...values: number[]): void =>
    values.forEach((value, n) => pc.memory.write(physical(address + 4 * n), 4, value));
  words(at, 0x5000, 0, 16, 0x10001, 0x6000, 0, 512, 0x20003, 0x5800, 0, 1, 2);
  words(0x5000, 0, 0, 0, 0);
  words(0x5800, 0xff);
  words(at + 16 * ports.readPort(base + 12, 2), 0x10000, 0);
  ports.writePort(base + 16, 2, 0);
}

describe("virtio in a machine", () => {
  test("is plugged in from slot 4 on: disks in their order, console, entropy", () => {
    const { config } = machine();
    expect([4, 5, 6, 7, 8].map((slot) => config.read(slot, 0, 4))).toEqual([
      0x10011af4, 0x10011af4, 0x10031af4, 0x10051af4, 0xffffffff,
    ]);
    expect([4, 5, 6, 7].map((slot) => config.read(slot, 0x2c, 4) >>> 16)).toEqual([2, 2, 3, 4]);
    // Firmware has given them ports, memory and an interrupt.
    for (const slot of [4, 5, 6, 7]) {
      expect(config.read(slot, 0x10, 4) & 0xfffc).not.toBe(0);
      expect(config.read(slot, 0x14, 4)).not.toBe(0);
      expect(config.read(slot, 0x20, 4) & 0xf).toBe(0xc);
      expect(config.read(slot, 0x3c, 1)).toBeGreaterThan(0);
    }
  });

  test("a disk whose bytes are late makes the machine wait, at the same instant", () => {
    const run = (late: boolean) => {
      const board = machine();
      const { pc, first } = board;
      if (late) first.late = () => true;
      readSector(board, 4, 0x8000);
      const stops: string[] = [];
      for (let n = 0; n < 5; n++) {
        const stop = pc.run({ instants: 1_000_000, untilNanoseconds: 1_000_000 });
        stops.push(stop.kind);
        if (stop.kind !== "waiting") break;
        // It can be saved while it waits.
        pc.load(pc.save());
      }
      expect(pc.memory.readBytes(physical(0x6000), 512)).toEqual(new Uint8Array(512).fill(0x11));
      expect(pc.memory.read(physical(0x5800), 1)).toBe(0);
      return { stops, state: pc.save() };
    };
    const [prompt, late] = [run(false), run(true)];
    expect(prompt.stops).toEqual(["limit"]);
    expect(late.stops).toEqual(["waiting", "limit"]);
    expect(late.state.instant).toBe(prompt.state.instant);
    expect(late.state.idle).toBe(prompt.state.idle);
    expect(late.state.devices["virtio-blk-pci.0"]).toEqual(prompt.state.devices["virtio-blk-pci.0"]);
  });

  test("what was written to a disk goes back with the state; bytes for the console are logged", () => {
    const { pc } = machine();
    const before = pc.save();
    pc.board.drives.get("first")!.image.write(512, new Uint8Array(512).fill(0x33));
    pc.input({ kind: "console", port: 0, bytes: Uint8Array.of(65) });
    expect(pc.inputs.at(-1)!.input).toEqual({ kind: "console", port: 0, bytes: Uint8Array.of(65) });
    const after = pc.save();
    pc.load(before);
    expect(pc.board.drives.get("first")!.image.read(512, 1)[0]).toBe(0x11);
    expect(pc.save().devices["virtio-serial-pci.0"]).toEqual(before.devices["virtio-serial-pci.0"]);
    pc.load(after);
    expect(pc.board.drives.get("first")!.image.read(512, 1)[0]).toBe(0x33);
    const other = machine().pc;
    other.load(after);
    expect(other.save().devices).toEqual(after.devices);
  });
});
