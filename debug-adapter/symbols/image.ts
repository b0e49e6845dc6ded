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
import { type FunctionNames, functionNames, linkageName, qualifiedName } from "./dwarf/name.ts";
import { rangesOf } from "./dwarf/range.ts";
import { Types } from "./dwarf/type.ts";
import type { Entry, Unit } from "./dwarf/unit.ts";
import { frameBaseOf, locateEntry, type VariableContext, variableOf, variablesIn } from "./dwarf/variable.ts";
import type { ElfSymbol } from "./elf/symbol.ts";
import { capture, type SymbolError } from "./error.ts";
import type {
  AddressRange,
  Architecture,
  FrameContext,
  FunctionType,
  LineAddress,
  LineEntry,
  SourcePosition,
  SymbolFrame,
  SymbolFunction,
  Type,
  Variable,
} from "./model.ts";
import type { FileReader } from "./reader.ts";
import { type SeparateDebug, SymbolFile, type SymbolFileOptions } from "./symbol-file.ts";
import type { FrameRow } from "./unwind/cfi.ts";
import { prologueOf } from "./unwind/heuristic.ts";
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
    this.#context = {
      types: this.types,
      environment,
      attempt,
      linked: (address) => this.linked(address),
      declarationOf: (entry) => this.#declaration(entry),
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
    return this.file.lines.isIndexed && this.file.names.isComplete;
  }

  #finishNames(): void {
    if (this.file.names.isComplete) return;
    const steps = this.file.names.index();
    while (steps.next().done !== true);
  }

  // ---- code ----

  /** The function at `address`, by debug information or by ELF symbols. */
  functionAt(address: bigint): SymbolFunction | null {
    const linked = this.linked(address);
    const entry = this.file.functions.at(linked);
    if (entry)
      return this.#function(entry, this.file.data.attempt(() => rangesOf(entry)) ?? [], false, linked);
    return this.#symbolFunction(linked);
  }

  /** Entry of the function at `address`: cheaper than `functionAt`. */
  functionStart(address: bigint): bigint | null {
    const symbol = this.file.symbols.at(this.linked(address), "code");
    if (symbol && symbol.size > 0n) return this.guest(symbol.address);
    const fun = this.functionAt(address);
    return fun ? fun.low : null;
  }

  /** What is active at `address`, inlined functions first. For the frame of a caller ask with its return address minus one. */
  framesAt(address: bigint): SymbolFrame[] {
    const linked = this.linked(address);
    const activations = this.file.functions.activations(linked);
    const here = this.lineAt(address);
    let position: SourcePosition | null = here && here.line > 0 ? here : null;
    if (activations.length === 0) {
      const fun = this.#symbolFunction(linked);
      return fun ? [{ function: fun, isInlined: false, position, scopes: () => [] }] : [];
    }
    const frames: SymbolFrame[] = [];
    for (const activation of activations.toReversed()) {
      const { entry } = activation;
      const isInlined = entry.tag === TAG.inlined_subroutine;
      const fun = this.#function(entry, activation.ranges, isInlined, linked);
      frames.push({ function: fun, isInlined, position, scopes: () => this.#scopes(activation) });
      if (isInlined) position = this.#callPosition(entry);
    }
    return frames;
  }

  lineAt(address: bigint): LineEntry | null {
    const entry = this.file.lines.at(this.linked(address));
    return entry ? this.#guestLine(entry) : null;
  }

  /** The addresses around `address` that have its file and line: what a step over the line leaves. */
  statementRange(address: bigint): AddressRange | null {
    const range = this.file.lines.extent(this.linked(address));
    return range ? this.#guestRange(range) : null;
  }

  /** Rows of the line table from `low` up to `high`, for disassembly with source. */
  *linesWithin(low: bigint, high: bigint): Generator<LineEntry> {
    const start = this.linked(low);
    for (const entry of this.file.lines.within(start, start + (high - low))) yield this.#guestLine(entry);
  }

  /**
   * Where breakpoints for a line go: once for each function or inlined copy with code of it. Without code on the line it is that of
   * the first line behind it that has some. On a function's first line they go behind its prologue.
   */
  addressesForLine(file: string, line: number): LineAddress[] {
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
        target = this.#body(address, range.high);
      const functionName = innermost
        ? this.#names(innermost.entry).name
        : (this.#symbolFunction(address)?.name ?? null);
      found.push({ address: this.guest(target), file: path, line: at, column, functionName });
    }
    return found;
  }

  /** Lines of a file at which a breakpoint can be, within `from` … `to`. */
  linesOf(file: string, from: number, to: number): { readonly line: number; readonly column: number }[] {
    return this.file.lines.linesOf(file, from, to);
  }

  sources(): readonly string[] {
    return this.file.lines.sources();
  }

  /**
   * Functions called `name`: as linked, as written (`net::Socket::open`), or the end of that (`Socket::open`, `open`). With debug
   * information inlined copies come too. ELF symbols answer without the index; `isComplete` says whether the index must be finished
   * for what only debug information knows.
   */
  functionsNamed(name: string, isComplete = true): SymbolFunction[] {
    const found = new Map<string, SymbolFunction>();
    const add = (fun: SymbolFunction): void => {
      const key = `${fun.low}${fun.isInlinedCopy ? "i" : ""}`;
      if (!found.has(key)) found.set(key, fun);
    };
    for (const symbol of this.file.symbols.named(name)) {
      if (symbol.isCode) add(this.functionAt(this.guest(symbol.address)) ?? this.#ofSymbol(symbol));
    }
    if (isComplete) this.#finishNames();
    const query = withoutParameters(name);
    for (const entry of this.file.names.functions(lastComponent(query))) {
      for (const instance of [entry, ...this.file.names.instancesOf(entry)]) {
        if (instance.tag !== TAG.subprogram && instance.tag !== TAG.inlined_subroutine) continue;
        const ranges = this.#liveRanges(instance);
        if (ranges.length === 0) continue;
        const names = this.#names(instance);
        const matches = names.linkageName === name || names.signature === name || isSuffix(names.name, query);
        if (matches)
          add(this.#function(instance, ranges, instance.tag === TAG.inlined_subroutine, ranges[0]!.low));
      }
    }
    if (found.size === 0) {
      for (const symbol of this.#demangledSymbols(query)) {
        if (symbol.isCode) add(this.functionAt(this.guest(symbol.address)) ?? this.#ofSymbol(symbol));
      }
    }
    return [...found.values()];
  }

  /** Bytes of code as they are in the file. */
  code(address: bigint, length: number): Uint8Array | null {
    return this.file.code(this.linked(address), length);
  }

  // ---- ELF symbols ----

  /** The symbol that `address` belongs to and how far behind it the address is. */
  symbolAt(address: bigint): { readonly symbol: GuestSymbol; readonly offset: bigint } | null {
    const linked = this.linked(address);
    const symbol = this.file.symbols.at(linked);
    return symbol ? { symbol: this.#guestSymbol(symbol), offset: linked - symbol.address } : null;
  }

  symbolsNamed(name: string): GuestSymbol[] {
    return this.file.symbols.named(name).map((symbol) => this.#guestSymbol(symbol));
  }

  /** All symbols by ascending address; lazily, for completion and search. */
  *symbols(): Generator<GuestSymbol> {
    for (const symbol of this.file.symbols.all()) yield this.#guestSymbol(symbol);
  }

  // ---- variables and types ----

  /** Global variables called `name`, as written or by the end of the qualified name. Those of the unit around `near` come first. */
  globalsNamed(name: string, near?: bigint): Variable[] {
    this.#finishNames();
    const entries = this.file.names.variables(lastComponent(name)).filter((entry) => {
      const full = this.file.data.attempt(() => qualifiedName(entry)) ?? "";
      return isSuffix(full, name) || this.file.data.attempt(() => linkageName(entry)) === name;
    });
    const [unit] = near === undefined ? [] : this.file.map.unitsAt(this.linked(near));
    entries.sort((a, b) => Number(b.unit === unit) - Number(a.unit === unit));
    return entries.map((entry) => variableOf(entry, "global", this.#context));
  }

  /** Global and static variables of the unit around `address`, as declared. */
  fileVariables(address: bigint): Variable[] {
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
  }

  /** The call frame rules at `address`. */
  rulesAt(address: bigint): { readonly row: FrameRow; readonly bias: bigint } | null {
    const row = this.file.frames.at(this.linked(address));
    return row ? { row, bias: this.loadOffset } : null;
  }

  // ---- inside ----

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

  #names(entry: Entry): FunctionNames {
    const symbol = (): string | undefined => {
      const low = entry.tag === TAG.subprogram ? entry.address(AT.low_pc) : undefined;
      const found = low === undefined ? null : this.file.symbols.at(low, "code");
      return found && found.address === low && demangle(found.name) ? found.name : undefined;
    };
    return (
      this.file.data.attempt(() => functionNames(entry, symbol)) ?? {
        name: "",
        linkageName: "",
        signature: "",
      }
    );
  }

  #liveRanges(entry: Entry): AddressRange[] {
    const { data } = this.file;
    return (data.attempt(() => rangesOf(entry)) ?? []).filter(({ low }) => data.hasCode(low));
  }

  #function(
    entry: Entry,
    ranges: readonly AddressRange[],
    isInlinedCopy: boolean,
    inside: bigint,
  ): SymbolFunction {
    const names = this.#names(entry);
    const bodyOf = (low: bigint, high: bigint): bigint => this.guest(this.#body(low, high));
    const declarationOf = (): SourcePosition | null => this.#declaration(entry);
    const typeOf = (): FunctionType | null => this.#functionType(entry);
    const entryAddress =
      this.file.data.attempt(() => entry.address(AT.entry_pc) ?? entry.address(AT.low_pc)) ??
      ranges[0]?.low ??
      inside;
    const first = ranges.find(({ low, high }) => entryAddress >= low && entryAddress < high) ?? ranges[0];
    const ordered = first ? [first, ...ranges.filter((range) => range !== first)] : [];
    const low = this.guest(entryAddress);
    let type: FunctionType | null | undefined;
    let body: bigint | undefined;
    return {
      ...names,
      low,
      ranges: ordered.map((range) => this.#guestRange(range)),
      isInlinedCopy,
      origin: "dwarf",
      image: this.name,
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
    const type = this.file.data.attempt(() => this.types.read(entry));
    return type?.kind === "function" ? type : null;
  }

  #symbolFunction(linked: bigint): SymbolFunction | null {
    const symbol = this.file.symbols.at(linked, "code");
    return symbol ? this.#ofSymbol(symbol) : null;
  }

  #ofSymbol(symbol: ElfSymbol): SymbolFunction {
    const demangled = demangle(symbol.name);
    const low = this.guest(symbol.address);
    let size = symbol.size;
    if (size === 0n) {
      for (const next of this.file.symbols.within(symbol.address + 1n, symbol.address + 0x10_0000n)) {
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
      image: this.name,
      type: null,
    };
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

  /** First address behind the prologue of the function at `low` (linked) whose first range ends at `high`. */
  #body(low: bigint, high: bigint): bigint {
    const rows = [...this.file.lines.within(low, high)];
    const marked = rows.find((row) => row.endsPrologue && row.low >= low);
    if (marked) return marked.low;
    // GCC marks nothing. Where it sets up a frame pointer, parameters lie on the stack and are there from the next line on; where it
    // does not, the locations of variables are right from the first instruction on.
    const code = this.file.code(low, 24);
    const prologue = code && prologueOf(code, this.architecture);
    if (!prologue) return low;
    const behind = low + BigInt(prologue.end);
    return rows.find((row) => row.low >= behind)?.low ?? behind;
  }

  #declaration(entry: Entry): SourcePosition | null {
    return (
      this.file.data.attempt(() => {
        const line = entry.withAttribute(AT.decl_line);
        const file = line?.withAttribute(AT.decl_file);
        if (!line || !file) return null;
        const index = file.number(AT.decl_file);
        const path = index === undefined ? undefined : this.file.lines.tableOf(file.unit)?.path(index);
        const at = line.number(AT.decl_line) ?? 0;
        return path === undefined || at === 0
          ? null
          : { file: path, line: at, column: line.number(AT.decl_column) ?? 0 };
      }) ?? null
    );
  }

  #callPosition(inlined: Entry): SourcePosition | null {
    return (
      this.file.data.attempt(() => {
        const index = inlined.number(AT.call_file);
        const line = inlined.number(AT.call_line);
        const path = index === undefined ? undefined : this.file.lines.tableOf(inlined.unit)?.path(index);
        return path === undefined || !line
          ? null
          : { file: path, line, column: inlined.number(AT.call_column) ?? 0 };
      }) ?? null
    );
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

const NAMED_TYPES: ReadonlySet<number> = new Set([
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.enumeration_type,
  TAG.typedef,
  TAG.base_type,
  TAG.subprogram,
]);

/** `open` of `net::Socket<A::B>::open`. */
function lastComponent(name: string): string {
  let depth = 0;
  for (let i = name.length - 1; i > 0; i--) {
    const char = name[i];
    if (char === ">") depth++;
    else if (char === "<") depth--;
    else if (char === ":" && name[i - 1] === ":" && depth <= 0) return name.slice(i + 1);
  }
  return name;
}

/** Whether `query` is `full` or ends it at a `::`. */
function isSuffix(full: string, query: string): boolean {
  return full === query || full.endsWith(`::${query}`);
}

function withoutParameters(name: string): string {
  const at = name.indexOf("(", name.startsWith("(") ? 1 : 0);
  return at > 0 && !name.includes("operator()") ? name.slice(0, at) : name;
}
