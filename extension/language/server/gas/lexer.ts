/**
 * Cuts a line of GNU assembly into lexemes: comments of all three kinds, strings, characters, numbers, names with macro parameters in them.
 *
 * Invariant: every line is cut, in time linear in its length; what no rule knows is a mark of one character.
 * Source: "Using as", 3 "Syntax"; x86: 9.16 "80386 Dependent Features" (comment characters "#" and, at the start of a line, "/").
 */
import type { Cut, Lexeme } from "../lexeme.ts";
import { isRegister } from "../mnemonic.ts";
import type { LineState, Span, SyntaxError } from "../syntax.ts";

const blank = /[ \t\f\v\r\u00a0]+/y;
const string = /"(?:[^"\\]|\\.)*"/y;
const character = /'(?:\\(?:[0-7]{1,3}|x[\da-fA-F]+|.)|[^\\])'?/uy;
const number = /\d[\w.]*/y;
const register = /%(?:st\(\d\)|[A-Za-z]\w*)/y;
const name =
  /(?:[A-Za-z_.\u0080-\uffff]|\\[A-Za-z_.$@+]|\\\(\))(?:[\w.$\u0080-\uffff]|\\\(\)|\\@|\\[A-Za-z_.$]|##(?=[\w.$\\]))*/y;
const paste = /##(?:[\w.$]|##)+/y;
const mark = /<<|>>|==|!=|&&|\|\||<=|>=|<>|[^]/uy;

interface Cursor {
  readonly text: string;
  at: number;
  readonly lexemes: Lexeme[];
  readonly comments: Span[];
  readonly errors: SyntaxError[];
  inComment: boolean;
  isSpaced: boolean;
}

/** `isDirective`: a line of the C preprocessor, where "#" is an operator and begins no comment. */
export function cut(whole: string, before: LineState, isDirective: boolean): Cut {
  const continues = before.isPreprocessed && /\\[ \t]*$/.test(whole);
  const text = continues ? whole.replace(/\\[ \t]*$/, "") : whole;
  const cursor: Cursor = {
    text,
    at: 0,
    lexemes: [],
    comments: [],
    errors: [],
    inComment: before.inComment,
    isSpaced: true,
  };
  if (cursor.inComment) {
    blockComment(cursor, 0);
  }
  while (cursor.at < text.length) {
    next(cursor, before, isDirective);
  }
  const { lexemes, comments, errors, inComment } = cursor;
  return { lexemes, comments, errors, inComment, continues };
}

/** From `start`, where "/*" begins or the line goes on inside. */
function blockComment(cursor: Cursor, start: number): void {
  const from = cursor.inComment ? start : start + 2;
  const end = cursor.text.indexOf("*/", from);
  cursor.inComment = end < 0;
  cursor.at = end < 0 ? cursor.text.length : end + 2;
  cursor.comments.push({ start, end: cursor.at });
  cursor.isSpaced = true;
}

function next(cursor: Cursor, before: LineState, isDirective: boolean): void {
  const { text, at } = cursor;
  if (match(blank, cursor) !== null) {
    cursor.isSpaced = true;
    return;
  }
  if (text.startsWith("/*", at)) {
    blockComment(cursor, at);
    return;
  }
  if (startsComment(cursor, isDirective)) {
    cursor.comments.push({ start: at, end: text.length });
    cursor.at = text.length;
    return;
  }
  lexeme(cursor, before, isDirective);
  cursor.isSpaced = false;
}

function startsComment(cursor: Cursor, isDirective: boolean): boolean {
  const { text, at } = cursor;
  return (
    text.startsWith("//", at) ||
    (text[at] === "#" && !isDirective) ||
    (text[at] === "/" && cursor.lexemes.length === 0 && cursor.comments.length === 0)
  );
}

function lexeme(cursor: Cursor, before: LineState, isDirective: boolean): void {
  const start = cursor.at;
  const first = cursor.text[start] ?? "";
  if (first === '"') {
    quoted(cursor, isDirective || before.macros.length > 0);
  } else if (first === "'" && take(cursor, character, "number")) {
    return;
  } else if (/\d/.test(first)) {
    const found = match(number, cursor) ?? first;
    push(cursor, /^\d+[fb]$/.test(found) ? "local" : "number", start, found);
  } else if (first === "%") {
    percent(cursor);
  } else if (isDirective && take(cursor, paste, "pattern")) {
    return;
  } else {
    const found = match(name, cursor);
    if (found === null) {
      push(cursor, "mark", start, match(mark, cursor) ?? first);
    } else {
      push(cursor, /\\|##/.test(found) ? "pattern" : "word", start, found);
    }
  }
}

/** A string; one that does not end takes the rest of the line, which is no error where text is only passed on. */
function quoted(cursor: Cursor, isLenient: boolean): void {
  const start = cursor.at;
  if (take(cursor, string, "string")) {
    return;
  }
  push(cursor, "string", start, cursor.text.slice(start));
  cursor.at = cursor.text.length;
  if (!isLenient) {
    cursor.errors.push({ start, end: cursor.at, message: "The string has no closing quote." });
  }
}

/** "%" begins a register or is the remainder operator. */
function percent(cursor: Cursor): void {
  const start = cursor.at;
  const found = match(register, cursor);
  if (found !== null && isRegister(found.slice(1))) {
    push(cursor, "register", start, found);
    return;
  }
  cursor.at = start + 1;
  push(cursor, "mark", start, "%");
}

function take(cursor: Cursor, pattern: RegExp, kind: Lexeme["kind"]): boolean {
  const start = cursor.at;
  const found = match(pattern, cursor);
  if (found === null) {
    return false;
  }
  push(cursor, kind, start, found);
  return true;
}

function match(pattern: RegExp, cursor: Cursor): string | null {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found === undefined || found === "") {
    return null;
  }
  cursor.at += found.length;
  return found;
}

function push(cursor: Cursor, kind: Lexeme["kind"], start: number, text: string): void {
  const { isSpaced } = cursor;
  cursor.lexemes.push({ kind, text, start, end: start + text.length, isSpaced });
}
