/**
 * Commands of a compilation database (`compile_commands.json`), each word with its place in the text.
 *
 * Invariant: a word is what the compiler gets as one argument. Quoting is the shell's as the format has it ("JSON Compilation Database Format
 * Specification" of Clang); nothing is expanded.
 * Elsewhere: what the words mean (`build-option.ts`).
 */
import { offsetIn, parseJson, type Extent, type Json, type JsonString } from "./build-json.ts";

/** An argument; the extent includes its quotes. */
export interface Word extends Extent {
  readonly text: string;
}

export interface CompileCommand {
  /** As the entry has it: relative to `directory`, or absolute. */
  readonly file: string;
  readonly directory: string;
  /** The compiler first. */
  readonly words: readonly Word[];
  /** What to write behind a word to add another. */
  readonly insertion: (word: string) => string;
}

/** An argument of a command line that stands in a string: indices of its value. */
export function splitWords(command: string): readonly Word[] {
  const words: Word[] = [];
  let text = "";
  let start = -1;
  let quote = "";
  for (let at = 0; at < command.length; at += 1) {
    const letter = command[at] ?? "";
    if (quote === "" && /\s/.test(letter)) {
      if (start >= 0) {
        words.push({ text, start, end: at });
      }
      start = -1;
      text = "";
      continue;
    }
    start = start < 0 ? at : start;
    if (letter === "\\" && quote !== "'" && isEscaped(command[at + 1], quote)) {
      at += 1;
      text += command[at] ?? "";
    } else if (quote === letter) {
      quote = "";
    } else if (quote === "" && (letter === '"' || letter === "'")) {
      quote = letter;
    } else {
      text += letter;
    }
  }
  return start < 0 ? words : [...words, { text, start, end: command.length }];
}

/** Within double quotes a backslash stands for itself before all but these. */
function isEscaped(next: string | undefined, quote: string): boolean {
  return next !== undefined && (quote === "" || next === '"' || next === "\\" || next === "$");
}

/** Empty for a text that is no compilation database; entries that are none are left out. */
export function compileCommands(text: string): readonly CompileCommand[] {
  const database = parseJson(text);
  return database?.kind === "array" ? database.items.flatMap((entry) => commandOf(text, entry)) : [];
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
    return [{ ...base, words, insertion: (word) => `, ${JSON.stringify(word)}` }];
  }
  if (!file || !line) {
    return [];
  }
  // Places are only looked for where there is something to say: most commands have nothing.
  const words = splitWords(line.value).map((word) => placed(text, line, word));
  return [{ ...base, words, insertion: (word) => ` ${word}` }];
}

function placed(source: string, line: JsonString, { text, start, end }: Word): Word {
  const isPlain = line.value.length === line.end - line.start - 2;
  if (isPlain) {
    return { text, start: line.start + 1 + start, end: line.start + 1 + end };
  }
  return {
    text,
    get start() {
      return offsetIn(source, line, start);
    },
    get end() {
      return offsetIn(source, line, end);
    },
  };
}
