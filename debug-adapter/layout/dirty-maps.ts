/**
 * The dirty bitmaps as somebody who only looks sees them, and moments to compare with.
 *
 * VGA is what is logged for redrawing, MIGRATION what a migration would have to send again, CODE what holds no translated code. Each has its
 * switch and its eraser here, and these are observers of the pages' epochs beside the emulator's own: the display goes on redrawing what it
 * has not redrawn, translated code stays where it is.
 * Invariant: looking and clearing begin epochs, which the guest cannot notice, and nothing else.
 */
import { assert, type CellRange, type Machine, type RamBlock } from "../../emulator/index.ts";
import type { DirtyControlArguments, DirtyMap, DirtyRun, MomentBody } from "../../media/protocol.ts";

type Map3 = DirtyControlArguments["map"];
export const MAPS: readonly Map3[] = ["vga", "code", "migration"];

/** Stops that can be compared with; marks of the user's stay. */
const STOPS_KEPT = 8;
/** QEMU logs writes for redrawing for the adapter's memory only. */
const IS_LOGGED_FOR_VGA = /vga\.vram$/;

interface Moment extends MomentBody {
  readonly epoch: number;
}

interface View {
  enabled: boolean;
  /** Epoch since which writes count; 0: everything counts, as for a block that was never cleared. */
  since: number;
  /** When it was cleared, or enabled. */
  instant: number | null;
  /** CODE: pages that held code when the map was cleared. */
  held: Map<RamBlock, ReadonlySet<number>>;
}

export interface Counted {
  readonly counts: Uint32Array;
  /** Of pages that hold translated code; null where that is not the question. */
  readonly code: Uint32Array | null;
  readonly enabled: boolean;
  readonly since: string;
}

export class DirtyMaps {
  readonly #machine: Machine;
  readonly #moments: Moment[] = [];
  #nextId = 1;
  readonly #views: Record<Map3, View> = {
    // As in QEMU: logging for migration is off until somebody wants it.
    vga: { enabled: true, since: 0, instant: null, held: new Map() },
    code: { enabled: true, since: 0, instant: null, held: new Map() },
    migration: { enabled: false, since: 0, instant: null, held: new Map() },
  };

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#add("start", "start");
  }

  /** Oldest first. */
  get moments(): readonly MomentBody[] {
    return this.#moments.map(({ id, kind, name, instant }) => ({ id, kind, name, instant }));
  }

  /** The machine has stopped for its user. */
  stopped(): void {
    const { instant } = this.#machine;
    // A second stop at the same instant (the entry, a breakpoint on the very next look) is no other moment.
    if (this.#moments.findLast(({ kind }) => kind !== "mark")?.instant === instant) return;
    this.#add("stop", `stop at ${instant.toLocaleString("en")}`);
    const stops = this.#moments.filter(({ kind }) => kind === "stop");
    if (stops.length > STOPS_KEPT) this.#moments.splice(this.#moments.indexOf(stops[0]!), 1);
  }

  mark(name: string | undefined): void {
    const marks = this.#moments.filter(({ kind }) => kind === "mark").length;
    this.#add("mark", name ?? `mark ${marks + 1}`);
  }

  /** The stop before the one at which the machine stands, or the last one while it runs: what "changed" means unless said otherwise. */
  before(isRunning: boolean): Moment {
    const stops = this.#moments.filter(({ kind }) => kind !== "mark");
    const moment = stops.at(isRunning ? -1 : -2) ?? stops[0];
    assert(moment !== undefined, "the start is a moment");
    return moment;
  }

  moment(id: number): Moment | null {
    return this.#moments.find((moment) => moment.id === id) ?? null;
  }

  control(map: Map3, action: DirtyControlArguments["action"]): void {
    const view = this.#views[map];
    if (action === "clear") {
      view.since = this.#machine.memory.beginEpoch();
      view.instant = this.#machine.instant;
      view.held = map === "code" ? this.#pagesWithCode() : new Map();
      return;
    }
    const enabled = action === "enable";
    if (view.enabled === enabled) return;
    view.enabled = enabled;
    // It has missed what happened meanwhile: everything is dirty.
    view.since = 0;
    view.instant = null;
    view.held = new Map();
  }

  isEnabled(map: Map3): boolean {
    return this.#views[map].enabled;
  }

  since(map: Map3): string {
    const { enabled, instant } = this.#views[map];
    if (!enabled) return "off";
    if (instant !== null) return `since it was cleared at instant ${instant.toLocaleString("en")}`;
    return map === "code" ? "pages without translated code" : "never cleared, so all of it is dirty";
  }

  count(map: DirtyMap, block: RamBlock, cells: CellRange, moment: Moment): Counted {
    const { dirty } = this.#machine.memory;
    if (map === "changed") {
      const since = `since ${moment.name}`;
      return { counts: dirty.countChanged(block, moment.epoch, cells), code: null, enabled: true, since };
    }
    const view = this.#views[map];
    const nothing = new Uint32Array(Math.ceil(cells.count / cells.pagesPerCell));
    const common = { enabled: view.enabled, since: this.since(map) };
    const isLogged = map !== "vga" || IS_LOGGED_FOR_VGA.test(block.idstr);
    if (!view.enabled || !isLogged) {
      const why = isLogged ? common.since : "writes to this block are not logged for redrawing";
      return { counts: nothing, code: map === "code" ? nothing : null, enabled: view.enabled, since: why };
    }
    if (map !== "code")
      return { counts: dirty.countChanged(block, view.since, cells), code: null, ...common };
    const clean = dirty.count("code", block, cells);
    const code = clean.map((pages, i) => pagesOf(cells, i) - pages);
    if (view.instant === null) return { counts: clean, code, ...common };
    return { counts: this.#rewritten(block, view, cells), code, ...common };
  }

  /** Pages that held code when the map was cleared and have been written since. */
  #rewritten(block: RamBlock, view: View, cells: CellRange): Uint32Array {
    const counts = new Uint32Array(Math.ceil(cells.count / cells.pagesPerCell));
    const { dirty } = this.#machine.memory;
    for (const page of view.held.get(block) ?? []) {
      if (page < cells.first || page >= cells.first + cells.count) continue;
      const [isWritten] = dirty.countChanged(block, view.since, { first: page, count: 1, pagesPerCell: 1 });
      if (isWritten === 1) counts[Math.floor((page - cells.first) / cells.pagesPerCell)]!++;
    }
    return counts;
  }

  #pagesWithCode(): Map<RamBlock, ReadonlySet<number>> {
    return new Map(
      this.#machine.memory.ramList.blocks.map((block) => [block, new Set(block.code.keys())] as const),
    );
  }

  #add(kind: Moment["kind"], name: string): void {
    const { memory, instant } = this.#machine;
    this.#moments.push({ id: this.#nextId++, kind, name, instant, epoch: memory.beginEpoch() });
  }
}

const pagesOf = ({ count, pagesPerCell }: CellRange, cell: number): number =>
  Math.min(pagesPerCell, count - cell * pagesPerCell);

/** Neighbours that are alike, joined. */
export function runs(counts: Uint32Array): DirtyRun[] {
  const joined: [number, number][] = [];
  for (const pages of counts) {
    const last = joined.at(-1);
    if (last !== undefined && last[1] === pages) last[0]++;
    else joined.push([1, pages]);
  }
  return joined;
}
