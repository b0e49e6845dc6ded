/**
 * The regions of a machine: which there are, by what they are entered, and which bytes of guest memory each was made of.
 *
 * Invariant: a region is found only through the headers of the traces at its entrances; nothing else leads to it. So dropping one is forgetting its slot,
 * and as emitted code never runs while this does, there is nobody inside. From the moment that it is planned, a write to its bytes drops a region.
 * Elsewhere: which are made and when (`translator.ts`).
 */
import { assert } from "../../assert.ts";
import { granulesOf, type GuestMemory } from "../../memory/guest-memory.ts";
import { TRACE, regionWord } from "../layout.ts";
import type { Entrance, TraceCache } from "../traces.ts";
import type { Views } from "../views.ts";
import { entranceWord } from "./frame.ts";
import type { Block, Plan } from "./plan.ts";

const PAGE = 4096;
/** WebAssembly bytes of live regions; beyond it the oldest half is dropped. */
const CODE_BYTES_MAX = 48 * 2 ** 20;
const EMPTY = -1;

/** Bytes of a page from `start` to before `end`. */
export interface Stretch {
  readonly page: number;
  readonly start: number;
  readonly end: number;
}

interface Place {
  readonly physical: number;
  /** What `TRACE.entrance` holds. */
  readonly word: number;
}

export interface Region {
  readonly physical: number;
  readonly mode: number;
  /** It is not made anew, larger. */
  readonly isLast: boolean;
  /** Where it can be entered; the first is its own beginning. */
  readonly places: readonly Place[];
  /** What it was made of. */
  readonly parts: readonly Stretch[];
  /** Physical addresses where its blocks begin. */
  readonly blocks: readonly number[];
  /** In the function table; −1 while it is being made. */
  slot: number;
  /** Bytes of WebAssembly, about. */
  bytes: number;
}

/** A place where a region can be entered. */
export interface RegionEntrance extends Entrance {
  readonly region: Region;
}

export class RegionSet {
  readonly #views: Views;
  readonly #guest: GuestMemory;
  readonly #traces: TraceCache;
  readonly #table: WebAssembly.Table;
  readonly #heatOf: (page: number) => number;
  readonly #byPage = new Map<number, Set<Region>>();
  readonly #byKey = new Map<number, RegionEntrance>();
  /** In how many regions a block is, by its place; those being made are among them. */
  readonly #inside = new Map<number, number>();
  /** Made, in that order. */
  readonly #made = new Set<Region>();
  /** Planned, and not there yet. */
  readonly #making = new Set<Region>();
  readonly #freeSlots: number[] = [];
  #nextSlot: number;
  #bytes = 0;
  /** Counts for `--stats`. */
  readonly counters = {
    made: 0,
    kept: 0,
    /** Dropped because their code changed or a breakpoint came or went, and because there was no room. */
    written: 0,
    evicted: 0,
  };

  /**
   * @param firstSlot first slot of the table that no handler has
   * @param heatOf the heat that traces of a page begin with
   */
  constructor(
    views: Views,
    guest: GuestMemory,
    traces: TraceCache,
    table: WebAssembly.Table,
    firstSlot: number,
    heatOf: (page: number) => number,
  ) {
    this.#views = views;
    this.#guest = guest;
    this.#traces = traces;
    this.#table = table;
    this.#nextSlot = firstSlot;
    this.#heatOf = heatOf;
  }

  entranceAt(physical: number, mode: number): RegionEntrance | undefined {
    return this.#byKey.get(keyOf(physical, mode));
  }
  /** Whether a block is part of some region. */
  isInside(physical: number, mode: number): boolean {
    return this.#inside.has(keyOf(physical, mode));
  }
  /** Whether some region was made of bytes of a page. */
  holds(page: number): boolean {
    return this.#byPage.has(page);
  }
  /** Whether a block is part of some region that is planned and not there yet. */
  isBeingMade(physical: number, mode: number): boolean {
    for (const region of this.#making)
      if (region.mode === mode && region.blocks.includes(physical)) return true;
    return false;
  }

  /** A region has been planned: from now on a write to its bytes drops it. */
  begin(made: Plan, isLast: boolean): Region {
    const { physical, mode, entrances } = made;
    const places = entrances.flatMap((delta, number): readonly Place[] => {
      const word = entranceWord(number, delta);
      return word === null ? [] : [{ physical: physicalOf(made, delta), word }];
    });
    const parts = made.blocks.flatMap((each) => partsOf(made, each));
    const blocks = made.blocks.map(({ delta }) => physicalOf(made, delta));
    const region: Region = { physical, mode, isLast, places, parts, blocks, slot: EMPTY, bytes: 0 };
    this.#making.add(region);
    for (const block of blocks) this.#count(block, mode, 1);
    for (const { page, start, end } of parts) {
      this.#guest.markCode(page, granulesOf(start, end));
      const list = this.#byPage.get(page);
      if (list === undefined) this.#byPage.set(page, new Set([region]));
      else list.add(region);
    }
    return region;
  }

  /**
   * A region is there, unless it was dropped meanwhile: its entrances lead to it. One that began at the same place goes.
   * @param heat of the traces at its entrances: entries until one is reported again; −1: never
   */
  put(region: Region, run: unknown, bytes: number, heat: number): void {
    if (!this.#making.delete(region)) return;
    const { physical, mode } = region;
    const before = this.entranceAt(physical, mode)?.region;
    if (before?.physical === physical) this.drop(before, "evicted");
    const slot = this.#freeSlots.pop() ?? this.#nextSlot++;
    if (slot >= this.#table.length) this.#table.grow(1024);
    this.#table.set(slot, run as never);
    region.slot = slot;
    region.bytes = bytes;
    this.#made.add(region);
    for (const [number, place] of region.places.entries()) {
      const key = keyOf(place.physical, mode);
      if (number > 0 && this.#byKey.has(key)) continue;
      this.#byKey.set(key, { region, slot, word: place.word });
      const trace = this.#traces.at(place.physical, mode);
      if (trace === undefined) continue;
      this.#views.setWord(trace.address + TRACE.region, regionWord(slot, mode));
      this.#views.setWord(trace.address + TRACE.entrance, place.word);
      this.#views.setWord(trace.address + TRACE.heat, heat);
    }
    this.counters.made++;
    this.counters.kept++;
    this.#bytes += bytes;
    if (this.#bytes > CODE_BYTES_MAX) this.#shrink();
  }

  /** Drops the regions made of some bytes of a page; whether there were any. */
  dropAt(page: number, offset: number, length: number): boolean {
    let dropped = false;
    for (const region of this.#byPage.get(page) ?? []) {
      const isMade = region.parts.some(
        (part) => part.page === page && part.start < offset + length && part.end > offset,
      );
      if (!isMade) continue;
      this.drop(region, "written");
      dropped = true;
    }
    return dropped;
  }

  /** A region will not come, unless it was dropped already: it may become hot once more. */
  abandon(region: Region): void {
    if (this.#making.has(region)) this.drop(region, "evicted");
  }

  /** Forgets a region, made or not; it may become hot once more. */
  drop(region: Region, why: "written" | "evicted"): void {
    for (const block of region.blocks) this.#count(block, region.mode, -1);
    for (const { page } of region.parts) {
      const list = this.#byPage.get(page);
      list?.delete(region);
      if (list?.size === 0) {
        this.#byPage.delete(page);
        if (!this.#traces.holds(page)) this.#guest.clearCode(page);
      }
    }
    if (this.#making.delete(region)) return this.#warm(region.physical, region.mode);
    assert(this.#made.delete(region), "a region is dropped once");
    this.#table.set(region.slot, null as never);
    this.#freeSlots.push(region.slot);
    for (const { physical } of region.places) {
      const key = keyOf(physical, region.mode);
      if (this.#byKey.get(key)?.region !== region) continue;
      this.#byKey.delete(key);
      this.#warm(physical, region.mode);
    }
    this.counters.kept--;
    this.counters[why]++;
    this.#bytes -= region.bytes;
  }

  #count(physical: number, mode: number, change: 1 | -1): void {
    const key = keyOf(physical, mode);
    const count = (this.#inside.get(key) ?? 0) + change;
    if (count === 0) this.#inside.delete(key);
    else this.#inside.set(key, count);
  }

  /** The trace at a place has no region, and begins to count again. */
  #warm(physical: number, mode: number): void {
    const trace = this.#traces.at(physical, mode);
    if (trace === undefined || this.#byKey.has(keyOf(physical, mode))) return;
    this.#views.setWord(trace.address + TRACE.region, regionWord(0, mode));
    this.#views.setWord(trace.address + TRACE.heat, this.#heatOf(trace.page));
  }

  #shrink(): void {
    let left = this.#made.size / 2;
    for (const region of this.#made) {
      if (left-- <= 0) break;
      this.drop(region, "evicted");
    }
  }
}

const MODES = 1024;
/** What an entrance is found by. */
export const keyOf = (physical: number, mode: number): number => physical * MODES + mode;

/** The memory that a block was made of; its last instruction may reach into another page. */
export function partsOf(made: Plan, { delta, end }: Block): readonly Stretch[] {
  const first = physicalOf(made, delta);
  const start = first % PAGE;
  const head = Math.min(end - delta, PAGE - start);
  const parts = [{ page: Math.floor(first / PAGE), start, end: start + head }];
  if (head < end - delta)
    parts.push({
      page: Math.floor(physicalOf(made, delta + head) / PAGE),
      start: 0,
      end: end - delta - head,
    });
  return parts;
}

/** Guest-physical address of a place in a plan. */
export function physicalOf(made: Plan, delta: number): number {
  const at = (made.physical % PAGE) + delta;
  const distance = Math.floor(at / PAGE);
  const page = made.pages.find((each) => each.distance === distance);
  assert(page !== undefined, "a plan knows its pages", distance);
  return page.physicalPage * PAGE + (at - distance * PAGE);
}
