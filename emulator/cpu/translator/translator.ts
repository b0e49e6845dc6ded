/**
 * The translator: hot traces become regions, a batch at a time, and regions whose code changes are dropped.
 *
 * A batch is planned here and made on another thread, if the host has one (`order.ts`), while the guest runs on; else here.
 * Elsewhere: what a region is made of (`plan.ts`), its code (`region.ts`), which there are (`regions.ts`), which traces are hot (`interpreter/loop.ts` counts).
 */
import { assert } from "../../assert.ts";
import type { Form } from "../../isa/index.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { Decoder } from "../decode.ts";
import { FRAMES, INDIRECT_LOG, MODE, STATE, TRACE } from "../layout.ts";
import type { TranslatorMode, TranslatorStatistics } from "../statistics.ts";
import type { FeatureName } from "../system/feature.ts";
import type { TraceCache } from "../traces.ts";
import type { Views } from "../views.ts";
import { entranceDelta } from "./frame.ts";
import { moduleBytes, orderOf, type Task, type Workshop } from "./order.ts";
import { plan, type Block, type CodeView, type Plan, type PlanLimits, type Targets } from "./plan.ts";
import { isWorthEntering, mayGrow } from "./worth.ts";
import { RegionSet, keyOf, partsOf, physicalOf, type Region, type RegionEntrance } from "./regions.ts";

const PAGE = 4096;

/** What the interpreter's module gives regions. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  /** First slot of the table that no handler has. */
  readonly firstSlot: number;
  readonly functions: Readonly<Record<string, unknown>>;
}

/**
 * Entries after which a trace is hot. Until then a region costs more than it saves: V8 compiles it for longer than the interpreter would run it, and what is only warm
 * runs in V8's first, slow code. Of a boot of Linux on two cores, where V8 compiles with what the guest's thread leaves (`cli/priority.ts`), 8,000 to 40,000 take
 * the same time with Node 24.
 */
const HOT_ENTRIES = { on: 25_000, early: 1500 } as const;
/** Hot traces that are translated together, and after how many runs of emitted code a smaller number is. */
const BATCH = 24;
const PATIENCE_RUNS = 8;
/** Guest instructions translated in one go: some milliseconds, for which a pause would have to wait. */
const GO_INSTRUCTIONS = 500;
/** A region ends at calls at first; when it has been entered so often it is made anew, with what it calls. */
const FIRST: PlanLimits = { blocks: 48, instructions: 200, pages: 4, inlined: 0 };
const AGAIN_ENTRIES = 20_000;
/** What was not worth making is looked at again after so many times as many entries, as a power of two: what it calls may be hot by then, or its targets known. */
const REFUSED_SHIFT = 3;
const AGAIN: PlanLimits = { blocks: 64, instructions: 300, pages: 4, inlined: 160 };
/**
 * A page whose code keeps changing must be hotter: the entries double with each run of emitted code that dropped regions of the page, up to this shift, and halve
 * again after so many runs without. Code patched in bulk counts once.
 */
const CHURN_SHIFT_MAX = 6;
const CHURN_DECAY_RUNS = 200;

const NOWHERE: Targets = new Map();
/** Bytes between a region's entry and anything that may become part of it. */
const REACH = 2 ** 24;

/** Regions that are being made elsewhere. */
interface Batch {
  readonly tasks: readonly Task[];
  readonly regions: readonly Region[];
}

/** Where a region may begin, and where its linear page's neighbours are. */
interface Candidate {
  readonly physical: number;
  readonly mode: number;
  /** Guest-physical address of the hot trace: here, or at another entrance of the region that is there already. */
  readonly hot: number;
  readonly page: (distance: number) => number;
  readonly targets: Targets;
}

export class Translator {
  readonly mode: TranslatorMode;
  readonly #hotEntries: number;
  readonly #views: Views;
  readonly #guest: GuestMemory;
  readonly #traces: TraceCache;
  readonly #host: Readonly<Record<string, unknown>>;
  readonly #decoder: Decoder;
  readonly #regions: RegionSet;
  #workshop: Workshop | null;
  /** What the workshop has been given and is not back yet, by the order's number. */
  readonly #ordered = new Map<number, Batch>();
  readonly #features: string;
  readonly #queue: Candidate[] = [];
  #idleRuns = 0;
  /** Runs of emitted code so far. */
  #runs = 0;
  /** Of pages whose code has changed: in how many runs, and the last of them. */
  readonly #churn = new Map<number, { times: number; last: number }>();
  readonly #counters = {
    modules: 0,
    moduleBytes: 0,
    instructions: 0,
    orders: 0,
    elsewhereMilliseconds: 0,
  };
  /** Host's clock in milliseconds, for counting only. */
  stopwatch: () => number = () => 0;
  /** Time that the guest waited for translation, by that clock. */
  milliseconds = 0;
  longestMilliseconds = 0;

  /**
   * @param features of the processor, of which `absent` is what it lacks
   * @param workshop where regions are made; null: here. "forced" waits for nobody
   */
  constructor(
    mode: TranslatorMode,
    views: Views,
    guest: GuestMemory,
    traces: TraceCache,
    core: CoreExports,
    absent: ReadonlySet<Form>,
    features: readonly FeatureName[],
    workshop: Workshop | null,
  ) {
    this.mode = mode;
    this.#features = features.join(" ");
    this.#workshop = mode === "forced" ? null : workshop;
    this.#hotEntries = HOT_ENTRIES[mode === "early" ? "early" : "on"];
    this.#views = views;
    this.#guest = guest;
    this.#traces = traces;
    this.#host = { ...core.functions, memory: core.memory };
    this.#decoder = new Decoder(absent);
    this.#regions = new RegionSet(views, guest, traces, core.table, core.firstSlot, (page) =>
      this.heatOf(page),
    );
    traces.regions = this;
  }

  // --- what the trace cache asks ----------------------------------------------------------------------------------------------------------

  /** Heat that a new trace of a page begins with. */
  heatOf(page: number): number {
    if (this.mode === "off") return -1;
    if (this.mode === "forced") return 1;
    const churn = this.#churn.get(page);
    if (churn === undefined) return this.#hotEntries;
    const faded = churn.times - Math.floor((this.#runs - churn.last) / CHURN_DECAY_RUNS);
    return this.#hotEntries << Math.max(0, Math.min(faded, CHURN_SHIFT_MAX));
  }
  entranceAt(physical: number, mode: number): RegionEntrance | undefined {
    return this.#regions.entranceAt(physical, mode);
  }
  /** Whether some region was made of bytes of a page. */
  holds(page: number): boolean {
    return this.#regions.holds(page);
  }
  /** Bytes of a page change: drops the regions made of them. */
  invalidate(page: number, offset: number, length: number): void {
    if (this.#regions.dropAt(page, offset, length)) this.#changed(page);
  }
  #changed(page: number): void {
    const churn = this.#churn.get(page);
    if (churn === undefined) this.#churn.set(page, { times: 0, last: this.#runs });
    else if (churn.last !== this.#runs) {
      churn.times++;
      churn.last = this.#runs;
    }
  }
  breakpointChanged(page: number, offset: number): void {
    this.#regions.dropAt(page, offset, 1);
  }

  // --- translation ------------------------------------------------------------------------------------------------------------------------

  /** A trace (host address) has become hot. `page` gives the guest-physical page so many pages from that of its linear address, or −1. */
  enqueue(trace: number, page: (distance: number) => number): void {
    const high = this.#views.word(trace + TRACE.keyHigh);
    const physical = this.#views.word(trace + TRACE.keyLow) + (high & 0xfffff) * 2 ** 32;
    const mode = high >>> 20;
    // Real mode and 16-bit segments stay with the interpreter.
    if ((mode & MODE.codeSize) === 0) return;
    if (this.#regions.isBeingMade(physical, mode)) return this.#recount(physical, mode, 0);
    const entrance = this.entranceAt(physical, mode);
    if (entrance === undefined) this.#queue.push({ physical, mode, hot: physical, page, targets: NOWHERE });
    else {
      // The region is made anew from its beginning on.
      const delta = entranceDelta(entrance.word);
      const beginning = entrance.region.physical;
      const pages = Math.floor(((physical % PAGE) - delta) / PAGE);
      const targets = this.#targets(this.#views.quad(STATE.rip) - BigInt(delta));
      const pageFrom = (distance: number): number => page(distance + pages);
      this.#queue.push({ physical: beginning, mode, hot: physical, page: pageFrom, targets });
    }
    this.#workshop?.prepare();
    if (this.mode === "forced" || this.#queue.length >= BATCH) this.translate();
  }

  /** Where indirect transfers near `rip` went lately, relative to it. */
  #targets(rip: bigint): Targets {
    const counts = new Map<number, Map<number, number>>();
    const { base, entries, entryBytes } = INDIRECT_LOG;
    for (let at = base; at < base + entries * entryBytes; at += entryBytes) {
      const from = Number(this.#views.quad(at) - rip);
      const to = Number(this.#views.quad(at + 8) - rip);
      if (Math.abs(from) > REACH || Math.abs(to) > REACH) continue;
      let targets = counts.get(from);
      if (targets === undefined) counts.set(from, (targets = new Map()));
      targets.set(to, (targets.get(to) ?? 0) + 1);
    }
    const byCount = (targets: ReadonlyMap<number, number>): readonly number[] =>
      [...targets].toSorted((a, b) => b[1] - a[1]).map(([to]) => to);
    return new Map([...counts].map(([from, targets]) => [from, byCount(targets)]));
  }

  /** Emitted code is about to run: takes in what is ready, and translates what has waited long enough. */
  idle(): void {
    this.#runs++;
    if (this.#ordered.size > 0) this.#receive();
    if (this.#queue.length === 0) return;
    if (++this.#idleRuns >= PATIENCE_RUNS) this.translate();
  }

  translate(): void {
    const started = this.stopwatch();
    this.#idleRuns = 0;
    const plans: Task[] = [];
    const covered = new Set<number>();
    let instructions = 0;
    while (instructions < GO_INSTRUCTIONS) {
      const candidate = this.#queue.shift();
      if (candidate === undefined) break;
      const { physical, mode, hot } = candidate;
      const before = this.entranceAt(physical, mode)?.region;
      if (before !== undefined && (before.isLast || before.physical !== physical)) continue;
      // What becomes part of another region must show that it is still entered by itself then.
      if (covered.has(keyOf(physical, mode)) || this.#regions.isBeingMade(physical, mode)) {
        this.#recount(hot, mode, 0);
        continue;
      }
      const task = this.#task(candidate, before, covered);
      if (task === null) {
        this.#recount(hot, mode, REFUSED_SHIFT);
        continue;
      }
      const { made } = task;
      plans.push(task);
      instructions += made.instructions;
      for (const delta of made.entrances) covered.add(keyOf(physicalOf(made, delta), mode));
      if (this.mode === "on") this.#cool(made, covered);
    }
    if (plans.length > 0) this.#build(plans);
    const took = this.stopwatch() - started;
    this.milliseconds += took;
    this.longestMilliseconds = Math.max(this.longestMilliseconds, took);
  }

  /** Nothing comes of a hot trace now: it counts again, to be reported after `2 ** shift` times as many entries. */
  #recount(physical: number, mode: number, shift: number): void {
    const trace = this.#traces.at(physical, mode);
    if (trace === undefined || this.mode === "forced") return;
    const isEntrance = this.entranceAt(physical, mode) !== undefined;
    const heat = isEntrance ? AGAIN_ENTRIES : this.heatOf(trace.page);
    this.#views.setWord(trace.address + TRACE.heat, heat << shift);
  }

  /** What to make of a candidate; null: the interpreter goes on with it. @param covered what is part of regions planned in the same go */
  #task(candidate: Candidate, before: Region | undefined, covered: ReadonlySet<number>): Task | null {
    const sizes = before !== undefined || this.mode === "forced" ? [true] : [false, true];
    for (const isLast of sizes) {
      const made = this.#plan(candidate, isLast ? AGAIN : FIRST, covered);
      if (made === null) return null;
      const isWorth = this.mode !== "on" || isWorthEntering(made) || (!isLast && mayGrow(made));
      if (isWorth) return { made, isLast };
      // Without a call that leaves it a larger one would be the same.
      if (made.entrances.length === 1) return null;
    }
    return null;
  }

  #plan(
    { physical, mode, page, targets }: Candidate,
    limits: PlanLimits,
    covered: ReadonlySet<number>,
  ): Plan | null {
    const frame = (physicalPage: number): number => {
      const at = this.#guest.frameForRead(physicalPage);
      return at === FRAMES || !this.#guest.hasCode(physicalPage) ? 0 : at;
    };
    const pages = new Map<number, number>();
    const view: CodeView = {
      decoder: this.#decoder,
      bytes: this.#views.u8,
      frame,
      entries: (at, inMode) =>
        covered.has(keyOf(at, inMode)) ? this.#hotEntries : this.#entries(at, inMode),
      page: (distance) => {
        let found = pages.get(distance);
        if (found === undefined) pages.set(distance, (found = page(distance)));
        return found;
      },
      breaks: (physicalPage, offset) => this.#traces.breakpoints.at(physicalPage).has(offset),
    };
    if (frame(Math.floor(physical / PAGE)) === 0) return null;
    return plan({ physical, mode, entries: this.#entries(physical, mode), targets }, view, limits);
  }

  #entries(physical: number, mode: number): number {
    // What runs as part of a region is not counted there.
    if (this.mode === "forced" || this.#regions.isInside(physical, mode)) return this.#hotEntries;
    const trace = this.#traces.at(physical, mode);
    if (trace === undefined) return 0;
    const heat = this.#views.word(trace.address + TRACE.heat) | 0;
    const first = this.heatOf(trace.page);
    // Reported as hot, and refused if it counts down from more than it began with.
    return heat <= 0 || heat > first ? this.#hotEntries : first - heat;
  }

  /** Traces inside a new region begin to count again. */
  #cool(made: Plan, covered: Set<number>): void {
    for (const { delta } of made.blocks) {
      const physical = physicalOf(made, delta);
      covered.add(keyOf(physical, made.mode));
      const trace = this.#traces.at(physical, made.mode);
      if (trace !== undefined && delta !== 0 && this.entranceAt(physical, made.mode) === undefined)
        this.#views.setWord(trace.address + TRACE.heat, this.heatOf(trace.page));
    }
  }

  #build(tasks: readonly Task[]): void {
    const batch: Batch = {
      tasks,
      regions: tasks.map(({ made, isLast }) => this.#regions.begin(made, isLast)),
    };
    if (this.#workshop?.failed === true) this.#giveUp();
    if (this.#workshop !== null) {
      const number = this.#counters.orders;
      const copy = (made: Plan, each: Block, into: Uint8Array): void => this.#copy(made, each, into);
      if (this.#workshop.order(orderOf(number, this.#features, tasks, copy))) {
        this.#counters.orders++;
        this.#ordered.set(number, batch);
        return;
      }
    }
    const bytes = moduleBytes(tasks);
    this.#finish(batch, new WebAssembly.Module(bytes), bytes.length);
  }

  /** Puts to use what has been made elsewhere. */
  #receive(): void {
    const workshop = this.#workshop;
    if (workshop === null) return;
    for (let product = workshop.take(); product !== null; product = workshop.take()) {
      const batch = this.#ordered.get(product.number);
      this.#ordered.delete(product.number);
      this.#counters.elsewhereMilliseconds += product.milliseconds;
      if (batch !== undefined) this.#finish(batch, product.module, product.size);
    }
    if (workshop.failed) this.#giveUp();
  }

  /** The workshop has failed: what it had not done may become hot once more, and is made here. */
  #giveUp(): void {
    this.#workshop = null;
    for (const { regions } of this.#ordered.values())
      for (const region of regions) this.#regions.abandon(region);
    this.#ordered.clear();
  }

  #finish({ tasks, regions }: Batch, module: WebAssembly.Module, bytes: number): void {
    const instance = new WebAssembly.Instance(module, { host: this.#host });
    this.#counters.modules++;
    this.#counters.moduleBytes += bytes;
    for (const [index, { made, isLast }] of tasks.entries()) {
      const run = instance.exports[`r${index}`];
      assert(typeof run === "function", "a region is a function");
      const heat = isLast ? -1 : AGAIN_ENTRIES;
      this.#regions.put(regions[index]!, run, Math.ceil(bytes / tasks.length), heat);
      this.#counters.instructions += made.instructions;
    }
  }

  /** Copies the code of a block from the guest's memory to the beginning of `into`. */
  #copy(made: Plan, block: Block, into: Uint8Array): void {
    let done = 0;
    for (const { page, start, end } of partsOf(made, block)) {
      const frame = this.#guest.frameForRead(page);
      into.set(this.#views.u8.subarray(frame + start, frame + end), done);
      done += end - start;
    }
  }

  get statistics(): Omit<TranslatorStatistics, "instants" | "entries" | "exits"> {
    const { milliseconds, longestMilliseconds } = this;
    return { ...this.#regions.counters, ...this.#counters, milliseconds, longestMilliseconds };
  }
}
