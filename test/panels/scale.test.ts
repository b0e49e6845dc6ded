/** The picture of the address space: what shares a strip and how wide it is; and sizes in words. */
import { describe, expect, it } from "vitest";
import { plural, size } from "../../media/panels/kit/size.ts";
import { boxes, canonical, parts, position, runsOf, type Run } from "../../media/panels/page-tables/scale.ts";
import type { TableEntry } from "../../media/protocol/paging.ts";

const UNIT = 1n << 39n;
/** Only what the picture's arithmetic looks at. */
const entry = (index: number, count = 1): TableEntry => ({
  index,
  count,
  fold: count > 1 ? "contiguous" : null,
  level: "PML4E",
  linear: "0x0",
  last: "0x0",
  address: "0x0",
  value: "0x0",
  present: true,
  flags: [],
  target: "0x0",
  pageBytes: 0,
  effective: { user: "---", supervisor: "rwx" },
  pages: [],
  contiguous: null,
  notes: [],
  changed: false,
});
const root = (...entries: readonly TableEntry[]): Run[] => runsOf(entries, 0n, UNIT, 0, 512, 48);
const shape = (runs: readonly Run[]): string[] =>
  runs.map(({ index, count, entry: it }) => `${index}+${count}${it === null ? " -" : ""}`);

describe("a table as runs of entries", () => {
  it("has the gaps between what is present, and never one over the hole in the middle", () => {
    expect(shape(root(entry(0), entry(3, 2), entry(511)))).toEqual([
      "0+1",
      "1+2 -",
      "3+2",
      "5+251 -",
      "256+255 -",
      "511+1",
    ]);
    expect(shape(root())).toEqual(["0+256 -", "256+256 -"]);
  });

  it("knows canonical addresses in the upper half", () => {
    const last = root(entry(511)).at(-1)!;
    expect([last.start, last.last]).toEqual([0xffffff8000000000n, 0xffffffffffffffffn]);
    expect(canonical(1n << 47n, 48)).toBe(0xffff800000000000n);
    expect(canonical(1n << 56n, 57)).toBe(0xff00000000000000n);
    expect(canonical(0xc0000000n, 32)).toBe(0xc0000000n);
  });

  it("covers every entry once, whatever is present", () => {
    for (let seed = 1; seed <= 40; seed++) {
      // A small generator of its own: the numbers are the same everywhere.
      let state = seed;
      const next = (most: number): number => (state = (state * 1103515245 + 12345) % 2147483648) % most;
      const entries: TableEntry[] = [];
      for (let index = next(9); index < 512;) {
        const count = Math.min(1 + next(40), 512 - index);
        entries.push(entry(index, count));
        index += count + next(30);
      }
      const runs = root(...entries);
      let at = 0;
      for (const { index, count, start } of runs) {
        expect(index, `seed ${seed}`).toBe(at);
        expect(start, `seed ${seed}`).toBe(canonical(BigInt(index) * UNIT, 48));
        at += count;
      }
      expect(at, `seed ${seed}`).toBe(512);
    }
  });
});

describe("widths", () => {
  it("sum up to the strip", () => {
    for (const scale of ["logarithmic", "true"] as const) {
      const all = boxes(root(entry(0), entry(273), entry(511)), scale);
      expect(all.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(100);
    }
  });

  it("let one entry of 512 be seen on the logarithmic scale, and be what it is on the true one", () => {
    const of = (scale: "logarithmic" | "true") => boxes(root(entry(511)), scale).at(-1)!.width;
    expect(of("true")).toBeCloseTo(100 / 512);
    expect(of("logarithmic")).toBeGreaterThan(20);
  });

  it("say where an address is", () => {
    const all = boxes(root(entry(511)), "true");
    expect(position(all, 0n)).toBe(0);
    expect(position(all, 1n << 46n)).toBeCloseTo(25);
    expect(position(all, 0xffff800000000000n)).toBeCloseTo(50);
    expect(position(all, 1n << 50n)).toBeCloseTo(50);
  });
});

describe("a folded run, looked at closer", () => {
  it("falls into equal parts, at most as many as asked for", () => {
    const [, run] = boxes(runsOf([entry(2, 510)], 0n, 1n << 21n, 0, 512, 48), "true");
    const closer = parts(run!, 1n << 21n, 32);
    expect(closer).toHaveLength(32);
    expect(shape(closer).slice(0, 2)).toEqual(["2+16", "18+16"]);
    expect(closer.at(-1)).toMatchObject({ index: 498, count: 14, last: (1n << 30n) - 1n });
  });
});

describe("sizes in words", () => {
  it.each([
    [0, "0 B"],
    [4096, "4 KiB"],
    [0x60_0000, "6 MiB"],
    [3 << 29, "1.5 GiB"],
    [1n << 48n, "256 TiB"],
    [(1n << 30n) + 4096n, "≈1 GiB"],
    [1535, "≈1.49 KiB"],
  ])("%s is %s", (bytes, text) => expect(size(bytes)).toBe(text));

  it("counts", () => expect([plural(1, "table"), plural(2048, "page")]).toEqual(["1 table", "2,048 pages"]));
});
