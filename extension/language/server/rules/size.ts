/**
 * How many bytes a statement makes, as far as it shows.
 *
 * Invariant: instructions make at least one byte; a directive that is not known here may make any number.
 * Source: "Using as", 7 "Assembler Directives"; NASM manual, 3.2 "Pseudo-Instructions", 5.10 "ALIGN and ALIGNB".
 */
import type { Statement } from "../syntax.ts";
import type { Scope } from "./scope.ts";

export type Size =
  | { readonly kind: "bytes"; readonly count: bigint }
  /** Goes to this place of the section. */
  | { readonly kind: "origin"; readonly offset: bigint }
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown"; readonly atLeast: bigint };

type Directive = Extract<Statement, { kind: "directive" }>;

/** Bytes of each element. */
const widths: Readonly<Record<string, number>> = {
  ".byte": 1,
  ".short": 2,
  ".word": 2,
  ".value": 2,
  ".hword": 2,
  ".2byte": 2,
  ".int": 4,
  ".long": 4,
  ".4byte": 4,
  ".float": 4,
  ".single": 4,
  ".quad": 8,
  ".8byte": 8,
  ".double": 8,
  ".octa": 16,
  db: 1,
  dw: 2,
  dd: 4,
  dq: 8,
  dt: 10,
  do: 16,
};

const reserved: Readonly<Record<string, number>> = {
  resb: 1,
  resw: 2,
  resd: 4,
  resq: 8,
  rest: 10,
  reso: 16,
};

/** Bytes of each element of a directive that makes numbers. */
export function widthOf(name: string): number | undefined {
  return Object.hasOwn(widths, name) ? widths[name] : undefined;
}

const silent =
  /^(?:\.(?:globl|global|weak|hidden|internal|protected|local|extern|type|size|file|loc|ident|set|equ|equiv|eqv|cfi_\w+|code16|code16gcc|code32|code64|att_syntax|intel_syntax|arch|section|text|data|bss|pushsection|popsection|previous|macro|endm|purgem|title|print|symver|func|endfunc|err|error|warning|if\w*|else|elseif|endif)|#\w+|%(?!rep|endrep|include|use|push|pop)\w+|bits|use16|use32|use64|default|section|segment|extern|global|common|static|required|cpu|float|equ|org|struc|endstruc|absolute|warning|map|list|debug)$/;

/** The alignment that a directive asks for. */
export function alignmentOf(statement: Directive, scope: Scope, line: number): bigint | undefined {
  const name = statement.name.text;
  const first = statement.operands[0];
  if (!/^(?:\.(?:align|balign|p2align)[wl]?|align|alignb)$/.test(name)) {
    return undefined;
  }
  // The third operand limits the padding.
  const value = first && statement.operands.length < 3 ? scope.number(first.text, line) : undefined;
  if (value === undefined || value < 0n || value > 0x1000_0000n) {
    return 0n;
  }
  return name.startsWith(".p2align") ? (value < 28n ? 1n << value : 0n) : value;
}

export function sizeOf(
  statement: Statement,
  scope: Scope,
  line: number,
  count: (text: string) => bigint | undefined,
): Size {
  switch (statement.kind) {
    case "instruction":
      return { kind: "unknown", atLeast: 1n };
    case "directive":
      return ofDirective(statement, scope, line, count);
    case "assignment":
      // ". = . + 4" moves on.
      return statement.name.text === "." ? unknown : { kind: "nothing" };
    case "call":
    case "unknown":
      return unknown;
  }
}

const unknown: Size = { kind: "unknown", atLeast: 0n };

function ofDirective(
  statement: Directive,
  scope: Scope,
  line: number,
  count: (text: string) => bigint | undefined,
): Size {
  const name = statement.name.text;
  const { operands } = statement;
  const width = widthOf(name);
  if (width !== undefined) {
    return elements(statement, width);
  }
  const text = operands[0]?.text ?? "";
  const unit = Object.hasOwn(reserved, name) ? reserved[name] : undefined;
  if (unit !== undefined) {
    return bytes(count(text), BigInt(unit));
  }
  switch (name) {
    case ".ascii":
    case ".asciz":
    case ".string":
      return strings(statement, name === ".ascii" ? 0n : 1n);
    case ".skip":
    case ".space":
    case ".zero":
      return bytes(count(text), 1n);
    case ".fill":
      return bytes(count(text), operands[1] ? scope.number(operands[1].text, line) : 1n);
    case ".org": {
      const offset = operands.length === 1 ? scope.number(text, line) : undefined;
      return offset === undefined ? unknown : { kind: "origin", offset };
    }
    default:
      return silent.test(name) ? { kind: "nothing" } : unknown;
  }
}

function bytes(count: bigint | undefined, unit: bigint | undefined): Size {
  return count === undefined || unit === undefined || count < 0n || count > 0x1_0000_0000n
    ? unknown
    : { kind: "bytes", count: count * unit };
}

/** NASM's strings fill whole elements; GNU as has none among numbers. */
function elements({ operands }: Directive, width: number): Size {
  let sum = 0n;
  for (const operand of operands) {
    if (operand.text.startsWith("`") || /\bdup\b|^\?|^%/i.test(operand.text) || operand.kind === "unknown") {
      return unknown;
    }
    const length = /^(['"]).*\1$/.test(operand.text) && operand.text.length > 2 ? operand.text.length - 2 : 1;
    sum += BigInt(Math.ceil(length / width) * width);
  }
  return { kind: "bytes", count: sum };
}

function strings({ operands }: Directive, end: bigint): Size {
  let sum = 0n;
  for (const { text } of operands) {
    const inner = /^"((?:[^"\\]|\\(?:[0-7]{1,3}|[^x0-7]))*)"$/u.exec(text)?.[1];
    if (inner === undefined) {
      return unknown;
    }
    const characters = inner.replaceAll(/\\(?:[0-7]{1,3}|.)/g, "x");
    sum += BigInt(new TextEncoder().encode(characters).length) + end;
  }
  return { kind: "bytes", count: sum };
}

export function leastOf(size: Size): bigint {
  return size.kind === "unknown" ? size.atLeast : 0n;
}
