/**
 * Single precision, one lane at a time: r = a op b.
 *
 * The host computes where that is exact in bits and flags: rounding to nearest, operands normal or zero, a result that is zero or well inside the normal
 * range. A sum, product, quotient or root of singles that is first rounded to double and then to single is rounded right, because 53 ≥ 2 × 24 + 2
 * (Figueroa, "When is double rounding innocuous?"). Whether it is inexact follows without more precision: a product of singles is exact in double,
 * so a quotient or root is checked by multiplying back, and a sum by what TwoSum finds.
 */
import { EXCEPTION } from "../x87/rounding.ts";
import type { Environment } from "./environment.ts";
import { a, b, r } from "./lanes.ts";
import { add, type Binary, divide, extreme, multiply, SINGLE, squareRoot, subtract } from "./software.ts";

/** What an instruction does in lane `lane` of `a`, `b` and `r`. */
export type Lane = (environment: Environment, lane: number) => void;

const LEAST = 2 ** -126;
const MOST = 2 ** 127;

const isOrdinary = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return (magnitude >= LEAST && magnitude < MOST) || magnitude === 0;
};
/** The smallest normal number may have been rounded up to from below. */
const isSafe = (result: number): boolean => {
  const magnitude = Math.abs(result);
  return magnitude > LEAST && magnitude < MOST;
};

function inSoftware(operation: Binary, environment: Environment, lane: number): void {
  r.u32[lane] = Number(operation(environment, SINGLE, BigInt(a.u32[lane]!), BigInt(b.u32[lane]!)));
}

function sumOf(environment: Environment, lane: number, x: number, y: number): boolean {
  if (!environment.nearest || !isOrdinary(x) || !isOrdinary(y)) return false;
  const sum = x + y;
  const result = Math.fround(sum);
  if (!isSafe(result) && sum !== 0) return false;
  r.f32[lane] = result;
  if (environment.asksPrecision) {
    const second = sum - x;
    if (result !== sum || x - (sum - second) + (y - second) !== 0) environment.raised |= EXCEPTION.precision;
  }
  return true;
}

export const addSingle: Lane = (environment, lane) => {
  if (!sumOf(environment, lane, a.f32[lane]!, b.f32[lane]!)) inSoftware(add, environment, lane);
};

export const subtractSingle: Lane = (environment, lane) => {
  if (!sumOf(environment, lane, a.f32[lane]!, -b.f32[lane]!)) inSoftware(subtract, environment, lane);
};

export const multiplySingle: Lane = (environment, lane) => {
  const x = a.f32[lane]!;
  const y = b.f32[lane]!;
  const product = x * y;
  const result = Math.fround(product);
  const safe = isSafe(result) || x === 0 || y === 0;
  if (!environment.nearest || !safe || !isOrdinary(x) || !isOrdinary(y))
    return inSoftware(multiply, environment, lane);
  r.f32[lane] = result;
  if (result !== product) environment.raised |= EXCEPTION.precision;
};

export const divideSingle: Lane = (environment, lane) => {
  const x = a.f32[lane]!;
  const y = b.f32[lane]!;
  const result = Math.fround(x / y);
  const safe = isSafe(result) || (x === 0 && y !== 0);
  if (!environment.nearest || !safe || !isOrdinary(x) || !isOrdinary(y))
    return inSoftware(divide, environment, lane);
  r.f32[lane] = result;
  if (result * y !== x) environment.raised |= EXCEPTION.precision;
};

export const squareRootSingle: Lane = (environment, lane) => {
  const x = b.f32[lane]!;
  if (!environment.nearest || !isOrdinary(x) || x < 0) {
    r.u32[lane] = Number(squareRoot(environment, SINGLE, BigInt(b.u32[lane]!)));
    return;
  }
  const result = Math.fround(Math.sqrt(x));
  r.f32[lane] = result;
  if (result * result !== x) environment.raised |= EXCEPTION.precision;
};

export const minimumSingle: Lane = (environment, lane) => {
  const x = a.f32[lane]!;
  const y = b.f32[lane]!;
  if (isOrdinary(x) && isOrdinary(y)) r.u32[lane] = x < y ? a.u32[lane]! : b.u32[lane]!;
  else r.u32[lane] = Number(extreme(environment, SINGLE, BigInt(a.u32[lane]!), BigInt(b.u32[lane]!), "less"));
};

export const maximumSingle: Lane = (environment, lane) => {
  const x = a.f32[lane]!;
  const y = b.f32[lane]!;
  if (isOrdinary(x) && isOrdinary(y)) r.u32[lane] = x > y ? a.u32[lane]! : b.u32[lane]!;
  else
    r.u32[lane] = Number(extreme(environment, SINGLE, BigInt(a.u32[lane]!), BigInt(b.u32[lane]!), "greater"));
};
