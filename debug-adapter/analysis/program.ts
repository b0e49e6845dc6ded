/**
 * The functions of a program, and its code: of a linked image or of an object file.
 *
 * A function is what a symbol in an executable section names. One without a size, as assembly has them, reaches to the next symbol; the part that the compiler has put
 * elsewhere (`name.cold`) belongs to its function where the name leaves no doubt.
 */
import { ET, type ElfSymbol, type SymbolImage } from "../symbols/index.ts";
import { neverReturns } from "./ending.ts";
import {
  analyseFunction,
  type FunctionBounds,
  type FunctionContext,
  type FunctionStack,
} from "./function.ts";
import type { Bits } from "./step.ts";
import { ObjectCode } from "./object.ts";

/** What follows a label for longer is no function: linker scripts put labels at the ends of sections. */
const LABEL_MAX_BYTES = 0x1_0000n;
const SAMPLED_FUNCTIONS = 200;
const SAMPLED_BYTES = 512;
const REX_W = 0x48;
/** MOV, LEA, ADD and SUB, TEST: what most often follows it. */
const WIDE: ReadonlySet<number> = new Set([0x89, 0x8b, 0x8d, 0x83, 0x81, 0x01, 0x85, 0xc7]);
const COLD = /^(.+)\.cold(?:\.\d+)?$/;
export interface ProgramFunction extends FunctionBounds {
  /** A bare label: nobody has said that it is a function. */
  readonly isLabel: boolean;
}

export class Program implements FunctionContext {
  readonly image: SymbolImage;
  readonly bits: Bits;
  readonly #object: ObjectCode | null;
  #functions: readonly ProgramFunction[] | null = null;
  #endings: ReadonlySet<bigint> | null = null;

  /** @param image at the addresses it is linked at */
  constructor(image: SymbolImage) {
    this.image = image;
    const { elf } = image.file;
    this.#object = elf.type === ET.REL ? new ObjectCode(elf) : null;
    this.bits = elf.machine === "x86-64" || this.#isDisguised() ? 64 : 32;
  }

  read(address: bigint, length: number): Uint8Array | null {
    return this.#object === null ? this.image.code(address, length) : this.#object.read(address, length);
  }

  neverReturns(address: bigint): boolean {
    const outside = this.#object?.outside(address) ?? null;
    if (outside !== null) return neverReturns(outside);
    this.#endings ??= new Set(
      [...this.image.file.symbols.all()]
        .filter(({ isCode, name }) => isCode && neverReturns(name))
        .map((symbol) => symbol.address),
    );
    return this.#endings.has(address);
  }

  /** In order of address. */
  get functions(): readonly ProgramFunction[] {
    return (this.#functions ??= this.#list());
  }

  /** The function that an address belongs to. */
  functionAt(address: bigint): ProgramFunction | null {
    const { functions } = this;
    let from = 0;
    let to = functions.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (functions[middle]!.entry <= address) from = middle + 1;
      else to = middle;
    }
    const covers = (bounds: ProgramFunction | undefined): bounds is ProgramFunction =>
      bounds?.ranges.some(({ low, high }) => address >= low && address < high) ?? false;
    const nearest = functions[from - 1];
    // A part that lies elsewhere belongs to a function far away.
    return covers(nearest)
      ? nearest
      : (functions.find((each) => each.ranges.length > 1 && covers(each)) ?? null);
  }

  /** For each byte of code 1, or 0 where the linker fills something in. */
  fixedBytes(address: bigint, length: number): Uint8Array {
    return this.#object?.fixedBytes(address, length) ?? new Uint8Array(length).fill(1);
  }

  analyse(bounds: FunctionBounds): FunctionStack {
    return analyseFunction(bounds, this);
  }

  #list(): ProgramFunction[] {
    const symbols: ElfSymbol[] = [];
    for (const symbol of this.image.file.symbols.all()) {
      if (!symbol.isCode || symbol.kind === "object" || symbol.name.startsWith(".L")) continue;
      // Of those at one address the best comes last.
      if (symbols.at(-1)?.address === symbol.address) symbols.pop();
      symbols.push(symbol);
    }
    const counts = new Map<string, number>();
    for (const { name } of symbols) counts.set(name, (counts.get(name) ?? 0) + 1);
    const cold = new Map<string, { low: bigint; high: bigint }>();
    const list: ProgramFunction[] = [];
    let covered = -1n;
    for (const [i, symbol] of symbols.entries()) {
      const { address, size } = symbol;
      // A label within a function is one of its own.
      if (address < covered && symbol.kind === "label") continue;
      const next = symbols[i + 1]?.address;
      const limit = address + LABEL_MAX_BYTES;
      const ends = size > 0n ? address + size : this.#endAfter(address, next);
      const end = size > 0n || ends < limit ? ends : limit;
      if (end <= address) continue;
      if (size > 0n && end > covered) covered = end;
      const range = { low: address, high: end };
      const owner = COLD.exec(symbol.name)?.[1];
      if (owner !== undefined && counts.get(owner) === 1 && counts.get(symbol.name) === 1) {
        cold.set(owner, range);
        continue;
      }
      list.push({ name: symbol.name, entry: address, ranges: [range], isLabel: symbol.kind === "label" });
    }
    if (cold.size === 0) return list;
    return list.map((each) => {
      const part = cold.get(each.name);
      return part === undefined ? each : { ...each, ranges: [...each.ranges, part] };
    });
  }

  /**
   * Whether an i386 file holds 64-bit code: boot loaders that take nothing else are given kernels that `objcopy -O elf32-i386` has renamed. Every other instruction
   * of such code begins with REX.W, in 32-bit code DEC EAX, which compilers hardly ever make.
   */
  #isDisguised(): boolean {
    let bytes = 0;
    let prefixes = 0;
    for (const { ranges } of this.functions.slice(0, SAMPLED_FUNCTIONS)) {
      const [{ low, high }] = ranges as [{ low: bigint; high: bigint }];
      const code = this.read(low, Math.min(Number(high - low), SAMPLED_BYTES)) ?? new Uint8Array(0);
      bytes += code.length;
      for (let i = 1; i < code.length; i++) if (code[i - 1] === REX_W && WIDE.has(code[i]!)) prefixes++;
    }
    return prefixes * 50 > bytes;
  }

  /** Where a function without a size ends: at the next symbol, or with its section. */
  #endAfter(address: bigint, next: bigint | undefined): bigint {
    const { elf } = this.image.file;
    const section = elf.sections.find((each) => {
      const low = elf.sectionAddress(each);
      return (each.flags & 6n) === 6n && address >= low && address < low + BigInt(each.size);
    });
    if (section === undefined) return next ?? address;
    const end = elf.sectionAddress(section) + BigInt(section.size);
    return next !== undefined && next < end ? next : end;
  }
}
