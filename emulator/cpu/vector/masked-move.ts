/** MASKMOVQ and MASKMOVDQU (SDM 2B): the bytes of a register that a mask selects go to DS:rDI, or the segment of a prefix. */
import type { Core } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { requireMmx, requireSse, enterMmx } from "./access.ts";

const RDI = 7;
const SELECTED = 0x80;

function store(core: Core, insn: Instruction, bytes: Uint8Array, mask: Uint8Array): void {
  const offset = BigInt.asUintN(insn.addressSize, core.gpr(RDI));
  const selected = [...mask.keys()].filter((i) => (mask[i]! & SELECTED) !== 0);
  // Nothing is written unless all of it can be.
  core.probeMemory(insn.segment, offset, bytes.length, true);
  for (const i of selected) core.writeMemory(insn.segment, offset + BigInt(i), 1, BigInt(bytes[i]!));
}

export const maskedMoveOperations: Record<string, Operation> = {
  maskmovq: (core, insn) => {
    requireMmx(core, insn);
    store(core, insn, core.fpuRegister(insn.reg).slice(0, 8), core.fpuRegister(insn.rm).slice(0, 8));
    enterMmx(core);
  },
  maskmovdqu: (core, insn) => {
    requireSse(core);
    store(core, insn, core.xmm(insn.reg).slice(), core.xmm(insn.rm).slice());
  },
};
