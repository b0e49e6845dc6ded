/**
 * What the red-zone detector asks at every event: which bytes below RSP the interrupted code may still read, by the static analysis of its function.
 *
 * Invariant: the answer for an instruction stays until `forget`. An event costs a look-up then.
 */
import { RED_ZONE_BYTES, type Core, type LiveBytes } from "../../emulator/index.ts";
import { GuestAnalysis, type FunctionStack } from "../analysis/index.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { looksBelow } from "./look.ts";

const KEPT_MAX = 4096;
/** Of a larger function the symbol is doubted. */
const MOST_BYTES = 1 << 18;
const NONE: LiveBytes = { count: 0, mask: new Uint8Array(RED_ZONE_BYTES) };

export class Liveness {
  readonly #analysis: GuestAnalysis;
  readonly #symbols: SymbolTable;
  /** By the function's start. */
  readonly #looks = new Map<bigint, boolean>();
  readonly #kept = new Map<bigint, LiveBytes | null>();
  /** The CPU through whose page tables code is read. */
  #core: Core;

  constructor(core: Core, symbols: SymbolTable) {
    this.#core = core;
    this.#symbols = symbols;
    this.#analysis = new GuestAnalysis(symbols, (address, length) => {
      const bytes = this.#core.peek(address, length);
      return bytes.length === length ? bytes : null;
    });
  }

  /** Live bytes below the RSP of a CPU in 64-bit mode that stands at `rip`; null: not known. */
  below(core: Core, rip: bigint): LiveBytes | null {
    const known = this.#kept.get(rip);
    if (known !== undefined) return known;
    this.#core = core;
    const found = this.#looksBelow(core, rip) ? this.#analysed(rip) : NONE;
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    this.#kept.set(rip, found);
    return found;
  }

  #analysed(rip: bigint): LiveBytes | null {
    const ranges = this.#analysis.liveBelow(rip);
    return ranges === null ? null : ranges.length === 0 ? NONE : liveBytes(ranges);
  }

  /** False if a glance at the function's bytes says that it keeps nothing below RSP; true if not, or if there is no function. */
  #looksBelow(core: Core, rip: bigint): boolean {
    const start = this.#symbols.functionStart(rip);
    if (start === null) return true;
    let looks = this.#looks.get(start);
    if (looks === undefined) {
      const ranges = this.#symbols.functionAt(rip)?.ranges ?? [];
      const size = ranges.reduce((sum, { low, high }) => sum + Number(high - low), 0);
      looks =
        size === 0 ||
        size > MOST_BYTES ||
        ranges.some(({ low, high }) => {
          const bytes = core.peek(low, Number(high - low));
          return bytes.length < Number(high - low) || looksBelow(bytes);
        });
      this.#looks.set(start, looks);
    }
    return looks;
  }

  /** What is known of the function at an address; null: nothing. */
  functionAt(core: Core, rip: bigint): FunctionStack | null {
    this.#core = core;
    return this.#analysis.functionAt(rip);
  }

  /** Symbols have moved, or code has changed. */
  forget(): void {
    this.#kept.clear();
    this.#looks.clear();
    this.#analysis.forget();
  }
}

function liveBytes(ranges: readonly { readonly from: number; readonly to: number }[]): LiveBytes {
  const mask = new Uint8Array(RED_ZONE_BYTES);
  for (const { from, to } of ranges)
    mask.fill(1, Math.max(0, RED_ZONE_BYTES + from), Math.max(0, RED_ZONE_BYTES + to));
  return { count: mask.reduce((sum, bit) => sum + bit, 0), mask };
}
