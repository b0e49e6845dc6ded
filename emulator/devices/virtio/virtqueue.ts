/**
 * A split virtqueue (virtio 1.1 §2.6): three tables in guest memory through which a driver hands buffers to a device and gets them back.
 *
 *     descriptor, 16 bytes:  +0 address (64 bits)   +8 length   +12 flags: 0 next, 1 device writes, 2 indirect   +14 next
 *     available:             +0 flags: 0 no interrupt   +2 index   +4 ring[num] (16 bits)   then used_event
 *     used:                  +0 flags: 0 no notification   +2 index   +4 ring[num] {id, length}   then avail_event
 *
 * Invariant: the tables are a guest's and may say anything. A chain is walked for at most as many steps as there are descriptors, and what makes no sense
 * is a `RingError`, upon which the device stops until it is reset.
 */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { physical } from "../../numbers.ts";
import type { PlainData } from "../device.ts";

/** The driver broke the rules: what it did. Thrown and caught inside this folder. */
export class RingError extends Error {}

export interface Buffer {
  readonly address: number;
  readonly length: number;
}

/** A request: what the device reads, and what it writes. */
export interface Chain {
  readonly head: number;
  readonly readable: readonly Buffer[];
  readonly writable: readonly Buffer[];
}

const DESCRIPTOR_BYTES = 16;
const DESCRIPTOR = { next: 1, write: 2, indirect: 4 } as const;
const NO_INTERRUPT = 1;
const ADDRESS_LIMIT = 2 ** 52;
/** Buffers of one chain, as QEMU's VIRTQUEUE_MAX_SIZE. */
const MAXIMUM_BUFFERS = 1024;

export interface RingFeatures {
  readonly indirect: boolean;
  readonly eventIndex: boolean;
  readonly notifyOnEmpty: boolean;
}

type Registers = {
  num: number;
  enabled: boolean;
  desc: number;
  avail: number;
  used: number;
  vector: number;
  last_avail_idx: number;
  used_idx: number;
  signalled_used: number;
};

export const NO_VECTOR = 0xffff;

export class Virtqueue {
  readonly maximumSize: number;
  registers: Registers;
  readonly #memory: GuestMemory;

  constructor(memory: GuestMemory, maximumSize: number) {
    this.#memory = memory;
    this.maximumSize = maximumSize;
    this.registers = initial(maximumSize);
  }

  reset(): void {
    this.registers = initial(this.maximumSize);
  }

  save(): PlainData {
    return { ...this.registers };
  }
  load(state: PlainData): void {
    this.registers = { ...(state as Registers) };
  }

  /** The next request, without taking it; null if there is none. */
  peek(features: RingFeatures): Chain | null {
    const { num, avail, last_avail_idx: last } = this.registers;
    const waiting = (this.#word(avail + 2) - last) & 0xffff;
    if (waiting === 0) return null;
    if (waiting > num) throw new RingError(`${waiting} requests in a ring of ${num}`);
    const head = this.#word(avail + 4 + 2 * (last % num));
    return this.#walk(head, features);
  }

  /** Takes the request that `peek` gave. */
  take(): void {
    this.registers.last_avail_idx = (this.registers.last_avail_idx + 1) & 0xffff;
  }

  /** Gives a request back. `written`: bytes the device wrote, from the first writable one on. */
  push(head: number, written: number): void {
    const { num, used, used_idx: index } = this.registers;
    const entry = used + 4 + 8 * (index % num);
    this.#memory.write(physical(entry), 4, head);
    this.#memory.write(physical(entry + 4), 4, written);
    this.registers.used_idx = (index + 1) & 0xffff;
    this.#memory.write(physical(used + 2), 2, this.registers.used_idx);
  }

  /** Asks to be told of the next request. */
  enableNotification({ eventIndex }: RingFeatures): void {
    const { num, used, last_avail_idx: last } = this.registers;
    if (eventIndex) this.#memory.write(physical(used + 4 + 8 * num), 2, last);
  }

  /** Whether the driver wants an interrupt for what was given back since this was last asked. */
  takeSignal({ eventIndex, notifyOnEmpty }: RingFeatures): boolean {
    const { num, avail, used_idx: index, signalled_used: old } = this.registers;
    if (index === old) return false;
    this.registers.signalled_used = index;
    if (notifyOnEmpty && this.#word(avail + 2) === this.registers.last_avail_idx) return true;
    if (!eventIndex) return (this.#word(avail) & NO_INTERRUPT) === 0;
    const event = this.#word(avail + 4 + 2 * num);
    return ((index - event - 1) & 0xffff) < ((index - old) & 0xffff);
  }

  #word(address: number): number {
    return this.#memory.read(physical(address), 2);
  }

  #walk(head: number, features: RingFeatures): Chain {
    const readable: Buffer[] = [];
    const writable: Buffer[] = [];
    let table = this.registers.desc;
    let size = this.registers.num;
    let indirect = false;
    let index = head;
    // Each step is a descriptor of the table under way; going into an indirect one starts the count again, once.
    for (let steps = 0; ; steps++) {
      if (index >= size) throw new RingError(`descriptor ${index} of ${size}`);
      if (steps >= size) throw new RingError("descriptors form a loop");
      const at = physical(table + DESCRIPTOR_BYTES * index);
      const address = this.#memory.read(physical(at + 4), 4) * 2 ** 32 + this.#memory.read(at, 4);
      const length = this.#memory.read(physical(at + 8), 4);
      const flags = this.#memory.read(physical(at + 12), 2);
      if (address > ADDRESS_LIMIT - length) throw new RingError(`descriptor at ${address}`);
      if (flags & DESCRIPTOR.indirect) {
        const bad = indirect || (flags & DESCRIPTOR.next) !== 0 || !features.indirect;
        if (bad) throw new RingError("an indirect descriptor where none may be");
        if (length === 0 || length % DESCRIPTOR_BYTES !== 0)
          throw new RingError(`an indirect table of ${length} bytes`);
        table = address;
        size = Math.min(length / DESCRIPTOR_BYTES, 0x10000);
        indirect = true;
        index = 0;
        steps = -1;
        continue;
      }
      if (length === 0) throw new RingError("an empty buffer");
      if (flags & DESCRIPTOR.write) writable.push({ address, length });
      else if (writable.length > 0) throw new RingError("a buffer to read after one to write");
      else readable.push({ address, length });
      if (readable.length + writable.length > MAXIMUM_BUFFERS)
        throw new RingError(`more than ${MAXIMUM_BUFFERS} buffers in a chain`);
      if ((flags & DESCRIPTOR.next) === 0) return { head, readable, writable };
      index = this.#memory.read(physical(at + 14), 2);
    }
  }
}

function initial(maximumSize: number): Registers {
  return {
    num: maximumSize,
    enabled: false,
    desc: 0,
    avail: 0,
    used: 0,
    vector: NO_VECTOR,
    last_avail_idx: 0,
    used_idx: 0,
    signalled_used: 0,
  };
}

export function byteCount(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** Copies `length` bytes from `offset` on out of the buffers, as if they lay one behind another. */
export function gather(
  memory: GuestMemory,
  buffers: readonly Buffer[],
  offset: number,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(length);
  eachPiece(buffers, offset, length, (address, done, count) =>
    bytes.set(memory.readBytes(physical(address), count), done),
  );
  return bytes;
}

/** Copies bytes into the buffers, from `offset` on. */
export function scatter(
  memory: GuestMemory,
  buffers: readonly Buffer[],
  offset: number,
  bytes: Uint8Array,
): void {
  eachPiece(buffers, offset, bytes.length, (address, done, count) =>
    memory.writeBytes(physical(address), bytes.subarray(done, done + count)),
  );
}

function eachPiece(
  buffers: readonly Buffer[],
  offset: number,
  length: number,
  piece: (address: number, done: number, count: number) => void,
): void {
  let skipped = offset;
  let done = 0;
  for (const buffer of buffers) {
    if (done === length) return;
    if (skipped >= buffer.length) {
      skipped -= buffer.length;
      continue;
    }
    const count = Math.min(buffer.length - skipped, length - done);
    piece(buffer.address + skipped, done, count);
    skipped = 0;
    done += count;
  }
}
