/**
 * The translator: hot traces become regions, a batch at a time, and regions whose code changes are dropped.
 *
 * Invariant: a region is found only through the headers of the traces at its entrances; nothing else leads to it. So dropping one is forgetting its slot,
 * and as emitted code never runs while this does, there is nobody inside.
 * Elsewhere: what a region is made of (`plan.ts`), its code (`region.ts`), which traces are hot (`interpreter/loop.ts` counts).
 */
import { assert } from "../../assert.ts";
import { granulesOf, type GuestMemory } from "../../memory/guest-memory.ts";
import { encodeModule, type FunctionBody, type Signature } from "../../wasm/index.ts";
import { Decoder } from "../decode.ts";
import { exceptionImports, type Form } from "../../isa/index.ts";
import { FRAMES, INDIRECT_LOG, MODE, STATE, TRACE } from "../layout.ts";
import type { TraceCache } from "../traces.ts";
import type { TranslatorMode } from "../statistics.ts";
import type { Views } from "../views.ts";
import { entranceWord } from "./frame.ts";
import { plan, type Block, type CodeView, type Targets, type Plan, type PlanLimits } from "./plan.ts";
import { regionFunction } from "./region.ts";

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
 * Entries after which a trace is hot. Until then a region costs more than it saves: 40 µs here and three times that in V8's compiler for each instruction, and what is
 * only warm runs in V8's first, slow code. In a boot of Linux 60,000 translates a seventh of what 1,500 does and takes a quarter less processor time.
 */
const HOT_ENTRIES = { on: 60_000, early: 1500 } as const;
/** Hot traces that are translated together, and after how many runs of emitted code a smaller number is. */
const BATCH = 24;
const PATIENCE_RUNS = 8;
/** Guest instructions translated in one go: some milliseconds, for which a pause would have to wait. */
const GO_INSTRUCTIONS = 500;
/** A region ends at calls at first; when it has been entered so often it is made anew, with what it calls. */
const FIRST: PlanLimits = { blocks: 48, instructions: 200, pages: 4, inlined: 0 };
const AGAIN_ENTRIES = 20_000;
const AGAIN: PlanLimits = { blocks: 64, instructions: 300, pages: 4, inlined: 160 };
/** WebAssembly bytes of live regions; beyond it the oldest half is dropped. */
const CODE_BYTES_MAX = 48 * 2 ** 20;
/**
 * A page whose code keeps changing must be hotter: the entries double with each run of emitted code that dropped regions of the page, up to this shift, and halve
 * again after so many runs without. Code patched in bulk counts once.
 */
const CHURN_SHIFT_MAX = 6;
const CHURN_DECAY_RUNS = 200;

const NOWHERE: Targets = new Map();
/** Bytes between a region's entry and anything that may become part of it. */
const REACH = 2 ** 24;

/** What regions call; and with SSE floating point. */
const IMPORTS: readonly { readonly name: string; readonly signature: Signature }[] = [
  { name: "refillRead", signature: { params: ["i64", "i32"], result: "i32" } },
  { name: "refillWrite", signature: { params: ["i64", "i32"], result: "i32" } },
  {
    name: "flagWords",
    signature: { params: ["i32", "i32", "i32", "i32", "i32", "i64", "i64", "i64"], result: "void" },
  },
];
export const REGION_IMPORTS: typeof IMPORTS = [...IMPORTS, ...exceptionImports];

interface Region {
  readonly slot: number;
  readonly physical: number;
  readonly mode: number;
  readonly bytes: number;
  /** It has become a larger one already. */
  readonly isLast: boolean;
  /** Keys of the places where it can be entered; the first is its own. */
  readonly entrances: readonly number[];
  /** Stretches of guest-physical memory whose bytes it was made of. */
  readonly parts: readonly { readonly page: number; readonly start: number; readonly end: number }[];
}

/** A region to be made. */
interface Task {
  readonly made: Plan;
  readonly isLast: boolean;
}

/** A place where a region can be entered. */
interface Entrance {
  readonly region: Region;
  readonly slot: number;
  readonly word: number;
}

/** A hot trace, and where its linear page's neighbours are. */
interface Candidate {
  readonly physical: number;
  readonly mode: number;
  readonly page: (distance: number) => number;
  readonly targets: Targets;
}

export class Translator {
  readonly mode: TranslatorMode;
  readonly #hotEntries: number;
  readonly #views: Views;
  readonly #guest: GuestMemory;
  readonly #traces: TraceCache;
  readonly #core: CoreExports;
  readonly #host: Readonly<Record<string, unknown>>;
  readonly #decoder: Decoder;
  readonly #byPage = new Map<number, Set<Region>>();
  readonly #byKey = new Map<number, Entrance>();
  /** In the order they were made. */
  readonly #regions = new Set<Region>();
  readonly #freeSlots: number[] = [];
  #nextSlot: number;
  readonly #queue: Candidate[] = [];
  #idleRuns = 0;
  /** Runs of emitted code so far. */
  #runs = 0;
  /** Of pages whose code has changed: in how many runs, and the last of them. */
  readonly #churn = new Map<number, { times: number; last: number }>();
  /** Counts for `--stats`. */
  readonly counters = {
    made: 0,
    kept: 0,
    /** Dropped because their code changed or a breakpoint came or went, and because there was no room. */
    written: 0,
    evicted: 0,
    modules: 0,
    moduleBytes: 0,
    instructions: 0,
  };
  /** WebAssembly bytes of the regions there are. */
  #bytes = 0;
  /** Host's clock in milliseconds, for counting only. */
  stopwatch: () => number = () => 0;
  /** Time spent here, by that clock. */
  milliseconds = 0;
  longestMilliseconds = 0;

  constructor(
    mode: TranslatorMode,
    views: Views,
    guest: GuestMemory,
    traces: TraceCache,
    core: CoreExports,
    absent: ReadonlySet<Form>,
  ) {
    this.mode = mode;
    this.#hotEntries = HOT_ENTRIES[mode === "early" ? "early" : "on"];
    this.#views = views;
    this.#guest = guest;
    this.#traces = traces;
    this.#core = core;
    this.#host = { ...core.functions, memory: core.memory };
    this.#decoder = new Decoder(absent);
    this.#nextSlot = core.firstSlot;
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
  entranceAt(physical: number, mode: number): Entrance | undefined {
    return this.#byKey.get(keyOf(physical, mode));
  }
  /** Whether some region was made of bytes of a page. */
  holds(page: number): boolean {
    return this.#byPage.has(page);
  }
  /** Bytes of a page change: drops the regions made of them. */
  invalidate(page: number, offset: number, length: number): void {
    if (this.#dropAt(page, offset, length)) this.#changed(page);
  }
  /** Drops the regions made of some bytes of a page; whether there were any. */
  #dropAt(page: number, offset: number, length: number): boolean {
    let dropped = false;
    for (const region of this.#byPage.get(page) ?? []) {
      const isMade = region.parts.some(
        (part) => part.page === page && part.start < offset + length && part.end > offset,
      );
      if (!isMade) continue;
      this.#drop(region, "written");
      dropped = true;
    }
    return dropped;
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
    this.#dropAt(page, offset, 1);
  }

  // --- translation ------------------------------------------------------------------------------------------------------------------------

  /** A trace (host address) has become hot. `page` gives the guest-physical page so many pages from that of its linear address, or −1. */
  enqueue(trace: number, page: (distance: number) => number): void {
    const high = this.#views.word(trace + TRACE.keyHigh);
    const physical = this.#views.word(trace + TRACE.keyLow) + (high & 0xfffff) * 2 ** 32;
    const mode = high >>> 20;
    // Real mode and 16-bit segments stay with the interpreter.
    if ((mode & MODE.codeSize) === 0) return;
    const isNew = this.entranceAt(physical, mode) === undefined;
    const targets = isNew ? NOWHERE : this.#targets(this.#views.quad(STATE.rip));
    this.#queue.push({ physical, mode, page, targets });
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

  /** Emitted code is about to run: translates what has waited long enough. */
  idle(): void {
    this.#runs++;
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
      const { physical, mode } = candidate;
      // What has just become part of another region must show that it is entered by itself.
      if (covered.has(keyOf(physical, mode))) continue;
      const before = this.entranceAt(physical, mode)?.region;
      // Only at its first entrance a region shows that it is worth a larger one.
      if (before !== undefined && (before.isLast || before.physical !== physical)) continue;
      const isLast = before !== undefined || this.mode === "forced";
      const made = this.#plan(candidate, isLast ? AGAIN : FIRST);
      if (made === null) continue;
      plans.push({ made, isLast });
      instructions += made.instructions;
      for (const delta of made.entrances) covered.add(keyOf(physicalOf(made, delta), mode));
      if (this.mode === "on") this.#cool(made, covered);
    }
    if (plans.length > 0) this.#build(plans);
    const took = this.stopwatch() - started;
    this.milliseconds += took;
    this.longestMilliseconds = Math.max(this.longestMilliseconds, took);
  }

  #plan({ physical, mode, page, targets }: Candidate, limits: PlanLimits): Plan | null {
    const frame = (physicalPage: number): number => {
      const at = this.#guest.frameForRead(physicalPage);
      return at === FRAMES || !this.#guest.hasCode(physicalPage) ? 0 : at;
    };
    const pages = new Map<number, number>();
    const view: CodeView = {
      decoder: this.#decoder,
      bytes: this.#views.u8,
      frame,
      entries: (at, inMode) => this.#entries(at, inMode),
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
    if (this.mode === "forced") return this.#hotEntries;
    const trace = this.#traces.at(physical, mode);
    if (trace === undefined) return 0;
    if (this.entranceAt(physical, mode) !== undefined) return this.#hotEntries;
    const heat = this.#views.word(trace.address + TRACE.heat) | 0;
    return heat <= 0 ? this.#hotEntries : Math.max(this.heatOf(trace.page) - heat, 0);
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

  #build(plans: readonly Task[]): void {
    const functions: FunctionBody[] = plans.map(({ made, isLast }, index) =>
      regionFunction(made, `r${index}`, !isLast),
    );
    const imports = plans.some(({ made }) => usesVectors(made)) ? REGION_IMPORTS : IMPORTS;
    const bytes = encodeModule({ imports, functions, table: [] });
    const module = new WebAssembly.Module(bytes);
    const instance = new WebAssembly.Instance(module, { host: this.#host });
    this.counters.modules++;
    this.counters.moduleBytes += bytes.length;
    plans.forEach(({ made, isLast }, index) => {
      const run = instance.exports[`r${index}`];
      assert(typeof run === "function", "a region is a function");
      this.#install(made, isLast, run, Math.ceil(bytes.length / plans.length));
    });
    if (this.#bytes > CODE_BYTES_MAX) this.#shrink();
  }

  #install(made: Plan, isLast: boolean, run: unknown, bytes: number): void {
    const slot = this.#freeSlots.pop() ?? this.#nextSlot++;
    if (slot >= this.#core.table.length) this.#core.table.grow(1024);
    this.#core.table.set(slot, run as never);
    const parts = made.blocks.flatMap((each) => partsOf(made, each));
    const { physical, mode, entrances } = made;
    const keys = entrances.map((delta) => keyOf(physicalOf(made, delta), mode));
    const region: Region = { slot, physical, mode, bytes, isLast, entrances: keys, parts };
    const before = this.entranceAt(physical, mode)?.region;
    if (before?.physical === physical) this.#drop(before, "evicted");
    this.#regions.add(region);
    for (const { page, start, end } of parts) {
      this.#guest.markCode(page, granulesOf(start, end));
      const list = this.#byPage.get(page);
      if (list === undefined) this.#byPage.set(page, new Set([region]));
      else list.add(region);
    }
    entrances.forEach((delta, number) => {
      const word = entranceWord(number, delta);
      const key = keys[number]!;
      if (word === null || (number > 0 && this.#byKey.has(key))) return;
      this.#byKey.set(key, { region, slot, word });
      const trace = this.#traces.at(physicalOf(made, delta), mode);
      if (trace === undefined) return;
      this.#views.setWord(trace.address + TRACE.region, slot);
      this.#views.setWord(trace.address + TRACE.entrance, word);
      this.#views.setWord(trace.address + TRACE.heat, number > 0 || isLast ? -1 : AGAIN_ENTRIES);
    });
    const { counters } = this;
    counters.made++;
    counters.kept++;
    this.#bytes += bytes;
    counters.instructions += made.instructions;
  }

  #drop(region: Region, why: "written" | "evicted"): void {
    this.#regions.delete(region);
    for (const { page } of region.parts) {
      const list = this.#byPage.get(page);
      list?.delete(region);
      if (list?.size === 0) {
        this.#byPage.delete(page);
        if (!this.#traces.holds(page)) this.#guest.clearCode(page);
      }
    }
    this.#core.table.set(region.slot, null as never);
    this.#freeSlots.push(region.slot);
    for (const key of region.entrances) {
      if (this.#byKey.get(key)?.region !== region) continue;
      this.#byKey.delete(key);
      const trace = this.#traces.at(Math.floor(key / MODES), region.mode);
      if (trace === undefined) continue;
      this.#views.setWord(trace.address + TRACE.region, 0);
      this.#views.setWord(trace.address + TRACE.heat, this.heatOf(trace.page));
    }
    this.counters.kept--;
    this.counters[why]++;
    this.#bytes -= region.bytes;
  }

  #shrink(): void {
    let left = this.#regions.size / 2;
    for (const region of this.#regions) {
      if (left-- <= 0) break;
      this.#drop(region, "evicted");
    }
  }
}

const usesVectors = (made: Plan): boolean =>
  made.blocks.some((each) => each.instructions.some(({ variant }) => variant.operands.includes("x")));

/** What an entrance is found by. */
const keyOf = (physical: number, mode: number): number => physical * MODES + mode;
const MODES = 1024;

/** The memory that a block was made of; its last instruction may reach into another page. */
function partsOf(made: Plan, { delta, end }: Block): Region["parts"] {
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
function physicalOf(made: Plan, delta: number): number {
  const at = (made.physical % PAGE) + delta;
  const distance = Math.floor(at / PAGE);
  const page = made.pages.find((each) => each.distance === distance);
  assert(page !== undefined, "a plan knows its pages", distance);
  return page.physicalPage * PAGE + (at - distance * PAGE);
}
