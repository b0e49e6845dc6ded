/**
 * Strings of debugging entries: in the entry itself, in one of the string sections, or by number (DWARF 5 §7.5.5, "string").
 */
import { FORM } from "./constants.ts";
import type { Unit } from "./unit.ts";

/** The text of a string attribute; undefined if the form is none of a string's. */
export function stringOf(unit: Unit, form: number, value: number): string | undefined {
  const { context } = unit;
  if (isIndexed(form)) return context.section(".debug_str").string(indexedString(unit, form, value));
  switch (form) {
    case FORM.string:
      return unit.inlineString(value);
    case FORM.strp:
      return context.section(".debug_str").string(value);
    case FORM.line_strp:
      return context.section(".debug_line_str").string(value);
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

export function isIndexed(form: number): boolean {
  return form === FORM.strx || (form >= FORM.strx1 && form <= FORM.strx4) || form === FORM.GNU_str_index;
}

/** Offset in `.debug_str` of a string that is given by its number in the unit's string offsets. */
export function indexedString(unit: Unit, form: number, value: number): number {
  const base = form === FORM.GNU_str_index ? 0 : unit.stringOffsetsBase;
  const section = unit.context.section(".debug_str_offsets");
  return section.cursor(base + value * (unit.is64 ? 8 : 4)).offset(unit.is64);
}
