/**
 * The line tables of all units: from an address to a line, from a file and a line to addresses.
 *
 * Addresses are as linked. Rows are decoded per unit when asked for, and those of the latest TABLES_MAX units stay.
 */
import type { AddressRange, LineEntry } from "../model.ts";
import { baseName, bestMatches } from "../source-path.ts";
import type { AddressMap } from "./address-map.ts";
import { AT, UT } from "./constants.ts";
import type { DebugData } from "./debug-data.ts";
import { joinPath } from "./path.ts";
import { type LineSequence, LineTable, ROW } from "./line.ts";
import type { Unit } from "./unit.ts";

const TABLES_MAX = 256;
/** Of the work of an index, the part that goes into finding the units with lines. */
const LISTING = 0.2;

/** A row that a breakpoint on its line can be put on. */
export interface LinePlace {
  readonly address: bigint;
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export class LineIndex {
  readonly #data: DebugData;
  readonly #map: () => AddressMap;
  readonly #tables = new Map<number, LineTable | undefined>();
  /** Units that have a file of this name, as it stands in their tables. */
  readonly #byName = new Map<string, Unit[]>();
  /** Names of files by directory. */
  readonly #names = new Map<string, Set<string>>();
  #indexed = 0;
  /** Of the first `#listed` units those with a line table of their own. */
  readonly #unitsWithLines: Unit[] = [];
  readonly #lineTables = new Set<number>();
  #listed = 0;

  constructor(data: DebugData, map: () => AddressMap) {
    this.#data = data;
    this.#map = map;
  }

  tableOf(unit: Unit): LineTable | undefined {
    const offset = this.#data.attempt(() => unit.root.number(AT.stmt_list));
    if (offset === undefined) return undefined;
    let table = this.#tables.get(offset);
    if (table) {
      this.#tables.delete(offset);
    } else if (!this.#tables.has(offset)) {
      table = this.#data.attempt(() => new LineTable(unit, offset));
      const oldest = this.#tables.keys().next();
      if (this.#tables.size >= TABLES_MAX && oldest.done !== true) this.#tables.delete(oldest.value);
    }
    this.#tables.set(offset, table);
    return table;
  }

  /** Makes the list of files, a unit a step. Each value is the fraction done. */
  *index(): Generator<number> {
    const { units } = this.#data;
    while (this.#listed < units.length) {
      this.#list(units[this.#listed++]!);
      yield (LISTING * this.#listed) / units.length;
    }
    while (this.#indexed < this.#unitsWithLines.length) {
      this.#indexUnit(this.#unitsWithLines[this.#indexed++]!);
      yield LISTING + ((1 - LISTING) * this.#indexed) / this.#unitsWithLines.length;
    }
  }

  /** Only asking costs nothing: which units have lines is found out by `index`. */
  get isIndexed(): boolean {
    return this.#listed >= this.#data.units.length && this.#indexed >= this.#unitsWithLines.length;
  }

  #list(unit: Unit): void {
    if (unit.kind === UT.type || unit.kind === UT.split_type) return;
    const offset = this.#data.attempt(() => unit.root.number(AT.stmt_list));
    if (offset === undefined || this.#lineTables.has(offset)) return;
    this.#lineTables.add(offset);
    this.#unitsWithLines.push(unit);
  }

  /** Every source file, as recorded. */
  sources(): readonly string[] {
    this.#finish();
    const paths = new Set<string>();
    for (const [directory, names] of this.#names)
      for (const name of names) paths.add(joinPath(directory, name));
    return [...paths];
  }

  #finish(): void {
    const steps = this.index();
    while (steps.next().done !== true);
  }

  #indexUnit(unit: Unit): void {
    // Not through `tableOf`: the tables of all units would push those in use out.
    const offset = this.#data.attempt(() => unit.root.number(AT.stmt_list));
    const table = offset === undefined ? undefined : this.#data.attempt(() => new LineTable(unit, offset));
    if (!table) return;
    this.#data.attempt(() => {
      let last = "";
      let inDirectory: Set<string> | undefined;
      for (const { directory, name } of table.names()) {
        if (!inDirectory || directory !== last) {
          inDirectory = this.#names.get(directory);
          if (!inDirectory) this.#names.set(directory, (inDirectory = new Set<string>()));
          last = directory;
        }
        inDirectory.add(name);
        const list = this.#byName.get(name);
        if (!list) this.#byName.set(name, [unit]);
        else if (list.at(-1) !== unit) list.push(unit);
      }
    });
  }

  /** Units that have a file which `path` may mean, by the last component. */
  #unitsWith(path: string): Unit[] {
    this.#finish();
    const wanted = baseName(path).toLowerCase();
    const units = new Set<Unit>();
    for (const [name, list] of this.#byName) {
      if (name.length >= wanted.length && baseName(name).toLowerCase() === wanted)
        for (const unit of list) units.add(unit);
    }
    return [...units];
  }

  #sequences(table: LineTable): readonly LineSequence[] {
    return this.#data.attempt(() => table.sequences) ?? [];
  }

  /** The row in force at `address`, with the addresses it holds for. */
  at(address: bigint): LineEntry | undefined {
    const found = this.#find(address);
    if (!found) return undefined;
    const { table, sequence, row } = found;
    let next = row + 1;
    while (next < sequence.offsets.length && sequence.offsets[next] === sequence.offsets[row]) next++;
    const high =
      next < sequence.offsets.length ? sequence.low + BigInt(sequence.offsets[next]!) : sequence.high;
    return entryOf(table, sequence, row, high);
  }

  /** The stretch around `address` whose rows all have its file and line: what a step over the line must leave. */
  extent(address: bigint): AddressRange | undefined {
    const found = this.#find(address);
    if (!found) return undefined;
    const { sequence, row } = found;
    const { offsets, files, lines } = sequence;
    const line = lines[row];
    const file = files[row];
    let first = row;
    // Of several rows at one address one counts.
    const counts = (i: number): boolean => {
      let last = i;
      while (last + 1 < offsets.length && offsets[last + 1] === offsets[i]) last++;
      return recommended(sequence, last) === i;
    };
    while (first > 0 && ((lines[first - 1] === line && files[first - 1] === file) || !counts(first - 1)))
      first--;
    let after = row + 1;
    while (after < offsets.length && ((lines[after] === line && files[after] === file) || !counts(after)))
      after++;
    const low = sequence.low + BigInt(offsets[first]!);
    return { low, high: after < offsets.length ? sequence.low + BigInt(offsets[after]!) : sequence.high };
  }

  /** All rows in `low` … `high - 1`, ascending. */
  *within(low: bigint, high: bigint): Generator<LineEntry> {
    const found = this.#find(low);
    if (!found) return;
    const { table, sequence } = found;
    let first = found.row;
    while (first > 0 && sequence.offsets[first - 1] === sequence.offsets[first]) first--;
    for (let row = first; row < sequence.offsets.length; row++) {
      const at = sequence.low + BigInt(sequence.offsets[row]!);
      if (at >= high) return;
      const next =
        row + 1 < sequence.offsets.length ? sequence.low + BigInt(sequence.offsets[row + 1]!) : sequence.high;
      yield entryOf(table, sequence, row, next);
    }
  }

  #find(
    address: bigint,
  ): { readonly table: LineTable; readonly sequence: LineSequence; readonly row: number } | undefined {
    for (const unit of this.#map().unitsAt(address)) {
      const table = this.tableOf(unit);
      if (!table) continue;
      const sequence = sequenceAt(this.#sequences(table), address);
      if (!sequence) continue;
      const row = rowAt(sequence, Number(address - sequence.low));
      if (row >= 0) return { table, sequence, row: recommended(sequence, row) };
    }
    return undefined;
  }

  /**
   * Where the code of `line` in the file starts, or of the first line behind it that has code; each run of rows once. `path` may be
   * the end of a recorded path, or a path of which a recorded one is the end.
   */
  placesOf(path: string, line: number): LinePlace[] {
    let best = Number.MAX_SAFE_INTEGER;
    let places: LinePlace[] = [];
    for (const [table, indices] of this.#filesNamed(path)) {
      for (const sequence of this.#sequences(table)) {
        if (!this.#data.hasCode(sequence.low)) continue;
        const { offsets, files: fileOf, lines, flags } = sequence;
        let previous = -1;
        for (let row = 0; row < offsets.length; row++) {
          const at = lines[row]!;
          if (at < line || at > best || (flags[row]! & ROW.statement) === 0 || !indices.has(fileOf[row]!))
            continue;
          if (at < best) {
            best = at;
            places = [];
            previous = -1;
          }
          // A row that goes on with the line of the row before it starts nothing.
          const continues = previous === row - 1 && row > 0;
          previous = row;
          if (continues) continue;
          places.push({
            address: sequence.low + BigInt(offsets[row]!),
            path: table.path(fileOf[row]!),
            line: at,
            column: sequence.columns[row]!,
          });
        }
      }
    }
    return places;
  }

  /** Lines of the file between `from` and `to` (inclusive) at which code starts, ascending, with their columns. */
  linesOf(path: string, from: number, to: number): { readonly line: number; readonly column: number }[] {
    const found = new Map<string, { line: number; column: number }>();
    for (const [table, indices] of this.#filesNamed(path)) {
      for (const sequence of this.#sequences(table)) {
        if (!this.#data.hasCode(sequence.low)) continue;
        for (let row = 0; row < sequence.offsets.length; row++) {
          const line = sequence.lines[row]!;
          if (line < from || line > to || (sequence.flags[row]! & ROW.statement) === 0) continue;
          if (!indices.has(sequence.files[row]!)) continue;
          const column = sequence.columns[row]!;
          found.set(`${line}:${column}`, { line, column });
        }
      }
    }
    return [...found.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  /** Every row of the file with the addresses it holds for, ascending within each sequence. */
  *rowsOf(path: string): Generator<LineEntry> {
    for (const [table, indices] of this.#filesNamed(path)) {
      for (const sequence of this.#sequences(table)) {
        if (!this.#data.hasCode(sequence.low)) continue;
        const { offsets, files } = sequence;
        for (let row = 0; row < offsets.length; row++) {
          // Rows at one address count once: the next is at another.
          if (!indices.has(files[row]!) || offsets[row + 1] === offsets[row]) continue;
          const high = row + 1 < offsets.length ? sequence.low + BigInt(offsets[row + 1]!) : sequence.high;
          yield entryOf(table, sequence, row, high);
        }
      }
    }
  }

  /** The files that `path` means, as numbers in the line tables that have them. */
  #filesNamed(path: string): Map<LineTable, Set<number>> {
    const files: { readonly table: LineTable; readonly index: number; readonly path: string }[] = [];
    const wantedName = baseName(path).toLowerCase();
    for (const unit of this.#unitsWith(path)) {
      const table = this.tableOf(unit);
      if (!table) continue;
      for (const file of table.files()) {
        if (baseName(file.path).toLowerCase() === wantedName) files.push({ table, ...file });
      }
    }
    const wanted = new Set(bestMatches(path, new Set(files.map((file) => file.path))));
    const byTable = new Map<LineTable, Set<number>>();
    for (const file of files) {
      if (!wanted.has(file.path)) continue;
      const set = byTable.get(file.table);
      if (set) set.add(file.index);
      else byTable.set(file.table, new Set([file.index]));
    }
    return byTable;
  }
}

function entryOf(table: LineTable, sequence: LineSequence, row: number, high: bigint): LineEntry {
  const flags = sequence.flags[row]!;
  return {
    file: table.path(sequence.files[row]!),
    line: sequence.lines[row]!,
    column: sequence.columns[row]!,
    low: sequence.low + BigInt(sequence.offsets[row]!),
    high,
    isStatement: (flags & ROW.statement) !== 0,
    endsPrologue: (flags & ROW.prologueEnd) !== 0,
  };
}

function sequenceAt(sequences: readonly LineSequence[], address: bigint): LineSequence | undefined {
  let from = 0;
  let to = sequences.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sequences[middle]!.low <= address) from = middle + 1;
    else to = middle;
  }
  // Sequences of discarded code may start at the same place; one of the last few is the live one.
  for (let i = from - 1; i >= Math.max(0, from - 16); i--) {
    const sequence = sequences[i]!;
    if (address < sequence.high) return sequence;
  }
  return undefined;
}

/** Of several rows at one address, the last that is a place for a breakpoint; if none is, the last. */
function recommended(sequence: LineSequence, row: number): number {
  const { offsets, flags } = sequence;
  for (let i = row; i >= 0 && offsets[i] === offsets[row]; i--)
    if ((flags[i]! & ROW.statement) !== 0) return i;
  return row;
}

/** Index of the last row at or before `offset`. */
function rowAt(sequence: LineSequence, offset: number): number {
  let from = 0;
  let to = sequence.offsets.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sequence.offsets[middle]! <= offset) from = middle + 1;
    else to = middle;
  }
  return from - 1;
}
