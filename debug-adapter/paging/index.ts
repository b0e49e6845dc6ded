/**
 * Page tables as they are, and what they mean: the tree, merged ranges, translations with every step, the way back from physical pages, and what changed since the last
 * stop. This file is the folder's boundary.
 *
 * Invariant: looking changes nothing, and works while the machine runs, between two slices. What was worked out is kept until a table changes.
 * Elsewhere: QEMU's `info mem` and `info tlb` (`monitor/translation.ts`), which know nothing of rights that control registers give and take.
 */
import type { Machine } from "../../emulator/index.ts";
import { littleEndian } from "../memory/space.ts";
import { hex, hexLinear, linearAddress, type Paging } from "./mode.ts";
import type { Naming } from "./name.ts";
import { hole, linearRegions } from "./regions.ts";
import { Rows } from "./rows.ts";
import { Tables } from "./tables.ts";
import { PageTree } from "./tree.ts";
import { readLinear, type Region, type View } from "./view.ts";

export { changes } from "./changes.ts";
export { tableEntries } from "./entries.ts";
export { controlsOf, hex, isTableMode, linearPage, pagingOf, tableMode, under, type Paging } from "./mode.ts";
export { NO_NAMES, type Naming } from "./name.ts";
export { overview } from "./overview.ts";
export { FILTER_NAMES, isFilter } from "./ranges.ts";
export { reverse } from "./reverse.ts";
export type { RowsWanted } from "./rows.ts";
export { rangesText, sizeText, translateText } from "./text.ts";
export { translate, type Translation } from "./translate.ts";
export type { View } from "./view.ts";

/** Sets of tables that are kept worked out: CPUs, and what somebody looked at beside them. */
const MOST_VIEWS = 12;

export interface Looked extends View {
  readonly rows: Rows;
}

interface Known {
  readonly tree: PageTree;
  readonly content: number;
  looked: Looked;
  state: string;
}

/** The page tables of a machine. */
export class PageTables {
  readonly machine: Machine;
  readonly #tables: Tables;
  readonly #naming: () => Naming;
  /** By what the tables are and how they are read, the one used last at the end. */
  readonly #known = new Map<string, Known>();
  #version = 0;

  constructor(machine: Machine, naming: () => Naming) {
    this.machine = machine;
    this.#tables = new Tables(machine.memory);
    this.#naming = naming;
  }

  get naming(): Naming {
    return this.#naming();
  }

  /** The machine stands still: what is different from here on is a change since this stop. */
  stopped(): void {
    this.#tables.stopped(this.machine.instant);
  }

  /** Instant of the stop that changes are counted from; null: there was none. */
  since(isRunning: boolean): number | null {
    return this.#tables.since(isRunning);
  }

  /** These tables as they are now. */
  view(paging: Paging, isRunning: boolean): Looked {
    this.#tables.refresh();
    const { shape, root, rootOffset, controls } = paging;
    const key = JSON.stringify([shape.mode, root, rootOffset, controls]);
    const naming = this.naming;
    // What was before is another question while the machine runs.
    const state = `${isRunning ? "running" : "stopped"} ${this.#tables.version} ${naming.isLinux ? "Linux" : ""} ${naming.isMoved ? "moved" : ""}`;
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known !== undefined && known.state === state) {
      this.#known.set(key, known);
      return known.looked;
    }
    const { content } = this.#tables;
    const tree =
      known !== undefined && known.content === content ? known.tree : new PageTree(this.#tables, paging);
    const looked = this.#look(tree, isRunning);
    this.#known.set(key, { tree, content, looked, state });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_VIEWS && oldest !== undefined) this.#known.delete(oldest);
    return looked;
  }

  #look(tree: PageTree, isRunning: boolean): Looked {
    const { memory } = this.machine;
    const { shape } = tree.paging;
    const naming = this.naming;
    const regions = linearRegions(tree, naming.isLinux, (name) => variable(tree, memory, naming, name));
    const gap = hole(shape);
    const shown = regions.map(({ first, last, name }: Region) => ({
      start: hexLinear(shape, first),
      last: hexLinear(shape, last, 4095),
      name,
      hole: false,
      order: linearAddress(shape, first),
    }));
    if (gap !== null)
      shown.push({
        start: hex(gap.start),
        last: hex(gap.last),
        name: "not canonical",
        hole: true,
        order: gap.start,
      });
    shown.sort((a, b) => (a.order < b.order ? -1 : 1));
    const view: View = {
      tree,
      memory,
      before: this.#tables.before(isRunning),
      regions,
      shown: shown.map(({ start, last, name, hole: isHole }) => ({ start, last, name, hole: isHole })),
      version: ++this.#version,
    };
    return { ...view, rows: new Rows(view, naming) };
  }
}

/** The 8 bytes of a kernel's variable; null where there is none, or its page is not mapped yet. */
function variable(tree: PageTree, memory: View["memory"], { symbols }: Naming, name: string): bigint | null {
  const address = symbols?.symbolsNamed(name).at(-1)?.address;
  const bytes = address === undefined ? null : readLinear(tree, memory, address, 8);
  return bytes === null || bytes.length < 8 ? null : littleEndian(bytes);
}
