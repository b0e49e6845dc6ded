/**
 * Operands of instructions in AT&T and Intel syntax, and of directives.
 *
 * Invariant: an operand covers its lexemes; what none of the forms fits is `unknown`, never an error.
 * Source: "Using as", 9.16.3 "i386-Syntactical Considerations", 9.16.7 "Memory References".
 */
import { depthChange, isMark, spanOf, type Lexeme } from "../lexeme.ts";
import { isBranch, isRegister } from "../mnemonic.ts";
import type { Operand, OperandKind, Span, Token } from "../syntax.ts";
import { characterOf, valueOf } from "./number.ts";

/** Sizes in front of "ptr", and NASM's size words. */
export const sizeWords: ReadonlyMap<string, number> = new Map([
  ["byte", 8],
  ["word", 16],
  ["dword", 32],
  ["fword", 48],
  ["qword", 64],
  ["tbyte", 80],
  ["tword", 80],
  ["oword", 128],
  ["xmmword", 128],
  ["yword", 256],
  ["ymmword", 256],
  ["zword", 512],
  ["zmmword", 512],
]);

export function attOperand(lexemes: readonly Lexeme[], text: string, mnemonic: string): Operand {
  const span = spanOf(lexemes, 0);
  const isIndirect = isMark(lexemes[0], "*");
  const rest = isIndirect ? lexemes.slice(1) : lexemes;
  const first = rest[0];
  const registers = rest.filter((lexeme) => lexeme.kind === "register").map(registerToken);
  const make = (kind: OperandKind, more: Partial<Operand> = {}): Operand => {
    const operand = operandFrom(span, kind, text, registers);
    return Object.assign(operand, more, isIndirect ? { isIndirect } : undefined);
  };
  if (!first) {
    return make("unknown");
  }
  if (first.kind === "string") {
    return make("string");
  }
  if (first.kind === "register" && !isMark(rest[1], ":")) {
    return make("register");
  }
  if (isMark(first, "$")) {
    return make("immediate", valued(rest.slice(1)));
  }
  if (first.kind === "pattern" && rest.length === 1) {
    return make("unknown");
  }
  const memory = attMemory(rest, text);
  if (isBranch(mnemonic) && !isIndirect && memory.base === null && first.kind !== "register") {
    return make("target", valued(rest));
  }
  return make("memory", memory.parts);
}

function operandFrom(
  { start, end }: Span,
  kind: OperandKind,
  text: string,
  registers: readonly Token[],
): Operand {
  return { start, end, kind, text: text.slice(start, end), registers };
}

/** "%seg:disp(base,index,scale)" */
function attMemory(
  lexemes: readonly Lexeme[],
  text: string,
): { readonly base: number | null; readonly parts: Partial<Operand> } {
  const base = addressStart(lexemes);
  const head = isMark(lexemes[1], ":") ? 2 : 0;
  const last = lexemes.at(-2);
  const displacement = spanOf(lexemes.slice(head, base ?? lexemes.length), 0);
  const scale = last && last.kind === "number" && base !== null ? valueOf(last.text) : undefined;
  const parts: Partial<Operand> = {
    ...(displacement.end > displacement.start
      ? { displacement: text.slice(displacement.start, displacement.end) }
      : {}),
    ...(isMark(lexemes.at(-3), ",") ? scaled(scale) : {}),
  };
  return { base, parts };
}

/** Where the last bracket with a register, a parameter or a comma in it opens: `4+(8*2)` has none. */
function addressStart(lexemes: readonly Lexeme[]): number | null {
  if (!isMark(lexemes.at(-1), ")")) {
    return null;
  }
  let depth = 0;
  for (let number = lexemes.length - 1; number >= 0; number -= 1) {
    const lexeme = lexemes[number];
    depth += lexeme ? depthChange(lexeme) : 0;
    if (depth === 0) {
      const isCall = lexemes[number - 1]?.kind === "word" && !lexeme?.isSpaced;
      const inside = lexemes.slice(number + 1, -1);
      const isAddress = inside.some(
        (part) => part.kind === "register" || part.kind === "pattern" || isMark(part, ","),
      );
      return inside.some((part) => part.kind === "register") || (isAddress && !isCall) ? number : null;
    }
  }
  return null;
}

function scaled(value: bigint | undefined): Partial<Operand> {
  return value === 1n || value === 2n || value === 4n || value === 8n
    ? { scale: scales[Number(value) as keyof typeof scales] }
    : {};
}

const scales = { 1: 1, 2: 2, 4: 4, 8: 8 } as const;

/** Also for NASM, where a bare name is an address (`isNasm`) and not memory. */
export function intelOperand(
  lexemes: readonly Lexeme[],
  text: string,
  mnemonic: string,
  isNasm: boolean,
): Operand {
  const span = spanOf(lexemes, 0);
  const words = lexemes.filter((lexeme) => lexeme.kind === "word");
  const size = words.map((word) => sizeWords.get(word.text.toLowerCase())).find((bits) => bits);
  const registers = lexemes
    .filter((lexeme) => lexeme.kind === "register" || isRegisterWord(lexeme))
    .map(registerToken);
  const make = (kind: OperandKind, more: Partial<Operand> = {}): Operand => {
    const operand = operandFrom(span, kind, text, registers);
    return Object.assign(operand, size === undefined ? undefined : { sizeBits: size }, more);
  };
  const rest = lexemes.filter((lexeme) => !isQualifier(lexeme));
  const first = rest[0];
  if (!first) {
    return make("unknown");
  }
  if (lexemes.some((lexeme) => isMark(lexeme, "["))) {
    return make("memory", bracketed(lexemes));
  }
  if (first.kind === "string") {
    return make(isNasm ? "immediate" : "string");
  }
  if (registers.length > 0 && (rest.length === 1 || isMark(rest[1], "{"))) {
    return make("register");
  }
  if (isBranch(mnemonic)) {
    return make("target", valued(rest));
  }
  if (first.kind === "pattern" && rest.length === 1) {
    return make("unknown");
  }
  const value = valued(rest);
  const isNumber = value.value !== undefined || first.kind === "number";
  const isAddress = isNasm || words.some((word) => word.text.toLowerCase() === "offset");
  return make(isNumber || isAddress ? "immediate" : "memory", value);
}

/** "[base + index*scale + displacement]" */
function bracketed(lexemes: readonly Lexeme[]): Partial<Operand> {
  const start = lexemes.findIndex((lexeme) => isMark(lexeme, "["));
  const end = lexemes.findLastIndex((lexeme) => isMark(lexeme, "]"));
  const inside = lexemes.slice(start + 1, end < 0 ? lexemes.length : end);
  const star = inside.findIndex(
    (lexeme, number) =>
      isMark(lexeme, "*") &&
      [inside[number - 1], inside[number + 1]].some((part) => part && isRegisterWord(part)),
  );
  const factor = [inside[star - 1], inside[star + 1]].find((part) => part?.kind === "number");
  const isScaled = star >= 0 && factor !== undefined;
  const others = inside.filter(
    (lexeme, number) =>
      !(isScaled && Math.abs(number - star) <= 1) &&
      lexeme.kind !== "register" &&
      !isRegisterWord(lexeme) &&
      !isMark(lexeme, ":") &&
      !["rel", "abs"].includes(lexeme.text.toLowerCase()),
  );
  const displacement = others
    .filter((lexeme, number) => lexeme.text !== "+" || canAdd(others[number - 1]))
    .map((lexeme) => lexeme.text)
    .join("")
    .replace(/[+]$/, "");
  return {
    ...(displacement === "" ? {} : { displacement }),
    ...(isScaled ? scaled(valueOf(factor.text)) : {}),
  };
}

/** Whether "+" after it adds something, where registers have been left out. */
function canAdd(before: Lexeme | undefined): boolean {
  return before !== undefined && before.text !== "+";
}

/** Arguments of directives and macros. */
export function plainOperand(lexemes: readonly Lexeme[], text: string): Operand {
  const span = spanOf(lexemes, 0);
  const only = lexemes.length === 1 ? lexemes[0] : undefined;
  const value = valued(lexemes);
  const kind: OperandKind =
    only?.kind === "string"
      ? "string"
      : only?.kind === "register"
        ? "register"
        : value.value === undefined
          ? "expression"
          : "immediate";
  return {
    ...span,
    kind,
    text: text.slice(span.start, span.end),
    registers: lexemes.filter((lexeme) => lexeme.kind === "register").map(registerToken),
    ...value,
  };
}

/** The value of a number, with a sign or "~" before it. */
export function valued(
  lexemes: readonly Lexeme[],
  valueIn: (text: string) => bigint | undefined = valueOf,
): { readonly value?: bigint } {
  const last = lexemes.at(-1);
  if (!last || last.kind !== "number" || lexemes.length > 2) {
    return {};
  }
  const value = last.text.startsWith("'") ? characterOf(last.text) : valueIn(last.text);
  const sign = lexemes.length === 2 ? lexemes[0]?.text : "+";
  if (value === undefined || (sign !== "-" && sign !== "~" && sign !== "+")) {
    return {};
  }
  return { value: sign === "-" ? -value : sign === "~" ? ~value : value };
}

export function registerToken(lexeme: Lexeme): Token {
  const isMarked = lexeme.text.startsWith("%");
  return {
    text: lexeme.text.slice(isMarked ? 1 : 0).toLowerCase(),
    start: lexeme.start + (isMarked ? 1 : 0),
    end: lexeme.end,
  };
}

export function isRegisterWord(lexeme: Lexeme): boolean {
  return lexeme.kind === "word" && isRegister(lexeme.text);
}

const qualifiers: ReadonlySet<string> = new Set(
  "ptr offset short near far rel abs strict to nosplit flat seg".split(" "),
);

/** Words of Intel syntax that are neither names nor registers. */
export function isQualifier(lexeme: Lexeme): boolean {
  const lower = lexeme.text.toLowerCase();
  return lexeme.kind === "word" && (qualifiers.has(lower) || sizeWords.has(lower));
}

/** {z}, {sae}, {rn-sae}: AVX-512's decorations. */
export function isDecoration(lexeme: Lexeme, before: Lexeme | undefined): boolean {
  return (isMark(before, "{") || isMark(before, "-")) && /^(?:z|sae|r[nudz])$/.test(lexeme.text);
}
