/**
 * Where a hover is asked for, and what is counted there.
 */
import { builtOf } from "../operand.ts";
import type { Evaluate, Width } from "../../knowledge/instructions.ts";
import { scopeOf } from "../../rules/scope.ts";
import type { InstructionStatement, Line, Position, Span, Statement, SyntaxFile } from "../../syntax.ts";
import type { World } from "../../world.ts";

export interface Site {
  readonly world: World;
  readonly file: SyntaxFile;
  readonly line: Line;
  /** Counted from 0. */
  readonly number: number;
}

export function siteAt(world: World, uri: string, { line: number }: Position): Site | undefined {
  const file = world.file(uri);
  const line = file?.lines[number];
  return file && line && { world, file, line, number };
}

/** A column at the end counts, as in the editor's own words. */
export function holds({ start, end }: Span, column: number): boolean {
  return start <= column && column <= end;
}

/** Values of expressions on this line, where they are numbers. */
export function evaluatorOf({ world, file, number }: Site): Evaluate {
  const scope = scopeOf(file, world);
  return (text) => scope.number(text.replace(/^\$/, ""), number);
}

/**
 * Width of the code; null where nobody says. GNU as begins with the program's, which is 64 where it is not known; NASM's depends on its output.
 * Behind `.code16gcc` sizes are not those of other 16-bit code.
 */
export function widthOf({ world, file, line, number }: Site): Width | null {
  const { bits } = line.before;
  if (bits === 16 && isForGcc(file, number)) {
    return null;
  }
  return bits ?? builtOf(world, file)?.built.bits ?? (file.language === "gas" ? 64 : null);
}

function isForGcc({ lines }: SyntaxFile, from: number): boolean {
  for (let number = from; number >= 0; number -= 1) {
    for (const statement of lines[number]?.statements ?? []) {
      if (statement.kind === "directive" && /^\.code(?:16|32|64|16gcc)$/.test(statement.name.text)) {
        return statement.name.text === ".code16gcc";
      }
    }
  }
  return false;
}

/** Statements that are executed, behind or before one, where code goes straight on. */
export interface Step {
  readonly site: Site;
  readonly statement: InstructionStatement;
}

/** Goes somewhere, or may change anything. */
const leaves = /^(?:j|l?call|l?jmp|loop|l?ret|iret|int|sys|hlt|ud|xbegin)/i;

/** How many lines are looked at. */
const reach = 40;

/** What is executed after a statement, up to and including the first that leaves. */
export function* ahead(from: Site, after: Span): Generator<Step> {
  for (
    let number = from.number;
    number < Math.min(from.file.lines.length, from.number + reach);
    number += 1
  ) {
    const line = from.file.lines[number];
    if (!line || !isSameCode(from.line, line)) {
      return;
    }
    for (const statement of line.statements) {
      const isBefore = number === from.number && statement.start <= after.start;
      if (isBefore || isQuiet(statement)) {
        continue;
      }
      if (statement.kind !== "instruction") {
        return;
      }
      yield { site: { ...from, line, number }, statement };
      if (leaves.test(statement.mnemonic.text)) {
        return;
      }
    }
  }
}

/** What has been executed before a statement, the last first; up to what leaves, or a label, where code may have come from elsewhere. */
export function* behind(from: Site, before: Span): Generator<Step> {
  for (let number = from.number; number >= Math.max(0, from.number - reach); number -= 1) {
    const line = from.file.lines[number];
    if (!line || !isSameCode(from.line, line)) {
      return;
    }
    for (const statement of line.statements.toReversed()) {
      if ((number === from.number && statement.start >= before.start) || isQuiet(statement)) {
        continue;
      }
      if (statement.kind !== "instruction" || leaves.test(statement.mnemonic.text)) {
        return;
      }
      yield { site: { ...from, line, number }, statement };
    }
    if (line.definitions.some(({ kind }) => kind === "label" || kind === "local" || kind === "numeric")) {
      return;
    }
  }
}

function isSameCode(a: Line, b: Line): boolean {
  return (
    a.before.section === b.before.section &&
    a.before.macros.join() === b.before.macros.join() &&
    a.before.conditions.length === b.before.conditions.length &&
    b.fold === undefined
  );
}

/** Neither code nor data. */
function isQuiet(statement: Statement): boolean {
  return (
    statement.kind === "assignment" ||
    (statement.kind === "directive" &&
      /^(?:\.(?:globl|global|type|size|set|equ|code\d+\w*|text|section|p2align|balign|align|loc|cfi_\w+)|bits|use\d+|global|section|align|equ|#\w+|%(?:define|assign|xdefine))$/.test(
        statement.name.text,
      ))
  );
}
