/**
 * The entries of one table as rows: decoded, with what is remarkable about each in words, and with neighbours that say the same folded.
 *
 * Invariant: a folded row stands for entries that differ in nothing but where they go on: each maps what follows the one before, or all map the same.
 */
import { physical as physicalAddress } from "../../emulator/index.ts";
import type { EntryNote, EntryNoteKind, PageTablesEntriesBody, TableEntry } from "../../media/protocol.ts";
import { BIT, effective, flagNames, KIND, kindOf, RIGHT, rightsOf, reservedBits, targetOf, valueOf, WIDE } from "./entry.ts"; // oxfmt-ignore
import { hex, hexLinear, hexPage, PHYSICAL_BITS } from "./mode.ts";
import { pageCounts, type PageTree } from "./tree.ts";
import type { View } from "./view.ts";
import { walk } from "./walk.ts";

/** Which entries of a table. */
export interface Wanted {
  /** Only these, unfolded. */
  readonly only?: { readonly index: number; readonly count: number };
  readonly absent?: boolean;
}

/** One entry with what decides whether it can be folded with the next. */
interface Cell {
  readonly index: number;
  readonly lo: number;
  readonly hi: number;
  readonly kind: number;
  readonly target: number;
  readonly changed: boolean;
}

/** The table of entries at `height` that maps `linear`; null: there is none. */
export function tableEntries(view: View, linear: number, height: number, wanted: Wanted): PageTablesEntriesBody | null {
  const { tree } = view;
  const table = tree.tableFor(linear, height);
  const words = table === null ? null : tree.words(table);
  if (table === null || words === null) return null;
  const { name, pages, entries } = tree.level(height);
  const format = tree.format(height);
  const base = linear - (linear % (pages * entries));
  const start = wanted.only?.index ?? 0;
  const end = Math.min(entries, start + (wanted.only?.count ?? entries));
  const old = view.before.get(table);
  const path = walk(tree, base).steps;
  const above = path.filter((step) => step.height > height).map((step) => step.table);
  const inherited = path.find((step) => step.height === height + 1)?.rights ?? 7;
  const rows: TableEntry[] = [];
  const cellAt = (index: number): Cell => {
    const { lo, hi } = tree.entry(words, height, index);
    const kind = kindOf(format, lo, hi);
    const at = tree.wordIndex(height, index);
    const isWide = tree.paging.shape.entryBytes === 8;
    const changed = old !== undefined && (old[at] !== lo || (isWide && old[at + 1] !== hi));
    return { index, lo, hi, kind, target: targetOf(format, lo, hi, kind === KIND.page), changed };
  };
  for (let index = start; index < end;) {
    const cell = cellAt(index);
    let count = 1;
    let fold: TableEntry["fold"] = null;
    let accessed = cell.lo & BIT.A;
    if (wanted.only === undefined) {
      let last = cell;
      while (index + count < end) {
        const next = cellAt(index + count);
        const how = folds(tree, height, last, next);
        if (how === null || (fold !== null && how !== fold)) break;
        fold = how;
        last = next;
        accessed &= next.lo;
        count++;
      }
    }
    index += count;
    if (cell.kind === KIND.absent && wanted.absent !== true && wanted.only === undefined) continue;
    const first = row(view, table, height, base, inherited, [...above, table], cell, count, fold);
    rows.push(accessed === 0 ? { ...first, flags: first.flags.filter((flag) => flag !== "A") } : first);
  }
  return { table: hexPage(table, height === tree.paging.shape.top ? tree.paging.rootOffset : 0), level: name, linear: hexLinear(tree.paging.shape, base), entries: rows };
} // oxfmt-ignore

/** How an entry goes on in the next; null: they are two things. */
function folds(tree: PageTree, height: number, a: Cell, b: Cell): TableEntry["fold"] {
  if (a.kind !== b.kind || a.changed !== b.changed) return null;
  if (a.lo === b.lo && a.hi === b.hi) return "same";
  const isSuper = height > 1 && a.kind === KIND.page;
  // That one table has been used and the next one has not keeps no two tables apart.
  const flags = isSuper ? 0x1fff : a.kind === KIND.table ? 0xfff & ~BIT.A : 0xfff;
  if (((a.lo ^ b.lo) & flags) !== 0 || ((a.hi ^ b.hi) & ~WIDE & ~0xff) !== 0) return null;
  const { pages } = tree.level(height);
  if (a.kind === KIND.page) return a.target + pages === b.target ? "contiguous" : null;
  if (a.kind !== KIND.table) return null;
  const left = tree.summary(a.target, height - 1);
  const right = tree.summary(b.target, height - 1);
  const isContiguous = left.contiguous >= 0 && left.contiguous + pages === right.contiguous;
  return isContiguous && left.rights === right.rights ? "contiguous" : null;
}

function row(
  view: View, table: number, height: number, base: number, inherited: number, path: readonly number[], cell: Cell, count: number,
  fold: TableEntry["fold"],
): TableEntry {
  const { tree } = view;
  const { shape, controls } = tree.paging;
  const { name, pages } = tree.level(height);
  const format = tree.format(height);
  const { index, lo, hi, kind, target, changed } = cell;
  const isPage = kind === KIND.page;
  const isTable = kind === KIND.table;
  const linear = base + index * pages;
  const rights = isPage || isTable ? inherited & rightsOf(format, lo, hi) : 0;
  const summary = isTable ? tree.summary(target, height - 1) : null;
  const own: number[] = [0, 0, 0, 0];
  if (isPage) own[height] = 1;
  return {
    index,
    count,
    fold,
    level: name,
    linear: hexLinear(shape, linear),
    last: hexLinear(shape, linear + count * pages - 1, 4095),
    address: hex(tree.entryAddress(table, height, index)),
    value: hex(valueOf(lo, hi)),
    present: (lo & BIT.P) !== 0,
    flags: flagNames(format, lo, hi, isPage),
    target: kind === KIND.absent ? null : hexPage(target),
    pageBytes: isPage ? pages * 4096 : 0,
    effective: isPage || isTable ? effective(rights, controls) : { user: "---", supervisor: "---" },
    pages: pageCounts(tree, summary?.pages ?? own, count),
    contiguous: summary !== null && summary.contiguous >= 0 ? hexPage(summary.contiguous) : null,
    notes: notesOf(view, height, cell, linear, inherited, path),
    changed,
  };
} // oxfmt-ignore

/** What is remarkable about an entry. `linear`: the first page it maps; `path`: the tables above and its own. */
export function notesOf(
  { tree, memory }: View,
  height: number,
  { lo, hi, kind, target, changed }: Cell,
  linear: number,
  inherited: number,
  path: readonly number[],
): EntryNote[] {
  const notes: EntryNote[] = [];
  const note = (of: EntryNoteKind, text: string, isError = false): void => {
    notes.push({ kind: of, isError, text });
  };
  const { controls, shape } = tree.paging;
  const format = tree.format(height);
  const { name, pages } = tree.level(height);
  if (changed) note("changed", "Different since the last stop.");
  if (kind === KIND.absent) return notes;
  if (kind === KIND.malformed) {
    const bits = reservedBits(format, lo, hi);
    if (shape.entryBytes === 8 && (hi & WIDE) !== 0)
      note(
        "too-wide",
        `The address ${hexPage(target)} has more than the ${PHYSICAL_BITS} bits of this processor's physical addresses: any access is a page fault with RSVD.`,
        true,
      );
    else if (height > 3 && (lo & BIT.PS) !== 0)
      note("large-not-allowed", `Bit 7 (PS) is set, but a ${name} cannot map a page: any access is a page fault with RSVD.`, true);
    else if (hi >>> 31 !== 0 && !controls.nxe)
      note("reserved", "XD (bit 63) is set while EFER.NXE is clear, so it is a reserved bit: any access is a page fault with RSVD.", true);
    else note("reserved", `Reserved: ${bits}. Any access is a page fault with RSVD.`, true);
    return notes;
  } // oxfmt-ignore
  const own = rightsOf(format, lo, hi);
  if (kind === KIND.table) {
    if (!tree.isTable(target))
      note("outside-ram", `Points to a table at ${hexPage(target)}, where there is no memory.`, true);
    else if (path.includes(target))
      note(
        "recursive",
        path[0] === target
          ? "Points to the root table: through it the page tables themselves are mapped."
          : "Points to a table above it.",
      );
    const references = tree.references(target, height - 1);
    if (references > 1 && !path.includes(target))
      note("shared", `${references} entries point to this table.`);
    const below = tree.summary(target, height - 1);
    if (below.contiguous >= 0 && below.contiguous === linear)
      note("identity", "All below it maps linear addresses to the same physical ones.");
    if (shape.entryBytes === 4 && (lo & BIT.PS) !== 0)
      note("ignored", "Bit 7 (PS) is without effect: CR4.PSE is clear, so this is a table.");
  } else {
    if (target === linear) note("identity", "Linear and physical address are the same.");
    if (height === 3 && !controls.hugePages)
      note("large-not-allowed", "A 1 GiB page, which this CPU model does not announce (CPUID PDPE1GB).", true);
    const range = memory.addressSpace.find(physicalAddress(target * 4096));
    if (range === null) note("hole", `Nothing answers at ${hexPage(target)}: reads give ones, writes go nowhere.`);
    else if (range.block === null) note("device", `A device: ${range.region.name}.`);
    if ((lo & BIT.G) !== 0 && !controls.pge) note("ignored", "G is without effect: CR4.PGE is clear.");
    if (target + pages > 2 ** (PHYSICAL_BITS - 12)) note("too-wide", "Ends beyond the physical addresses.", true);
  } // oxfmt-ignore
  const lost = own & ~inherited;
  if (lost !== 0 && format.hasRights) {
    const words = [
      (lost & RIGHT.write) !== 0 ? "writing" : "",
      (lost & RIGHT.user) !== 0 ? "user access" : "",
      (lost & RIGHT.execute) !== 0 ? "execution" : "",
    ].filter((word) => word !== "");
    note("restricted", `Allows ${words.join(" and ")}, but a level above does not.`);
  }
  return notes;
}

/** The cell of an entry that a walk has come through. */
export const cellOf = (
  index: number,
  lo: number,
  hi: number,
  kind: number,
  target: number,
  changed: boolean,
): Cell => ({ index, lo, hi, kind, target, changed });
