/**
 * Functions in debug information: which one is at an address, and what was inlined into it there.
 *
 * Addresses are as linked.
 * Elsewhere: functions by name (`name-index.ts`), what a user is shown of them (`../image.ts`).
 */
import type { AddressRange } from "../model.ts";
import type { AddressMap } from "./address-map.ts";
import { AT, TAG } from "./constants.ts";
import type { DebugData } from "./debug-data.ts";
import { compute, type Environment, Failure } from "./expression.ts";
import { rangesOf } from "./range.ts";
import type { Entry } from "./entry.ts";
import type { Unit } from "./unit.ts";

/** A function, or an inlined copy of one, active at an address, and the lexical blocks inside it that are. */
export interface Activation {
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
  /** Innermost first. */
  readonly blocks: readonly { readonly entry: Entry; readonly ranges: readonly AddressRange[] }[];
}

interface FunctionSpan extends AddressRange {
  readonly offset: number;
}

const SUBPROGRAMS: ReadonlySet<number> = new Set([TAG.subprogram]);
const BLOCKS: ReadonlySet<number> = new Set([
  TAG.lexical_block,
  TAG.try_block,
  TAG.catch_block,
  TAG.with_stmt,
  TAG.common_block,
]);
const INLINE_DEPTH_MAX = 256;
// Units whose functions are kept listed.
const LISTS_MAX = 128;

export class Functions {
  readonly #data: DebugData;
  readonly #map: AddressMap;
  readonly #lists = new Map<Unit, readonly FunctionSpan[]>();

  constructor(data: DebugData, map: AddressMap) {
    this.#data = data;
    this.#map = map;
  }

  /** The entry of the function with code at `address`: a real function, no inlined copy. */
  at(address: bigint): Entry | undefined {
    for (const unit of this.#map.unitsAt(address)) {
      const span = tightest(this.#list(unit), address);
      if (span) return this.#data.attempt(() => unit.entry(span.offset));
    }
    return undefined;
  }

  /** Functions of a unit in order of address. */
  *in(unit: Unit): Generator<Entry> {
    for (const { offset } of this.#list(unit)) {
      const entry = this.#data.attempt(() => unit.entry(offset));
      if (entry) yield entry;
    }
  }

  /** The function at `address` and what is inlined there, outermost first; empty if no debug information covers it. */
  activations(address: bigint): Activation[] {
    const entry = this.at(address);
    if (!entry) return [];
    return this.#data.attempt(() => descend(entry, address)) ?? [];
  }

  /**
   * What `expression` had as its value when the function that `address` is in was called, from the description of the call in the
   * caller (DWARF 5 §3.4): `returnAddress` is where the callee returns to.
   */
  entryValue(
    expression: Uint8Array,
    callee: Entry,
    returnAddress: bigint,
    caller: (entry: Entry) => Environment,
  ): bigint | Failure {
    const unknown = new Failure("optimized out (known only when the function was entered)");
    const outer = this.at(returnAddress - 1n);
    if (!outer) return unknown;
    const site = this.#data.attempt(() => findCallSite(outer, returnAddress));
    if (!site) return unknown;
    // A tail call in between would make the values those of another call.
    const called = site.reference(AT.abstract_origin) ?? site.reference(CALL_ORIGIN);
    if (called && called.withAttribute(AT.name)?.name !== callee.withAttribute(AT.name)?.name) return unknown;
    for (const parameter of site.children()) {
      const location = parameter.block(AT.location);
      const value = parameter.block(AT.call_value) ?? parameter.block(AT.GNU_call_site_value);
      if (location && value && same(location, expression)) return compute(value, caller(parameter));
    }
    return unknown;
  }

  #list(unit: Unit): readonly FunctionSpan[] {
    let list = this.#lists.get(unit);
    if (list) {
      this.#lists.delete(unit);
    } else {
      const found: FunctionSpan[] = [];
      this.#data.attempt(() => {
        const { splitName } = unit;
        if (splitName !== undefined) {
          const reason = `split DWARF: the functions of this unit are in ${splitName}, which is not read`;
          this.#data.problem(unit.section.error(unit.offset, reason));
        }
        unit.scan(SUBPROGRAMS, (entry) => {
          if (entry.has(AT.low_pc) || entry.has(AT.ranges)) {
            for (const range of this.#data.attempt(() => rangesOf(entry)) ?? []) {
              if (this.#data.hasCode(range.low)) found.push({ ...range, offset: entry.offset });
            }
          }
          return true;
        });
      });
      list = found.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
      const oldest = this.#lists.keys().next();
      if (this.#lists.size >= LISTS_MAX && oldest.done !== true) this.#lists.delete(oldest.value);
    }
    this.#lists.set(unit, list);
    return list;
  }
}

// DW_AT_call_origin
const CALL_ORIGIN = 0x7f;

function tightest(list: readonly FunctionSpan[], address: bigint): FunctionSpan | undefined {
  let best: FunctionSpan | undefined;
  for (const span of list) {
    if (span.low > address) break;
    if (address < span.high && (!best || span.high - span.low <= best.high - best.low)) best = span;
  }
  return best;
}

export function covers(ranges: readonly AddressRange[], address: bigint): boolean {
  return ranges.some(({ low, high }) => address >= low && address < high);
}

function descend(entry: Entry, address: bigint): Activation[] {
  const result: Activation[] = [];
  let activation = {
    entry,
    ranges: rangesOf(entry),
    blocks: [] as { entry: Entry; ranges: AddressRange[] }[],
  };
  result.push(activation);
  let current = entry;
  for (let depth = 0; depth < INLINE_DEPTH_MAX; depth++) {
    let next: { entry: Entry; ranges: AddressRange[] } | undefined;
    for (const child of current.children()) {
      if (child.tag !== TAG.inlined_subroutine && !BLOCKS.has(child.tag)) continue;
      const ranges = rangesOf(child);
      if (!covers(ranges, address)) continue;
      next = { entry: child, ranges };
      break;
    }
    if (!next) break;
    if (next.entry.tag === TAG.inlined_subroutine) {
      activation = { ...next, blocks: [] };
      result.push(activation);
    } else {
      activation.blocks.unshift(next);
    }
    current = next.entry;
  }
  return result;
}

function findCallSite(outer: Entry, returnAddress: bigint): Entry | undefined {
  const pending: Entry[] = [outer];
  for (let visited = 0; visited < 20_000; visited++) {
    const next = pending.pop();
    if (!next) return undefined;
    for (const child of next.children()) {
      if (child.tag === TAG.call_site || child.tag === TAG.GNU_call_site) {
        if ((child.address(AT.call_return_pc) ?? child.address(AT.low_pc)) === returnAddress) return child;
      } else if (child.tag === TAG.inlined_subroutine || BLOCKS.has(child.tag)) {
        pending.push(child);
      }
    }
  }
  return undefined;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
