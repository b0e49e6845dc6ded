/**
 * What of a script's tree still stands after a change: statements whose text, and everything that was looked at to read them, is as it was.
 *
 * Invariant: only a statement that was read without a word about a mistake is kept, since one mistake may silence the next; so a changed script equals the same
 * text read anew, down to its errors.
 * Elsewhere: who reads (`parser.ts`), the lines (`line.ts`).
 */
import type { Level } from "./reading.ts";
import type { Scanned } from "./scanner.ts";
import type { Source } from "./source.ts";
import type { Block, Branch, ScriptTree, Statement } from "./tree.ts";

/** A statement as it was read, and where the scanner stood. */
export interface Piece {
  readonly level: Level;
  /** Where its first token begins. */
  readonly line: number;
  readonly column: number;
  readonly statement: Statement;
  /** Behind it. */
  readonly endLine: number;
  readonly endColumn: number;
  readonly last: Scanned;
  /** The last line that was looked at. */
  readonly reach: number;
  /** Braces in it. */
  readonly blocks: readonly Block[];
  /** Pieces of what is inside it. */
  readonly inner: readonly Piece[];
}

/** What a whole file is: a script, a part of one that another includes, or regions of MEMORY alone. */
export type FileLevel = "script" | "fragment" | "regions";

/** A script that was read, with what the next reading of it needs. */
export interface Parsed {
  readonly tree: ScriptTree;
  readonly source: Source;
  readonly texts: readonly string[];
  readonly level: FileLevel;
  readonly pieces: readonly Piece[];
  /** What is as it was in the script before; null: nothing, or there was none. */
  readonly unchanged: Unchanged | null;
  /** Statements that were not read but kept, as they stand in this tree, and the same as they stood in the one before. */
  readonly kept: ReadonlySet<Statement>;
  readonly before: ReadonlySet<Statement>;
}

/** Lines that a script begins and ends with as it did before. */
export interface Unchanged {
  readonly head: number;
  readonly tail: number;
}

export function unchanged(old: Parsed, source: Source, texts: readonly string[]): Unchanged {
  const shorter = Math.min(old.texts.length, texts.length);
  const same = (a: number, b: number): boolean =>
    old.texts[a] === texts[b] &&
    old.source.code[a] === source.code[b] &&
    old.source.inComment[a] === source.inComment[b] &&
    (old.source.inComment[a + 1] ?? false) === (source.inComment[b + 1] ?? false) &&
    old.source.seams.has(a) === source.seams.has(b) &&
    sameBranch(old.source.branches[a] ?? null, source.branches[b] ?? null);
  let head = 0;
  while (head < shorter && same(head, head)) {
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && same(old.texts.length - 1 - tail, texts.length - 1 - tail)) {
    tail += 1;
  }
  return { head, tail };
}

function sameBranch(a: Branch | null, b: Branch | null): boolean {
  return (
    a === b ||
    (a !== null &&
      b !== null &&
      a.condition === b.condition &&
      a.branch === b.branch &&
      sameBranch(a.outer, b.outer))
  );
}

/** Finds what may be kept, while the changed script is read. */
export class Reuse {
  readonly #byPlace = new Map<number, Piece>();
  readonly #head: number;
  /** First line of the end that is as it was, in the changed script, and by how much lines moved there. */
  readonly #tail: number;
  readonly #shift: number;
  readonly kept = new Set<Statement>();
  /** One and the same where no line moved. */
  readonly before: Set<Statement>;
  readonly #copies = new Map<object, object>();

  constructor(old: Parsed, { head, tail }: Unchanged, lineCount: number) {
    this.#head = head;
    this.#tail = lineCount - tail;
    this.#shift = lineCount - old.texts.length;
    this.before = this.#shift === 0 ? this.kept : new Set();
    for (const piece of old.pieces) {
      this.#byPlace.set(placeOf(piece.level, piece.line, piece.column), piece);
    }
  }

  /** The statement that begins there, if it stands as it stood. */
  at(level: Level, line: number, column: number): Piece | null {
    const isHead = line < this.#head;
    if (!isHead && line < this.#tail) {
      return null;
    }
    const piece = this.#byPlace.get(placeOf(level, isHead ? line : line - this.#shift, column));
    if (piece === undefined || piece.column !== column || (isHead && piece.reach >= this.#head)) {
      return null;
    }
    return this.#keep(piece, isHead || this.#shift === 0 ? piece : this.#moved(piece));
  }

  #keep(piece: Piece, now: Piece): Piece {
    this.before.add(piece.statement);
    this.kept.add(now.statement);
    return now;
  }

  /** The same where it is now. Statements, which pieces share with what they are in, stay shared. */
  #moved<T>(value: T): T {
    return typeof value === "object" && value !== null ? (this.#copy(value as Members) as T) : value;
  }
  #copy(value: Members | unknown[]): unknown {
    if (Array.isArray(value)) {
      return value.length === 0 ? value : value.map((part: unknown) => this.#moved(part));
    }
    const known = this.#copies.get(value);
    if (known) {
      return known;
    }
    const copy = { ...value };
    for (const key in value) {
      const part = value[key];
      if (typeof part === "object") {
        copy[key] = this.#moved(part);
      } else if (typeof part === "number" && countsLines.has(key)) {
        copy[key] = part + this.#shift;
      }
    }
    if ("branch" in value) {
      this.#copies.set(value, copy);
    }
    return copy;
  }
}

type Members = Record<string, unknown>;

/** Members that hold numbers of lines. */
const countsLines: ReadonlySet<string> = new Set(["line", "endLine", "reach"]);

const levels: readonly Level[] = ["script", "fragment", "sections", "section"];
const widest = 2 ** 16;

const placeOf = (level: Level, line: number, column: number): number =>
  (line * widest + Math.min(column, widest - 1)) * levels.length + levels.indexOf(level);
