/**
 * Reads an expression: C's operators and precedence, ld's functions.
 *
 * Invariant: reads at least nothing and never fails; where an operand is missing there is a node `missing` and one error.
 * Source: the ld manual, "Expressions in Linker Scripts"; numbers: "Constants".
 */
import type { Scanned, Scanner } from "./scanner.ts";
import type { Expression, Word } from "./tree.ts";

const levels: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["&"],
  ["==", "!="],
  ["<", "<=", ">", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** What may stand in the brackets before an output section's colon. */
export const sectionTypes: ReadonlySet<string> = new Set([
  "NOLOAD",
  "DSECT",
  "COPY",
  "INFO",
  "OVERLAY",
  "READONLY",
  "TYPE",
]);

/** Brackets and conditions deeper than this are no expression that a person has written: what is inside is not read. */
const depthLimit = 200;

/** Of operators in a row; what follows is read and left out of the tree, whose readers go down it. */
const chainLimit = 500;

export function expression(scanner: Scanner, depth = 0): Expression {
  const test = binary(scanner, 0, depth);
  if (depth >= depthLimit || !scanner.skip("?")) {
    return test;
  }
  const whenTrue = expression(scanner, depth + 1);
  if (!scanner.skip(":")) {
    scanner.missing('The condition has no ":" with the other value.');
    return test;
  }
  const whenFalse = expression(scanner, depth + 1);
  return { kind: "conditional", test, whenTrue, whenFalse, first: test.first, last: whenFalse.last };
}

function binary(scanner: Scanner, level: number, depth: number): Expression {
  const operators = levels[level];
  if (!operators) {
    return unary(scanner, depth);
  }
  let left = binary(scanner, level + 1, depth);
  for (let count = 0; ; count += 1) {
    const operator = scanner.peek("expression");
    if (operator.kind !== "mark" || !operators.includes(operator.text)) {
      return left;
    }
    scanner.next("expression");
    const right = binary(scanner, level + 1, depth);
    if (count < chainLimit) {
      const { first } = left;
      left = { kind: "binary", operator: operator.text, left, right, first, last: right.last };
    } else {
      left = { kind: "missing", first: left.first, last: right.last };
    }
  }
}

function unary(scanner: Scanner, depth: number): Expression {
  const token = scanner.peek("expression");
  if (token.kind === "mark" && ["-", "+", "~", "!"].includes(token.text) && depth < depthLimit) {
    scanner.next("expression");
    const operand = unary(scanner, depth + 1);
    return { kind: "unary", operator: token.text, operand, first: wordOf(token), last: operand.last };
  }
  return primary(scanner, depth);
}

function primary(scanner: Scanner, depth: number): Expression {
  const token = scanner.peek("expression");
  const first = wordOf(token);
  if (token.kind === "number") {
    scanner.next("expression");
    const value = numberOf(token.text);
    if (value === null) {
      scanner.errorAt(token, `"${token.text}" is no number.`);
    }
    return value === null
      ? { kind: "missing", first, last: first }
      : { kind: "number", value, first, last: first };
  }
  if (scanner.isAt("(") && depth < depthLimit) {
    scanner.next("expression");
    const inner = expression(scanner, depth + 1);
    closeBracket(scanner);
    return { ...inner, first, last: wordOf(scanner.last) };
  }
  if (token.kind === "word" || token.kind === "string") {
    scanner.next("expression");
    if (/^\d/.test(token.text) && token.kind === "word" && !scanner.source.isPreprocessed) {
      scanner.errorAt(token, `"${token.text}" is no number.`);
      return { kind: "missing", first, last: first };
    }
    return scanner.isAt("(") && !isType(scanner) && depth < depthLimit
      ? call(scanner, first, depth)
      : { kind: "name", name: first, first, last: first };
  }
  scanner.missing(`An operand is missing${token.kind === "end" ? "" : ` before "${token.text}"`}.`);
  const last = wordOf(scanner.last);
  return { kind: "missing", first: last, last };
}

/** `(NOLOAD)` behind an address is no argument. */
function isType(scanner: Scanner): boolean {
  const back = scanner.mark();
  scanner.next("expression");
  const word = scanner.next("expression");
  const isAlone = scanner.isAt(")") || word.text === "TYPE" || word.text === "READONLY";
  back();
  return isAlone && word.kind === "word" && sectionTypes.has(word.text);
}

function call(scanner: Scanner, name: Word, depth: number): Expression {
  scanner.next("expression");
  const found: Expression[] = [];
  while (!scanner.isAt(")")) {
    found.push(expression(scanner, depth + 1));
    if (!scanner.skip(",")) {
      break;
    }
  }
  closeBracket(scanner);
  return { kind: "call", name, arguments: found, first: name, last: wordOf(scanner.last) };
}

export function closeBracket(scanner: Scanner): void {
  if (!scanner.skip(")")) {
    scanner.missing('A ")" is missing.');
  }
}

/** 4096, 010, 0x1000, $1000, 4K, 1M, 1000h, 17o, 101b; null for digits that the base does not have. */
export function numberOf(text: string): bigint | null {
  const lower = text.toLowerCase();
  const scaled = /^(.*?)([mk])$/.exec(lower);
  const factor = scaled ? (scaled[2] === "k" ? 1024n : 1024n * 1024n) : 1n;
  const digits = scaled?.[1] ?? lower;
  const value = /^(?:0x|\$)/.test(digits) ? digitsOf(digits.replace(/^(?:0x|\$)/, ""), 16) : suffixed(digits);
  return value === null ? null : value * factor;
}

function suffixed(digits: string): bigint | null {
  const suffix = digits.at(-1) ?? "";
  switch (suffix) {
    case "h":
    case "x":
      return digitsOf(digits.slice(0, -1), 16);
    case "o":
      return digitsOf(digits.slice(0, -1), 8);
    case "b":
      return digitsOf(digits.slice(0, -1), 2);
    case "d":
      return digitsOf(digits.slice(0, -1), 10);
    default:
      return digits.startsWith("0") ? digitsOf(digits, 8) : digitsOf(digits, 10);
  }
}

const digitsIn = { 2: /^[01]+$/, 8: /^[0-7]+$/, 10: /^\d+$/, 16: /^[\da-f]+$/ } as const;
const prefixes = { 2: "0b", 8: "0o", 10: "", 16: "0x" } as const;

function digitsOf(digits: string, base: 2 | 8 | 10 | 16): bigint | null {
  return digitsIn[base].test(digits) ? BigInt(prefixes[base] + digits) : null;
}

/** What the tree keeps of a token. */
export function wordOf(token: Scanned): Word {
  return token;
}
