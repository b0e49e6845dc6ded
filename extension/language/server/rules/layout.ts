/**
 * Where in their sections the labels and lines of a file lie, as far as that can be known without assembling.
 *
 * Invariant: a place is a distance from an anchor, which is the start of the section or something whose length is not known (an instruction, a macro's call);
 * two places with one anchor have a certain distance. `atLeast` never says too much.
 * Elsewhere: bytes of single directives (`size.ts`).
 */
import type { Line, Statement } from "../syntax.ts";
import type { Value } from "./constant.ts";
import { hereOf, numericOf, sectionStartOf, type Scope } from "./scope.ts";
import { alignmentOf, leastOf, sizeOf, type Size } from "./size.ts";

export interface Place {
  readonly section: string;
  /** 0 is the start of the section. */
  readonly anchor: number;
  readonly offset: bigint;
  /** From the start of the section. */
  readonly atLeast: bigint;
  /** The anchor lies on a multiple of this: of the start of the section, the largest that the file has asked for up to here; 1 where nothing is known. */
  readonly alignment: bigint;
}

interface Cursor {
  section: string;
  anchor: number;
  offset: bigint;
  atLeast: bigint;
  alignment: bigint;
  /** The largest alignment that was asked for in the section. */
  asked: bigint;
}

export class Layout {
  readonly #scope: Scope;
  readonly #places = new Map<string, Place>();
  readonly #sections = new Map<string, Cursor>();
  #anchorCount = 0;
  #repetitionCount = 0;

  /** Lines before this one are laid out: what stands behind a place has no say in it. */
  #done = 0;
  #isLaying = false;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** A label by its name, or one of the names that `scope.ts` makes for places. */
  placeOf(name: string): Place | undefined {
    const line = this.#lineOf(name);
    if (line === undefined) {
      return undefined;
    }
    this.#layUpTo(line);
    return this.#places.get(name);
  }

  #lineOf(name: string): number | undefined {
    const own = /@(\d+)$/.exec(name)?.[1];
    if (own !== undefined) {
      return Number(own);
    }
    if (name.startsWith(".$")) {
      this.#cursor(name.slice(2));
      return 0;
    }
    const entries = this.#scope.labels.get(name);
    const [entry] = entries ?? [];
    return entries?.length === 1 && entry?.file === this.#scope.file ? entry.line : undefined;
  }

  #layUpTo(last: number): void {
    // Asked for while a line is laid out, what is behind it is not known.
    if (this.#isLaying) {
      return;
    }
    this.#isLaying = true;
    const { lines } = this.#scope.file;
    for (; this.#done <= last; this.#done += 1) {
      const line = lines[this.#done];
      if (line) {
        this.#line(line, this.#done);
      }
    }
    this.#isLaying = false;
  }

  placeOfLine(line: number): Place | undefined {
    return this.placeOf(hereOf(line));
  }

  /** Nothing else on the line takes place. */
  isSingle(line: number): boolean {
    return (this.#scope.file.lines[line]?.statements.length ?? 0) === 1;
  }

  /** The number, where differences of labels can be counted. */
  number(value: Value | undefined): bigint | undefined {
    if (!value) {
      return undefined;
    }
    let sum = value.number;
    const open = new Map<string, bigint>();
    for (const [name, count] of value.labels) {
      const place = this.placeOf(name);
      if (!place) {
        return undefined;
      }
      const key = `${place.anchor} ${place.section}`;
      open.set(key, (open.get(key) ?? 0n) + count);
      sum += place.offset * count;
    }
    return [...open.values()].every((count) => count === 0n) ? sum : undefined;
  }

  /** The offset in the section that repeating a byte so often leads to; undefined where it depends on what is not known. */
  filledTo(count: Value | undefined, line: number): bigint | undefined {
    this.#layUpTo(line);
    return count && filledTo(count, this.#places, line);
  }

  #line(line: Line, number: number): void {
    if (line.before.macros.length > 0) {
      return;
    }
    const cursor = this.#cursor(line.before.section);
    if (line.fold !== undefined || line.before.continues !== null) {
      // Branches, repetitions: what they hold may be there once, often or not at all.
      this.#unknown(cursor, 0n);
    }
    this.#repetition(line);
    const isCertain =
      this.#repetitionCount === 0 &&
      line.before.conditions.length === 0 &&
      line.after.conditions.length === 0;
    this.#labels(line, number, cursor);
    if (line.includes.length > 0) {
      this.#unknown(cursor, 0n);
    }
    const { statements } = line;
    for (let at = 0; at < statements.length; at += 1) {
      const statement = statements[at];
      if (statement) {
        const next = statements[at + 1];
        at += this.#statement(cursor, statement, next, number, isCertain) ? 1 : 0;
      }
    }
    if (line.before.section !== line.after.section) {
      this.#sectionLine(line);
    }
  }

  /** What is repeated may be so no times. */
  #repetition({ fold }: Line): void {
    if (fold?.closes === ".rept" || fold?.closes === "%rep") {
      this.#repetitionCount = Math.max(0, this.#repetitionCount - 1);
    } else if (fold?.opens === ".rept" || fold?.opens === "%rep") {
      this.#repetitionCount += 1;
    }
  }

  #cursor(section: string): Cursor {
    let cursor = this.#sections.get(section);
    if (!cursor) {
      cursor = { section, anchor: 0, offset: 0n, atLeast: 0n, alignment: 0n, asked: 1n };
      this.#sections.set(section, cursor);
      this.#places.set(sectionStartOf(section), placeAt(cursor));
    }
    return cursor;
  }

  #labels(line: Line, number: number, cursor: Cursor): void {
    const place = placeAt(cursor);
    this.#places.set(hereOf(number), place);
    for (const { kind, name } of line.definitions) {
      if (kind === "numeric") {
        this.#places.set(numericOf(name, number), place);
      } else if (kind === "label" || kind === "local") {
        this.#places.set(name, place);
      }
    }
  }

  /** Returns whether it has taken the next statement as well (`times 4 db 0`). */
  #statement(
    cursor: Cursor,
    statement: Statement,
    next: Statement | undefined,
    line: number,
    isCertain: boolean,
  ): boolean {
    if (statement.kind === "directive" && statement.name.text === "times" && next) {
      this.#times(cursor, statement.operands[0]?.text ?? "", this.#size(next, line), line, isCertain);
      return true;
    }
    const alignment = statement.kind === "directive" ? alignmentOf(statement, this.#scope, line) : undefined;
    if (alignment !== undefined) {
      this.#align(cursor, alignment, isCertain);
      return false;
    }
    this.#advance(cursor, this.#size(statement, line), isCertain);
    return false;
  }

  #size(statement: Statement, line: number): Size {
    return sizeOf(statement, this.#scope, line, (text) => this.#count(text, line));
  }

  /** A number that may hold differences of labels before it. */
  #count(text: string, line: number): bigint | undefined {
    return this.number(this.#scope.evaluate(text, line));
  }

  #advance(cursor: Cursor, size: Size, isCertain: boolean): void {
    if (size.kind === "bytes" && isCertain) {
      cursor.offset += size.count;
      cursor.atLeast += size.count;
    } else if (size.kind === "origin" && isCertain) {
      this.#origin(cursor, size.offset);
    } else if (size.kind !== "nothing") {
      this.#unknown(cursor, isCertain ? leastOf(size) : 0n);
    }
  }

  /** `times 510 - ($ - $$) db 0` and `.org 510` go to a place that is known whatever was before. */
  #origin(cursor: Cursor, offset: bigint): void {
    cursor.anchor = 0;
    cursor.offset = offset;
    cursor.alignment = 0n;
    cursor.atLeast = cursor.atLeast > offset ? cursor.atLeast : offset;
  }

  #times(cursor: Cursor, text: string, size: Size, line: number, isCertain: boolean): void {
    const value = this.#scope.evaluate(text, line);
    const count = this.number(value);
    const filled = value && filledTo(value, this.#places, line);
    if (count !== undefined && count >= 0n && size.kind === "bytes") {
      this.#advance(cursor, { kind: "bytes", count: count * size.count }, isCertain);
    } else if (filled !== undefined && size.kind === "bytes" && size.count === 1n) {
      this.#advance(cursor, { kind: "origin", offset: filled }, isCertain);
    } else {
      this.#unknown(cursor, 0n);
    }
  }

  #align(cursor: Cursor, alignment: bigint, isCertain: boolean): void {
    if (!isCertain || alignment <= 0n) {
      this.#unknown(cursor, 0n);
      return;
    }
    cursor.asked = cursor.asked > alignment ? cursor.asked : alignment;
    const isKnown = cursor.anchor === 0 || cursor.alignment % alignment === 0n;
    if (isKnown) {
      const padding = (alignment - (cursor.offset % alignment)) % alignment;
      cursor.offset += padding;
      cursor.atLeast += padding;
    } else {
      this.#unknown(cursor, 0n);
      cursor.alignment = alignment;
    }
  }

  #unknown(cursor: Cursor, atLeast: bigint): void {
    this.#anchorCount += 1;
    cursor.anchor = this.#anchorCount;
    cursor.offset = 0n;
    cursor.alignment = 1n;
    cursor.atLeast += atLeast;
  }

  /** `section .text align=16` */
  #sectionLine(line: Line): void {
    const cursor = this.#cursor(line.after.section);
    const align = /\balign\s*=\s*(\d+)/i.exec(line.text)?.[1];
    const asked = align === undefined ? 1n : BigInt(align);
    cursor.asked = cursor.asked > asked ? cursor.asked : asked;
    if (line.before.conditions.length > 0) {
      this.#unknown(cursor, 0n);
    }
  }
}

function placeAt({ section, anchor, offset, atLeast, alignment, asked }: Cursor): Place {
  return { section, anchor, offset, atLeast, alignment: anchor === 0 ? asked : alignment };
}

/** N - (here - start of section): the place is N then. */
function filledTo(value: Value, places: ReadonlyMap<string, Place>, line: number): bigint | undefined {
  const others = [...value.labels].filter(([name]) => name !== hereOf(line));
  const start = others[0];
  if (value.labels.get(hereOf(line)) !== -1n || others.length !== 1 || start?.[1] !== 1n) {
    return undefined;
  }
  const place = places.get(start[0]);
  const here = places.get(hereOf(line));
  const isStart = place?.anchor === 0 && place.section === here?.section;
  return isStart ? value.number + place.offset : undefined;
}

const layouts = new WeakMap<Scope, Layout>();

export function layoutOf(scope: Scope): Layout {
  let layout = layouts.get(scope);
  if (!layout) {
    layout = new Layout(scope);
    layouts.set(scope, layout);
  }
  return layout;
}
