/**
 * Counts expressions of GNU as and NASM: a number, plus labels whose places are not known here ("end - start - 1" is -1, end once and start minus once).
 *
 * Invariant: undefined is "not known", and anything not known makes the whole not known. Names that stand for text (`#define`, `%define`) are put in as text,
 * so that `1 | 2` behind a name binds as it would for the assembler.
 * Source: "Using as", 6.2.3 "Operators" and 6.2.4 "Prefix Operators" (or binds tighter than plus); NASM manual, 3.5 "Expressions".
 * Elsewhere: what names stand for (`scope.ts`), places of labels (`layout.ts`).
 */
import { characterOf, valueOf as gasNumber } from "../gas/number.ts";
import { stringValue, valueOf as nasmNumber } from "../nasm/number.ts";

export interface Value {
  readonly number: bigint;
  /** How often each label is in it. Those that cancel are gone. */
  readonly labels: ReadonlyMap<string, bigint>;
}

/** What a name stands for: text to be read in its place, or a value; undefined where nobody knows. */
export type Meaning = { readonly text: string } | { readonly value: Value } | undefined;

/** Besides names it is asked for ".", "$", "$$" and numeric labels ("1f"). */
export type Lookup = (name: string) => Meaning;

export type Assembler = "gas" | "nasm";

const noLabels: ReadonlyMap<string, bigint> = new Map();

export function constant(number: bigint): Value {
  return { number, labels: noLabels };
}

export function label(name: string): Value {
  return { number: 0n, labels: new Map([[name, 1n]]) };
}

/** The number, where no labels are left. */
export function numberOf(value: Value | undefined): bigint | undefined {
  return value && value.labels.size === 0 ? value.number : undefined;
}

export function evaluate(text: string, assembler: Assembler, lookup: Lookup): Value | undefined {
  const tokens = expand(cut(text, assembler), assembler, lookup, 0);
  if (!tokens || tokens.length === 0) {
    return undefined;
  }
  const reader: Reader = { tokens, at: 0, assembler };
  const value = binary(reader, 0);
  return reader.at === tokens.length ? value : undefined;
}

type Part = { readonly mark: string } | { readonly name: string } | { readonly value: Value };

const rest = String.raw`|(\d+[fb](?![\w.]))|(\$?\d\w*)|([A-Za-z_.?@\u0080-\uffff$][\w.$@?\u0080-\uffff]*)|(<<<|>>>|<<|>>|==|!=|<>|<=|>=|&&|\|\||\/\/|%%|[-+*\/%&|^~!()<>])|([^])`;
const shapes: Readonly<Record<Assembler, RegExp>> = {
  gas: new RegExp(String.raw`\s+|('(?:\\(?:[0-7]{1,3}|x[\da-fA-F]+|.)|[^\\])'?)${rest}`, "gy"),
  nasm: new RegExp(String.raw`\s+|('[^']*'|"[^"]*")${rest}`, "gy"),
};

/** undefined: something that stands in no expression. */
function cut(text: string, assembler: Assembler): readonly Part[] | undefined {
  const parts: Part[] = [];
  for (const [whole, quoted, local, digits, name, mark, other] of text.matchAll(shapes[assembler])) {
    const isLocal = local !== undefined && assembler === "gas";
    const written = quoted ?? (isLocal ? undefined : (local ?? digits));
    if (other !== undefined) {
      return undefined;
    }
    if (written !== undefined) {
      const number = literal(written, assembler);
      if (number === undefined) {
        return undefined;
      }
      parts.push({ value: constant(number) });
    } else if (mark !== undefined) {
      parts.push({ mark });
    } else if (isLocal || name !== undefined) {
      parts.push({ name: whole });
    }
  }
  return parts;
}

function literal(text: string, assembler: Assembler): bigint | undefined {
  if (assembler === "nasm") {
    return /^['"]/.test(text) ? stringValue(text) : nasmNumber(text);
  }
  return text.startsWith("'") ? characterOf(text) : gasNumber(text);
}

/** Puts in what names stand for. */
function expand(
  parts: readonly Part[] | undefined,
  assembler: Assembler,
  lookup: Lookup,
  depth: number,
): readonly Part[] | undefined {
  if (!parts || depth > 24) {
    return undefined;
  }
  const expanded: Part[] = [];
  for (const part of parts) {
    if (!("name" in part)) {
      expanded.push(part);
      continue;
    }
    const meaning = lookup(part.name);
    if (!meaning) {
      return undefined;
    }
    if ("value" in meaning) {
      expanded.push({ value: meaning.value });
      continue;
    }
    const inner = expand(cut(meaning.text, assembler), assembler, lookup, depth + 1);
    if (!inner || expanded.length + inner.length > 256) {
      return undefined;
    }
    expanded.push(...inner);
  }
  return expanded;
}

interface Reader {
  readonly tokens: readonly Part[];
  at: number;
  readonly assembler: Assembler;
}

/** Loosest first. */
const levels: Readonly<Record<Assembler, readonly (readonly string[])[]>> = {
  gas: [
    ["||"],
    ["&&"],
    ["+", "-", "==", "!=", "<>", "<", ">", "<=", ">="],
    ["|", "&", "^"],
    ["*", "/", "%", "<<", ">>"],
  ],
  nasm: [
    ["||"],
    ["&&"],
    ["==", "!=", "<>", "<", ">", "<=", ">="],
    ["|"],
    ["^"],
    ["&"],
    ["<<", ">>"],
    ["+", "-"],
    ["*", "/", "%"],
  ],
};

function binary(reader: Reader, level: number): Value | undefined {
  const marks = levels[reader.assembler][level];
  if (!marks) {
    return unary(reader);
  }
  let left = binary(reader, level + 1);
  for (;;) {
    const next = reader.tokens[reader.at];
    if (!left || !next || !("mark" in next) || !marks.includes(next.mark)) {
      return left;
    }
    reader.at += 1;
    const right = binary(reader, level + 1);
    left = right && apply(next.mark, left, right);
  }
}

function unary(reader: Reader): Value | undefined {
  const next = reader.tokens[reader.at];
  reader.at += 1;
  if (!next || "name" in next) {
    return undefined;
  }
  if ("value" in next) {
    return next.value;
  }
  if (next.mark === "(") {
    const inside = binary(reader, 0);
    const end = reader.tokens[reader.at];
    reader.at += 1;
    return end && "mark" in end && end.mark === ")" ? inside : undefined;
  }
  const operand = ["-", "+", "~"].includes(next.mark) ? unary(reader) : undefined;
  if (!operand) {
    return undefined;
  }
  if (next.mark === "+") {
    return operand;
  }
  const negative = scaled(operand, -1n);
  // ~x is -x - 1.
  return next.mark === "-"
    ? negative
    : numberOf(operand) === undefined
      ? undefined
      : plus(negative, constant(-1n));
}

function apply(mark: string, left: Value, right: Value): Value | undefined {
  if (mark === "+") {
    return plus(left, right);
  }
  if (mark === "-") {
    return plus(left, scaled(right, -1n));
  }
  const a = numberOf(left);
  const b = numberOf(right);
  if (mark === "*" && (a !== undefined || b !== undefined)) {
    return a === undefined ? scaled(left, b ?? 0n) : scaled(right, a);
  }
  if (a === undefined || b === undefined) {
    return undefined;
  }
  const number = arithmetic(mark, a, b);
  return number === undefined ? undefined : constant(number);
}

function arithmetic(mark: string, a: bigint, b: bigint): bigint | undefined {
  // What is true is 1 for NASM and -1 for GNU as: comparisons are left alone, as are signs in divisions.
  const isPlain = a >= 0n && b >= 0n;
  switch (mark) {
    case "|":
      return a | b;
    case "&":
      return a & b;
    case "^":
      return a ^ b;
    case "<<":
      return b >= 0n && b < 64n ? a << b : undefined;
    case ">>":
      return isPlain && b < 64n ? a >> b : undefined;
    case "/":
      return isPlain && b > 0n ? a / b : undefined;
    case "%":
      return isPlain && b > 0n ? a % b : undefined;
    default:
      return undefined;
  }
}

export function plus(a: Value, b: Value): Value {
  if (a.labels.size === 0 && b.labels.size === 0) {
    return constant(a.number + b.number);
  }
  const labels = new Map(a.labels);
  for (const [name, count] of b.labels) {
    const sum = (labels.get(name) ?? 0n) + count;
    if (sum === 0n) {
      labels.delete(name);
    } else {
      labels.set(name, sum);
    }
  }
  return { number: a.number + b.number, labels };
}

export function scaled(value: Value, factor: bigint): Value {
  const labels = new Map(
    [...value.labels]
      .map(([name, count]) => [name, count * factor] as const)
      .filter(([, count]) => count !== 0n),
  );
  return { number: value.number * factor, labels };
}
