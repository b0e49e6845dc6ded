/**
 * Abbreviation declarations (`.debug_abbrev`, DWARF 5 §7.5.3): the shape of a debugging entry, shared by all entries of its kind.
 *
 * A table is decoded up to the code that was asked for: the root entry of every unit is wanted on opening, the rest of few.
 */
import type { Cursor, Section } from "../reader.ts";
import { AT, FORM } from "./constants.ts";
import { fixedSize, type Format } from "./form.ts";

export interface Abbreviation {
  readonly code: number;
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Attribute names and forms, pairwise. */
  readonly attributes: readonly number[];
  /** Values of `implicit_const` attributes by index of the attribute. */
  readonly implicit: ReadonlyMap<number, bigint> | undefined;
  /** How to pass over an entry: a number of bytes, or the negated form of a value whose size depends on what it is. */
  readonly skips: readonly number[];
  /** Index of the attribute `sibling`, or -1. */
  readonly sibling: number;
}

const DENSE = 4096;

export class AbbreviationTable {
  readonly #cursor: Cursor;
  readonly #format: Format;
  /** Producers count codes up from 1; whatever does not goes into the map. */
  readonly #dense: (Abbreviation | undefined)[] = [];
  readonly #sparse = new Map<number, Abbreviation>();
  #complete = false;

  constructor(section: Section, offset: number, format: Format) {
    this.#cursor = section.cursor(offset, section.size, 512);
    this.#format = format;
  }

  get(code: number): Abbreviation | undefined {
    let found = code < DENSE ? this.#dense[code] : this.#sparse.get(code);
    while (!found && !this.#complete) {
      const next = this.#read();
      if (!next) this.#complete = true;
      else if (next.code === code) found = next;
    }
    return found;
  }

  #read(): Abbreviation | undefined {
    const cursor = this.#cursor;
    if (cursor.done) return undefined;
    const code = cursor.uleb();
    if (code === 0) return undefined;
    const tag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    const attributes: number[] = [];
    let implicit: Map<number, bigint> | undefined;
    const skips: number[] = [];
    let sibling = -1;
    for (;;) {
      const name = cursor.uleb();
      const form = cursor.uleb();
      if (form === FORM.implicit_const)
        (implicit ??= new Map<number, bigint>()).set(attributes.length / 2, cursor.sleb64());
      if (name === 0 && form === 0) break;
      if (name === AT.sibling) sibling = attributes.length / 2;
      attributes.push(name, form);
      const size = fixedSize(form, this.#format);
      if (size < 0) skips.push(-form);
      else if (skips.length > 0 && skips.at(-1)! >= 0) skips[skips.length - 1]! += size;
      else skips.push(size);
    }
    const abbreviation = { code, tag, hasChildren, attributes, implicit, skips, sibling };
    if (code >= DENSE) this.#sparse.set(code, abbreviation);
    else {
      while (this.#dense.length < code) this.#dense.push(undefined);
      this.#dense[code] ??= abbreviation;
    }
    return abbreviation;
  }
}
