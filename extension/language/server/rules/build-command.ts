/**
 * Commands of a compilation database (`compile_commands.json`), each word with its place in the text.
 *
 * Invariant: a word is what the compiler gets as one argument. Quoting is the shell's as the format has it ("JSON Compilation Database Format
 * Specification" of Clang); nothing is expanded.
 * Elsewhere: what the words mean (`build-option.ts`).
 */
import { offsetIn, parseJson, type Extent, type Json, type JsonString } from "./build-json.ts";

/** An argument. Where it stands is `CompileCommand.extentOf`: to find out takes time, and most commands have nothing to point at. */
export interface Word extends Extent {
  readonly text: string;
}

export interface CompileCommand {
  /** As the entry has it: relative to `directory`, or absolute. */
  readonly file: string;
  readonly directory: string;
  /** The compiler first. */
  readonly words: readonly Word[];
  /** In the text, with the word's quotes. */
  readonly extentOf: (word: Word) => Extent;
  /** What to write behind a word to add another. */
  readonly insertion: (word: string) => string;
}

/** A word with its quotes; one that is never closed ends with the command. */
const WORD = /(?:[^\s"'\\]+|"(?:[^"\\]|\\[^])*(?:"|\\?$)|'[^']*(?:'|$)|\\[^]?)+/g;

/** Arguments of a command line, with their indices in it. */
export function splitWords(command: string): readonly Word[] {
  return Array.from(command.matchAll(WORD), ({ 0: raw, index }) => ({
    text: /["'\\]/.test(raw) ? unquoted(raw) : raw,
    start: index,
    end: index + raw.length,
  }));
}

function unquoted(raw: string): string {
  let text = "";
  let quote = "";
  for (let at = 0; at < raw.length; at += 1) {
    const letter = raw[at] ?? "";
    if (letter === "\\" && quote !== "'" && isEscaped(raw[at + 1], quote)) {
      at += 1;
      text += raw[at] ?? "";
    } else if (quote === letter) {
      quote = "";
    } else if (quote === "" && (letter === '"' || letter === "'")) {
      quote = letter;
    } else {
      text += letter;
    }
  }
  return text;
}

/** Within double quotes a backslash stands for itself before all but these. */
function isEscaped(next: string | undefined, quote: string): boolean {
  return next !== undefined && (quote === "" || next === '"' || next === "\\" || next === "$");
}

/** "gcc" of "/usr/bin/gcc". */
export const programName = (path: string): string => path.split(/[/\\]/).at(-1) ?? "";

const WRAPPER = /^(?:ccache|sccache|distcc|icecc)(?:\.exe)?$/;

/** Without a program at its head that runs another: ccache, distcc, sccache, icecc. */
export function withoutWrapper(words: readonly Word[]): readonly Word[] {
  return WRAPPER.test(programName(words[0]?.text ?? "")) ? words.slice(1) : words;
}

/**
 * Empty for a text that is no compilation database; entries that are none are left out.
 *
 * @param isWanted of an entry's text: what is not need not be divided into words
 */
export function commandsIn(text: string, isWanted: (entry: string) => boolean): readonly CompileCommand[] {
  const database = parseJson(text);
  const entries = database?.kind === "array" ? database.items : [];
  return entries
    .filter(({ start, end }) => isWanted(text.slice(start, end)))
    .flatMap((entry) => commandOf(text, entry));
}

function commandOf(text: string, entry: Json): readonly CompileCommand[] {
  if (entry.kind !== "object") {
    return [];
  }
  const string = (name: string): JsonString | undefined => {
    const value = entry.members.get(name)?.value;
    return value?.kind === "string" ? value : undefined;
  };
  const file = string("file");
  const list = entry.members.get("arguments")?.value;
  const line = string("command");
  const base = { file: file?.value ?? "", directory: string("directory")?.value ?? "" };
  if (file && list?.kind === "array" && list.items.every(({ kind }) => kind === "string")) {
    const words = list.items.flatMap((item) =>
      item.kind === "string" ? [{ text: item.value, start: item.start, end: item.end }] : [],
    );
    return [{ ...base, words, extentOf: (word) => word, insertion: (word) => `, ${JSON.stringify(word)}` }];
  }
  if (!file || !line) {
    return [];
  }
  return [
    {
      ...base,
      words: splitWords(line.value),
      extentOf: ({ start, end }) => ({ start: offsetIn(text, line, start), end: offsetIn(text, line, end) }),
      insertion: (word) => ` ${word}`,
    },
  ];
}
