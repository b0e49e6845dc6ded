/**
 * Lines of the C preprocessor in a script: what `#define` defines, names that conditions use, and what the body of a macro leaves where it is called.
 *
 * Invariant: the body of a `#define` is no part of the tree; it makes references and templates only.
 */
import type { Builder } from "../builder.ts";
import type { Token } from "../syntax.ts";
import { isFunction } from "./function.ts";
import type { Sheet } from "./line.ts";
import type { Directive } from "./tree.ts";

const wordPattern = /"[^"]*"|[A-Za-z_.$][\w.$]*|\d[\w.]*|##|[^\s]/g;

/** Words of scripts that a body may hold and that are no macros. */
const reserved =
  /^(?:KEEP|PROVIDE|PROVIDE_HIDDEN|HIDDEN|AT|SORT\w*|EXCLUDE_FILE|SUBALIGN|COMMON|CONSTRUCTORS|BYTE|SHORT|LONG|QUAD|SQUAD|FILL|NOLOAD|INFO|COPY|DSECT|OVERLAY|SECTIONS|MEMORY|PHDRS|SIZEOF_HEADERS|ENTRY|EXTERN|ONLY_IF_R[OW]|DISCARD|defined)$/;

export function directive(sheet: Sheet, { line, endLine, name, start, end }: Directive): void {
  const builder = sheet.at(line);
  if (!builder) {
    return;
  }
  const token: Token = { text: `#${name}`, start, end };
  const text = builder.text.replace(/\\$/, "").trimEnd();
  builder.statements.push({
    kind: "directive",
    name: token,
    operands: [],
    start,
    end: Math.max(end, text.length),
  });
  switch (name) {
    case "define":
      define(sheet, line, endLine, end);
      return;
    case "if":
    case "elif":
    case "ifdef":
    case "ifndef":
    case "undef":
      for (let number = line; number <= endLine; number += 1) {
        uses(sheet.at(number), number === line ? end : 0, name === "undef");
      }
      return;
    default:
  }
}

function uses(builder: Builder | undefined, from: number, isWritten: boolean): void {
  for (const word of builder ? wordsIn(builder, from) : []) {
    if (/^[A-Za-z_$]/.test(word.text) && word.text !== "defined") {
      builder?.references.push({ name: word.text, token: word, ...(isWritten ? { isWritten } : {}) });
    }
  }
}

function wordsIn(builder: Builder, from: number): readonly Token[] {
  const isComment = (column: number): boolean =>
    builder.comments.some(({ start, end }) => start <= column && column < end);
  const found: Token[] = [];
  for (const match of builder.text.slice(from).matchAll(wordPattern)) {
    const start = from + match.index;
    if (!isComment(start)) {
      found.push({ text: match[0], start, end: start + match[0].length });
    }
  }
  return found;
}

function define(sheet: Sheet, line: number, endLine: number, from: number): void {
  const first = sheet.at(line);
  const words = first ? wordsIn(first, from) : [];
  const name = words[0];
  if (!first || !name || !/^[A-Za-z_]/.test(name.text)) {
    return;
  }
  const isFunctionLike = words[1]?.text === "(" && words[1].start === name.end;
  const close = isFunctionLike ? words.findIndex(({ text }) => text === ")") : 0;
  const parameters = isFunctionLike
    ? words
        .slice(2, close)
        .map(({ text }) => text)
        .filter((text) => /^[A-Za-z_]/.test(text))
    : [];
  const bodyStart = words[close + 1]?.start ?? first.text.length;
  first.definitions.push({
    kind: "define",
    name: name.text,
    token: name,
    value: first.text.slice(bodyStart).replace(/\\$/, "").trim(),
    ...(isFunctionLike ? { parameters } : {}),
  });
  body(first, words.slice(close + 1), name.text, parameters);
  for (let number = line + 1; number <= endLine; number += 1) {
    const builder = sheet.at(number);
    if (builder) {
      body(builder, wordsIn(builder, 0), name.text, parameters);
    }
  }
}

function body(builder: Builder, words: readonly Token[], macro: string, parameters: readonly string[]): void {
  const open = (text: string): string => (parameters.includes(text) ? `\\${text}` : text);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (!word || !/^[A-Za-z_.$]/.test(word.text)) {
      continue;
    }
    // Pieces that "##" joins are one name.
    let [name, last] = [open(word.text), at];
    while (words[last + 1]?.text === "##") {
      name += `\\()${open(words[last + 2]?.text ?? "")}`;
      last += 2;
    }
    const next = words[last + 1];
    const isWhole = last === at;
    at = last;
    if (next?.text === "=" && words[last + 2]?.text !== "=" && word.text !== ".") {
      builder.templates.push({ kind: "constant", macro, name, arguments: [] });
    } else if (next?.text === "(" && !isFunction(word.text) && !reserved.test(word.text)) {
      const args = argumentsOf(builder, words, last + 1).map((text) =>
        text.replaceAll(/[A-Za-z_.$][\w.$]*/g, open).replaceAll(/\s*##\s*/g, "\\()"),
      );
      builder.templates.push({ kind: "call", macro, name, arguments: args });
    } else if (
      /^[A-Z_][A-Z0-9_]*$/.test(word.text) &&
      isWhole &&
      !reserved.test(word.text) &&
      !parameters.includes(word.text)
    ) {
      builder.templates.push({ kind: "call", macro, name, arguments: [] });
    }
    if (
      isWhole &&
      /^[A-Za-z_]/.test(word.text) &&
      !parameters.includes(word.text) &&
      !isFunction(word.text) &&
      !reserved.test(word.text)
    ) {
      // A name that the macro defines is none that it uses; others may be sections' or only text.
      if (next?.text !== "=") {
        builder.references.push({ name: word.text, token: word, isArgument: true });
      }
    }
  }
}

function argumentsOf(builder: Builder, words: readonly Token[], from: number): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let start = words[from]?.end ?? 0;
  for (const word of words.slice(from)) {
    depth += word.text === "(" ? 1 : word.text === ")" ? -1 : 0;
    if (depth === 0 || (depth === 1 && word.text === ",")) {
      found.push(builder.text.slice(start, word.start).trim());
      start = word.end;
    }
    if (depth === 0) {
      break;
    }
  }
  return found;
}
