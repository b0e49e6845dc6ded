/** Merged ranges beside what is mapped page by page, on tables made by chance; and what is mapped again and again, said once. */
import { describe, expect, test } from "vitest";
import { KIND, kindOf, RIGHT, rightsOf, targetOf } from "../../debug-adapter/paging/entry.ts";
import { mergedSpans, type Span } from "../../debug-adapter/paging/ranges.ts";
import type { PageTree } from "../../debug-adapter/paging/tree.ts";
import type { RangeFilter } from "../../media/protocol.ts";
import { Random } from "../oracle/random.ts";
import { Subject } from "./machine.ts";

const SEED = Number(process.env["PAGING_SEED"] ?? 1);
const ROOT = 0x10_0000;

/** Rights and physical page of every linear page that a filter lets through, found without merging anything. */
function pageByPage(tree: PageTree, passes: (lo: number, rights: number) => boolean): Map<number, string> {
  const found = new Map<number, string>();
  const descend = (page: number, height: number, base: number, rights: number): void => {
    const words = tree.words(page);
    if (words === null) return;
    const { entries, pages } = tree.level(height);
    const format = tree.format(height);
    for (let index = 0; index < entries; index++) {
      const { lo, hi } = tree.entry(words, height, index);
      const kind = kindOf(format, lo, hi);
      const left = rights & rightsOf(format, lo, hi);
      const target = targetOf(format, lo, hi, kind === KIND.page);
      if (kind === KIND.table) descend(target, height - 1, base + index * pages, left);
      if (kind === KIND.page && passes(lo, left))
        for (let n = 0; n < pages; n++) found.set(base + index * pages + n, `${left} ${target + n}`);
    }
  };
  descend(tree.paging.root, tree.paging.shape.top, 0, 7);
  return found;
}

/** The same of spans; a page of a span that is not contiguous has no physical page. Ranges must not touch where they could be one. */
function ofSpans(spans: readonly Span[], wide: number): Map<number, string> {
  const found = new Map<number, string>();
  const ends = new Map<number, number>();
  const add = (list: readonly Span[], base: number): void => {
    for (const span of list)
      for (let n = 0; n < span.times; n++) {
        const at = base + span.at + n * span.stride;
        if (span.inner !== null) {
          add(span.inner, at);
          continue;
        }
        if (ends.get(at) === span.key) throw new Error(`two ranges that could be one touch at page ${at}`);
        ends.set(at + span.pages, span.key);
        for (let page = 0; page < span.pages; page++) {
          const physical = span.physical < 0 ? "?" : span.isSame ? span.physical : span.physical + page;
          if (found.has(at + page)) throw new Error(`page ${at + page} is told twice`);
          found.set(at + page, `${span.key & 7} ${physical}`);
        }
        expect(span.counts[1] + span.counts[2] * wide).toBe(span.pages);
      }
  };
  add(spans, 0);
  return found;
}

const FILTERS: readonly (readonly [readonly RangeFilter[], (lo: number, rights: number) => boolean])[] = [
  [[], () => true],
  [["write+execute"], (_, rights) => (rights & RIGHT.write) !== 0 && (rights & RIGHT.execute) !== 0],
  [["user", "dirty"], (lo, rights) => (rights & RIGHT.user) !== 0 && (lo & 0x40) !== 0],
  [["not-accessed"], (lo) => (lo & 0x20) === 0],
];

describe.each(["32-bit paging", "PAE"] as const)("%s", (mode) => {
  test(`what the merged ranges say of each page (seed ${SEED})`, () => {
    const random = new Random(SEED);
    const count = 8;
    const isWide = mode === "PAE";
    let repetitions = 0;
    for (let round = 0; round < 4; round++) {
      const subject = new Subject({ mode, root: ROOT, cr4: 0x10 }, (given) => {
        for (let n = 0; n < count; n++) {
          // Runs of equal and of counting entries, as kernels make them, with gaps.
          let left = 0;
          let value = 0n;
          let step = 0n;
          const isLeaf = n >= 4;
          const entries = isWide ? 512 : 1024;
          given.fill(ROOT + n * 0x1000, (index) => {
            if (isWide && n === 0)
              return index < 4 ? BigInt(ROOT + 0x1000 + random.below(3) * 0x1000) | 1n : 0n;
            // Few tables, so that there are few pages; at both ends, so that they touch.
            if (!isLeaf && index >= 14 && index < entries - 3) return 0n;
            if (left-- <= 0) {
              left = random.below(isLeaf ? 30 : 8);
              const flags = BigInt([1, 3, 7, 0x67, 0x23, 0, 0][random.below(7)]!);
              const target = isLeaf ? random.below(64) : (ROOT >> 12) + 4 + random.below(4);
              value = flags === 0n ? 0n : (BigInt(target) << 12n) | flags;
              step = isLeaf && random.below(2) === 0 ? 0x1000n : 0n;
              if (!isLeaf && flags !== 0n && random.oneIn(5)) {
                value = (BigInt(random.below(8)) << 22n) | 0x80n | flags;
                step = isWide ? 0x20_0000n : 0x40_0000n;
              }
              if (isWide && value !== 0n && random.oneIn(3)) value |= 1n << 63n;
            }
            const now = value;
            if (value !== 0n) value += step;
            // Holes at even distances, which is what repetitions are made of.
            return isLeaf && n % 2 === 0 && index % 4 === 3 ? 0n : now;
          });
        }
      });
      const { tree } = subject.view();
      const wide = isWide ? 512 : 1024;
      for (const [filters, passes] of FILTERS) {
        const spans = mergedSpans(tree, filters, new Map());
        repetitions += JSON.stringify(spans).match(/"times":(?!1\b)/g)?.length ?? 0;
        const own = ofSpans(spans, wide);
        const real = pageByPage(tree, passes);
        expect(own.size, `round ${round} ${filters.join()}: pages`).toBe(real.size);
        for (const [page, told] of real) {
          const merged = own.get(page);
          if (merged === told || merged === told.replace(/ .*/, " ?")) continue;
          expect(`page ${page}: ${merged}`, `round ${round} ${filters.join()}`).toBe(`page ${page}: ${told}`);
        }
      }
    }
    expect(repetitions).toBeGreaterThan(5);
  });
});

test("one page of a stack mapped 65,536 times, as Linux does for ESPFIX, is one row", () => {
  const table = (n: number, flags = 0x63): bigint => BigInt(ROOT + n * 0x1000 + flags);
  const subject = new Subject({ mode: "4-level", root: ROOT }, (given) => {
    given.put(ROOT, 510, table(1));
    for (let i = 0; i < 4; i++) given.put(ROOT + 0x1000, i, table(2));
    for (let i = 0; i < 512; i++) given.put(ROOT + 0x2000, i, table(3));
    for (let i = 0; i < 32; i++) given.put(ROOT + 0x3000, i * 16, 0x20_0000n | 0x61n | (1n << 63n));
  });
  const view = subject.view();
  const { ranges, total, bytes } = view.rows.answer({});
  expect(total).toBe(1);
  expect(bytes).toBe(65_536 * 4096);
  expect(ranges[0]).toMatchObject({ start: "0xffffff0000000000", bytes: 4096, times: 65_536, stride: 65_536, physical: "0x200000" });
  // Each of the four tables is read once.
  expect(view.tree.visited).toBe(4);
  expect(view.tree.whole.pages).toEqual([0, 65_536, 0, 0]);
}); // oxfmt-ignore

test("tables that multiply without end cost what they are", () => {
  // Every entry of every level points to the one table below: 2^36 pages, four tables.
  const subject = new Subject({ mode: "4-level", root: ROOT }, (given) => {
    for (let n = 0; n < 4; n++)
      given.fill(ROOT + n * 0x1000, () => BigInt(ROOT + (n + 1) * 0x1000 + 7) & (n === 3 ? ~2n : ~0n));
  });
  const view = subject.view();
  expect(view.tree.visited).toBe(4);
  const { ranges, total } = view.rows.answer({});
  expect([total, ranges[0]?.bytes, ranges[0]?.samePage]).toEqual([1, 2 ** 48, true]);
});

test("tables that map themselves are told as such, and cost each table once a level", () => {
  const subject = new Subject({ mode: "4-level", root: ROOT }, (given) => {
    given.put(ROOT, 511, BigInt(ROOT | 3));
    given.put(ROOT, 0, BigInt((ROOT + 0x1000) | 3));
    given.put(ROOT + 0x1000, 0, 0x83n);
  });
  const view = subject.view();
  // The root at four levels, the other at three.
  expect(view.tree.visited).toBe(7);
  const { ranges } = view.rows.answer({});
  expect(ranges.map(({ start, name, bytes }) => [start, bytes, name])).toEqual([
    ["0x0", 2 ** 30, "identity map"],
    ["0xffffff8000000000", 2 ** 21, "recursive mapping (the page tables)"],
    ["0xffffffffc0000000", 4096, "recursive mapping (the page tables)"],
    ["0xffffffffffe00000", 4096, "recursive mapping (the page tables)"],
    ["0xfffffffffffff000", 4096, "recursive mapping (the page tables)"],
  ]);
});
