/**
 * Line tables (`.debug_line`, DWARF 2–5 §6.2): which source line each instruction came from.
 *
 * A table's header (its files) and its program (its rows) are read apart, because finding a file by name needs the headers of all
 * units and the rows of few. Addresses are as linked.
 * Invariant: the rows of a sequence ascend by address; `offsets` are from the sequence's `low` and below 2^32.
 */
import type { Cursor, Section } from "../reader.ts";
import { FORM } from "./constants.ts";
import { type Format, type RawValue, readForm } from "./form.ts";
import { joinPath } from "./path.ts";
import type { Unit } from "./unit.ts";

export const ROW = { statement: 1, prologueEnd: 2, epilogueBegin: 4 } as const;

/** A run of machine code without gaps. Row `i` holds from `low + offsets[i]` to the next row; the last row ends at `high`. */
export interface LineSequence {
  readonly low: bigint;
  readonly high: bigint;
  readonly offsets: Uint32Array;
  /** Index in the table's files. */
  readonly files: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint16Array;
  /** Of `ROW`. */
  readonly flags: Uint8Array;
}

// Rows of one unit; the largest real ones have a million.
const ROWS_MAX = 1 << 22;
const FILES_MAX = 1 << 20;

interface LineFile {
  readonly name: string;
  readonly directory: number;
}

export class LineTable {
  readonly unit: Unit;
  readonly version: number;
  readonly #section: Section;
  readonly #format: Format;
  readonly #program: number;
  readonly #end: number;
  readonly #minimumInstruction: number;
  readonly #defaultStatement: boolean;
  readonly #lineBase: number;
  readonly #lineRange: number;
  readonly #operands: readonly number[];
  readonly #directories: string[] = [];
  readonly #files: LineFile[] = [];
  readonly #paths: (string | undefined)[] = [];
  readonly #joined: (string | undefined)[] = [];
  #sequences: readonly LineSequence[] | undefined;

  /** Reads the header at `offset`. @throws SymbolError */
  constructor(unit: Unit, offset: number) {
    this.unit = unit;
    const section = unit.context.section(".debug_line");
    this.#section = section;
    const start = section.cursor(offset);
    const { length, is64 } = start.initialLength();
    this.#end = start.position + length;
    if (this.#end > section.size)
      throw section.error(offset, `a line table of ${length} bytes reaches behind the end of the section`);
    const cursor = section.cursor(start.position, this.#end);
    this.version = cursor.u16();
    if (this.version < 2 || this.version > 5)
      throw section.error(offset, `line table of version ${this.version}`);
    let addressSize = unit.addressSize;
    if (this.version >= 5) {
      addressSize = cursor.u8();
      cursor.skip(1);
    }
    this.#format = { version: this.version, is64, addressSize };
    const headerLength = cursor.offset(is64);
    this.#program = cursor.position + headerLength;
    if (this.#program > this.#end) throw cursor.error("the header is longer than the line table");
    this.#minimumInstruction = cursor.u8();
    if (this.version >= 4) cursor.skip(1); // operations per instruction: 1 on x86
    this.#defaultStatement = cursor.u8() !== 0;
    this.#lineBase = cursor.s8();
    this.#lineRange = cursor.u8();
    const opcodeBase = cursor.u8();
    const operands = [0];
    for (let i = 1; i < opcodeBase; i++) operands.push(cursor.u8());
    this.#operands = operands;
    if (this.version >= 5) this.#readFiles(cursor);
    else this.#readOldFiles(cursor);
  }

  /** Indices the rows use, with their paths. */
  *files(): Generator<{ readonly index: number; readonly path: string }> {
    for (let index = this.version >= 5 ? 0 : 1; index < this.#files.length; index++)
      yield { index, path: this.path(index) };
  }

  /** Directory and name of each file, cheap enough to go through those of all units; `join` makes the path of them. */
  *names(): Generator<{ readonly directory: string; readonly name: string }> {
    for (let index = this.version >= 5 ? 0 : 1; index < this.#files.length; index++) {
      const { name, directory } = this.#files[index]!;
      if (name !== "") yield { directory: this.#directory(directory), name };
    }
  }

  #directory(index: number): string {
    return (this.#joined[index] ??= joinPath(this.unit.compilationDirectory, this.#directories[index] ?? ""));
  }

  path(index: number): string {
    let path = this.#paths[index];
    if (path === undefined) {
      const file = this.#files[index];
      if (!file || file.name === "")
        path = this.unit.name === "" ? "" : joinPath(this.unit.compilationDirectory, this.unit.name);
      else path = joinPath(this.#directory(file.directory), file.name);
      this.#paths[index] = path;
    }
    return path;
  }

  /** Runs the line program. Ascending by `low`. @throws SymbolError */
  get sequences(): readonly LineSequence[] {
    this.#sequences ??= this.#run();
    return this.#sequences;
  }

  #readOldFiles(cursor: Cursor): void {
    this.#directories.push("");
    for (;;) {
      const directory = cursor.string();
      if (directory === "") break;
      this.#directories.push(directory);
    }
    this.#files.push({ name: "", directory: 0 });
    while (this.#files.length < FILES_MAX) {
      const name = cursor.string();
      if (name === "") return;
      this.#files.push({ name, directory: cursor.uleb() });
      cursor.skipLeb();
      cursor.skipLeb();
    }
  }

  #readFiles(cursor: Cursor): void {
    for (const { name } of this.#readEntries(cursor)) this.#directories.push(name);
    for (const file of this.#readEntries(cursor)) this.#files.push(file);
  }

  /** Directories and files of DWARF 5 have the same shape: a format, then entries in it (§6.2.4.1). */
  #readEntries(cursor: Cursor): LineFile[] {
    const format: number[] = [];
    for (let left = cursor.u8(); left > 0; left--) format.push(cursor.uleb(), cursor.uleb());
    const count = cursor.uleb();
    // Each entry takes at least a byte, so a count that promises more is damage and not work to be done.
    if (count > cursor.end - cursor.position || count > FILES_MAX || (format.length === 0 && count > 0)) {
      throw cursor.error(`${count} file names`);
    }
    const entries: LineFile[] = [];
    for (let i = 0; i < count; i++) {
      let name = "";
      let directory = 0;
      for (let at = 0; at < format.length; at += 2) {
        const value = readForm(cursor, format[at + 1]!, this.#format, 0n);
        if (format[at] === 1) name = this.#string(format[at + 1]!, value);
        else if (format[at] === 2) directory = Number(value);
      }
      entries.push({ name, directory });
    }
    return entries;
  }

  #string(form: number, value: RawValue): string {
    if (typeof value !== "number") return "";
    if (form === FORM.string) return this.#section.string(value);
    return form === FORM.strp || form === FORM.line_strp
      ? this.unit.context.text(form === FORM.strp ? ".debug_str" : ".debug_line_str", value)
      : "";
  }

  #run(): LineSequence[] {
    const cursor = this.#section.cursor(this.#program, this.#end);
    cursor.preload();
    const rows = new Rows();
    const sequences: LineSequence[] = [];
    const step = this.#minimumInstruction;
    const lineBase = this.#lineBase;
    const lineRange = this.#lineRange;
    const opcodeBase = this.#operands.length;
    const fixedAdvance = lineRange === 0 ? 0 : Math.floor((255 - opcodeBase) / lineRange) * step;
    let base = 0n;
    let offset = 0;
    let file = 1;
    let line = 1;
    let column = 0;
    const initial = this.#defaultStatement ? ROW.statement : 0;
    let flags: number = initial;
    const emit = (): void => {
      if (rows.count >= ROWS_MAX) throw cursor.error("too many rows in a line table");
      rows.push(offset, file, line, column, flags);
      flags &= ROW.statement;
    };
    while (!cursor.done) {
      const opcode = cursor.u8();
      if (opcode >= opcodeBase) {
        if (lineRange === 0) throw cursor.error("a line table with a line range of 0");
        const adjusted = opcode - opcodeBase;
        offset += Math.floor(adjusted / lineRange) * step;
        line += lineBase + (adjusted % lineRange);
        emit();
        continue;
      }
      switch (opcode) {
        case 0: {
          const length = cursor.uleb();
          const next = cursor.position + length;
          if (length === 0) break;
          const extended = cursor.u8();
          if (extended === 1) {
            const sequence = rows.finish(base, offset);
            if (sequence) sequences.push(sequence);
            base = 0n;
            offset = 0;
            file = 1;
            line = 1;
            column = 0;
            flags = initial;
          } else if (extended === 2) {
            // The operand's size is what the length says: gas writes 4 bytes for 32-bit code whatever the header holds.
            const size = length - 1;
            const address = size === 8 || size === 4 || size === 2 || size === 1 ? cursor.unsigned(size) : 0n;
            if (rows.count === 0) {
              base = address;
              offset = 0;
            } else {
              offset = Number(address - base);
            }
          } else if (extended === 3) {
            const name = cursor.string();
            const directory = cursor.uleb();
            if (this.#files.length < FILES_MAX) this.#files.push({ name, directory });
          }
          cursor.position = next;
          break;
        }
        case 1:
          emit();
          break;
        case 2:
          offset += cursor.uleb() * step;
          break;
        case 3:
          line += cursor.sleb();
          break;
        case 4:
          file = cursor.uleb();
          break;
        case 5:
          column = cursor.uleb();
          break;
        case 6:
          flags ^= ROW.statement;
          break;
        case 7: // basic block: of no use here
          break;
        case 8:
          offset += fixedAdvance;
          break;
        case 9:
          offset += cursor.u16();
          break;
        case 10:
          flags |= ROW.prologueEnd;
          break;
        case 11:
          flags |= ROW.epilogueBegin;
          break;
        default:
          // 12 is set_isa; the header says how many operands an opcode has that this reader does not know.
          for (let left = this.#operands[opcode]!; left > 0; left--) cursor.skipLeb();
      }
    }
    return sequences.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
  }
}

/** Rows of the sequence being read, as columns. */
class Rows {
  count = 0;
  #offsets = new Float64Array(256);
  #files = new Uint32Array(256);
  #lines = new Uint32Array(256);
  #columns = new Uint16Array(256);
  #flags = new Uint8Array(256);
  #ascends = true;

  push(offset: number, file: number, line: number, column: number, flags: number): void {
    if (this.count === this.#offsets.length) this.#grow();
    const at = this.count++;
    if (at > 0 && offset < this.#offsets[at - 1]!) this.#ascends = false;
    this.#offsets[at] = offset;
    this.#files[at] = file;
    this.#lines[at] = line < 0 ? 0 : line;
    this.#columns[at] = Math.min(column, 0xffff);
    this.#flags[at] = flags;
  }

  /** The sequence that ends at `end`, undefined if it has no code or is beyond what a sequence can be. */
  finish(base: bigint, end: number): LineSequence | undefined {
    const count = this.count;
    this.count = 0;
    const ascends = this.#ascends;
    this.#ascends = true;
    if (count === 0) return undefined;
    const order = Array.from({ length: ascends ? 0 : count }, (_, i) => i).sort(
      (a, b) => this.#offsets[a]! - this.#offsets[b]! || a - b,
    );
    const pick = (i: number): number => (ascends ? i : order[i]!);
    const first = this.#offsets[pick(0)]!;
    const last = this.#offsets[pick(count - 1)]!;
    if (end <= first || end < last || end - first > 0xffff_ffff) return undefined;
    const low = base + BigInt(first);
    const sequence = {
      low,
      high: base + BigInt(end),
      offsets: new Uint32Array(count),
      files: new Uint32Array(count),
      lines: new Uint32Array(count),
      columns: new Uint16Array(count),
      flags: new Uint8Array(count),
    };
    for (let i = 0; i < count; i++) {
      const from = pick(i);
      sequence.offsets[i] = this.#offsets[from]! - first;
      sequence.files[i] = this.#files[from]!;
      sequence.lines[i] = this.#lines[from]!;
      sequence.columns[i] = this.#columns[from]!;
      sequence.flags[i] = this.#flags[from]!;
    }
    return sequence;
  }

  #grow(): void {
    const size = this.#offsets.length * 2;
    const grow = <T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#offsets = grow(this.#offsets, new Float64Array(size));
    this.#files = grow(this.#files, new Uint32Array(size));
    this.#lines = grow(this.#lines, new Uint32Array(size));
    this.#columns = grow(this.#columns, new Uint16Array(size));
    this.#flags = grow(this.#flags, new Uint8Array(size));
  }
}
