/**
 * What is found line by line, kept as long as the lines are: after a change of a file only its new lines are looked at.
 *
 * Invariant: what is kept of a line depends on the line alone (and the language). A few files are remembered, the ones that were asked for last: the one that
 * somebody types in is among them.
 */
import type { Line, SyntaxFile } from "../syntax.ts";

interface Known<Value> {
  readonly lines: readonly Line[];
  readonly values: readonly Value[];
}

const filesMax = 8;

export class PerLine<Value> {
  readonly #look: (line: Line, file: SyntaxFile) => Value;
  /** By URI, the one asked for last behind all others. */
  readonly #known = new Map<string, Known<Value>>();

  constructor(look: (line: Line, file: SyntaxFile) => Value) {
    this.#look = look;
  }

  /** A value for each line of the file. */
  of(file: SyntaxFile): readonly Value[] {
    const { lines, uri } = file;
    const before = this.#known.get(uri);
    if (before?.lines === lines) {
      return before.values;
    }
    const values = before ? this.#changed(before, file) : lines.map((line) => this.#look(line, file));
    this.#known.delete(uri);
    this.#known.set(uri, { lines, values });
    const [oldest] = this.#known.size > filesMax ? this.#known.keys() : [];
    if (oldest !== undefined) {
      this.#known.delete(oldest);
    }
    return values;
  }

  /** Lines at the beginning and at the end that are the same keep their values. */
  #changed({ lines: old, values }: Known<Value>, file: SyntaxFile): readonly Value[] {
    const { lines } = file;
    const shorter = Math.min(old.length, lines.length);
    let start = 0;
    while (start < shorter && old[start] === lines[start]) {
      start += 1;
    }
    let end = 0;
    while (end < shorter - start && old[old.length - 1 - end] === lines[lines.length - 1 - end]) {
      end += 1;
    }
    const middle = lines.slice(start, lines.length - end).map((line) => this.#look(line, file));
    return values.slice(0, start).concat(middle, values.slice(values.length - end));
  }
}
