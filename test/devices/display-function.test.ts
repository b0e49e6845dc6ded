/** The display adapter on the PCI bus of the whole machine: where it is, and what its registers say. */
import { expect, test } from "vitest";
import { createMachine } from "../../emulator/index.ts";
import { monitorEdid } from "../../emulator/devices/vga-edid.ts";

const machine = (rom?: Uint8Array) =>
  createMachine({ ramBytes: 16 * 2 ** 20, ...(rom === undefined ? {} : { vgaRom: rom }) });
const LINEAR = 0xfd000000;

/** A register of function 02.0, through ports 0xcf8 and 0xcfc. */
function config(pc: ReturnType<typeof machine>, offset: number): number {
  pc.memory.ports.writePort(0xcf8, 4, 0x80001000 + offset);
  return pc.memory.ports.readPort(0xcfc, 4);
}

test("is QEMU's function, at QEMU's addresses", () => {
  const pc = machine();
  expect(config(pc, 0)).toBe(0x11111234);
  expect(config(pc, 8)).toBe(0x03000002);
  expect(config(pc, 0x2c)).toBe(0x11001af4);
  expect(config(pc, 0x10)).toBe(LINEAR + 8);
  expect(config(pc, 0x30)).toBe(0);
  pc.memory.write(LINEAR as never, 4, 0x12345678);
  expect(pc.memory.read(LINEAR as never, 4)).toBe(0x12345678);
});

test("its registers in memory are those at the ports", () => {
  const pc = machine();
  const base = config(pc, 0x18);
  const { memory } = pc;
  const read = (offset: number, size: 1 | 2 | 4): number => memory.read((base + offset) as never, size);
  const write = (offset: number, size: 1 | 2 | 4, value: number): void =>
    memory.write((base + offset) as never, size, value);
  expect(read(0x500, 2)).toBe(0xb0c5);
  for (const [index, value] of [
    [1, 640],
    [2, 480],
    [3, 32],
    [4, 0x41],
  ] as const)
    write(0x500 + index * 2, 2, value);
  expect([read(0x502, 2), read(0x514, 2)]).toEqual([640, 256]);
  expect(pc.picture()).toMatchObject({ width: 640, height: 480 });
  expect(pc.display()).toMatchObject({ kind: "pixels", width: 640, height: 480 });
  // Sequencer 4 through the remapped ports, as bochs-drm writes them.
  write(0x404, 1, 4);
  expect(read(0x405, 1)).toBe(2);
  expect([read(0x600, 4), read(0x604, 4)]).toEqual([8, 0x1e1e1e1e]);
  write(0x604, 4, 0xbebebebe);
  expect(read(0x604, 4)).toBe(0xbebebebe);
});

test("has the VGA BIOS as its expansion ROM", () => {
  const pc = machine(Uint8Array.of(0x55, 0xaa, 1));
  const address = config(pc, 0x30);
  expect(address).toBe(0xfebe0000);
  pc.memory.ports.writePort(0xcfc, 4, address + 1);
  expect(pc.memory.read(address as never, 4)).toBe(0x0001aa55);
});

test("its monitor's EDID adds up and prefers 1024 × 768", () => {
  const pc = machine();
  const base = config(pc, 0x18);
  const edid = pc.memory.readBytes(base as never, 128);
  expect(edid).toEqual(monitorEdid());
  expect([...edid.subarray(0, 8)]).toEqual([0, 255, 255, 255, 255, 255, 255, 0]);
  expect(edid.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
  const [width, height] = [edid[56]! | ((edid[58]! & 0xf0) << 4), edid[59]! | ((edid[61]! & 0xf0) << 4)];
  expect([width, height, (edid[54]! | (edid[55]! << 8)) / 100]).toEqual([1024, 768, 65]);
});
