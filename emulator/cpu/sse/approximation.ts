/**
 * RCPPS RCPSS RSQRTPS RSQRTSS (SDM 2B): approximations with a relative error of at most 1.5 × 2^-12, whose values the manual leaves open.
 *
 * These are those of Intel's processors since the Pentium III: the argument's upper bits choose one of 2048 intervals, and the result is the value at
 * the interval's middle, rounded to 13 binary places below one. AMD's tables differ. MXCSR plays no part: nothing is raised, denormals count as
 * zeros, and results that would be denormal are zeros.
 */
import type { Operation } from "../instruction.ts";
import { requireSse } from "../vector/access.ts";
import { a, b, r, xmmAt } from "./lanes.ts";
import { type Fetch, fetch16, fetch4 } from "./operand.ts";

const SIGN = 0x8000_0000;
const INFINITY = 0x7f80_0000;
const QUIET = 0x40_0000;
const INDEFINITE = 0xffc0_0000;
const BIAS = 127;
const PLACES = 13;

/** The bits of mantissa × 2^-13 × 2^power, for a mantissa of 13 bits; 0 if that is no normal number. */
function assemble(mantissa: number, power: number): number {
  const exponent = BIAS + power - 1;
  return exponent <= 0 ? 0 : (exponent << 23) | ((mantissa - (1 << (PLACES - 1))) << (24 - PLACES));
}

function reciprocal(bits: number): number {
  const sign = (bits & SIGN) >>> 0;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0) return (sign | INFINITY) >>> 0;
  if (exponent === 0xff) return (bits & 0x7f_ffff) === 0 ? sign : (bits | QUIET) >>> 0;
  const interval = (bits >>> 12) & 0x7ff;
  const mantissa = Math.floor(2 ** PLACES / (1 + (interval + 0.5) / 2048) + 0.5);
  return (sign | assemble(mantissa, BIAS - exponent)) >>> 0;
}

function reciprocalRoot(bits: number): number {
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0) return ((bits & SIGN) | INFINITY) >>> 0;
  if (exponent === 0xff && (bits & 0x7f_ffff) !== 0) return (bits | QUIET) >>> 0;
  if (bits >>> 31 !== 0) return INDEFINITE;
  if (exponent === 0xff) return 0;
  const interval = (bits >>> 13) & 0x3ff;
  const power = exponent - BIAS;
  const middle = (1 + (interval + 0.5) / 1024) * ((power & 1) === 0 ? 1 : 2);
  const mantissa = Math.floor(2 ** PLACES / Math.sqrt(middle) + 0.5);
  return assemble(mantissa, -Math.floor(power / 2));
}

const approximate =
  (fetch: Fetch, count: number, of: (bits: number) => number): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    a.take(core, xmmAt(insn.reg));
    r.copy(a);
    for (let n = 0; n < count; n++) r.u32[n] = of(b.u32[n]!);
    r.give(core, insn.reg);
  };

export const approximationOperations: Record<string, Operation> = {
  rcpps: approximate(fetch16, 4, reciprocal),
  rcpss: approximate(fetch4, 1, reciprocal),
  rsqrtps: approximate(fetch16, 4, reciprocalRoot),
  rsqrtss: approximate(fetch4, 1, reciprocalRoot),
};
