/**
 * What both assemblers' lines are cut into, and what parsers do with sequences of it.
 *
 * Invariant: lexemes stand in order, do not overlap, and hold every character of the line that is neither blank nor comment.
 * Elsewhere: the cutting (`gas/lexer.ts`, `nasm/lexer.ts`).
 */
import type { Span, SyntaxError, Token } from "./syntax.ts";

export interface Lexeme extends Token {
  /** `pattern`: a name with macro parameters in it; `register` only where the spelling says so ("%eax"). */
  readonly kind: "word" | "pattern" | "number" | "local" | "string" | "register" | "mark";
  readonly isSpaced: boolean;
}

export interface Cut {
  readonly lexemes: readonly Lexeme[];
  readonly comments: readonly Span[];
  readonly errors: readonly SyntaxError[];
  readonly inComment: boolean;
  /** Ends in a backslash: the next line goes on. */
  readonly continues: boolean;
}

export function tokenOf(lexeme: Lexeme): Token {
  return { text: lexeme.text, start: lexeme.start, end: lexeme.end };
}

export function spanOf(lexemes: readonly Lexeme[], otherwise: number): Span {
  return { start: lexemes[0]?.start ?? otherwise, end: lexemes.at(-1)?.end ?? otherwise };
}

const opening: ReadonlySet<string> = new Set(["(", "[", "{"]);
const closing: ReadonlySet<string> = new Set([")", "]", "}"]);

export function depthChange(lexeme: Lexeme): -1 | 0 | 1 {
  if (lexeme.kind !== "mark") {
    return 0;
  }
  return opening.has(lexeme.text) ? 1 : closing.has(lexeme.text) ? -1 : 0;
}

/** The parts between marks (commas, semicolons) that stand outside all brackets; no lexemes, no parts. */
export function split(
  lexemes: readonly Lexeme[],
  separates: (lexeme: Lexeme, before: Lexeme | undefined) => "drop" | "keep" | null,
): readonly (readonly Lexeme[])[] {
  if (lexemes.length === 0) {
    return [];
  }
  const parts: Lexeme[][] = [[]];
  let depth = 0;
  let before: Lexeme | undefined;
  for (const lexeme of lexemes) {
    const how = depth === 0 ? separates(lexeme, before) : null;
    if (how !== null) {
      parts.push([]);
    }
    if (how !== "drop") {
      parts.at(-1)?.push(lexeme);
    }
    depth = Math.max(0, depth + depthChange(lexeme));
    before = lexeme;
  }
  return parts;
}

export function isMark(lexeme: Lexeme | undefined, text: string): boolean {
  return lexeme?.kind === "mark" && lexeme.text === text;
}

/** Number of the bracket that closes the one at `from`; the number of lexemes where none does. */
export function closingOf(lexemes: readonly Lexeme[], from: number): number {
  let depth = 0;
  for (let number = from; number < lexemes.length; number += 1) {
    const lexeme = lexemes[number];
    depth += lexeme ? depthChange(lexeme) : 0;
    if (depth <= 0) {
      return number;
    }
  }
  return lexemes.length;
}

/** A bracket that is closed without having been opened, or the other way round. */
export function unbalanced(lexemes: readonly Lexeme[]): Lexeme | undefined {
  const open: Lexeme[] = [];
  for (const lexeme of lexemes) {
    const change = depthChange(lexeme);
    if (change > 0) {
      open.push(lexeme);
    } else if (change < 0 && !open.pop()) {
      return lexeme;
    }
  }
  return open[0];
}

export function commaParts(lexemes: readonly Lexeme[]): readonly (readonly Lexeme[])[] {
  return split(lexemes, (lexeme) => (isMark(lexeme, ",") ? "drop" : null));
}

/** Statements of a line stand between semicolons. */
export function statementParts(lexemes: readonly Lexeme[]): readonly (readonly Lexeme[])[] {
  return split(lexemes, (lexeme) => (isMark(lexeme, ";") ? "drop" : null));
}
