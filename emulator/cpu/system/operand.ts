/**
 * Operands of the instructions in this folder: a register, or memory at `core.effective` in the instruction's segment.
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction } from "../instruction.ts";
import { MODE } from "../layout.ts";
import { CR0 } from "../registers.ts";

const MASK = { 8: 0xffn, 16: 0xffffn, 32: 0xffffffffn, 64: 0xffffffffffffffffn } as const;
export type Width = keyof typeof MASK;

/** Bytes per operand of the instruction's operand size. */
export const operandBytes = (insn: Instruction): 2 | 4 | 8 => (insn.operandSize >>> 3) as 2 | 4 | 8;

export function readRegister(core: Core, n: number, width: Width): bigint {
  return core.gpr(n) & MASK[width];
}

/** Writes the low `width` bits; 32 bits clear the upper half, 16 keep the rest. */
export function writeRegister(core: Core, n: number, width: 16 | 32 | 64, value: bigint): void {
  if (width === 64) core.setGpr(n, BigInt.asUintN(64, value));
  else if (width === 32) core.setGpr32(n, Number(value & MASK[32]));
  else core.setGpr16(n, Number(value & MASK[16]));
}

/** The r/m operand, zero-extended. */
export function readRm(core: Core, insn: Instruction, width: Width = insn.operandSize): bigint {
  if (insn.rm >= 0) return readRegister(core, insn.rm, width);
  return core.readMemory(insn.segment, core.effective, width >>> 3);
}

/** A selector: 16 bits from a register or memory, whatever the operand size. */
export function readRm16(core: Core, insn: Instruction): number {
  if (insn.rm >= 0) return core.gpr16(insn.rm);
  return Number(core.readMemory(insn.segment, core.effective, 2));
}

export function writeRm(
  core: Core,
  insn: Instruction,
  value: bigint,
  width: 16 | 32 | 64 = insn.operandSize,
): void {
  if (insn.rm >= 0) writeRegister(core, insn.rm, width, value);
  else core.writeMemory(insn.segment, core.effective, width >>> 3, value & MASK[width]);
}

/** An offset in the memory operand, wrapped to the address size as the second half of m16:32 is. */
export function operandOffset(core: Core, insn: Instruction, add: number): bigint {
  return BigInt.asUintN(insn.addressSize, core.effective + BigInt(add));
}

export const gp = (why: string, errorCode = 0): Fault => new Fault(VECTOR.GP, errorCode, why);
export const ud = (why: string): Fault => new Fault(VECTOR.UD, null, why);

/** #GP(0) unless CPL is 0. In virtual-8086 mode CPL is 3; in real mode it is 0. */
export function requireCpl0(core: Core, name: string): void {
  if (core.cpl !== 0) throw gp(`${name} at CPL ${core.cpl}`);
}

export const inProtectedMode = (core: Core): boolean =>
  (core.mode & (MODE.protected | MODE.virtual8086)) === MODE.protected;
export const inVirtual8086 = (core: Core): boolean => (core.mode & MODE.virtual8086) !== 0;
export const inLongMode = (core: Core): boolean => (core.mode & MODE.long) !== 0;
export const in64BitMode = (core: Core): boolean => (core.mode & MODE.codeSize) === 2;
export const inRealMode = (core: Core): boolean => (core.cr0 & CR0.PE) === 0;

/** #UD in real and virtual-8086 mode, where an instruction is not recognized. */
export function requireProtected(core: Core, name: string): void {
  if (!inProtectedMode(core)) throw ud(`${name} is not recognized in real-address or virtual-8086 mode`);
}
