/**
 * Rounding to a format, with the exceptions that come of it: overflow, underflow and inexact result (SDM 1 §4.9.1, §8.5).
 *
 * Invariant: an exact result goes in (a significand of any width and a scale, perhaps with a sticky bit at its end), and it is rounded
 * once. Tininess is detected after rounding, as all x86 processors do.
 * Elsewhere: invalid, denormal and divide-by-zero, which are known before anything is computed (`arithmetic.ts`).
 */
import { assert } from "../../assert.ts";
import { bitLength, EXPONENT_MAX, type Float80, float80, infinity, zero } from "./float80.ts";

/** Exception flags as in the status word, and masks as in the control word. */
export const EXCEPTION = {
  invalid: 0x01,
  denormal: 0x02,
  zeroDivide: 0x04,
  overflow: 0x08,
  underflow: 0x10,
  precision: 0x20,
  /** Status word only: the invalid operation was a stack fault. */
  stack: 0x40,
} as const;

/** Rounding control, bits 11:10 of the control word. */
export const ROUND = { nearest: 0, down: 1, up: 2, chop: 3 } as const;

/** What an operation needs of the control word, and what it leaves for the status word. One is made per instruction. */
export interface Context {
  /** A ROUND */
  readonly rounding: number;
  /** Significand bits of results: 24, 53 or 64. */
  readonly precision: number;
  /** An unmasked overflow or underflow without a result says whether it was inexact, as SSE does and a store of the x87 does not. */
  readonly tellsPrecision: boolean;
  /** EXCEPTION bits that are masked. */
  readonly masks: number;
  /** EXCEPTION bits raised so far. */
  raised: number;
  /** C1 for an inexact result: it was rounded away from zero. */
  roundedUp: boolean;
}

/** A floating-point format: the range of exponents and the bits of its significand, the integer bit included. */
export interface Format {
  readonly precision: number;
  readonly exponentMin: number;
  readonly exponentMax: number;
  /** Added to or subtracted from the exponent of a result whose underflow or overflow is unmasked (SDM 1 §8.5.4); 0: no result then. */
  readonly wrap: number;
}

export const EXTENDED: Format = { precision: 64, exponentMin: -16382, exponentMax: 16383, wrap: 24576 };
export const DOUBLE: Format = { precision: 53, exponentMin: -1022, exponentMax: 1023, wrap: 0 };
export const SINGLE: Format = { precision: 24, exponentMin: -126, exponentMax: 127, wrap: 0 };

/** Whether to add one unit after dropping `shift` low bits of `significand`. */
function roundsUp(rounding: number, sign: number, significand: bigint, shift: number): boolean {
  if (rounding === ROUND.chop) return false;
  const dropped = BigInt.asUintN(shift, significand);
  if (dropped === 0n) return false;
  if (rounding === ROUND.down) return sign === 1;
  if (rounding === ROUND.up) return sign === 0;
  const half = 1n << BigInt(shift - 1);
  return dropped > half || (dropped === half && ((significand >> BigInt(shift)) & 1n) === 1n);
}

export interface Rounded {
  readonly quotient: bigint;
  readonly inexact: boolean;
  readonly up: boolean;
}

/** Drops `shift` bits (shifts left if negative) and rounds. */
export function roundShift(rounding: number, sign: number, significand: bigint, shift: number): Rounded {
  if (shift <= 0) return { quotient: significand << BigInt(-shift), inexact: false, up: false };
  const up = roundsUp(rounding, sign, significand, shift);
  const kept = significand >> BigInt(shift);
  return { quotient: up ? kept + 1n : kept, inexact: kept << BigInt(shift) !== significand, up };
}

/** A magnitude rounded to a format: `significand` has the format's precision or, if it is denormal (or 0), fewer bits. */
export interface Finite {
  readonly kind: "finite";
  /** Unbiased, of the bit at position precision-1. */
  readonly exponent: number;
  readonly significand: bigint;
  /** Rounded to the precision alone it would be below the format's normal numbers. */
  readonly tiny: boolean;
}
/** Too large (masked overflow rounds to infinity), or nothing at all: an unmasked exception of a store. */
export type Magnitude = Finite | { readonly kind: "infinity" } | { readonly kind: "none" };

/**
 * Rounds significand × 2^scale to a format, with `precision` bits (at most the format's) kept. `significand` > 0 must be exact, or have at
 * least two bits more than `precision` and a last bit that is the OR of all that follow it.
 */
export function roundToFormat(
  context: Context,
  format: Format,
  precision: number,
  sign: number,
  significand: bigint,
  scale: number,
): Magnitude {
  assert(significand > 0n, "only a magnitude above zero is rounded");
  const length = bitLength(significand);
  const normal = roundShift(context.rounding, sign, significand, length - precision);
  const carried = bitLength(normal.quotient) > precision;
  const exponent = length - 1 + scale + (carried ? 1 : 0);
  const widen = (value: bigint): bigint => value << BigInt(format.precision - precision);
  const normalResult = (at: number): Finite => {
    if (normal.inexact) {
      context.raised |= EXCEPTION.precision;
      context.roundedUp = normal.up;
    }
    return {
      kind: "finite",
      exponent: at,
      significand: widen(carried ? normal.quotient >> 1n : normal.quotient),
      tiny: false,
    };
  };
  const none = (): Magnitude => {
    if (normal.inexact && context.tellsPrecision) context.raised |= EXCEPTION.precision;
    return { kind: "none" };
  };

  if (exponent > format.exponentMax) {
    context.raised |= EXCEPTION.overflow;
    if ((context.masks & EXCEPTION.overflow) === 0) {
      if (format.wrap === 0) return none();
      if (exponent - format.wrap <= format.exponentMax) return normalResult(exponent - format.wrap);
      // Only FSCALE gets here: "massive overflow" is infinity whatever the rounding.
      context.raised |= EXCEPTION.precision;
      context.roundedUp = true;
      return { kind: "infinity" };
    }
    context.raised |= EXCEPTION.precision;
    const outward =
      context.rounding === ROUND.nearest || context.rounding === (sign === 1 ? ROUND.down : ROUND.up);
    context.roundedUp = outward;
    if (outward) return { kind: "infinity" };
    return {
      kind: "finite",
      exponent: format.exponentMax,
      significand: widen((1n << BigInt(precision)) - 1n),
      tiny: false,
    };
  }
  if (exponent >= format.exponentMin) return normalResult(exponent);

  if ((context.masks & EXCEPTION.underflow) === 0) {
    context.raised |= EXCEPTION.underflow;
    if (format.wrap === 0) return none();
    if (exponent + format.wrap >= format.exponentMin) return normalResult(exponent + format.wrap);
    context.raised |= EXCEPTION.precision;
    return { kind: "finite", exponent: format.exponentMin, significand: 0n, tiny: true };
  }
  // Denormal: the last kept bit weighs 2^(exponentMin - precision + 1), whatever the length.
  const tiny = roundShift(context.rounding, sign, significand, format.exponentMin - precision + 1 - scale);
  if (tiny.inexact) {
    context.raised |= EXCEPTION.underflow | EXCEPTION.precision;
    context.roundedUp = tiny.up;
  }
  return { kind: "finite", exponent: format.exponentMin, significand: widen(tiny.quotient), tiny: true };
}

/** Rounds to the register format under the context's precision control (or the precision given). */
export function round80(
  context: Context,
  sign: number,
  significand: bigint,
  scale: number,
  precision: number = context.precision,
): Float80 {
  if (significand === 0n) return zero(sign);
  const result = roundToFormat(context, EXTENDED, precision, sign, significand, scale);
  if (result.kind !== "finite") return infinity(sign);
  // A denormal has no integer bit, and its exponent field says 0 although it means 1.
  const biased = result.significand >> 63n === 0n ? 0 : result.exponent - EXTENDED.exponentMin + 1;
  assert(biased < EXPONENT_MAX, "a rounded number is finite", result.exponent);
  return float80(sign, biased, result.significand);
}
