/** virtio-rng (virtio 1.1 §5.4): fills whatever it is given with bytes of a seeded stream, which is part of its state. */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { PlainData } from "../device.ts";
import type { VirtioDevice } from "./device.ts";
import { byteCount, type Chain, scatter } from "./virtqueue.ts";

const DELAY_NANOSECONDS = 1000;
/** Bytes given to one request; it is the driver's to ask again. */
const MAXIMUM_BYTES = 0x10000;

/** A seeded source of 64 bits at a time. */
export interface EntropySource {
  next(): bigint;
  save(): PlainData;
  load(state: PlainData): void;
}

export class VirtioEntropy implements VirtioDevice {
  readonly name = "virtio-rng";
  readonly type = 4;
  readonly classCode = 0x00ff00;
  readonly features = [];
  readonly queueSizes = [8];
  readonly delay = DELAY_NANOSECONDS;
  readonly config = new Uint8Array(0);
  readonly #source: EntropySource;

  constructor(source: EntropySource) {
    this.#source = source;
  }

  handle(_queue: number, chain: Chain, memory: GuestMemory): number {
    const bytes = new Uint8Array(Math.min(byteCount(chain.writable), MAXIMUM_BYTES));
    for (let at = 0; at < bytes.length; at += 8) {
      let bits = this.#source.next();
      for (let n = at; n < Math.min(at + 8, bytes.length); n++, bits >>= 8n) bytes[n] = Number(bits & 0xffn);
    }
    scatter(memory, chain.writable, 0, bytes);
    return bytes.length;
  }

  reset(): void {}
  save(): PlainData {
    return { source: this.#source.save() };
  }
  load(state: PlainData): void {
    this.#source.load((state as { source: PlainData }).source);
  }
}
