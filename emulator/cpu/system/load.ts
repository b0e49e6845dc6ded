/**
 * Instructions that load segment registers: MOV, POP, LDS and its kin (SDM 2). Those that store them are emitted (`isa/control.ts`).
 */
import type { Core } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { SEG } from "../layout.ts";
import { SHADOW } from "../registers.ts";
import { operandBytes, readRm16, ud, writeRegister } from "./operand.ts";
import { loadSegment } from "./segment.ts";
import { Stack } from "./stack.ts";
import { farPointer } from "./transfer.ts";

/** After a load of SS, interrupts and debug traps wait for one instruction. */
function shadowStackLoad(core: Core, n: number): void {
  if (n === SEG.ss) core.shadow |= SHADOW.interrupts | SHADOW.debugTraps;
}

const movSreg: Operation = (core, insn) => {
  if (insn.reg === SEG.cs || insn.reg > 5) throw ud("MOV to CS or to a segment register that does not exist");
  loadSegment(core, insn.reg, readRm16(core, insn));
  shadowStackLoad(core, insn.reg);
};

const popSreg: Operation = (core, insn) => {
  const stack = Stack.current(core);
  const selector = Number(stack.pop(operandBytes(insn)) & 0xffffn);
  loadSegment(core, insn.reg, selector);
  // A POP SS moves the pointer by the width of the old stack segment.
  stack.commit();
  shadowStackLoad(core, insn.reg);
};

function loadFar(segment: number): Operation {
  return (core: Core, insn: Instruction) => {
    if (insn.rm >= 0) throw ud("a far pointer must be in memory");
    const { selector, offset } = farPointer(core, insn);
    loadSegment(core, segment, selector);
    writeRegister(core, insn.reg, insn.operandSize, offset);
  };
}

export const loadOperations = {
  mov_sreg: movSreg,
  pop_sreg: popSreg,
  lds: loadFar(SEG.ds),
  les: loadFar(SEG.es),
  lss: loadFar(SEG.ss),
  lfs: loadFar(SEG.fs),
  lgs: loadFar(SEG.gs),
} satisfies Record<string, Operation>;
