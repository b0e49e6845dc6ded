/**
 * SSE conversions (SDM 2A: CVT…): between singles, doubles, and integers of 32 and 64 bits in vector, MMX and general registers and memory.
 *
 * A number that has no integer of the width becomes the integer indefinite, and is invalid. Denormal sources of conversions to integers raise
 * nothing but PE. Instructions with an MMX register enter MMX mode, even if #XM follows; those that read eight bytes of memory instead do not.
 */
import type { Core } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { enterMmx, requireMmx, requireSse, sourceAddress, writeMm } from "../vector/access.ts";
import { EXCEPTION, ROUND } from "../x87/rounding.ts";
import { Environment } from "./environment.ts";
import { whole } from "./integral.ts";
import { a, b, r, xmmAt } from "./lanes.ts";
import { type Fetch, fetch16, fetch4, fetch8, fetchMm } from "./operand.ts";
import { convert, DOUBLE, fromInteger, SINGLE } from "./software.ts";

const environment = new Environment();

const LIMIT_32 = 2 ** 31;
const LIMIT_64 = 2 ** 63;
const LEAST_SINGLE = 2 ** -126;
const MOST_SINGLE = 2 ** 127;
const LEAST_DOUBLE = 2 ** -1022;

/** Source lane `lane` of `b` as a double, denormals made zero under DAZ. */
function source(double: boolean, lane: number): number {
  const x = double ? b.f64[lane]! : b.f32[lane]!;
  return environment.daz && Math.abs(x) < (double ? LEAST_DOUBLE : LEAST_SINGLE) ? 0 : x;
}

/** The source rounded to a whole number below `limit`, or null (and invalid) if there is none. */
function integerOf(double: boolean, lane: number, truncates: boolean, limit: number): number | null {
  const x = source(double, lane);
  const result = whole(x, truncates ? ROUND.chop : environment.rounding);
  if (!(result >= -limit && result < limit)) {
    environment.raised |= EXCEPTION.invalid;
    return null;
  }
  if (result !== x) environment.raised |= EXCEPTION.precision;
  return result;
}

const integer32 = (double: boolean, lane: number, truncates: boolean): number =>
  integerOf(double, lane, truncates, LIMIT_32) ?? -LIMIT_32;

/** A signed 32-bit integer, or another one, as single precision bits. */
function singleOf(value: number): number {
  const result = Math.fround(value);
  if (environment.nearest) {
    if (result !== value) environment.raised |= EXCEPTION.precision;
    a.f32[0] = result;
    return a.u32[0]!;
  }
  return Number(fromInteger(environment, SINGLE, BigInt(value)));
}

/** Source lane `from` widened into lane `to` of r. */
function widen(from: number, to: number): void {
  const x = b.f32[from]!;
  const magnitude = Math.abs(x);
  if ((magnitude >= LEAST_SINGLE && magnitude < MOST_SINGLE) || magnitude === 0) r.f64[to] = x;
  else r.u64[to] = convert(environment, SINGLE, DOUBLE, BigInt(b.u32[from]!));
}

/** Source lane `from` narrowed into lane `to` of r. */
function narrow(from: number, to: number): void {
  const x = b.f64[from]!;
  const result = Math.fround(x);
  const magnitude = Math.abs(result);
  if (environment.nearest && ((magnitude > LEAST_SINGLE && magnitude < MOST_SINGLE) || x === 0)) {
    if (result !== x) environment.raised |= EXCEPTION.precision;
    r.f32[to] = result;
  } else r.u32[to] = Number(convert(environment, DOUBLE, SINGLE, b.u64[from]!));
}

/** An XMM destination; `compute` fills r, which starts as the old value, or with `clears` as zeros. */
const toXmm =
  (fetch: Fetch, compute: () => void, clears = false): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    if (clears) r.u64.fill(0n);
    else r.take(core, xmmAt(insn.reg));
    environment.begin(core);
    compute();
    environment.settle(core);
    r.give(core, insn.reg);
  };

/** Two integers from an MMX register or memory. */
const fromMmx =
  (compute: () => void): Operation =>
  (core, insn) => {
    requireSse(core);
    if (insn.rm >= 0) requireMmx(core, insn);
    fetchMm(core, insn);
    r.take(core, xmmAt(insn.reg));
    if (insn.rm >= 0) enterMmx(core);
    environment.begin(core);
    compute();
    environment.settle(core);
    r.give(core, insn.reg);
  };

/** Two integers to an MMX register. */
const toMmx =
  (fetch: Fetch, double: boolean, truncates: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    requireMmx(core, insn);
    fetch(core, insn);
    environment.begin(core);
    for (let n = 0; n < 2; n++) r.i32[n] = integer32(double, n, truncates);
    enterMmx(core);
    environment.settle(core);
    writeMm(core, insn.reg, r.u64[0]!);
  };

/** One integer to a general register. */
const toGeneral =
  (fetch: Fetch, double: boolean, truncates: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    environment.begin(core);
    if (insn.operandSize === 64) {
      const value = integerOf(double, 0, truncates, LIMIT_64);
      environment.settle(core);
      core.setGpr(insn.reg, BigInt.asUintN(64, BigInt(value ?? -LIMIT_64)));
    } else {
      const value = integer32(double, 0, truncates);
      environment.settle(core);
      core.setGpr32(insn.reg, value);
    }
  };

/** The integer operand of CVTSI2SS and CVTSI2SD. */
function generalSource(core: Core, insn: Instruction): bigint {
  const wide = insn.operandSize === 64;
  if (insn.rm >= 0) return wide ? BigInt.asIntN(64, core.gpr(insn.rm)) : BigInt(core.gpr32(insn.rm) | 0);
  const at = sourceAddress(core, insn, wide ? 8 : 4);
  return wide ? core.view.getBigInt64(at, true) : BigInt(core.view.getInt32(at, true));
}

const fromGeneral =
  (double: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    const value = generalSource(core, insn);
    r.take(core, xmmAt(insn.reg));
    environment.begin(core);
    const near = Number(value);
    if (double && Number.isSafeInteger(near)) r.f64[0] = near;
    else if (double) r.u64[0] = fromInteger(environment, DOUBLE, value);
    else if (Number.isSafeInteger(near)) r.u32[0] = singleOf(near);
    else r.u32[0] = Number(fromInteger(environment, SINGLE, value));
    environment.settle(core);
    r.give(core, insn.reg);
  };

const each = (count: number, compute: (lane: number) => void) => (): void => {
  for (let n = 0; n < count; n++) compute(n);
};
const toSingles = (count: number) =>
  each(count, (n) => {
    r.u32[n] = singleOf(b.i32[n]!);
  });
const toDoubles = each(2, (n) => {
  r.f64[n] = b.i32[n]!;
});
const toIntegers = (count: number, double: boolean, truncates: boolean) =>
  each(count, (n) => {
    r.i32[n] = integer32(double, n, truncates);
  });

export const conversionOperations: Record<string, Operation> = {
  cvtps2pd: toXmm(fetch8, each(2, (n) => widen(n, n))),
  cvtss2sd: toXmm(fetch4, () => widen(0, 0)),
  cvtpd2ps: toXmm(fetch16, each(2, (n) => narrow(n, n)), true),
  cvtsd2ss: toXmm(fetch8, () => narrow(0, 0)),
  cvtdq2ps: toXmm(fetch16, toSingles(4)),
  cvtps2dq: toXmm(fetch16, toIntegers(4, false, false)),
  cvttps2dq: toXmm(fetch16, toIntegers(4, false, true)),
  cvtpd2dq: toXmm(fetch16, toIntegers(2, true, false), true),
  cvttpd2dq: toXmm(fetch16, toIntegers(2, true, true), true),
  cvtpi2ps: fromMmx(toSingles(2)),
  cvtpi2pd: fromMmx(toDoubles),
  cvtps2pi: toMmx(fetch8, false, false),
  cvttps2pi: toMmx(fetch8, false, true),
  cvtpd2pi: toMmx(fetch16, true, false),
  cvttpd2pi: toMmx(fetch16, true, true),
  cvtsi2ss: fromGeneral(false),
  cvtsi2sd: fromGeneral(true),
  cvtss2si: toGeneral(fetch4, false, false),
  cvttss2si: toGeneral(fetch4, false, true),
  cvtsd2si: toGeneral(fetch8, true, false),
  cvttsd2si: toGeneral(fetch8, true, true),
}; // oxfmt-ignore
