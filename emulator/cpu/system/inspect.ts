/**
 * Instructions that look at a descriptor without loading it: LAR, LSL, VERR, VERW; and ARPL and BOUND (SDM 2).
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

export const inspectOperations = {
  lar: look("LAR", LAR_TYPES, (descriptor) => descriptor.high & 0x00f0ff00),
  lsl: look("LSL", LSL_TYPES, (descriptor) => descriptor.limit),
  verr: verify("VERR", (descriptor) => descriptor.isReadable),
  verw: verify("VERW", (descriptor) => descriptor.isWritable),
  arpl,
  bound,
} satisfies Record<string, Operation>;
