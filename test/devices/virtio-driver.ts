/** A driver for virtio devices, over the registers a guest uses: real memory tree, PCI function with BARs, rings in RAM. Modern or legacy interface. */
import type { PciEnvironment } from "../../emulator/devices/pci/function.ts";
import type { VirtioDevice } from "../../emulator/devices/virtio/device.ts";
import { VirtioPci } from "../../emulator/devices/virtio/index.ts";
import { Memory, MemoryRegion } from "../../emulator/memory/index.ts";
import { physical } from "../../emulator/numbers.ts";
import { ns, recordLine } from "./recorder.ts";

const RAM_BYTES = 2 ** 21;
const BAR = { legacy: 0xc000, msix: 0xfeb00000, modern: 0xfe000000 } as const;
const VECTOR = 0x40;

export interface DriverOptions {
  readonly interface: "modern" | "legacy";
  readonly interrupts: "msix" | "intx";
  readonly indirect: boolean;
  readonly eventIndex: boolean;
}

export const MODERN: DriverOptions = {
  interface: "modern",
  interrupts: "msix",
  indirect: true,
  eventIndex: true,
};

/** A machine with one virtio device. */
export function virtioBoard(device: VirtioDevice) {
  const memory = new Memory(new WebAssembly.Memory({ initial: 160 }));
  const ram = memory.allocate({ idstr: "ram", usedLength: RAM_BYTES });
  memory.system.add(MemoryRegion.ram("ram", ram), 0);
  const clock = { now: 0 };
  const pin = recordLine();
  const messages: { address: number; data: number }[] = [];
  const environment: PciEnvironment = {
    now: () => ns(clock.now),
    rescheduled: () => {},
    dma: memory,
    memory: memory.system,
    io: memory.io,
    intx: pin.line,
    message: (address, data) => messages.push({ address, data }),
    transaction: (change) => memory.transaction(change),
  };
  const pci = new VirtioPci(environment, device, 0);
  pci.reset();
  /** Lets the time pass up to what is due. */
  const settle = (): void => {
    while (pci.deadline < Infinity) {
      clock.now = Math.max(clock.now, pci.deadline);
      pci.tick(ns(clock.now));
    }
  };
  return { memory, clock, pin, messages, pci, settle };
}

export type VirtioBoard = ReturnType<typeof virtioBoard>;

interface Ring {
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly notify: number;
  free: number[];
  /** By head: its descriptors, and where its writable bytes are. */
  readonly pending: Map<
    number,
    { readonly descriptors: number[]; readonly writable: readonly { address: number; length: number }[] }
  >;
  index: number;
  seen: number;
}

export class Driver {
  readonly board: VirtioBoard;
  readonly options: DriverOptions;
  readonly rings: Ring[] = [];
  #next = 0x10000;

  constructor(board: VirtioBoard, options: DriverOptions) {
    this.board = board;
    this.options = options;
  }

  /** Memory for buffers and tables; never given back. */
  allocate(bytes: number, alignment = 16): number {
    const at = Math.ceil(this.#next / alignment) * alignment;
    this.#next = at + bytes;
    if (this.#next > RAM_BYTES) throw new Error("the test has used up its memory");
    return at;
  }
  rewind(): void {
    this.#next = 0x100000;
  }

  r8 = (offset: number): number => this.#get(offset, 1);
  r16 = (offset: number): number => this.#get(offset, 2);
  r32 = (offset: number): number => this.#get(offset, 4);
  w8 = (offset: number, value: number): void => this.#put(offset, 1, value);
  w16 = (offset: number, value: number): void => this.#put(offset, 2, value);
  w32 = (offset: number, value: number): void => this.#put(offset, 4, value);

  /** The device's configuration space. */
  config(offset: number, size: 1 | 2 | 4): number {
    if (this.#modern) return this.board.memory.read(physical(BAR.modern + 0x2000 + offset), size);
    return this.board.memory.ports.readPort(
      BAR.legacy + (this.options.interrupts === "msix" ? 24 : 20) + offset,
      size,
    );
  }
  takeIsr(): number {
    return this.#modern ? this.board.memory.read(physical(BAR.modern + 0x1000), 1) : this.r8(19);
  }

  /** From reset to DRIVER_OK. Returns the feature bits in use. */
  start(): number {
    const { pci, memory } = this.board;
    pci.writeConfig(0x10, 4, BAR.legacy);
    pci.writeConfig(0x14, 4, BAR.msix);
    pci.writeConfig(0x20, 4, BAR.modern);
    pci.writeConfig(0x04, 2, 7);
    const msix = this.options.interrupts === "msix";
    const queues = pci.transport.queues.length;
    if (msix) {
      const at = this.capability(0x11);
      pci.writeConfig(at + 2, 2, 0x8000);
      for (let n = 0; n <= queues; n++) {
        memory.write(physical(BAR.msix + 16 * n), 4, 0xfee01000);
        memory.write(physical(BAR.msix + 16 * n + 4), 4, 0);
        memory.write(physical(BAR.msix + 16 * n + 8), 4, VECTOR + n);
        memory.write(physical(BAR.msix + 16 * n + 12), 4, 0);
      }
    }
    const status = this.#modern ? 20 : 18;
    this.w8(status, 0);
    this.w8(status, 1);
    this.w8(status, 3);
    const wanted = ~(
      (this.options.indirect ? 0 : 1 << 28) |
      (this.options.eventIndex ? 0 : 1 << 29) |
      (1 << 24)
    );
    let features: number;
    if (this.#modern) {
      this.w32(0, 0);
      features = (this.r32(4) & wanted) >>> 0;
      this.w32(8, 0);
      this.w32(12, features);
      this.w32(0, 1);
      this.w32(8, 1);
      this.w32(12, this.r32(4) & 1);
      this.w8(status, 11);
      if ((this.r8(status) & 8) === 0) throw new Error("features refused");
    } else {
      features = (this.r32(0) & wanted) >>> 0;
      this.w32(4, features);
    }
    if (msix) this.w16(this.#modern ? 16 : 20, 0);
    for (let n = 0; n < queues; n++) this.#startQueue(n, msix);
    this.w8(status, this.#modern ? 15 : 7);
    return features;
  }

  capability(id: number): number {
    const { pci } = this.board;
    for (let at = pci.get(0x34, 1); at !== 0; at = pci.get(at + 1, 1)) if (pci.get(at, 1) === id) return at;
    throw new Error(`no capability ${id}`);
  }

  /** Puts a request into the ring. Returns its head. */
  add(queue: number, readable: readonly Uint8Array[], writable: readonly number[]): number {
    const ring = this.rings[queue]!;
    const { memory } = this.board;
    const buffers = [
      ...readable.map((bytes) => {
        const address = this.allocate(bytes.length);
        memory.writeBytes(physical(address), bytes);
        return { address, length: bytes.length, flags: 0 };
      }),
      ...writable.map((length) => ({ address: this.allocate(length), length, flags: 2 })),
    ];
    const indirect = this.options.indirect && buffers.length > 1;
    const indices = indirect ? buffers.map((_, n) => n) : ring.free.splice(0, buffers.length);
    const table = indirect ? this.allocate(16 * buffers.length) : ring.desc;
    for (const [n, { address, length, flags }] of buffers.entries()) {
      const next = indices[n + 1];
      this.#descriptor(table, indices[n]!, address, length, flags | (next === undefined ? 0 : 1), next ?? 0);
    }
    let head = indices[0]!;
    if (indirect) {
      head = ring.free.shift()!;
      this.#descriptor(ring.desc, head, table, 16 * buffers.length, 4, 0);
    }
    ring.pending.set(head, {
      descriptors: indirect ? [head] : indices,
      writable: buffers.filter(({ flags }) => flags !== 0),
    });
    memory.write(physical(ring.avail + 4 + 2 * (ring.index % ring.size)), 2, head);
    ring.index = (ring.index + 1) & 0xffff;
    memory.write(physical(ring.avail + 2), 2, ring.index);
    return head;
  }

  notify(queue: number): void {
    const { notify } = this.rings[queue]!;
    if (this.#modern) this.board.memory.write(physical(BAR.modern + 0x3000 + 4 * notify), 2, queue);
    else this.w16(16, queue);
  }

  /** Notifies if the device asked for it, as a driver that has just added one request does. */
  notifyIfAsked(queue: number): boolean {
    const ring = this.rings[queue]!;
    const { memory } = this.board;
    const event = memory.read(physical(ring.used + 4 + 8 * ring.size), 2);
    const asked = !this.options.eventIndex || ((ring.index - event - 1) & 0xffff) < 1;
    if (asked) this.notify(queue);
    return asked;
  }

  /** Requests that came back since the last time: head, bytes written, and these. */
  take(queue: number): { head: number; written: number; bytes: Uint8Array }[] {
    const ring = this.rings[queue]!;
    const { memory } = this.board;
    const done = [];
    while (ring.seen !== memory.read(physical(ring.used + 2), 2)) {
      const at = ring.used + 4 + 8 * (ring.seen % ring.size);
      const head = memory.read(physical(at), 4);
      const written = memory.read(physical(at + 4), 4);
      const request = ring.pending.get(head);
      if (request === undefined) throw new Error(`a request that was not made came back: ${head}`);
      ring.pending.delete(head);
      ring.free.push(...request.descriptors);
      const parts = request.writable.map(({ address, length }) =>
        memory.readBytes(physical(address), length),
      );
      done.push({ head, written, bytes: Uint8Array.from(parts.flatMap((part) => [...part])) });
      ring.seen = (ring.seen + 1) & 0xffff;
    }
    // Asks for an interrupt with the next one.
    memory.write(physical(ring.avail + 4 + 2 * ring.size), 2, ring.seen);
    return done;
  }

  /** A request from start to end. */
  run(
    queue: number,
    readable: readonly Uint8Array[],
    writable: readonly number[],
  ): { written: number; bytes: Uint8Array } {
    this.rewind();
    this.add(queue, readable, writable);
    this.notifyIfAsked(queue);
    this.board.settle();
    const [done] = this.take(queue);
    if (done === undefined) throw new Error("the request did not come back");
    return done;
  }

  get #modern(): boolean {
    return this.options.interface === "modern";
  }

  #get(offset: number, size: 1 | 2 | 4): number {
    const { memory } = this.board;
    return this.#modern
      ? memory.read(physical(BAR.modern + offset), size)
      : memory.ports.readPort(BAR.legacy + offset, size);
  }
  #put(offset: number, size: 1 | 2 | 4, value: number): void {
    const { memory } = this.board;
    if (this.#modern) memory.write(physical(BAR.modern + offset), size, value);
    else memory.ports.writePort(BAR.legacy + offset, size, value);
  }

  #startQueue(queue: number, msix: boolean): void {
    this.w16(this.#modern ? 22 : 14, queue);
    const offered = this.r16(this.#modern ? 24 : 12);
    const size = this.#modern ? Math.min(offered, 16) : offered;
    if (msix) this.w16(this.#modern ? 26 : 22, queue + 1);
    const desc = this.allocate(16 * size + 4 * size + 8 * size + 8192, 4096);
    this.board.memory.writeBytes(physical(desc), new Uint8Array(28 * size + 8192));
    const avail = desc + 16 * size;
    const used = Math.ceil((avail + 6 + 2 * size) / 4096) * 4096;
    let notify = queue;
    if (this.#modern) {
      this.w16(24, size);
      this.w32(32, desc);
      this.w32(36, 0);
      this.w32(40, avail);
      this.w32(44, 0);
      this.w32(48, used);
      this.w32(52, 0);
      notify = this.r16(30);
      this.w16(28, 1);
    } else this.w32(8, desc / 4096);
    const free = Array.from({ length: size }, (_, n) => n);
    this.rings.push({ size, desc, avail, used, notify, free, pending: new Map(), index: 0, seen: 0 });
  }

  #descriptor(
    table: number,
    index: number,
    address: number,
    length: number,
    flags: number,
    next: number,
  ): void {
    const { memory } = this.board;
    const at = table + 16 * index;
    memory.write(physical(at), 4, address);
    memory.write(physical(at + 4), 4, 0);
    memory.write(physical(at + 8), 4, length);
    memory.write(physical(at + 12), 2, flags);
    memory.write(physical(at + 14), 2, next);
  }
}
