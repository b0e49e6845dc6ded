/**
 * Exact arithmetic on finite numbers: what an operation gives before it is rounded, for every format that `rounding.ts` knows.
 *
 * Invariant: a result is exact, or has at least three bits more than any format keeps and a last bit that is the OR of all that would follow.
 * Elsewhere: NaNs, infinities, the signs of zeros that are nobody's sum (`arithmetic.ts`, `../sse/software.ts`).
 */
import { bitLength } from "./float80.ts";

/** (-1)^sign × significand × 2^scale; the significand of an operand has at most 64 bits and need not be normalised. */
export interface Exact {
  readonly sign: number;
  readonly significand: bigint;
  readonly scale: number;
}

// Enough room below a sum for a sticky bit: beyond this distance the smaller operand only matters as "not zero".
const FAR = 140;

/** a + b; a significand of 0 means an exact zero, whose sign is the caller's business. */
export function sum(a: Exact, b: Exact): Exact {
  const [big, small] = a.scale < b.scale ? [b, a] : [a, b];
  const distance = big.scale - small.scale;
  const far = distance > FAR && big.significand !== 0n;
  // A significand that is far away shrinks to its last bit, a place below anything that is kept.
  const scale = far ? big.scale - FAR : small.scale;
  const smallBits = far && small.significand !== 0n ? 1n : small.significand;
  const bigBits = big.significand === 0n ? 0n : big.significand << BigInt(big.scale - scale);
  const total = (big.sign === 1 ? -bigBits : bigBits) + (small.sign === 1 ? -smallBits : smallBits);
  return total < 0n ? { sign: 1, significand: -total, scale } : { sign: 0, significand: total, scale };
}

export const product = (a: Exact, b: Exact): Exact => ({
  sign: a.sign ^ b.sign,
  significand: a.significand * b.significand,
  scale: a.scale + b.scale,
});

/** a / b, b not zero. */
export function quotient(a: Exact, b: Exact): Exact {
  // 67 quotient bits at least: precision, guard bit, and the remainder as sticky bit.
  const shift = 67 + bitLength(b.significand) - bitLength(a.significand);
  const dividend = a.significand << BigInt(shift);
  const whole = dividend / b.significand;
  const isExact = whole * b.significand === dividend;
  return {
    sign: a.sign ^ b.sign,
    significand: (whole << 1n) | (isExact ? 0n : 1n),
    scale: a.scale - b.scale - shift - 1,
  };
}

/** Integer square root by Newton's method. */
export function integerRoot(value: bigint): bigint {
  if (value === 0n) return 0n;
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The root of a number above zero. */
export function squareRoot(a: Exact): Exact {
  let shift = 136 - bitLength(a.significand);
  if (((a.scale - shift) & 1) !== 0) shift++;
  const radicand = a.significand << BigInt(shift);
  const root = integerRoot(radicand);
  return {
    sign: 0,
    significand: (root << 1n) | (root * root === radicand ? 0n : 1n),
    scale: (a.scale - shift) / 2 - 1,
  };
}
