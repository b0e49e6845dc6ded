/**
 * SSE comparisons (SDM 2A: CMPPS CMPSS CMPPD CMPSD to masks, COMISS COMISD UCOMISS UCOMISD to RFLAGS).
 */
import { FLAG, STATUS_FLAGS } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { requireSse } from "../vector/access.ts";
import { Environment } from "./environment.ts";
import { a, b, r, xmmAt } from "./lanes.ts";
import { type Fetch, fetch16, fetch4, fetch8 } from "./operand.ts";
import { compare, DOUBLE, type Order, SINGLE } from "./software.ts";

const environment = new Environment();

const LEAST_SINGLE = 2 ** -126;
const LEAST_DOUBLE = 2 ** -1022;

/** a compared with b in a lane. The host compares what is neither a NaN nor a denormal. */
type Comparison = (lane: number, signals: boolean) => Order;

const byHost = (x: number, y: number): Order => (x < y ? "less" : x > y ? "greater" : "equal");
const isPlain = (x: number, least: number): boolean => Math.abs(x) >= least || x === 0;

const compareSingle: Comparison = (lane, signals) => {
  const x = a.f32[lane]!;
  const y = b.f32[lane]!;
  if (isPlain(x, LEAST_SINGLE) && isPlain(y, LEAST_SINGLE)) return byHost(x, y);
  return compare(environment, SINGLE, BigInt(a.u32[lane]!), BigInt(b.u32[lane]!), signals);
};
const compareDouble: Comparison = (lane, signals) => {
  const x = a.f64[lane]!;
  const y = b.f64[lane]!;
  if (isPlain(x, LEAST_DOUBLE) && isPlain(y, LEAST_DOUBLE)) return byHost(x, y);
  return compare(environment, DOUBLE, a.u64[lane]!, b.u64[lane]!, signals);
};

/** The predicates of imm8 bits 2:0; the upper four are the negations of the lower. LT and LE signal. */
const PREDICATES: readonly ((order: Order) => boolean)[] = [
  (order) => order === "equal",
  (order) => order === "less",
  (order) => order === "less" || order === "equal",
  (order) => order === "unordered",
];

const toMask =
  (fetch: Fetch, count: number, double: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    a.take(core, xmmAt(insn.reg));
    r.copy(a);
    environment.begin(core);
    const selector = Number(insn.immediate) & 7;
    const holds = PREDICATES[selector & 3]!;
    const signals = (selector & 3) === 1 || (selector & 3) === 2;
    for (let n = 0; n < count; n++) {
      const order = (double ? compareDouble : compareSingle)(n, signals);
      const mask = holds(order) === selector < 4 ? -1 : 0;
      if (double) r.i32.fill(mask, n * 2, n * 2 + 2);
      else r.i32[n] = mask;
    }
    environment.settle(core);
    r.give(core, insn.reg);
  };

const toFlags =
  (fetch: Fetch, comparison: Comparison, signals: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    a.take(core, xmmAt(insn.reg));
    environment.begin(core);
    const order = comparison(0, signals);
    environment.settle(core);
    const unordered = order === "unordered";
    const flags =
      (unordered || order === "equal" ? FLAG.ZF : 0) |
      (unordered ? FLAG.PF : 0) |
      (unordered || order === "less" ? FLAG.CF : 0);
    core.eflags = (core.eflags & ~STATUS_FLAGS) | flags;
  };

export const comparisonOperations: Record<string, Operation> = {
  cmpps: toMask(fetch16, 4, false),
  cmpss: toMask(fetch4, 1, false),
  cmppd: toMask(fetch16, 2, true),
  cmpsd_xmm: toMask(fetch8, 1, true),
  comiss: toFlags(fetch4, compareSingle, true),
  comisd: toFlags(fetch8, compareDouble, true),
  ucomiss: toFlags(fetch4, compareSingle, false),
  ucomisd: toFlags(fetch8, compareDouble, false),
};
