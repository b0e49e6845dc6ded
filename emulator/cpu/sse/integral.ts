/**
 * Rounding to whole numbers, for conversions to integers and for ROUNDPS ROUNDPD ROUNDSS ROUNDSD (SDM 2B).
 *
 * The host's doubles do it: a single or double is one, and its whole part too.
 */
import type { Operation } from "../instruction.ts";
import { requireSse } from "../vector/access.ts";
import { EXCEPTION, ROUND } from "../x87/rounding.ts";
import { Environment } from "./environment.ts";
import { a, b, r, xmmAt } from "./lanes.ts";
import { type Fetch, fetch16, fetch4, fetch8 } from "./operand.ts";

/** From here on doubles have no fraction. */
const WHOLE = 2 ** 52;

/** A finite number rounded to a whole one, the sign kept. */
export function whole(x: number, rounding: number): number {
  if (rounding === ROUND.chop) return Math.trunc(x);
  if (rounding === ROUND.down) return Math.floor(x);
  if (rounding === ROUND.up) return Math.ceil(x);
  if (Math.abs(x) >= WHOLE) return x;
  // The addition rounds to nearest even at the binary point.
  if (x > 0) return x + WHOLE - WHOLE;
  const result = x - WHOLE + WHOLE;
  return result === 0 && x < 0 ? -0 : x === 0 ? x : result;
}

const environment = new Environment();

/** imm8: bits 1:0 rounding, unless bit 2 says MXCSR's; bit 3 keeps PE quiet. Denormals raise nothing. */
function roundLane(control: number, double: boolean, lane: number): void {
  const x = double ? b.f64[lane]! : b.f32[lane]!;
  const least = double ? 2 ** -1022 : 2 ** -126;
  const copy = double ? copyDouble : copySingle;
  if (Number.isNaN(x)) return copy(lane, true);
  if (!Number.isFinite(x)) return copy(lane, false);
  const input = environment.daz && Math.abs(x) < least ? (isNegative(double, lane) ? -0 : 0) : x;
  const result = whole(input, (control & 4) !== 0 ? environment.rounding : control & 3);
  if (result !== input && (control & 8) === 0) environment.raised |= EXCEPTION.precision;
  if (double) r.f64[lane] = result;
  else r.f32[lane] = result;
  return undefined;
}

const isNegative = (double: boolean, lane: number): boolean =>
  (double ? b.i32[lane * 2 + 1]! : b.i32[lane]!) < 0;

/** Copies bits; with `quiet`, of a NaN, which becomes quiet. */
function copySingle(lane: number, quiet: boolean): void {
  const bits = b.u32[lane]!;
  if (quiet && (bits & 0x40_0000) === 0) environment.raised |= EXCEPTION.invalid;
  r.u32[lane] = quiet ? bits | 0x40_0000 : bits;
}
function copyDouble(lane: number, quiet: boolean): void {
  const high = b.u32[lane * 2 + 1]!;
  if (quiet && (high & 0x8_0000) === 0) environment.raised |= EXCEPTION.invalid;
  r.u32[lane * 2] = b.u32[lane * 2]!;
  r.u32[lane * 2 + 1] = quiet ? high | 0x8_0000 : high;
}

const round =
  (fetch: Fetch, count: number, double: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    a.take(core, xmmAt(insn.reg));
    r.copy(a);
    environment.begin(core);
    for (let n = 0; n < count; n++) roundLane(Number(insn.immediate), double, n);
    environment.settle(core);
    r.give(core, insn.reg);
  };

export const integralOperations: Record<string, Operation> = {
  roundps: round(fetch16, 4, false),
  roundss: round(fetch4, 1, false),
  roundpd: round(fetch16, 2, true),
  roundsd: round(fetch8, 1, true),
};
