import { describe, expect, test } from "vitest";
import { BlockError } from "../../emulator/block/index.ts";
import type { AtapiDrive, IdePlug } from "../../emulator/devices/ide/index.ts";
import { physical } from "../../emulator/numbers.ts";
import { configBytes, QEMU_FUNCTIONS } from "./pci-qemu.ts";
import {
  BUFFER,
  type IdeBoard,
  ideBoard,
  IdeDriver,
  MemoryImage,
  random,
  randomBytes,
  type Task,
} from "./ide-board.ts";

const DISK_BYTES = 2 ** 20;
const DISK = randomBytes(DISK_BYTES, 1);
const CD = randomBytes(2 ** 18, 2);
const disk = (name = "disk"): MemoryImage => new MemoryImage(name, DISK.slice());
const cd = (): MemoryImage => new MemoryImage("cd", CD.slice(), true);

function withDisk(image = disk(), extra: Partial<IdePlug> = {}) {
  const board = ideBoard([{ media: "disk", image, ...extra }]);
  board.config.write(1, 1, 4, 2, 7);
  return { ...board, image, driver: new IdeDriver(board.ports) };
}

function withCd(image: MemoryImage | null = cd()) {
  const board = ideBoard([null, null, { media: "cdrom", image }]);
  board.config.write(1, 1, 4, 2, 7);
  const drive = board.ide.channels[1].drives[0] as AtapiDrive;
  return { ...board, image, drive, driver: new IdeDriver(board.ports) };
}

const read = (lba: number, count: number): Task => ({ drive: 0, command: 0x20, lba, count });

describe("the PIIX3's IDE function", () => {
  const qemu = QEMU_FUNCTIONS.find(({ device, function: number }) => device === 1 && number === 1)!;

  test("has QEMU's configuration space at power-on and after firmware", () => {
    const { config, ide } = ideBoard([]);
    expect(config.bytes(1, 1)).toEqual(configBytes(qemu.handOver));
    ide.reset();
    expect(config.bytes(1, 1)).toEqual(configBytes(qemu.powerOn));
  });

  test("an empty cable reads 0", async () => {
    const { ports } = ideBoard([]);
    for (const base of [0x1f0, 0x170]) {
      await ports.out(base + 2, 0x55);
      for (const port of [1, 2, 3, 4, 5, 6, 7, 0x206]) expect(await ports.in(base + port)).toBe(0);
    }
  });

  test("a second drive that is not there has no status, and ignores commands", async () => {
    const { ports, irqs } = withDisk();
    await ports.out(0x1f6, 0xb0);
    expect(await ports.in(0x1f7)).toBe(0);
    await ports.out(0x1f7, 0xec);
    expect([await ports.in(0x1f7), irqs[14]!.rises]).toEqual([0, 0]);
    await ports.out(0x1f6, 0xa0);
    expect(await ports.in(0x1f7)).toBe(0x50);
  });
});

describe("interrupts", () => {
  test("a read raises IRQ 14 after 100 µs; reading the status lowers it, reading the other does not", async () => {
    const { driver, ports, irqs, clock, ide, advance } = withDisk();
    await driver.issue(read(3, 1));
    expect([ide.deadline - clock.now, irqs[14]!.level]).toEqual([100_000, false]);
    advance();
    expect([await ports.in(0x3f6), irqs[14]!.level]).toEqual([0x58, true]);
    expect([await ports.in(0x1f7), irqs[14]!.level]).toEqual([0x58, false]);
    expect(await ports.in(0xc002)).toBe(4);
  });

  test("nIEN holds the interrupt back, and the other drive's is not seen", async () => {
    const board = ideBoard([
      { media: "disk", image: disk() },
      { media: "disk", image: disk() },
    ]);
    const { ports, irqs } = board;
    await ports.out(0x3f6, 2);
    await ports.out(0x1f6, 0xa0);
    await ports.out(0x1f7, 0xe5);
    expect([irqs[14]!.rises, await ports.in(0xc002)]).toEqual([0, 0]);
    await ports.out(0x3f6, 0);
    expect(irqs[14]!.level).toBe(true);
    await ports.out(0x1f6, 0xb0);
    expect(irqs[14]!.level).toBe(false);
    await ports.out(0x1f6, 0xa0);
    expect(irqs[14]!.level).toBe(true);
  });

  test("each block of a read has its interrupt; a write has none for the first", async () => {
    const { driver, irqs } = withDisk();
    await driver.pio(read(0, 3));
    expect(irqs[14]!.rises).toBe(3);
    await driver.pio({ drive: 0, command: 0x30, lba: 0, count: 3 }, new Uint8Array(3 * 512));
    expect(irqs[14]!.rises).toBe(6);
  });
});

describe("a disk", () => {
  test("names itself by its position, or as it is told", async () => {
    const serial = (data: Uint8Array): string =>
      Array.from({ length: 20 }, (_, n) => String.fromCharCode(data[20 + (n ^ 1)]!))
        .join("")
        .trim();
    expect(serial((await withDisk().driver.pio({ drive: 0, command: 0xec })).data)).toBe("QM00001");
    const named = withDisk(disk(), { serial: "tape 9" });
    expect(serial((await named.driver.pio({ drive: 0, command: 0xec })).data)).toBe("tape 9");
  });

  test("a disk of more than 2^28 sectors says so in 48 bits", async () => {
    const image = disk();
    Object.defineProperty(image, "sizeBytes", { value: 200 * 2 ** 30 });
    const { driver } = withDisk(image);
    const { data } = await driver.pio({ drive: 0, command: 0xec });
    const view = new DataView(data.buffer);
    expect(view.getUint32(120, true)).toBe(0x0fffffff);
    expect(view.getUint32(200, true)).toBe(200 * 2 ** 21);
    const native = await driver.pio({ drive: 0, command: 0x27, isExtended: true });
    expect(native.lba).toBe(200 * 2 ** 21 - 1);
  });

  test("32-bit data port", async () => {
    const { driver, ports, image } = withDisk();
    await driver.issue(read(9, 1));
    await driver.settle(0x1f0);
    const data = new Uint8Array(512);
    for (let n = 0; n < 512; n += 4) new DataView(data.buffer).setUint32(n, await ports.in(0x1f0, 4), true);
    expect(data).toEqual(image.bytes.slice(9 * 512, 10 * 512));
    expect(await ports.in(0x1f7)).toBe(0x50);
  });

  test("a read-only image refuses writes and TRIM, and stays as it is", async () => {
    const image = new MemoryImage("disk", DISK.slice(), true);
    const { driver } = withDisk(image);
    const out = await driver.pio({ drive: 0, command: 0x30, lba: 0, count: 1 }, new Uint8Array(512));
    expect([out.status, out.error]).toEqual([0x41, 4]);
    expect((await driver.pio({ drive: 0, command: 0x06, features: 1, count: 1 })).error).toBe(4);
    expect(image.isLike(DISK)).toBe(true);
  });

  test("TRIM discards ranges, and none if one of them is out of bounds", async () => {
    const { driver, ports, image } = withDisk();
    const range = (view: DataView, n: number, lba: number, sectors: number): void => {
      view.setUint32(8 * n, lba, true);
      view.setUint16(8 * n + 6, sectors, true);
    };
    const trim: Task = { drive: 0, command: 0x06, features: 1, count: 1, isExtended: true };
    const list = new Uint8Array(512);
    range(new DataView(list.buffer), 0, 4, 2);
    range(new DataView(list.buffer), 1, DISK_BYTES / 512 - 1, 2);
    await ports.write(BUFFER, list);
    expect(await driver.dma(trim, [[BUFFER, 512]], false)).toMatchObject({
      status: 0x41,
      error: 4,
      busMaster: 4,
    });
    expect(image.isLike(DISK)).toBe(true);
    range(new DataView(list.buffer), 1, 100, 1);
    await ports.write(BUFFER, list);
    expect(await driver.dma(trim, [[BUFFER, 512]], false)).toMatchObject({ status: 0x50, busMaster: 4 });
    const expected = DISK.slice();
    expected.fill(0, 4 * 512, 6 * 512).fill(0, 100 * 512, 101 * 512);
    expect(image.isLike(expected)).toBe(true);
  });

  test("SMART tells that the disk is well, and can be switched off", async () => {
    const { driver } = withDisk();
    const smart = (features: number) =>
      driver.pio({ drive: 0, command: 0xb0, features, lba: 0xc24f00, count: 1 });
    expect(await smart(0xda)).toMatchObject({ status: 0x50, lba: 0xc24f00 });
    const { data } = await smart(0xd0);
    expect([data.length, data.reduce((sum, byte) => (sum + byte) & 0xff, 0)]).toEqual([512, 0]);
    await smart(0xd9);
    expect(await smart(0xda)).toMatchObject({ status: 0x41, error: 4 });
    await smart(0xd8);
    expect(await smart(0xda)).toMatchObject({ status: 0x50 });
  });

  test("FLUSH CACHE flushes the image", async () => {
    const { driver, image } = withDisk();
    await driver.pio({ drive: 0, command: 0xe7 });
    await driver.pio({ drive: 0, command: 0xea });
    expect(image.flushes).toBe(2);
  });

  test("what the host cannot read is an uncorrectable error, at the sector; what it cannot write is refused", async () => {
    const { driver, image } = withDisk();
    image.broken = () => new BlockError("disk: no");
    expect(await driver.pio(read(77, 1))).toMatchObject({ status: 0x41, error: 0x40, lba: 77 });
    expect(await driver.dma({ drive: 0, command: 0xc8, count: 1 }, [[BUFFER, 512]], true)).toMatchObject({
      status: 0x41,
      error: 0x40,
    });
    const write: Task = { drive: 0, command: 0x30, count: 1 };
    expect(await driver.pio(write, new Uint8Array(512))).toMatchObject({ status: 0x41, error: 4 });
    image.broken = null;
    expect(await driver.pio(read(77, 1))).toMatchObject({ status: 0x50 });
  });

  test("an error that is not the medium's passes", async () => {
    const { driver, image } = withDisk();
    image.broken = () => new Error("a bug");
    await expect(driver.pio(read(0, 1))).rejects.toThrow("a bug");
  });

  test("SRST ends what is under way; the registers show the signature", async () => {
    const { driver, ports, ide, irqs } = withDisk();
    await driver.issue(read(0, 4));
    await ports.out(0x3f6, 4);
    await ports.out(0x3f6, 0);
    expect([ide.deadline, irqs[14]!.level]).toEqual([Infinity, false]);
    const registers = [1, 2, 3, 4, 5, 6, 7].map((register) => ports.in(0x1f0 + register));
    expect(await Promise.all(registers)).toEqual([1, 1, 1, 0, 0, 0xa0, 0x50]);
  });

  test("a transfer begins when drive and bus master are ready, in either order, and stops with the bus master", async () => {
    const { driver, ports, ide, advance, image, memory } = withDisk();
    const entry = new Uint8Array(8);
    new DataView(entry.buffer).setUint32(0, BUFFER, true);
    new DataView(entry.buffer).setUint32(4, 0x80000200, true);
    await ports.write(0x10000, entry);
    await ports.out(0xc004, 0x10000, 4);
    await ports.out(0xc000, 9);
    expect(ide.deadline).toBe(Infinity);
    await driver.issue({ drive: 0, command: 0xc8, lba: 5, count: 1 });
    expect(ide.deadline).not.toBe(Infinity);
    await ports.out(0xc000, 0);
    expect([ide.deadline, await ports.in(0x3f6)]).toEqual([Infinity, 0x58]);
    await ports.out(0xc000, 9);
    advance();
    expect(memory.readBytes(physical(BUFFER), 512)).toEqual(image.bytes.slice(5 * 512, 6 * 512));
    expect([await ports.in(0x1f7), await ports.in(0xc002)]).toEqual([0x50, 4]);
  });
});

describe("a host that is late", () => {
  test("is waited for, with nothing changed", async () => {
    const { driver, image } = withDisk();
    const data = randomBytes(4 * 512, 5);
    for (const late of [1, 3]) {
      image.late = late;
      expect((await driver.pio(read(8, 2))).data).toEqual(image.bytes.slice(8 * 512, 10 * 512));
      image.late = late;
      await driver.pio({ drive: 0, command: 0xc5, lba: 20, count: 4 }, data);
      expect(image.bytes.slice(20 * 512, 24 * 512)).toEqual(data);
      image.late = late;
      const dma = await driver.dma({ drive: 0, command: 0xc8, lba: 20, count: 4 }, [[BUFFER, 2048]], true);
      expect([dma.data, dma.busMaster]).toEqual([data, 4]);
      image.late = late;
      expect((await driver.pio({ drive: 0, command: 0xe7 })).status).toBe(0x50);
      expect(image.late).toBe(0);
    }
  });
});

describe("a CD drive", () => {
  const testReady = [0x00];
  const sense = async (driver: IdeDriver): Promise<readonly number[]> => {
    const { data } = await driver.packet(2, [0x03, 0, 0, 0, 18]);
    return [data[2]!, data[12]!];
  };

  test("an empty tray has no medium", async () => {
    const { driver } = withCd(null);
    expect(await driver.packet(2, testReady)).toMatchObject({ status: 0x41, error: 0x20 });
    expect(await sense(driver)).toEqual([2, 0x3a]);
    expect(await sense(driver)).toEqual([0, 0]);
    expect((await driver.packet(2, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8])).data[5]).toBe(0);
  });

  test("a new medium: first not ready, then changed, then there; the event tells, too", async () => {
    const { driver, drive } = withCd(null);
    const medium = cd();
    drive.changeMedium(medium);
    expect((await driver.packet(2, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8])).data.slice(4, 6)).toEqual(
      Uint8Array.of(2, 2),
    );
    expect((await driver.packet(2, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8])).data.slice(4, 6)).toEqual(
      Uint8Array.of(0, 2),
    );
    await driver.packet(2, testReady);
    expect(await sense(driver)).toEqual([2, 0x3a]);
    expect((await driver.packet(2, testReady)).error).toBe(0x60);
    expect(await sense(driver)).toEqual([6, 0x28]);
    expect((await driver.packet(2, testReady)).status).toBe(0x50);
    const read10 = await driver.packet(2, [0x28, 0, 0, 0, 0, 3, 0, 0, 2], 0x800);
    expect([read10.blocks, read10.data]).toEqual([[2048, 2048], medium.bytes.slice(3 * 2048, 5 * 2048)]);
  });

  test("a long read by the data port goes on after the drive's cache, in blocks of the host's size", async () => {
    const { driver, image, irqs } = withCd();
    const { data, blocks } = await driver.packet(2, [0x28, 0, 0, 0, 0, 1, 0, 0, 70], 0xfffe);
    expect(Buffer.compare(data, image!.bytes.slice(2048, 71 * 2048))).toBe(0);
    expect(blocks).toEqual([0xfffe, 2, 0xfffe, 2, 6 * 2048]);
    expect(irqs[15]!.rises).toBe(6);
  });

  test("sectors that the host cannot read are a medium error", async () => {
    const { driver, image } = withCd();
    image!.broken = () => new BlockError("cd: no");
    expect((await driver.packet(2, [0x28, 0, 0, 0, 0, 1, 0, 0, 1])).error).toBe(0x30);
    expect(await sense(driver)).toEqual([3, 0x11]);
    expect((await driver.packet(2, [0x28, 0, 0, 0, 0, 1, 0, 0, 1], 0, 2048)).error).toBe(0x30);
  });

  test("a locked tray stays shut; a state brings back an earlier medium", async () => {
    const { driver, drive, ide, image } = withCd();
    const saved = ide.save();
    await driver.packet(2, [0x1e, 0, 0, 0, 1]);
    await driver.packet(2, [0x1b, 0, 0, 0, 2]);
    expect([await sense(driver), drive.isTrayOpen]).toEqual([[2, 0x53], false]);
    await driver.packet(2, [0x1e, 0, 0, 0, 0]);
    await driver.packet(2, [0x1b, 0, 0, 0, 2]);
    expect(drive.isTrayOpen).toBe(true);
    drive.changeMedium(new MemoryImage("other", new Uint8Array(4096)));
    ide.load(saved);
    expect(drive.medium).toBe(image);
    expect(drive.isTrayOpen).toBe(false);
  });
});

describe("states", () => {
  const seed = 20_260_715;
  test(`saved at random instants go on alike (seed ${seed})`, () => {
    const next = random(seed);
    const start = () => {
      const images = [disk(), disk("second"), cd()] as const;
      const board = ideBoard([
        { media: "disk", image: images[0] },
        { media: "disk", image: images[1] },
        { media: "cdrom", image: images[2] },
      ]);
      board.config.write(1, 1, 4, 2, 7);
      return { board, images };
    };
    const statuses = new Set<number>();
    for (let round = 0; round < 12; round++) {
      const one = start();
      for (let step = 0, from = next(300); step < from; step++) disturb(one.board, next);
      for (const port of [0x3f6, 0x376]) statuses.add(one.board.memory.ports.readPort(port, 1));
      const two = start();
      copy(one.board, two.board);
      for (const [n, { bytes }] of one.images.entries()) two.images[n]!.bytes.set(bytes);
      expect(two.board.ide.save()).toEqual(one.board.ide.save());
      const future = next(2 ** 31);
      const [first, second] = [one, two].map(({ board }) => {
        const same = random(future);
        return Array.from({ length: 200 }, () => disturb(board, same));
      });
      expect(second).toEqual(first);
      expect(two.board.ide.save()).toEqual(one.board.ide.save());
      for (const [n, image] of one.images.entries()) expect(two.images[n]!.isLike(image.bytes)).toBe(true);
      expect(two.board.irqs.map(({ level }) => level)).toEqual(one.board.irqs.map(({ level }) => level));
    }
    expect(statuses.size).toBeGreaterThan(2); // the states were of several kinds
  });
});

const COMMANDS = [0x20, 0x24, 0x29, 0xc4, 0x30, 0x34, 0xc5, 0x25, 0xc8, 0x35, 0xca, 0x06, 0x40, 0xe7, 0xec, 0xa0, 0xa1, 0x90, 0x08, 0xef, 0xc6, 0xb0]; // oxfmt-ignore

/** Something that a guest, or time, may do; what it reads. */
function disturb(board: IdeBoard, next: (limit: number) => number): number {
  const port = board.memory.ports;
  const base = [0x1f0, 0x170][next(2)]!;
  const actions: (() => number)[] = [
    () => board.advance(),
    () => board.advance(),
    () => {
      let value = 0;
      for (let n = 0, words = next(300); n < words; n++) value ^= port.readPort(base, 2);
      return value;
    },
    () => {
      for (let n = 0, words = next(300); n < words; n++) port.writePort(base, 2, next(2 ** 16));
      return 0;
    },
    () => port.readPort(base + 1 + next(7), 1),
    () => {
      port.writePort(base + 1 + next(5), 1, next(64));
      return 0;
    },
    () => {
      port.writePort(base + 6, 1, 0xa0 | (next(2) << 4) | (next(2) << 6));
      return 0;
    },
    () => {
      port.writePort(base + 7, 1, COMMANDS[next(COMMANDS.length)]!);
      return 0;
    },
    () => {
      port.writePort(base + 7, 1, COMMANDS[next(COMMANDS.length)]!);
      return board.advance();
    },
    () => {
      port.writePort(base + 0x206, 1, next(10) === 0 ? 4 : next(2) * 2);
      return 0;
    },
    () => {
      port.writePort(0xc000 + 8 * next(2), 1, next(2) * 9);
      return 0;
    },
    () => port.readPort(0xc000 + next(16), 1),
  ];
  return actions[next(actions.length)]!();
}

/** The state of one board into another: controller, bus, bridges, memory, levels of the lines. */
function copy(from: IdeBoard, to: IdeBoard): void {
  to.clock.now = from.clock.now;
  to.memory.load(from.memory.save());
  to.bus.load(from.bus.save());
  for (const [n, { pci }] of to.bus.slots.entries()) pci.load(from.bus.slots[n]!.pci.save());
  for (const [n, line] of to.irqs.entries()) line.level = from.irqs[n]!.level;
}
