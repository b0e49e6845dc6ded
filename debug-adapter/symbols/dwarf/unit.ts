/**
 * A unit of debugging entries (compilation unit, type unit, partial unit; DWARF 5 §7.5), and the ways to go through it.
 *
 * Invariant: every step through a unit moves forward, so no damaged sibling or length makes a loop.
 * Elsewhere: the list of units (`debug-data.ts`), an entry and its attributes (`entry.ts`).
 */
import type { SymbolError } from "../error.ts";
import type { Cursor, Section } from "../reader.ts";
import { type Abbreviation, AbbreviationTable } from "./abbreviation.ts";
import { AT, FORM, UT } from "./constants.ts";
import { Entry } from "./entry.ts";
import { type Format, type RawValue, readForm, skipForm } from "./form.ts";
import { type Plan, planOf, Probe, SKIP_BYTES, SKIP_FORM } from "./probe.ts";

/** The debug information of one file, as its units see it. */
export interface DebugContext {
  /** The section, or an empty one of that name. */
  section(name: string): Section;
  entryAt(offset: number): Entry;
  /** A string by its offset in a section; equal offsets are read once. */
  text(section: ".debug_str" | ".debug_line_str", offset: number): string;
  typeUnit(signature: bigint): Unit | undefined;
  /** dwz's file shared by several others, if there is one. */
  readonly supplementary: DebugContext | undefined;
  /** Tells that the unit's bytes have been read, so that an older unit's can be let go. */
  touch(unit: Unit): void;
  /** Records something that was skipped. */
  problem(error: SymbolError): void;
  /** Runs `action`; a SymbolError becomes a recorded problem and undefined. */
  attempt<T>(action: () => T): T | undefined;
}

export interface UnitHeader extends Format {
  readonly section: Section;
  readonly offset: number;
  /** Offset of the first entry. */
  readonly first: number;
  /** First offset behind the unit. */
  readonly end: number;
  /** One of `UT`. */
  readonly kind: number;
  readonly abbreviations: number;
  /** Of a type unit: its signature and the offset of its type from the unit's start. */
  readonly signature: bigint;
  readonly typeOffset: number;
}

// Codes above this have no remembered plan.
const PLANS_MAX = 4096;

export class Unit implements Format {
  readonly context: DebugContext;
  readonly section: Section;
  readonly offset: number;
  readonly first: number;
  readonly end: number;
  readonly version: number;
  readonly is64: boolean;
  readonly addressSize: number;
  readonly kind: number;
  readonly signature: bigint;
  readonly typeOffset: number;
  readonly #abbreviationOffset: number;
  #abbreviations: AbbreviationTable | undefined;
  #cursor: Cursor | undefined;
  #root: Entry | undefined;
  #containers: Containers | undefined;

  constructor(context: DebugContext, header: UnitHeader) {
    this.context = context;
    this.section = header.section;
    this.offset = header.offset;
    this.first = header.first;
    this.end = header.end;
    this.version = header.version;
    this.is64 = header.is64;
    this.addressSize = header.addressSize;
    this.kind = header.kind;
    this.signature = header.signature;
    this.typeOffset = header.typeOffset;
    this.#abbreviationOffset = header.abbreviations;
  }

  /** The compilation unit's own entry. @throws SymbolError */
  get root(): Entry {
    if (!this.#root) {
      // The roots of all units are read on opening; reading all units for that would be reading the file.
      const cursor = this.#cursor ?? this.section.cursor(this.first, this.end, 256);
      const root = this.#read(cursor, this.first);
      if (!root) throw this.section.error(this.first, "a unit without entries");
      this.#root = root;
    }
    return this.#root;
  }

  get name(): string {
    return this.context.attempt(() => this.root.string(AT.name)) ?? "";
  }

  get compilationDirectory(): string {
    return this.context.attempt(() => this.root.string(AT.comp_dir)) ?? "";
  }

  get language(): number {
    return this.root.number(AT.language) ?? 0;
  }

  /** Name of the file with the rest of the unit if it is split DWARF; such a unit has lines but neither functions nor variables here. */
  get splitName(): string | undefined {
    return this.kind === UT.type || this.kind === UT.split_type
      ? undefined
      : (this.root.string(AT.dwo_name) ?? this.root.string(AT.GNU_dwo_name));
  }

  /** Base address of ranges and location lists. */
  get lowAddress(): bigint {
    return this.root.address(AT.low_pc) ?? 0n;
  }

  get stringOffsetsBase(): number {
    return this.root.number(AT.str_offsets_base) ?? (this.is64 ? 16 : 8);
  }

  get addressBase(): number {
    return (
      this.root.number(AT.addr_base) ??
      this.root.number(AT.GNU_addr_base) ??
      (this.version >= 5 ? (this.is64 ? 16 : 8) : 0)
    );
  }

  get rangeListsBase(): number {
    return this.root.number(AT.rnglists_base) ?? (this.is64 ? 20 : 12);
  }

  get locationListsBase(): number {
    return this.root.number(AT.loclists_base) ?? (this.is64 ? 20 : 12);
  }

  addressAt(index: number): bigint {
    const at = this.addressBase + index * this.addressSize;
    return this.context.section(".debug_addr").cursor(at).unsigned(this.addressSize);
  }

  /** The entry at a section offset. @throws SymbolError if there is none */
  entry(offset: number): Entry {
    if (!(offset >= this.first && offset < this.end))
      throw this.section.error(offset, "reference to an entry outside its unit");
    // One entry of a unit that is not being looked through: not worth reading the unit for.
    const cursor = this.#cursor ?? this.section.cursor(offset, this.end, 512);
    const entry = this.#read(cursor, offset);
    if (!entry) throw this.section.error(offset, "reference to an entry that is none");
    return entry;
  }

  /** A string that stands in an entry itself. */
  inlineString(offset: number): string {
    const cursor = this.#cursor ?? this.section.cursor(offset, this.end, 512);
    cursor.position = offset;
    return cursor.string();
  }

  /** Of a type unit, the type it is for. */
  get typeEntry(): Entry {
    return this.entry(this.offset + this.typeOffset);
  }

  *children(parent: Entry): Generator<Entry> {
    if (!parent.abbreviation.hasChildren) return;
    for (let at = parent.after; at < this.end;) {
      const child = this.#read(this.#warm(), at);
      if (!child) return;
      yield child;
      at = this.#next(child);
    }
  }

  /**
   * Visits every entry whose tag is in `tags`, in file order. Children of an entry for which `visit` says false are passed over.
   * `depth` is that of the entry; the root has 0.
   */
  scan(tags: ReadonlySet<number>, visit: (entry: Entry, depth: number) => boolean): void {
    this.#walk((cursor, at, abbreviation, depth) => {
      if (!tags.has(abbreviation.tag)) {
        this.#skip(cursor, abbreviation);
        return -1;
      }
      const entry = this.#decode(cursor, at, abbreviation);
      if (visit(entry, depth) || !abbreviation.hasChildren) {
        cursor.position = entry.after;
        return -1;
      }
      return this.#next(entry);
    });
  }

  /**
   * As `scan`, for passes over all units: of each entry only the attributes in `wanted` are read, into one `Probe` that is used again
   * and again, and nothing is allocated. Every entry's children are visited.
   */
  probe(tags: ReadonlySet<number>, wanted: ReadonlyMap<number, number>, visit: (probe: Probe) => void): void {
    const probe = new Probe(this, wanted.size);
    const cursor = this.#warm();
    /** By code; null for entries of no interest. */
    const plans: (Plan | null | undefined)[] = [];
    let depth = 0;
    cursor.position = this.first;
    while (!cursor.done) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        if (--depth <= 0) return;
        continue;
      }
      const abbreviation = this.#abbreviation(code, at);
      let plan = code < PLANS_MAX ? plans[code] : undefined;
      if (plan === undefined) {
        plan = tags.has(abbreviation.tag) ? planOf(abbreviation, wanted, this) : null;
        if (code < PLANS_MAX) plans[code] = plan;
      }
      if (plan === null) {
        this.#skip(cursor, abbreviation);
      } else {
        probe.begin(at, abbreviation.tag, depth);
        for (let i = 0; i < plan.length; i++) {
          const { slot, form, implicit } = plan[i]!;
          if (slot === SKIP_BYTES) cursor.skip(form);
          else if (slot === SKIP_FORM) skipForm(cursor, form, this);
          else if (form !== FORM.indirect) probe.set(slot, form, readForm(cursor, form, this, implicit));
          else {
            const actual = cursor.uleb();
            probe.set(slot, actual, readForm(cursor, actual, this, implicit));
          }
        }
        const after = cursor.position;
        visit(probe);
        cursor.position = after;
      }
      if (abbreviation.hasChildren) depth++;
      else if (depth === 0) return;
    }
  }

  /**
   * Steps through all entries. `step` stands behind the code of an entry; it moves the cursor behind its attributes and returns -1, or
   * returns where the entry's subtree ends to pass over it.
   */
  #walk(step: (cursor: Cursor, at: number, abbreviation: Abbreviation, depth: number) => number): void {
    const cursor = this.#warm();
    let depth = 0;
    cursor.position = this.first;
    while (!cursor.done) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        if (--depth <= 0) return;
        continue;
      }
      const abbreviation = this.#abbreviation(code, at);
      const end = step(cursor, at, abbreviation, depth);
      if (end >= 0) cursor.position = end;
      else if (abbreviation.hasChildren) depth++;
      if (depth === 0) return;
    }
  }

  /** The entry that encloses the one at `offset`; undefined for the root. */
  parentOf(offset: number): Entry | undefined {
    this.#containers ??= this.#contain();
    const parent = this.#containers.enclosing(offset);
    return parent === undefined ? undefined : this.entry(parent);
  }

  /** Lets go of everything that can be read again. */
  release(): void {
    this.#cursor = undefined;
    this.#abbreviations = undefined;
    this.#containers = undefined;
  }

  #warm(): Cursor {
    if (!this.#cursor) {
      this.#cursor = this.section.cursor(this.first, this.end);
      this.#cursor.preload();
      this.context.touch(this);
    }
    return this.#cursor;
  }

  #abbreviation(code: number, at: number): Abbreviation {
    this.#abbreviations ??= new AbbreviationTable(
      this.context.section(".debug_abbrev"),
      this.#abbreviationOffset,
      this,
    );
    const abbreviation = this.#abbreviations.get(code);
    if (!abbreviation) throw this.section.error(at, `abbreviation ${code} is not declared`);
    return abbreviation;
  }

  #read(cursor: Cursor, offset: number): Entry | undefined {
    cursor.position = offset;
    const code = cursor.uleb();
    return code === 0 ? undefined : this.#decode(cursor, offset, this.#abbreviation(code, offset));
  }

  #decode(cursor: Cursor, offset: number, abbreviation: Abbreviation): Entry {
    const { attributes, implicit } = abbreviation;
    const values: RawValue[] = [];
    let forms: number[] | undefined;
    for (let i = 1; i < attributes.length; i += 2) {
      let form = attributes[i]!;
      if (form === FORM.indirect) {
        form = cursor.uleb();
        forms ??= [];
        forms[(i - 1) / 2] = form;
        if (form === FORM.implicit_const) throw cursor.error("an indirect form is implicit_const");
      }
      values.push(
        readForm(cursor, form, this, form === FORM.implicit_const ? (implicit?.get((i - 1) / 2) ?? 0n) : 0n),
      );
    }
    return new Entry(this, offset, cursor.position, abbreviation, values, forms);
  }

  #skip(cursor: Cursor, abbreviation: Abbreviation): void {
    const { skips } = abbreviation;
    for (let i = 0; i < skips.length; i++) {
      const skip = skips[i]!;
      if (skip >= 0) cursor.skip(skip);
      else skipForm(cursor, -skip, this);
    }
  }

  /** Offset behind an entry and all below it. */
  #next(entry: Entry): number {
    if (!entry.abbreviation.hasChildren) return entry.after;
    const sibling = entry.sibling;
    if (sibling !== undefined && sibling > entry.after && sibling <= this.end) return sibling;
    const cursor = this.#warm();
    cursor.position = entry.after;
    for (let depth = 1; depth > 0 && !cursor.done;) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        depth--;
        continue;
      }
      const abbreviation = this.#abbreviation(code, at);
      this.#skip(cursor, abbreviation);
      if (abbreviation.hasChildren) depth++;
    }
    return cursor.position;
  }

  #contain(): Containers {
    const cursor = this.#warm();
    const containers = new Containers();
    cursor.position = this.first;
    const stack: number[] = [];
    while (!cursor.done) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        const closed = stack.pop();
        if (closed === undefined) break;
        containers.close(closed, at);
        if (stack.length === 0) break;
        continue;
      }
      const abbreviation = this.#abbreviation(code, at);
      this.#skip(cursor, abbreviation);
      if (abbreviation.hasChildren) stack.push(containers.open(at, stack.at(-1)));
      else if (stack.length === 0) break;
    }
    return containers;
  }
}

/** Which entry encloses which: the entries with children, in file order, each with its end and its own parent. */
class Containers {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #parents: number[] = [];

  open(start: number, parent: number | undefined): number {
    this.#parents.push(parent ?? -1);
    this.#ends.push(Number.MAX_SAFE_INTEGER);
    return this.#starts.push(start) - 1;
  }

  close(index: number, end: number): void {
    this.#ends[index] = end;
  }

  enclosing(offset: number): number | undefined {
    let from = 0;
    let to = this.#starts.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#starts[middle]! < offset) from = middle + 1;
      else to = middle;
    }
    let index = from - 1;
    while (index >= 0 && this.#ends[index]! <= offset) index = this.#parents[index]!;
    return index < 0 ? undefined : this.#starts[index];
  }
}
