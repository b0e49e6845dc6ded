import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Overlay, RawImage } from "../../emulator/block/index.ts";
import { VirtioBlock, VirtioConsole, VirtioEntropy } from "../../emulator/devices/virtio/index.ts";
import { RandomSource } from "../../emulator/machine/random.ts";
import { physical } from "../../emulator/numbers.ts";
import { MemoryStore, retry } from "../block/memory-store.ts";
import { ns } from "./recorder.ts";
import { Driver, type DriverOptions, MODERN, virtioBoard } from "./virtio-driver.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20260101);
const DISK_BYTES = 256 * 1024;
const SECTOR = 512;

const COMBINATIONS: readonly DriverOptions[] = (["modern", "legacy"] as const).flatMap((interface_) =>
  (["msix", "intx"] as const).flatMap((interrupts) =>
    [true, false].flatMap((indirect) =>
      [true, false].map((eventIndex) => ({ interface: interface_, interrupts, indirect, eventIndex })),
    ),
  ),
);
const named = (options: DriverOptions): string =>
  `${options.interface} ${options.interrupts}${options.indirect ? " indirect" : ""}${options.eventIndex ? " event index" : ""}`;

function disk(options: DriverOptions = MODERN, device: { readOnly?: boolean; serial?: string } = {}) {
  const store = new MemoryStore(
    Uint8Array.from({ length: DISK_BYTES }, (_, n) => n * 3 + (n >> 9)),
    { readOnly: true },
  );
  const overlay = new Overlay(new RawImage(store));
  const board = virtioBoard(new VirtioBlock(overlay, { readOnly: false, ...device }));
  const driver = new Driver(board, options);
  return { store, overlay, board, driver };
}

function header(type: number, sector = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(8, sector, true);
  return bytes;
}
function rangeOf(sector: number, sectors: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sector, true);
  view.setUint32(8, sectors, true);
  view.setUint32(12, flags, true);
  return bytes;
}
const status = (bytes: Uint8Array): number => bytes.at(-1)!;

describe.each(COMBINATIONS.map((options) => [named(options), options] as const))(
  "virtio-blk, %s",
  (_name, options) => {
    test("reads, writes, flushes, gives its serial number, and interrupts", () => {
      const { driver, board, store, overlay } = disk(options, { serial: "RZ-1" });
      driver.start();
      expect(driver.config(0, 4)).toBe(DISK_BYTES / SECTOR);
      expect(driver.config(20, 4)).toBe(SECTOR);
      const read = driver.run(0, [header(0, 5)], [1000, 24, 1]);
      expect(read.written).toBe(1025);
      expect(Buffer.compare(read.bytes.subarray(0, 1024), store.bytes.subarray(5 * SECTOR, 7 * SECTOR))).toBe(
        0,
      );
      expect(status(read.bytes)).toBe(0);
      if (options.interrupts === "msix") {
        expect(board.messages).toEqual([{ address: 0xfee01000, data: 0x41 }]);
        expect(board.pin.level).toBe(false);
      } else {
        expect(board.messages).toEqual([]);
        expect(board.pin.level).toBe(true);
        expect(driver.takeIsr()).toBe(1);
        expect(board.pin.level).toBe(false);
        expect(driver.takeIsr()).toBe(0);
      }
      const data = new Uint8Array(SECTOR).fill(0x5a);
      expect(status(driver.run(0, [header(1, 9), data.slice(0, 100), data.slice(100)], [1]).bytes)).toBe(0);
      expect(Buffer.compare(overlay.read(9 * SECTOR, SECTOR), data)).toBe(0);
      expect(status(driver.run(0, [header(4)], [1]).bytes)).toBe(0);
      const id = driver.run(0, [header(8)], [20, 1]);
      expect(new TextDecoder().decode(id.bytes.subarray(0, 5))).toBe("RZ-1\0");
      expect(status(driver.run(0, [header(99)], [1]).bytes)).toBe(2);
    });

    test("an interrupt is raised only if the driver wants it", () => {
      const { driver, board } = disk(options);
      driver.start();
      for (let n = 0; n < 3; n++) driver.add(0, [header(0, n)], [SECTOR, 1]);
      driver.notify(0);
      board.settle();
      expect(options.interrupts === "msix" ? board.messages.length : board.pin.rises).toBe(1);
      expect(driver.take(0).length).toBe(3);
      driver.takeIsr();
      // With an event index: not before two more have come back. Without: not at all.
      const ring = driver.rings[0]!;
      board.memory.write(physical(ring.avail), 2, options.eventIndex ? 0 : 1);
      board.memory.write(physical(ring.avail + 4 + 2 * ring.size), 2, 4);
      const one = (): void => {
        driver.add(0, [header(0)], [SECTOR, 1]);
        driver.notify(0);
        board.settle();
      };
      one();
      expect(options.interrupts === "msix" ? board.messages.length : board.pin.rises).toBe(1);
      one();
      expect(options.interrupts === "msix" ? board.messages.length : board.pin.rises).toBe(
        options.eventIndex ? 2 : 1,
      );
    });
  },
);

describe("virtio-blk", () => {
  test("discards and zeroes", () => {
    const { driver, overlay } = disk();
    driver.start();
    expect(status(driver.run(0, [header(11), rangeOf(0, 8)], [1]).bytes)).toBe(0);
    expect(overlay.read(0, 4096).every((byte) => byte === 0)).toBe(true);
    expect(overlay.read(4096, SECTOR).every((byte) => byte === 0)).toBe(false);
    expect(status(driver.run(0, [header(13), rangeOf(8, 1, 1)], [1]).bytes)).toBe(0);
    expect(overlay.read(4096, SECTOR).every((byte) => byte === 0)).toBe(true);
    expect(status(driver.run(0, [header(11), rangeOf(0, 8, 2)], [1]).bytes)).toBe(2);
    expect(status(driver.run(0, [header(11), rangeOf(DISK_BYTES / SECTOR - 1, 2)], [1]).bytes)).toBe(1);
  });

  test("refuses what lies beyond the end, is not whole sectors, or writes to a disk that is read-only", () => {
    const { driver } = disk();
    driver.start();
    expect(status(driver.run(0, [header(0, DISK_BYTES / SECTOR)], [SECTOR, 1]).bytes)).toBe(1);
    expect(status(driver.run(0, [header(0)], [100, 1]).bytes)).toBe(1);
    const protectedDisk = disk(MODERN, { readOnly: true });
    expect(protectedDisk.driver.start() & (1 << 5)).not.toBe(0);
    expect(status(protectedDisk.driver.run(0, [header(1), new Uint8Array(SECTOR)], [1]).bytes)).toBe(1);
  });

  test("bytes that are late change nothing until they are there", () => {
    const { driver, board, store } = disk();
    driver.start();
    store.late = (offset) => offset >= 4096;
    driver.add(0, [header(0, 0)], [SECTOR, 1]);
    driver.add(0, [header(0, 16)], [SECTOR, 1]);
    driver.add(0, [header(1, 24), Uint8Array.of(...new Uint8Array(SECTOR))], [1]);
    driver.notify(0);
    board.clock.now = board.pci.deadline;
    const tick = (): void => board.pci.tick(ns(board.clock.now));
    let waits = 0;
    const before: unknown[] = [];
    for (;;) {
      try {
        tick();
        break;
      } catch {
        before.push(board.pci.save());
        expect(board.pci.deadline).toBe(board.clock.now);
        waits++;
      }
    }
    expect(waits).toBe(2);
    expect(before[0]).not.toEqual(before[1]);
    expect(driver.take(0).map(({ bytes }) => status(bytes))).toEqual([0, 0, 0]);
    expect(board.messages.length).toBe(1);
  });

  test("a damaged image is a failed transfer", () => {
    const { driver, store } = disk();
    driver.start();
    store.late = () => {
      throw new Error("cable pulled");
    };
    expect(status(driver.run(0, [header(0)], [SECTOR, 1]).bytes)).toBe(1);
  });

  test("features: a set that was not offered, or without version 1, is refused", () => {
    const { driver, board } = disk();
    driver.start();
    driver.w8(20, 0);
    driver.w32(8, 0);
    driver.w32(12, 1 << 24);
    driver.w32(8, 1);
    driver.w32(12, 1);
    driver.w8(20, 11);
    expect(driver.r8(20)).toBe(3);
    driver.w32(8, 0);
    driver.w32(12, 0);
    driver.w8(20, 11);
    expect(driver.r8(20)).toBe(11);
    driver.w32(8, 1);
    driver.w32(12, 0);
    driver.w8(20, 3);
    driver.w8(20, 11);
    expect(driver.r8(20)).toBe(3);
    expect(board.pci.transport.offered(0) & (1 << 24)).toBe(0);
  });

  test("BAR 4 is reachable through configuration space", () => {
    const { driver, board } = disk();
    driver.start();
    let window = 0;
    for (let at = board.pci.get(0x34, 1); at !== 0; at = board.pci.get(at + 1, 1)) {
      if (board.pci.get(at, 1) === 9 && board.pci.get(at + 3, 1) === 5) window = at;
    }
    board.pci.writeConfig(window + 4, 1, 4);
    board.pci.writeConfig(window + 8, 4, 0x2000);
    board.pci.writeConfig(window + 12, 4, 4);
    expect(board.pci.readConfig(window + 16, 4)).toBe(DISK_BYTES / SECTOR);
    board.pci.writeConfig(window + 8, 4, 22);
    board.pci.writeConfig(window + 12, 4, 2);
    board.pci.writeConfig(window + 16, 2, 0x1234);
    expect(driver.r16(22)).toBe(0x1234);
    board.pci.writeConfig(window + 12, 4, 3);
    board.pci.readConfig(window + 16, 4);
  });

  test("saved and loaded at any instant it goes on as if nothing had been", () => {
    const request = fc.record({
      type: fc.constantFrom(0, 1, 11),
      sector: fc.nat(500),
      sectors: fc.integer({ min: 1, max: 12 }),
      wait: fc.nat(30_000),
    });
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 12 }),
        fc.constantFrom(...COMBINATIONS),
        fc.nat(12),
        (requests, options, when) => {
          const run = (reload: boolean) => {
            const original = disk(options);
            original.driver.start();
            let { board, overlay } = original;
            const { driver } = original;
            for (const [n, { type, sector, sectors, wait }] of requests.entries()) {
              const data = new Uint8Array(sectors * SECTOR).fill(n + 1);
              if (type === 0) driver.add(0, [header(0, sector)], [data.length, 1]);
              else driver.add(0, [header(type, sector), type === 1 ? data : rangeOf(sector, sectors)], [1]);
              driver.notify(0);
              board.clock.now += wait;
              if (board.pci.deadline <= board.clock.now) board.pci.tick(ns(board.clock.now));
              if (reload && n === when) {
                // Into another device, at the same place: its BARs must come back with the state.
                const saved = { pci: board.pci.save(), disk: overlay.save(), memory: board.memory.save() };
                const copy = disk(options);
                copy.board.memory.load(saved.memory);
                copy.board.pci.load(saved.pci);
                copy.overlay.load(saved.disk);
                copy.board.clock.now = board.clock.now;
                expect(copy.board.pci.save()).toEqual(saved.pci);
                ({ board, overlay } = copy);
                Object.assign(driver, { board });
              }
              driver.take(0);
            }
            board.settle();
            const content = overlay.read(0, DISK_BYTES);
            return {
              state: board.pci.save(),
              content,
              ram: board.memory.readBytes(physical(0), 2 ** 21),
              level: board.pin.level,
            };
          };
          const [plain, reloaded] = [run(false), run(true)];
          expect(reloaded.state).toEqual(plain.state);
          expect(reloaded.level).toBe(plain.level);
          expect(Buffer.compare(reloaded.content, plain.content)).toBe(0);
          expect(Buffer.compare(reloaded.ram, plain.ram)).toBe(0);
        },
      ),
      { seed: SEED, numRuns: 20 },
    );
  });

  test("rings that make no sense: the device needs a reset, and is well after it", () => {
    const word = fc.record({
      at: fc.nat(0x17ff),
      value: fc.oneof(
        fc.constantFrom(0, 1, 2, 4, 5, 0xff, 0xffff, 0x7fffffff, 0xffffffff),
        fc.nat(0xffffffff),
      ),
    });
    let broken = 0;
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), fc.boolean(), (words, indirect) => {
        const { driver, board } = disk({ ...MODERN, indirect });
        driver.start();
        for (let n = 0; n < 4; n++)
          driver.add(
            0,
            [header(n % 2, n), ...(n % 2 ? [new Uint8Array(SECTOR)] : [])],
            n % 2 ? [1] : [SECTOR, 1],
          );
        const { desc } = driver.rings[0]!;
        for (const { at, value } of words)
          board.memory.write(physical(desc + (at & ~1)), at % 2 ? 2 : 4, value);
        driver.notify(0);
        for (let n = 0; n < 10 && board.pci.deadline < Infinity; n++) {
          board.clock.now = board.pci.deadline;
          retry(() => board.pci.tick(ns(board.clock.now)));
        }
        if (driver.r8(20) & 0x40) {
          broken++;
          expect(board.pci.transport.fault).not.toBe("");
          driver.notify(0);
          board.settle();
        }
        const again = new Driver(board, MODERN);
        again.start();
        expect(again.r8(20)).toBe(15);
        expect(status(again.run(0, [header(0)], [SECTOR, 1]).bytes)).toBe(0);
      }),
      { seed: SEED, numRuns: 150 },
    );
    expect(broken).toBeGreaterThan(20);
  });

  test.each([
    ["a loop", (d: Driver, ring: number) => d.board.memory.write(physical(ring + 12), 4, 0x00000001)],
    [
      "a head outside of the table",
      (d: Driver) => d.board.memory.write(physical(d.rings[0]!.avail + 4), 2, 16),
    ],
    ["too many requests", (d: Driver) => d.board.memory.write(physical(d.rings[0]!.avail + 2), 2, 100)],
    ["an empty buffer", (d: Driver, ring: number) => d.board.memory.write(physical(ring + 8), 4, 0)],
    [
      "an address beyond memory",
      (d: Driver, ring: number) => d.board.memory.write(physical(ring + 4), 4, 0xffffffff),
    ],
  ])("%s breaks the ring", (_name, damage) => {
    const { driver, board } = disk({ ...MODERN, indirect: false });
    driver.start();
    driver.add(0, [header(0)], [SECTOR, 1]);
    damage(driver, driver.rings[0]!.desc);
    driver.notify(0);
    board.settle();
    expect(driver.r8(20) & 0x40).toBe(0x40);
    // The configuration's vector tells the driver.
    expect(board.messages).toEqual([{ address: 0xfee01000, data: 0x40 }]);
    expect(driver.take(0)).toEqual([]);
  });
});

describe("MSI-X", () => {
  test("a masked vector is pending until it is unmasked", () => {
    const { driver, board } = disk();
    driver.start();
    const { memory, messages, pci } = board;
    const table = 0xfeb00000;
    memory.write(physical(table + 16 + 12), 4, 1);
    driver.run(0, [header(4)], [1]);
    expect(messages).toEqual([]);
    expect(memory.read(physical(table + 0x800), 4)).toBe(2);
    memory.write(physical(table + 16 + 12), 4, 0);
    expect(messages.length).toBe(1);
    expect(memory.read(physical(table + 0x800), 4)).toBe(0);
    // All of them.
    const at = driver.capability(0x11);
    pci.writeConfig(at + 2, 2, 0xc000);
    driver.run(0, [header(4)], [1]);
    expect(messages.length).toBe(1);
    pci.writeConfig(at + 2, 2, 0x8000);
    expect(messages.length).toBe(2);
    // A vector that is not there reads back as none.
    driver.w16(16, 9);
    expect(driver.r16(16)).toBe(0xffff);
  });
});

describe("virtio-console", () => {
  function console(ports: number) {
    const output: string[] = Array.from({ length: ports }, () => "");
    const device = new VirtioConsole(ports, (port, byte) => (output[port] += String.fromCharCode(byte)));
    const board = virtioBoard(device);
    device.wake = (queue) => board.pci.wake(queue);
    const driver = new Driver(board, MODERN);
    return { output, device, board, driver };
  }
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const string = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

  test("bytes go out, and come in when there is a buffer for them", () => {
    const { output, device, board, driver } = console(1);
    driver.start();
    expect([driver.config(0, 2), driver.config(2, 2), driver.config(4, 4)]).toEqual([80, 25, 1]);
    driver.run(1, [text("hello "), text("world")], []);
    expect(output).toEqual(["hello world"]);
    device.receive(0, text("abcdef"));
    board.settle();
    driver.add(0, [], [4]);
    driver.notify(0);
    board.settle();
    expect(driver.take(0).map(({ written, bytes }) => string(bytes.subarray(0, written)))).toEqual(["abcd"]);
    expect((device.save() as { incoming: Uint8Array[] }).incoming[0]).toEqual(text("ef"));
    driver.add(0, [], [4]);
    driver.notify(0);
    board.settle();
    driver.add(0, [], [4]);
    driver.notify(0);
    device.receive(0, text("g"));
    board.settle();
    expect(driver.take(0).map(({ written, bytes }) => string(bytes.subarray(0, written)))).toEqual([
      "ef",
      "g",
    ]);
  });

  test("several ports announce themselves", () => {
    const { output, device, board, driver } = console(3);
    expect(driver.start() & 2).toBe(2);
    for (let n = 0; n < 10; n++) driver.add(2, [], [8]);
    driver.notify(2);
    const control = (port: number, event: number, value: number): void => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setUint32(0, port, true);
      new DataView(bytes.buffer).setUint16(4, event, true);
      new DataView(bytes.buffer).setUint16(6, value, true);
      driver.add(3, [bytes], []);
      driver.notify(3);
      board.settle();
    };
    const answers = (): string[] =>
      driver.take(2).map(({ bytes }) => {
        const view = new DataView(bytes.buffer);
        return `${view.getUint32(0, true)}:${view.getUint16(4, true)}=${view.getUint16(6, true)}`;
      });
    control(0, 0, 1);
    expect(answers()).toEqual(["0:1=1", "1:1=1", "2:1=1"]);
    control(2, 3, 1);
    expect(answers()).toEqual(["2:4=1", "2:6=1"]);
    driver.run(7, [text("two")], []);
    expect(output).toEqual(["", "", "two"]);
    driver.add(4, [], [16]);
    driver.notify(4);
    device.receive(1, text("one"));
    board.settle();
    expect(string(driver.take(4)[0]!.bytes.subarray(0, 3))).toBe("one");
    const copy = console(3);
    copy.device.load(device.save());
    expect(copy.device.save()).toEqual(device.save());
  });
});

test("virtio-rng gives the same bytes again after a load", () => {
  const make = () => {
    const board = virtioBoard(new VirtioEntropy(new RandomSource(7)));
    const driver = new Driver(board, MODERN);
    return { board, driver };
  };
  const { board, driver } = make();
  driver.start();
  const first = driver.run(0, [], [13, 30]);
  expect(first.written).toBe(43);
  expect(new Set(first.bytes).size).toBeGreaterThan(20);
  const state = board.pci.save();
  const memory = board.memory.save();
  const second = driver.run(0, [], [64]);
  expect(second.bytes).not.toEqual(first.bytes);
  const ring = { ...driver.rings[0]! };
  board.memory.load(memory);
  board.pci.load(state);
  Object.assign(driver.rings[0]!, { ...ring, index: ring.index - 1, seen: ring.seen - 1 });
  expect(driver.run(0, [], [64]).bytes).toEqual(second.bytes);
});
