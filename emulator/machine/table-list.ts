/**
 * The tables that are watched: which guest-physical pages are paging structures, at which levels, and by which entries they were reached.
 *
 * Invariant: a page is here exactly while memory reports its writes (or it is not RAM, and has none) and the page cache says so to walks in emitted code. A table
 * that is no longer linked is given up at the first store to it: it has become something else.
 * Elsewhere: what a changed entry means (`table-watch.ts`).
 */
import type { PageCache } from "../cpu/mmu/page-cache.ts";
import { CR0, CR4, EFER, type Core } from "../cpu/core.ts";
import { STATE, tableBit } from "../cpu/layout.ts";
import { ENTRY, HIGH_ADDRESS } from "../cpu/system/paging.ts";
import type { GuestMemory, TableMemory } from "../memory/guest-memory.ts";
import { PAGE_BYTES, physical } from "../numbers.ts";
import { TableWrites } from "./table-writes.ts";

/** Parents that are remembered of a table: entries that point to it. */
const MOST_PARENTS = 4;
const TOP_LEVEL = 5;

export interface Table {
  /** Bits of PAGE_CACHE.table. */
  levels: number;
  readonly entryBytes: 4 | 8;
  /** Guest-physical addresses of entries that lead here. */
  readonly parents: number[];
  /** Stores since the table was last known to be in use. */
  stores: number;
  writes: TableWrites | null;
}

/** Where a CPU's paging begins: the page in CR3, and the level and entry size of the table there. PAE's directory pointers are in registers: its level is 3. */
export interface Root {
  readonly page: number;
  readonly level: number;
  readonly entryBytes: 4 | 8;
}

/** With another value of CR3 if one is given; null without paging. */
export function rootOf(core: Core, cr3: bigint = core.cr3): Root | null {
  if ((core.cr0 & CR0.PG) === 0) return null;
  const low = Number(cr3 & 0xffffffffn);
  const { cr4 } = core;
  if ((core.efer & EFER.LMA) !== 0) {
    const page = (Number((cr3 >> 32n) & BigInt(HIGH_ADDRESS)) * 0x100000000 + low) / PAGE_BYTES;
    return { page: Math.floor(page), level: (cr4 & CR4.LA57) !== 0 ? 5 : 4, entryBytes: 8 };
  }
  const page = low >>> 12;
  return (cr4 & CR4.PAE) !== 0 ? { page, level: 3, entryBytes: 8 } : { page, level: 2, entryBytes: 4 };
}

/** Page of the table that an entry of a table of `level` leads to, or −1. */
export function childOf(entry: bigint, level: number, entryBytes: 4 | 8): number {
  const low = Number(entry & 0xffffffffn);
  if ((low & ENTRY.P) === 0 || level === 1 || (level <= 3 && (low & ENTRY.PS) !== 0)) return -1;
  return entryBytes === 4 ? low >>> 12 : Number((entry >> 12n) & 0xfffffffn);
}

/** PAE's directory pointers: 32 bytes anywhere on a page, whose rest is none of ours. No other table of level 3 is a root. */
const isDirectory = (level: number, parent: number): boolean => level === 3 && parent < 0;

export class TableList {
  readonly #memory: GuestMemory & TableMemory;
  readonly #cores: readonly Core[];
  readonly #pages: PageCache;
  readonly #tables = new Map<number, Table>();
  /** Also tables that no walk has come to yet, but an entry of a known table. */
  isEager = false;

  constructor(cores: readonly Core[], memory: GuestMemory & TableMemory) {
    this.#cores = cores;
    this.#memory = memory;
    this.#pages = cores[0]!.pages;
  }

  get(page: number): Table | undefined {
    return this.#tables.get(page);
  }

  /** A table has been come to by the entry at `parent` (−1: from CR3). */
  add(page: number, level: number, entryBytes: 4 | 8, parent: number): void {
    let table = this.#tables.get(page);
    if (table !== undefined && table.entryBytes !== entryBytes) {
      this.remove(page);
      table = undefined;
    }
    if (table === undefined) {
      table = { levels: 0, entryBytes, parents: [], stores: 0, writes: null };
      this.#memory.markTable(page);
      this.#tables.set(page, table);
    }
    table.stores = 0;
    if (parent >= 0) this.link(table, parent);
    if ((table.levels & tableBit(level)) !== 0) return;
    table.levels |= tableBit(level);
    this.#pages.tableChanged(page);
    if (this.isEager && !isDirectory(level, parent)) this.#addChildren(page, level, entryBytes);
  }

  /** Remembers a parent, in the place of the oldest if need be. */
  link(table: Table, parent: number): void {
    const { parents } = table;
    if (parents.at(-1) === parent) return;
    const known = parents.indexOf(parent);
    if (known >= 0) parents.splice(known, 1);
    else if (parents.length === MOST_PARENTS) parents.shift();
    parents.push(parent);
  }

  remove(page: number): void {
    if (!this.#tables.delete(page)) return;
    this.#memory.clearTable(page);
    this.#pages.tableChanged(page);
  }

  clear(): void {
    for (const page of this.#tables.keys()) this.remove(page);
  }

  /** All tables that can be reached from the CPUs' roots now. */
  addAll(): void {
    for (const core of this.#cores) {
      const root = rootOf(core);
      if (root === null) continue;
      this.add(root.page, root.level, root.entryBytes, -1);
      if (root.level === 3) this.#addDirectories(core);
    }
    // What was known before was not looked through.
    const roots = new Set(this.#cores.map((core) => rootOf(core)?.page));
    for (const [page, { levels, entryBytes }] of new Map(this.#tables))
      for (let level = 2; level <= TOP_LEVEL; level++)
        if ((levels & tableBit(level)) !== 0 && !(level === 3 && roots.has(page)))
          this.#addChildren(page, level, entryBytes);
  }

  /** What PAE's four directory pointers lead to: they are in registers. */
  #addDirectories(core: Core): void {
    for (let index = 0; index < 4; index++) {
      const child = childOf(core.quad(STATE.pdpte + index * 8), TOP_LEVEL, 8);
      const parent = (core.word(STATE.cr3) & 0xffffffe0) >>> 0;
      if (child >= 0) this.add(child, 2, 8, parent + index * 8);
    }
  }

  #addChildren(page: number, level: number, entryBytes: 4 | 8): void {
    if (level === 1) return;
    this.#eachEntry(page, entryBytes, (entry, address) => {
      const child = childOf(entry, level, entryBytes);
      if (child < 0 || this.#memory.frameForRead(child) === 0) return false;
      const known = this.#tables.get(child);
      if (known === undefined || (known.levels & tableBit(level - 1)) === 0)
        this.add(child, level - 1, entryBytes, address);
      else this.link(known, address);
      return false;
    });
  }

  /** Visits a table's entries until `visit` says true; whether it did. */
  #eachEntry(page: number, entryBytes: 4 | 8, visit: (entry: bigint, address: number) => boolean): boolean {
    const bytes = this.#memory.readBytes(physical(page * PAGE_BYTES), PAGE_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let offset = 0; offset < PAGE_BYTES; offset += entryBytes) {
      const entry = entryBytes === 4 ? BigInt(view.getUint32(offset, true)) : view.getBigUint64(offset, true);
      if (entry !== 0n && visit(entry, page * PAGE_BYTES + offset)) return true;
    }
    return false;
  }

  entryAt(address: number, entryBytes: 4 | 8): bigint {
    const frame = this.#memory.frameForRead(Math.floor(address / PAGE_BYTES));
    if (frame !== 0) {
      const { view } = this.#cores[0]!.host;
      const host = frame + (address % PAGE_BYTES);
      return entryBytes === 8 ? view.getBigUint64(host, true) : BigInt(view.getUint32(host, true));
    }
    const at = physical(address);
    const low = BigInt(this.#memory.read(at, 4) >>> 0);
    return entryBytes === 4 ? low : (BigInt(this.#memory.read(physical(address + 4), 4) >>> 0) << 32n) | low;
  }

  /** Whether a table is still linked: it is the root of a CPU, or an entry that led to it still does. */
  isLinked(page: number, table: Table): boolean {
    const { entryBytes, levels } = table;
    const leads = (parent: number): boolean =>
      childOf(this.entryAt(parent, entryBytes), TOP_LEVEL, entryBytes) === page;
    if (table.parents.some(leads)) return true;
    if (this.#cores.some((core) => isRoot(core, page))) return true;
    // The upper levels are shared by many address spaces, more than parents are remembered.
    return levels >= tableBit(3) && this.#isReachable(page, table);
  }

  #isReachable(page: number, table: Table): boolean {
    const search = (at: number, level: number): boolean =>
      level > 3 &&
      this.#eachEntry(at, 8, (entry, address) => {
        const child = childOf(entry, level, 8);
        if (child === page && (table.levels & tableBit(level - 1)) !== 0) {
          this.link(table, address);
          return true;
        }
        return child >= 0 && level === 5 && search(child, 4);
      });
    const roots = new Map<number, number>();
    for (const core of this.#cores) {
      const root = rootOf(core);
      if (root !== null) roots.set(root.page, root.level);
    }
    return [...roots].some(([root, level]) => search(root, level));
  }
}

/** Whether a page is what a CPU's CR3 names, or one of PAE's directory pointers in registers; without bigints. */
function isRoot(core: Core, page: number): boolean {
  if ((core.cr0 & CR0.PG) !== 0 && (core.efer & EFER.LMA) === 0 && (core.cr4 & CR4.PAE) !== 0)
    for (let at: number = STATE.pdpte; at < STATE.pdpte + 32; at += 8)
      if (
        (core.word(at) & ENTRY.P) !== 0 &&
        (core.word(at + 4) & HIGH_ADDRESS) * 0x100000 + (core.word(at) >>> 12) === page
      )
        return true;
  const low = core.word(STATE.cr3) >>> 12;
  const high = (core.efer & EFER.LMA) !== 0 ? core.word(STATE.cr3 + 4) & HIGH_ADDRESS : 0;
  return (core.cr0 & CR0.PG) !== 0 && high * 0x100000 + low === page;
}
