/**
 * SSE arithmetic on the bits of single and double precision numbers, for every operand, rounding mode and mask.
 *
 * Invariant: this is the definition; `single.ts` and `double.ts` use the host's arithmetic only where it gives the same bits and flags.
 * Of several conditions an operation looks for invalid operands first, then NaNs, then a zero divisor, then denormals (SDM 1 §4.9.2). Of two NaNs
 * the first operand is the result, made quiet (SDM 1 table 4-7).
 */
import { type Exact, product, quotient, squareRoot as exactRoot, sum } from "../x87/exact.ts";
import { DOUBLE as DOUBLE_FORMAT, EXCEPTION, type Format, ROUND, roundToFormat, SINGLE as SINGLE_FORMAT } from "../x87/rounding.ts"; // oxfmt-ignore
import type { Environment } from "./environment.ts";

/** A format with its encoding. All masks are of the encoding's bits. */
export interface Encoding {
  readonly format: Format;
  readonly fractionBits: number;
  readonly sign: bigint;
  readonly fraction: bigint;
  readonly infinity: bigint;
  readonly quiet: bigint;
  /** "Real indefinite": what masked invalid operations give. */
  readonly indefinite: bigint;
}

function encoding(format: Format, width: number): Encoding {
  const fractionBits = format.precision - 1;
  const sign = 1n << BigInt(width - 1);
  const fraction = (1n << BigInt(fractionBits)) - 1n;
  const infinity = sign - 1n - fraction;
  const quiet = 1n << BigInt(fractionBits - 1);
  return { format, fractionBits, sign, fraction, infinity, quiet, indefinite: sign | infinity | quiet };
}

export const SINGLE = encoding(SINGLE_FORMAT, 32);
export const DOUBLE = encoding(DOUBLE_FORMAT, 64);

export type Kind = "zero" | "denormal" | "normal" | "infinity" | "quiet" | "signaling";

export interface Operand extends Exact {
  readonly bits: bigint;
  readonly kind: Kind;
}

/** Takes bits apart; with DAZ a denormal is a zero of its sign. */
export function operand(environment: Environment, e: Encoding, bits: bigint): Operand {
  const sign = (bits & e.sign) === 0n ? 0 : 1;
  const exponent = Number((bits & e.infinity) >> BigInt(e.fractionBits));
  const fraction = bits & e.fraction;
  const least = e.format.exponentMin - e.fractionBits;
  if (exponent === 0) {
    if (fraction === 0n || environment.daz)
      return { bits: bits & e.sign, kind: "zero", sign, significand: 0n, scale: least };
    return { bits, kind: "denormal", sign, significand: fraction, scale: least };
  }
  if ((bits & e.infinity) === e.infinity) {
    const kind = fraction === 0n ? "infinity" : (fraction & e.quiet) === 0n ? "signaling" : "quiet";
    return { bits, kind, sign, significand: 0n, scale: 0 };
  }
  const significand = fraction | (e.fraction + 1n);
  return { bits, kind: "normal", sign, significand, scale: least + exponent - 1 };
}

const isNaN = (a: Operand): boolean => a.kind === "quiet" || a.kind === "signaling";

function invalid(environment: Environment, e: Encoding): bigint {
  environment.raised |= EXCEPTION.invalid;
  return e.indefinite;
}

/** The result if an operand is a NaN, else null. */
function nanResult(environment: Environment, e: Encoding, a: Operand, b: Operand): bigint | null {
  if (!isNaN(a) && !isNaN(b)) return null;
  if (a.kind === "signaling" || b.kind === "signaling") environment.raised |= EXCEPTION.invalid;
  return (isNaN(a) ? a : b).bits | e.quiet;
}

export function noteDenormal(environment: Environment, ...operands: readonly Operand[]): void {
  if (operands.some((o) => o.kind === "denormal")) environment.raised |= EXCEPTION.denormal;
}

const zero = (e: Encoding, sign: number): bigint => (sign === 1 ? e.sign : 0n);
const infinity = (e: Encoding, sign: number): bigint => zero(e, sign) | e.infinity;

/** Rounds to the encoding. Flush-to-zero applies to tiny results while underflow is masked (SDM 1 §10.2.3.3). */
export function round(environment: Environment, e: Encoding, exact: Exact): bigint {
  const { sign } = exact;
  if (exact.significand === 0n) return zero(e, sign);
  const { format } = e;
  const rounded = roundToFormat(environment, format, format.precision, sign, exact.significand, exact.scale);
  if (rounded.kind === "infinity") return infinity(e, sign);
  // An unmasked overflow or underflow: there will be no result.
  if (rounded.kind === "none") return 0n;
  if (rounded.tiny && environment.ftz && (environment.masks & EXCEPTION.underflow) !== 0) {
    environment.raised |= EXCEPTION.underflow | EXCEPTION.precision;
    return zero(e, sign);
  }
  const normal = rounded.significand > e.fraction;
  const exponent = normal ? BigInt(rounded.exponent - format.exponentMin + 1) : 0n;
  return zero(e, sign) | (exponent << BigInt(e.fractionBits)) | (rounded.significand & e.fraction);
}

export type Binary = (environment: Environment, e: Encoding, a: bigint, b: bigint) => bigint;

const addition =
  (negates: boolean): Binary =>
  (environment, e, aBits, bBits) => {
    const a = operand(environment, e, aBits);
    const other = operand(environment, e, bBits);
    const nan = nanResult(environment, e, a, other);
    if (nan !== null) return nan;
    const b = negates ? { ...other, sign: other.sign ^ 1 } : other;
    if (a.kind === "infinity" && b.kind === "infinity" && a.sign !== b.sign) return invalid(environment, e);
    noteDenormal(environment, a, b);
    if (a.kind === "infinity" || b.kind === "infinity")
      return infinity(e, a.kind === "infinity" ? a.sign : b.sign);
    const total = sum(a, b);
    if (total.significand !== 0n) return round(environment, e, total);
    // Equal signs keep the sign of zero; x - x is +0, or -0 when rounding down.
    if (a.sign === b.sign) return zero(e, a.sign);
    return zero(e, environment.rounding === ROUND.down ? 1 : 0);
  };

export const add = addition(false);
export const subtract = addition(true);

export const multiply: Binary = (environment, e, aBits, bBits) => {
  const a = operand(environment, e, aBits);
  const b = operand(environment, e, bBits);
  const nan = nanResult(environment, e, a, b);
  if (nan !== null) return nan;
  const sign = a.sign ^ b.sign;
  if (a.kind === "infinity" || b.kind === "infinity") {
    if (a.kind === "zero" || b.kind === "zero") return invalid(environment, e);
    noteDenormal(environment, a, b);
    return infinity(e, sign);
  }
  noteDenormal(environment, a, b);
  return round(environment, e, product(a, b));
};

export const divide: Binary = (environment, e, aBits, bBits) => {
  const a = operand(environment, e, aBits);
  const b = operand(environment, e, bBits);
  const nan = nanResult(environment, e, a, b);
  if (nan !== null) return nan;
  const sign = a.sign ^ b.sign;
  if (a.kind === b.kind && (a.kind === "infinity" || a.kind === "zero")) return invalid(environment, e);
  if (b.kind === "zero" && a.kind !== "infinity") {
    environment.raised |= EXCEPTION.zeroDivide;
    return infinity(e, sign);
  }
  noteDenormal(environment, a, b);
  if (a.kind === "infinity") return infinity(e, sign);
  if (b.kind === "infinity" || a.kind === "zero") return zero(e, sign);
  return round(environment, e, quotient(a, b));
};

/** The root of b; there is one operand. */
export function squareRoot(environment: Environment, e: Encoding, bits: bigint): bigint {
  const a = operand(environment, e, bits);
  if (isNaN(a)) return nanResult(environment, e, a, a) ?? a.bits;
  if (a.kind === "zero") return a.bits;
  if (a.sign === 1) return invalid(environment, e);
  noteDenormal(environment, a);
  return a.kind === "infinity" ? a.bits : round(environment, e, exactRoot(a));
}

export type Order = "less" | "equal" | "greater" | "unordered";

/** Compares a with b. A quiet NaN is invalid only if the comparison signals. */
export function compare(environment: Environment, e: Encoding, aBits: bigint, bBits: bigint, signals: boolean): Order {
  const a = operand(environment, e, aBits);
  const b = operand(environment, e, bBits);
  if (isNaN(a) || isNaN(b)) {
    if (signals || a.kind === "signaling" || b.kind === "signaling") environment.raised |= EXCEPTION.invalid;
    return "unordered";
  }
  noteDenormal(environment, a, b);
  const x = ordinal(e, a);
  const y = ordinal(e, b);
  return x < y ? "less" : x > y ? "greater" : "equal";
} // oxfmt-ignore

/** A number's place in the order of all; both zeros are 0. */
const ordinal = (e: Encoding, a: Operand): bigint => (a.sign === 1 ? -(a.bits & ~e.sign) : a.bits);

/** MIN and MAX: the second operand unless the first is beyond it, so also if one is a NaN or both are zeros. */
export function extreme(environment: Environment, e: Encoding, aBits: bigint, bBits: bigint, wanted: "less" | "greater"): bigint {
  const chosen = compare(environment, e, aBits, bBits, true) === wanted ? aBits : bBits;
  return operand(environment, e, chosen).bits;
} // oxfmt-ignore

/** A whole number in the format. */
export function fromInteger(environment: Environment, e: Encoding, value: bigint): bigint {
  const sign = value < 0n ? 1 : 0;
  return round(environment, e, { sign, significand: sign === 1 ? -value : value, scale: 0 });
}

/** From one format to the other. A NaN keeps the upper bits of its fraction and becomes quiet. */
export function convert(environment: Environment, from: Encoding, to: Encoding, bits: bigint): bigint {
  const a = operand(environment, from, bits);
  if (a.kind === "infinity") return infinity(to, a.sign);
  if (isNaN(a)) {
    if (a.kind === "signaling") environment.raised |= EXCEPTION.invalid;
    const fraction = ((bits & from.fraction) << BigInt(to.fractionBits)) >> BigInt(from.fractionBits);
    return infinity(to, a.sign) | fraction | to.quiet;
  }
  noteDenormal(environment, a);
  return round(environment, to, a);
}
