/**
 * The double extended format of the x87: 1 sign, 15 exponent and 64 significand bits, the integer bit explicit.
 *
 * Because that bit is explicit there are encodings no other format has (SDM 1 §8.2.2, table 8-3): pseudo-denormals, which are read as the
 * normal numbers they mean, and unnormals, pseudo-infinities and pseudo-NaNs, which are invalid operands ("unsupported").
 * Elsewhere: rounding (`rounding.ts`), operations (`arithmetic.ts`), other formats (`conversion.ts`).
 */

export interface Float80 {
  /** 0 or 1 */
  readonly sign: number;
  /** As stored: biased by 16383, 0 … 0x7fff. */
  readonly exponent: number;
  /** As stored, with the integer bit: 0 … 2^64-1. */
  readonly significand: bigint;
}

export const BIAS = 16383;
export const EXPONENT_MAX = 0x7fff;
export const INTEGER_BIT = 1n << 63n;
const QUIET_BIT = 1n << 62n;
const FRACTION = INTEGER_BIT - 1n;

export const float80 = (sign: number, exponent: number, significand: bigint): Float80 => ({
  sign,
  exponent,
  significand,
});

export const zero = (sign: number): Float80 => float80(sign, 0, 0n);
export const infinity = (sign: number): Float80 => float80(sign, EXPONENT_MAX, INTEGER_BIT);
export const ONE = float80(0, BIAS, INTEGER_BIT);
/** "Real indefinite", the QNaN that masked invalid operations give. */
export const INDEFINITE = float80(1, EXPONENT_MAX, INTEGER_BIT | QUIET_BIT);

export type Kind = "zero" | "denormal" | "normal" | "infinity" | "quiet" | "signaling" | "unsupported";

export function kindOf(value: Float80): Kind {
  const { exponent, significand } = value;
  if (exponent === 0) return significand === 0n ? "zero" : "denormal";
  if (significand < INTEGER_BIT) return "unsupported";
  if (exponent !== EXPONENT_MAX) return "normal";
  if (significand === INTEGER_BIT) return "infinity";
  return (significand & QUIET_BIT) !== 0n ? "quiet" : "signaling";
}

export const isNaN80 = (kind: Kind): boolean => kind === "quiet" || kind === "signaling";

export const negate = (value: Float80): Float80 => float80(value.sign ^ 1, value.exponent, value.significand);

/** A signaling NaN made quiet; any other NaN as it is. */
export const quieted = (value: Float80): Float80 =>
  float80(value.sign, value.exponent, value.significand | QUIET_BIT);

/** A finite number as significand × 2^scale; the significand has at most 64 bits and need not be normalised. */
export const scaleOf = (value: Float80): number => (value.exponent === 0 ? 1 : value.exponent) - BIAS - 63;

/** Fraction bits, without the integer bit: what NaN selection and FXAM look at. */
export const fractionOf = (value: Float80): bigint => value.significand & FRACTION;

/** Number of bits up to the highest one that is set; 0 for 0. */
export function bitLength(value: bigint): number {
  let length = 0;
  let rest = value;
  while (rest > 0xffff_ffffn) {
    rest >>= 32n;
    length += 32;
  }
  return length + 32 - Math.clz32(Number(rest));
}
