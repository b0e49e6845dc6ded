/**
 * SSE floating point (SDM 2A/2B): what always needs TypeScript (`cpu/sse/`), and MXCSR. Arithmetic, comparisons and conversions, whose ordinary cases are emitted, are in
 * `sse-arithmetic.ts` and `sse-conversion.ts`.
 */
import { CR0, CR4 } from "../cpu/registers.ts";
import { STATE } from "../cpu/layout.ts";
import { i32, type Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, operation, type Family } from "./family.ts";
import { sseArithmetic } from "./sse-arithmetic.ts";
import { sseConversion } from "./sse-conversion.ts";

/** SSE may not be used: what forms with vector operands are checked for before their meaning begins. */
function isOff(v: Vocabulary): Node {
  const task = v.and(v.stateWord(STATE.cr0), i32(CR0.EM | CR0.TS));
  const system = v.isZero(v.and(v.stateWord(STATE.cr4), i32(CR4.OSFXSR)));
  return v.or(task, system);
}

export const sseFloat: readonly Family[] = [
  ...sseArithmetic,
  ...sseConversion,
  operation("rsqrtps", ["np 0f 52 /r : xmm1, xmm2/m128"]),
  operation("rsqrtss", ["f3 0f 52 /r : xmm1, xmm2/m32"]),
  operation("rcpps", ["np 0f 53 /r : xmm1, xmm2/m128"]),
  operation("rcpss", ["f3 0f 53 /r : xmm1, xmm2/m32"]),
  operation("dpps", ["66 0f 3a 40 /r : xmm1, xmm2/m128, ib"]),
  operation("dppd", ["66 0f 3a 41 /r : xmm1, xmm2/m128, ib"]),
  // State
  family(
    "ldmxcsr",
    "r",
    (v) => {
      v.escape(isOff(v));
      const value = v.let(v.read(0, 32));
      v.escape(v.shr(value, i32(16)));
      v.setStateWord(STATE.mxcsr, value);
    },
    ["np 0f ae /2 : m32"],
    { escapes: true },
  ),
  family(
    "stmxcsr",
    "w",
    (v) => {
      v.escape(isOff(v));
      v.write(0, v.stateWord(STATE.mxcsr), 32);
    },
    ["np 0f ae /3 : m32"],
    { escapes: true },
  ),
  operation("xsave", ["np 0f ae /4 : m"]),
  operation("xrstor", ["np 0f ae /5 : m"]),
  operation("xsaveopt", ["np 0f ae /6 : m"]),
  operation("xrstors", ["np 0f c7 /3 : m"]),
  operation("xsavec", ["np 0f c7 /4 : m"]),
  operation("xsaves", ["np 0f c7 /5 : m"]),
];
