/**
 * Reads what is inside the braces of MEMORY, PHDRS and VERSION.
 *
 * Source: the ld manual, "MEMORY Command", "PHDRS Command", "VERSION Command".
 */
import { closeBracket, expression, wordOf } from "./expression.ts";
import { bracketed } from "./pattern.ts";
import type { Scanner } from "./scanner.ts";
import type { Branch, Expression, Headers, Memory, ProgramHeader, Region, Version, Word } from "./tree.ts";

export function memory(scanner: Scanner, first: Word, branch: Branch | null): Memory {
  const regions: Region[] = [];
  for (;;) {
    const token = scanner.peek("script");
    if (isEnd(scanner)) {
      return { kind: "memory", branch, regions, first, last: wordOf(scanner.last) };
    }
    if (token.kind === "mark") {
      scanner.errorAt(scanner.next("script"), `"${token.text}" where the name of a memory region belongs.`);
      skipTo(scanner, /^[,;]$/);
    } else {
      const read = region(scanner);
      if (read) {
        regions.push(read);
      }
    }
  }
}

function region(scanner: Scanner): Region | null {
  const { branch } = scanner;
  const name = wordOf(scanner.next("script"));
  if (name.text === "INCLUDE") {
    scanner.next("pattern");
    return null;
  }
  const attributes = scanner.isAt("(", "pattern") ? joined(bracketed(scanner)) : null;
  if (!scanner.skip(":")) {
    if (!scanner.source.isPreprocessed) {
      scanner.missing('A ":" is missing behind the name of the memory region.');
      skipTo(scanner, /^[;]$/);
    }
    return null;
  }
  const origin = part(scanner, /^(?:ORIGIN|org|o)$/, "ORIGIN = address");
  scanner.skip(",");
  const length = origin && part(scanner, /^(?:LENGTH|len|l)$/, "LENGTH = size");
  return { branch, name, attributes, origin, length, first: name, last: wordOf(scanner.last) };
}

function part(scanner: Scanner, names: RegExp, form: string): Expression | null {
  const token = scanner.peek("expression");
  if (token.kind !== "word" || !names.test(token.text)) {
    scanner.missing(`A memory region needs "${form}".`);
    skipTo(scanner, /^[;]$/);
    return null;
  }
  scanner.next("expression");
  if (!scanner.skip("=")) {
    scanner.missing(`A memory region needs "${form}".`);
    return null;
  }
  return expression(scanner);
}

function joined(words: readonly Word[]): Word | null {
  const [first, last] = [words[0], words.at(-1)];
  if (!first || !last) {
    return null;
  }
  return { ...first, text: words.map(({ text }) => text).join(""), end: Math.max(first.end, last.end) };
}

export function phdrs(scanner: Scanner, first: Word, branch: Branch | null): Headers {
  const headers: ProgramHeader[] = [];
  for (;;) {
    const token = scanner.peek("script");
    if (isEnd(scanner)) {
      return { kind: "phdrs", branch, headers, first, last: wordOf(scanner.last) };
    }
    if (token.kind === "mark" && token.text === ";") {
      scanner.next("script");
    } else if (token.kind === "mark") {
      scanner.errorAt(scanner.next("script"), `"${token.text}" where the name of a program header belongs.`);
      skipTo(scanner, /^;$/);
    } else {
      headers.push(header(scanner));
    }
  }
}

function header(scanner: Scanner): ProgramHeader {
  const { branch } = scanner;
  const name = wordOf(scanner.next("script"));
  const next = scanner.peek("expression");
  const type = next.kind === "mark" || next.kind === "end" ? null : expression(scanner);
  if (type === null) {
    scanner.missing("A program header needs its type: PT_LOAD.");
  }
  let [hasFileHeader, hasProgramHeaders] = [false, false];
  let [at, flags]: [Expression | null, Expression | null] = [null, null];
  while (scanner.peek("expression").kind === "word") {
    const word = scanner.next("expression");
    const isCalled = scanner.skip("(");
    const value = isCalled ? expression(scanner) : null;
    if (isCalled) {
      closeBracket(scanner);
    }
    if (word.text === "FILEHDR") {
      hasFileHeader = true;
    } else if (word.text === "PHDRS") {
      hasProgramHeaders = true;
    } else if (word.text === "AT") {
      at = value;
    } else if (word.text === "FLAGS") {
      flags = value;
    } else if (!scanner.source.isPreprocessed) {
      scanner.errorAt(word, `A program header has FILEHDR, PHDRS, AT(…) and FLAGS(…), not "${word.text}".`);
    }
  }
  if (!scanner.skip(";") && !scanner.source.isPreprocessed) {
    scanner.missing('A ";" is missing behind the program header.');
    skipTo(scanner, /^;$/);
  }
  return {
    branch,
    name,
    type,
    hasFileHeader,
    hasProgramHeaders,
    at,
    flags,
    first: name,
    last: wordOf(scanner.last),
  };
}

/** Patterns of names in nodes of versions; their structure is not looked at. */
export function version(scanner: Scanner, first: Word, branch: Branch | null): Version {
  const names: Word[] = [];
  let depth = 0;
  for (;;) {
    const token = scanner.peek("expression");
    if (token.kind === "end" || (depth === 0 && token.kind === "mark" && token.text === "}")) {
      return { kind: "version", branch, names, first, last: wordOf(scanner.last) };
    }
    const isFirst = scanner.last.kind === "mark" && scanner.last.text !== "}";
    scanner.next("expression");
    if (token.kind === "mark") {
      depth += token.text === "{" ? 1 : token.text === "}" ? -1 : 0;
    } else if (isFirst && token.kind === "word" && scanner.isAt(";")) {
      names.push(wordOf(token));
    }
  }
}

function isEnd(scanner: Scanner): boolean {
  const token = scanner.peek("script");
  return token.kind === "end" || (token.kind === "mark" && token.text === "}");
}

/** Behind the next such mark, or before the brace that closes the block. */
function skipTo(scanner: Scanner, marks: RegExp): void {
  while (!isEnd(scanner)) {
    const token = scanner.next("script");
    if (token.kind === "mark" && marks.test(token.text)) {
      return;
    }
  }
}
