/**
 * Location lists: which expression holds at which address (`.debug_loc` in DWARF 2–4, `.debug_loclists` in DWARF 5 §7.29).
 */
import type { Cursor } from "../reader.ts";
import { FORM } from "./constants.ts";
import type { Entry } from "./entry.ts";
import type { Unit } from "./unit.ts";

const ENTRIES_MAX = 100_000;

/** A stretch of addresses, as linked, in which `expression` holds; null: wherever no other does. */
interface Stretch {
  readonly range: { readonly low: bigint; readonly high: bigint } | null;
  readonly expression: Uint8Array;
}

/**
 * The expression that `attribute` of `entry` holds at `address` (as linked). Undefined if the attribute is absent or its list has
 * nothing for that address: the value is optimized out there.
 * @throws SymbolError
 */
export function expressionAt(entry: Entry, attribute: number, address: bigint): Uint8Array | undefined {
  const raw = entry.raw(attribute);
  if (!raw) return undefined;
  if (raw.value instanceof Uint8Array) return raw.value;
  let fallback: Uint8Array | undefined;
  for (const { range, expression } of stretches(entry.unit, raw.form, Number(raw.value))) {
    if (!range) fallback = expression;
    else if (address >= range.low && address < range.high) return expression;
  }
  return fallback;
}

function stretches(unit: Unit, form: number, value: number): Generator<Stretch> {
  return unit.version >= 5 ? locationList(unit, form, value) : oldList(unit, value);
}

function* oldList(unit: Unit, offset: number): Generator<Stretch> {
  const cursor = unit.context.section(".debug_loc").cursor(offset);
  const size = unit.addressSize;
  const largest = (1n << BigInt(size * 8)) - 1n;
  let base = unit.lowAddress;
  for (let i = 0; i < ENTRIES_MAX; i++) {
    const low = cursor.unsigned(size);
    const high = cursor.unsigned(size);
    if (low === 0n && high === 0n) return;
    if (low === largest) {
      base = high;
      continue;
    }
    const expression = cursor.bytes(cursor.u16());
    yield { range: { low: (base + low) & largest, high: (base + high) & largest }, expression };
  }
  throw cursor.error("too many entries in a location list");
}

/** DW_LLE_* (DWARF 5 §7.29; 9 is GNU's view pair). */
function* locationList(unit: Unit, form: number, value: number): Generator<Stretch> {
  const section = unit.context.section(".debug_loclists");
  let offset = value;
  if (form === FORM.loclistx) {
    const start = unit.locationListsBase;
    offset = start + section.cursor(start + value * (unit.is64 ? 8 : 4)).offset(unit.is64);
  }
  const cursor = section.cursor(offset);
  const address = (): bigint => cursor.unsigned(unit.addressSize);
  let base = unit.lowAddress;
  for (let i = 0; i < ENTRIES_MAX; i++) {
    const kind = cursor.u8();
    switch (kind) {
      case 0: // end_of_list
        return;
      case 1: // base_addressx
        base = unit.addressAt(cursor.uleb());
        break;
      case 2: // startx_endx
        yield stretch(cursor, unit.addressAt(cursor.uleb()), unit.addressAt(cursor.uleb()));
        break;
      case 3: {
        // startx_length
        const low = unit.addressAt(cursor.uleb());
        yield stretch(cursor, low, low + cursor.uleb64());
        break;
      }
      case 4: {
        // offset_pair
        const low = base + cursor.uleb64();
        yield stretch(cursor, low, base + cursor.uleb64());
        break;
      }
      case 5: // default_location
        yield { range: null, expression: cursor.bytes(cursor.uleb()) };
        break;
      case 6: // base_address
        base = address();
        break;
      case 7: // start_end
        yield stretch(cursor, address(), address());
        break;
      case 8: {
        // start_length
        const low = address();
        yield stretch(cursor, low, low + cursor.uleb64());
        break;
      }
      case 9: // GNU_view_pair
        cursor.skipLeb();
        cursor.skipLeb();
        break;
      default:
        throw cursor.error(`location list entry of kind ${kind}`);
    }
  }
  throw cursor.error("too many entries in a location list");
}

function stretch(cursor: Cursor, low: bigint, high: bigint): Stretch {
  return { range: { low, high }, expression: cursor.bytes(cursor.uleb()) };
}
