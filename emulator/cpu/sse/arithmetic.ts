/**
 * SSE arithmetic as operations (SDM 2A/2B: ADD SUB MUL DIV MIN MAX SQRT in their PS, SS, PD and SD forms, ADDSUB, HADD, HSUB, DPPS, DPPD).
 *
 * Invariant: every lane is computed before the exceptions of all are settled, and only then does the destination change.
 */
import type { Operation } from "../instruction.ts";
import { requireSse } from "../vector/access.ts";
import {
  addDouble,
  divideDouble,
  maximumDouble,
  minimumDouble,
  multiplyDouble,
  squareRootDouble,
  subtractDouble,
} from "./double.ts";
import { Environment } from "./environment.ts";
import { a, b, type Lanes, r, xmmAt } from "./lanes.ts";
import { type Fetch, fetch16, fetch4, fetch8 } from "./operand.ts";
import {
  addSingle,
  divideSingle,
  type Lane,
  maximumSingle,
  minimumSingle,
  multiplySingle,
  squareRootSingle,
  subtractSingle,
} from "./single.ts";

const environment = new Environment();

/** r = a op b in the first `count` lanes; the others keep the destination's bytes. `arrange` moves operands to where lanes expect them. */
const lanes =
  (fetch: Fetch, count: number, lane: (lane: number) => Lane, arrange?: () => void): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch(core, insn);
    a.take(core, xmmAt(insn.reg));
    arrange?.();
    r.copy(a);
    environment.begin(core);
    for (let n = 0; n < count; n++) lane(n)(environment, n);
    environment.settle(core);
    r.give(core, insn.reg);
  };

const ARITHMETIC: Record<string, { readonly single: Lane; readonly double: Lane }> = {
  add: { single: addSingle, double: addDouble },
  sub: { single: subtractSingle, double: subtractDouble },
  mul: { single: multiplySingle, double: multiplyDouble },
  div: { single: divideSingle, double: divideDouble },
  min: { single: minimumSingle, double: minimumDouble },
  max: { single: maximumSingle, double: maximumDouble },
  sqrt: { single: squareRootSingle, double: squareRootDouble },
};

/** Horizontal forms: pairs of neighbours become the two operands, a's first. */
function pairSingles(): void {
  const [a0, a1, a2, a3] = a.u32 as unknown as readonly [number, number, number, number];
  const [b0, b1, b2, b3] = b.u32 as unknown as readonly [number, number, number, number];
  a.u32.set([a0, a2, b0, b2]);
  b.u32.set([a1, a3, b1, b3]);
}
function pairDoubles(): void {
  const high = a.u64[1]!;
  a.u64[1] = b.u64[0]!;
  b.u64[0] = high;
}

/** Words of r, those exchanged that lie `distance` (1 or 2) apart. */
function exchange(to: Lanes, distance: number): void {
  for (let n = 0; n < 4; n++) to.u32[n] = r.u32[n ^ distance]!;
}

/** DPPS and DPPD: selected products, added in pairs, broadcast to selected lanes; the other products and lanes are +0. */
const dotProduct =
  (double: boolean): Operation =>
  (core, insn) => {
    requireSse(core);
    fetch16(core, insn);
    a.take(core, xmmAt(insn.reg));
    environment.begin(core);
    const count = double ? 2 : 4;
    const selection = Number(insn.immediate);
    const [multiply, add] = double ? [multiplyDouble, addDouble] : [multiplySingle, addSingle];
    r.u64.fill(0n);
    for (let n = 0; n < count; n++) if (((selection >> (4 + n)) & 1) !== 0) multiply(environment, n);
    // An unmasked exception of the products ends the instruction before anything is added.
    environment.settle(core);
    // Every lane adds its neighbour's product, then the sum of the other pair. Which of several NaNs is the first operand is not in the manual: this is
    // how Intel's processors choose.
    for (let distance = 1; distance < count; distance *= 2) {
      b.copy(r);
      a.copy(r);
      exchange(!double && distance === 1 ? a : b, double ? 2 : distance);
      for (let n = 0; n < count; n++) add(environment, n);
      environment.settle(core);
    }
    for (let n = 0; n < count; n++) {
      if (((selection >> n) & 1) !== 0) continue;
      if (double) r.u64[n] = 0n;
      else r.u32[n] = 0;
    }
    r.give(core, insn.reg);
  };

const entries: [string, Operation][] = [
  ["addsubps", lanes(fetch16, 4, (n) => (n % 2 === 0 ? subtractSingle : addSingle))],
  ["addsubpd", lanes(fetch16, 2, (n) => (n === 0 ? subtractDouble : addDouble))],
  ["haddps", lanes(fetch16, 4, () => addSingle, pairSingles)],
  ["haddpd", lanes(fetch16, 2, () => addDouble, pairDoubles)],
  ["hsubps", lanes(fetch16, 4, () => subtractSingle, pairSingles)],
  ["hsubpd", lanes(fetch16, 2, () => subtractDouble, pairDoubles)],
  ["dpps", dotProduct(false)],
  ["dppd", dotProduct(true)],
];
for (const [name, { single, double }] of Object.entries(ARITHMETIC)) {
  entries.push([`${name}ps`, lanes(fetch16, 4, () => single)]);
  entries.push([`${name}ss`, lanes(fetch4, 1, () => single)]);
  entries.push([`${name}pd`, lanes(fetch16, 2, () => double)]);
  entries.push([`${name}sd`, lanes(fetch8, 1, () => double)]);
}

export const arithmeticOperations: Record<string, Operation> = Object.fromEntries(entries);
