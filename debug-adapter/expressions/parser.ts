/**
 * Text to tree: C's expressions without calls and increments, plus address spaces (`p:0xb8000`, `r:0x1000`), segments (`$ds:$rsi`, `0xf000:0xfff0`) and a
 * format after the last comma (`table,16x`).
 *
 * Invariant: parsing asks nothing of a machine; whether a word is a type is asked of `isType`. Depth is bounded, so no text overflows the stack.
 */
import { badFormat, syntax } from "../errors.ts";
import { SPACES } from "../memory/space.ts";
import { tokens, type Token } from "./lexer.ts";
import type { BinaryOperator, Expression, Format, Parsed, TypeName, UnaryOperator } from "./tree.ts";

const MAX_DEPTH = 200;

const PRECEDENCE: { readonly [operator: string]: number } = {
  "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10,
  "%": 10,
}; // oxfmt-ignore
const ASSIGNMENTS = new Set(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]);
const UNARY = new Set(["+", "-", "!", "~", "*", "&"]);
const QUALIFIERS = new Set(["const", "volatile", "restrict", "register", "mut", "dyn"]);
const TAGS = new Set(["struct", "union", "enum", "class"]);
/** Words that can only be part of a type. */
export const TYPE_WORDS: ReadonlySet<string> = new Set([
  "void", "char", "short", "int", "long", "signed", "unsigned", "float", "double", "_Bool", "bool",
]); // oxfmt-ignore
const SEGMENTS = new Set(["cs", "ds", "es", "ss", "fs", "gs"]);

/** Parses `text`. Throws `syntax` and `badFormat`. */
export function parse(text: string, isType: (name: string) => boolean): Parsed {
  const comma = formatComma(text);
  const format: Format = comma < 0 ? { letter: null, count: null } : parseFormat(text.slice(comma + 1));
  const expression = new Parser(tokens(comma < 0 ? text : text.slice(0, comma)), isType).parse();
  return { expression, format };
}

/** Index of the comma outside parentheses and quotes, after which there is a format; −1 if there is none. */
function formatComma(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === "(" || character === "[") depth++;
    else if (character === ")" || character === "]") depth--;
    else if (character === "," && depth === 0) return i;
    else if (character === '"' || character === "'") {
      const end = closingQuote(text, i);
      if (end < 0) return -1;
      i = end;
    }
  }
  return -1;
}

function closingQuote(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === text[start]) return i;
  }
  return -1;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #isType: (name: string) => boolean;
  #at = 0;
  #depth = 0;
  /** Inside `? … :` a colon ends the operand instead of making a segmented address. */
  #conditionals = 0;

  constructor(list: readonly Token[], isType: (name: string) => boolean) {
    this.#tokens = list;
    this.#isType = isType;
  }

  parse(): Expression {
    const expression = this.#assignment();
    if (this.#here.kind !== "end") throw this.#unexpected();
    return expression;
  }

  get #here(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }
  #next(): Token {
    const token = this.#here;
    this.#at++;
    return token;
  }
  #peek(distance: number): Token {
    return this.#tokens[Math.min(this.#at + distance, this.#tokens.length - 1)]!;
  }
  #is(text: string): boolean {
    return this.#here.kind === "punctuator" && this.#here.text === text;
  }
  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }
  #expect(text: string): void {
    if (!this.#accept(text)) throw syntax(`"${text}" is missing`, this.#here.offset);
  }
  #unexpected(): Error {
    const { kind, text, offset } = this.#here;
    return syntax(kind === "end" ? "The expression ends too early" : `"${text}" is not expected`, offset);
  }

  #assignment(): Expression {
    if (++this.#depth > MAX_DEPTH) throw syntax("The expression is nested too deeply", this.#here.offset);
    const target = this.#conditional();
    let result = target;
    const token = this.#here;
    if (token.kind === "punctuator" && ASSIGNMENTS.has(token.text)) {
      this.#at++;
      const operator = token.text === "=" ? null : (token.text.slice(0, -1) as BinaryOperator);
      result = { kind: "assign", operator, target, value: this.#assignment(), offset: token.offset };
    }
    this.#depth--;
    return result;
  }

  #conditional(): Expression {
    const condition = this.#binary(1);
    if (!this.#is("?")) return condition;
    const { offset } = this.#next();
    this.#conditionals++;
    const consequent = this.#assignment();
    this.#conditionals--;
    this.#expect(":");
    return { kind: "conditional", condition, consequent, alternative: this.#assignment(), offset };
  }

  #binary(least: number): Expression {
    let left = this.#unary();
    for (;;) {
      const token = this.#here;
      const precedence = token.kind === "punctuator" ? PRECEDENCE[token.text] : undefined;
      if (precedence === undefined || precedence < least) return left;
      this.#at++;
      if (++this.#depth > MAX_DEPTH) throw syntax("The expression is nested too deeply", token.offset);
      const right = this.#binary(precedence + 1);
      this.#depth--;
      left = { kind: "binary", operator: token.text as BinaryOperator, left, right, offset: token.offset };
    }
  }

  #unary(): Expression {
    const token = this.#here;
    if (++this.#depth > MAX_DEPTH) throw syntax("The expression is nested too deeply", token.offset);
    const result = this.#prefixed(token);
    this.#depth--;
    return result;
  }

  #prefixed(token: Token): Expression {
    const { offset } = token;
    if (token.kind === "punctuator" && UNARY.has(token.text)) {
      this.#at++;
      return { kind: "unary", operator: token.text as UnaryOperator, operand: this.#unary(), offset };
    }
    if (token.kind === "name" && token.text === "sizeof") return this.#sizeof(offset);
    if (token.kind === "punctuator" && token.text === "(" && this.#typeFollows(1)) {
      this.#at++;
      const type = this.#type();
      this.#expect(")");
      return { kind: "cast", type, operand: this.#unary(), offset };
    }
    if (token.kind === "name" && Object.hasOwn(SPACES, token.text) && this.#colonFollows()) {
      this.#at += 2;
      return {
        kind: "space",
        space: SPACES[token.text]!,
        operand: this.#unary(),
        offset,
      };
    }
    const operand = this.#postfix(this.#primary());
    // A colon after a segment register or a number, and not in `a ? 1 : 2`, makes an address.
    if (this.#is(":") && this.#conditionals === 0 && isSegment(operand)) {
      this.#at++;
      return { kind: "segmented", segment: operand, operand: this.#unary(), offset };
    }
    return operand;
  }

  #sizeof(offset: number): Expression {
    this.#at++;
    if (this.#is("(") && this.#typeFollows(1)) {
      this.#at++;
      const type = this.#type();
      this.#expect(")");
      return { kind: "sizeof", of: type, offset };
    }
    return { kind: "sizeof", of: this.#unary(), offset };
  }

  /** Of a letter that names a space. In `a ? r : 2` it is a variable. */
  #colonFollows(): boolean {
    const colon = this.#peek(1);
    const isClose = colon.offset === this.#peek(0).offset + 1;
    return colon.kind === "punctuator" && colon.text === ":" && (isClose || this.#conditionals === 0);
  }

  #typeFollows(distance: number): boolean {
    const token = this.#peek(distance);
    if (token.kind !== "name") return false;
    if (QUALIFIERS.has(token.text) || TYPE_WORDS.has(token.text)) return true;
    if (TAGS.has(token.text)) return this.#peek(distance + 1).kind === "name";
    return this.#isType(token.text);
  }

  #type(): TypeName {
    const words: string[] = [];
    while (this.#here.kind === "name") {
      const word = this.#here.text;
      if (!QUALIFIERS.has(word)) words.push(word);
      this.#at++;
      const next = this.#here;
      if (next.kind !== "name") break;
      const known = TYPE_WORDS.has(next.text) || QUALIFIERS.has(next.text) || TAGS.has(words.at(-1) ?? "");
      if (!known && words.length > 0) break;
    }
    if (words.length === 0) throw syntax("A type is missing", this.#here.offset);
    let pointers = 0;
    for (;;) {
      if (this.#accept("*")) pointers++;
      else if (this.#here.kind === "name" && QUALIFIERS.has(this.#here.text)) this.#at++;
      else break;
    }
    const arrays: number[] = [];
    while (this.#accept("[")) {
      const length = this.#next();
      if (length.kind !== "integer" || length.value > 0xffff_ffffn)
        throw syntax("An array length is missing", length.offset);
      arrays.push(Number(length.value));
      this.#expect("]");
    }
    return { base: words.join(" "), pointers, arrays };
  }

  #primary(): Expression {
    const token = this.#next();
    const { offset } = token;
    switch (token.kind) {
      case "integer":
        return { kind: "integer", value: token.value, suffix: token.suffix, decimal: token.decimal, offset };
      case "float":
        return { kind: "float", value: token.value, offset };
      case "string":
        return { kind: "string", value: token.text, offset };
      case "character":
        return { kind: "character", value: token.text.charCodeAt(0), offset };
      case "register":
        return { kind: "register", name: token.text.toLowerCase(), offset };
      case "name":
        return { kind: "name", name: token.text, offset };
      case "punctuator":
        if (token.text === "(") {
          const outer = this.#conditionals;
          this.#conditionals = 0;
          const inner = this.#assignment();
          this.#conditionals = outer;
          this.#expect(")");
          return inner;
        }
        break;
      case "end":
        break;
    }
    this.#at--;
    throw this.#unexpected();
  }

  #postfix(operand: Expression): Expression {
    let base = operand;
    for (;;) {
      const { offset } = this.#here;
      if (this.#accept("[")) {
        const outer = this.#conditionals;
        this.#conditionals = 0;
        const index = this.#assignment();
        this.#conditionals = outer;
        this.#expect("]");
        base = { kind: "index", base, index, offset };
      } else if (this.#is(".") || this.#is("->")) {
        const arrow = this.#next().text === "->";
        const member = this.#next();
        if (member.kind !== "name" && member.kind !== "integer")
          throw syntax("A member name is missing", member.offset);
        base = { kind: "member", base, name: member.text, arrow, offset };
      } else if (this.#is("(")) {
        throw syntax("Functions of the guest cannot be called", offset);
      } else {
        return base;
      }
    }
  }
}

function isSegment(operand: Expression): boolean {
  if (operand.kind === "integer") return operand.value <= 0xffffn;
  return (operand.kind === "register" || operand.kind === "name") && SEGMENTS.has(operand.name.toLowerCase());
}

const LETTERS = "xduobcsfph";

/** What follows the last comma of an expression, as in `,x` `,10` `,4x`. Throws `badFormat`. */
export function parseFormat(text: string): Format {
  const match = /^\s*(?:\[?(\d+)\]?)?\s*([a-zA-Z])?\s*$/.exec(text);
  const count = match?.[1] === undefined ? null : Number(match[1]);
  const letter = match?.[2]?.toLowerCase() ?? null;
  if (
    match === null ||
    (count === null && letter === null) ||
    (letter !== null && !LETTERS.includes(letter))
  ) {
    throw badFormat(text.trim());
  }
  if (count !== null && (count < 1 || count > 1_000_000)) throw badFormat(text.trim());
  return { letter: letter as Format["letter"], count };
}
