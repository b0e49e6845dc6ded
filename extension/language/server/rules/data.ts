/**
 * The numbers that directives lay down from a line on, as long as it is certain what follows what.
 *
 * Invariant: the list ends before anything that is not data written out: instructions, macros, conditional parts, another section.
 */
import type { Operand, Span, SyntaxFile } from "../syntax.ts";
import { assemblerOf } from "./scope.ts";
import { widthOf } from "./size.ts";

export interface Datum extends Span {
  readonly line: number;
  /** In bytes. */
  readonly width: number;
  /** As an expression of the assembler. */
  readonly text: string;
  /** The directive, as it is written. */
  readonly directive: string;
  /** The directive's place on the line, which covers all its elements. */
  readonly statement: Span;
}

export type Ending =
  /** What follows is zero bytes or padding. */
  | "space"
  /** Another label, code, another section, the end of the file. */
  | "other"
  /** A macro, a branch, an included file: nobody knows. */
  | "unknown"
  /** There is more, but no more was asked for. */
  | "more";

export interface Data {
  readonly items: readonly Datum[];
  readonly ending: Ending;
}

/** `named`: up to the next label. `aligned`: past padding between numbers. */
export type Extent = "named" | "aligned";

/** At most `limit` numbers from a line on; labels on the first line are passed. */
export function dataFrom(file: SyntaxFile, from: number, limit: number, extent: Extent): Data {
  const items: Datum[] = [];
  const section = file.lines[from]?.before.section;
  const end = (ending: Ending): Data => ({ items, ending });
  for (let number = from; number < file.lines.length; number += 1) {
    const line = file.lines[number];
    if (!line) {
      break;
    }
    const { before } = line;
    if (before.macros.length > 0 || before.conditions.length > 0 || line.fold || line.includes.length > 0) {
      return end("unknown");
    }
    if (before.section !== section) {
      return end("other");
    }
    const isNamed = line.definitions.some(
      ({ kind }) => kind === "label" || kind === "local" || kind === "numeric",
    );
    if (extent === "named" && number > from && isNamed) {
      return end("other");
    }
    for (const statement of line.statements) {
      if (statement.kind === "directive") {
        const { name, operands } = statement;
        const width = widthOf(name.text);
        if (width !== undefined) {
          for (const operand of operands) {
            if (!isNumber(operand)) {
              return end("unknown");
            }
            const { start, end: to, text } = operand;
            items.push({ line: number, start, end: to, width, text, directive: name.text, statement });
            if (items.length >= limit) {
              return end("more");
            }
          }
        } else if (isSpace(name.text)) {
          if (extent === "named" || !/align/.test(name.text)) {
            return end("space");
          }
        } else if (!isQuiet(name.text)) {
          return end("unknown");
        }
      } else if (statement.kind !== "assignment") {
        return end(statement.kind === "instruction" ? "other" : "unknown");
      }
    }
  }
  return end("other");
}

function isNumber({ kind, text }: Operand): boolean {
  return kind !== "unknown" && !/^[`"]|\\|%\d/.test(text);
}

function isSpace(name: string): boolean {
  return /^(?:\.(?:p2|b)?align[wl]?|\.skip|\.space|\.zero|\.fill|\.org|align|alignb|times|res[bwdqtoyz])$/.test(
    name,
  );
}

function isQuiet(name: string): boolean {
  return /^(?:\.(?:globl|global|type|size|set|equ|hidden|weak|local|section|text|data|bss|code\d+)|equ|global|bits|section|segment|use\d+)$/.test(
    name,
  );
}

/** A directive for numbers of so many bytes, as the file writes them. */
export function directiveOf(file: SyntaxFile, width: 2 | 4 | 8): string {
  const isNasm = assemblerOf(file) === "nasm";
  switch (width) {
    case 2:
      return isNasm ? "dw" : ".word";
    case 4:
      return isNasm ? "dd" : ".long";
    case 8:
      return isNasm ? "dq" : ".quad";
  }
}
