/**
 * Conversions between the register format and the formats of memory: m80, m64, m32, integers and packed decimal.
 *
 * Invariant: a conversion that gives null has raised an unmasked exception, and nothing is to be stored.
 */
import { integer80, type Operand, operand } from "./arithmetic.ts";
import {
  BIAS,
  bitLength,
  EXPONENT_MAX,
  type Float80,
  float80,
  INTEGER_BIT,
  isNaN80,
  kindOf,
  scaleOf,
  zero,
} from "./float80.ts";
import {
  type Context,
  DOUBLE,
  EXCEPTION,
  type Format,
  roundShift,
  roundToFormat,
  SINGLE,
} from "./rounding.ts";

/** From the 16 bytes of a register, or the 10 of an m80 operand. */
export function fromBytes(view: DataView, at: number): Float80 {
  const high = view.getUint16(at + 8, true);
  return float80(high >>> 15, high & EXPONENT_MAX, view.getBigUint64(at, true));
}

export function toBytes(view: DataView, at: number, value: Float80): void {
  view.setBigUint64(at, value.significand, true);
  view.setUint16(at + 8, (value.sign << 15) | value.exponent, true);
}

// The sign and the fields of an interchange format, widened. Signaling NaNs stay signaling: arithmetic must see what they were.
function widen(bits: bigint, format: Format, width: number): Operand {
  const fractionBits = format.precision - 1;
  const sign = Number(bits >> BigInt(width - 1));
  const exponentMask = (1 << (width - format.precision)) - 1;
  const exponent = Number(bits >> BigInt(fractionBits)) & exponentMask;
  const fraction = BigInt.asUintN(fractionBits, bits);
  const aligned = fraction << BigInt(63 - fractionBits);
  if (exponent === exponentMask) return operand(float80(sign, EXPONENT_MAX, INTEGER_BIT | aligned));
  if (exponent !== 0)
    return operand(float80(sign, exponent - format.exponentMax + BIAS, INTEGER_BIT | aligned));
  if (fraction === 0n) return operand(zero(sign));
  const length = bitLength(fraction);
  const value = float80(
    sign,
    format.exponentMin - fractionBits + length - 1 + BIAS,
    fraction << BigInt(64 - length),
  );
  return { value, kind: "normal", denormal: true };
}

export const fromSingle = (bits: number): Operand => widen(BigInt(bits >>> 0), SINGLE, 32);
export const fromDouble = (bits: bigint): Operand => widen(bits, DOUBLE, 64);

function narrow(context: Context, value: Float80, format: Format, width: number): bigint | null {
  const fractionBits = format.precision - 1;
  const sign = BigInt(value.sign) << BigInt(width - 1);
  const top = ((1n << BigInt(width - format.precision)) - 1n) << BigInt(fractionBits);
  const kind = kindOf(value);
  const quiet = 1n << BigInt(fractionBits - 1);
  if (kind === "zero") return sign;
  if (kind === "infinity") return sign | top;
  if (kind === "unsupported" || kind === "signaling") {
    context.raised |= EXCEPTION.invalid;
    if ((context.masks & EXCEPTION.invalid) === 0) return null;
    if (kind === "unsupported") return (1n << BigInt(width - 1)) | top | quiet;
  }
  if (isNaN80(kind))
    return sign | top | quiet | ((value.significand & (INTEGER_BIT - 1n)) >> BigInt(63 - fractionBits));
  const rounded = roundToFormat(
    context,
    format,
    format.precision,
    value.sign,
    value.significand,
    scaleOf(value),
  );
  if (rounded.kind === "none") return null;
  if (rounded.kind === "infinity") return sign | top;
  const normal = rounded.significand >> BigInt(fractionBits) !== 0n;
  const exponent = normal ? BigInt(rounded.exponent + format.exponentMax) : 0n;
  return sign | (exponent << BigInt(fractionBits)) | BigInt.asUintN(fractionBits, rounded.significand);
}

export const toSingle = (context: Context, value: Float80): bigint | null =>
  narrow(context, value, SINGLE, 32);
export const toDouble = (context: Context, value: Float80): bigint | null =>
  narrow(context, value, DOUBLE, 64);

/** The value rounded to an integer, or null if it is none or its magnitude needs more than 64 bits; raises nothing. */
function wholeNumber(
  value: Float80,
  rounding: number,
): { readonly whole: bigint; readonly inexact: boolean; readonly up: boolean } | null {
  const kind = kindOf(value);
  if (kind === "zero") return { whole: 0n, inexact: false, up: false };
  if (kind !== "normal" && kind !== "denormal") return null;
  const scale = scaleOf(value);
  if (scale > 0) return null;
  const far = scale < -130;
  const rounded = roundShift(rounding, value.sign, far ? 1n : value.significand, far ? 66 : -scale);
  return {
    whole: value.sign === 1 ? -rounded.quotient : rounded.quotient,
    inexact: rounded.inexact,
    up: rounded.up,
  };
}

/** FIST, FISTP, FISTTP: `bits` is 16, 32 or 64. Out of range gives the integer indefinite, -2^(bits-1). */
export function toInteger(context: Context, value: Float80, bits: number, rounding: number): bigint | null {
  const result = wholeNumber(value, rounding);
  const limit = 1n << BigInt(bits - 1);
  if (result === null || result.whole >= limit || result.whole < -limit) {
    context.raised |= EXCEPTION.invalid;
    return (context.masks & EXCEPTION.invalid) === 0 ? null : -limit;
  }
  if (result.inexact) {
    context.raised |= EXCEPTION.precision;
    context.roundedUp = result.up;
  }
  return result.whole;
}

/** FBLD: 18 decimal digits in nine bytes, the sign in the tenth. Digits above 9 count for what they are. */
export function fromDecimal(bytes: Uint8Array): Float80 {
  let whole = 0n;
  for (let i = 8; i >= 0; i--) whole = whole * 100n + BigInt((bytes[i]! >>> 4) * 10 + (bytes[i]! & 15));
  const sign = bytes[9]! >>> 7;
  return { ...integer80(whole), sign };
}

const DECIMAL_LIMIT = 10n ** 18n;
/** What FBSTP stores for anything that has no 18 digits. */
export const DECIMAL_INDEFINITE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff);

/** FBSTP */
export function toDecimal(context: Context, value: Float80): Uint8Array | null {
  const result = wholeNumber(value, context.rounding);
  if (result === null || result.whole >= DECIMAL_LIMIT || result.whole <= -DECIMAL_LIMIT) {
    context.raised |= EXCEPTION.invalid;
    return (context.masks & EXCEPTION.invalid) === 0 ? null : DECIMAL_INDEFINITE;
  }
  if (result.inexact) {
    context.raised |= EXCEPTION.precision;
    context.roundedUp = result.up;
  }
  const bytes = new Uint8Array(10);
  let rest = result.whole < 0n ? -result.whole : result.whole;
  for (let i = 0; i < 9; i++) {
    const pair = Number(rest % 100n);
    bytes[i] = (Math.floor(pair / 10) << 4) | (pair % 10);
    rest /= 100n;
  }
  bytes[9] = value.sign << 7;
  return bytes;
}
