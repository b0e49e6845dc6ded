/**
 * Random lists of writes of entries, invalidations and accesses, in each paging mode: what the detector reports is what a naive model says, whichever engine
 * runs, and the machine ends up the same with the detector on and off.
 */
import { describe, expect, it } from "vitest";
import type { TranslatorMode } from "../../emulator/index.ts";
import { expectEqualStates } from "../machine/equality.ts";
import { Random } from "../oracle/random.ts";
import { Model } from "./model.ts";
import {
  cr4Of,
  entryBytes,
  FRAMES,
  MODES,
  poke,
  ROOT,
  run,
  start,
  TABLES,
  type Mode,
  type Operation,
} from "./operations.ts";

const SEED = Number(process.env["STALE_SEED"] ?? 20261122);
const COUNT = Number(process.env["STALE_COUNT"] ?? 4000);
const CR4_TOGGLED = 0x80;
const PCIDE = 0x20000;

/** The tables below the area of pages that change. Of two roots (with 64-bit paging) the second has other tables at some places. */
interface World {
  readonly mode: Mode;
  /** Addresses of entries that operations change, by level. */
  readonly leaves: number[];
  readonly directories: { readonly at: number; readonly tables: readonly number[] }[];
  readonly pages: number[];
  readonly roots: readonly bigint[];
  readonly initial: Map<number, bigint>;
}

/** A leaf: mostly present and writable, one of a few frames. */
function leaf(random: Random, mode: Mode): bigint {
  let entry = BigInt(FRAMES + random.below(4) * 4096);
  if (!random.oneIn(8)) entry |= 1n;
  if (!random.oneIn(5)) entry |= 2n;
  if (random.oneIn(2)) entry |= 4n;
  entry |= BigInt(random.below(8)) << 9n;
  if (random.oneIn(3)) entry |= 0x20n;
  if (random.oneIn(3)) entry |= 0x40n;
  if (random.oneIn(6)) entry |= 0x100n;
  if (mode !== "32-bit" && random.oneIn(8)) entry |= 1n << 63n;
  return entry;
}

/** An entry that leads to one of `tables`, or is a large page. */
function directory(random: Random, mode: Mode, tables: readonly number[]): bigint {
  const size = mode === "32-bit" ? 0x400000 : 0x200000;
  const isLarge = random.oneIn(5);
  let entry = isLarge ? BigInt(FRAMES - (FRAMES % size)) | 0x80n : BigInt(random.pick(tables));
  if (!random.oneIn(10)) entry |= 1n;
  if (!random.oneIn(6)) entry |= 2n;
  if (isLarge && random.oneIn(6)) entry |= 0x100n;
  entry |= BigInt(random.below(8)) << 9n;
  return entry;
}

function world(random: Random, mode: Mode): World {
  const initial = new Map<number, bigint>();
  const leaves: number[] = [];
  const directories: World["directories"] = [];
  const pages: number[] = [];
  const bytes = entryBytes(mode);
  const tableAt = (n: number): number => TABLES + 0x8000 + n * 0x1000;
  const put = (at: number, entry: bigint): void => void initial.set(at, entry);
  let next = 0;
  const area = (upper: number, at: number, base: number): void => {
    // Two tables that this directory entry may lead to.
    const tables = [tableAt(next++), tableAt(next++)];
    for (const table of tables)
      for (let n = 0; n < 4; n++) {
        const slot = 0x40 + upper * 8 + n;
        leaves.push(table + slot * bytes);
        put(table + slot * bytes, leaf(random, mode));
      }
    for (let n = 0; n < 4; n++) pages.push(base + (0x40 + upper * 8 + n) * 4096);
    directories.push({ at, tables });
    put(at, directory(random, mode, tables));
  };
  if (mode === "32-bit") {
    for (let n = 0; n < 4; n++) put(ROOT + n * 4, BigInt(n * 0x400000) | 0x83n);
    for (let n = 0; n < 4; n++) area(n, ROOT + (0x100 + n) * 4, 0x40000000 + n * 0x400000);
    return { mode, leaves, directories, pages, roots: [BigInt(ROOT)], initial };
  }
  const identity = ROOT + 0x2000;
  for (let n = 0; n < 8; n++) put(identity + n * 8, BigInt(n * 0x200000) | 0x83n);
  if (mode === "PAE") {
    put(ROOT, BigInt(identity) | 1n);
    // The directory pointers are in registers: the area is in the first GiB.
    for (let n = 0; n < 4; n++) area(n, identity + (0x100 + n) * 8, 0x20000000 + n * 0x200000);
    return { mode, leaves, directories, pages, roots: [BigInt(ROOT)], initial };
  }
  const roots = [ROOT, ROOT + 0x5000];
  const pointers = [ROOT + 0x1000, ROOT + 0x6000];
  for (const [n, root] of roots.entries()) {
    put(root, BigInt(pointers[n]!) | 3n);
    put(pointers[n]!, BigInt(identity) | 3n);
  }
  // One directory is shared by both, another is each root's own.
  const shared = ROOT + 0x3000;
  const own = [ROOT + 0x4000, ROOT + 0x7000];
  for (const at of pointers) put(at + 8, BigInt(shared) | 3n);
  for (const [n, at] of pointers.entries()) put(at + 16, BigInt(own[n]!) | 3n);
  for (let n = 0; n < 2; n++) area(n, shared + n * 8, 0x40000000 + n * 0x200000);
  for (const at of own) area(2, at, 0x80000000);
  return { mode, leaves, directories, pages: [...new Set(pages)], roots: roots.map(BigInt), initial };
}

function operations(random: Random, { mode, leaves, directories, pages, roots }: World): Operation[] {
  const list: Operation[] = [];
  const storing = (at: number, entry: bigint): void => {
    const pae = mode === "PAE";
    if (pae || (mode === "4-level" && random.oneIn(4))) {
      list.push({ kind: "high4", at: BigInt(at), value: entry });
      list.push({ kind: "store4", at: BigInt(at), value: entry });
    } else list.push({ kind: "store", at: BigInt(at), value: entry });
  };
  let pcid = false;
  while (list.length < COUNT) {
    const page = BigInt(random.pick(pages));
    switch (random.below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
        storing(random.pick(leaves), leaf(random, mode));
        break;
      case 4: {
        const { at, tables } = random.pick(directories);
        storing(at, directory(random, mode, tables));
        break;
      }
      case 5:
      case 6:
        list.push({ kind: "invlpg", at: page });
        break;
      case 8:
        if (!random.oneIn(4)) break;
        list.push({ kind: "cr3", value: random.pick(roots) | (pcid ? BigInt(random.below(3)) | (random.oneIn(2) ? 1n << 63n : 0n) : 0n) });
        break;
      case 9:
        if (!random.oneIn(6)) break;
        // CR3's low bits have to be 0 when PCIDs are turned on.
        list.push({ kind: "cr3", value: roots[0]! });
        pcid = mode === "4-level" && !pcid;
        list.push({ kind: "cr4", value: BigInt(cr4Of(mode) ^ CR4_TOGGLED) });
        list.push({ kind: "cr4", value: BigInt(cr4Of(mode) | (pcid ? PCIDE : 0)) });
        break;
      default:
        list.push({ kind: random.pick(["read", "read", "write", "modify", "fetch"] as const), at: page });
    }
  }
  return list;
} // oxfmt-ignore

describe(`stale translations are found, and only those (seed ${SEED})`, () => {
  it.each(MODES)("%s paging", { timeout: 240_000 }, (mode) => {
    const random = new Random(SEED + MODES.indexOf(mode));
    const created = world(random, mode);
    const list = operations(random, created);
    const model = new Model(mode, created.initial);
    model.run(list);
    const machineWith = (translator: TranslatorMode) => {
      const machine = start({ mode, translator }, [list]);
      for (const [at, entry] of created.initial) poke(machine, at, entry, entryBytes(mode));
      return machine;
    };
    const plain = machineWith("early");
    run(plain, { watched: false });
    const expected = model.stale.filter(({ kind }) => kind === "new");
    let first: string | null = null;
    for (const translator of ["early", "off", "forced"] as const) {
      const machine = machineWith(translator);
      const found = run(machine, { slice: translator === "forced" ? 777 : 1e6 });
      const reported = new Map(found.map(({ operation, use }) => [operation, use]));
      const where = (operation: number): string =>
        `${mode}, translator ${translator}, operation ${operation}: ${JSON.stringify(list[operation], (_, v) => (typeof v === "bigint" ? v.toString(16) : v))}`;
      for (const { operation, page } of expected)
        expect(reported.has(operation), `${where(operation)} of page ${page.toString(16)} was not reported`).toBe(true);
      const stale = new Map(model.stale.map((verdict) => [verdict.operation, verdict]));
      for (const [operation] of reported) {
        const kind = stale.get(operation)?.kind ?? "not stale";
        expect(["new", "maybe"], `${where(operation)} was reported`).toContain(kind);
      }
      const text = JSON.stringify(found, (_, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value));
      first ??= text;
      expect(text === first, `translator ${translator} reports the same`).toBe(true);
      expectEqualStates(plain.save(), { ...machine.save(), config: plain.config });
    }
    const kinds = ["read", "write", "fetch"].flatMap((access) => [`new frame ${access}`, `new fault ${access}`]);
    const missing = [...kinds, "hit", "fill", "fault"].filter((kind) => model.seen[kind] === undefined);
    expect(missing, JSON.stringify(model.seen)).toEqual([]);
  }); // oxfmt-ignore
});
