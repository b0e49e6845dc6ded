/**
 * What is known of instructions, for completion, signatures, rules and hovers: their forms, which of them a statement means, whether it exists in a mode.
 *
 * Invariant: facts are the disassembler's tables'; a word that is no mnemonic gives nothing. A "no" is certain, everything that is not is "unknown".
 * Elsewhere: forms (`form.ts`), spellings (`spelling.ts`), operands (`operand.ts`), bytes (`encoding.ts`), sentences (`meaning.ts`).
 */
import type { InstructionStatement, Line, Operand, SyntaxFile } from "../syntax.ts";
import { encode, flagsOf, type Encoded } from "./encoding.ts";
import { featuresOf, formsOf, mnemonics, type FlagUse, type Form, type Width } from "./form.ts";
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

/**
 * Every instruction that exists in the mode, by all names the dialect has for it that begin with `prefix`; AT&T's suffixes are spelled out for instructions
 * that take several. In the order of the alphabet. Without a prefix the first call takes some tenths of a second.
 */
export function instructions(bits: Width, dialect: Dialect, prefix = ""): readonly Instruction[] {
  const start = prefix.toLowerCase();
  const key = `${bits} ${dialect} ${start}`;
  const made = lists.get(key);
  if (made) {
    return made;
  }
  const names = new Set<string>();
  for (const name of [...mnemonics(), ...ownNames(dialect)]) {
    if (name.startsWith(start)) {
      names.add(name);
    }
    if (dialect === "att" && (name.startsWith(start) || start.startsWith(name))) {
      suffixedNames(name)
        .filter((longer) => longer.startsWith(start))
        .forEach((longer) => names.add(longer));
    }
  }
  const list = [...names]
    .toSorted()
    .map((name) => instruction(name, dialect))
    .filter((found): found is Instruction => found?.modes.includes(bits) ?? false);
  lists.set(key, list);
  return list;
}

/** AT&T's suffixes, of an instruction that has several sizes. */
export function suffixedNames(name: string): readonly string[] {
  const forms = instruction(name, "att")?.forms.filter(({ isVector }) => !isVector) ?? [];
  const sizes = new Set(forms.map(({ size }) => size));
  const suffixes = [
    ["b", 8],
    ["w", 16],
    ["l", 32],
    ["q", 64],
  ] as const;
  return sizes.size < 2
    ? []
    : suffixes.filter(([, size]) => sizes.has(size)).map(([suffix]) => name + suffix);
}

export type Encodability =
  /** The forms that fit its operands and exist in the mode. */
  | { readonly kind: "yes"; readonly forms: readonly Form[] }
  /** `reason` is a sentence; `modes` are those in which it would exist. */
  | {
      readonly kind: "no";
      readonly reason: string;
      readonly modes: readonly Width[];
      /** Those that fit, and exist in other modes only; none where a register or an address is what does not exist. */
      readonly forms: readonly Form[];
    }
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
    return { kind: "no", reason, modes: found.modes, forms: found.forms };
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
  // RDPID writes the whole register whichever width is named.
  if (!only || only.mnemonic === "rdpid" || hasDoubt(statement, written)) {
    return unknown;
  }
  const texts = [...new Set(forms.map(({ text }) => text))];
  const modes = modesOf(forms);
  return { kind: "no", reason: `\`${texts[0] ?? ""}\` ${existsIn(modes)}.`, modes, forms };
}

/** What could be something else: parameters of macros, and prefixes that change sizes. */
function hasDoubt({ prefixes }: InstructionStatement, written: readonly Given[]): boolean {
  return (
    written.some(({ kind }) => kind === "any") ||
    prefixes.some(({ text }) => /^(?:data|addr|[oa])\d|^rex/i.test(text))
  );
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
        return { kind: "no", reason: `\`${name}\` exists in 64-bit code only.`, modes: [64], forms: [] };
      }
      if (bits === 64 && operand.kind === "memory" && isShortAddress(text, operand)) {
        const reason = `\`${operand.text}\`: there are no 16-bit addresses in 64-bit code.`;
        return { kind: "no", reason, modes: [16, 32], forms: [] };
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
  const { mnemonic, operands, prefixes } = statement;
  const found = encodings(statement, bits, dialect, evaluate);
  const all = instruction(mnemonic.text, dialect)?.forms ?? [];
  const written = givenOperands(mnemonic.text.toLowerCase(), operands, dialect, evaluate);
  if (
    found.kind !== "yes" ||
    written.some(({ kind }) => kind === "any") ||
    isShortened(mnemonic.text, written, dialect)
  ) {
    return undefined;
  }
  // Which size is meant, a number's value does not tell.
  const open = written.map((one) => (one.kind === "immediate" ? { ...one, value: undefined } : one));
  const fitting = matching(all, open).filter(({ modes }) => modes.includes(bits));
  const forms = fitting.every(isSizedByMode)
    ? ofModeSize(fitting, found.forms, statement, bits, dialect)
    : isMemoryTold(fitting, written)
      ? found.forms
      : [];
  const encoded = prefixes.length === 0 ? encode(forms, written, bits, evaluate) : undefined;
  const isPlain = (form: Form): boolean =>
    !form.operands.some(({ kind }) => /sex|^br.*_1$|^mem_offs/.test(kind));
  const form = encoded?.form ?? forms.find(isPlain) ?? forms[0];
  return form && { form, encoded };
}

/** NASM writes `mov rax, 1` as `mov eax, 1`, which does the same in fewer bytes. */
function isShortened(mnemonic: string, [target, source]: readonly Given[], dialect: Dialect): boolean {
  const value = source?.kind === "immediate" ? source.value : undefined;
  const isLong = target?.kind === "register" && target.class === "r64";
  return (
    dialect === "nasm" &&
    /^mov$/i.test(mnemonic) &&
    isLong &&
    value !== undefined &&
    value >= 0n &&
    value < 1n << 32n
  );
}

function isSizedByMode({ isModeSized, operands }: Form): boolean {
  return isModeSized || operands.length === 0;
}

/** In 64-bit code what goes or uses the stack near is 64 bits wide; far returns are 32 without REX.W, NASM's far jumps have it. */
function ofModeSize(
  fitting: readonly Form[],
  forms: readonly Form[],
  { prefixes }: InstructionStatement,
  bits: Width,
  dialect: Dialect,
): readonly Form[] {
  if (new Set(fitting.map(({ size }) => size)).size <= 1) {
    return forms;
  }
  const override = prefixes
    .map(({ text }) => /^(?:data|o)(\d+)/i.exec(text)?.[1])
    .find((size) => size !== undefined);
  const isFarReturn = fitting.some(({ mnemonic }) => /^(?:retf|iretd?|sysret|sysexit|nop)$/.test(mnemonic));
  const isFarMemory = fitting.some(({ operands }) => operands[0]?.text.startsWith("m16:"));
  const own = bits === 64 && (isFarReturn || (isFarMemory && dialect === "att")) ? 32 : bits;
  const size = override === undefined ? own : Number(override);
  return forms.filter((form) => form.size === size);
}

function isMemoryTold(fitting: readonly Form[], written: readonly Given[]): boolean {
  const memories = new Set(
    fitting.map(({ operands }) =>
      operands.map(({ kind, memoryBits }) => memoryBits ?? (/_or_mem/.test(kind) ? kind : "")).join(),
    ),
  );
  return memories.size <= 1 || !written.some((one) => one.kind === "memory" && one.bits === undefined);
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

/** Every form there is, for those that check them all. */
export function mnemonicForms(): readonly Form[] {
  return [...mnemonics()].flatMap((name) => formsOf(name));
}
