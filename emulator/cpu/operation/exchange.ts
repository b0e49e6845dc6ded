/** What is left of CMPXCHG16B for TypeScript (SDM 2A), and cache-line flushes, which a machine without caches has nothing to do for. */
import { Fault, VECTOR } from "../event.ts";
import type { Operation } from "../instruction.ts";

export const exchangeOperations: Record<string, Operation> = {
  cmpxchg8b: () => {
    throw new Fault(VECTOR.UD, null, "CMPXCHG16B without CX16");
  },
  // CLFLUSH faults as a read of the byte would.
  clflush: (core, insn) => core.probeMemory(insn.segment, core.effective, 1, false),
};
