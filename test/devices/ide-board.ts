/**
 * An IDE controller on a PCI board, and a driver for it that works on any set of ports: ours, and QEMU's through `-qtest`.
 */
import { isDeepStrictEqual } from "node:util";
import { type BlockImage, Pending } from "../../emulator/block/index.ts";
import { assignResources } from "../../emulator/devices/pci/assign.ts";
import { IdeController, type IdePlug, makeDrive } from "../../emulator/devices/ide/index.ts";
import { MemoryRegion } from "../../emulator/memory/index.ts";
import { physical } from "../../emulator/numbers.ts";
import { pciBoard } from "./pci-board.ts";
import { ns } from "./recorder.ts";

/** A disk in memory. `late` makes that many accesses throw `Pending` first; `broken` makes all throw what it gives. */
export class MemoryImage implements BlockImage {
  readonly format = "raw";
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly readOnly: boolean;
  late = 0;
  broken: (() => Error) | null = null;
  flushes = 0;

  constructor(name: string, bytes: Uint8Array, readOnly = false) {
    this.name = name;
    this.bytes = bytes;
    this.readOnly = readOnly;
  }
  get sizeBytes(): number {
    return this.bytes.length;
  }
  read(offset: number, length: number): Uint8Array {
    this.#check();
    return this.bytes.slice(offset, offset + length);
  }
  write(offset: number, bytes: Uint8Array): void {
    this.#check();
    this.bytes.set(bytes, offset);
  }
  discard(offset: number, length: number): void {
    this.#check();
    this.bytes.fill(0, offset, offset + length);
  }
  flush(): void {
    this.#check();
    this.flushes++;
  }
  /** Compares contents; `toEqual` takes seconds for a megabyte. */
  isLike(bytes: Uint8Array): boolean {
    return Buffer.compare(this.bytes, bytes) === 0;
  }
  #check(): void {
    if (this.broken !== null) throw this.broken();
    if (this.late > 0) {
      this.late--;
      throw new Pending(Promise.resolve());
    }
  }
}

/** Ports and memory as software sees them. */
export interface Ports {
  in(port: number, size?: 1 | 2 | 4): Promise<number>;
  out(port: number, value: number, size?: 1 | 2 | 4): Promise<void>;
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Lets requests make progress. */
  wait(): Promise<void>;
}

export interface IdeBoard extends ReturnType<typeof pciBoard> {
  readonly ide: IdeController;
  readonly ports: Ports;
  /** Brings the clock to the next event; how many times that had to be tried again. */
  readonly advance: () => number;
}

export function ideBoard(plugs: readonly (IdePlug | null)[]): IdeBoard {
  const board = pciBoard();
  const { bus, memory, environment, clock, irqs } = board;
  const drive = (position: number) => makeDrive(position, plugs[position] ?? null);
  const ide = new IdeController(
    environment(1, 1),
    [irqs[14]!.line, irqs[15]!.line],
    [drive(0), drive(1), drive(2), drive(3)],
  );
  bus.add(1, 1, ide);
  for (const [index, base] of [0x1f0, 0x170].entries()) {
    const channel = ide.channels[index]!;
    memory.io.add(MemoryRegion.io("ide", 8, channel.commandBlock), base);
    const access = { valid: { max: 1 } } as const;
    memory.io.add(MemoryRegion.io("ide", 1, channel.controlBlock, { access }), base + 0x206);
  }
  board.reset();
  assignResources(bus);
  const advance = (): number => {
    if (ide.deadline !== Infinity) clock.now = Math.max(clock.now, ide.deadline);
    for (let tries = 0; ; tries++) {
      const before = ide.save();
      try {
        ide.tick(ns(clock.now));
        return tries;
      } catch (error) {
        if (!(error instanceof Pending)) throw error;
        if (!isDeepStrictEqual(ide.save(), before))
          throw new Error("a request that is pending has changed something", { cause: error });
      }
    }
  };
  const ports: Ports = {
    in: (port, size = 1) => Promise.resolve(memory.ports.readPort(port, size)),
    out: (port, value, size = 1) => Promise.resolve(memory.ports.writePort(port, size, value)),
    read: (address, length) => Promise.resolve(memory.readBytes(physical(address), length)),
    write: (address, bytes) => Promise.resolve(memory.writeBytes(physical(address), bytes)),
    wait: () => {
      advance();
      return Promise.resolve();
    },
  };
  return { ...board, ide, ports, advance };
}

export const BASE = [0x1f0, 0x170] as const;
const PRD_TABLE = 0x10000;
export const BUFFER = 0x20000;

export interface Task {
  /** 0 primary master … 3 secondary slave. */
  readonly drive: number;
  readonly command: number;
  readonly features?: number;
  readonly count?: number;
  readonly lba?: number;
  /** LBA unless it is a cylinder, head and sector that `lba` gives in the registers' order. */
  readonly chs?: boolean;
  readonly isExtended?: boolean;
}

export interface Outcome {
  readonly status: number;
  readonly error: number;
  readonly count: number;
  readonly lba: number;
  readonly device: number;
  /** The bus master's status register, or null if it was not used. */
  readonly busMaster: number | null;
  readonly blocks: readonly number[];
  readonly data: Uint8Array;
}

/** Drives a controller as an operating system would. */
export class IdeDriver {
  readonly ports: Ports;
  readonly busMasterBase: number;
  constructor(ports: Ports, busMasterBase = 0xc000) {
    this.ports = ports;
    this.busMasterBase = busMasterBase;
  }

  async issue(task: Task): Promise<number> {
    const base = BASE[task.drive >> 1]!;
    const lba = task.lba ?? 0;
    const count = task.count ?? 0;
    const device = ((task.drive & 1) << 4) | (task.chs === true ? 0xa0 : 0xe0);
    const head = task.isExtended === true ? 0 : Math.floor(lba / 2 ** 24) & 0x0f;
    await this.ports.out(base + 6, device | head);
    const bytes = [task.features ?? 0, count, lba, lba / 2 ** 8, lba / 2 ** 16];
    const high = [0, count / 2 ** 8, lba / 2 ** 24, lba / 2 ** 32, lba / 2 ** 40];
    for (const [n, value] of bytes.entries()) {
      if (task.isExtended === true) await this.ports.out(base + 1 + n, Math.floor(high[n]!) & 0xff);
      await this.ports.out(base + 1 + n, Math.floor(value) & 0xff);
    }
    await this.ports.out(base + 7, task.command);
    return base;
  }

  /** Waits while the drive is busy; gives the status without acknowledging the interrupt. */
  async settle(base: number, mask = 0x80): Promise<number> {
    for (let tries = 0; ; tries++) {
      const status = await this.ports.in(base + 0x206);
      if ((status & mask) === 0) return status;
      if (tries > 1000) throw new Error(`the drive stays busy: ${status.toString(16)}`);
      await this.ports.wait();
    }
  }

  /** A command by the data port: takes what is offered, or gives `input`. */
  async pio(task: Task, input: Uint8Array | null = null): Promise<Outcome> {
    const base = await this.issue(task);
    return this.#transfer(task, base, input);
  }

  async #transfer(task: Task, base: number, input: Uint8Array | null): Promise<Outcome> {
    const blocks: number[] = [];
    const data: number[] = [];
    const isPacket = task.command === 0xa0;
    const block = [0xc4, 0xc5, 0x29, 0x39].includes(task.command) ? 16 : 1;
    const sectors = task.count ?? 0;
    for (let done = 0; ;) {
      const status = await this.settle(base);
      if ((status & 8) === 0)
        return this.outcome(base, task.isExtended === true, null, blocks, Uint8Array.from(data));
      await this.ports.in(base + 7);
      const bytes = isPacket
        ? (await this.ports.in(base + 4)) | ((await this.ports.in(base + 5)) << 8)
        : 512 * (input === null && sectors === 0 ? 1 : Math.min(block, (sectors || 256) - done / 512) || 1);
      blocks.push(bytes);
      for (let n = 0; n < bytes; n += 2) {
        if (input === null) {
          const word = await this.ports.in(base, 2);
          data.push(word & 0xff, word >>> 8);
        } else await this.ports.out(base, input[done + n]! | (input[done + n + 1]! << 8), 2);
      }
      done += bytes;
    }
  }

  /** A packet; answers come by the data port, or by the bus master if `dmaBytes` is given. */
  async packet(drive: number, packet: readonly number[], limit = 0xfffe, dmaBytes = 0): Promise<Outcome> {
    const task: Task = { drive, command: 0xa0, lba: limit << 8, features: dmaBytes > 0 ? 1 : 0 };
    const base = await this.issue({ ...task, chs: true });
    await this.settle(base);
    for (let n = 0; n < 12; n += 2)
      await this.ports.out(base, (packet[n] ?? 0) | ((packet[n + 1] ?? 0) << 8), 2);
    if (dmaBytes === 0) return this.#transfer(task, base, null);
    return this.#busMaster(base, drive, [[BUFFER, dmaBytes]], true, dmaBytes, false);
  }

  /** A command by the bus master through a table of address and size. */
  async dma(
    task: Task,
    table: readonly (readonly [address: number, bytes: number])[],
    toMemory: boolean,
  ): Promise<Outcome> {
    const bytes = table.reduce((sum, [, size]) => sum + size, 0);
    const base = await this.issue(task);
    return this.#busMaster(base, task.drive, table, toMemory, bytes, task.isExtended === true);
  }

  async #busMaster(
    base: number,
    drive: number,
    table: readonly (readonly [number, number])[],
    toMemory: boolean,
    bytes: number,
    isExtended: boolean,
  ): Promise<Outcome> {
    const registers = this.busMasterBase + 8 * (drive >> 1);
    const entries = new Uint8Array(8 * table.length);
    const view = new DataView(entries.buffer);
    for (const [n, [address, size]] of table.entries()) {
      view.setUint32(8 * n, address, true);
      view.setUint32(8 * n + 4, (size & 0xffff) + (n === table.length - 1 ? 2 ** 31 : 0), true);
    }
    if (entries.length > 0) await this.ports.write(PRD_TABLE, entries);
    await this.ports.out(registers + 2, 0x06);
    await this.ports.out(registers + 4, PRD_TABLE, 4);
    await this.ports.out(registers, toMemory ? 8 : 0);
    await this.ports.out(registers, toMemory ? 9 : 1);
    for (let tries = 0; tries < 1000; tries++) {
      const status = await this.ports.in(registers + 2);
      if ((status & 5) !== 1) break;
      await this.ports.wait();
    }
    const busMaster = await this.ports.in(registers + 2);
    await this.ports.out(registers, 0);
    const data: number[] = [];
    if (toMemory && bytes > 0)
      for (const [address, size] of table) data.push(...(await this.ports.read(address, size)));
    return this.outcome(base, isExtended, busMaster, [], Uint8Array.from(data));
  }

  async outcome(
    base: number,
    isExtended: boolean,
    busMaster: number | null,
    blocks: readonly number[],
    data: Uint8Array,
  ): Promise<Outcome> {
    const { ports } = this;
    const status = await ports.in(base + 7);
    const error = await ports.in(base + 1);
    let count = await ports.in(base + 2);
    let lba = await this.#lba(base);
    const device = await ports.in(base + 6);
    if (isExtended) {
      await ports.out(base + 0x206, 0x80);
      count += (await ports.in(base + 2)) * 256;
      lba += (await this.#lba(base)) * 2 ** 24;
      await ports.out(base + 0x206, 0);
    }
    return { status, error, count, lba, device, busMaster, blocks, data };
  }

  async #lba(base: number): Promise<number> {
    const low = await this.ports.in(base + 3);
    const mid = await this.ports.in(base + 4);
    return low + mid * 256 + (await this.ports.in(base + 5)) * 65_536;
  }
}

/** A generator of numbers below `limit`; tests print its seed. */
export function random(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

export function randomBytes(length: number, seed: number): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length }, () => next(256));
}
