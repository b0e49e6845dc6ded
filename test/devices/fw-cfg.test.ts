import { describe, expect, test } from "vitest";
import { FW_CFG, FwCfg } from "../../emulator/devices/fw-cfg.ts";
import { fillFwCfg } from "../../emulator/devices/fw-cfg-pc.ts";
import { GuestRam } from "./guest-ram.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const string = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const swapped = (value: number): number =>
  new DataView(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value).buffer).getUint32(0, true);

function setUp() {
  const ram = new GuestRam(0x4000);
  const device = new FwCfg(ram);
  const select = (key: number): void => device.ports.write(0, 2, key);
  const read = (length: number): Uint8Array => Uint8Array.from({ length }, () => device.ports.read(1, 1));
  /** Runs a control block at 0x100 and gives its status. */
  const dma = (control: number, length: number, address: number): number => {
    ram.view.setUint32(0x100, control);
    ram.view.setUint32(0x104, length);
    ram.view.setUint32(0x108, 0);
    ram.view.setUint32(0x10c, address);
    device.dma.write(0, 4, 0);
    device.dma.write(4, 4, swapped(0x100));
    return ram.view.getUint32(0x100);
  };
  return { ram, device, select, read, dma };
}

describe("fw_cfg", () => {
  test("signature, id, and zeros past the end", () => {
    const { select, read, device } = setUp();
    expect(string(read(4))).toBe("QEMU");
    expect([...read(2)]).toEqual([0, 0]);
    select(FW_CFG.id);
    expect([...read(4)]).toEqual([3, 0, 0, 0]);
    device.reset();
    expect(string(read(4))).toBe("QEMU");
    expect(
      [device.dma.read(0, 4), device.dma.read(4, 4)].map((word) =>
        string(new Uint8Array(Uint32Array.of(word).buffer)),
      ),
    ).toEqual(["QEMU", " CFG"]);
  });

  test("files are sorted by name, and the directory says where they are", () => {
    const { device, select, read } = setUp();
    device.add("etc/b", text("bee"));
    device.add("opt/c", text("sea"));
    device.add("etc/a", text("ay"));
    device.add("etc/b", text("be"));
    select(FW_CFG.fileDirectory);
    const directory = new DataView(read(4 + 3 * 64).buffer);
    expect(directory.getUint32(0)).toBe(3);
    const entries = [0, 1, 2].map((n) => {
      const at = 4 + 64 * n;
      const name = string(new Uint8Array(directory.buffer, at + 8, 56)).replace(/\0+$/, "");
      const size = directory.getUint32(at);
      select(directory.getUint16(at + 4));
      return `${name}=${string(read(size))}`;
    });
    expect(entries).toEqual(["etc/a=ay", "etc/b=be", "opt/c=sea"]);
  });

  test("an entry that does not exist gives zeros", () => {
    const { select, read } = setUp();
    select(0x3000);
    expect([...read(2)]).toEqual([0, 0]);
    select(FW_CFG.id | 0x8000);
    expect([...read(2)]).toEqual([0, 0]);
  });

  test("DMA selects, skips, reads, and fills up with zeros", () => {
    const { ram, device, dma, read } = setUp();
    device.add("file", text("0123456789"));
    ram.bytes.fill(0xee, 0x200, 0x220);
    expect(dma((FW_CFG.fileFirst << 16) | 8 | 2, 4, 0x200)).toBe(0);
    expect(string(ram.bytes.slice(0x200, 0x204))).toBe("0123");
    expect(ram.bytes[0x204]).toBe(0xee);
    expect(dma(4, 2, 0)).toBe(0);
    expect(dma(2, 6, 0x210)).toBe(0);
    expect(string(ram.bytes.slice(0x210, 0x216))).toBe("6789\0\0");
    expect([...read(1)]).toEqual([0]);
    // Neither reading nor skipping: selects only.
    expect(dma((FW_CFG.id << 16) | 8, 100, 0x200)).toBe(0);
    expect([...read(1)]).toEqual([3]);
  });

  test("only files that may be written are, and wholly inside", () => {
    const { ram, device, dma } = setUp();
    const written: string[] = [];
    device.add("a", text("abc"));
    device.add("b", text("....."), { write: (bytes) => written.push(string(bytes)) });
    ram.bytes.set(text("xy"), 0x200);
    expect(dma((FW_CFG.fileFirst << 16) | 8 | 0x10, 2, 0x200)).toBe(1);
    expect(dma(((FW_CFG.fileFirst + 1) << 16) | 8 | 4, 1, 0)).toBe(0);
    expect(dma(0x10, 2, 0x200)).toBe(0);
    expect(dma(0x10, 3, 0x200)).toBe(1);
    expect(written).toEqual([".xy.."]);

    const copy = setUp();
    copy.device.add("a", text("abc"));
    copy.device.add("b", text("....."), { write: () => {} });
    copy.device.load(device.save());
    expect(copy.device.save()).toEqual(device.save());
    expect(string(copy.device.files[1]!.bytes)).toBe(".xy..");
  });

  test("a transfer outside of memory or of the address space neither fails nor hangs", () => {
    const { dma, device } = setUp();
    expect(dma(2, 0x100000, 0xfffff000)).toBe(0);
    device.dma.write(0, 4, 0xffffffff);
    device.dma.write(4, 4, 0xffffffff);
    expect(device.save()).toMatchObject({ dmaHigh: 0 });
  });

  test("saved in the middle of a file and of an address", () => {
    const { device, read } = setUp();
    read(2);
    device.dma.write(0, 4, swapped(7));
    const copy = setUp();
    copy.device.load(device.save());
    expect(string(copy.read(2))).toBe("MU");
    expect(copy.device.save()).toMatchObject({ dmaHigh: 7 });
  });
});

test("a PC's entries", () => {
  const { device, select, read } = setUp();
  fillFwCfg(device, {
    ramBytes: 6 * 2 ** 30,
    ramBelow4G: 3 * 2 ** 30,
    cpus: 4,
    bootOrder: "dc",
    slots: 2,
    memoryEnd: 8 * 2 ** 30,
    files: [{ name: "opt/x", bytes: text("y") }],
  });
  const u64 = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer).getBigUint64(at, true);
  select(FW_CFG.ramSize);
  expect(u64(read(8), 0)).toBe(6n << 30n);
  select(FW_CFG.maxCpus);
  expect([...read(2)]).toEqual([4, 0]);
  select(FW_CFG.numa);
  expect(u64(read(8), 0)).toBe(1n);
  expect([...read(32)]).toEqual(Array.from({ length: 32 }, () => 0));
  expect(u64(read(8), 0)).toBe(6n << 30n);
  const map = device.files.find(({ name }) => name === "etc/e820")!.bytes;
  expect([u64(map, 0), u64(map, 8), map[16], u64(map, 20), u64(map, 28), map[36]]).toEqual([
    0n,
    3n << 30n,
    1,
    4n << 30n,
    3n << 30n,
    1,
  ]);
  expect(device.files.map(({ name }) => name)).toEqual([
    "bootorder",
    "etc/e820",
    "etc/reserved-memory-end",
    "etc/system-states",
    "opt/x",
  ]);
});
