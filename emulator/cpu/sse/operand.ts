/** The second operand of SSE instructions, brought to where they compute (`lanes.ts`). Elsewhere: who may compute, and where operands are (`../vector/access.ts`). */
import type { Core } from "../core.ts";
import type { Instruction } from "../instruction.ts";
import { sourceAddress } from "../vector/access.ts";
import { b } from "./lanes.ts";

/** Loads the register, or as many bytes of memory as the instruction reads, into `b`. Throws Fault. */
export type Fetch = (core: Core, insn: Instruction) => void;

export const fetch16: Fetch = (core, insn) => b.take(core, sourceAddress(core, insn, 16));

export const fetch8: Fetch = (core, insn) => {
  const at = sourceAddress(core, insn, 8);
  b.u64[0] = core.view.getBigUint64(at, true);
};

export const fetch4: Fetch = (core, insn) => {
  const at = sourceAddress(core, insn, 4);
  b.u32[0] = core.view.getUint32(at, true);
};

/** An MMX register, or 8 bytes of memory. */
export const fetchMm: Fetch = (core, insn) => {
  const at = sourceAddress(core, insn, 8, { unit: "mm" });
  b.u64[0] = core.view.getBigUint64(at, true);
};
