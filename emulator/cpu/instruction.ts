/** A decoded instruction as call-outs see it. The decoder makes it; `system/` and `x87/` execute it. */
import type { SegmentNumber } from "./layout.ts";
import type { Core } from "./core.ts";

export interface Instruction {
  readonly mnemonic: string;
  /** Length in bytes, prefixes included. */
  readonly length: number;
  /** Effective operand size in bits after prefixes, and for instructions fixed at 64 in 64-bit mode (push, near branches …) 64. */
  readonly operandSize: 16 | 32 | 64;
  /** Effective address size in bits. */
  readonly addressSize: 16 | 32 | 64;
  /** ModRM.reg with REX.R; the digit of /digit forms. */
  readonly reg: number;
  /** ModRM.rm with REX.B when ModRM.mod is 3, else −1: the operand is in memory at `segment`:`Core.effective`. */
  readonly rm: number;
  /** Segment of the memory operand (override applied). */
  readonly segment: SegmentNumber;
  /** First immediate, sign- or zero-extended as the form says; for far pointers the offset. 0n if none. */
  readonly immediate: bigint;
  /** Second immediate: ENTER's nesting level, the selector of a far pointer. */
  readonly immediate2: number;
  /** F2/F3 prefix on an instruction where it means REP. */
  readonly rep: "" | "rep" | "repne";
  readonly lock: boolean;
  /** The REX prefix is present (byte registers 4 … 7 are spl … dil). */
  readonly rex: boolean;
}

/**
 * An instruction that is executed in TypeScript. Called with `core.rip` already past the instruction; a thrown Fault puts it back. Memory
 * operands: the offset in `insn.segment` is `core.effective` (masked to the address size, not yet checked).
 */
export type Operation = (core: Core, insn: Instruction) => void;
