/** Merged spans as rows of the merged view: repetitions said once, cut where a named region ends, found by address or name, counted, and a page of them worded. */
import type { MappedRange, PageTablesRangesBody, RangeFilter } from "../../media/protocol.ts";
import { effective } from "./entry.ts";
import { hexLinear, hexPage } from "./mode.ts";
import { describeRange, imagePieces, type Naming } from "./name.ts";
import { ATTRIBUTE, mergedSpans, type Span } from "./ranges.ts";
import { pageCounts } from "./tree.ts";
import { regionAt, type View } from "./view.ts";

/** Rows are counted up to here; tables made to frighten could have more than fit. */
const MOST_ROWS = 500_000;
const DEFAULT_LIMIT = 1000;

export interface RowsWanted {
  readonly filters?: readonly RangeFilter[];
  /** Pages of the linear address space. */
  readonly from?: number;
  readonly to?: number;
  /** A page that the range must contain, or a part of its name. */
  readonly page?: number;
  readonly name?: string;
  readonly offset?: number;
  readonly limit?: number;
}

/** All rows of a view with a filter: a span where it is. */
export function flattened(spans: readonly Span[], view: View): readonly Span[] {
  const rows: Span[] = [];
  const add = (list: readonly Span[], base: number): void => {
    for (const span of list) {
      if (rows.length >= MOST_ROWS) return;
      const at = base + span.at;
      if (span.inner === null) {
        if (span.times > 1) rows.push({ ...span, at });
        else cut(span, at, view, rows);
      } else if (span.inner.every((inner) => inner.times === 1)) {
        for (const inner of span.inner)
          rows.push({ ...inner, at: at + inner.at, times: span.times, stride: span.stride });
      } else for (let n = 0; n < span.times; n++) add(span.inner, at + n * span.stride);
    }
  };
  add(spans, 0);
  return rows;
}

/** A span in the pieces that named regions make of it; what is counted is only known of the whole, so a piece of equal pages has its share. */
function cut(span: Span, at: number, view: View, rows: Span[]): void {
  let first = at;
  const end = at + span.pages;
  const total = span.counts[1] + span.counts[2] + span.counts[3];
  const isUniform = span.counts.includes(total) && span.pages % total === 0;
  const unit = span.pages / total;
  while (first < end) {
    const region = regionAt(view.regions, first);
    const next = region === null ? nextRegion(view, first) : region.last + 1;
    let stop = Math.min(end, next);
    // A page is in one piece.
    if (!isUniform || (stop - first) % unit !== 0) stop = end;
    const pages = stop - first;
    if (pages === span.pages) {
      rows.push({ ...span, at: first });
      return;
    }
    const counts = span.counts.map((count) => (count === total ? pages / unit : 0)) as Span["counts"];
    const physical = span.physical < 0 || span.isSame ? span.physical : span.physical + first - at;
    rows.push({ ...span, at: first, pages, counts, physical });
    first = stop;
  }
}

function nextRegion(view: View, page: number): number {
  return view.regions.find((region) => region.first > page)?.first ?? Number.POSITIVE_INFINITY;
}

const NAMED: readonly (readonly [number, string])[] = [
  [ATTRIBUTE.accessed, "A"],
  [ATTRIBUTE.dirty, "D"],
  [ATTRIBUTE.global, "G"],
  [ATTRIBUTE.cacheDisable, "PCD"],
  [ATTRIBUTE.writeThrough, "PWT"],
  [ATTRIBUTE.uncached, "UC"],
  [ATTRIBUTE.writeCombining, "WC"],
];
const names = (bits: number): string[] => NAMED.flatMap(([bit, name]) => ((bits & bit) === 0 ? [] : [name]));

/** Rows of a view, by filter: worked out once for each. */
export class Rows {
  readonly #view: View;
  readonly #naming: Naming;
  readonly #known = new Map<string, readonly Span[]>();
  readonly #pieces: ReturnType<typeof imagePieces>;

  constructor(view: View, naming: Naming) {
    this.#view = view;
    this.#naming = naming;
    this.#pieces = imagePieces(naming);
  }

  all(filters: readonly RangeFilter[]): readonly Span[] {
    const key = filters.toSorted().join();
    let rows = this.#known.get(key);
    if (rows === undefined) {
      rows = flattened(mergedSpans(this.#view.tree, filters, this.#view.before), this.#view);
      this.#known.set(key, rows);
    }
    return rows;
  }

  answer(wanted: RowsWanted): PageTablesRangesBody {
    const found = this.#found(wanted);
    const offset = wanted.offset ?? 0;
    const page = found.slice(offset, offset + (wanted.limit ?? DEFAULT_LIMIT));
    return {
      ranges: page.map((span) => this.worded(span)),
      total: found.length,
      bytes: found.reduce((sum, span) => sum + span.pages * span.times, 0) * 4096,
      version: this.#view.version,
    };
  }

  #found({ filters = [], from = 0, to = Number.POSITIVE_INFINITY, page, name }: RowsWanted): readonly Span[] {
    const all = this.all(filters);
    const word = name?.toLowerCase();
    if (from === 0 && to === Number.POSITIVE_INFINITY && page === undefined && word === undefined) return all;
    return all.filter((span) => {
      const last = span.at + (span.times - 1) * span.stride + span.pages - 1;
      if (span.at > to || last < from) return false;
      if (page !== undefined && !contains(span, page)) return false;
      if (word === undefined) return true;
      const { name: called, holds } = this.#described(span);
      return [called ?? "", ...holds].some((text) => text.toLowerCase().includes(word));
    });
  }

  #described(span: Span): ReturnType<typeof describeRange> {
    return describeRange(this.#view, this.#naming, this.#pieces, span.at, span.pages, span.physical);
  }

  worded(span: Span): MappedRange {
    const { tree } = this.#view;
    const { shape, controls } = tree.paging;
    const isContiguous = span.physical >= 0 && (!span.isSame || span.pages === 1);
    const all = names(span.all);
    return {
      start: hexLinear(shape, span.at),
      last: hexLinear(shape, span.at + span.pages - 1, 4095),
      bytes: span.pages * 4096,
      times: span.times,
      stride: span.times > 1 ? span.stride * 4096 : 0,
      effective: effective(span.key, controls),
      physical: span.physical < 0 ? null : hexPage(span.physical),
      samePage: span.isSame && !isContiguous,
      pages: pageCounts(tree, span.counts),
      all,
      some: names(span.some).filter((bit) => !all.includes(bit)),
      ...this.#described(span),
      changed: (span.some & ATTRIBUTE.changed) !== 0,
    };
  }
}

function contains(span: Span, page: number): boolean {
  if (span.times === 1) return page >= span.at && page < span.at + span.pages;
  const n = Math.floor((page - span.at) / span.stride);
  return n >= 0 && n < span.times && page - span.at - n * span.stride < span.pages;
}
