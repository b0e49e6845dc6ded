/**
 * Sines, arc tangents, logarithms and exponentials in fixed point, for the x87's transcendental instructions.
 *
 * Invariant: results have a relative error below 2^-180, far more than the 64 bits they are rounded to, and are never called exact when they are not:
 * their last bit is a sticky bit. That rounds them right, but for one case in about 2^100. Numbers keep their relative precision because a small
 * factor is carried as a significand with a scale, and only the series it is multiplied with, which is near one, is in fixed point.
 * Elsewhere: operands that have no such result, or an exact one (`transcendental.ts`).
 */
import { type Exact, integerRoot } from "./exact.ts";
import { bitLength } from "./float80.ts";

/** Bits behind the point. */
const FRACTION = 200;
const SHIFT = BigInt(FRACTION);
const ONE = 1n << SHIFT;

const multiply = (a: bigint, b: bigint): bigint => (a * b) >> SHIFT;

/** 1/n + 1/(3n³) + … (`alternating`: with alternating signs), in fixed point. */
function inverseSeries(n: bigint, alternating: boolean): bigint {
  let power = ONE / n;
  let total = power;
  for (let k = 3n, sign = alternating ? -1n : 1n; power !== 0n; k += 2n, sign = alternating ? -sign : sign) {
    power /= n * n;
    total += (sign * power) / k;
  }
  return total;
}

/** Machin's formula. */
const PI = 16n * inverseSeries(5n, true) - 4n * inverseSeries(239n, true);
const LN2 = 2n * inverseSeries(3n, false);
const LOG2E = (ONE << SHIFT) / LN2;

/** π as Intel's processors know it when they reduce an argument: 66 bits (SDM 1 §8.3.8). Unit: 2^-64; half of it in 2^-65. */
const HARDWARE_PI = 0x3_243f_6a88_85a3_08d3n;
const HALF_PI_SCALE = -65;

export const negated = (a: Exact): Exact => ({ ...a, sign: a.sign ^ 1 });

/** Never exact: whatever comes after the last bit is not nothing. */
const inexact = (sign: number, significand: bigint, scale: number): Exact => ({
  sign,
  significand: significand | 1n,
  scale,
});

/** Magnitude as a fixed-point number, cut off. */
function toFixed({ significand, scale }: Exact): bigint {
  const shift = scale + FRACTION;
  return shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
}

/** At most 2 × FRACTION bits of a magnitude; the rest becomes sticky. */
function shortened(a: Exact): Exact {
  const excess = bitLength(a.significand) - 2 * FRACTION;
  return excess <= 0
    ? a
    : { sign: a.sign, significand: (a.significand >> BigInt(excess)) | 1n, scale: a.scale + excess };
}

/** a / b, positive, to FRACTION bits. */
function ratio(a: Exact, b: Exact): Exact {
  const shift = FRACTION + bitLength(b.significand) - bitLength(a.significand);
  const dividend = shift >= 0 ? a.significand << BigInt(shift) : a.significand;
  const divisor = shift >= 0 ? b.significand : b.significand << BigInt(-shift);
  return { sign: 0, significand: dividend / divisor, scale: a.scale - b.scale - shift };
} // oxfmt-ignore

/** a × factor, where the factor is in fixed point and near one. */
const scaledBy = (a: Exact, factor: bigint): Exact =>
  shortened(inexact(a.sign, a.significand * factor, a.scale - FRACTION));

/** An angle in (-π/4, π/4) and the number of right angles taken off, modulo 4. */
export interface Reduced {
  readonly angle: Exact;
  readonly quadrant: number;
}

/** Takes multiples of the processor's π/2 off. The result is exact. `angle` is below 2^63. */
export function reduce(angle: Exact): Reduced {
  const exponent = angle.scale + bitLength(angle.significand);
  if (exponent < 0) return { angle, quadrant: 0 };
  const value = angle.significand << BigInt(angle.scale - HALF_PI_SCALE);
  const count = (2n * value + HARDWARE_PI) / (2n * HARDWARE_PI);
  const rest = value - count * HARDWARE_PI;
  const sign = rest < 0n ? angle.sign ^ 1 : angle.sign;
  const quadrant = Number(count & 3n);
  return {
    angle: { sign, significand: rest < 0n ? -rest : rest, scale: HALF_PI_SCALE },
    quadrant: angle.sign === 1 ? (4 - quadrant) & 3 : quadrant,
  };
}

/** 1 - x²/(k(k+1)) + … from k = 1 (cosine) or 2 (sine over x). Always below one. */
function circular(x: Exact, first: number): bigint {
  const fixed = toFixed(x);
  const square = multiply(fixed, fixed);
  let term = ONE;
  let total = ONE;
  for (let k = first; term !== 0n; k += 2) {
    term = -multiply(term, square) / BigInt(k * (k + 1));
    total += term;
  }
  return total === ONE ? ONE - 1n : total;
}

const sineOf = (x: Exact): Exact => scaledBy(x, circular(x, 2));
const cosineOf = (x: Exact): Exact => inexact(0, circular(x, 1), -FRACTION);

/** Sine of an angle by quadrant: sin, cos, -sin, -cos. */
export function sine({ angle, quadrant }: Reduced): Exact {
  const value = (quadrant & 1) === 0 ? sineOf(angle) : cosineOf(angle);
  return (quadrant & 2) === 0 ? value : negated(value);
}
export const cosine = ({ angle, quadrant }: Reduced): Exact => sine({ angle, quadrant: (quadrant + 1) & 3 });

export function tangent({ angle, quadrant }: Reduced): Exact {
  const [s, c] = [sineOf(angle), cosineOf(angle)];
  const { significand, scale } = (quadrant & 1) === 0 ? ratio(s, c) : ratio(c, s);
  return inexact(angle.sign ^ (quadrant & 1), significand, scale);
}

/** Arc tangent of a positive number of at most one: the angle is halved three times, then the series. */
function arcTangent(ratioOf: Exact): Exact {
  let { significand, scale } = ratioOf;
  const HALVINGS = 3;
  for (let i = 0; i < HALVINGS; i++) {
    const fixed = toFixed({ sign: 0, significand, scale });
    const root = integerRoot(ONE * ONE + fixed * fixed);
    significand = (significand << SHIFT) / (ONE + root);
  }
  const fixed = toFixed({ sign: 0, significand, scale });
  const square = multiply(fixed, fixed);
  let power = ONE;
  let total = ONE;
  for (let k = 3n, sign = -1n; power !== 0n; k += 2n, sign = -sign) {
    power = multiply(power, square);
    total += (sign * power) / k;
  }
  scale += HALVINGS;
  return scaledBy({ sign: 0, significand, scale }, total === ONE ? ONE - 1n : total);
}

/** `quarters` × π/4. */
export const quarterTurns = (quarters: number, sign: number): Exact =>
  inexact(sign, PI * BigInt(quarters), -FRACTION - 2);

/** The angle of the point (x, y), neither of them zero. */
export function angleOf(y: Exact, x: Exact): Exact {
  const [a, b] = [
    { ...y, sign: 0 },
    { ...x, sign: 0 },
  ];
  const exponent = (value: Exact): number => value.scale + bitLength(value.significand);
  const distance = exponent(a) - exponent(b);
  const common = Math.min(a.scale, b.scale);
  const steep =
    distance !== 0
      ? distance > 0
      : a.significand << BigInt(a.scale - common) > b.significand << BigInt(b.scale - common);
  const acute = arcTangent(steep ? ratio(b, a) : ratio(a, b));
  if (!steep && x.sign === 0) return { ...acute, sign: y.sign };
  const fixed = toFixed(acute);
  const right = PI >> 1n;
  const angle = steep ? (x.sign === 0 ? right - fixed : right + fixed) : PI - fixed;
  return inexact(y.sign, angle, -FRACTION);
}

/** atanh series: 1 + t²/3 + t⁴/5 + … */
function hyperbolic(t: Exact): bigint {
  const fixed = toFixed(t);
  const square = multiply(fixed, fixed);
  let power = ONE;
  let total = ONE;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = multiply(power, square);
    total += power / k;
  }
  return total;
}

const withSign = (value: bigint, scale: number): Exact => ({
  sign: value < 0n ? 1 : 0,
  significand: value < 0n ? -value : value,
  scale,
});

/** Logarithm to base 2 of a number above zero; exact for powers of two. */
export function logarithm(x: Exact): Exact {
  // x = f × 2^exponent with f in [1/√2, √2): then log2 f = 2 atanh((f - 1) / (f + 1)) / ln 2.
  const length = bitLength(x.significand);
  let unit = 1n << BigInt(length - 1);
  let exponent = x.scale + length - 1;
  if (2n * unit * unit < x.significand * x.significand) {
    unit <<= 1n;
    exponent++;
  }
  const difference = withSign(x.significand - unit, 0);
  if (difference.significand === 0n) return withSign(BigInt(exponent), 0);
  const t = {
    ...ratio(difference, { sign: 0, significand: x.significand + unit, scale: 0 }),
    sign: difference.sign,
  };
  const part = scaledBy(scaledBy({ ...t, scale: t.scale + 1 }, hyperbolic(t)), LOG2E);
  if (exponent === 0) return part;
  const fixed = toFixed(part);
  const total = withSign((BigInt(exponent) << SHIFT) + (part.sign === 1 ? -fixed : fixed), -FRACTION);
  return inexact(total.sign, total.significand, total.scale);
}

/** Below this exponent 1 + x is not formed: log2(1 + x) is x (1 - x/2) / ln 2 to more than FRACTION bits. */
const TINY = -110;

/** log2(1 + x) for x above -1, not zero. */
export function logarithmOfOnePlus(x: Exact): Exact {
  if (x.scale + bitLength(x.significand) < TINY) {
    const half = toFixed(x) >> 1n;
    return scaledBy(scaledBy(x, x.sign === 1 ? ONE + half : ONE - half), LOG2E);
  }
  const unit = x.scale < 0 ? 1n << BigInt(-x.scale) : 1n;
  const magnitude = x.scale < 0 ? x.significand : x.significand << BigInt(x.scale);
  return logarithm({
    sign: 0,
    significand: x.sign === 1 ? unit - magnitude : unit + magnitude,
    scale: Math.min(x.scale, 0),
  });
}

/** 2^x - 1 for |x| below one, not zero. */
export function exponentialMinusOne(x: Exact): Exact {
  const argument = scaledBy(x, LN2);
  const fixed = argument.sign === 1 ? -toFixed(argument) : toFixed(argument);
  let term = ONE;
  let total = ONE;
  for (let k = 2n; term !== 0n && term !== -1n; k++) {
    term = multiply(term, fixed) / k;
    total += term;
  }
  return scaledBy(argument, total);
} // oxfmt-ignore
