/**
 * A pass over a unit that reads some attributes of some entries and nothing else: for indexes over all units.
 *
 * Nothing is allocated per entry; the same `Probe` shows one entry after the other.
 */
import type { Abbreviation } from "./abbreviation.ts";
import { FORM } from "./constants.ts";
import { fixedSize, type Format, type RawValue } from "./form.ts";
import { indexedString, isIndexed, stringOf } from "./string.ts";
import type { Unit } from "./unit.ts";

export const SKIP_BYTES = -1;
export const SKIP_FORM = -2;

/** How to read the wanted attributes of one kind of entry: into a slot, or what to pass over, in order. */
export type Plan = readonly { readonly slot: number; readonly form: number; readonly implicit: bigint }[];

export function planOf(
  abbreviation: Abbreviation,
  wanted: ReadonlyMap<number, number>,
  format: Format,
): Plan {
  const plan: { slot: number; form: number; implicit: bigint }[] = [];
  const { attributes, implicit } = abbreviation;
  for (let i = 0; i < attributes.length; i += 2) {
    const form = attributes[i + 1]!;
    const slot = wanted.get(attributes[i]!);
    const size = fixedSize(form, format);
    const last = plan.at(-1);
    if (slot !== undefined) plan.push({ slot, form, implicit: implicit?.get(i / 2) ?? 0n });
    else if (size < 0) plan.push({ slot: SKIP_FORM, form, implicit: 0n });
    else if (last?.slot === SKIP_BYTES) last.form += size;
    else plan.push({ slot: SKIP_BYTES, form: size, implicit: 0n });
  }
  return plan;
}

/** Some attributes of the entry that a pass over a unit stands at. */
export class Probe {
  readonly unit: Unit;
  offset = 0;
  tag = 0;
  depth = 0;
  /** Bit n: slot n is there. */
  #present = 0;
  readonly #forms: number[];
  readonly #values: RawValue[];

  constructor(unit: Unit, slots: number) {
    this.unit = unit;
    this.#forms = Array.from({ length: slots }, () => 0);
    this.#values = Array.from({ length: slots }, () => 0);
  }

  begin(offset: number, tag: number, depth: number): void {
    this.offset = offset;
    this.tag = tag;
    this.depth = depth;
    this.#present = 0;
  }

  set(slot: number, form: number, value: RawValue): void {
    this.#present |= 1 << slot;
    this.#forms[slot] = form;
    this.#values[slot] = value;
  }

  has(slot: number): boolean {
    return (this.#present & (1 << slot)) !== 0;
  }

  flag(slot: number): boolean {
    return this.has(slot) && this.#values[slot] !== 0;
  }

  /** Section offset of what a reference within this file's `.debug_info` names, or -1. */
  reference(slot: number): number {
    const value = this.has(slot) ? this.#values[slot] : undefined;
    return typeof value === "number" ? referenceTarget(this.unit, this.#forms[slot]!, value) : -1;
  }

  /** A string by its offset in `.debug_str` if it is there, else itself; undefined if the attribute is absent. */
  string(slot: number): number | string | undefined {
    const value = this.has(slot) ? this.#values[slot] : undefined;
    if (typeof value !== "number") return undefined;
    const form = this.#forms[slot]!;
    if (form === FORM.strp) return value;
    return isIndexed(form) ? indexedString(this.unit, form, value) : stringOf(this.unit, form, value);
  }
}

/** Section offset of the entry that a reference within the file names, or -1 for any other. */
function referenceTarget(unit: Unit, form: number, value: number): number {
  if (form === FORM.ref_addr) return value;
  return form >= FORM.ref1 && form <= FORM.ref_udata ? unit.offset + value : -1;
}
