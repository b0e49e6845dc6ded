/**
 * Which unit an address belongs to.
 *
 * From `.debug_aranges` for the units that have an entry there (GCC writes one for each), from the unit's own entry for the others
 * (Clang), from the line table for those that say nothing of their code. Addresses are as linked.
 */
import type { AddressRange } from "../model.ts";
import { AT, TAG } from "./constants.ts";
import type { DebugData } from "./debug-data.ts";
import type { LineTable } from "./line.ts";
import { rangesOf } from "./range.ts";
import type { Unit } from "./unit.ts";

interface Span extends AddressRange {
  readonly unit: Unit;
}

export class AddressMap {
  readonly #data: DebugData;
  readonly #tableOf: (unit: Unit) => LineTable | undefined;
  #spans: readonly Span[] | undefined;
  /** Largest `high` among the spans up to each, so that a search backwards knows when to stop. */
  #reach: readonly bigint[] = [];

  constructor(data: DebugData, tableOf: (unit: Unit) => LineTable | undefined) {
    this.#data = data;
    this.#tableOf = tableOf;
  }

  /** The units with code at `address`; more than one only where the debug information overlaps. The tightest comes first. */
  unitsAt(address: bigint): Unit[] {
    this.#spans ??= this.#build();
    const spans = this.#spans;
    let from = 0;
    let to = spans.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (spans[middle]!.low <= address) from = middle + 1;
      else to = middle;
    }
    const found: Unit[] = [];
    for (let i = from - 1; i >= 0 && this.#reach[i]! > address; i--) {
      const span = spans[i]!;
      if (address < span.high && !found.includes(span.unit)) found.push(span.unit);
    }
    return found;
  }

  #build(): Span[] {
    const data = this.#data;
    const spans: Span[] = [];
    const listed = new Set<Unit>();
    data.attempt(() => {
      for (const span of this.#aranges()) {
        listed.add(span.unit);
        if (span.low < span.high && data.hasCode(span.low)) spans.push(span);
      }
    });
    for (const unit of data.units) {
      if (listed.has(unit)) continue;
      data.attempt(() => {
        const { root } = unit;
        if (root.tag !== TAG.compile_unit && root.tag !== TAG.partial_unit && root.tag !== TAG.skeleton_unit)
          return;
        const hasRanges = root.has(AT.ranges) || root.has(AT.high_pc);
        const ranges: readonly AddressRange[] = hasRanges
          ? rangesOf(root)
          : (this.#tableOf(unit)?.sequences ?? []);
        for (const { low, high } of ranges) if (data.hasCode(low)) spans.push({ low, high, unit });
      });
    }
    spans.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : a.high > b.high ? -1 : 1));
    let reach = 0n;
    this.#reach = spans.map(({ high }) => (reach = high > reach ? high : reach));
    return spans;
  }

  *#aranges(): Generator<Span> {
    const section = this.#data.section(".debug_aranges");
    for (let offset = 0; offset < section.size;) {
      const cursor = section.cursor(offset);
      const { length, is64 } = cursor.initialLength();
      const end = cursor.position + length;
      if (end > section.size)
        throw section.error(offset, "an address range table reaches behind the section");
      const header = cursor.position;
      const version = cursor.u16();
      const unit = this.#data.unitAt(cursor.offset(is64));
      const addressSize = cursor.u8();
      const segmentSize = cursor.u8();
      if (version === 2 && unit && segmentSize === 0 && (addressSize === 4 || addressSize === 8)) {
        const tuple = addressSize * 2;
        // Tuples are aligned to their size, counted from the start of the table.
        const start = offset + Math.ceil((header - offset + (is64 ? 12 : 8)) / tuple) * tuple;
        if (start <= end) {
          cursor.position = start;
          while (cursor.position + tuple <= end) {
            const low = cursor.unsigned(addressSize);
            const size = cursor.unsigned(addressSize);
            if (low === 0n && size === 0n) break;
            yield { low, high: low + size, unit };
          }
        }
      }
      offset = end;
    }
  }
}
