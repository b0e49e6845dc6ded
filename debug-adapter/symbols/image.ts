/**
 * A symbol file at a place in memory: every question about its code, lines, names, variables and types, in guest addresses.
 *
 * Invariant: `guest = linked + loadOffset`, modulo the file's address width; everything that leaves this file is `guest`.
 * Elsewhere: several images as one (`table.ts`), what the file holds (`symbol-file.ts`).
 */
import { demangle } from "./demangle/index.ts";
import { AT, TAG } from "./dwarf/constants.ts";
import { type Environment, Failure } from "./dwarf/expression.ts";
import type { Activation } from "./dwarf/function.ts";
import { linkageName, qualifiedName } from "./dwarf/name.ts";
import { joinPath } from "./dwarf/path.ts";
import { rangesOf } from "./dwarf/range.ts";
import { Types } from "./dwarf/type.ts";
import type { Entry } from "./dwarf/entry.ts";
import type { Unit } from "./dwarf/unit.ts";
import { frameBaseOf, locateEntry, type VariableContext, variableOf, variablesIn } from "./dwarf/variable.ts";
import type { ElfSymbol } from "./elf/symbol.ts";
import { capture, type SymbolError } from "./error.ts";
import type {
  AddressRange,
  Architecture,
  FrameContext,
  LineAddress,
  LineEntry,
  SourcePosition,
  SymbolFrame,
  SymbolFunction,
  Type,
  Variable,
} from "./model.ts";
import type { FileReader } from "./reader.ts";
import { isSuffix, lastComponent, withoutParameters } from "./name-match.ts";
import { FunctionViews } from "./symbol-function.ts";
import { type SeparateDebug, SymbolFile, type SymbolFileOptions } from "./symbol-file.ts";
import type { FrameRow } from "./unwind/cfi.ts";
import { convention } from "./unwind/registers.ts";
import { cfaOf } from "./unwind/unwind.ts";

export interface ImageOptions extends SymbolFileOptions {
  /** Added to the addresses in the file; default 0. */
  readonly loadOffset?: bigint;
}

/** An ELF symbol at its guest address. */
export type GuestSymbol = ElfSymbol & { readonly image: string; readonly demangled: string };

/** Opens a file's symbols; a file that is no usable ELF file is an error with its name and offset. Damage further inside shows in `problems`. */
export function openImage(reader: FileReader, options: ImageOptions): SymbolImage | SymbolError {
  return capture(() => new SymbolImage(new SymbolFile(reader, options), options.loadOffset ?? 0n));
}

const TYPE_KEYWORD = /^(struct|union|enum|class)\s+/;
const KEYWORD_TAGS: Readonly<Record<string, readonly number[]>> = {
  struct: [TAG.structure_type, TAG.class_type],
  class: [TAG.class_type, TAG.structure_type],
  union: [TAG.union_type],
  enum: [TAG.enumeration_type],
};
const FILE_VARIABLES: ReadonlySet<number> = new Set([TAG.variable, TAG.subprogram, TAG.namespace]);

export class SymbolImage {
  readonly file: SymbolFile;
  readonly loadOffset: bigint;
  readonly types: Types;
  readonly #bits: number;
  readonly #context: VariableContext;
  readonly #views: FunctionViews;

  constructor(file: SymbolFile, loadOffset: bigint) {
    this.file = file;
    this.loadOffset = loadOffset;
    this.#bits = file.elf.is64 ? 64 : 32;
    const attempt = <T>(action: () => T): T | undefined => file.data.attempt(action);
    const environment = (entry: Entry, frame: FrameContext): Environment => this.#environment(entry, frame);
    this.types = new Types({
      environment,
      attempt,
      locateVariable: (entry, frame) => locateEntry(this.#definitionOf(entry), frame, this.#context),
      definition: (declaration) => this.#typeDefinition(declaration),
    });
    this.#views = new FunctionViews(file, this.types, (linked) => this.guest(linked));
    this.#context = {
      types: this.types,
      environment,
      attempt,
      linked: (address) => this.linked(address),
      declarationOf: (entry) => this.#views.declaration(entry),
    };
  }

  /** The same file at another place; what was read of it is shared. */
  at(loadOffset: bigint): SymbolImage {
    return new SymbolImage(this.file, loadOffset);
  }

  get name(): string {
    return this.file.name;
  }

  get architecture(): Architecture {
    return this.file.elf.machine;
  }

  get buildId(): string | null {
    return this.file.buildId;
  }

  get entry(): bigint {
    return this.guest(this.file.elf.entry);
  }

  /** Where it is loaded. */
  get extents(): readonly AddressRange[] {
    return this.file.extents.map((range) => this.#guestRange(range));
  }

  /** What could not be read, so far. */
  get problems(): readonly SymbolError[] {
    return this.file.data.problems;
  }

  get hasDebugInformation(): boolean {
    return this.file.hasDebugInformation;
  }

  get separateDebug(): SeparateDebug | null {
    return this.file.separateDebug;
  }

  /** The compilation units with code: their source, and the compiler with what it recorded of its switches. */
  *units(): Generator<{ readonly file: string; readonly producer: string }> {
    for (const unit of this.file.data.units) {
      const producer = this.#ask(null, () => {
        const { root } = unit;
        return root.has(AT.low_pc) || root.has(AT.ranges) ? (root.string(AT.producer) ?? "") : null;
      });
      const file = sourceOf(unit);
      if (producer !== null && file !== null) yield { file, producer };
    }
  }

  /** The source of the compilation unit with code at an address. */
  unitAt(address: bigint): string | null {
    const [unit] = this.#ask([], () => this.file.map.unitsAt(this.linked(address)));
    return unit === undefined ? null : sourceOf(unit);
  }

  guest(linked: bigint): bigint {
    return BigInt.asUintN(this.#bits, linked + this.loadOffset);
  }

  linked(guest: bigint): bigint {
    return BigInt.asUintN(this.#bits, guest - this.loadOffset);
  }

  covers(address: bigint): boolean {
    if (address >> BigInt(this.#bits) !== 0n) return false;
    const linked = this.linked(address);
    return this.file.extents.some(({ low, high }) => linked >= low && linked < high);
  }

  hasCode(address: bigint): boolean {
    return this.covers(address) && this.file.elf.hasCode(this.linked(address));
  }

  /**
   * Makes the indexes by file and by name, a unit a step; each value is the fraction done. Questions that need them finish what is
   * left at once, so a caller that must not block runs this first, in slices. It may be left at any step and begun again.
   */
  *index(): Generator<number> {
    for (const done of this.file.lines.index()) yield done * 0.3;
    for (const done of this.file.names.index()) yield 0.3 + done * 0.7;
  }

  get isIndexed(): boolean {
    return this.file.names.isComplete && this.file.lines.isIndexed;
  }

  #finishNames(): void {
    if (this.file.names.isComplete) return;
    const steps = this.file.names.index();
    while (steps.next().done !== true);
  }

  // ---- code ----

  /** The function at `address`, by debug information or by ELF symbols. */
  functionAt(address: bigint): SymbolFunction | null {
    return this.#ask(null, () => {
      const linked = this.linked(address);
      const entry = this.file.functions.at(linked);
      if (entry)
        return this.#views.of(entry, this.file.data.attempt(() => rangesOf(entry)) ?? [], false, linked);
      return this.#views.at(linked);
    });
  }

  /** Entry of the function at `address`: cheaper than `functionAt`. */
  functionStart(address: bigint): bigint | null {
    return this.#ask(null, () => {
      const symbol = this.file.symbols.at(this.linked(address), "code");
      if (symbol && symbol.size > 0n) return this.guest(symbol.address);
      const fun = this.functionAt(address);
      return fun ? fun.low : null;
    });
  }

  /** What is active at `address`, inlined functions first. For the frame of a caller ask with its return address minus one. */
  framesAt(address: bigint): SymbolFrame[] {
    return this.#ask([], () => {
      const linked = this.linked(address);
      const activations = this.file.functions.activations(linked);
      const here = this.lineAt(address);
      let position: SourcePosition | null = here && here.line > 0 ? here : null;
      if (activations.length === 0) {
        const fun = this.#views.at(linked);
        return fun ? [{ function: fun, isInlined: false, position, scopes: () => [] }] : [];
      }
      const frames: SymbolFrame[] = [];
      for (const activation of activations.toReversed()) {
        const { entry } = activation;
        const isInlined = entry.tag === TAG.inlined_subroutine;
        const fun = this.#views.of(entry, activation.ranges, isInlined, linked);
        frames.push({ function: fun, isInlined, position, scopes: () => this.#scopes(activation) });
        if (isInlined) position = this.#views.callPosition(entry);
      }
      return frames;
    });
  }

  lineAt(address: bigint): LineEntry | null {
    return this.#ask(null, () => {
      const entry = this.file.lines.at(this.linked(address));
      return entry ? this.#guestLine(entry) : null;
    });
  }

  /** The addresses around `address` that have its file and line: what a step over the line leaves. */
  statementRange(address: bigint): AddressRange | null {
    return this.#ask(null, () => {
      const range = this.file.lines.extent(this.linked(address));
      return range ? this.#guestRange(range) : null;
    });
  }

  /** Rows of the line table from `low` up to `high`, for disassembly with source. */
  linesWithin(low: bigint, high: bigint): LineEntry[] {
    const start = this.linked(low);
    const rows: LineEntry[] = [];
    return this.#ask(rows, () => {
      for (const entry of this.file.lines.within(start, start + (high - low)))
        rows.push(this.#guestLine(entry));
      return rows;
    });
  }

  /**
   * Where breakpoints for a line go: once for each function or inlined copy with code of it. Without code on the line it is that of
   * the first line behind it that has some. On a function's first line they go behind its prologue.
   */
  addressesForLine(file: string, line: number): LineAddress[] {
    return this.#ask([], () => {
      const found: LineAddress[] = [];
      const seen = new Set<string>();
      const places = this.file.lines.placesOf(file, line).sort((a, b) => (a.address < b.address ? -1 : 1));
      for (const { address, path, line: at, column } of places) {
        const activations = this.file.functions.activations(address);
        const innermost = activations.at(-1);
        const instance = innermost
          ? `${innermost.entry.unit.section.name}${innermost.entry.offset}`
          : `address ${address}`;
        if (seen.has(instance)) continue;
        seen.add(instance);
        let target = address;
        const range = innermost?.ranges[0];
        if (activations.length === 1 && range && range.low === address)
          target = this.#views.body(innermost.entry.unit, address, range.high);
        const functionName = innermost
          ? this.#views.names(innermost.entry).name
          : (this.#views.at(address)?.name ?? null);
        found.push({ address: this.guest(target), file: path, line: at, column, functionName });
      }
      return found;
    });
  }

  /** Lines of a file at which a breakpoint can be, within `from` … `to`. */
  linesOf(file: string, from: number, to: number): { readonly line: number; readonly column: number }[] {
    return this.#ask([], () => {
      return this.file.lines.linesOf(file, from, to);
    });
  }

  /** Every row of the line table for a file, with the addresses it holds for. */
  rowsOf(file: string): readonly LineEntry[] {
    return this.#ask([], () => [...this.file.lines.rowsOf(file)].map((entry) => this.#guestLine(entry)));
  }

  sources(): readonly string[] {
    return this.#ask([], () => {
      return this.file.lines.sources();
    });
  }

  /**
   * Functions called `name`: as linked, as written (`net::Socket::open`), or the end of that (`Socket::open`, `open`). With debug
   * information inlined copies come too. ELF symbols answer without the index; `isComplete` says whether the index must be finished
   * for what only debug information knows.
   */
  functionsNamed(name: string, isComplete = true): SymbolFunction[] {
    return this.#ask([], () => {
      const found = new Map<string, SymbolFunction>();
      const add = (fun: SymbolFunction): void => {
        const key = `${fun.low}${fun.isInlinedCopy ? "i" : ""}`;
        if (!found.has(key)) found.set(key, fun);
      };
      for (const symbol of this.file.symbols.named(name)) {
        if (symbol.isCode) add(this.functionAt(this.guest(symbol.address)) ?? this.#views.ofSymbol(symbol));
      }
      if (isComplete) this.#finishNames();
      const query = withoutParameters(name);
      for (const entry of this.file.names.functions(lastComponent(query))) {
        for (const instance of [entry, ...this.file.names.instancesOf(entry)]) {
          if (instance.tag !== TAG.subprogram && instance.tag !== TAG.inlined_subroutine) continue;
          const ranges = this.#liveRanges(instance);
          if (ranges.length === 0) continue;
          const names = this.#views.names(instance);
          const matches =
            names.linkageName === name || names.signature === name || isSuffix(names.name, query);
          if (matches)
            add(this.#views.of(instance, ranges, instance.tag === TAG.inlined_subroutine, ranges[0]!.low));
        }
      }
      if (found.size === 0) {
        for (const symbol of this.#demangledSymbols(query)) {
          if (symbol.isCode) add(this.functionAt(this.guest(symbol.address)) ?? this.#views.ofSymbol(symbol));
        }
      }
      return [...found.values()];
    });
  }

  /** Bytes of code as they are in the file. */
  code(address: bigint, length: number): Uint8Array | null {
    return this.#ask(null, () => {
      return this.file.code(this.linked(address), length);
    });
  }

  // ---- ELF symbols ----

  /** The symbol that `address` belongs to and how far behind it the address is. */
  symbolAt(address: bigint): { readonly symbol: GuestSymbol; readonly offset: bigint } | null {
    return this.#ask(null, () => {
      const linked = this.linked(address);
      const symbol = this.file.symbols.at(linked);
      return symbol ? { symbol: this.#guestSymbol(symbol), offset: linked - symbol.address } : null;
    });
  }

  symbolsNamed(name: string): GuestSymbol[] {
    return this.#ask([], () => {
      return this.file.symbols.named(name).map((symbol) => this.#guestSymbol(symbol));
    });
  }

  /** All symbols by ascending address; lazily, for completion and search. */
  *symbols(): Generator<GuestSymbol> {
    for (const symbol of this.file.symbols.all()) {
      const found = this.#ask(null, () => this.#guestSymbol(symbol));
      if (found) yield found;
    }
  }

  // ---- variables and types ----

  /** Global variables called `name`, as written or by the end of the qualified name. Those of the unit around `near` come first. */
  globalsNamed(name: string, near?: bigint): Variable[] {
    return this.#ask([], () => {
      this.#finishNames();
      const entries = this.file.names.variables(lastComponent(name)).filter((entry) => {
        const full = this.file.data.attempt(() => qualifiedName(entry)) ?? "";
        return isSuffix(full, name) || this.file.data.attempt(() => linkageName(entry)) === name;
      });
      const [unit] = near === undefined ? [] : this.file.map.unitsAt(this.linked(near));
      entries.sort((a, b) => Number(b.unit === unit) - Number(a.unit === unit));
      return entries.map((entry) => variableOf(entry, "global", this.#context));
    });
  }

  /** Global and static variables of the unit around `address`, as declared. */
  fileVariables(address: bigint): Variable[] {
    return this.#ask([], () => {
      const [unit] = this.file.map.unitsAt(this.linked(address));
      const variables: Variable[] = [];
      if (!unit) return variables;
      this.file.data.attempt(() => {
        unit.scan(FILE_VARIABLES, (entry) => {
          if (
            entry.tag === TAG.variable &&
            (entry.has(AT.location) || entry.has(AT.const_value)) &&
            variables.length < 20_000
          ) {
            variables.push(variableOf(entry, "global", this.#context));
          }
          return entry.tag === TAG.namespace;
        });
      });
      return variables;
    });
  }

  /** Names of global variables, functions and types that debug information knows so far: for completion. */
  knownNames(what: "variables" | "functions" | "types"): IterableIterator<string> {
    const { names } = this.file;
    return what === "variables"
      ? names.variableNames()
      : what === "functions"
        ? names.functionNames()
        : names.typeNames();
  }

  /** The type called `name`, with its keyword or without; that of the unit around `near` if there are several. */
  typeNamed(name: string, near?: bigint): Type | null {
    return this.#ask(null, () => {
      const keyword = TYPE_KEYWORD.exec(name)?.[1];
      const bare = name.replace(TYPE_KEYWORD, "").trim();
      const tags = keyword === undefined ? null : KEYWORD_TAGS[keyword];
      const [unit] = near === undefined ? [] : this.file.map.unitsAt(this.linked(near));
      const matches = (entry: Entry): boolean =>
        (!tags || tags.includes(entry.tag)) &&
        isSuffix(this.file.data.attempt(() => qualifiedName(entry)) ?? "", bare);
      let found = unit && this.#typeIn(unit, bare, matches);
      if (!found) {
        this.#finishNames();
        found = this.file.names.types(lastComponent(bare)).find(matches);
      }
      return found ? this.types.read(found) : null;
    });
  }

  /** The call frame rules at `address`. */
  rulesAt(address: bigint): { readonly row: FrameRow; readonly bias: bigint } | null {
    return this.#ask(null, () => {
      const row = this.file.frames.at(this.linked(address));
      return row ? { row, bias: this.loadOffset } : null;
    });
  }

  // ---- inside ----

  /** Damage that nobody below could work around becomes a recorded problem and the empty answer. */
  #ask<T>(otherwise: T, action: () => T): T {
    return this.file.data.attempt(action) ?? otherwise;
  }

  #guestRange({ low, high }: AddressRange): AddressRange {
    const start = this.guest(low);
    return { low: start, high: start + (high - low) };
  }

  #guestLine(entry: LineEntry): LineEntry {
    return { ...entry, ...this.#guestRange(entry) };
  }

  #guestSymbol(symbol: ElfSymbol): GuestSymbol {
    return {
      ...symbol,
      address: this.guest(symbol.address),
      image: this.name,
      demangled: demangle(symbol.name)?.signature ?? symbol.name,
    };
  }

  #liveRanges(entry: Entry): AddressRange[] {
    const { data } = this.file;
    return (data.attempt(() => rangesOf(entry)) ?? []).filter(({ low }) => data.hasCode(low));
  }

  /** Symbols whose demangled name is, or ends with, `query`: only asked when nothing else has the name. */
  *#demangledSymbols(query: string): Generator<ElfSymbol> {
    for (const symbol of this.file.symbols.all()) {
      if (
        symbol.name.charCodeAt(0) !== 95 ||
        !symbol.name.includes(lastComponent(query).replace(/<.*$/s, ""))
      )
        continue;
      const demangled = demangle(symbol.name);
      if (demangled && isSuffix(demangled.name, query)) yield symbol;
    }
  }

  #scopes(activation: Activation): ReturnType<SymbolFrame["scopes"]> {
    const blocks = activation.blocks.map(({ entry, ranges }) => ({
      kind: "block" as const,
      variables: variablesIn(entry, this.#context),
      ...(ranges[0] ? this.#guestRange(ranges[0]) : {}),
    }));
    const range = activation.ranges[0];
    return [
      ...blocks.filter((block) => block.variables.length > 0),
      {
        kind: "function",
        variables: variablesIn(activation.entry, this.#context),
        ...(range ? this.#guestRange(range) : {}),
      },
    ];
  }

  #environment(entry: Entry, frame: FrameContext): Environment {
    const linked = this.linked(frame.address);
    const environment: Environment = {
      unit: entry.unit,
      is64: this.file.elf.is64,
      bias: this.loadOffset,
      frame,
      cfa: () => this.#cfa(frame),
      frameBase: () => {
        const fun = this.file.functions.at(linked);
        if (!fun) return new Failure("no function is known here");
        // Without `frameBase`: one that is defined by itself would not end.
        const { frameBase: _, ...rest } = environment;
        return frameBaseOf(fun, frame, { ...rest, unit: fun.unit }, linked);
      },
      entryValue: (expression) => this.#entryValue(expression, frame),
    };
    return environment;
  }

  #cfa(frame: FrameContext): bigint | Failure {
    if (frame.cfa !== undefined) return frame.cfa;
    const rules = this.rulesAt(frame.address);
    if (!rules) return new Failure("the canonical frame address is not known here");
    return cfaOf(rules.row.cfa, { ...frame, architecture: rules.row.architecture }, rules.bias);
  }

  #entryValue(expression: Uint8Array, frame: FrameContext): bigint | Failure {
    const caller = frame.caller?.() ?? null;
    const unknown = new Failure("optimized out (known only when the function was entered)");
    const callee = this.file.functions.at(this.linked(frame.address));
    if (!caller || !callee) return unknown;
    const returnAddress = this.linked(caller.address) + 1n;
    const value = this.file.functions.entryValue(expression, callee, returnAddress, (entry) =>
      this.#environment(entry, caller),
    );
    if (!(value instanceof Failure)) return value;
    // A register the call preserved had then what it has in the caller now: DW_OP_reg0 + n.
    const register = expression.length === 1 ? expression[0]! - 0x50 : -1;
    return convention(this.architecture).preserved.has(register)
      ? (caller.registers.get(register) ?? unknown)
      : value;
  }

  /** A static member is declared in its class and defined elsewhere. */
  #definitionOf(entry: Entry): Entry {
    if (entry.has(AT.location) || entry.has(AT.const_value) || !entry.flag(AT.declaration)) return entry;
    this.#finishNames();
    return this.file.names.instancesOf(entry).find((each) => each.has(AT.location)) ?? entry;
  }

  #typeDefinition(declaration: Entry): Entry | undefined {
    const { name } = declaration;
    if (name === undefined) return undefined;
    const full = qualifiedName(declaration);
    this.#finishNames();
    return this.file.names
      .types(name)
      .find((each) => each.tag === declaration.tag && qualifiedName(each) === full);
  }

  #typeIn(unit: Unit, name: string, matches: (entry: Entry) => boolean): Entry | undefined {
    const last = lastComponent(name);
    let found: Entry | undefined;
    this.file.data.attempt(() => {
      unit.scan(NAMED_TYPES, (entry, depth) => {
        if (found || entry.tag === TAG.subprogram) return false;
        if (depth > 0 && entry.name === last && !entry.flag(AT.declaration) && matches(entry)) found = entry;
        return true;
      });
    });
    return found;
  }
}

const sourceOf = ({ name, compilationDirectory }: Unit): string | null =>
  name === "" ? null : joinPath(compilationDirectory, name);

const NAMED_TYPES: ReadonlySet<number> = new Set([
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.enumeration_type,
  TAG.typedef,
  TAG.base_type,
  TAG.subprogram,
]);
