/** Seeded random numbers (xorshift32 with a final multiply): the same seed gives the same cases on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ 0x2545f491) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.bits32();
  }

  /** 0 … 2^32-1 */
  bits32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) >>> 0;
  }
  bits64(): bigint {
    return (BigInt(this.bits32()) << 32n) | BigInt(this.bits32());
  }
  /** 0 … count-1 */
  below(count: number): number {
    return this.bits32() % count;
  }
  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
