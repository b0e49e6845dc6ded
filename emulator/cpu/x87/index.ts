/**
 * The x87 floating-point unit: every instruction of it as an `Operation`, and the map from escape opcodes to them.
 *
 * Values are 80 bits wide in every step and rounded as the control word says, so results are those of a processor, bit for bit. Of the pointers that
 * FNSTENV stores, the opcode is kept only from FLDENV and the like (SDM 1 §8.1.9.1). The transcendental functions are rounded
 * correctly, which is within the unit in the last place that processors promise.
 */
import type { Operation } from "../instruction.ts";
import { comparisonOperations } from "./comparison.ts";
import { computeOperations } from "./compute.ts";
import { controlOperations } from "./control.ts";
import { transferOperations } from "./transfer.ts";
import { transcendentalOperations } from "./transcendental.ts";

export { x87Name } from "./encoding.ts";

/**
 * All x87 instructions by the names that `x87Name` gives for D8h … DFh, and "fwait" (9Bh). Memory operands are at `core.effective` in
 * `insn.segment`, ST(i) is `insn.rm`. FXSAVE and XSAVE, which hold this unit's state too, are in `../sse/`.
 */
export const x87Operations: Record<string, Operation> = {
  ...transferOperations,
  ...computeOperations,
  ...comparisonOperations,
  ...controlOperations,
  ...transcendentalOperations,
};
