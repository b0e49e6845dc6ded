/**
 * Where the cursor is: at the start of a statement, in an operand, in a directive's arguments, in a path, or where nothing is to be offered.
 *
 * Invariant: only what stands before the cursor counts, and the state before the line; the rest of the line may be anything.
 * Elsewhere: what is offered at each of these places (`statement.ts`, `operand.ts`, `argument.ts`, `path.ts`).
 */
import { isDirective as isGasDirective } from "../gas/directive.ts";
import { cut as cutGas } from "../gas/lexer.ts";
import { parseLine as parseGas } from "../gas/line.ts";
import { preprocessorName } from "../gas/preprocessor.ts";
import type { Dialect } from "../knowledge/spelling.ts";
import {
  closingOf,
  commaParts,
  depthChange,
  isMark,
  statementParts,
  type Cut,
  type Lexeme,
} from "../lexeme.ts";
import { isMnemonic, isPrefix } from "../mnemonic.ts";
import { cut as cutNasm } from "../nasm/lexer.ts";
import { parseLine as parseNasm } from "../nasm/line.ts";
import type { LineState, Operand, Position, Span, SyntaxFile } from "../syntax.ts";
import { directives } from "./directive.ts";

export type Place =
  | { readonly kind: "nothing" }
  /** A mnemonic, a directive or a macro may begin here. `label`: NASM's name without a colon stands before it. */
  | { readonly kind: "statement"; readonly label?: string; readonly prefix?: string }
  | OperandPlace
  | ArgumentPlace
  | { readonly kind: "path"; readonly isSystem: boolean; readonly isBinary: boolean };

export interface OperandPlace {
  readonly kind: "operand";
  readonly mnemonic: string;
  /** Operands before this one, in the order they are written. */
  readonly operands: readonly Operand[];
  readonly index: number;
  /** What of this operand stands before the word: "$", "[ebx + ", "dword ptr ". */
  readonly begun: readonly Lexeme[];
  readonly isInBrackets: boolean;
}

export interface ArgumentPlace {
  readonly kind: "argument";
  /** The directive in lower case, or the macro; "=" for an assignment. */
  readonly name: string;
  readonly index: number;
  readonly isMacro: boolean;
  /** How many words stand before in this argument: `section .text align=16`. */
  readonly wordCount: number;
}

export interface Context {
  readonly file: SyntaxFile;
  readonly position: Position;
  readonly before: LineState;
  readonly dialect: Dialect;
  readonly place: Place;
  /** What has been typed of the word, its sigil included. */
  readonly word: string;
  readonly span: Span;
}

const nothing: Place = { kind: "nothing" };

/** `$` and `\` of GNU as are not part of a word, `%` of a register is. */
const gasWord = /%?[\w.@\u0080-\uffff]*$/;
const nasmWord = /(?:%%|%\$+|%|\$)?[\w.$@?#~\u0080-\uffff]*$/;

export function contextAt(file: SyntaxFile, position: Position): Context | undefined {
  const line = file.lines[position.line];
  if (!line || file.language === "linkerscript") {
    return undefined;
  }
  const isNasm = file.language === "nasm";
  const prefix = line.text.slice(0, position.column);
  const before = stateAt(isNasm, prefix, line.before);
  const dialect: Dialect = isNasm ? "nasm" : before.dialect;
  const make = (place: Place, word: string): Context => {
    const span = { start: prefix.length - word.length, end: prefix.length };
    return { file, position, before, dialect, place, word, span };
  };
  const hash = isNasm || !before.isPreprocessed ? undefined : /^\s*(#[a-z_]*)$/.exec(prefix)?.[1];
  if (hash !== undefined && !before.inComment && before.continues === null) {
    return make({ kind: "statement" }, hash);
  }
  const found = cut(isNasm, prefix, before);
  const last = found.lexemes.at(-1);
  if (isInComment(found, prefix)) {
    return make(nothing, "");
  }
  if (last?.kind === "string" && last.end === prefix.length && !isClosed(last.text)) {
    return make(inString(isNasm, prefix, last), last.text.slice(1));
  }
  const angle = isNasm ? null : /^\s*#\s*include(?:_next)?\s*<([^>]*)$/.exec(prefix);
  if (angle) {
    return make({ kind: "path", isSystem: true, isBinary: false }, angle[1] ?? "");
  }
  const word = (isNasm ? nasmWord : gasWord).exec(prefix)?.[0] ?? "";
  const head = prefix.slice(0, prefix.length - word.length);
  return make(placeOf(isNasm, head, before), word);
}

/** What the line itself has changed before the cursor: `.code16; mov`, `start: jmp .loop`. */
function stateAt(isNasm: boolean, prefix: string, before: LineState): LineState {
  const { scope, bits, dialect } = (isNasm ? parseNasm(prefix, before) : parseGas(prefix, before)).after;
  const isSame = scope === before.scope && bits === before.bits && dialect === before.dialect;
  return isSame ? before : { ...before, scope, bits, dialect };
}

function cut(isNasm: boolean, text: string, before: LineState): Cut {
  const isDirective = preprocessorName(text) !== undefined || before.continues?.kind === "define";
  return isNasm ? cutNasm(text) : cutGas(text, before, before.isPreprocessed && isDirective);
}

function isInComment({ comments, inComment }: Cut, prefix: string): boolean {
  const last = comments.at(-1);
  return inComment || (last !== undefined && last.end === prefix.length && !prefix.endsWith("*/"));
}

function isClosed(text: string): boolean {
  return text.length > 1 && text.at(-1) === text[0];
}

function inString(isNasm: boolean, prefix: string, string: Lexeme): Place {
  const head = prefix.slice(0, string.start);
  const directive = /(?:^|[\s;:])([#.%]?\s*\w+)\s*$/.exec(head)?.[1]?.replace(/\s/, "").toLowerCase() ?? "";
  if (
    isNasm
      ? /^(?:%include|incbin)$/.test(directive)
      : /^(?:\.include|\.incbin|#include|#include_next)$/.test(directive)
  ) {
    return { kind: "path", isSystem: false, isBinary: directive.endsWith("incbin") };
  }
  if (directive === ".section" || directive === ".pushsection") {
    return { kind: "argument", name: directive, index: 0, isMacro: false, wordCount: 0 };
  }
  return nothing;
}

function placeOf(isNasm: boolean, head: string, before: LineState): Place {
  const isContinued = before.continues !== null && before.continues.kind !== "define";
  if (isContinued) {
    return { kind: "argument", name: "", index: 0, isMacro: true, wordCount: 0 };
  }
  const { lexemes } = cut(isNasm, head, before);
  const preprocessor = isNasm || !before.isPreprocessed ? undefined : preprocessorName(head);
  if (preprocessor !== undefined) {
    return argument(`#${preprocessor}`, lexemes.slice(2), false);
  }
  const part = statementStart(isNasm, (isNasm ? lexemes : statementParts(lexemes).at(-1)) ?? []);
  const first = part.rest[0];
  if (!first) {
    return { kind: "statement", ...(part.prefix === undefined ? {} : { prefix: part.prefix }) };
  }
  const name = first.text.toLowerCase();
  const rest = part.rest.slice(1);
  if (isMark(rest[0], "=") || isMark(rest[0], "==")) {
    return { kind: "argument", name: "=", index: 0, isMacro: false, wordCount: 0 };
  }
  if (isNasm ? directives.nasm.has(name) : first.text.startsWith(".") && isGasDirective(name)) {
    const isTimes = isNasm && name === "times" && rest.length > 0;
    return isTimes ? times(rest, before) : argument(name, rest, false);
  }
  if (isMnemonic(first.text, isNasm ? "nasm" : "gas")) {
    return operandPlace(isNasm, head, before, first.text, rest);
  }
  if (isNasm && rest.length === 0 && first.kind === "word") {
    return { kind: "statement", label: first.text };
  }
  if (isNasm && first.kind === "word" && rest[0]) {
    // A name without a colon, then what it labels.
    const shifted = head.slice(0, first.start) + " ".repeat(first.end - first.start) + head.slice(first.end);
    const next = rest[0].text.toLowerCase();
    if (directives.nasm.has(next) || isMnemonic(next, "nasm")) {
      return placeOf(true, shifted, before);
    }
  }
  return argument(first.text, rest, true);
}

function argument(name: string, rest: readonly Lexeme[], isMacro: boolean): Place {
  const isFunction = isMacro && isMark(rest[0], "(") && rest[0]?.isSpaced === false;
  const parts = commaParts(isFunction ? rest.slice(1) : rest);
  const isNext = isMark(rest.at(-1), ",");
  const index = Math.max(0, parts.length - 1);
  const words = isNext ? [] : (parts.at(-1) ?? []).filter(({ kind }) => kind !== "mark");
  return { kind: "argument", name, index, isMacro, wordCount: words.length };
}

/** times 510 - ($ - $$) db 0 */
function times(rest: readonly Lexeme[], before: LineState): Place {
  const at = rest.findIndex(
    ({ text }) => directives.nasm.has(text.toLowerCase()) || isMnemonic(text, "nasm"),
  );
  const first = rest[at];
  if (!first) {
    return { kind: "statement" };
  }
  const after = rest.slice(at + 1);
  return directives.nasm.has(first.text.toLowerCase())
    ? argument(first.text.toLowerCase(), after, false)
    : operandPlace(true, after.length > 0 ? first.text : "", before, first.text, after);
}

/** Without labels, prefixes and how to encode it. */
function statementStart(
  isNasm: boolean,
  lexemes: readonly Lexeme[],
): { readonly rest: readonly Lexeme[]; readonly prefix?: string } {
  let at = isNasm && isMark(lexemes[0], "[") ? 1 : 0;
  let prefix: string | undefined;
  for (;;) {
    const lexeme = lexemes[at];
    if (lexeme && isMark(lexemes[at + 1], ":") && lexeme.kind !== "mark") {
      at += 2;
    } else if (isMark(lexeme, "{")) {
      at = closingOf(lexemes, at) + 1;
    } else if (lexeme?.kind === "word" && isPrefix(lexeme.text) && isPrefixHere(lexemes, at)) {
      prefix = lexeme.text.toLowerCase();
      at += 1;
    } else {
      return { rest: lexemes.slice(at), ...(prefix === undefined ? {} : { prefix }) };
    }
  }
}

/** `wait` is also an instruction; both end the statement as well as go before another. */
function isPrefixHere(lexemes: readonly Lexeme[], at: number): boolean {
  const next = lexemes[at + 1];
  return next === undefined || next.kind === "word" || isMark(next, "{");
}

function operandPlace(
  isNasm: boolean,
  head: string,
  before: LineState,
  mnemonic: string,
  rest: readonly Lexeme[],
): Place {
  const parts = commaParts(rest);
  const index = Math.max(0, parts.length - 1);
  const begun = parts.at(-1) ?? [];
  const line = isNasm ? parseNasm(head, before) : parseGas(head, before);
  const statement = line.statements.findLast(({ kind }) => kind === "instruction");
  const operands = statement?.kind === "instruction" ? statement.operands.slice(0, index) : [];
  const depth = begun.reduce((sum, lexeme) => sum + depthChange(lexeme), 0);
  return { kind: "operand", mnemonic, operands, index, begun, isInBrackets: depth > 0 };
}
