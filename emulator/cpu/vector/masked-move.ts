/** MASKMOVQ and MASKMOVDQU (SDM 2B): the bytes of a register that a mask selects go to DS:rDI, or the segment of a prefix. */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { requireMmx, requireSse, enterMmx } from "./access.ts";

const RDI = 7;
const SELECTED = 0x80;

function store(core: Core, insn: Instruction, bytes: Uint8Array, mask: Uint8Array): void {
  const at = (distance: number): bigint => BigInt.asUintN(insn.addressSize, core.gpr(RDI) + BigInt(distance));
  const selected = [...mask.keys()].filter((i) => (mask[i]! & SELECTED) !== 0);
  // All of it must be writable, whatever the mask; the upper quadword is looked at first, as on processors.
  for (let quad = bytes.length - 8; quad >= 0; quad -= 8) {
    const linear = core.linearOf(insn.segment, at(quad), 8, 1);
    if (core.alignmentChecked && linear % 8n !== 0n)
      throw new Fault(VECTOR.AC, 0, "a masked move at CPL 3 is not aligned to 8 bytes");
    core.probeMemory(insn.segment, at(quad), 8, true);
  }
  for (const i of selected) core.writeMemory(insn.segment, at(i), 1, BigInt(bytes[i]!));
}

export const maskedMoveOperations: Record<string, Operation> = {
  maskmovq: (core, insn) => {
    requireMmx(core, insn);
    // Also if the store faults, as on processors.
    enterMmx(core);
    store(core, insn, core.fpuRegister(insn.reg).slice(0, 8), core.fpuRegister(insn.rm).slice(0, 8));
  },
  maskmovdqu: (core, insn) => {
    requireSse(core);
    store(core, insn, core.xmm(insn.reg).slice(), core.xmm(insn.rm).slice());
  },
};
