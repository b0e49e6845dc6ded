/**
 * SSE floating point, SSE to SSE4.2: every instruction that computes with MXCSR, as an `Operation`; and FXSAVE, XSAVE and their kin.
 *
 * Results and flags are those of a processor, bit for bit, with all masks and rounding modes. Elsewhere: emitted code for ordinary numbers, which leaves
 * the rest to these (`isa/sse-arithmetic.ts`, `isa/sse-conversion.ts`); moves, logic, shuffles and integers (`isa/`, `../vector/`).
 */
import type { Operation } from "../instruction.ts";
import { approximationOperations } from "./approximation.ts";
import { arithmeticOperations } from "./arithmetic.ts";
import { comparisonOperations } from "./comparison.ts";
import { controlOperations } from "./control.ts";
import { conversionOperations } from "./conversion.ts";
import { fxsaveOperations } from "./fxsave.ts";
import { integralOperations } from "./integral.ts";
import { xsaveOperations } from "./xsave.ts";

export { inUse } from "./xsave.ts";

export const sseOperations: Record<string, Operation> = {
  ...approximationOperations,
  ...arithmeticOperations,
  ...comparisonOperations,
  ...controlOperations,
  ...conversionOperations,
  ...fxsaveOperations,
  ...integralOperations,
  ...xsaveOperations,
};
