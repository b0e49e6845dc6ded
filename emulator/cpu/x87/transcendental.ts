/**
 * The x87's transcendental instructions: F2XM1 FYL2X FYL2XP1 FPTAN FPATAN FSIN FCOS FSINCOS (SDM 2A, SDM 1 §8.3.7 to §8.3.10).
 *
 * Results are rounded correctly to 64 bits, where the manual promises one unit in the last place; angles are reduced with a π of 66 bits, as Intel's
 * processors do, so that sines near multiples of π are theirs. Precision control does not apply.
 * Elsewhere: the functions themselves (`elementary.ts`).
 */
import type { Operation } from "../instruction.ts";
import { exactOf, invalid, nanOf, nanResult, noteDenormal, type Operand } from "./arithmetic.ts";
import {
  angleOf,
  cosine,
  exponentialMinusOne,
  logarithm,
  logarithmOfOnePlus,
  quarterTurns,
  reduce,
  type Reduced,
  sine,
  tangent,
} from "./elementary.ts";
import { type Exact, product } from "./exact.ts";
import {
  BIAS,
  type Float80,
  float80,
  INDEFINITE,
  infinity,
  INTEGER_BIT,
  negate,
  ONE,
  zero,
} from "./float80.ts";
import { type Context, EXCEPTION, EXTENDED, round80 } from "./rounding.ts";
import { begin, note } from "./unit.ts";

const HALF = float80(0, BIAS - 1, INTEGER_BIT);
/** Angles from 2^63 on are not reduced: C2 is set and nothing else happens. */
const RANGE = BIAS + 63;

const rounded = (context: Context, { sign, significand, scale }: Exact): Float80 =>
  round80(context, sign, significand, scale, EXTENDED.precision);

/** Order of the magnitude and one. */
function againstOne(value: Float80): number {
  if (value.exponent !== BIAS) return value.exponent < BIAS ? -1 : 1;
  return value.significand === INTEGER_BIT ? 0 : 1;
}

/** F2XM1: 2^a - 1 */
function powerMinusOne(context: Context, a: Operand): Float80 {
  const nan = nanOf(context, a);
  if (nan !== null) return nan;
  if (a.kind === "zero") return a.value;
  if (a.kind === "infinity") return a.value.sign === 1 ? negate(ONE) : a.value;
  noteDenormal(context, a);
  // Processors call every result inexact, 2 - 1 too; and beyond one, where it is undefined, they leave the operand.
  context.raised |= EXCEPTION.precision;
  const order = againstOne(a.value);
  if (order === 0) return a.value.sign === 1 ? negate(HALF) : ONE;
  if (order > 0) return a.value;
  return rounded(context, exponentialMinusOne(exactOf(a.value)));
}

/** FYL2X: b × log2 a */
function timesLogarithm(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  const { sign } = b.value;
  if (a.kind === "zero") {
    if (b.kind === "zero") return invalid(context);
    if (b.kind === "infinity") return infinity(sign ^ 1);
    context.raised |= EXCEPTION.zeroDivide;
    return infinity(sign ^ 1);
  }
  if (a.value.sign === 1) return invalid(context);
  if (a.kind === "infinity") {
    if (b.kind === "zero") return invalid(context);
    noteDenormal(context, b);
    return infinity(sign);
  }
  const order = againstOne(a.value);
  if (b.kind === "infinity") {
    if (order === 0) return invalid(context);
    noteDenormal(context, a);
    return infinity(order > 0 ? sign : sign ^ 1);
  }
  noteDenormal(context, a, b);
  if (order === 0 || b.kind === "zero") return zero(order < 0 ? sign ^ 1 : sign);
  // Processors do not notice that the logarithm of a power of two is exact.
  context.raised |= EXCEPTION.precision;
  return rounded(context, product(logarithm(exactOf(a.value)), exactOf(b.value)));
}

/** FYL2XP1: b × log2 (a + 1) */
function timesLogarithmPlusOne(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  const sign = a.value.sign ^ b.value.sign;
  if (a.kind === "infinity") {
    if (a.value.sign === 1 || b.kind === "zero") return invalid(context);
    noteDenormal(context, b);
    return infinity(sign);
  }
  if (b.kind === "infinity") {
    if (a.kind === "zero") return invalid(context);
    noteDenormal(context, a);
    return infinity(sign);
  }
  noteDenormal(context, a, b);
  if (a.kind === "zero" || b.kind === "zero") return zero(sign);
  context.raised |= EXCEPTION.precision;
  // Down from -1 the result is undefined: processors give back the operand.
  if (a.value.sign === 1 && againstOne(a.value) >= 0) return a.value;
  return rounded(context, product(logarithmOfOnePlus(exactOf(a.value)), exactOf(b.value)));
}

/** FPATAN: the angle of the point (x = a, y = b). */
function arcTangent(context: Context, a: Operand, b: Operand): Float80 {
  const nan = nanResult(context, a, b);
  if (nan !== null) return nan;
  noteDenormal(context, a, b);
  const { sign } = b.value;
  const left = a.value.sign === 1;
  const quarters = (count: number): Float80 => rounded(context, quarterTurns(count, sign));
  if (b.kind === "infinity") return quarters(a.kind === "infinity" ? (left ? 3 : 1) : 2);
  if (b.kind === "zero" || a.kind === "infinity") return left ? quarters(4) : zero(sign);
  if (a.kind === "zero") return quarters(2);
  return rounded(context, angleOf(exactOf(b.value), exactOf(a.value)));
}

/** An operand's sine or the like, or "range": the angle is too large. */
type Circular<T> = T | "range";

function circular<T>(context: Context, a: Operand, atZero: (a: Float80) => T, of: (reduced: Reduced) => T, failed: (value: Float80) => T): Circular<T> {
  const nan = nanOf(context, a);
  if (nan !== null) return failed(nan);
  if (a.kind === "infinity") return failed(invalid(context));
  if (a.kind === "zero") return atZero(a.value);
  if (a.value.exponent >= RANGE) return "range";
  noteDenormal(context, a);
  return of(reduce(exactOf(a.value)));
} // oxfmt-ignore

/** FSIN and FCOS. */
const single =
  (of: (reduced: Reduced) => Exact, atZero: (a: Float80) => Float80): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const { context } = unit;
    const result = unit.underflows(0)
      ? INDEFINITE
      : circular(
          context,
          unit.operand(0),
          atZero,
          (reduced) => rounded(context, of(reduced)),
          (nan) => nan,
        );
    const settled = unit.settle();
    unit.setC2(result === "range");
    if (settled && result !== "range") unit.setValue(0, result);
    note(unit, insn);
  };

interface Pair {
  /** What replaces ST(0), and what is pushed then. */
  readonly below: Float80;
  readonly top: Float80;
}

/** FPTAN and FSINCOS. */
const double =
  (of: (context: Context, reduced: Reduced) => Pair, atZero: (a: Float80) => Pair): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const { context } = unit;
    const both = (value: Float80): Pair => ({ below: value, top: value });
    let result: Circular<Pair> = both(INDEFINITE);
    if (!unit.underflows(0)) {
      if (unit.isEmpty(-1)) result = circular(context, unit.operand(0), atZero, (reduced) => of(context, reduced), both);
      else unit.stackFault(true);
    }
    const settled = unit.settle();
    unit.setC2(result === "range");
    if (settled && result !== "range") {
      unit.setValue(0, result.below);
      unit.push(result.top);
    }
    note(unit, insn);
  }; // oxfmt-ignore

const unary =
  (compute: (context: Context, a: Operand) => Float80): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const result = unit.underflows(0) ? INDEFINITE : compute(unit.context, unit.operand(0));
    if (unit.settle()) unit.setValue(0, result);
    note(unit, insn);
  };

/** ST(1) becomes the result, ST(0) is popped. */
const popping =
  (compute: (context: Context, a: Operand, b: Operand) => Float80): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const result = unit.underflows(0, 1) ? INDEFINITE : compute(unit.context, unit.operand(0), unit.operand(1));
    if (unit.settle()) {
      unit.setValue(1, result);
      unit.pop();
    }
    note(unit, insn);
  }; // oxfmt-ignore

export const transcendentalOperations: Record<string, Operation> = {
  f2xm1: unary(powerMinusOne),
  fyl2x: popping(timesLogarithm),
  fyl2xp1: popping(timesLogarithmPlusOne),
  fpatan: popping(arcTangent),
  fsin: single(sine, (a) => a),
  fcos: single(cosine, () => ONE),
  fptan: double(
    (context, reduced) => ({ below: rounded(context, tangent(reduced)), top: ONE }),
    (a) => ({ below: a, top: ONE }),
  ),
  fsincos: double(
    (context, reduced) => ({
      below: rounded(context, sine(reduced)),
      top: rounded(context, cosine(reduced)),
    }),
    (a) => ({ below: a, top: ONE }),
  ),
};
