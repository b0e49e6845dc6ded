/** The same tasks for our IDE controller and for QEMU's: registers, data and the bus master's status must be alike. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  BUFFER,
  IdeDriver,
  ideBoard,
  MemoryImage,
  type Outcome,
  random,
  randomBytes,
  type Task,
} from "./ide-board.ts";
import { hasQemu, QemuPorts } from "./ide-qemu.ts";

const SEED = 20_260_714;
const DISK_BYTES = 4 * 2 ** 20;
const CD_BYTES = 2 ** 21;
const DISK_SECTORS = DISK_BYTES / 512;
const disk = randomBytes(DISK_BYTES, 1);
const cd = randomBytes(CD_BYTES, 2);
const folder = mkdtempSync(join(tmpdir(), "redzone-ide-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function both(
  run: (driver: IdeDriver) => Promise<unknown>,
): Promise<{ ours: unknown; theirs: unknown }> {
  writeFileSync(join(folder, "disk.img"), disk);
  writeFileSync(join(folder, "cd.iso"), cd);
  const qemu = new QemuPorts([
    "-drive", `file=${join(folder, "disk.img")},format=raw,if=none,id=disk`,
    "-device", "ide-hd,drive=disk,bus=ide.0,unit=0",
    "-drive", `file=${join(folder, "cd.iso")},format=raw,if=none,id=cd,media=cdrom`,
    "-device", "ide-cd,drive=cd,bus=ide.1,unit=0",
  ]); // oxfmt-ignore
  try {
    const board = ideBoard([
      { media: "disk", image: new MemoryImage("disk", disk.slice()) },
      null,
      { media: "cdrom", image: new MemoryImage("cd", cd.slice(), true) },
    ]);
    // Function 1 of device 1: the bus master at 0xc000, ports and bus mastering on.
    for (const ports of [qemu, board.ports]) {
      for (const [register, value] of [
        [0x20, 0xc000],
        [0x04, 5],
      ] as const) {
        await ports.out(0xcf8, 0x80000900 + register, 4);
        await ports.out(0xcfc, value, 4);
      }
    }
    const ours = await run(new IdeDriver(board.ports));
    const theirs = await run(new IdeDriver(qemu));
    return { ours, theirs };
  } finally {
    await qemu.close();
  }
}

async function compare(run: (driver: IdeDriver) => Promise<unknown>): Promise<void> {
  const { ours, theirs } = await both(run);
  expect(ours).toEqual(theirs);
}

/** What of an outcome both must agree on, with the task, so that a difference names it. */
const shown = (task: unknown, outcome: Outcome): unknown => ({
  task: JSON.stringify(task),
  ...outcome,
  count: outcome.count & 0xff, // QEMU leaves the high byte as it was
  data: outcome.data.length > 512 ? createHash("sha1").update(outcome.data).digest("hex") : [...outcome.data],
});

const hex = (text: string): number[] => text.split(" ").map((byte) => Number.parseInt(byte, 16));

/** Packets with the answers of QEMU's drive; none asks for sense data of a command that succeeded, which QEMU keeps. */
const PACKETS = [
  "00", "12 00 00 00 24", "12 01 00 00 ff", "12 01 83 00 ff", "12 01 80 00 ff", "03 00 00 00 12", "25",
  "28 00 00 00 00 01 00 00 01", "28 00 00 00 00 01 00 00 03", "28 00 00 00 00 01 00 00 00", "28 00 00 00 03 ff 00 00 02", "03 00 00 00 12",
  "a8 00 00 00 00 01 00 00 00 02", "be 00 00 00 00 01 00 00 02 10", "be 00 00 00 00 01 00 00 02 f8", "be 00 00 00 00 01 00 00 01 00",
  "be 00 00 00 00 01 00 00 01 20", "03 00 00 00 12", "43 00 00 00 00 00 00 00 ff", "43 02 00 00 00 00 00 00 ff", "43 00 00 00 00 00 aa 00 ff",
  "43 00 00 00 00 00 02 00 ff", "43 00 00 00 00 00 00 00 ff 40", "43 00 00 00 00 00 00 00 ff 80", "43 00 00 00 00 00 00 00 04",
  "5a 00 01 00 00 00 00 00 ff", "5a 00 2a 00 00 00 00 00 ff", "5a 00 6a 00 00 00 00 00 ff", "5a 00 ea 00 00 00 00 00 ff", "03 00 00 00 12",
  "5a 00 3f 00 00 00 00 00 ff", "46 00 00 00 00 00 00 00 ff", "46 00 00 03 00 00 00 00 ff", "4a 01 00 00 10 00 00 00 ff", "4a 00 00 00 10 00 00 00 ff",
  "4a 01 00 00 02 00 00 00 ff", "bd 00 00 00 00 00 00 00 00 08", "51 00 00 00 00 00 00 00 40", "51 01 00 00 00 00 00 00 40",
  "ad 00 00 00 00 00 00 00 10 00", "03 00 00 00 12", "ad 00 00 00 00 00 00 ff 10 00", "2b 00 00 00 00 05", "2b 00 00 00 10 00", "03 00 00 00 12",
  "bb 00 ff ff", "55", "03 00 00 00 12", "1e 00 00 00 01", "5a 00 2a 00 00 00 00 00 ff", "1b 00 00 00 02", "03 00 00 00 12", "1e 00 00 00 00", "1b 00 00 00 02", "00",
  "03 00 00 00 12", "4a 01 00 00 10 00 00 00 ff", "28 00 00 00 00 01 00 00 01", "1b 00 00 00 03", "00", "1b 00 00 00 01", "1b 00 00 00 30",
]; // oxfmt-ignore

describe.skipIf(!hasQemu)("as QEMU", () => {
  test("identity, signatures and registers of drives that are not there", () =>
    compare(async (driver) => {
      const { ports } = driver;
      const out: unknown[] = [];
      for (const base of [0x1f0, 0x170]) {
        for (const unit of [0xa0, 0xb0]) {
          await ports.out(base + 6, unit);
          out.push([base, unit, await ports.in(base + 7), await ports.in(base + 0x206)]);
        }
        await ports.out(base + 6, 0xa0);
      }
      for (const task of [
        { drive: 0, command: 0xec },
        { drive: 2, command: 0xec, chs: true },
        { drive: 2, command: 0xa1, chs: true },
        { drive: 0, command: 0xa1 },
        { drive: 2, command: 0x20, chs: true },
      ])
        out.push(shown(task, await driver.pio(task)));
      return out;
    }));

  test("packets and their answers", () =>
    compare(async (driver) => {
      const out: unknown[] = [];
      for (const packet of PACKETS) {
        const outcome = await driver.packet(2, hex(packet));
        out.push(shown(packet, { ...outcome, count: outcome.count & 7 }));
      }
      out.push(shown("limit 1000", await driver.packet(2, hex("28 00 00 00 00 01 00 00 02"), 1000)));
      out.push(shown("no limit", await driver.packet(2, hex("12 00 00 00 24"), 0)));
      return out;
    }));

  test("packets by the bus master", () =>
    compare(async (driver) => {
      const out: unknown[] = [];
      for (const [packet, bytes] of [
        ["28 00 00 00 00 07 00 00 02", 4096],
        ["be 00 00 00 00 01 00 00 02 f8", 4704],
        ["12 00 00 00 24", 36],
      ] as const) {
        const outcome = await driver.packet(2, hex(packet), 0, bytes);
        out.push(shown(packet, { ...outcome, count: outcome.count & 7 }));
      }
      return out;
    }));

  test("commands that move nothing", () =>
    compare(async (driver) => {
      const out: unknown[] = [];
      const tasks: readonly Task[] = [
        { drive: 0, command: 0xec }, // QEMU makes up the data now, and would forget modes set before
        { drive: 0, command: 0x00 },
        { drive: 0, command: 0x08 },
        { drive: 0, command: 0x10, lba: 5 },
        { drive: 0, command: 0x27, isExtended: true },
        { drive: 0, command: 0x40, lba: 3, count: 4 },
        { drive: 0, command: 0x70, lba: 9 },
        { drive: 0, command: 0x91, count: 32, lba: 7 * 2 ** 24, chs: true },
        { drive: 0, command: 0x20, count: 1, lba: 1 + 3 * 256, chs: true },
        { drive: 0, command: 0x91, count: 63, lba: 15 * 2 ** 24, chs: true },
        { drive: 0, command: 0xc6, count: 3 },
        { drive: 0, command: 0xc6, count: 8 },
        { drive: 0, command: 0xc4, count: 8, lba: 4 },
        { drive: 0, command: 0xc6, count: 0 },
        { drive: 0, command: 0xc4, count: 8, lba: 4 },
        { drive: 0, command: 0xc6, count: 16 },
        { drive: 0, command: 0xb0 },
        { drive: 0, command: 0xb0, features: 0xda, lba: 0xc24f00 },
        { drive: 0, command: 0xe5 },
        { drive: 0, command: 0xe7 },
        { drive: 0, command: 0xea },
        { drive: 0, command: 0xef, features: 0x03, count: 0x22 },
        { drive: 0, command: 0xef, features: 0x03, count: 0xf8 },
        { drive: 0, command: 0xef, features: 0x82 },
        { drive: 0, command: 0xec },
        { drive: 0, command: 0xef, features: 0x77 },
        { drive: 0, command: 0xef, features: 0x03, count: 0x45 },
        { drive: 0, command: 0xef, features: 0x02 },
        { drive: 0, command: 0xec },
        { drive: 0, command: 0xf8 },
        { drive: 0, command: 0xfe },
        { drive: 2, command: 0xc8, chs: true },
      ];
      for (const task of tasks) out.push(shown(task, await driver.pio(task)));
      return out;
    }));

  test(`random reads and writes (seed ${SEED})`, () =>
    compare(async (driver) => {
      const next = random(SEED);
      const out: unknown[] = [];
      for (let n = 0; n < 60; n++) {
        const isExtended = next(2) === 1;
        const writes = next(2) === 1;
        const isDma = next(2) === 1;
        const multiple = next(2) === 1;
        const chs = !isExtended && next(4) === 0;
        const count = 1 + next(isDma ? 64 : 20);
        const sector = next(12) === 0 ? DISK_SECTORS - next(4) : next(DISK_SECTORS - 64);
        const lba = chs ? registersOf(sector) : sector;
        const pio = writes
          ? [multiple ? 0xc5 : 0x30, multiple ? 0x39 : 0x34]
          : [multiple ? 0xc4 : 0x20, multiple ? 0x29 : 0x24];
        const dma = writes ? [0xca, 0x35] : [0xc8, 0x25];
        const command = (isDma ? dma : pio)[isExtended ? 1 : 0]!;
        const task: Task = { drive: 0, command, count, lba, isExtended, chs };
        const data = randomBytes(count * 512, next(2 ** 31));
        if (!isDma) {
          out.push(shown(task, await driver.pio(task, writes ? data : null)));
          continue;
        }
        const table = pieces(count * 512, next);
        if (writes) await scatter(driver, table, data);
        out.push(shown([task, table], await driver.dma(task, table, !writes)));
      }
      const task: Task = { drive: 0, command: 0x25, count: 0x400, lba: 0, isExtended: true };
      for (let lba = 0; lba < DISK_SECTORS; lba += 0x400) {
        const table = Array.from({ length: 8 }, (_, n) => [BUFFER + n * 0x10000, 0x10000] as const);
        out.push(shown(lba, await driver.dma({ ...task, lba }, table, true)));
      }
      return out;
    }));

  test("tables of the bus master that are too short or too long", () =>
    compare(async (driver) => {
      const out: unknown[] = [];
      const task: Task = { drive: 0, command: 0xc8, count: 1, lba: 0 };
      for (const size of [0x10, 0x200, 0x1000])
        out.push(shown(size, await driver.dma(task, [[BUFFER, size]], true)));
      await driver.ports.out(0xcf8, 0x80000904, 4);
      await driver.ports.out(0xcfc, 1, 4); // may not master the bus
      const { status, busMaster } = await driver.dma(task, [], true);
      out.push(status, busMaster);
      return out;
    }));

  test("resets and diagnosis", () =>
    compare(async (driver) => {
      const { ports } = driver;
      const out: unknown[] = [];
      await driver.issue({ drive: 0, command: 0x20, count: 2, lba: 7 });
      await driver.settle(0x1f0);
      for (const base of [0x1f0, 0x170]) {
        await ports.out(base + 0x206, 4);
        await ports.wait();
        await ports.out(base + 0x206, 0);
        await driver.settle(base);
        out.push(await driver.outcome(base, false, null, [], new Uint8Array(0)));
      }
      for (const task of [
        { drive: 0, command: 0x90 },
        { drive: 2, command: 0x90, chs: true },
      ])
        out.push(shown(task, await driver.pio(task)));
      const { error: _, ...reset } = await driver.pio({ drive: 2, command: 0x08, chs: true });
      out.push(reset); // QEMU leaves out the result of the diagnosis
      return out;
    }));
});

/** Sector, cylinder and head of a sector in the registers' order, for 16 heads and 63 sectors. */
function registersOf(sector: number): number {
  const cylinder = Math.floor(sector / (16 * 63));
  const head = Math.floor(sector / 63) % 16;
  return (sector % 63) + 1 + cylinder * 256 + head * 2 ** 24;
}

/** Cuts a transfer into pieces of even size that lie anywhere. */
function pieces(bytes: number, next: (limit: number) => number): (readonly [number, number])[] {
  const table: (readonly [number, number])[] = [];
  for (let done = 0; done < bytes;) {
    const size = Math.min(bytes - done, 2 + 2 * next(0x2000));
    table.push([BUFFER + table.length * 0x8000 + 2 * next(0x1000), size]);
    done += size;
  }
  return table;
}

async function scatter(
  driver: IdeDriver,
  table: readonly (readonly [number, number])[],
  data: Uint8Array,
): Promise<void> {
  let done = 0;
  for (const [address, size] of table) {
    await driver.ports.write(address, data.subarray(done, done + size));
    done += size;
  }
}
