/**
 * What is known of instructions, for completion, signatures, rules and hovers: their forms, which of them a statement means, whether it exists in a mode.
 *
 * Invariant: facts are the disassembler's tables'; a word that is no mnemonic gives nothing. A "no" is certain, everything that is not is "unknown".
 * Elsewhere: forms (`form.ts`), spellings (`spelling.ts`), operands (`operand.ts`), bytes (`encoding.ts`), sentences (`meaning.ts`).
 */
import type { Line, Operand, Statement, SyntaxFile } from "../syntax.ts";
import { encode, flagsOf, type Encoded } from "./encoding.ts";
import { featuresOf, mnemonics, type FlagUse, type Form, type Width } from "./form.ts";
import { givenOperands, matching, registerClass, type Evaluate, type Given } from "./operand.ts";
import { ownNames, spelled, type Dialect } from "./spelling.ts";

export { featuresOf, type FlagUse, type Form, type FormOperand, type Width } from "./form.ts";
export { flagsOf } from "./encoding.ts";
export type { Evaluate } from "./operand.ts";
export type { Dialect } from "./spelling.ts";

export interface Instruction {
  /** As it was asked for, in lower case. */
  readonly name: string;
  /** Forms in Intel's notation and order of operands, whatever the dialect is. */
  readonly forms: readonly Form[];
  /** Widths of code in which at least one form exists. */
  readonly modes: readonly Width[];
}

const known = new Map<string, Instruction | null>();

export function dialectOf(file: SyntaxFile, line: Line): Dialect {
  return file.language === "nasm" ? "nasm" : line.before.dialect;
}

/** undefined: not a mnemonic of this dialect (it may be a macro). */
export function instruction(mnemonic: string, dialect: Dialect): Instruction | undefined {
  const name = mnemonic.toLowerCase();
  const key = `${dialect} ${name}`;
  const found = known.get(key);
  if (found !== undefined) {
    return found ?? undefined;
  }
  const forms = spelled(name, dialect);
  const made = forms.length === 0 ? null : { name, forms, modes: modesOf(forms) };
  known.set(key, made);
  return made ?? undefined;
}

function modesOf(forms: readonly Form[]): readonly Width[] {
  return ([16, 32, 64] as const).filter((bits) => forms.some((form) => form.modes.includes(bits)));
}

const lists = new Map<string, readonly Instruction[]>();

/** Every instruction that exists in the mode, by all names the dialect has for it; AT&T's suffixes are spelled out for instructions that take several. */
export function instructions(bits: Width, dialect: Dialect): readonly Instruction[] {
  const key = `${bits} ${dialect}`;
  const made = lists.get(key);
  if (made) {
    return made;
  }
  const names = new Set<string>([...mnemonics(), ...ownNames(dialect)]);
  if (dialect === "att") {
    for (const name of [...names]) {
      addSuffixed(names, name);
    }
  }
  const list = [...names]
    .toSorted()
    .map((name) => instruction(name, dialect))
    .filter((found): found is Instruction => found?.modes.includes(bits) ?? false);
  lists.set(key, list);
  return list;
}

function addSuffixed(names: Set<string>, name: string): void {
  const sizes = new Set(instruction(name, "att")?.forms.filter(({ isVector }) => !isVector).map(({ size }) => size));
  if (sizes.size < 2) {
    return;
  }
  for (const [suffix, size] of [["b", 8], ["w", 16], ["l", 32], ["q", 64]] as const) {
    if (sizes.has(size)) {
      names.add(name + suffix);
    }
  }
}

export type InstructionStatement = Extract<Statement, { kind: "instruction" }>;

export type Encodability =
  /** The forms that fit its operands and exist in the mode. */
  | { readonly kind: "yes"; readonly forms: readonly Form[] }
  /** `reason` is a sentence; `modes` are those in which it would exist. */
  | { readonly kind: "no"; readonly reason: string; readonly modes: readonly Width[] }
  | { readonly kind: "unknown" };

const nothingKnown: Evaluate = () => undefined;
const unknown: Encodability = { kind: "unknown" };

/** Whether a statement can be encoded in code of this width. */
export function encodings(
  statement: InstructionStatement,
  bits: Width,
  dialect: Dialect,
  evaluate: Evaluate = nothingKnown,
): Encodability {
  const found = instruction(statement.mnemonic.text, dialect);
  if (!found) {
    return unknown;
  }
  if (!found.modes.includes(bits)) {
    const reason = `\`${found.name}\` ${existsIn(found.modes)}.`;
    return { kind: "no", reason, modes: found.modes };
  }
  const wrong = unusable(statement.operands, bits, dialect);
  if (wrong !== undefined) {
    return wrong;
  }
  const written = givenOperands(found.name, statement.operands, dialect, evaluate);
  const forms = matching(found.forms, written);
  const here = forms.filter((form) => form.modes.includes(bits));
  if (here.length > 0) {
    return { kind: "yes", forms: here };
  }
  const [only] = forms;
  if (!only || hasDoubt(statement, written)) {
    return unknown;
  }
  const texts = [...new Set(forms.map(({ text }) => text))];
  const modes = modesOf(forms);
  return { kind: "no", reason: `\`${texts[0] ?? ""}\` ${existsIn(modes)}.`, modes };
}

/** What could be something else: parameters of macros, and prefixes that change sizes. */
function hasDoubt({ prefixes }: InstructionStatement, written: readonly Given[]): boolean {
  return written.some(({ kind }) => kind === "any") || prefixes.some(({ text }) => /^(?:data|addr|[oa])\d|^rex/i.test(text));
}

function existsIn(modes: readonly Width[]): string {
  return modes.length === 1
    ? `exists in ${modes[0]}-bit code only`
    : `exists only in ${modes.slice(0, -1).join("-, ")}- and ${modes.at(-1)}-bit code`;
}

/** A register or an address that the mode has not. */
function unusable(operands: readonly Operand[], bits: Width, dialect: Dialect): Encodability | undefined {
  for (const operand of operands) {
    for (const { text } of operand.registers) {
      // Without "%" the name is a symbol where there is no such register.
      const isSure = dialect !== "intel" || operand.text.includes("%");
      if (bits !== 64 && isSure && isLongOnly(text)) {
        const name = dialect === "att" ? `%${text}` : text;
        return { kind: "no", reason: `\`${name}\` exists in 64-bit code only.`, modes: [64] };
      }
      if (bits === 64 && operand.kind === "memory" && isShortAddress(text, operand)) {
        const reason = `\`${operand.text}\`: there are no 16-bit addresses in 64-bit code.`;
        return { kind: "no", reason, modes: [16, 32] };
      }
    }
  }
  return undefined;
}

function isLongOnly(name: string): boolean {
  return (
    registerClass(name) === "r64" ||
    /^(?:r(?:8|9|1[0-5])[bdwl]|(?:si|di|bp|sp)l|[xyz]mm(?:[89]|[123]\d)|cr(?:8|9|1\d)|rip)$/.test(name)
  );
}

function isShortAddress(name: string, operand: Operand): boolean {
  return registerClass(name) === "r16" && !/^\(\s*%dx\s*\)$/.test(operand.text);
}

export interface Selection {
  /** The form, where the operands tell which. */
  readonly form: Form;
  /** Its bytes and its very effect on flags, where all of it is written out. */
  readonly encoded: Encoded | undefined;
}

/** The form that an assembler would choose; undefined where the operands leave it open. */
export function select(
  statement: InstructionStatement,
  bits: Width,
  dialect: Dialect,
  evaluate: Evaluate = nothingKnown,
): Selection | undefined {
  const found = encodings(statement, bits, dialect, evaluate);
  if (found.kind !== "yes") {
    return undefined;
  }
  const written = givenOperands(statement.mnemonic.text.toLowerCase(), statement.operands, dialect, evaluate);
  const forms = ofOneSize(found.forms, statement, written, bits, dialect);
  if (!forms || written.some(({ kind }) => kind === "any")) {
    return undefined;
  }
  const encoded = statement.prefixes.length === 0 ? encode(forms, written, bits, evaluate) : undefined;
  const form = encoded?.form ?? forms.find((one) => !one.operands.some(({ kind }) => /sex|^br.*_1$|^mem_offs/.test(kind))) ?? forms[0];
  return form && { form, encoded };
}

/** Forms of several sizes, and nothing written that tells which: the mode's, for those it decides; else undefined. */
function ofOneSize(
  forms: readonly Form[],
  { mnemonic, prefixes }: InstructionStatement,
  written: readonly Given[],
  bits: Width,
  dialect: Dialect,
): readonly Form[] | undefined {
  if (dialect === "nasm" && mnemonic.text.toLowerCase() === "mov") {
    const [target, source] = written;
    const value = source?.kind === "immediate" ? source.value : undefined;
    // NASM writes `mov rax, 1` as `mov eax, 1`, which does the same in fewer bytes.
    if (target?.kind === "register" && target.class === "r64" && value !== undefined && value >= 0n && value < 1n << 32n) {
      return undefined;
    }
  }
  const sizes = new Set(forms.map(({ size }) => size));
  if (sizes.size <= 1) {
    return forms;
  }
  if (forms.every(({ isModeSized, operands }) => isModeSized || operands.length === 0)) {
    const override = prefixes.find(({ text }) => /^(?:data|o)\d/i.test(text));
    const size = override ? Number(/\d+/.exec(override.text)?.[0]) : modeSize(forms, bits);
    const own = forms.filter((form) => form.size === size);
    return own.length > 0 ? own : undefined;
  }
  const memories = new Set(
    forms.map((form) => form.operands.map(({ kind, memoryBits }) => memoryBits ?? kind).join()),
  );
  const isTold = !written.some(({ kind }) => kind === "memory") || memories.size === 1;
  return isTold ? forms : undefined;
}

/** In 64-bit code what goes or uses the stack near is 64 bits wide; far returns are 32 without REX.W. */
function modeSize(forms: readonly Form[], bits: Width): number {
  const isFarReturn = forms.some(({ mnemonic }) => /^(?:retf|iretd?|sysret|sysexit)$/.test(mnemonic));
  const isFarMemory = forms.some(({ operands }) => operands[0]?.text.startsWith("m16:"));
  return bits === 64 && (isFarReturn || isFarMemory) ? 32 : bits;
}

/** Its flags: those of the statement where they are known, else of the form. */
export function flagsIn({ form, encoded }: Selection): FlagUse {
  return encoded?.flags ?? flagsOf(form);
}

/** Names of the CPUID features that every form needs. */
export function featuresOfAll(forms: readonly Form[]): readonly string[] {
  const [first, ...others] = forms.map(featuresOf);
  return first?.filter((name) => others.every((list) => list.includes(name))) ?? [];
}
