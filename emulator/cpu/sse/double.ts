/**
 * Double precision, one lane at a time: r = a op b.
 *
 * The host computes where that is exact in bits and flags: rounding to nearest, operands normal or zero, a result that is zero or well inside the normal
 * range. Whether it is inexact is only asked while PE is clear: a sum's error is what TwoSum finds, a product's what Dekker's multiplication
 * finds, and a quotient or root is multiplied back. The bounds keep every intermediate of those exact.
 */
import { EXCEPTION } from "../x87/rounding.ts";
import type { Environment } from "./environment.ts";
import { a, b, r } from "./lanes.ts";
import type { Lane } from "./single.ts";
import { add, type Binary, divide, DOUBLE, extreme, multiply, squareRoot, subtract } from "./software.ts";

const LEAST = 2 ** -1022;
/** Below this a product's error could be lost among the denormals. */
const SMALL = 2 ** -900;
const MOST = 2 ** 990;
/** Splits a double into two halves of 26 bits. */
const SPLIT = 2 ** 27 + 1;

const isOrdinary = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return (magnitude >= LEAST && magnitude < MOST) || magnitude === 0;
};
const isSafe = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return magnitude > SMALL && magnitude < MOST;
};

/** Whether x × y is exactly `result`, for numbers whose product is safe. */
function isProduct(x: number, y: number, result: number): boolean {
  const product = x * y;
  if (product !== result) return false;
  const xScaled = x * SPLIT;
  const yScaled = y * SPLIT;
  const xHigh = xScaled - (xScaled - x);
  const yHigh = yScaled - (yScaled - y);
  const xLow = x - xHigh;
  const yLow = y - yHigh;
  return xHigh * yHigh - product + xHigh * yLow + xLow * yHigh + xLow * yLow === 0;
}

function inSoftware(operation: Binary, environment: Environment, lane: number): void {
  r.u64[lane] = operation(environment, DOUBLE, a.u64[lane]!, b.u64[lane]!);
}

function sumOf(environment: Environment, lane: number, x: number, y: number): boolean {
  if (!environment.nearest || !isOrdinary(x) || !isOrdinary(y)) return false;
  const sum = x + y;
  if (Math.abs(sum) < LEAST && sum !== 0) return false;
  r.f64[lane] = sum;
  if (environment.asksPrecision) {
    const second = sum - x;
    if (x - (sum - second) + (y - second) !== 0) environment.raised |= EXCEPTION.precision;
  }
  return true;
}

export const addDouble: Lane = (environment, lane) => {
  if (!sumOf(environment, lane, a.f64[lane]!, b.f64[lane]!)) inSoftware(add, environment, lane);
};

export const subtractDouble: Lane = (environment, lane) => {
  if (!sumOf(environment, lane, a.f64[lane]!, -b.f64[lane]!)) inSoftware(subtract, environment, lane);
};

export const multiplyDouble: Lane = (environment, lane) => {
  const x = a.f64[lane]!;
  const y = b.f64[lane]!;
  const product = x * y;
  const isZero = x === 0 || y === 0;
  if (!environment.nearest || !(isZero || isSafe(product)) || !isOrdinary(x) || !isOrdinary(y))
    return inSoftware(multiply, environment, lane);
  r.f64[lane] = product;
  if (environment.asksPrecision && !isZero && !isProduct(x, y, product))
    environment.raised |= EXCEPTION.precision;
};

export const divideDouble: Lane = (environment, lane) => {
  const x = a.f64[lane]!;
  const y = b.f64[lane]!;
  const quotient = x / y;
  const isZero = x === 0 && y !== 0;
  const safe = isZero || (isSafe(quotient) && isSafe(x));
  if (!environment.nearest || !safe || !isOrdinary(y)) return inSoftware(divide, environment, lane);
  r.f64[lane] = quotient;
  if (environment.asksPrecision && !isZero && !isProduct(quotient, y, x))
    environment.raised |= EXCEPTION.precision;
};

export const squareRootDouble: Lane = (environment, lane) => {
  const x = b.f64[lane]!;
  if (!environment.nearest || !(x === 0 || isSafe(x)) || x < 0) {
    r.u64[lane] = squareRoot(environment, DOUBLE, b.u64[lane]!);
    return;
  }
  const root = Math.sqrt(x);
  r.f64[lane] = root;
  if (environment.asksPrecision && x !== 0 && !isProduct(root, root, x))
    environment.raised |= EXCEPTION.precision;
};

export const minimumDouble: Lane = (environment, lane) => {
  const x = a.f64[lane]!;
  const y = b.f64[lane]!;
  if (isOrdinary(x) && isOrdinary(y)) (x < y ? keepFirst : keepSecond)(lane);
  else r.u64[lane] = extreme(environment, DOUBLE, a.u64[lane]!, b.u64[lane]!, "less");
};

export const maximumDouble: Lane = (environment, lane) => {
  const x = a.f64[lane]!;
  const y = b.f64[lane]!;
  if (isOrdinary(x) && isOrdinary(y)) (x > y ? keepFirst : keepSecond)(lane);
  else r.u64[lane] = extreme(environment, DOUBLE, a.u64[lane]!, b.u64[lane]!, "greater");
};

// Numbers, not NaNs: copying them as such keeps their bits.
const keepFirst = (lane: number): void => {
  r.f64[lane] = a.f64[lane]!;
};
const keepSecond = (lane: number): void => {
  r.f64[lane] = b.f64[lane]!;
};
