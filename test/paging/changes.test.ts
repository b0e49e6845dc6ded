/** What is different from stop to stop, and what that costs; the way back from a physical page; the remarkable told in words. */
import { expect, test } from "vitest";
import { changes, NO_NAMES, reverse, tableEntries } from "../../debug-adapter/paging/index.ts";
import { walk } from "../../debug-adapter/paging/walk.ts";
import { Subject } from "./machine.ts";

const ROOT = 0x10_0000;
const at = (n: number): number => ROOT + n * 0x1000;
const table = (n: number, flags = 7): bigint => BigInt(at(n) | flags);
const XD = 1n << 63n;

const simple = (): Subject =>
  new Subject({ mode: "4-level", root: ROOT }, (given) => {
    given.put(at(0), 0, table(1));
    given.put(at(1), 0, table(2));
    given.put(at(2), 0, table(3));
    for (let i = 0; i < 16; i++) given.put(at(3), i, BigInt(i * 4096) | 7n);
  });

test("entries added, removed, changed and only accessed, from stop to stop and while the machine runs", () => {
  const subject = simple();
  const { tables } = subject;
  const kinds = (isRunning = false, accessed = false) =>
    changes(tables.view(subject.paging, isRunning), accessed).map(({ kind, linear, text }) => `${kind} ${linear} ${text}`);
  subject.view();
  expect(kinds()).toEqual([]);
  expect(tables.since(false)).toBeNull();
  tables.stopped();
  expect(tables.since(true)).toBe(subject.machine.instant);
  subject.put(at(3), 2, 0x2000n | 5n | XD);
  subject.put(at(3), 3, 0n);
  subject.put(at(3), 4, 0x4000n | 0x67n);
  subject.put(at(3), 20, 0x9000n | 3n);
  subject.put(at(3), 5, 0x8000n | 7n);
  subject.put(at(2), 1, 0x20_0083n);
  const expected = [
    "changed 0x2000 Read-only now, no longer executable.",
    "removed 0x3000 No longer maps the page at 0x3000.",
    "changed 0x5000 Points to 0x8000 instead of 0x5000.",
    "added 0x14000 Maps the page at 0x9000 now.",
    "added 0x200000 Maps the page at 0x200000 now.",
  ];
  // While it runs they are counted from the last stop; at the next stop from that one, too.
  expect(kinds(true)).toEqual(expected);
  tables.stopped();
  expect(kinds()).toEqual(expected);
  expect(kinds(false, true)[2]).toBe("accessed 0x4000 Written to, used.");
  expect(tables.view(subject.paging, false).rows.answer({ filters: ["changed"] }).ranges.map(({ start }) => start)).toEqual([
    "0x2000", "0x5000", "0x14000", "0x200000",
  ]); // oxfmt-ignore
  expect(kinds(true)).toEqual([]);
  tables.stopped();
  expect(kinds()).toEqual([]);
}); // oxfmt-ignore

test("a write that changes nothing is no change, and nothing is worked out again", () => {
  const subject = simple();
  const first = subject.view();
  subject.tables.stopped();
  const second = subject.view();
  expect(second.tree).toBe(first.tree);
  subject.put(at(3), 2, 0x2007n);
  subject.tables.stopped();
  const third = subject.view();
  expect(third.tree).toBe(first.tree);
  expect(changes(third, true)).toEqual([]);
  expect(subject.view()).toBe(third);
  subject.put(at(3), 2, 0x3007n);
  expect(subject.view().tree).not.toBe(first.tree);
});

test("all linear addresses of a physical one, through large pages and shared tables, with a limit", () => {
  const subject = new Subject({ mode: "4-level", root: ROOT }, (given) => {
    given.put(at(0), 0, table(1));
    given.put(at(0), 256, table(1, 3));
    given.put(at(1), 0, table(2));
    given.put(at(1), 1, 0x83n);
    given.put(at(2), 3, table(3));
    given.put(at(3), 5, 0x12_3000n | 5n | XD);
  });
  const found = reverse(subject.view(), NO_NAMES, 0x12_3456, 10);
  expect(found.total).toBe(4);
  expect(found.mappings.map(({ linear, level, effective }) => [linear, level, effective.user, effective.supervisor])).toEqual([
    ["0x605456", "PTE", "r--", "r--"],
    ["0x40123456", "PDPTE", "---", "rwx"],
    ["0xffff800000605456", "PTE", "---", "r--"],
    ["0xffff800040123456", "PDPTE", "---", "rwx"],
  ]);
  expect(reverse(subject.view(), NO_NAMES, 0x12_3456, 1)).toMatchObject({ total: 4, mappings: [{ linear: "0x605456" }] });
  expect(reverse(subject.view(), NO_NAMES, 0x7f00_0000_0000, 10)).toMatchObject({ total: 0, mappings: [] });
}); // oxfmt-ignore

test("what is remarkable about an entry is said", () => {
  const subject = new Subject({ mode: "4-level", root: ROOT }, (given) => {
    given.put(at(0), 0, table(1, 3));
    given.put(at(0), 1, table(1, 3));
    given.put(at(0), 2, table(1, 0x83));
    given.put(at(0), 3, 0xfe00_0000n | 3n);
    given.put(at(0), 511, table(0, 3));
    given.put(at(1), 0, 0x83n);
    given.put(at(1), 1, 0x4000_0087n);
    given.put(at(1), 2, (1n << 45n) | 0x83n);
    given.put(at(1), 3, 0x4000_2083n);
    given.put(at(1), 4, 0xc000_0083n | 0x100n);
  });
  const view = subject.view();
  const notes = (height: number) =>
    tableEntries(view, 0, height, {})!.entries.map(({ index, notes: said }) => [index, said.map(({ kind, isError }) => `${isError ? "!" : ""}${kind}`).join()]);
  expect(notes(4)).toEqual([
    [0, "shared"],
    [2, "!large-not-allowed"],
    [3, "!outside-ram"],
    [511, "recursive"],
  ]);
  expect(notes(3)).toEqual([
    [0, "identity"],
    [1, "identity,hole,restricted"],
    [2, "!too-wide"],
    [3, "!reserved"],
    [4, "hole,ignored"],
  ]);
  expect(view.tree.malformed).toBe(4);
  expect(walk(view.tree, 0).pages).toBe(2 ** 18);
}); // oxfmt-ignore
