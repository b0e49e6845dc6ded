/**
 * The addresses an entry is about: `low_pc`/`high_pc`, `.debug_ranges` (DWARF 2–4) or `.debug_rnglists` (DWARF 5 §7.25).
 *
 * Addresses are as linked. Empty ranges and those of code that the linker threw away (left at 0, or at the top of the address
 * space) are not in the result.
 */
import type { AddressRange } from "../model.ts";
import type { Cursor } from "../reader.ts";
import { AT, FORM } from "./constants.ts";
import type { Entry } from "./entry.ts";
import type { Unit } from "./unit.ts";

// A list with more ranges than this is not one a compiler wrote.
const RANGES_MAX = 1_000_000;

/** @throws SymbolError */
export function rangesOf(entry: Entry): AddressRange[] {
  const { unit } = entry;
  const list = entry.raw(AT.ranges);
  if (list) {
    if (typeof list.value !== "number") return [];
    const ranges =
      unit.version >= 5
        ? rangeList(unit, list.form, list.value)
        : oldRanges(unit, list.value + (entry.unit.root.number(AT.GNU_ranges_base) ?? 0));
    return ranges.filter(({ low, high }) => low < high);
  }
  const low = entry.address(AT.low_pc);
  if (low === undefined) return [];
  let high = entry.address(AT.high_pc);
  if (high === undefined) {
    const size = entry.constant(AT.high_pc, false);
    if (size === undefined) return [];
    high = low + size;
  }
  return low < high ? [{ low, high }] : [];
}

function oldRanges(unit: Unit, offset: number): AddressRange[] {
  const section = unit.context.section(".debug_ranges");
  const cursor = section.cursor(offset);
  const size = unit.addressSize;
  const largest = (1n << BigInt(size * 8)) - 1n;
  let base = unit.lowAddress;
  const ranges: AddressRange[] = [];
  while (ranges.length < RANGES_MAX) {
    const low = cursor.unsigned(size);
    const high = cursor.unsigned(size);
    if (low === 0n && high === 0n) return ranges;
    if (low === largest) base = high;
    // Linkers mark what they threw away with 1, or with the largest value but one.
    else if (low !== largest - 1n)
      ranges.push({ low: (base + low) & largest, high: (base + high) & largest });
  }
  throw cursor.error("too many ranges");
}

/** DW_RLE_* (DWARF 5 §7.25). */
function rangeList(unit: Unit, form: number, value: number): AddressRange[] {
  const section = unit.context.section(".debug_rnglists");
  let offset = value;
  if (form === FORM.rnglistx) {
    const base = unit.rangeListsBase;
    offset = base + section.cursor(base + value * (unit.is64 ? 8 : 4)).offset(unit.is64);
  }
  const cursor = section.cursor(offset);
  const ranges: AddressRange[] = [];
  let base = unit.lowAddress;
  const read = (): bigint => cursor.unsigned(unit.addressSize);
  while (ranges.length < RANGES_MAX) {
    const kind = cursor.u8();
    switch (kind) {
      case 0: // end_of_list
        return ranges;
      case 1: // base_addressx
        base = unit.addressAt(cursor.uleb());
        break;
      case 2: // startx_endx
        push(ranges, unit, unit.addressAt(cursor.uleb()), unit.addressAt(cursor.uleb()));
        break;
      case 3: // startx_length
        startLength(ranges, unit, unit.addressAt(cursor.uleb()), cursor);
        break;
      case 4: {
        // offset_pair
        const low = base + cursor.uleb64();
        push(ranges, unit, low, base + cursor.uleb64());
        break;
      }
      case 5: // base_address
        base = read();
        break;
      case 6: // start_end
        push(ranges, unit, read(), read());
        break;
      case 7: // start_length
        startLength(ranges, unit, read(), cursor);
        break;
      default:
        throw cursor.error(`range list entry of kind ${kind}`);
    }
  }
  throw cursor.error("too many ranges");
}

function startLength(ranges: AddressRange[], unit: Unit, low: bigint, cursor: Cursor): void {
  push(ranges, unit, low, low + cursor.uleb64());
}

function push(ranges: AddressRange[], unit: Unit, low: bigint, high: bigint): void {
  const largest = (1n << BigInt(unit.addressSize * 8)) - 1n;
  if (low < largest - 1n) ranges.push({ low, high: high & largest });
}

/** The live ones among `ranges`. */
export function live(ranges: readonly AddressRange[], hasCode: (address: bigint) => boolean): AddressRange[] {
  return ranges.filter(({ low }) => hasCode(low));
}
