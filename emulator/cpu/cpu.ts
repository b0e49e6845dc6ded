/**
 * The processor: runs traces in the interpreter's WebAssembly, and does between them what traces do not: interrupts, faults, fetches that miss,
 * single steps, breakpoints.
 *
 * Invariant: `executed` counts retired instructions (one per iteration of REP) and delivered events, exactly, wherever a run is left.
 * Elsewhere: what instructions mean (`isa/`, `system/`, `operation/`, `x87/`), how they become traces (`decode.ts`, `traces.ts`).
 */
import { assert } from "../assert.ts";
import type { GuestMemory, PortBus } from "../memory/guest-memory.ts";
import { physical, type PhysicalAddress } from "../numbers.ts";
import { ACTIVITY, CR4, Core, FLAG, SHADOW, type CoreEnvironment } from "./core.ts";
import { Fault, Halt, VECTOR } from "./event.ts";
import { PageCache } from "./mmu/page-cache.ts";
import { compiledInterpreter } from "./interpreter/compiled.ts";
import { EXIT, FAR_REACH, RECORD, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE, TRACE } from "./layout.ts";
import { integerOperations } from "./operation/index.ts";
import type { Processor, ProcessorExit } from "./processor.ts";
import { attempt, commit, type Kind } from "./system/access.ts";
import { fetchFrom, translateCode } from "./system/fetch.ts";
import { sseOperations } from "./sse/index.ts";
import { systemOperations } from "./system/index.ts";
import { deliver, deliverFault } from "./system/interrupt.ts";
import { checkPorts } from "./system/permission.ts";
import { segmented } from "./system/segmentation.ts";
import { cachedCodePage } from "./system/tlb.ts";
import { dropAhead } from "./repeated-store.ts";
import { absentForms } from "./requirement.ts";
import type { ProcessorStatistics, TranslatorStatistics } from "./statistics.ts";
import { Translator } from "./translator/index.ts";
import { coldVariants } from "./interpreter/variant.ts";
import { TraceCache, type CallOut, type CodeSource } from "./traces.ts";
import { Views } from "./views.ts";
import { vectorOperations } from "./vector/index.ts";
import { refuseVector } from "./vector/access.ts";
import { x87Operations } from "./x87/index.ts";

const PAGE = 4096;
/**
 * Largest budget handed to emitted code at once. V8 replaces its first, slow code for a function only when the function is called again, so a run must
 * come out now and then: without this bound a loop that no event interrupts runs at a fifth of its speed for ever.
 */
const BUDGET_MAX = 1 << 18;
const PORT_BYTES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4 };
const DR6_SINGLE_STEP = 1 << 14;

const operations = {
  ...integerOperations,
  ...sseOperations,
  ...systemOperations,
  ...vectorOperations,
  ...x87Operations,
};

export class Cpu implements Processor {
  readonly cores: readonly Core[];
  readonly #traces: TraceCache;
  readonly translator: Translator;
  /** The CPU that is seated. */
  #core: Core;
  readonly #interpret: (trace: number) => number;
  /** What `#source` gives. */
  readonly #place = {
    physical: 0,
    mode: 0,
    ripLow: 0,
    ripHigh: 0,
    nextPage: (): number => Math.floor(this.#fetch(this.#place, 1) / PAGE),
  };

  acknowledge: (cpu: number) => number = () => 0xff;
  isBreakpoint: (linear: bigint, physical: PhysicalAddress) => boolean = () => false;
  /** Traces decoded, faults taken and call-outs made so far, for `--stats`. */
  readonly counters = { misses: 0, faults: 0, callOuts: 0, slowAccesses: 0, yields: 0 };

  /** Instants of this run that are over, without those of the emitted code under way. */
  #done = 0;
  /** Budget given to the emitted code under way, and what `requestExit` has taken out of it. */
  #given = 0;
  #withheld = 0;
  #inside = false;
  #exitRequested = false;
  /** Watched exceptions do not stop the first instruction of a resumed run. */
  #suppressed = false;
  /** The debugger's breakpoints. */
  #linearBreakpoints: ReadonlySet<bigint> = new Set();
  #physicalBreakpoints: ReadonlySet<number> = new Set();

  constructor(
    memory: WebAssembly.Memory,
    guest: GuestMemory,
    ports: PortBus,
    environment: CoreEnvironment,
    count = 1,
  ) {
    const pages = new PageCache(memory, guest);
    this.cores = Array.from(
      { length: count },
      (_, index) => new Core(memory, guest, ports, environment, index, pages),
    );
    this.#core = this.cores[0]!;
    const absent = absentForms(this.#core.model.features);
    this.#traces = new TraceCache(
      new Views(memory),
      guest,
      operations,
      (page) => {
        for (const core of this.cores) core.dropCodePage(page);
      },
      absent,
    );
    const noticing =
      (kind: Kind) =>
      (size: number): number => {
        this.counters.slowAccesses++;
        const core = this.#core;
        const host = attempt(core, size, kind);
        if (core.pendingDebug !== 0) this.requestExit();
        return host;
      };
    const host = {
      memory,
      slowRead: noticing("read"),
      slowWrite: noticing("write"),
      slowModify: noticing("modify"),
      commit: () => {
        dropAhead(this.#core, this.#traces);
        commit(this.#core);
      },
      segmented: (segment: number, size: number, access: number) =>
        segmented(this.#core, segment as never, size, access as never),
      raise: (vector: number, errorCode: number) => {
        throw new Fault(
          vector,
          errorCode < 0 ? null : errorCode,
          vector === VECTOR.DE
            ? "division by zero, or a quotient too large"
            : "near transfer beyond the code segment's limit",
        );
      },
      nearTarget: () => this.#nearTarget(),
      refuseVector: (refusal: number) => {
        this.#core.rip = this.instructionRip;
        refuseVector(this.#core, refusal);
      },
      divide128: (divisor: bigint, signed: number) => this.#divide128(divisor, signed !== 0),
      operate: (record: number) => this.#operate(record),
    };
    const instance = new WebAssembly.Instance(compiledInterpreter(), { host });
    this.#interpret = instance.exports["run"] as (trace: number) => number;
    this.translator = new Translator(
      environment.translator ?? "on",
      this.#core.host,
      guest,
      this.#traces,
      {
        memory,
        table: instance.exports["table"] as WebAssembly.Table,
        firstSlot: coldVariants.length,
        functions: instance.exports as Readonly<Record<string, unknown>>,
      },
      absent,
      [...this.#core.model.features],
      environment.workshop ?? null,
    );
    this.translator.stopwatch = environment.stopwatch ?? (() => 0);
    for (const core of this.cores) {
      if (core.index !== 0) core.activity = ACTIVITY.waitForSipi;
      core.onBreakPage = (linearPage, page) =>
        this.#traces.breakpointsChanged(this.#traces.breakpoints.map(linearPage, page));
      core.setWord(RUN.pace, environment.nanosecondsPerInstant ?? 0);
      core.setWord(RUN.alone, count === 1 ? 1 : 0);
      core.setWord(RUN.wideExchange, core.has("cx16") ? 1 : 0);
      core.setWord(RUN.farReach, FAR_REACH);
    }
    this.#traces.flush();
  }

  get core(): Core {
    return this.#core;
  }
  get interruptLine(): boolean {
    return this.#core.interruptLine;
  }
  set interruptLine(level: boolean) {
    this.#core.interruptLine = level;
  }
  get nmiPending(): boolean {
    return this.#core.nmiPending;
  }
  set nmiPending(pending: boolean) {
    this.#core.nmiPending = pending;
  }

  seat(cpu: number): void {
    const next = this.cores[cpu];
    assert(next !== undefined, "CPU", cpu);
    if (next === this.#core) return;
    assert(!this.#inside, "CPUs change places between two instructions");
    this.#core.park();
    next.seat();
    this.#core = next;
  }

  get executed(): number {
    const { u32 } = this.#core;
    const charged = this.#done + this.#given - this.#withheld - u32[RUN.budget >>> 2]!;
    if (!this.#inside) return charged;
    const trace = u32[RUN.trace >>> 2]!;
    return charged - u32[(trace + TRACE.count) >>> 2]! + recordIndex(trace, u32[RUN.record >>> 2]!);
  }

  get instructionRip(): bigint {
    const { core } = this;
    if (!this.#inside) return core.rip;
    return core.quad(RUN.traceRip) + BigInt(core.view.getUint16(core.word(RUN.record) + RECORD.offset, true));
  }

  run(budget: number, resume = false): ProcessorExit {
    this.#done = 0;
    this.#exitRequested = false;
    this.#suppressed = resume;
    let first = resume;
    try {
      while (this.#done < budget && !this.#exitRequested) {
        const stopped = this.#step(budget - this.#done, first);
        first = this.#suppressed = false;
        if (stopped !== null) return stopped;
      }
      return { kind: "budget" };
    } catch (thrown) {
      if (thrown instanceof Halt) return thrown.reason;
      throw thrown;
    }
  }

  requestExit(): void {
    this.#exitRequested = true;
    if (!this.#inside) return;
    const { core } = this;
    this.#withheld += core.word(RUN.budget);
    core.setWord(RUN.budget, 0);
    this.#traces.yieldAfter(core.word(RUN.record), core.word(RUN.trace));
  }

  setBreakpoints(linear: ReadonlySet<bigint>, physicalAddresses: ReadonlySet<number>): void {
    this.#linearBreakpoints = linear;
    this.#physicalBreakpoints = physicalAddresses;
    this.#placeBreakpoints();
  }
  setWatchedPages(linearPages: ReadonlySet<bigint>, physicalPages: ReadonlySet<number>): void {
    for (const core of this.cores) {
      core.watchPages(linearPages, physicalPages);
    }
  }
  flushTraces(): void {
    this.#traces.flush();
    this.#placeBreakpoints();
  }
  reset(): void {
    for (const core of this.cores) {
      core.reset();
      if (core.index !== 0) core.activity = ACTIVITY.waitForSipi;
      core.nmiPending = false;
    }
    this.flushTraces();
  }
  /** Call-outs so far by the name of the operation, of those there were. */
  get callOutCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [name, { count }] of this.#traces.tallies) if (count > 0) counts.set(name, count);
    return counts;
  }
  get traceCount(): number {
    return this.#traces.count;
  }
  statistics(): ProcessorStatistics {
    const { counters } = this;
    return {
      traces: { kept: this.#traces.count, ...this.#traces.counters },
      translator: this.translator.mode === "off" ? null : this.#translatorStatistics(),
      callOuts: Object.fromEntries(this.callOutCounts),
      exits: { "no trace known": counters.misses, "looked at afresh": counters.yields },
      events: { exception: counters.faults },
      memory: {
        "known page": this.#sum(RUN.countTags),
        "page walk": this.#sum(RUN.countWalks),
        "page walk for code": this.#sum(RUN.countCodeWalks),
        "open register": this.#sum(RUN.countOpen),
        "handled in TypeScript": counters.slowAccesses,
      },
    };
  }

  /** A count of the run block, over all CPUs. */
  #sum(offset: number): number {
    return this.cores.reduce((sum, core) => sum + core.word(offset), 0);
  }

  #translatorStatistics(): TranslatorStatistics {
    const instants = this.cores.reduce((sum, core) => sum + Number(core.quad(RUN.translated)), 0);
    const entries = this.#sum(RUN.entered);
    const interpreted = this.#sum(RUN.leftOver);
    return {
      instants,
      entries,
      exits: { "to another trace": entries - interpreted, "an instruction for the interpreter": interpreted },
      ...this.translator.statistics,
    };
  }

  /** One event, or a run of instructions. A value is why the whole run ends. */
  #step(budget: number, resumed: boolean): ProcessorExit | null {
    const { core } = this;
    if (core.pendingDebug !== 0) return this.#debugTrap();
    if (this.nmiPending && core.word(STATE.nmiBlocked) === 0 && core.shadow === 0) {
      this.nmiPending = false;
      core.activity = ACTIVITY.running;
      return this.#event(VECTOR.NMI, "nmi", "non-maskable interrupt");
    }
    if (this.interruptLine && core.shadow === 0 && core.systemFlag(FLAG.IF)) {
      core.activity = ACTIVITY.running;
      const vector = this.acknowledge(core.index);
      return this.#event(vector, "external", "external interrupt");
    }
    if (core.activity !== ACTIVITY.running) return { kind: "halted" };
    const traced = core.systemFlag(FLAG.TF);
    // RF matters where a breakpoint may be; without one it is only cleared, as every instruction does.
    if (core.systemFlag(FLAG.RF) && !this.#isWatching()) core.setSystemFlag(FLAG.RF, false);
    const one = traced || resumed || core.shadow !== 0 || core.systemFlag(FLAG.RF);
    if (!one) return this.#execute(Math.min(budget, BUDGET_MAX), budget > BUDGET_MAX ? "piece" : "exact");
    // RF and a shadow last for one instruction, unless that one sets them again.
    core.shadow = 0;
    core.setSystemFlag(FLAG.RF, false);
    const before = this.#done;
    const { rip } = core;
    core.untraced = false;
    const stopped = this.#execute(1, "single");
    const retired = this.#done > before && !this.#faulted && !core.untraced;
    if (traced && retired && stopped === null && (core.shadow & SHADOW.debugTraps) === 0)
      core.pendingDebug |= DR6_SINGLE_STEP;
    // A trap between two iterations of REP finds RF set in what it pushes (SDM 3B 17.3.1.1).
    if (core.pendingDebug !== 0 && core.rip === rip && this.#traces.repeats)
      core.setSystemFlag(FLAG.RF, true);
    return stopped;
  }

  #faulted = false;

  /** Whether there are breakpoints or watched pages, the guest's own or the debugger's. */
  #isWatching(): boolean {
    const { core } = this;
    const word = (offset: number): number => core.word(offset) | core.word(offset + 4);
    return (word(RUN.breakpoints) | word(RUN.watchedLinear)) !== 0 || this.#physicalBreakpoints.size > 0;
  }

  /** #DB after an instruction, for single steps and data breakpoints: a trap, the instruction has retired. */
  #debugTrap(): ProcessorExit | null {
    const { core } = this;
    const bits = core.pendingDebug;
    const event = {
      vector: VECTOR.DB,
      errorCode: null,
      kind: "trap",
      address: BigInt(bits),
      why: "debug trap after the instruction",
    } as const;
    if (!deliver(core, event, this.#suppressed)) return { kind: "exception" };
    core.pendingDebug = 0;
    this.#done++;
    return null;
  }

  #event(vector: number, kind: "nmi" | "external", why: string): null {
    this.#done++;
    deliver(this.core, { vector, errorCode: null, kind, address: null, why });
    return null;
  }

  /**
   * Runs emitted code for at most `budget` instants: exactly so many if nothing comes between; as a "piece" of a longer run perhaps a few less, since nothing has to end there;
   * "single", one instruction from a scratch trace, breakpoints ignored.
   */
  #execute(budget: number, how: "piece" | "exact" | "single"): ProcessorExit | null {
    const { core } = this;
    this.#faulted = false;
    this.#given = budget;
    this.#withheld = 0;
    core.setWord(RUN.budget, budget);
    core.setQuad(RUN.clock, core.environment.timestamp() + BigInt(budget * core.word(RUN.pace)));
    core.setWord(RUN.link, 0);
    let trace = 0;
    this.translator.idle();
    try {
      if (how === "single") trace = this.#traces.scratch(this.#source());
      for (;;) {
        this.#inside = true;
        const exit = this.#interpret(trace);
        this.#inside = false;
        trace = 0;
        if (exit === EXIT.fault) {
          this.#inside = true;
          return this.#thrown(core.fault);
        }
        const left = core.word(RUN.budget);
        if (exit === EXIT.yield) {
          this.counters.yields++;
          break;
        }
        if (exit === EXIT.attention || left === 0) break;
        if (exit === EXIT.break) {
          const stopped = this.#breakpoint();
          if (stopped !== null) return this.#account(stopped);
          trace = this.#traces.scratch(this.#source());
        } else if (exit === EXIT.budget) {
          if (how === "piece") break;
          trace = this.#tail(left);
          if (this.#exitRequested) break;
        } else if (exit === EXIT.hot) {
          trace = core.word(RUN.trace);
          this.translator.enqueue(trace, this.#pagesAround(this.#linearRip(core.rip)));
        } else {
          assert(exit === EXIT.miss, "unknown exit", exit);
          trace = this.#find();
          // The fetch has been reported: the instruction is not to run yet.
          if (this.#exitRequested) break;
        }
      }
      // A call-out in the middle of a trace that asked for the end has come out before the YIELD behind it.
      this.#traces.endYield();
      this.#account(null);
      return null;
    } catch (thrown) {
      return this.#thrown(thrown);
    }
  }

  /** Adds what the emitted code has used to `#done`. */
  #account<T>(value: T): T {
    this.#inside = false;
    this.#done += this.#given - this.#withheld - this.core.word(RUN.budget);
    this.#given = this.#withheld = 0;
    this.core.setWord(RUN.budget, 0);
    this.core.setWord(RUN.link, 0);
    return value;
  }

  /** A fault or halt came out of emitted code or a fetch: puts state back to the instruction's start, and delivers the fault. */
  #thrown(thrown: unknown): ProcessorExit | null {
    const { core } = this;
    if (!(thrown instanceof Fault) && !(thrown instanceof Halt)) throw thrown;
    if (this.#inside) {
      const trace = core.word(RUN.trace);
      const rest = core.word(trace + TRACE.count) - recordIndex(trace, core.word(RUN.record));
      core.setWord(RUN.budget, core.word(RUN.budget) + rest);
      core.rip = this.instructionRip;
      core.setWord(RUN.commit, 0);
    }
    this.#traces.endYield();
    this.#account(null);
    if (thrown instanceof Halt) throw thrown;
    this.#faulted = true;
    this.counters.faults++;
    if (!deliverFault(core, thrown, this.#suppressed)) return { kind: "exception" };
    this.#done++;
    return null;
  }

  /** Where state.rip's bytes are, until this is asked again. Faults if they may not be fetched. */
  #source(): CodeSource {
    const { core } = this;
    const source = this.#place;
    const { u32 } = core;
    source.ripLow = u32[STATE.rip >>> 2]!;
    source.ripHigh = u32[(STATE.rip >>> 2) + 1]!;
    if (this.#isBeyondLimit(source, 0))
      throw new Fault(
        VECTOR.GP,
        0,
        `RIP 0x${core.rip.toString(16)} is beyond the code segment's limit 0x${core.quad(RUN.codeLimit).toString(16)}`,
      );
    source.mode = core.mode;
    source.physical = this.#fetch(source, 0);
    return source;
  }
  /** Guest-physical address of a place, or of where the page behind it begins, counted in linear addresses. Faults if it may not be fetched. */
  #fetch({ ripLow, ripHigh }: CodeSource, pagesOn: 0 | 1): number {
    const { u32 } = this.#core;
    const base = (STATE.segments + SEG.cs * SEGMENT_BYTES + SEGMENT.base) >>> 2;
    const mask = RUN.linearMask >>> 2;
    const sum = ripLow + u32[base]!;
    const low = pagesOn === 0 ? sum : sum - (sum % PAGE) + PAGE;
    const high = ripHigh + u32[base + 1]! + Math.floor(low / 2 ** 32);
    return fetchFrom(this.#core, (low & u32[mask]!) >>> 0, (high & u32[mask + 1]!) >>> 0);
  }
  /** Whether the byte so many bytes after a place is beyond the code segment's limit. */
  #isBeyondLimit({ ripLow, ripHigh }: CodeSource, distance: number): boolean {
    const { u32 } = this.#core;
    const limit = RUN.codeLimit >>> 2;
    const low = ripLow + distance;
    const high = ripHigh + (low > 0xffffffff ? 1 : 0);
    return high > u32[limit + 1]! || (high === u32[limit + 1] && low >>> 0 > u32[limit]!);
  }
  #linearRip(rip: bigint): bigint {
    const { core } = this;
    return (core.segmentBase(SEG.cs) + rip) & core.quad(RUN.linearMask);
  }

  /** Guest-physical pages by their distance from that of a linear address; −1 where nothing is mapped. */
  #pagesAround(address: bigint): (distance: number) => number {
    const { core } = this;
    const { cr3 } = core;
    const base = address & ~0xfffn;
    return (distance) => {
      if (core !== this.#core || core.cr3 !== cr3) return -1;
      const at = core.translate(
        BigInt.asUintN(64, base + BigInt(distance * PAGE)) & core.quad(RUN.linearMask),
      );
      return at === null ? -1 : Math.floor(at / PAGE);
    };
  }

  #find(): number {
    const { core } = this;
    this.counters.misses++;
    const link = core.word(RUN.link);
    const source = this.#source();
    const trace = this.#traces.find(source);
    // A trace that passes the segment's limit is cut off there; the instruction at the limit then faults by itself.
    if (this.#isBeyondLimit(source, core.word(trace + TRACE.lastByte))) return this.#atLimit(source);
    const isListed = core.word(trace + TRACE.keyHigh) < TRACE.unlisted;
    if (link !== 0 && isListed && core.word(RUN.link) === link) core.setWord(link, trace);
    core.setWord(RUN.link, 0);
    return trace;
  }

  /** The first instructions of a trace that is longer than what is `left` of the budget. */
  #tail(left: number): number {
    const source = this.#source();
    const trace = this.#traces.find(source);
    if (this.#isBeyondLimit(source, this.core.word(trace + TRACE.lastByte)))
      return this.#traces.scratch(source);
    return this.core.word(trace + TRACE.count) <= left ? trace : this.#traces.head(trace, left);
  }

  #atLimit(source: CodeSource): number {
    const one = this.#traces.scratch(source);
    if (this.#isBeyondLimit(source, this.core.word(one + TRACE.lastByte)))
      throw new Fault(
        VECTOR.GP,
        0,
        `instruction at 0x${this.core.rip.toString(16)} reaches beyond the code segment's limit`,
      );
    return one;
  }

  /** At a BREAK record: a debug register that matches raises #DB, a breakpoint of the debugger ends the run. */
  #breakpoint(): ProcessorExit | null {
    const { core } = this;
    const address = this.#linearRip(core.rip);
    const hit = codeBreakpoints(core, address);
    if (hit !== 0)
      throw new Fault(VECTOR.DB, null, "instruction breakpoint in a debug register", BigInt(hit));
    const at = physical(translateCode(core, address));
    return this.isBreakpoint(address, at) ? { kind: "breakpoint" } : null;
  }

  /** Breakpoints of the debugger and of the guest's debug registers go to where their pages are mapped now; `Core.onBreakPage` sees to later. */
  #placeBreakpoints(): void {
    const { breakpoints } = this.#traces;
    const addresses = new Set(this.#linearBreakpoints);
    for (const core of this.cores) {
      const dr7 = Number(core.dr(7));
      for (let n = 0; n < 4; n++) if (isCodeBreakpoint(dr7, n)) addresses.add(core.dr(n));
    }
    const mapped = (linearPage: bigint): Iterable<number> =>
      this.cores.map((core) => cachedCodePage(core, linearPage)).filter((page) => page !== null);
    this.#traces.breakpointsChanged(breakpoints.set(addresses, this.#physicalBreakpoints, mapped));
    for (const core of this.cores) core.setQuad(RUN.breakpoints, breakpoints.filter);
  }

  /** Executes a call-out. 0: go on; otherwise the EXIT with which emitted code returns. */
  #operate(record: number): number {
    const { core } = this;
    this.counters.callOuts++;
    const callOut = this.#traces.callOuts[core.word(record + RECORD.callOut) >>> 8];
    assert(callOut !== undefined, "call-out without an instruction");
    callOut.tally.count++;
    const { instruction } = callOut;
    if (instruction.rep === "") callOut.run(core, instruction);
    else this.#repeat(callOut);
    if (instruction.mnemonic === "mov_dr_r") this.#placeBreakpoints();
    const flags = core.word(STATE.eflags);
    const interrupted = (this.interruptLine && (flags & FLAG.IF) !== 0) || this.nmiPending;
    const special =
      (flags & (FLAG.TF | FLAG.RF)) !== 0 || core.shadow !== 0 || core.activity !== ACTIVITY.running;
    return interrupted || special || this.#exitRequested || core.pendingDebug !== 0 ? EXIT.attention : 0;
  }

  /** One iteration of REP INS or REP OUTS; rip stays at the instruction while rCX is not 0. */
  #repeat({ instruction, run }: CallOut): void {
    const { core } = this;
    const bits = instruction.addressSize;
    const count = BigInt.asUintN(bits, core.gpr(1));
    // The permission to use the port is asked for even if nothing is left to do.
    if (count === 0n)
      return checkPorts(core, core.gpr16(2), PORT_BYTES[instruction.mnemonic.at(-1) ?? "b"] ?? 1);
    run(core, instruction);
    if (bits === 16) core.setGpr16(1, Number(count - 1n));
    else core.setGpr(1, count - 1n);
    if (count > 1n) core.rip = this.instructionRip;
  }

  /** Decides about a near transfer to an address that is not canonical in 48 bits: fine in 57 with CR4.LA57. */
  #nearTarget(): void {
    const { core } = this;
    const target = core.quad(RUN.temporary);
    if ((core.cr4 & CR4.LA57) !== 0 && BigInt.asUintN(64, BigInt.asIntN(57, target)) === target) return;
    throw new Fault(VECTOR.GP, 0, `near transfer to 0x${target.toString(16)}, which is not canonical`);
  }

  /** rDX:rAX by a 64-bit divisor, for dividends that need 128 bits. False: the quotient does not fit. */
  #divide128(divisor: bigint, signed: boolean): number {
    const { core } = this;
    const joined = (core.gpr(2) << 64n) | core.gpr(0);
    const dividend = signed ? BigInt.asIntN(128, joined) : joined;
    const by = signed ? BigInt.asIntN(64, divisor) : BigInt.asUintN(64, divisor);
    const quotient = dividend / by;
    if (quotient !== (signed ? BigInt.asIntN(64, quotient) : BigInt.asUintN(64, quotient))) return 0;
    core.setGpr(0, BigInt.asUintN(64, quotient));
    core.setGpr(2, BigInt.asUintN(64, dividend % by));
    return 1;
  }
}

/** Which of a trace's records one is, by their addresses. */
const recordIndex = (trace: number, record: number): number =>
  (record - trace - TRACE.headerBytes) / RECORD.bytes;

/** DR7: breakpoint n is enabled (locally or globally) and its condition is instruction execution. */
const isCodeBreakpoint = (dr7: number, n: number): boolean =>
  ((dr7 >> (n * 2)) & 3) !== 0 && ((dr7 >> (16 + n * 4)) & 3) === 0;

/** DR6 bits of the debug registers that break at an instruction address. */
function codeBreakpoints(core: Core, address: bigint): number {
  const dr7 = Number(core.dr(7));
  let hit = 0;
  for (let n = 0; n < 4; n++) if (isCodeBreakpoint(dr7, n) && core.dr(n) === address) hit |= 1 << n;
  return hit;
}
