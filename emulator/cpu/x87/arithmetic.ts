/**
 * Arithmetic on 80-bit operands: what each operation gives for each class of operands (SDM 1 §8.5, SDM 2 tables of FADD, FDIV …).
 *
 * Invariant: an operation looks for invalid operands first, then NaNs, then a zero divisor, then denormals, and only then computes; the
 * exact result is rounded once, by `rounding.ts`. What an exception does to the stack is the caller's business (`unit.ts`).
 */
import { type Exact, product, quotient, squareRoot as exactRoot, sum } from "./exact.ts";
import {
  bitLength,
  EXPONENT_MAX,
  type Float80,
  float80,
  fractionOf,
  INDEFINITE,
  infinity,
  INTEGER_BIT,
  isNaN80,
  type Kind,
  kindOf,
  negate,
  ONE,
  quieted,
  scaleOf,
  zero,
} from "./float80.ts";
import { type Context, EXCEPTION, EXTENDED, ROUND, round80, roundShift } from "./rounding.ts";

/** An operand of an arithmetic instruction: a denormal m32 or m64 has become normal, but still counts as denormal. */
export interface Operand {
  readonly value: Float80;
  readonly kind: Kind;
  readonly denormal: boolean;
}

export const operand = (value: Float80): Operand => {
  const kind = kindOf(value);
  return { value, kind, denormal: kind === "denormal" };
};

export function invalid(context: Context): Float80 {
  context.raised |= EXCEPTION.invalid;
  return INDEFINITE;
}

export function noteDenormal(context: Context, ...operands: readonly Operand[]): void {
  if (operands.some((o) => o.denormal)) context.raised |= EXCEPTION.denormal;
}

/**
 * The result of an operation with an unsupported operand or a NaN (SDM 1 table 4-7), or null: of two quiet NaNs the one with the larger
 * significand, of two equal ones the positive; a quiet NaN wins over a signaling one.
 */
export function nanResult(context: Context, a: Operand, b: Operand): Float80 | null {
  if (a.kind === "unsupported" || b.kind === "unsupported") return invalid(context);
  const aNaN = isNaN80(a.kind);
  const bNaN = isNaN80(b.kind);
  if (!aNaN && !bNaN) return null;
  if (a.kind === "signaling" || b.kind === "signaling") context.raised |= EXCEPTION.invalid;
  if (!aNaN) return quieted(b.value);
  if (!bNaN) return quieted(a.value);
  if (a.kind !== b.kind) return a.kind === "quiet" ? a.value : b.value;
  const difference = fractionOf(a.value) - fractionOf(b.value);
  if (difference !== 0n) return quieted(difference > 0n ? a.value : b.value);
  return quieted(a.value.sign === 0 ? a.value : b.value);
}

/** The same for one operand. */
export function nanOf(context: Context, a: Operand): Float80 | null {
  if (a.kind === "unsupported") return invalid(context);
  if (a.kind === "signaling") context.raised |= EXCEPTION.invalid;
  return isNaN80(a.kind) ? quieted(a.value) : null;
}

export const exactOf = (value: Float80): Exact => ({
  sign: value.sign,
  significand: value.significand,
  scale: scaleOf(value),
});
const roundExact = (context: Context, { sign, significand, scale }: Exact): Float80 =>
  round80(context, sign, significand, scale);

export function add(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  if (a.kind === "infinity" || b.kind === "infinity") {
    if (a.kind === b.kind && a.value.sign !== b.value.sign) return invalid(context);
    noteDenormal(context, a, b);
    return a.kind === "infinity" ? a.value : b.value;
  }
  noteDenormal(context, a, b);
  const total = sum(exactOf(a.value), exactOf(b.value));
  if (total.significand === 0n) {
    // Equal signs keep the sign of zero; x - x is +0, or -0 when rounding down.
    if (a.value.sign === b.value.sign) return zero(a.value.sign);
    return zero(context.rounding === ROUND.down ? 1 : 0);
  }
  return roundExact(context, total);
}

/** a - b. A NaN keeps its sign. */
export function subtract(context: Context, a: Operand, b: Operand): Float80 {
  return isNaN80(b.kind) ? add(context, a, b) : add(context, a, { ...b, value: negate(b.value) });
}

export function multiply(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  const sign = a.value.sign ^ b.value.sign;
  if (a.kind === "infinity" || b.kind === "infinity") {
    if (a.kind === "zero" || b.kind === "zero") return invalid(context);
    noteDenormal(context, a, b);
    return infinity(sign);
  }
  noteDenormal(context, a, b);
  if (a.kind === "zero" || b.kind === "zero") return zero(sign);
  return roundExact(context, product(exactOf(a.value), exactOf(b.value)));
}

/** a / b */
export function divide(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  const sign = a.value.sign ^ b.value.sign;
  if (a.kind === "infinity") {
    if (b.kind === "infinity") return invalid(context);
    noteDenormal(context, b);
    return infinity(sign);
  }
  if (b.kind === "infinity") {
    noteDenormal(context, a);
    return zero(sign);
  }
  if (b.kind === "zero") {
    if (a.kind === "zero") return invalid(context);
    context.raised |= EXCEPTION.zeroDivide;
    return infinity(sign);
  }
  noteDenormal(context, a, b);
  if (a.kind === "zero") return zero(sign);
  return roundExact(context, quotient(exactOf(a.value), exactOf(b.value)));
}

export function squareRoot(context: Context, a: Operand): Float80 {
  const nan = nanOf(context, a);
  if (nan !== null) return nan;
  if (a.kind === "zero") return a.value;
  if (a.value.sign === 1) return invalid(context);
  if (a.kind === "infinity") return a.value;
  noteDenormal(context, a);
  return roundExact(context, exactRoot(exactOf(a.value)));
}

/** FRNDINT */
export function roundToInteger(context: Context, a: Operand): Float80 {
  const nan = nanOf(context, a);
  if (nan !== null) return nan;
  if (a.kind === "zero" || a.kind === "infinity") return a.value;
  noteDenormal(context, a);
  const scale = scaleOf(a.value);
  if (scale >= 0) return a.value;
  // More than 66 places below one, only "not zero" matters.
  const far = scale < -130;
  const rounded = roundShift(
    context.rounding,
    a.value.sign,
    far ? 1n : a.value.significand,
    far ? 66 : -scale,
  );
  if (rounded.inexact) {
    context.raised |= EXCEPTION.precision;
    context.roundedUp = rounded.up;
  }
  if (rounded.quotient === 0n) return zero(a.value.sign);
  const length = bitLength(rounded.quotient);
  return float80(a.value.sign, ONE.exponent + length - 1, rounded.quotient << BigInt(64 - length));
}

/** FSCALE: a × 2^trunc(b) */
export function scaleBy(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  if (b.kind === "infinity") {
    if (b.value.sign === 1) {
      if (a.kind === "infinity") return invalid(context);
      noteDenormal(context, a);
      return zero(a.value.sign);
    }
    if (a.kind === "zero") return invalid(context);
    noteDenormal(context, a);
    return infinity(a.value.sign);
  }
  if (a.kind === "infinity" || a.kind === "zero") {
    noteDenormal(context, b);
    return a.value;
  }
  noteDenormal(context, a, b);
  const truncated = roundShift(ROUND.chop, 0, b.value.significand, Math.min(-scaleOf(b.value), 70)).quotient;
  // Any power of two beyond this overflows or underflows from anywhere, even with wrapped exponents.
  const power = scaleOf(b.value) > 0 || truncated > 0x1_0000n ? 0x1_0000 : Number(truncated);
  return round80(
    context,
    a.value.sign,
    a.value.significand,
    scaleOf(a.value) + (b.value.sign === 1 ? -power : power),
    EXTENDED.precision,
  );
}

/** FXTRACT: the exponent as a number, and the significand with exponent 0. */
export function extract(
  context: Context,
  a: Operand,
): { readonly exponent: Float80; readonly significand: Float80 } {
  const nan = nanOf(context, a);
  if (nan !== null) return { exponent: nan, significand: nan };
  if (a.kind === "infinity") return { exponent: infinity(0), significand: a.value };
  if (a.kind === "zero") {
    context.raised |= EXCEPTION.zeroDivide;
    return { exponent: infinity(1), significand: a.value };
  }
  noteDenormal(context, a);
  const length = bitLength(a.value.significand);
  const exponent = scaleOf(a.value) + length - 1;
  return {
    exponent: integer80(BigInt(exponent)),
    significand: float80(a.value.sign, ONE.exponent, a.value.significand << BigInt(64 - length)),
  };
}

/** An integer of at most 64 bits as a number; always exact. */
export function integer80(value: bigint): Float80 {
  if (value === 0n) return zero(0);
  const magnitude = value < 0n ? -value : value;
  const length = bitLength(magnitude);
  return float80(value < 0n ? 1 : 0, ONE.exponent + length - 1, magnitude << BigInt(64 - length));
}

export interface Remainder {
  readonly value: Float80;
  /** Low three bits of the quotient; "partial": the reduction has to go on (C2); "none": a NaN has no quotient. */
  readonly quotient: number | "partial" | "none";
}

/** FPREM (truncating) and FPREM1 (to nearest). Exact, so precision control and rounding do not matter. */
export function remainder(context: Context, a: Operand, b: Operand, nearest: boolean): Remainder {
  const nan = nanResult(context, a, b);
  if (nan !== null) return { value: nan, quotient: "none" };
  if (a.kind === "infinity" || b.kind === "zero") return { value: invalid(context), quotient: "none" };
  noteDenormal(context, a, b);
  if (a.kind === "zero" || b.kind === "infinity") return { value: a.value, quotient: 0 };
  const divisor = b.value.significand;
  const exponentOf = (value: Float80): number => scaleOf(value) + bitLength(value.significand) - 1;
  const distance = exponentOf(a.value) - exponentOf(b.value);
  if (distance < -1)
    return { value: exact80(context, a.value.sign, a.value.significand, scaleOf(a.value)), quotient: 0 };
  const scale = Math.min(scaleOf(a.value), scaleOf(b.value));
  const dividend = a.value.significand << BigInt(scaleOf(a.value) - scale);
  const modulus = divisor << BigInt(scaleOf(b.value) - scale);
  if (distance >= 64) {
    // Processors take off as many bits as leave a distance that is a multiple of 32 (SDM: N between 32 and 63).
    const left = BigInt(distance - ((distance & 31) | 32));
    const rest = dividend % (modulus << left);
    return { value: exact80(context, a.value.sign, rest, scale), quotient: "partial" };
  }
  let quotient = dividend / modulus;
  let rest = dividend - quotient * modulus;
  let sign = a.value.sign;
  if (nearest && (rest * 2n > modulus || (rest * 2n === modulus && (quotient & 1n) === 1n))) {
    rest = modulus - rest;
    quotient++;
    sign ^= 1;
  }
  return {
    value: rest === 0n ? zero(a.value.sign) : exact80(context, sign, rest, scale),
    quotient: Number(quotient & 7n),
  };
}

const exact80 = (context: Context, sign: number, significand: bigint, scale: number): Float80 =>
  round80(context, sign, significand, scale, EXTENDED.precision);

export type Order = "less" | "equal" | "greater" | "unordered";

/** Compares a with b. Quiet NaNs are invalid operands of FCOM but not of FUCOM. */
export function compare(context: Context, a: Operand, b: Operand, quiet: boolean): Order {
  if (a.kind === "unsupported" || b.kind === "unsupported") {
    context.raised |= EXCEPTION.invalid;
    return "unordered";
  }
  if (isNaN80(a.kind) || isNaN80(b.kind)) {
    if (!quiet || a.kind === "signaling" || b.kind === "signaling") context.raised |= EXCEPTION.invalid;
    return "unordered";
  }
  noteDenormal(context, a, b);
  const x = ordinal(a.value);
  const y = ordinal(b.value);
  return x < y ? "less" : x > y ? "greater" : "equal";
}

/** A number's place in the order of all numbers; both zeros are 0. A pseudo-denormal has the place of the normal it equals. */
function ordinal(value: Float80): bigint {
  const exponent =
    value.exponent === 0 && (value.significand & INTEGER_BIT) !== 0n ? 1 : value.exponent & EXPONENT_MAX;
  const magnitude = (BigInt(exponent) << 64n) | value.significand;
  return value.sign === 1 ? -magnitude : magnitude;
}
