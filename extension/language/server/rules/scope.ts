/**
 * What names stand for in a file and in what it includes, as far as rules may rely on it.
 *
 * Invariant: a name that is given two different values stands for nothing here, whichever branch or order it would be. A label stands for itself.
 * Elsewhere: expressions (`constant.ts`), what names mean to a person who asks for their definitions (`index/`).
 */
import type { Definition, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { evaluate, label, type Assembler, type Lookup, type Meaning, type Value } from "./constant.ts";
import { surveyOf } from "./survey.ts";

export interface Entry {
  readonly file: SyntaxFile;
  readonly line: number;
  readonly definition: Definition;
}

/** "." or "$" on a line, as a label among others. */
export function hereOf(line: number): string {
  return `.@${line}`;
}

/** "$$": where the section of a line begins. */
export function sectionStartOf(section: string): string {
  return `.$${section}`;
}

/** The numeric label that stands on a line. */
export function numericOf(name: string, line: number): string {
  return `${name}@${line}`;
}

export function assemblerOf(file: SyntaxFile): Assembler {
  return file.language === "nasm" ? "nasm" : "gas";
}

export class Scope {
  readonly file: SyntaxFile;
  /** The file and what it includes, directly or not. */
  readonly files: readonly SyntaxFile[];
  /** Everything that is included is known. */
  readonly isComplete: boolean;
  #constants: NameTable | undefined;
  #labels: NameTable | undefined;
  readonly #values = new Map<Definition, Value | undefined>();

  constructor(file: SyntaxFile, { files, isComplete }: Closure) {
    this.file = file;
    this.files = files;
    this.isComplete = isComplete;
  }

  /** Constants and single-line macros. */
  get constants(): NameTable {
    this.#constants ??= new NameTable(this.files, "constant", ["constant", "define"]);
    return this.#constants;
  }

  get labels(): NameTable {
    this.#labels ??= new NameTable(this.files, "label", ["label", "local", "numeric", "field", "structure"]);
    return this.#labels;
  }

  /** The value of a text that stands on a line of the file; "$" before an immediate of AT&T is no part of it. */
  evaluate(text: string, line: number): Value | undefined {
    return evaluate(text, assemblerOf(this.file), this.#lookupAt(this.file, line));
  }

  number(text: string, line: number): bigint | undefined {
    const value = this.evaluate(text, line);
    return value?.labels.size === 0 ? value.number : undefined;
  }

  #lookupAt(file: SyntaxFile, line: number): Lookup {
    return (name) => this.#meaning(name, file, line);
  }

  #meaning(name: string, file: SyntaxFile, line: number): Meaning {
    const state = file.lines[line]?.after;
    if (name === "." || name === "$") {
      return { value: label(hereOf(line)) };
    }
    if (name === "$$") {
      return { value: label(sectionStartOf(file.lines[line]?.before.section ?? "")) };
    }
    const numeric = /^(\d+)([fb])$/.exec(name);
    if (numeric) {
      return this.#numeric(numeric[1] ?? "", numeric[2] === "f", line);
    }
    const plain = file.language === "nasm" ? name.replace(/^\$(?=.)/, "") : name;
    const full = file.language === "nasm" && /^\.[^.]/.test(plain) ? (state?.scope ?? "") + plain : plain;
    const entries = this.constants.get(full);
    const first = entries?.[0];
    if (!entries || !first) {
      // A name that nothing here defines may be a constant of a file that is not known, or come from another file.
      return { value: label(full) };
    }
    const { value: text } = first.definition;
    const isPlain = first.definition.parameters === undefined && text !== undefined;
    if (!isPlain || entries.some((entry) => entry.definition.value !== text) || this.labels.has(full)) {
      return undefined;
    }
    if (first.definition.kind === "define") {
      return { text };
    }
    // The same text on two lines ("$ - start") is two values.
    if (entries.length > 1 && /[.$]/.test(text)) {
      return undefined;
    }
    const value = this.#value(first, text);
    return value && { value };
  }

  #value(entry: Entry, text: string): Value | undefined {
    const { definition, file, line } = entry;
    if (this.#values.has(definition)) {
      return this.#values.get(definition);
    }
    // While it is counted it is not known: `.set n, n + 1`.
    this.#values.set(definition, undefined);
    // "." in another file is a place that nobody here knows.
    const isElsewhere = file !== this.file && /(?:^|[^\w.])[.$](?![\w.$])/.test(text);
    const value = isElsewhere ? undefined : evaluate(text, assemblerOf(file), this.#lookupAt(file, line));
    this.#values.set(definition, value);
    return value;
  }

  #numeric(name: string, isForward: boolean, line: number): Meaning {
    const lines = (this.labels.get(name) ?? []).filter((entry) => entry.file === this.file);
    const found = isForward
      ? lines.find((entry) => entry.line > line)
      : lines.findLast((entry) => entry.line <= line);
    return found && { value: label(numericOf(name, found.line)) };
  }
}

/** Definitions of some kinds by their names. Of a name only the lines are kept; entries are made when they are asked for. */
export class NameTable {
  readonly #files: readonly SyntaxFile[];
  readonly #kinds: ReadonlySet<Definition["kind"]>;
  readonly #lines: readonly ReadonlyMap<string, number | readonly number[]>[];
  readonly #entries = new Map<string, readonly Entry[]>();

  constructor(
    files: readonly SyntaxFile[],
    interest: "constant" | "label",
    kinds: readonly Definition["kind"][],
  ) {
    this.#files = files;
    this.#kinds = new Set(kinds);
    this.#lines = files.map((file) => this.#collect(file, interest));
  }

  has(name: string): boolean {
    return this.#lines.some((lines) => lines.has(name));
  }

  get(name: string): readonly Entry[] | undefined {
    const known = this.#entries.get(name);
    if (known) {
      return known;
    }
    const entries = this.has(name) ? this.#files.flatMap((file, at) => this.#entriesIn(file, at, name)) : [];
    if (entries.length === 0) {
      return undefined;
    }
    this.#entries.set(name, entries);
    return entries;
  }

  #entriesIn(file: SyntaxFile, at: number, name: string): readonly Entry[] {
    const lines = this.#lines[at]?.get(name) ?? [];
    return (typeof lines === "number" ? [lines] : [...new Set(lines)]).flatMap((line) =>
      (file.lines[line]?.definitions ?? [])
        .filter((definition) => definition.name === name && this.#kinds.has(definition.kind))
        .map((definition) => ({ file, line, definition })),
    );
  }

  *names(): Generator<string> {
    for (const lines of this.#lines) {
      yield* lines.keys();
    }
  }

  /** Names that one of the files defines more than once. */
  *repeated(): Generator<string> {
    for (const lines of this.#lines) {
      for (const [name, found] of lines) {
        if (typeof found !== "number") {
          yield name;
        }
      }
    }
  }

  #collect(
    file: SyntaxFile,
    interest: "constant" | "label",
  ): ReadonlyMap<string, number | readonly number[]> {
    const found = new Map<string, number | number[]>();
    for (const line of surveyOf(file).linesOf(interest)) {
      for (const { kind, name } of file.lines[line]?.definitions ?? []) {
        if (this.#kinds.has(kind)) {
          const known = found.get(name);
          if (known === undefined) {
            found.set(name, line);
          } else if (typeof known === "number") {
            found.set(name, [known, line]);
          } else {
            known.push(line);
          }
        }
      }
    }
    return found;
  }
}

interface Closure {
  readonly files: readonly SyntaxFile[];
  readonly isComplete: boolean;
}

function closureOf(file: SyntaxFile, world: World): Closure {
  const files = [file];
  let isComplete = true;
  for (const one of files) {
    for (const number of surveyOf(one).linesOf("include")) {
      for (const include of one.lines[number]?.includes ?? []) {
        const found = include.isBinary ? one : included(one.uri, include.path.text, world);
        if (!found) {
          isComplete = false;
        } else if (!files.includes(found)) {
          files.push(found);
        }
      }
    }
  }
  return { files, isComplete };
}

/** The file beside the one that includes it, or else the only one whose path ends so. */
function included(from: string, path: string, world: World): SyntaxFile | undefined {
  const beside = world.file(from.slice(0, from.lastIndexOf("/") + 1) + path.replace(/^\.\//, ""));
  if (beside) {
    return beside;
  }
  let only: SyntaxFile | undefined;
  const ending = `/${path.replace(/^(?:\.\.?\/)+/, "")}`;
  for (const file of world.files()) {
    if (file.uri.endsWith(ending)) {
      if (only) {
        return undefined;
      }
      only = file;
    }
  }
  return only;
}

const scopes = new WeakMap<SyntaxFile, Scope>();

export function scopeOf(file: SyntaxFile, world: World): Scope {
  const closure = closureOf(file, world);
  const known = scopes.get(file);
  const isSame =
    known !== undefined &&
    known.isComplete === closure.isComplete &&
    known.files.length === closure.files.length &&
    known.files.every((one, number) => one === closure.files[number]);
  if (isSame) {
    return known;
  }
  const scope = new Scope(file, closure);
  scopes.set(file, scope);
  return scope;
}
