/**
 * The x87 floating-point unit: every instruction of it as an `Operation`, and the map from escape opcodes to them.
 *
 * Values are 80 bits wide in every step and rounded as the control word says, so results are those of a processor, bit for bit. Of the pointers that
 * FNSTENV stores, the opcode is kept only from FLDENV and the like (SDM 1 §8.1.9.1), and the transcendental functions stop the machine by name.
 */
import { Halt } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { comparisonOperations } from "./comparison.ts";
import { computeOperations } from "./compute.ts";
import { controlOperations } from "./control.ts";
import { transferOperations } from "./transfer.ts";
import { begin } from "./unit.ts";

export { x87Name } from "./encoding.ts";

const TRANSCENDENTAL = ["f2xm1", "fyl2x", "fyl2xp1", "fptan", "fpatan", "fsin", "fcos", "fsincos"] as const;

const unimplemented =
  (name: string): Operation =>
  (core, insn) => {
    begin(core, insn);
    throw new Halt({
      kind: "unimplemented",
      name,
      rip: core.rip - BigInt(insn.length),
      bytes: new Uint8Array(0),
    });
  };

/**
 * All x87 instructions by the names that `x87Name` gives for D8h … DFh, and "fwait" (9Bh). Memory operands are at `core.effective` in
 * `insn.segment`, ST(i) is `insn.rm`. FXSAVE and XSAVE, which hold this unit's state too, are in `../sse/`.
 */
export const x87Operations: Record<string, Operation> = {
  ...transferOperations,
  ...computeOperations,
  ...comparisonOperations,
  ...controlOperations,
  ...Object.fromEntries(TRANSCENDENTAL.map((name) => [name, unimplemented(name)])),
};
