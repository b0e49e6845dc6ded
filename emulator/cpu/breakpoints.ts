/**
 * Where instructions are to be stopped at, as decoding needs it: offsets by guest-physical page.
 *
 * A breakpoint at a linear address is one wherever that address is mapped. Nothing runs on a linear page before its translation has been put into the instruction
 * TLB, and for pages with breakpoints that happens under the eyes of `translateCode`: there the offsets are added to the guest-physical page. So code at the same
 * offset of other pages, hot or not, has no BREAK record and is translated as ever.
 * Invariant: a page that can be executed through a linear page with breakpoints has their offsets. It may have more: old mappings are forgotten only by `set`.
 * Elsewhere: whether a stop is one (`machine/watches.ts` compares whole addresses).
 */
import { PAGE_BYTES } from "../numbers.ts";

const OFFSET = 0xfffn;
const NUMBERS = 63n;
const NONE: ReadonlySet<number> = new Set();

export class CodeBreakpoints {
  /** Offsets by linear page address. */
  #linear = new Map<bigint, number[]>();
  #places = new Map<number, Set<number>>();

  /** Offsets in a guest-physical page. */
  at(page: number): ReadonlySet<number> {
    return this.#places.get(page) ?? NONE;
  }

  /** u64: bit n is set if some linear page with number n modulo 64 has breakpoints. */
  get filter(): bigint {
    let filter = 0n;
    for (const page of this.#linear.keys()) filter |= 1n << ((page >> 12n) & NUMBERS);
    return filter;
  }

  /**
   * Replaces all. `mapped` gives the guest-physical pages through which a linear page may be executed at once. Returns the guest-physical addresses at
   * which instructions are to be decoded anew.
   */
  set(
    linear: ReadonlySet<bigint>,
    physical: ReadonlySet<number>,
    mapped: (linearPage: bigint) => Iterable<number>,
  ): readonly number[] {
    const before = this.#places;
    this.#places = new Map();
    this.#linear = new Map();
    for (const address of linear) {
      const page = address & ~OFFSET;
      const offsets = this.#linear.get(page);
      if (offsets === undefined) this.#linear.set(page, [Number(address & OFFSET)]);
      else offsets.push(Number(address & OFFSET));
    }
    for (const address of physical) this.#put(Math.floor(address / PAGE_BYTES), address % PAGE_BYTES);
    for (const page of this.#linear.keys()) for (const at of mapped(page)) this.map(page, at);
    return [...difference(before, this.#places), ...difference(this.#places, before)];
  }

  /** A linear page is about to be executed at a guest-physical one. Returns addresses as `set` does. */
  map(linearPage: bigint, page: number): readonly number[] {
    const added: number[] = [];
    for (const offset of this.#linear.get(linearPage) ?? [])
      if (this.#put(page, offset)) added.push(page * PAGE_BYTES + offset);
    return added;
  }

  #put(page: number, offset: number): boolean {
    const offsets = this.#places.get(page);
    if (offsets === undefined) this.#places.set(page, new Set([offset]));
    else if (offsets.has(offset)) return false;
    else offsets.add(offset);
    return true;
  }
}

/** Addresses that are in the first only. */
function* difference(
  some: ReadonlyMap<number, ReadonlySet<number>>,
  others: ReadonlyMap<number, ReadonlySet<number>>,
): Generator<number> {
  for (const [page, offsets] of some)
    for (const offset of offsets)
      if (others.get(page)?.has(offset) !== true) yield page * PAGE_BYTES + offset;
}
