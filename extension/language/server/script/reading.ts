/**
 * A script while it is read, and the small steps that all its parts take.
 *
 * Invariant: what skips always stops: behind a ";", before a "}" that closes more than was opened, at the end.
 */
import type { Piece, Reuse } from "./reuse.ts";
import type { Scanner, Mode } from "./scanner.ts";
import type { Block, Statement, Word } from "./tree.ts";
import { wordOf } from "./expression.ts";

/** `fragment`: a file without SECTIONS, which another includes at a place that it does not show. */
export type Level = "script" | "fragment" | "sections" | "section";

export interface Reading {
  readonly scanner: Scanner;
  readonly blocks: Block[];
  /** What was read or kept so far, and what may be kept. */
  readonly pieces: Piece[];
  readonly reuse: Reuse | null;
  /** Statements up to the brace that closes them, or the end. */
  readonly body: (level: Level) => Statement[];
}

/** Reads "{"; what it returns reads "}" and notes the pair. */
export function open(reading: Reading, name: string): () => void {
  const { scanner, blocks } = reading;
  if (!scanner.skip("{")) {
    scanner.missing(`A "{" is missing behind ${name}.`);
    return () => undefined;
  }
  const opening = wordOf(scanner.last);
  return () => {
    if (scanner.skip("}")) {
      blocks.push({ opens: { line: opening.line, name: "{" }, closes: { line: scanner.last.line } });
    } else {
      scanner.errorAt(opening, 'This "{" is not closed.');
    }
  };
}

export function isFollowed(scanner: Scanner, mode: Mode, text: string): boolean {
  const back = scanner.mark();
  scanner.next(mode);
  const isThere = scanner.isAt(text);
  back();
  return isThere;
}

export function named(scanner: Scanner, what: string): Word | null {
  const token = scanner.peek("script");
  if (token.kind === "word" || token.kind === "string") {
    return wordOf(scanner.next("script"));
  }
  scanner.missing(`The name of ${what} is missing.`);
  return null;
}

export function skipBracket(scanner: Scanner): void {
  for (let depth = 1; depth > 0;) {
    const token = scanner.peek("expression");
    if (token.kind === "end" || /^[{};]$/.test(token.text)) {
      return;
    }
    scanner.next("expression");
    depth += token.text === "(" ? 1 : token.text === ")" ? -1 : 0;
  }
}

/** Behind the next ";", or before the next "}", whole blocks skipped. */
export function recover(scanner: Scanner, mode: Mode): void {
  for (let depth = 0; ;) {
    const token = scanner.peek(mode);
    const isEnd = token.kind === "end" || (token.kind === "mark" && token.text === "}" && depth === 0);
    if (isEnd) {
      return;
    }
    scanner.next(mode);
    if (token.kind === "mark") {
      depth += token.text === "{" ? 1 : token.text === "}" ? -1 : 0;
      if (depth === 0 && /^[;}]$/.test(token.text)) {
        return;
      }
    }
  }
}
