/**
 * What a user is shown of a function: made from an entry of debug information, or from an ELF symbol where there is none.
 *
 * Elsewhere: which function is asked about (`image.ts`).
 */
import { demangle } from "./demangle/index.ts";
import { AT, TAG } from "./dwarf/constants.ts";
import { type FunctionNames, functionNames } from "./dwarf/name.ts";
import type { Types } from "./dwarf/type.ts";
import type { Entry } from "./dwarf/entry.ts";
import type { Unit } from "./dwarf/unit.ts";
import type { ElfSymbol } from "./elf/symbol.ts";
import type { AddressRange, FunctionType, SourcePosition, SymbolFunction } from "./model.ts";
import type { SymbolFile } from "./symbol-file.ts";
import { prologueOf } from "./unwind/heuristic.ts";

export class FunctionViews {
  readonly #file: SymbolFile;
  readonly #types: Types;
  /** From linked to guest addresses. */
  readonly #guest: (linked: bigint) => bigint;

  constructor(file: SymbolFile, types: Types, guest: (linked: bigint) => bigint) {
    this.#file = file;
    this.#types = types;
    this.#guest = guest;
  }

  of(entry: Entry, ranges: readonly AddressRange[], isInlinedCopy: boolean, inside: bigint): SymbolFunction {
    const names = this.names(entry);
    const bodyOf = (low: bigint, high: bigint): bigint =>
      this.#guest(this.#file.data.attempt(() => this.body(entry.unit, low, high)) ?? low);
    const declarationOf = (): SourcePosition | null => this.declaration(entry);
    const typeOf = (): FunctionType | null => this.#functionType(entry);
    const entryAddress =
      this.#file.data.attempt(() => entry.address(AT.entry_pc) ?? entry.address(AT.low_pc)) ??
      ranges[0]?.low ??
      inside;
    const first = ranges.find(({ low, high }) => entryAddress >= low && entryAddress < high) ?? ranges[0];
    const ordered = first ? [first, ...ranges.filter((range) => range !== first)] : [];
    const low = this.#guest(entryAddress);
    let type: FunctionType | null | undefined;
    let body: bigint | undefined;
    return {
      ...names,
      low,
      ranges: ordered.map((range) => this.#range(range)),
      isInlinedCopy,
      origin: "dwarf",
      image: this.#file.name,
      get body(): bigint {
        body ??= isInlinedCopy || !first ? low : bodyOf(entryAddress, first.high);
        return body;
      },
      get declaration(): SourcePosition | null {
        return declarationOf();
      },
      get type(): FunctionType | null {
        if (type === undefined) type = typeOf();
        return type;
      },
    };
  }

  #functionType(entry: Entry): FunctionType | null {
    // An inlined copy has parameters but no return type; the function it is a copy of has both.
    const type = this.#file.data.attempt(() =>
      this.#types.read(
        entry.tag === TAG.inlined_subroutine ? (entry.reference(AT.abstract_origin) ?? entry) : entry,
      ),
    );
    return type?.kind === "function" ? type : null;
  }

  at(linked: bigint): SymbolFunction | null {
    const symbol = this.#file.symbols.at(linked, "code");
    return symbol ? this.ofSymbol(symbol) : null;
  }

  ofSymbol(symbol: ElfSymbol): SymbolFunction {
    const demangled = demangle(symbol.name);
    const low = this.#guest(symbol.address);
    let size = symbol.size;
    if (size === 0n) {
      for (const next of this.#file.symbols.within(symbol.address + 1n, symbol.address + 0x10_0000n)) {
        if (!next.isCode) continue;
        size = next.address - symbol.address;
        break;
      }
    }
    return {
      name: demangled?.name ?? symbol.name,
      linkageName: symbol.name,
      signature: demangled?.signature ?? symbol.name,
      low,
      body: low,
      ranges: [{ low, high: low + (size || 1n) }],
      isInlinedCopy: false,
      declaration: null,
      origin: "symbol",
      image: this.#file.name,
      type: null,
    };
  }

  names(entry: Entry): FunctionNames {
    const symbol = (): string | undefined => {
      const low = entry.tag === TAG.subprogram ? entry.address(AT.low_pc) : undefined;
      const found = low === undefined ? null : this.#file.symbols.at(low, "code");
      return found && found.address === low && demangle(found.name) ? found.name : undefined;
    };
    return (
      this.#file.data.attempt(() => functionNames(entry, symbol)) ?? {
        name: "",
        linkageName: "",
        signature: "",
      }
    );
  }

  /** First address behind the prologue of the function at `low` (linked) whose first range ends at `high`. */
  body(unit: Unit, low: bigint, high: bigint): bigint {
    const rows = [...this.#file.lines.within(low, high)];
    const marked = rows.find((row) => row.endsPrologue && row.low >= low);
    if (marked) return marked.low;
    // GCC marks nothing. Where it optimises, it says for each instruction where a variable is.
    if (this.#file.data.attempt(() => isOptimizedByGcc(unit)) === true) return low;
    // Where it sets up a frame pointer, parameters lie on the stack and are there from the next line on; where it
    // does not, the locations of variables are right from the first instruction on.
    const code = this.#file.code(low, 24);
    const prologue = code && prologueOf(code, this.#file.elf.machine);
    if (!prologue) return low;
    const behind = low + BigInt(prologue.end);
    return rows.find((row) => row.low >= behind)?.low ?? behind;
  }

  declaration(entry: Entry): SourcePosition | null {
    return (
      this.#file.data.attempt(() => {
        const line = entry.withAttribute(AT.decl_line);
        const file = line?.withAttribute(AT.decl_file);
        if (!line || !file) return null;
        const index = file.number(AT.decl_file);
        const path = index === undefined ? undefined : this.#file.lines.tableOf(file.unit)?.path(index);
        const at = line.number(AT.decl_line) ?? 0;
        return path === undefined || at === 0
          ? null
          : { file: path, line: at, column: line.number(AT.decl_column) ?? 0 };
      }) ?? null
    );
  }

  callPosition(inlined: Entry): SourcePosition | null {
    return (
      this.#file.data.attempt(() => {
        const index = inlined.number(AT.call_file);
        const line = inlined.number(AT.call_line);
        const path = index === undefined ? undefined : this.#file.lines.tableOf(inlined.unit)?.path(index);
        return path === undefined || !line
          ? null
          : { file: path, line, column: inlined.number(AT.call_column) ?? 0 };
      }) ?? null
    );
  }

  #range({ low, high }: AddressRange): AddressRange {
    const start = this.#guest(low);
    return { low: start, high: start + (high - low) };
  }
}

/** GCC records its switches; the last -O counts. */
function isOptimizedByGcc(unit: Unit): boolean {
  const producer = unit.root.string(AT.producer) ?? "";
  const level = producer.match(/ -O\S*/g)?.at(-1);
  return producer.startsWith("GNU ") && level !== undefined && level !== " -O0";
}
