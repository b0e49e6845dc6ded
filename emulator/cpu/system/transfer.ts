/**
 * Far transfers: JMP, CALL and RET between segments, through call gates and to tasks, in every mode (SDM 2).
 *
 * Invariant: as everywhere here, registers change after the last check and the last push.
 * Elsewhere: IRET and INT (`return.ts`, `interrupt.ts`), SYSCALL and SYSENTER (`syscall.ts`).
 */
import type { Core } from "../core.ts";
import { VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { SEG } from "../layout.ts";
import { checkDirect, checkOffset, checkRealOffset, checkUsable, codeDescriptor, writeCode } from "./code.ts";
import {
  badSelector,
  isNull,
  markAccessed,
  requireDescriptor,
  selectorError,
  SYSTEM_TYPE,
  upperHalf,
} from "./descriptor.ts";
import type { Descriptor } from "./descriptor.ts";
import { segmentOf } from "./interrupt.ts";
import { gp, inLongMode, inProtectedMode, operandBytes, operandOffset } from "./operand.ts";
import {
  checkStack,
  dropPrivilegedSegments,
  loadRealSegment,
  writeDescriptor,
  writeNullStack,
} from "./segment.ts";
import { byLevel, Stack } from "./stack.ts";
import { switchTask, taskDescriptor } from "./task.ts";
import { innerStack, stackPointer64 } from "./tss.ts";

type Size = 2 | 4 | 8;

/** Real and virtual-8086 mode: any selector, and the offset within CS's limit. */
function realTransfer(core: Core, selector: number, offset: bigint): void {
  checkRealOffset(core, offset);
  loadRealSegment(core, SEG.cs, selector);
  core.rip = offset;
  core.updateMode();
}

function jumpFar(core: Core, selector: number, offset: bigint): void {
  if (!inProtectedMode(core)) {
    realTransfer(core, selector, offset);
    return;
  }
  const target = targetDescriptor(core, selector);
  if (!target.isCode) {
    throughSystemDescriptor(core, target, "jump");
    return;
  }
  checkDirect(core, target);
  enter(core, target, offset, core.cpl);
}

/** Last step of a transfer that changes no stack: all checks are done but that of the offset. */
function enter(core: Core, code: Descriptor, offset: bigint, cpl: number): void {
  const rip = checkOffset(core, code, offset);
  markAccessed(core, code);
  writeCode(core, code, cpl);
  core.rip = rip;
  core.updateMode();
}

function targetDescriptor(core: Core, selector: number): Descriptor {
  if (isNull(selector)) throw gp("a far transfer to a null selector");
  return requireDescriptor(core, selector, VECTOR.GP, 0, "far transfer");
}

function callFar(core: Core, selector: number, offset: bigint, size: Size): void {
  if (!inProtectedMode(core)) {
    const stack = Stack.current(core);
    pushReturn(core, stack, size);
    checkRealOffset(core, offset);
    stack.commit();
    realTransfer(core, selector, offset);
    return;
  }
  const target = targetDescriptor(core, selector);
  if (!target.isCode) {
    throughSystemDescriptor(core, target, "call");
    return;
  }
  checkDirect(core, target);
  const stack = Stack.current(core);
  pushReturn(core, stack, size);
  checkOffset(core, target, offset);
  markAccessed(core, target);
  stack.commit();
  enter(core, target, offset, core.cpl);
}

function pushReturn(core: Core, stack: Stack, size: Size): void {
  stack.push(size, BigInt(core.selector(SEG.cs)));
  stack.push(size, core.rip);
}

/** The selector names no code: a call gate, a task gate or a TSS (long mode has only 64-bit call gates). */
function throughSystemDescriptor(core: Core, target: Descriptor, how: "jump" | "call"): void {
  const { selector, type } = target;
  const long = inLongMode(core);
  const isGate =
    type === SYSTEM_TYPE.callGate32 ||
    (!long && (type === SYSTEM_TYPE.callGate16 || type === SYSTEM_TYPE.taskGate));
  const isTask = !long && (type === SYSTEM_TYPE.tss16 || type === SYSTEM_TYPE.tss32);
  if (target.isSegment || !(isGate || isTask))
    throw badSelector(VECTOR.GP, selector, 0, `a far ${how} to a descriptor of type ${type}`);
  if (target.dpl < core.cpl || target.dpl < target.rpl)
    throw badSelector(
      VECTOR.GP,
      selector,
      0,
      `DPL ${target.dpl} of the gate or TSS is below CPL ${core.cpl} or RPL ${target.rpl}`,
    );
  if (isTask) {
    switchTask(core, taskDescriptor(core, selector, how, 0), how);
    return;
  }
  if (!target.present) throw badSelector(VECTOR.NP, selector, 0, "gate not present");
  if (type === SYSTEM_TYPE.taskGate) switchTask(core, taskDescriptor(core, target.gateSelector, how, 0), how);
  else throughCallGate(core, target, how);
}

function throughCallGate(core: Core, gate: Descriptor, how: "jump" | "call"): void {
  const long = inLongMode(core);
  const wide = gate.type === SYSTEM_TYPE.callGate32;
  let offset = BigInt(wide ? gate.gateOffset : gate.gateOffset & 0xffff);
  if (long) {
    const upper = upperHalf(core, gate.selector);
    if (upper === null || (upper.reserved & 0x1f00) !== 0)
      throw badSelector(VECTOR.GP, gate.selector, 0, "the upper half of the 64-bit call gate is outside the table or has a type");
    offset |= BigInt(upper.base) << 32n;
  }
  const cpl = core.cpl;
  const code = codeDescriptor(core, gate.gateSelector, 0);
  const inner = how === "call" && !code.isConforming && code.dpl < cpl;
  if (code.dpl > cpl || (how === "jump" && !code.isConforming && code.dpl !== cpl))
    throw badSelector(VECTOR.GP, code.selector, 0, `DPL ${code.dpl} of the gate's code segment does not fit CPL ${cpl}`);
  if (long && (!code.isLong || code.isBig)) throw badSelector(VECTOR.GP, code.selector, 0, "the gate's code segment is not 64-bit");
  checkUsable(core, code, 0);
  const size = long ? 8 : wide ? 4 : 2;
  if (how === "jump") {
    enter(core, code, offset, cpl);
    return;
  }
  if (!inner) {
    const stack = long ? new Stack(core, null, core.rsp, byLevel(cpl)) : Stack.current(core);
    pushReturn(core, stack, size);
    checkOffset(core, code, offset);
    markAccessed(core, code);
    stack.commit();
    enter(core, code, offset, cpl);
    return;
  }
  const newCpl = code.dpl;
  const newStack = long ? null : innerStack(core, newCpl, 0);
  const old = Stack.current(core);
  const stack =
    newStack === null
      ? new Stack(core, null, stackPointer64(core, newCpl, false, 0), byLevel(newCpl))
      : new Stack(core, segmentOf(newStack.descriptor), newStack.pointer, byLevel(newCpl), selectorError(newStack.selector, 0));
  stack.push(size, BigInt(core.selector(SEG.ss)));
  stack.push(size, core.rsp);
  if (!long) for (let n = gate.gateCount - 1; n >= 0; n--) stack.push(size, old.peek(n * size, size));
  pushReturn(core, stack, size);
  const rip = checkOffset(core, code, offset);
  markAccessed(core, code);
  if (newStack === null) writeNullStack(core, newCpl, newCpl);
  else writeDescriptor(core, SEG.ss, newStack.selector, newStack.descriptor);
  stack.commit();
  writeCode(core, code, newCpl);
  core.rip = rip;
  core.updateMode();
} // oxfmt-ignore

/** RET far, releasing `bytes` of parameters. */
function returnFar(core: Core, size: Size, bytes: number): void {
  const stack = Stack.current(core);
  const offset = stack.pop(size);
  const selector = Number(stack.pop(size) & 0xffffn);
  stack.release(bytes);
  if (!inProtectedMode(core)) {
    checkRealOffset(core, offset);
    stack.commit();
    realTransfer(core, selector, offset);
    return;
  }
  const cpl = core.cpl;
  const code = returnDescriptor(core, selector);
  const rpl = selector & 3;
  if (rpl === cpl) {
    const rip = checkOffset(core, code, offset);
    markAccessed(core, code);
    stack.commit();
    writeCode(core, code, rpl);
    core.rip = rip;
    core.updateMode();
    return;
  }
  const pointer = stack.pop(size);
  const stackSelector = Number(stack.pop(size) & 0xffffn);
  returnToOuter(core, code, offset, stackSelector, pointer, bytes);
}

/** The code segment that RET and IRET go back to: of the level that its selector's RPL names, never an inner one. */
export function returnDescriptor(core: Core, selector: number): Descriptor {
  const code = codeDescriptor(core, selector, 0);
  const rpl = selector & 3;
  if (rpl < core.cpl)
    throw badSelector(VECTOR.GP, selector, 0, `a return from CPL ${core.cpl} to RPL ${rpl}`);
  if (code.isConforming ? code.dpl > rpl : code.dpl !== rpl)
    throw badSelector(VECTOR.GP, selector, 0, `CS: DPL ${code.dpl} does not fit RPL ${rpl}`);
  checkUsable(core, code, 0);
  return code;
}

/** Checks the stack of a return to privilege `cpl`; null for the null selector that 64-bit code below CPL 3 may have. */
export function returnStack(core: Core, code: Descriptor, selector: number, cpl: number): Descriptor | null {
  if (isNull(selector)) {
    if (!inLongMode(core) || !code.isLong || cpl === 3) throw gp("SS: a return to a null stack selector");
    return null;
  }
  return checkStack(core, selector, cpl, VECTOR.GP, VECTOR.SS, 0);
}

function returnToOuter(core: Core, code: Descriptor, offset: bigint, stackSelector: number, pointer: bigint, bytes: number): void {
  const cpl = code.selector & 3;
  const stackDescriptor = returnStack(core, code, stackSelector, cpl);
  const rip = checkOffset(core, code, offset);
  markAccessed(core, code);
  writeStack(core, stackDescriptor, stackSelector, cpl);
  writeCode(core, code, cpl);
  core.rip = rip;
  core.updateMode();
  setStackPointer(core, pointer, bytes);
  dropPrivilegedSegments(core, cpl);
  core.updateMode();
} // oxfmt-ignore

export function writeStack(core: Core, descriptor: Descriptor | null, selector: number, cpl: number): void {
  if (descriptor === null) writeNullStack(core, selector, cpl);
  else writeDescriptor(core, SEG.ss, selector, descriptor);
}

/** RSP after a return that popped it: as wide as the new stack, whatever width was popped. */
export function setStackPointer(core: Core, pointer: bigint, release = 0): void {
  const stack = Stack.current(core);
  stack.pointer = pointer;
  stack.release(release);
  stack.commit();
}

/** Offset and selector of a far pointer in memory: m16:16, m16:32, m16:64. */
export function farPointer(
  core: Core,
  insn: Instruction,
): { readonly selector: number; readonly offset: bigint } {
  const size = operandBytes(insn);
  const offset = core.readMemory(insn.segment, core.effective, size);
  const selector = Number(core.readMemory(insn.segment, operandOffset(core, insn, size), 2));
  return { selector, offset };
}

export const transferOperations = {
  jmp_far: (core, insn) => jumpFar(core, insn.immediate2, BigInt.asUintN(insn.operandSize, insn.immediate)),
  call_far: (core, insn) =>
    callFar(core, insn.immediate2, BigInt.asUintN(insn.operandSize, insn.immediate), operandBytes(insn)),
  jmp_far_m: (core, insn) => {
    const { selector, offset } = farPointer(core, insn);
    jumpFar(core, selector, offset);
  },
  call_far_m: (core, insn) => {
    const { selector, offset } = farPointer(core, insn);
    callFar(core, selector, offset, operandBytes(insn));
  },
  ret_far: (core, insn) => returnFar(core, operandBytes(insn), Number(insn.immediate) & 0xffff),
} satisfies Record<string, Operation>;
