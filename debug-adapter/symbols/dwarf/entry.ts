/**
 * A debugging entry, decoded (DWARF 5 §2.2): its attributes, by their names, as the classes of values they are asked for as.
 *
 * Entries are made when visited and not kept; one is cheap to make again from its offset.
 * Invariant: chains of references between entries are cut at REFERENCES_MAX.
 * Elsewhere: reading them (`unit.ts`), passes that read only some attributes (`probe.ts`), what entries mean (`function.ts`, `type.ts`, …).
 */
import type { Abbreviation } from "./abbreviation.ts";
import { AT, FORM, TAG } from "./constants.ts";
import type { RawValue } from "./form.ts";
import { stringOf } from "./string.ts";
import type { Unit } from "./unit.ts";

// How many `specification`, `abstract_origin` or `signature` hops lead from an entry to the one that has a name: compilers need three.
const REFERENCES_MAX = 8;

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
    return typeof value === "number" ? stringOf(this.unit, this.#form(index), value) : undefined;
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
