/**
 * Splits an expression into tokens: C's, plus `$register` and `%register`, `::` in names, and QEMU's and the assembler's ways to write a number
 * (`0x10`, `0b101`, `0o17`, `10h`, `1_000`).
 */
import { syntax } from "../errors.ts";

export type Token =
  | {
      readonly kind: "integer";
      readonly text: string;
      readonly value: bigint;
      readonly suffix: string;
      readonly decimal: boolean;
      readonly offset: number;
    }
  | { readonly kind: "float"; readonly text: string; readonly value: number; readonly offset: number }
  | {
      readonly kind: "name" | "register" | "punctuator" | "string" | "character";
      readonly text: string;
      readonly offset: number;
    }
  | { readonly kind: "end"; readonly text: ""; readonly offset: number };

const PUNCTUATORS = [
  "<<=", ">>=", "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
  "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">", "=", "?", ":", "(", ")", "[", "]", ".", ",", "{", "}",
] as const; // oxfmt-ignore

const SPACE = /\s+/y;
const NAME = /[A-Za-z_@][\w@]*(?:::~?[A-Za-z_]\w*)*/y;
// ST(n) is the only register with parentheses.
const REGISTER = /[$%](?:st\([0-7]\)|[A-Za-z]\w*)/iy;
const FLOAT = /(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?[fFlL]?|\d+[eE][-+]?\d+[fF]?/y;
const NUMBER = /0[xX][0-9a-fA-F_']+|0[bB][01_']+|0[oO][0-7_']+|[0-9][0-9a-fA-F_']*[hH]\b|\d[\d_']*/y;
const SUFFIX = /[uUlL]{1,3}\b|[iu](?:8|16|32|64|128|size)\b/y;
const STRING = /"((?:[^"\\]|\\.)*)"/y;
const CHARACTER = /'((?:[^'\\]|\\[^x0-7]|\\x[0-9a-fA-F]{1,2}|\\[0-7]{1,3}))'/y;

/** Tokens of `text`, ended by one of kind "end". Throws `syntax`. */
export function tokens(text: string): Token[] {
  const result: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return null;
    at += found[0].length;
    return found[1] ?? found[0];
  };
  while (at < text.length) {
    if (match(SPACE) !== null) continue;
    const offset = at;
    // `%` begins a register only where an operand can begin.
    if (text[at] === "$" || (text[at] === "%" && canBeginOperand(result.at(-1)))) {
      const register = match(REGISTER);
      if (register !== null) {
        result.push({ kind: "register", text: register.slice(1), offset });
        continue;
      }
    }
    const name = match(NAME);
    if (name !== null) {
      result.push({ kind: "name", text: name, offset });
      continue;
    }
    const float = match(FLOAT);
    if (float !== null) {
      result.push({ kind: "float", text: float, value: Number(float.replace(/[fFlL]$/, "")), offset });
      continue;
    }
    const number = match(NUMBER);
    if (number !== null) {
      const suffix = match(SUFFIX) ?? "";
      if (/[\w]/.test(text[at] ?? ""))
        throw syntax(`"${text.slice(offset, at + 1)}" is not a number`, offset);
      const value = integer(number);
      if (value === null) throw syntax(`"${number}" is not a number`, offset);
      if (value >= 1n << 128n) throw syntax(`"${number}" has more than 128 bits`, offset);
      result.push({
        kind: "integer",
        text: number,
        value,
        suffix,
        decimal: /^[1-9]|^0$/.test(number) && !/h$/i.test(number),
        offset,
      });
      continue;
    }
    const string = text[at] === '"' ? match(STRING) : null;
    if (string !== null) {
      result.push({ kind: "string", text: unescape(string), offset });
      continue;
    }
    const character = text[at] === "'" ? match(CHARACTER) : null;
    if (character !== null) {
      result.push({ kind: "character", text: unescape(character), offset });
      continue;
    }
    const punctuator = PUNCTUATORS.find((candidate) => text.startsWith(candidate, at));
    if (punctuator === undefined) throw syntax(`"${text[at] ?? ""}" is not expected`, at);
    at += punctuator.length;
    result.push({ kind: "punctuator", text: punctuator, offset });
  }
  result.push({ kind: "end", text: "", offset: text.length });
  return result;
}

function canBeginOperand(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  return previous.kind === "punctuator" && previous.text !== ")" && previous.text !== "]";
}

function integer(text: string): bigint | null {
  const digits = text.replace(/[_']/g, "");
  if (/^0[xXbBoO]/.test(digits)) return digits.length > 2 ? BigInt(digits.toLowerCase()) : null;
  if (/[hH]$/.test(digits)) return BigInt(`0x${digits.slice(0, -1)}`);
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  return /^\d+$/.test(digits) ? BigInt(digits) : null;
}

const ESCAPES: Record<string, string> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  v: "\v",
};

function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]+$/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES[code] ?? code;
  });
}
