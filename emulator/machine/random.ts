/**
 * The machine's only source of chance: a seeded SplitMix64 stream (Steele, Lea, Flood 2014) behind RDRAND and RDSEED. A device like the others: what
 * has been drawn is part of the machine's state.
 */
import type { Device, PlainData } from "../devices/device.ts";

const INCREMENT = 0x9e3779b97f4a7c15n;
const mask = (value: bigint): bigint => BigInt.asUintN(64, value);

export class RandomSource implements Device {
  readonly name = "random";
  readonly deadline = Infinity;
  #state: bigint;

  constructor(seed: number) {
    this.#state = mask(BigInt(seed));
  }

  /** A reset does not rewind chance. */
  reset(): void {}

  tick(): void {}

  /** The next 64 bits. */
  next(): bigint {
    this.#state = mask(this.#state + INCREMENT);
    let bits = this.#state;
    bits = mask((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n);
    bits = mask((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn);
    return bits ^ (bits >> 31n);
  }

  save(): PlainData {
    return this.#state.toString(16);
  }

  load(state: PlainData): void {
    this.#state = BigInt(`0x${state as string}`);
  }
}
