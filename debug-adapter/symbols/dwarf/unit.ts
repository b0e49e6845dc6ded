/**
 * A unit of debugging entries (compilation unit, type unit, partial unit) and the entries themselves (DWARF 5 §7.5).
 *
 * Entries are read when visited and never all kept: an `Entry` is one of them decoded, cheap to make again from its offset.
 * Invariant: every step through a unit moves forward, so no damaged sibling or length makes a loop; chains of references between
 * entries are cut at REFERENCES_MAX.
 * Elsewhere: the list of units (`debug-data.ts`), what entries mean (`function.ts`, `type.ts`, `variable.ts`, …).
 */
import type { SymbolError } from "../error.ts";
import type { Cursor, Section } from "../reader.ts";
import { type Abbreviation, AbbreviationTable } from "./abbreviation.ts";
import { AT, FORM, TAG, UT } from "./constants.ts";
import { type Format, type RawValue, readForm, skipForm } from "./form.ts";

/** The debug information of one file, as its units see it. */
export interface DebugContext {
  /** The section, or an empty one of that name. */
  section(name: string): Section;
  entryAt(offset: number): Entry;
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

// How many `specification`, `abstract_origin` or `signature` hops lead from an entry to the one that has a name: compilers need three.
const REFERENCES_MAX = 8;

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
    const entry = this.#read(this.#warm(), offset);
    if (!entry) throw this.section.error(offset, "reference to an entry that is none");
    return entry;
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
    const cursor = this.#warm();
    let at = this.first;
    let depth = 0;
    while (at < this.end) {
      cursor.position = at;
      const code = cursor.uleb();
      if (code === 0) {
        depth--;
        at = cursor.position;
        if (depth <= 0) return;
        continue;
      }
      const abbreviation = this.#abbreviation(code, at);
      if (tags.has(abbreviation.tag)) {
        const entry = this.#decode(cursor, at, abbreviation);
        const descend = visit(entry, depth);
        if (!descend && abbreviation.hasChildren) {
          at = this.#next(entry);
          continue;
        }
        at = entry.after;
      } else {
        this.#skip(cursor, abbreviation);
        at = cursor.position;
      }
      if (abbreviation.hasChildren) depth++;
      else if (depth === 0) return;
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
    if (abbreviation.sizeBytes >= 0) {
      cursor.skip(abbreviation.sizeBytes);
      return;
    }
    const { attributes } = abbreviation;
    for (let i = 1; i < attributes.length; i += 2) skipForm(cursor, attributes[i]!, this);
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

export class Entry {
  readonly unit: Unit;
  /** In the unit's section; the same section offset is the same entry. */
  readonly offset: number;
  /** Offset behind its attributes: its first child, or the next entry. */
  readonly after: number;
  readonly abbreviation: Abbreviation;
  readonly #values: readonly RawValue[];
  readonly #forms: readonly (number | undefined)[] | undefined;

  constructor(
    unit: Unit,
    offset: number,
    after: number,
    abbreviation: Abbreviation,
    values: readonly RawValue[],
    forms: readonly (number | undefined)[] | undefined,
  ) {
    this.unit = unit;
    this.offset = offset;
    this.after = after;
    this.abbreviation = abbreviation;
    this.#values = values;
    this.#forms = forms;
  }

  get tag(): number {
    return this.abbreviation.tag;
  }

  get name(): string | undefined {
    return this.string(AT.name);
  }

  get sibling(): number | undefined {
    const index = this.abbreviation.sibling;
    if (index < 0) return undefined;
    const value = this.#values[index];
    const form = this.#form(index);
    return typeof value === "number"
      ? form === FORM.ref_addr
        ? value
        : this.unit.offset + value
      : undefined;
  }

  has(attribute: number): boolean {
    return this.#index(attribute) >= 0;
  }

  /** An attribute as it was written. */
  raw(attribute: number): { readonly form: number; readonly value: RawValue } | undefined {
    const index = this.#index(attribute);
    return index < 0 ? undefined : { form: this.#form(index), value: this.#values[index]! };
  }

  flag(attribute: number): boolean {
    const index = this.#index(attribute);
    return index >= 0 && this.#values[index] !== 0;
  }

  /** A constant or an offset; undefined if the attribute is absent or of another class. */
  number(attribute: number): number | undefined {
    const index = this.#index(attribute);
    const value = index < 0 ? undefined : this.#values[index];
    if (typeof value === "bigint") {
      const number = Number(BigInt.asIntN(64, value));
      return Number.isSafeInteger(number) ? number : undefined;
    }
    return typeof value === "number" ? value : undefined;
  }

  /** A constant with its full width: sign-extended if `isSigned` and the form does not say (`data1` … `data8`). */
  constant(attribute: number, isSigned: boolean): bigint | undefined {
    const index = this.#index(attribute);
    if (index < 0) return undefined;
    const value = this.#values[index]!;
    const form = this.#form(index);
    if (value instanceof Uint8Array) return undefined;
    const bits = form === FORM.data1 ? 8 : form === FORM.data2 ? 16 : form === FORM.data4 ? 32 : 64;
    if (form === FORM.sdata || form === FORM.implicit_const) return BigInt(value);
    return isSigned ? BigInt.asIntN(bits, BigInt(value)) : BigInt(value);
  }

  block(attribute: number): Uint8Array | undefined {
    const index = this.#index(attribute);
    const value = index < 0 ? undefined : this.#values[index];
    return value instanceof Uint8Array ? value : undefined;
  }

  address(attribute: number): bigint | undefined {
    const index = this.#index(attribute);
    if (index < 0) return undefined;
    const value = this.#values[index]!;
    switch (this.#form(index)) {
      case FORM.addr:
        return typeof value === "bigint" ? value : undefined;
      case FORM.addrx:
      case FORM.addrx1:
      case FORM.addrx2:
      case FORM.addrx3:
      case FORM.addrx4:
      case FORM.GNU_addr_index:
        return typeof value === "number" ? this.unit.addressAt(value) : undefined;
      default:
        return undefined;
    }
  }

  string(attribute: number): string | undefined {
    const index = this.#index(attribute);
    const value = index < 0 ? undefined : this.#values[index];
    return typeof value === "number" ? this.#string(this.#form(index), value) : undefined;
  }

  /** Where a string is stored, so that equal offsets need no second reading; undefined if it lies in the entry itself. */
  stringOffset(attribute: number): number | undefined {
    const index = this.#index(attribute);
    const value = index < 0 ? undefined : this.#values[index];
    return typeof value === "number" && this.#form(index) === FORM.strp ? value : undefined;
  }

  /** The entry that a reference attribute names. @throws SymbolError if there is none there */
  reference(attribute: number): Entry | undefined {
    const index = this.#index(attribute);
    if (index < 0) return undefined;
    const value = this.#values[index]!;
    const form = this.#form(index);
    switch (form) {
      case FORM.ref1:
      case FORM.ref2:
      case FORM.ref4:
      case FORM.ref8:
      case FORM.ref_udata:
        return this.unit.entry(this.unit.offset + Number(value));
      case FORM.ref_addr:
        return this.unit.context.entryAt(Number(value));
      case FORM.ref_sig8:
        return this.unit.context.typeUnit(BigInt(value as bigint))?.typeEntry;
      case FORM.GNU_ref_alt:
      case FORM.ref_sup4:
      case FORM.ref_sup8: {
        const { supplementary } = this.unit.context;
        if (supplementary) return supplementary.entryAt(Number(value));
        this.unit.context.problem(
          this.unit.section.error(
            this.offset,
            "this refers to a supplementary debug file (dwz), which is not loaded",
          ),
        );
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /** Section offset of what a reference within this file's `.debug_info` names. */
  referenceOffset(attribute: number): number | undefined {
    const index = this.#index(attribute);
    const value = index < 0 ? undefined : this.#values[index];
    if (typeof value !== "number") return undefined;
    const form = this.#form(index);
    if (form === FORM.ref_addr) return value;
    return form >= FORM.ref1 && form <= FORM.ref_udata ? this.unit.offset + value : undefined;
  }

  /** This entry or the first one along `abstract_origin` and `specification` that has the attribute. */
  withAttribute(attribute: number): Entry | undefined {
    if (this.has(attribute)) return this;
    let entry = this.origin;
    for (let hops = 1; entry && hops < REFERENCES_MAX; hops++) {
      if (entry.has(attribute)) return entry;
      entry = entry.origin;
    }
    return undefined;
  }

  /** What this entry is an instance or a completion of. */
  get origin(): Entry | undefined {
    return this.reference(AT.abstract_origin) ?? this.reference(AT.specification) ?? undefined;
  }

  children(): Generator<Entry> {
    return this.unit.children(this);
  }

  get parent(): Entry | undefined {
    return this.unit.parentOf(this.offset);
  }

  #index(attribute: number): number {
    const { attributes } = this.abbreviation;
    for (let i = 0; i < attributes.length; i += 2) if (attributes[i] === attribute) return i / 2;
    return -1;
  }

  #form(index: number): number {
    return this.#forms?.[index] ?? this.abbreviation.attributes[index * 2 + 1]!;
  }

  #string(form: number, value: number): string | undefined {
    const { context, is64 } = this.unit;
    switch (form) {
      case FORM.string:
        return this.unit.section.string(value);
      case FORM.strp:
        return context.section(".debug_str").string(value);
      case FORM.line_strp:
        return context.section(".debug_line_str").string(value);
      case FORM.strx:
      case FORM.strx1:
      case FORM.strx2:
      case FORM.strx3:
      case FORM.strx4:
      case FORM.GNU_str_index: {
        const base = form === FORM.GNU_str_index ? 0 : this.unit.stringOffsetsBase;
        const at = context
          .section(".debug_str_offsets")
          .cursor(base + value * (is64 ? 8 : 4))
          .offset(is64);
        return context.section(".debug_str").string(at);
      }
      case FORM.strp_sup:
      case FORM.GNU_strp_alt:
        return (
          context.supplementary?.section(".debug_str").string(value) ??
          "<in a supplementary debug file that is not loaded>"
        );
      default:
        return undefined;
    }
  }
}

/** Tags of entries that only wrap others with a name. */
export const NAMESPACES: ReadonlySet<number> = new Set([
  TAG.namespace,
  TAG.module,
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.interface_type,
  TAG.enumeration_type,
]);
