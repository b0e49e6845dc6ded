/**
 * Instructions that look at a descriptor without loading it: LAR, LSL, VERR, VERW; and ARPL, BOUND, and ENTER with a nesting level (SDM 2).
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { findDescriptor, isNull, SYSTEM_TYPE } from "./descriptor.ts";
import type { Descriptor } from "./descriptor.ts";
import {
  inLongMode,
  operandBytes,
  operandOffset,
  readRm16,
  requireProtected,
  ud,
  writeRegister,
  writeRm,
} from "./operand.ts";
import { Stack } from "./stack.ts";

/** The descriptor of the r/m16 operand if a program of this privilege may see it. */
function visible(core: Core, selector: number): Descriptor | null {
  if (isNull(selector)) return null;
  const descriptor = findDescriptor(core, selector);
  if (descriptor === null) return null;
  const conforming = descriptor.isCode && descriptor.isConforming;
  if (!conforming && (descriptor.dpl < core.cpl || descriptor.dpl < descriptor.rpl)) return null;
  return descriptor;
}

const LSL_TYPES: ReadonlySet<number> = new Set([
  SYSTEM_TYPE.tss16, SYSTEM_TYPE.ldt, SYSTEM_TYPE.tss16Busy, SYSTEM_TYPE.tss32, SYSTEM_TYPE.tss32Busy,
]); // oxfmt-ignore
const LAR_TYPES: ReadonlySet<number> = new Set([
  ...LSL_TYPES,
  SYSTEM_TYPE.callGate16,
  SYSTEM_TYPE.taskGate,
  SYSTEM_TYPE.callGate32,
]);
const ONLY_LEGACY: ReadonlySet<number> = new Set([
  SYSTEM_TYPE.tss16,
  SYSTEM_TYPE.tss16Busy,
  SYSTEM_TYPE.callGate16,
  SYSTEM_TYPE.taskGate,
]);

function look(
  name: string,
  types: ReadonlySet<number>,
  value: (descriptor: Descriptor) => number,
): Operation {
  return (core, insn) => {
    requireProtected(core, name);
    const descriptor = visible(core, readRm16(core, insn));
    const valid =
      descriptor !== null &&
      (descriptor.isSegment ||
        (types.has(descriptor.type) && !(inLongMode(core) && ONLY_LEGACY.has(descriptor.type))));
    if (valid) writeRegister(core, insn.reg, insn.operandSize, BigInt(value(descriptor) >>> 0));
    core.setZero(valid);
  };
}

function verify(name: string, allowed: (descriptor: Descriptor) => boolean): Operation {
  return (core, insn) => {
    requireProtected(core, name);
    const descriptor = visible(core, readRm16(core, insn));
    core.setZero(descriptor !== null && descriptor.isSegment && allowed(descriptor));
  };
}

const arpl: Operation = (core, insn) => {
  requireProtected(core, "ARPL");
  const selector = readRm16(core, insn);
  const rpl = core.gpr16(insn.reg) & 3;
  const raises = (selector & 3) < rpl;
  if (raises) writeRm(core, insn, BigInt((selector & ~3) | rpl), 16);
  core.setZero(raises);
};

const bound: Operation = (core, insn) => {
  if (insn.rm >= 0) throw ud("BOUND needs a memory operand");
  const bytes = operandBytes(insn);
  const signed = (value: bigint): bigint => BigInt.asIntN(insn.operandSize, value);
  const index = signed(core.gpr(insn.reg));
  const lower = signed(core.readMemory(insn.segment, core.effective, bytes));
  const upper = signed(core.readMemory(insn.segment, operandOffset(core, insn, bytes), bytes));
  if (index < lower || index > upper)
    throw new Fault(VECTOR.BR, null, `BOUND: ${index} is outside ${lower} … ${upper}`);
};

/** ENTER with a level of 1 … 31: copies the frame pointers of the enclosing frames (SDM 1 6.6.1). */
const enterNested: Operation = (core, insn) => {
  const size = operandBytes(insn);
  const level = insn.immediate2 & 31;
  const stack = Stack.current(core);
  const enclosing = Stack.current(core);
  stack.push(size, core.gpr(5));
  const frame = stack.pointer;
  enclosing.pointer = core.gpr(5);
  for (let n = 1; n < level; n++) {
    enclosing.release(-size);
    stack.push(size, enclosing.peek(0, size));
  }
  if (level > 0) stack.push(size, frame);
  stack.release(-(Number(insn.immediate) & 0xffff));
  // The new top of the stack must be writable, although nothing is stored there.
  stack.probe(size);
  writeRegister(core, 5, insn.operandSize, frame);
  stack.commit();
};

export const inspectOperations = {
  lar: look("LAR", LAR_TYPES, (descriptor) => descriptor.high & 0x00f0ff00),
  lsl: look("LSL", LSL_TYPES, (descriptor) => descriptor.limit),
  verr: verify("VERR", (descriptor) => descriptor.isReadable),
  verw: verify("VERW", (descriptor) => descriptor.isWritable),
  arpl,
  bound,
  enter_nested: enterNested,
} satisfies Record<string, Operation>;
