/**
 * A file as lines: opened as a whole, then changed line by line.
 *
 * Invariant: a changed file equals the same text opened anew. A line depends on its text and on the state before it and on nothing else, so after a change
 * only the changed lines are parsed, and those behind them until the state is again what it was. In linker scripts statements go over lines: there the
 * statements are read again that a change is in.
 * Elsewhere: the parsers (`gas/line.ts`, `nasm/line.ts`, `script/`).
 */
import { parseLine as gasLine } from "./gas/line.ts";
import { parseLine as nasmLine } from "./nasm/line.ts";
import { openScript } from "./script/index.ts";
import type { Language, Line, LineChange, LineState, SyntaxFile } from "./syntax.ts";

/** What parses a line, and the state before the first. */
export interface LineParser {
  readonly initial: LineState;
  readonly parse: (text: string, before: LineState) => Line;
}

/** A changed file, and how many lines had to be parsed for it. */
export interface Changed {
  readonly file: SyntaxFile;
  readonly parsedCount: number;
}

function initialOf(uri: string, language: Language): LineState {
  return {
    bits: null,
    dialect: language === "nasm" ? "intel" : "att",
    inComment: false,
    macros: [],
    section: "",
    scope: "",
    isPreprocessed: language === "gas" && !uri.endsWith(".s"),
    continues: null,
    sections: [],
    previous: "",
    conditions: [],
  };
}

/** Null for linker scripts, which are not parsed line by line. */
function parserOf(uri: string, language: Language): LineParser | null {
  const initial = initialOf(uri, language);
  switch (language) {
    case "gas":
      return { initial, parse: gasLine };
    case "nasm":
      return { initial, parse: nasmLine };
    case "linkerscript":
      return null;
  }
}

/** Lines end with LF, CR LF or CR, as the Language Server Protocol has it; the ends are not part of them. */
export function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\n|\r/);
}

/** `text` is the whole file. Never fails. */
export function open(uri: string, language: Language, text: string): SyntaxFile {
  const work = opening(uri, language, text);
  for (;;) {
    const step = work.next();
    if (step.done) {
      return step.value;
    }
  }
}

/** Lines between two places to pause at. */
const linesPerPart = 128;

/** `open`, with places to pause at. */
export function* opening(uri: string, language: Language, text: string): Generator<undefined, SyntaxFile> {
  const parser = parserOf(uri, language);
  if (!parser) {
    return openScript(uri, linesOf(text), initialOf(uri, language)).file;
  }
  const lines: Line[] = [];
  let state = parser.initial;
  for (const part of linesOf(text)) {
    const line = parseSettled(parser, part, state);
    lines.push(line);
    state = line.after;
    if (lines.length % linesPerPart === 0) {
      yield undefined;
    }
  }
  return { uri, language, lines };
}

export function change(file: SyntaxFile, edit: LineChange): SyntaxFile {
  return changeCounted(file, edit).file;
}

/** `change`, for those who want to know what it cost. */
export function changeCounted(file: SyntaxFile, edit: LineChange): Changed {
  const parser = parserOf(file.uri, file.language);
  const from = Math.max(0, Math.min(edit.from, file.lines.length));
  const to = Math.max(from, Math.min(edit.to, file.lines.length));
  if (!parser) {
    const texts = [...file.lines.slice(0, from), ...file.lines.slice(to)].map((line) => line.text);
    texts.splice(from, 0, ...edit.lines);
    return openScript(file.uri, texts.length === 0 ? [""] : texts, initialOf(file.uri, file.language), file);
  }
  const replaced: Line[] = [];
  let state = file.lines[from - 1]?.after ?? parser.initial;
  for (const text of edit.lines) {
    const line = parseSettled(parser, text, state);
    replaced.push(line);
    state = line.after;
  }
  let kept = to;
  for (; kept < file.lines.length; kept += 1) {
    const old = file.lines[kept];
    if (!old || equalStates(old.before, state)) {
      break;
    }
    const line = parseSettled(parser, old.text, state);
    replaced.push(line);
    state = line.after;
  }
  const lines = [...file.lines.slice(0, from), ...replaced, ...file.lines.slice(kept)];
  const isEmpty = lines.length === 0;
  return {
    file: { ...file, lines: isEmpty ? [parser.parse("", parser.initial)] : lines },
    parsedCount: replaced.length,
  };
}

/** States that say the same are the same value, so that comparing them is cheap nearly always. */
function parseSettled(parser: LineParser, text: string, before: LineState): Line {
  const line = parser.parse(text, before);
  return line.after !== before && equalStates(line.after, before) ? { ...line, after: before } : line;
}

/** Whether lines of equal text after them are equal. */
export function equalStates(a: LineState, b: LineState): boolean {
  return a === b || (scalarsEqual(a, b) && partsEqual(a, b));
}

function scalarsEqual(a: LineState, b: LineState): boolean {
  return (
    a.bits === b.bits &&
    a.dialect === b.dialect &&
    a.inComment === b.inComment &&
    a.section === b.section &&
    a.scope === b.scope &&
    a.isPreprocessed === b.isPreprocessed &&
    a.previous === b.previous
  );
}

function partsEqual(a: LineState, b: LineState): boolean {
  return (
    (a.macros === b.macros || same(a.macros, b.macros)) &&
    (a.sections === b.sections || same(a.sections, b.sections)) &&
    (a.continues === b.continues || same(a.continues, b.continues)) &&
    (a.conditions === b.conditions || same(a.conditions, b.conditions))
  );
}

/** Plain data of few parts, made by the same code, so that keys stand in the same order. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
