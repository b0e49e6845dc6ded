/**
 * The analysis for code that runs: of the function that an address belongs to, by the symbols of a session, from the bytes that the guest has there now.
 *
 * Functions are analysed when they are first asked about, one at a time, and kept. A kernel patches itself (alternatives, static calls), so the owner says
 * when what was found is to be forgotten.
 */
import type { SymbolTable } from "../symbols/index.ts";
import { neverReturns } from "./ending.ts";
import { analyseFunction, type FunctionStack } from "./function.ts";
import type { Bits } from "./step.ts";
import type { ByteRange } from "./liveness.ts";

const KEPT_MAX = 1024;
/** A bare label may reach over a gap in the symbols; nobody writes such a function. */
const FUNCTION_MAX_BYTES = 1 << 20;

export class GuestAnalysis {
  readonly #symbols: SymbolTable;
  readonly #read: (address: bigint, length: number) => Uint8Array | null;
  readonly #kept = new Map<bigint, FunctionStack | null>();

  /** @param read memory at a linear address, all of it or null; without it the bytes are the file's. */
  constructor(symbols: SymbolTable, read?: (address: bigint, length: number) => Uint8Array | null) {
    this.#symbols = symbols;
    this.#read = read ?? ((address, length) => symbols.imageAt(address)?.code(address, length) ?? null);
  }

  /** How the function at an address uses the stack; null where no symbol knows a function, or its bytes cannot be read. */
  functionAt(address: bigint, bits: Bits = 64): FunctionStack | null {
    const start = this.#symbols.functionStart(address);
    if (start === null) return null;
    const known = this.#kept.get(start);
    if (known !== undefined) return known;
    const found = this.#analyse(address, bits);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(start, found);
    return found;
  }

  /**
   * The bytes below RSP that the code at `rip` may still read, before it is executed: offsets from RSP, negative, ascending. Empty: nothing of the function's is
   * there. Null: not known, which is neither a yes nor a no.
   */
  liveBelow(rip: bigint, bits: Bits = 64): readonly ByteRange[] | null {
    return this.functionAt(rip, bits)?.liveAt(rip) ?? null;
  }

  /** Code has changed, or symbols have moved. */
  forget(): void {
    this.#kept.clear();
  }

  #analyse(address: bigint, bits: Bits): FunctionStack | null {
    const found = this.#symbols.functionAt(address);
    if (found === null || found.ranges.length === 0) return null;
    const size = found.ranges.reduce((sum, { low, high }) => sum + Number(high - low), 0);
    const [first] = found.ranges;
    if (size > FUNCTION_MAX_BYTES || this.#read(first!.low, 1) === null) return null;
    const bounds = { name: found.linkageName || found.name, entry: found.low, ranges: found.ranges };
    return analyseFunction(bounds, {
      bits,
      read: this.#read,
      neverReturns: (target) => {
        const symbol = this.#symbols.symbolAt(target);
        return symbol !== null && symbol.offset === 0n && neverReturns(symbol.symbol.name);
      },
    });
  }
}
