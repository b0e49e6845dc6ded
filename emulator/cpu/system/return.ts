/**
 * IRET in every mode, and the software interrupts INT n, INT3, INTO, INT1 (SDM 2).
 *
 * Invariant: an IRET that faults has changed nothing (but it has unblocked NMIs, as hardware does).
 */
import type { Core } from "../core.ts";
import { WATCH } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { SEG, STATE } from "../layout.ts";
import { CR4, FLAG } from "../registers.ts";
import { checkOffset, checkRealOffset, outsideCode, writeCode } from "./code.ts";
import { markAccessed } from "./descriptor.ts";
import { interrupt, SoftwareTrap, throughVector } from "./interrupt.ts";
import { expressReturn } from "./express.ts";
import { gp, in64BitMode, inLongMode, inVirtual8086, operandBytes } from "./operand.ts";
import { redirected } from "./permission.ts";
import { dropPrivilegedSegments, loadRealSegment, VIRTUAL_8086_ATTRIBUTES } from "./segment.ts";
import { Stack } from "./stack.ts";
import { switchTask, taskDescriptor } from "./task.ts";
import { readLinear32 } from "./access.ts";
import { BY } from "./paging.ts";
import { returnDescriptor, returnStack, setStackPointer, writeStack } from "./transfer.ts";

type Size = 2 | 4 | 8;

const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT;

function iret(core: Core, size: Size): void {
  if (!core.awaitsReturn) return leave(core, size);
  const frame = core.rsp;
  leave(core, size);
  core.stackHook?.returned(core, frame);
}

function leave(core: Core, size: Size): void {
  core.setWord(STATE.nmiBlocked, 0);
  if (inVirtual8086(core)) returnInVirtual8086(core, size);
  else if ((core.cr0 & 1) === 0) returnInRealMode(core, size);
  else if (core.systemFlag(FLAG.NT)) returnFromTask(core);
  else returnProtected(core, size);
}

function popFrame(core: Core, size: Size): { stack: Stack; offset: bigint; selector: number; image: number } {
  const stack = Stack.current(core);
  const host = size === 8 ? stack.window(stack.pointer, 24, false) : 0;
  if (host !== 0) {
    stack.release(24);
    const view = core.view;
    return {
      stack,
      offset: view.getBigUint64(host, true),
      selector: view.getUint16(host + 8, true),
      image: view.getUint32(host + 16, true),
    };
  }
  const offset = stack.pop(size);
  const selector = Number(stack.pop(size) & 0xffffn);
  const image = Number(stack.pop(size) & 0xffffffffn);
  return { stack, offset, selector, image };
}

/** Takes the flags of `mask` from an image and keeps the others. */
export function replaceFlags(core: Core, image: number, mask: number): void {
  core.eflags = (core.eflags & ~mask) | (image & mask);
}

function returnInRealMode(core: Core, size: Size): void {
  const { stack, offset, selector, image } = popFrame(core, size);
  checkRealOffset(core, offset);
  stack.commit();
  loadRealSegment(core, SEG.cs, selector);
  core.rip = offset;
  const wide = FLAG.RF | FLAG.AC | FLAG.ID;
  replaceFlags(core, image, ARITHMETIC | FLAG.IF | FLAG.IOPL | (size === 2 ? 0 : wide));
  core.updateMode();
}

function returnInVirtual8086(core: Core, size: Size): void {
  const trusted = core.iopl === 3;
  if (!trusted && ((core.cr4 & CR4.VME) === 0 || size !== 2))
    throw gp("IRET in virtual-8086 mode with IOPL below 3");
  const { stack, offset, selector, image } = popFrame(core, size);
  if (!trusted && ((image & FLAG.TF) !== 0 || ((image & FLAG.IF) !== 0 && core.systemFlag(FLAG.VIP))))
    throw gp("IRET in virtual-8086 mode would set TF, or IF while VIP is set");
  checkRealOffset(core, offset);
  stack.commit();
  loadRealSegment(core, SEG.cs, selector);
  core.rip = offset;
  const wide = FLAG.RF | FLAG.AC | FLAG.ID;
  replaceFlags(core, image, ARITHMETIC | (trusted ? FLAG.IF : 0) | (size === 2 ? 0 : wide));
  if (!trusted) core.setSystemFlag(FLAG.VIF, (image & FLAG.IF) !== 0);
  core.updateMode();
}

/** NT is set: back to the task whose selector is in the link field of this one. */
function returnFromTask(core: Core): void {
  if (inLongMode(core)) throw gp("IRET with NT set in long mode");
  const link = readLinear32(core, core.segmentBase(SEG.tr), 2, BY.processor);
  switchTask(core, taskDescriptor(core, link, "iret", 0), "iret");
}

function returnProtected(core: Core, size: Size): void {
  const cpl = core.cpl;
  let mask = ARITHMETIC;
  if (size !== 2) mask |= FLAG.RF | FLAG.AC | FLAG.ID;
  if (cpl <= core.iopl) mask |= FLAG.IF;
  if (cpl === 0) mask |= FLAG.IOPL | (size === 2 ? 0 : FLAG.VIF | FLAG.VIP);
  if (size === 8 && expressReturn(core, replaceFlags, mask)) return;
  const { stack, offset, selector, image } = popFrame(core, size);
  if ((image & FLAG.VM) !== 0 && size === 4 && cpl === 0 && !inLongMode(core)) {
    enterVirtual8086(core, stack, offset, selector, image);
    return;
  }
  const code = returnDescriptor(core, selector);
  const rpl = selector & 3;
  // From 64-bit mode SS:RSP is always popped; elsewhere only on a change of level.
  const popsStack = in64BitMode(core) || rpl !== cpl;
  const pointer = popsStack ? stack.pop(size) : 0n;
  const stackSelector = popsStack ? Number(stack.pop(size) & 0xffffn) : 0;
  const stackDescriptor = popsStack ? returnStack(core, code, stackSelector, rpl) : null;
  const rip = checkOffset(core, code, offset);
  markAccessed(core, code);
  replaceFlags(core, image, mask);
  if (popsStack) writeStack(core, stackDescriptor, stackSelector, rpl);
  else stack.commit();
  writeCode(core, code, rpl);
  core.rip = rip;
  core.updateMode();
  if (popsStack) setStackPointer(core, pointer);
  if (rpl !== cpl) {
    dropPrivilegedSegments(core, rpl);
    core.updateMode();
  }
}

/** IRETD at CPL 0 with VM set in the image: nine doublewords, all segments in the 8086 form. */
function enterVirtual8086(core: Core, stack: Stack, offset: bigint, selector: number, image: number): void {
  const pointer = stack.pop(4);
  const selectors = [SEG.ss, SEG.es, SEG.ds, SEG.fs, SEG.gs].map((n) => ({ n, selector: Number(stack.pop(4) & 0xffffn) }));
  const rip = offset & 0xffffn;
  if (offset > 0xffffn) throw outsideCode(offset, 0xffff, 0);
  core.eflags = (image & 0x3f7fd5) | 2;
  for (const { n, selector: value } of [{ n: SEG.cs, selector }, ...selectors])
    core.writeSegment(n, value, BigInt(value << 4), 0xffff, VIRTUAL_8086_ATTRIBUTES);
  core.setGpr32(4, Number(pointer));
  core.rip = rip;
  core.updateMode();
} // oxfmt-ignore

/** INT n. In virtual-8086 mode IOPL and CR4.VME decide who handles it (SDM 3B table 20-2). */
function int(core: Core, vector: number): void {
  dispatch(core, vector);
  core.untraced = true;
}

function dispatch(core: Core, vector: number): void {
  if (inVirtual8086(core)) {
    if ((core.cr4 & CR4.VME) !== 0 && redirected(core, vector)) {
      throughVector(core, vector, 0n, 0x3ff, virtualImage(core));
      return;
    }
    if (core.iopl < 3) throw gp("INT n in virtual-8086 mode with IOPL below 3");
  }
  interrupt(core, vector, null, "software");
  if ((core.watched & WATCH.interrupt) !== 0) core.report({ kind: "interrupt", vector, software: true });
}

/** FLAGS as an 8086 program with IOPL below 3 sees them under VME: IF is VIF, IOPL is 3. */
export function virtualImage(core: Core): number {
  const flags = core.eflags;
  if (core.iopl === 3) return flags;
  return (flags & ~FLAG.IF) | FLAG.IOPL | ((flags & FLAG.VIF) !== 0 ? FLAG.IF : 0);
}

export const returnOperations = {
  iret: (core, insn) => iret(core, operandBytes(insn)),
  int: (core, insn) => int(core, Number(insn.immediate) & 0xff),
  int3: (_core, insn) => {
    throw new SoftwareTrap("int3", insn.length);
  },
  int1: (_core, insn) => {
    throw new SoftwareTrap("int1", insn.length);
  },
  into: (core, insn) => {
    if ((core.eflags & FLAG.OF) !== 0) throw new SoftwareTrap("into", insn.length);
  },
} satisfies Record<string, Operation>;
