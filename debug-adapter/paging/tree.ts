/**
 * The tables under one root: each visited once, with what is below it added up.
 *
 * Invariant: a table is looked at once for each level it is used at, however often it is mapped, so that recursive and shared tables cost what they occupy and not
 * what they map. The tree is that of one state of the tables: after a change there is a new one.
 * Elsewhere: merged ranges (`ranges.ts`), the walk for one address (`walk.ts`).
 */
import type { PageCount } from "../../media/protocol.ts";
import { formatOf, KIND, kindOf, rightsOf, targetOf, type EntryFormat } from "./entry.ts";
import { levelOf, PHYSICAL_PAGES, type Level, type Paging } from "./mode.ts";
import type { Tables, Words } from "./tables.ts";

/** What is below a table, wherever it is mapped. */
export interface Summary {
  /** Pages by height of their entry: [1] PTEs, [2] PDEs, [3] PDPTEs; counted as often as they are mapped. */
  readonly pages: readonly [number, number, number, number];
  /** 4 KiB pages of linear addresses that are mapped. */
  readonly mapped: number;
  /** First physical page if the table maps one stretch without holes and with the same rights; else −1. */
  readonly contiguous: number;
  /** The rights that all of it has, as far as this table and those below decide; −1: not the same. */
  readonly rights: number;
  /** The lowest and the highest physical page that is mapped; of nothing: Infinity and −1. */
  readonly lowest: number;
  readonly highest: number;
}

const NOTHING: Summary = {
  pages: [0, 0, 0, 0],
  mapped: 0,
  contiguous: -1,
  rights: -1,
  lowest: Number.POSITIVE_INFINITY,
  highest: -1,
};

/** A table at a level as one number. */
const keyOf = (page: number, height: number): number => page * 8 + height;

export class PageTree {
  readonly tables: Tables;
  readonly paging: Paging;
  /** By height. */
  readonly formats: readonly EntryFormat[];
  readonly #summaries = new Map<number, Summary>();
  /** Entries that point to a table. */
  readonly #references = new Map<number, number>();
  /** A linear page from which a table is mapped. */
  readonly #places = new Map<number, number>();
  readonly #pages = new Set<number>();
  #malformed = 0;
  /** Tables that were read to make this: a bound for tests. */
  visited = 0;

  constructor(tables: Tables, paging: Paging) {
    this.tables = tables;
    this.paging = paging;
    const { shape, controls } = paging;
    this.formats = shape.levels.map((level, height) =>
      formatOf(shape, level === undefined ? 1 : height, controls),
    );
    this.#visit(paging.root, shape.top, 0, []);
  }

  /** What the root maps. */
  get whole(): Summary {
    return this.summary(this.paging.root, this.paging.shape.top);
  }
  /** Tables, each counted once. */
  get tableCount(): number {
    return this.#pages.size;
  }
  get malformed(): number {
    return this.#malformed;
  }

  level(height: number): Level {
    return levelOf(this.paging.shape, height);
  }
  format(height: number): EntryFormat {
    return this.formats[height]!;
  }

  /** The words of a table and the index of its first; null if it is not in memory. */
  words(page: number): Words | null {
    return page >= PHYSICAL_PAGES ? null : this.tables.words(page);
  }
  /** Index of an entry's low half in the words of its table. */
  wordIndex(height: number, index: number): number {
    const { shape, rootOffset } = this.paging;
    const first = height === shape.top ? rootOffset / 4 : 0;
    return first + index * (shape.entryBytes / 4);
  }
  /** Physical address of an entry. */
  entryAddress(page: number, height: number, index: number): number {
    return page * 4096 + this.wordIndex(height, index) * 4;
  }

  summary(page: number, height: number): Summary {
    return this.#summaries.get(keyOf(page, height)) ?? NOTHING;
  }
  /** Entries, of all tables, that point to this table at this level. */
  references(page: number, height: number): number {
    return this.#references.get(keyOf(page, height)) ?? 0;
  }
  /** One linear page at which the table is mapped; null: it is not a table here at that level. */
  placeOf(page: number, height: number): number | null {
    return this.#places.get(keyOf(page, height)) ?? null;
  }

  /** Whether a table that an entry points to can be one. */
  isTable(page: number): boolean {
    return this.words(page) !== null;
  }

  /** Physical page of the table that maps `linear` at a level; null if the walk does not come that far. */
  tableFor(linear: number, height: number): number | null {
    let page = this.paging.root;
    for (let h = this.paging.shape.top; h > height; h--) {
      const words = this.words(page);
      if (words === null) return null;
      const { lo, hi } = this.entry(words, h, this.indexOf(linear, h));
      if (kindOf(this.format(h), lo, hi) !== KIND.table) return null;
      page = targetOf(this.format(h), lo, hi, false);
    }
    return this.words(page) === null ? null : page;
  }

  indexOf(linear: number, height: number): number {
    const { pages, entries } = this.level(height);
    return Math.floor(linear / pages) % entries;
  }

  entry(words: Words, height: number, index: number): { readonly lo: number; readonly hi: number } {
    const at = this.wordIndex(height, index);
    return { lo: words[at]!, hi: this.paging.shape.entryBytes === 8 ? words[at + 1]! : 0 };
  }

  /** `path`: the tables above; null below a table that is there twice, whose entries are told where they belong. */
  #visit(page: number, height: number, linear: number, path: readonly number[] | null): Summary {
    const key = keyOf(page, height);
    const known = this.#summaries.get(key);
    if (known !== undefined) return known;
    const words = this.words(page);
    if (words === null) return NOTHING;
    this.visited++;
    this.#pages.add(page);
    this.#places.set(key, linear);
    // A table that maps itself is met again one level further down, never at its own.
    const below = path === null || path.includes(page) ? null : [...path, page];
    const format = this.format(height);
    const { pages: step, entries } = this.level(height);
    const isWide = this.paging.shape.entryBytes === 8;
    const counts: [number, number, number, number] = [0, 0, 0, 0];
    let mapped = 0;
    let present = 0;
    let contiguous = -1;
    let rights = -1;
    let lowest = Number.POSITIVE_INFINITY;
    let highest = -1;
    for (let index = 0, at = this.wordIndex(height, 0); index < entries; index++, at += isWide ? 2 : 1) {
      const lo = words[at]!;
      if ((lo & 1) === 0) continue;
      const hi = isWide ? words[at + 1]! : 0;
      const kind = kindOf(format, lo, hi);
      if (kind === KIND.malformed) {
        if (below !== null) this.#malformed++;
        continue;
      }
      const target = targetOf(format, lo, hi, kind === KIND.page);
      let first = target;
      let own = rightsOf(format, lo, hi);
      if (kind === KIND.page) {
        counts[height]!++;
        mapped += step;
        if (target < lowest) lowest = target;
        if (target + step - 1 > highest) highest = target + step - 1;
      } else {
        const reference = keyOf(target, height - 1);
        this.#references.set(reference, (this.#references.get(reference) ?? 0) + 1);
        if (!this.isTable(target)) {
          if (below !== null) this.#malformed++;
          continue;
        }
        const child = this.#visit(target, height - 1, linear + index * step, below);
        for (const h of [1, 2, 3] as const) counts[h] += child.pages[h];
        mapped += child.mapped;
        lowest = Math.min(lowest, child.lowest);
        highest = Math.max(highest, child.highest);
        first = child.contiguous;
        own = child.rights < 0 ? -1 : own & child.rights;
      }
      if (present === index && first >= 0 && own >= 0) {
        if (index === 0) {
          contiguous = first;
          rights = own;
        } else if (contiguous + index * step !== first || rights !== own) contiguous = -1;
        if (contiguous >= 0) present++;
      }
    }
    const isWhole = present === entries;
    const summary: Summary = {
      pages: counts,
      mapped,
      contiguous: isWhole ? contiguous : -1,
      rights: isWhole ? rights : -1,
      lowest,
      highest,
    };
    this.#summaries.set(key, summary);
    return summary;
  }
}

/** Pages by size, largest first. */
export function pageCounts(
  { paging: { shape } }: PageTree,
  pages: readonly number[],
  times = 1,
): PageCount[] {
  return [3, 2, 1].flatMap((height) => {
    const count = pages[height] ?? 0;
    return count === 0 ? [] : [{ bytes: levelOf(shape, height).pages * 4096, count: count * times }];
  });
}
