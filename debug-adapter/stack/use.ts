/**
 * What functions keep below their stack pointer, analysed once: until their code changes, as that of kernels that patch themselves does.
 *
 * Elsewhere: the analysis (`analysis/`).
 */
import { GuestAnalysis, type FunctionStack } from "../analysis/index.ts";
import type { ReadMemory, SymbolTable } from "../symbols/index.ts";

const MOST_BYTES = 1 << 16;

export class FunctionUses {
  readonly #table: SymbolTable;
  readonly #analysis: GuestAnalysis;
  /** Of the functions that were analysed. */
  readonly #code = new Map<bigint, Uint8Array>();
  /** The reader of this stop. */
  read: ReadMemory;

  constructor(table: SymbolTable, read: ReadMemory) {
    this.#table = table;
    this.read = read;
    this.#analysis = new GuestAnalysis(table, (address, length) => this.read(address, length));
  }

  /** Null where no symbol knows a function, or its bytes cannot be read. */
  at(address: bigint): FunctionStack | null {
    const fun = this.#table.functionAt(address);
    const [range] = fun?.ranges ?? [];
    if (range === undefined) return null;
    const length = Number(range.high - range.low);
    const code = length > MOST_BYTES ? null : this.read(range.low, length);
    const known = this.#code.get(range.low);
    if (code === null || known === undefined || !same(known, code)) {
      if (known !== undefined || code === null) {
        this.#analysis.forget();
        this.#code.clear();
      }
      if (code !== null) this.#code.set(range.low, code.slice());
    }
    return this.#analysis.functionAt(address);
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
