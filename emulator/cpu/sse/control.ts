/** LDMXCSR and STMXCSR (SDM 2A/2B). */
import { Fault, VECTOR } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { requireSse, sourceAddress } from "../vector/access.ts";
import { MXCSR_MASK } from "./environment.ts";

export const controlOperations: Record<string, Operation> = {
  ldmxcsr: (core, insn) => {
    requireSse(core);
    const value = core.view.getUint32(sourceAddress(core, insn, 4), true);
    if ((value & ~MXCSR_MASK) !== 0) throw new Fault(VECTOR.GP, 0, "LDMXCSR sets reserved bits of MXCSR");
    core.mxcsr = value;
  },
  stmxcsr: (core, insn) => {
    requireSse(core);
    core.writeMemory(insn.segment, core.effective, 4, BigInt(core.mxcsr));
  },
};
