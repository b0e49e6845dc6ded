/**
 * What is mapped, with neighbours of the same rights merged: the merged view of `info mem`, with the X bit, and with what is mapped again and again said once.
 *
 * Invariant: the spans of a table depend on the table, its level and the rights that the levels above leave, so each is worked out once for these; two spans that
 * touch and have the same key are one. A repetition is only made where none of its members could have been merged with a neighbour.
 * Linux maps one page of its ESPFIX stacks 65,536 times: that is one span here, and a text of 65,536 lines in `info mem`.
 */
import type { RangeFilter } from "../../media/protocol.ts";
import { ALL_RIGHTS, BIT, KIND, kindOf, patIndex, RIGHT, rightsOf, targetOf } from "./entry.ts";
import type { PageTree } from "./tree.ts";
import type { Words } from "./tables.ts";

/** Bits of a span: rights (`RIGHT`, 0 … 2), then attributes of its leaf entries. */
export const ATTRIBUTE = {
  accessed: 8,
  dirty: 0x10,
  global: 0x20,
  cacheDisable: 0x40,
  writeThrough: 0x80,
  /** Memory type UC or UC- by the PAT. */
  uncached: 0x100,
  writeCombining: 0x200,
  large: 0x400,
  changed: 0x800,
} as const;

/** A stretch of linear pages, relative to where the table begins that it belongs to. */
export interface Span {
  at: number;
  /** Of one member. */
  pages: number;
  /** Bits that decide what is merged. */
  key: number;
  /** Bits that all pages have, and that any has. */
  all: number;
  some: number;
  /** First physical page, or −1: not contiguous. */
  physical: number;
  /** All maps the page `physical` again and again. */
  isSame: boolean;
  /** Pages by height of their entries. */
  counts: [number, number, number, number];
  /** The member is there so many times, every `stride` pages. */
  times: number;
  stride: number;
  /** Members that are several spans; then only `at`, `times`, `stride` and `pages` (the extent of a member) count. */
  inner: readonly Span[] | null;
}

/** Fewer equal neighbours are not worth a repetition. */
const LEAST_TIMES = 4;
/** Copies that are made at most where a repetition touches its neighbours on both sides. */
const MOST_COPIES = 4096;

const endOf = (span: Span): number => span.at + (span.times - 1) * span.stride + span.pages;

interface Wanted {
  /** Bits that are told apart. */
  readonly mask: number;
  readonly set: number;
  readonly clear: number;
}

const FILTERS: Readonly<Record<RangeFilter, { readonly set: number; readonly clear?: number }>> = {
  "write+execute": { set: RIGHT.write | RIGHT.execute },
  user: { set: RIGHT.user },
  "user-writable": { set: RIGHT.user | RIGHT.write },
  executable: { set: RIGHT.execute },
  writable: { set: RIGHT.write },
  uncached: { set: ATTRIBUTE.uncached },
  "not-accessed": { set: 0, clear: ATTRIBUTE.accessed },
  dirty: { set: ATTRIBUTE.dirty },
  global: { set: ATTRIBUTE.global },
  large: { set: ATTRIBUTE.large },
  changed: { set: ATTRIBUTE.changed },
};
export const isFilter = (text: string): text is RangeFilter => Object.hasOwn(FILTERS, text);
export const FILTER_NAMES = Object.keys(FILTERS) as readonly RangeFilter[];

function wanted(filters: readonly RangeFilter[]): Wanted {
  let set = 0;
  let clear = 0;
  for (const name of filters) {
    set |= FILTERS[name].set;
    clear |= FILTERS[name].clear ?? 0;
  }
  return { mask: ALL_RIGHTS | set | clear, set, clear };
}

/** The spans under a root, in the order of linear addresses (those of a repetition in the order of their first members). */
export function mergedSpans(
  tree: PageTree,
  filters: readonly RangeFilter[],
  before: ReadonlyMap<number, Words>,
): readonly Span[] {
  const merger = new Merger(tree, wanted(filters), before);
  const { root, shape } = tree.paging;
  return merger.spansOf(root, shape.top, ALL_RIGHTS, false);
}

class Merger {
  readonly #tree: PageTree;
  readonly #wanted: Wanted;
  readonly #before: ReadonlyMap<number, Words>;
  readonly #known = new Map<number, readonly Span[]>();
  /** Attributes by PAT index. */
  readonly #types: readonly number[];

  constructor(tree: PageTree, { mask, set, clear }: Wanted, before: ReadonlyMap<number, Words>) {
    this.#tree = tree;
    this.#wanted = { mask, set, clear };
    this.#before = before;
    this.#types = tree.paging.controls.pat.map((type) =>
      type === "UC" || type === "UC-" ? ATTRIBUTE.uncached : type === "WC" ? ATTRIBUTE.writeCombining : 0,
    );
  }

  spansOf(page: number, height: number, rights: number, isChanged: boolean): readonly Span[] {
    const key = ((page * 8 + height) * 8 + rights) * 2 + (isChanged ? 1 : 0);
    let spans = this.#known.get(key);
    if (spans === undefined) {
      spans = this.#merge(page, height, rights, isChanged);
      this.#known.set(key, spans);
    }
    return spans;
  }

  #merge(page: number, height: number, rights: number, isChanged: boolean): readonly Span[] {
    const tree = this.#tree;
    const words = tree.words(page);
    if (words === null) return [];
    const old = this.#before.get(page);
    const format = tree.format(height);
    const { pages: step, entries } = tree.level(height);
    const isWide = tree.paging.shape.entryBytes === 8;
    const list = new SpanList();
    for (let index = 0, at = tree.wordIndex(height, 0); index < entries; index++, at += isWide ? 2 : 1) {
      const lo = words[at]!;
      if ((lo & BIT.P) === 0) continue;
      const hi = isWide ? words[at + 1]! : 0;
      const kind = kindOf(format, lo, hi);
      if (kind === KIND.malformed) continue;
      const left = rights & rightsOf(format, lo, hi);
      const target = targetOf(format, lo, hi, kind === KIND.page);
      const differs = old !== undefined && differ(old, words, at, isWide, kind === KIND.page);
      if (kind === KIND.page) {
        const bits = left | this.#attributes(height, lo) | (isChanged || differs ? ATTRIBUTE.changed : 0);
        const { mask, set, clear } = this.#wanted;
        if ((bits & set) === set && (bits & clear) === 0)
          list.page(index * step, step, height, bits & mask, bits, target);
        continue;
      }
      let times = 1;
      // Entries that say the same all map the same; which of them changed is told one by one.
      if (old === undefined) while (index + times < entries && same(words, at, times, isWide)) times++;
      list.table(this.spansOf(target, height - 1, left, isChanged || differs), index * step, step, times);
      index += times - 1;
      at += (times - 1) * (isWide ? 2 : 1);
    }
    return list.finished();
  }

  #attributes(height: number, lo: number): number {
    let bits = this.#types[patIndex(height, lo)]!;
    if ((lo & BIT.A) !== 0) bits |= ATTRIBUTE.accessed;
    if ((lo & BIT.D) !== 0) bits |= ATTRIBUTE.dirty;
    if ((lo & BIT.G) !== 0) bits |= ATTRIBUTE.global;
    if ((lo & BIT.PCD) !== 0) bits |= ATTRIBUTE.cacheDisable;
    if ((lo & BIT.PWT) !== 0) bits |= ATTRIBUTE.writeThrough;
    if (height > 1) bits |= ATTRIBUTE.large;
    return bits;
  }
}

/** Whether an entry says something else than before; that the processor has set accessed or dirty is nothing else. */
function differ(old: Words, words: Words, at: number, isWide: boolean, isPage: boolean): boolean {
  const ignored = isPage ? BIT.A | BIT.D : BIT.A;
  return ((old[at]! ^ words[at]!) & ~ignored) !== 0 || (isWide && old[at + 1] !== words[at + 1]);
}

function same(words: Words, at: number, n: number, isWide: boolean): boolean {
  return isWide
    ? words[at] === words[at + n * 2] && words[at + 1] === words[at + n * 2 + 1]
    : words[at] === words[at + n];
}

/** Spans of one table while they are gathered. */
class SpanList {
  #spans: Span[] = [];

  page(at: number, pages: number, height: number, key: number, bits: number, physical: number): void {
    const last = this.#spans.at(-1);
    if (last !== undefined && last.times === 1 && last.key === key && last.at + last.pages === at) {
      join(last, pages, physical, pages === 1, bits, bits);
      last.counts[height]!++;
      return;
    }
    const counts: Span["counts"] = [0, 0, 0, 0];
    counts[height] = 1;
    const isSame = pages === 1;
    this.#spans.push({
      at,
      pages,
      key,
      all: bits,
      some: bits,
      physical,
      isSame,
      counts,
      times: 1,
      stride: 0,
      inner: null,
    });
  }

  /** The spans of a table that `times` neighbouring entries point to. */
  table(spans: readonly Span[], at: number, step: number, times: number): void {
    const first = spans[0];
    const last = spans.at(-1);
    if (first === undefined || last === undefined) return;
    const whole = spans.length === 1 && first.times === 1 && first.pages === step;
    if (times < LEAST_TIMES || whole) {
      for (let n = 0; n < times; n++) for (const span of spans) this.#append(span, at + n * step);
      return;
    }
    if (spans.length === 1 && first.inner === null) {
      if (first.times === 1) {
        this.#append({ ...first, times, stride: step }, at);
        return;
      }
      if (first.times * first.stride === step) {
        this.#append({ ...first, times: first.times * times }, at);
        return;
      }
    }
    const touchesStart = first.at === 0;
    const touchesEnd = endOf(last) === step;
    // What goes over from one copy into the next has to be merged there.
    if (touchesStart && touchesEnd && spans.length * times <= MOST_COPIES) {
      for (let n = 0; n < times; n++) for (const span of spans) this.#append(span, at + n * step);
      return;
    }
    const head = touchesStart ? 1 : 0;
    const tail = touchesEnd ? 1 : 0;
    if (touchesStart) for (const span of spans) this.#append(span, at);
    this.#spans.push({
      at: at + head * step, pages: step, key: -1, all: 0, some: 0, physical: -1, isSame: false, counts: [0, 0, 0, 0],
      times: times - head - tail, stride: step, inner: spans,
    }); // oxfmt-ignore
    if (touchesEnd) for (const span of spans) this.#append(span, at + (times - 1) * step);
  }

  /** A span of a table below, which begins at `base`. */
  #append(span: Span, base: number): void {
    const at = base + span.at;
    let last = this.#spans.at(-1);
    const touches = last !== undefined && last.inner === null && span.inner === null && endOf(last) === at && last.key === span.key;
    if (last === undefined || !touches) {
      this.#spans.push({ ...span, at, counts: [...span.counts] });
      return;
    }
    // A member at the border of a repetition leaves it to be merged.
    if (last.times > 1) {
      last.times--;
      last = { ...last, at: last.at + last.times * last.stride, times: 1, stride: 0, counts: [...last.counts] };
      this.#spans.push(last);
    }
    const { pages, physical, isSame, all, some } = span;
    join(last, pages, physical, isSame, all, some);
    for (const h of [1, 2, 3] as const) last.counts[h] += span.counts[h];
    if (span.times > 1)
      this.#append({ ...span, at: span.at + span.stride, times: span.times - 1, counts: [...span.counts] }, base);
  } // oxfmt-ignore

  /** The spans, with equal ones at equal distances made repetitions. */
  finished(): readonly Span[] {
    const spans = this.#spans;
    const done: Span[] = [];
    for (let i = 0; i < spans.length;) {
      const first = spans[i]!;
      let times = 1;
      const second = spans[i + 1];
      if (second !== undefined && isCopy(first, second)) {
        const stride = second.at - first.at;
        while (
          i + times < spans.length &&
          isCopy(first, spans[i + times]!) &&
          spans[i + times]!.at === first.at + times * stride
        )
          times++;
        if (times >= LEAST_TIMES) {
          first.times = times;
          first.stride = stride;
        } else times = 1;
      }
      done.push(first);
      i += times;
    }
    return done;
  }
}

/** Adds pages behind a span. */
function join(last: Span, pages: number, physical: number, isSame: boolean, all: number, some: number): void {
  const continues = last.physical >= 0 && last.physical + last.pages === physical;
  const repeats = last.isSame && isSame && last.physical === physical && physical >= 0;
  if (!repeats) {
    if (!continues || (last.isSame && last.pages > 1) || (isSame && pages > 1)) last.physical = -1;
    last.isSame = false;
  }
  last.pages += pages;
  last.all &= all;
  last.some |= some;
}

/** Two spans that map the same pages with the same bits. */
const isCopy = (a: Span, b: Span): boolean =>
  a.times === 1 && b.times === 1 && a.inner === null && b.inner === null &&
  a.pages === b.pages && a.key === b.key && a.physical === b.physical && a.physical >= 0 && a.all === b.all && a.some === b.some; // oxfmt-ignore
