/**
 * Instructions of both notations in one form: Intel's name, the destination first.
 *
 * Invariant: only what rules look at is brought into that form; other mnemonics keep their spelling, with AT&T's suffix.
 */
import type { Bits, InstructionStatement, Line, Operand } from "../syntax.ts";

export interface Instruction {
  readonly name: string;
  readonly operands: readonly Operand[];
  /** By AT&T's suffix or a register among the operands or a size word; undefined where nothing says so. */
  readonly width: 8 | 16 | 32 | 64 | undefined;
}

const suffixed =
  /^(mov|or|and|xor|add|sub|push|pop|lea|bts|btr|inc|dec|ret|jmp|call|pushf|popf|pusha|popa|leave|lret|ljmp|lcall|lmsw|enter)([bwlq])$/;

const suffixes = { b: 8, w: 16, l: 32, q: 64 } as const;

export function instructionOf(statement: InstructionStatement, { before }: Line): Instruction {
  const isAtt = before.dialect === "att";
  const spelling = statement.mnemonic.text.toLowerCase();
  const match = isAtt ? suffixed.exec(spelling) : null;
  const suffix = match?.[2] as keyof typeof suffixes | undefined;
  const name = spelling === "movabs" || spelling === "movabsq" ? "mov" : (match?.[1] ?? spelling);
  const operands = isAtt ? statement.operands.toReversed() : statement.operands;
  return { name, operands, width: suffix === undefined ? widthOf(operands) : suffixes[suffix] };
}

function widthOf(operands: readonly Operand[]): Instruction["width"] {
  for (const operand of operands) {
    const register = operand.kind === "register" ? registerOf(operand) : undefined;
    if (register) {
      return register.width;
    }
    if (
      operand.sizeBits === 8 ||
      operand.sizeBits === 16 ||
      operand.sizeBits === 32 ||
      operand.sizeBits === 64
    ) {
      return operand.sizeBits;
    }
  }
  return undefined;
}

/** A general register: which of the sixteen, and which part of it. */
export interface Register {
  /** "a", "c", "sp", "r8" … */
  readonly family: string;
  readonly width: 8 | 16 | 32 | 64;
  /** AH, CH, DH, BH. */
  readonly isHigh: boolean;
}

const registers: ReadonlyMap<string, Register> = new Map([
  ...["a", "b", "c", "d"].flatMap((family) => [
    entry(`${family}l`, family, 8),
    entry(`${family}h`, family, 8, true),
    ...wide(`${family}x`, family),
  ]),
  ...["si", "di", "bp", "sp"].flatMap((family) => [entry(`${family}l`, family, 8), ...wide(family, family)]),
  ...["8", "9", "10", "11", "12", "13", "14", "15"].flatMap((number) => [
    entry(`r${number}`, `r${number}`, 64),
    entry(`r${number}d`, `r${number}`, 32),
    entry(`r${number}w`, `r${number}`, 16),
    entry(`r${number}b`, `r${number}`, 8),
    entry(`r${number}l`, `r${number}`, 8),
  ]),
]);

function wide(name: string, family: string): readonly (readonly [string, Register])[] {
  return [entry(name, family, 16), entry(`e${name}`, family, 32), entry(`r${name}`, family, 64)];
}

function entry(
  name: string,
  family: string,
  width: Register["width"],
  isHigh = false,
): readonly [string, Register] {
  return [name, { family, width, isHigh }];
}

/** undefined: not one of the sixteen. */
export function registerOf(operand: Operand): Register | undefined {
  return operand.kind === "register" ? registers.get(operand.registers[0]?.text ?? "") : undefined;
}

export function registerNamed(name: string): Register | undefined {
  return registers.get(name);
}

/** CR0, CR3 …: the operand's name. */
export function controlOf(operand: Operand | undefined): string | undefined {
  const name = operand?.kind === "register" ? operand.registers[0]?.text : undefined;
  return name !== undefined && /^cr\d+$/.test(name) ? name : undefined;
}

/** The expression of an immediate, without AT&T's "$". */
export function immediateText(operand: Operand): string | undefined {
  return operand.kind === "immediate" ? operand.text.replace(/^\$(?!\$)/, "") : undefined;
}

/** How wide code is on a line; null where it changes on the line or nobody knows. */
export function bitsOf({ before, after }: Line): Bits {
  return before.bits === after.bits ? before.bits : null;
}

const leaving =
  /^(?:jmp|ljmp|jmpe|ret|retn|retf|lret|retfq|retfw|retfd|retq|lretq|iret|iret[wdlq]|hlt|ud[012]|ud2[ab]|sysret[lq]?|sysexit[lq]?|rsm|vmlaunch|vmresume|jmp[wlq]|ret[wlq]|lret[wl]|ljmp[wlq]|syscall|sysenter)$/;

/** What stands behind it is not reached from it. */
export function isLeaving(mnemonic: string): boolean {
  return leaving.test(mnemonic.toLowerCase());
}
