/**
 * The trace cache: decoded instructions in linear memory, found by physical address and mode.
 *
 * Invariant: a record holds nothing that depends on the linear address it runs at, and every trace whose bytes changed is dead before the next
 * instruction. Dead means that all its records are DEAD records, so links to it and a run inside it end up in a new look-up.
 * Elsewhere: decoding (`decode.ts`), who calls (`cpu.ts`).
 */
import { assert } from "../assert.ts";
import { granulesOf, type GuestMemory } from "../memory/guest-memory.ts";
import { physical as physicalAddress } from "../numbers.ts";
import { CodeBreakpoints } from "./breakpoints.ts";
import { Decoder, type Decoded } from "./decode.ts";
import { Fault, Halt, VECTOR } from "./event.ts";
import type { Form } from "../isa/index.ts";
import type { Instruction, Operation } from "./instruction.ts";
import { PSEUDO } from "./interpreter/variant.ts";
import {
  ADDRESS_SIZE,
  CROSSING,
  FAR_REACH,
  FRAMES,
  MODE,
  RECORD,
  RUN,
  SEG,
  TRACE,
  TRACE_GUESS,
  TRACE_INDEX,
  TRACE_POOL,
  regionWord,
  traceSlot,
} from "./layout.ts";
import type { Views } from "./views.ts";

const PAGE = 4096;
/** A trace is at most this long: what a run slice overshoots by, and what a bad guess of the decoder wastes. */
const TRACE_INSTRUCTIONS_MAX = 32;

/** Heat of a trace that is never reported as hot. */
const EMBERS = 0xffffffff;

/** How often an operation was called out to. */
export interface Tally {
  count: number;
}

/** An instruction that TypeScript executes, and how. */
export interface CallOut {
  readonly instruction: Instruction;
  readonly run: Operation;
  /** That of all instructions of this name. */
  readonly tally: Tally;
}

/** A kept trace. */
export interface Trace {
  /** Host address of its header. */
  readonly address: number;
  readonly page: number;
}

/** Where an instruction's bytes come from: its page, and for one that crosses the page, the next (asked for only then; may fault). */
export interface CodeSource {
  readonly physical: number;
  readonly mode: number;
  /** Offset of the first instruction in its segment, its low and its high half: traces end before rip would wrap. */
  readonly ripLow: number;
  readonly ripHigh: number;
  nextPage(): number;
}

/** Bytes from rip to where it wraps; a page or more says nothing. */
function beforeWrap({ ripLow, ripHigh, mode }: CodeSource): number {
  const size = mode & MODE.codeSize;
  if (size === 2) return ripHigh === 0xffffffff ? 2 ** 32 - ripLow : PAGE;
  return (size === 0 ? 0x10000 : 2 ** 32) - ripLow - ripHigh * 2 ** 32;
}

/** Where in its page a trace's bytes are: from `startOf` to before `endOf`. */
const spanOf = (start: number, end: number): number => start | (end << 13);
const startOf = (span: number): number => span & 0x1fff;
const endOf = (span: number): number => span >> 13;

/** Stands for an instruction where there is none. */
const NOTHING: CallOut = {
  instruction: {
    mnemonic: "(none)",
    length: 0,
    operandSize: 32,
    addressSize: 32,
    reg: 0,
    rm: -1,
    segment: SEG.ds,
    immediate: 0n,
    immediate2: 0,
    rep: "",
    lock: false,
    rex: false,
  },
  run: () => {},
  tally: { count: 0 },
};

/** Where a region can be entered. */
export interface Entrance {
  readonly slot: number;
  /** What `TRACE.entrance` holds. */
  readonly word: number;
}

/** What the trace cache asks of the translator. */
export interface Regions {
  /** The region that can be entered at a physical address. */
  entranceAt(physical: number, mode: number): Entrance | undefined;
  /** Entries after which a trace on a page is hot; −1: never. */
  heatOf(page: number): number;
  holds(page: number): boolean;
  /** Bytes of a page are about to change. */
  invalidate(page: number, offset: number, length: number): void;
  /** The instruction at an offset of a page is to be stopped at, or not any more. */
  breakpointChanged(page: number, offset: number): void;
}
const NO_REGIONS: Regions = {
  entranceAt: () => undefined,
  heatOf: () => -1,
  holds: () => false,
  invalidate: () => {},
  breakpointChanged: () => {},
};

/** What is looked at of an END record; behind that the next trace may begin. */
const END_BYTES = 8;
/** Header, records and the END record of the longest trace. */
const ROOM = TRACE.headerBytes + (TRACE_INSTRUCTIONS_MAX + 2) * RECORD.bytes;
const NOWHERE: ReadonlySet<number> = new Set();

export class TraceCache {
  readonly #views: Views;
  readonly #guest: GuestMemory;
  readonly #decoder: Decoder;
  /** Traces by page: host address and span of each in turn. */
  readonly #byPage = new Map<number, number[]>();
  #free: number = TRACE_POOL.base + 4096;
  /** Call-outs by the index in their records. A trace has at most one, at its end; number 0 is that of traces that are not kept. */
  readonly callOuts: CallOut[] = [NOTHING];
  /** Traces so far, for `--stats`. */
  readonly counters = { decoded: 0, dropped: 0, flushes: 0 };
  /** By mnemonic. */
  readonly tallies = new Map<string, Tally>();
  readonly #operations: Readonly<Record<string, Operation>>;
  readonly #onCode: (page: number) => void;
  /** The last instruction decoded repeats itself (REP). */
  repeats = false;
  /** Where an instruction is preceded by a BREAK record. */
  readonly breakpoints = new CodeBreakpoints();
  /** What is made of hot traces. */
  regions: Regions = NO_REGIONS;
  /** Record whose handler was replaced by YIELD, and what it was. */
  #yield: { address: number; handler: number } | null = null;
  /** The scratch trace is the beginning of this one. */
  #head: { readonly whole: number; readonly count: number } | null = null;
  /** Bytes of the instruction that crosses a page. */
  readonly #joined = new Uint8Array(64);
  /** Second page of the trace decoded last, if that is an instruction that crosses a page and can be kept; else −1. */
  #crossedTo = -1;
  /** How many traces there are. */
  count = 0;

  /**
   * @param onCode a page now holds code: no processor may keep a tag by which it stores there
   * @param absent forms that the processor does not know
   */
  constructor(
    views: Views,
    guest: GuestMemory,
    operations: Readonly<Record<string, Operation>>,
    onCode: (page: number) => void,
    absent: ReadonlySet<Form> = new Set(),
  ) {
    this.#decoder = new Decoder(absent);
    this.#views = views;
    this.#operations = operations;
    this.#guest = guest;
    this.#onCode = onCode;
    guest.onCodeWrite = (page, offset, length) => this.invalidate(page, offset, length);
  }

  /**
   * Host address of the trace at a physical address, decoded if need be and put where emitted code finds it. One that is `TRACE.unlisted` is good for
   * one run only.
   */
  find(source: CodeSource): number {
    const low = source.physical >>> 0;
    const high = highKey(source.physical, source.mode);
    const { u32 } = this.#views;
    let second = -1;
    for (let at = u32[firstOf(low)]!; at !== 0; at = u32[(at + TRACE.next) >>> 2]!) {
      if (u32[at >>> 2] !== low) continue;
      const key = u32[(at + TRACE.keyHigh) >>> 2]!;
      if (key === high) return at;
      if ((key & ~TRACE.unlisted) !== high) continue;
      // The second page is looked up as a fetch does, which may fault.
      if (second < 0) second = source.nextPage();
      if (u32[(at + CROSSING.page) >>> 2] === second) return at;
    }
    return this.#build(source);
  }

  #link(trace: number): void {
    const { u32 } = this.#views;
    const slot = firstOf(u32[trace >>> 2]!);
    u32[(trace + TRACE.next) >>> 2] = u32[slot]!;
    u32[slot] = trace;
  }
  #unlink(trace: number): void {
    const { u32 } = this.#views;
    let from = firstOf(u32[trace >>> 2]!);
    while (u32[from] !== trace) {
      assert(u32[from] !== 0, "a trace is where it was put", trace);
      from = (u32[from]! + TRACE.next) >>> 2;
    }
    u32[from] = u32[(trace + TRACE.next) >>> 2]!;
  }

  /**
   * Decodes one instruction (and no BREAK record before it) into the scratch trace, for single steps, the rest of a budget, and instructions that
   * cross a page. It is not kept. Returns its host address, which is always the same.
   */
  scratch(source: CodeSource): number {
    this.#head = null;
    this.#decode(source, 1, TRACE_POOL.base, false);
    return TRACE_POOL.base;
  }

  /**
   * Copies the first `count` instructions of a kept trace that has more of them into the scratch trace: a run that ends within a trace. Stores to the bytes of
   * the whole trace are stores to those of its head.
   */
  head(whole: number, count: number): number {
    const at = TRACE_POOL.base;
    const { u8, u32, view } = this.#views;
    const length = TRACE.headerBytes + count * RECORD.bytes;
    u8.copyWithin(at, whole, whole + length);
    const end = view.getUint16(whole + length + RECORD.offset, true);
    u32[(at + TRACE.count) >>> 2] = count;
    u32[(at + TRACE.lastByte) >>> 2] = end - 1;
    u32[(at + TRACE.region) >>> 2]! &= TRACE.limited;
    u32[(at + TRACE.heat) >>> 2] = EMBERS;
    this.#writePseudo(at + length, PSEUDO.end, end);
    this.#head = { whole, count };
    return at;
  }

  #build(source: CodeSource): number {
    if (this.#free + ROOM > TRACE_POOL.end) this.flush();
    const at = this.#free;
    this.#decode(source, TRACE_INSTRUCTIONS_MAX, at, true);
    const { u32 } = this.#views;
    const second = this.#crossedTo;
    if (second < 0 && (u32[(at + TRACE.keyHigh) >>> 2]! & TRACE.unlisted) !== 0) return at;
    const start = source.physical % PAGE;
    const page = (source.physical - start) / PAGE;
    // Fifteen prefixes at the end of a page are too long without a byte of the next.
    const end = start + u32[(at + TRACE.lastByte) >>> 2]! + 1;
    this.#free = at + TRACE.headerBytes + u32[(at + TRACE.count) >>> 2]! * RECORD.bytes + END_BYTES;
    this.#link(at);
    this.count++;
    this.counters.decoded++;
    this.#watch(page, at, start, Math.min(end, PAGE));
    if (second >= 0) {
      u32[(at + CROSSING.page) >>> 2] = second;
      this.#watch(second, at, 0, end - PAGE);
      return at;
    }
    const entrance = this.regions.entranceAt(source.physical, source.mode);
    u32[(at + TRACE.region) >>> 2] = regionWord(entrance?.slot ?? 0, source.mode);
    u32[(at + TRACE.entrance) >>> 2] = entrance?.word ?? 0;
    u32[(at + TRACE.heat) >>> 2] = this.regions.heatOf(page);
    return at;
  }

  /** A store to these bytes of a page drops a trace from now on. */
  #watch(page: number, trace: number, start: number, end: number): void {
    const list = this.#byPage.get(page);
    if (list === undefined) this.#byPage.set(page, [trace, spanOf(start, end)]);
    else list.push(trace, spanOf(start, end));
    const isFirst = !this.#guest.hasCode(page);
    this.#guest.markCode(page, granulesOf(start, end));
    if (isFirst) this.#onCode(page);
  }

  /**
   * Decodes a trace at host address `at`. It is `TRACE.unlisted` if `keep` is false, or if it turns out that it cannot be kept.
   */
  #decode(source: CodeSource, most: number, at: number, keep: boolean): void {
    const { physical, mode } = source;
    const start = physical % PAGE;
    const page = (physical - start) / PAGE;
    const frame = this.#guest.frameForRead(page);
    const bytes =
      frame === 0 ? this.#guest.readBytes(physicalAddress(physical), PAGE - start) : this.#views.u8;
    // So a change of the next instruction would go unnoticed.
    const isStable = isOwn(frame);
    const count = isStable ? most : 1;
    const origin = frame === 0 ? 0 : frame + start;
    const room = PAGE - start;
    const breaks = keep ? this.breakpoints.at(page) : NOWHERE;
    const isBroken = breaks.size > 0;
    const decoder = this.#decoder;
    let offset = 0;
    let done = 0;
    let crosses = false;
    let ended = false;
    const wrap = beforeWrap(source);
    this.#crossedTo = -1;
    while (done < count && offset < room && !ended) {
      if (done > 0 && offset >= wrap) break;
      if (isBroken && breaks.has(start + offset)) {
        if (done > 0) break;
        return this.#breakTrace(source, at);
      }
      let decoded = decoder.decode(bytes, origin + offset, origin + room, mode);
      if (decoded === "short") {
        // An instruction that crosses the page stands alone: the second page may be another one the next time.
        if (done > 0) break;
        crosses = true;
        decoded = this.#decodeAcross(source, bytes.subarray(origin + offset, origin + room), mode);
        const isPlain = decoded === "handler" && decoder.instruction === null;
        const isWatchable =
          isStable && this.#crossedTo !== page && isOwn(this.#guest.frameForRead(this.#crossedTo));
        if (!keep || !isPlain || !isWatchable) this.#crossedTo = -1;
      }
      const repeats = decoded === "handler" && decoder.repeats;
      this.repeats = repeats || (decoder.instruction?.rep ?? "") !== "";
      if (repeats && done > 0) break;
      const record = at + TRACE.headerBytes + done * RECORD.bytes;
      const kept = keep && !crosses && isStable;
      ended = this.#writeRecord(record, offset, decoded, start, kept) || repeats;
      offset += decoder.length;
      done++;
    }
    this.#finish(source, at, done, offset, keep && !crosses && isStable);
  }

  /** A trace that is nothing but a BREAK record: whoever runs into it leaves, and steps on with a scratch trace. */
  #breakTrace(source: CodeSource, at: number): void {
    this.#writePseudo(at + TRACE.headerBytes, PSEUDO.break, 0);
    this.#finish(source, at, 1, 1, true);
  }

  #decodeAcross(source: CodeSource, head: Uint8Array, mode: number): Decoded {
    const joined = this.#joined;
    joined.set(head);
    const next = (this.#crossedTo = source.nextPage());
    joined.set(this.#guest.readBytes(physicalAddress(next * PAGE), 16), head.length);
    return this.#decoder.decode(joined, 0, head.length + 16, mode);
  }

  /** Header, and behind the records an END record that carries the offset of what follows. */
  #finish({ physical, mode }: CodeSource, at: number, count: number, length: number, listed: boolean): void {
    const { u32 } = this.#views;
    const high = highKey(physical, mode);
    u32[(at + TRACE.keyLow) >>> 2] = physical >>> 0;
    u32[(at + TRACE.keyHigh) >>> 2] = listed ? high : high | TRACE.unlisted;
    u32[(at + TRACE.count) >>> 2] = count;
    u32[(at + TRACE.lastByte) >>> 2] = Math.max(length - 1, 0);
    u32[(at + TRACE.region) >>> 2] = regionWord(0, mode);
    u32[(at + TRACE.heat) >>> 2] = EMBERS;
    u32[(at + TRACE.next) >>> 2] = 0;
    this.#writePseudo(at + TRACE.headerBytes + count * RECORD.bytes, PSEUDO.end, length);
  }

  #writePseudo(at: number, handler: number, offset: number): void {
    this.#views.setWord(at, handler | (offset << 16));
  }

  /** Writes what the decoder found, by words as RECORD has its fields; true if the trace ends with it. */
  #writeRecord(at: number, offset: number, decoded: Decoded, pageStart: number, kept: boolean): boolean {
    const d = this.#decoder;
    const { u32 } = this.#views;
    assert(decoded !== "short", "instruction without bytes");
    const length = decoded === "long" ? 15 : d.length;
    const { registers, immediate, wide } = d;
    const word = at >>> 2;
    u32[word] = (decoded === "handler" ? d.handler : PSEUDO.operate) | (offset << 16);
    const next = offset + length;
    if (decoded === "handler" && d.relative) {
      u32[word + 1] = length | (next << 16);
      // A target on the same page may be linked; traces that are not kept remember nothing.
      const target = next + immediate;
      const inPage = pageStart + target >= 0 && pageStart + target < PAGE;
      u32[word + 2] = kept && inPage ? 0 : 1;
      u32[word + 3] = kept && pageStart + next < PAGE ? 0 : 1;
      u32[word + 4] = target;
      u32[word + 5] = target < 0 ? -1 : 0;
      return true;
    }
    u32[word + 1] = length | (d.shift << 8) | (registers[0] << 16);
    let { index, displacement } = d;
    if (d.ripRelative) {
      displacement += next;
      if (displacement > 0x7fffffff) {
        displacement -= FAR_REACH;
        index = RUN.farReach;
      }
    }
    const addressSize = wide === null ? d.addressSize >> 5 : ADDRESS_SIZE.wide;
    u32[word + 2] = registers[1] | (d.base << 16);
    u32[word + 3] = index | (d.segment << 16) | (addressSize << 24);
    u32[word + 4] = d.hasMemory ? displacement : immediate;
    // Immediates have 33 bits at most, with their sign.
    u32[word + 5] = (d.hasMemory ? immediate : immediate < 0 ? -1 : 0) | registers[2];
    // MOV's 64-bit immediate, or its 64-bit offset.
    if (wide !== null) this.#views.setQuad(at + RECORD.displacement, wide);
    if (decoded === "handler" && d.instruction === null) return d.ends;
    const callOut = this.#callOut(decoded, length);
    if (!kept) this.callOuts[0] = callOut;
    const number = kept ? this.callOuts.push(callOut) - 1 : 0;
    u32[word + 5] = (immediate & 0xff) | (number << 8);
    return decoded !== "handler" || d.ends;
  }

  #callOut(decoded: Exclude<Decoded, "short">, length: number): CallOut {
    const d = this.#decoder;
    const instruction: Instruction =
      d.instruction?.length === length
        ? d.instruction
        : { ...(d.instruction ?? NOTHING.instruction), length };
    const { mnemonic } = instruction;
    let tally = this.tallies.get(mnemonic);
    if (tally === undefined) this.tallies.set(mnemonic, (tally = { count: 0 }));
    switch (decoded) {
      case "handler":
      case "operation":
        return { instruction, run: this.#operations[mnemonic] ?? missing(mnemonic), tally };
      case "invalid":
        return { instruction, run: invalid, tally };
      case "missing":
        return { instruction, run: missing(d.missing), tally };
      case "long":
        return { instruction, run: tooLong, tally };
    }
  }

  /** Bytes of a page that holds code are about to change: drops the traces they are part of. */
  invalidate(page: number, offset: number, length: number): void {
    this.regions.invalidate(page, offset, length);
    const list = this.#byPage.get(page);
    if (list === undefined) return this.#release(page);
    const before = list.length;
    let kept = 0;
    for (let at = 0; at < before; at += 2) {
      const span = list[at + 1]!;
      if (startOf(span) < offset + length && endOf(span) > offset) {
        this.#kill(list[at]!);
        this.#unwatch(list[at]!, page);
      } else {
        if (kept !== at) {
          list[kept] = list[at]!;
          list[kept + 1] = span;
        }
        kept += 2;
      }
    }
    if (kept === before) return;
    list.length = kept;
    if (kept > 0) {
      if (this.regions.holds(page)) return;
      let granules = 0;
      for (let at = 1; at < kept; at += 2) granules |= granulesOf(startOf(list[at]!), endOf(list[at]!));
      this.#guest.clearCode(page, ~granules);
    } else {
      this.#byPage.delete(page);
      this.#release(page);
    }
  }
  /** A trace has been dropped with what `page` held of it: if it crosses into another page, that forgets it, too. */
  #unwatch(trace: number, page: number): void {
    const { u32 } = this.#views;
    const high = u32[(trace + TRACE.keyHigh) >>> 2]!;
    if ((high & TRACE.unlisted) === 0) return;
    const first = Math.floor((u32[trace >>> 2]! + (high & 0xfffff) * 2 ** 32) / PAGE);
    const other = page === first ? u32[(trace + CROSSING.page) >>> 2]! : first;
    const list = this.#byPage.get(other)!;
    list.splice(list.indexOf(trace), 2);
    if (list.length > 0) return;
    this.#byPage.delete(other);
    this.#release(other);
  }
  /** A page holds no traces any more. */
  #release(page: number): void {
    if (!this.regions.holds(page)) this.#guest.clearCode(page);
  }
  /** Whether there are traces of a page. */
  holds(page: number): boolean {
    return this.#byPage.has(page);
  }
  /** The trace that begins at a physical address, if there is one. */
  at(physical: number, mode: number): Trace | undefined {
    const low = physical >>> 0;
    const high = highKey(physical, mode);
    const { u32 } = this.#views;
    let address = u32[firstOf(low)]!;
    while (address !== 0 && (u32[address >>> 2] !== low || u32[(address + TRACE.keyHigh) >>> 2] !== high))
      address = u32[(address + TRACE.next) >>> 2]!;
    return address === 0 ? undefined : { address, page: Math.floor(physical / PAGE) };
  }

  #kill(trace: number): void {
    this.count--;
    this.counters.dropped++;
    const { u32 } = this.#views;
    this.#unlink(trace);
    this.#bury(trace, u32[(trace + TRACE.count) >>> 2]!);
    if (this.#head?.whole === trace) this.#bury(TRACE_POOL.base, this.#head.count);
    // The region that is entered here may be dropped later, when nobody knows of this trace any more. Links lead here still: who follows one forgets it.
    u32[(trace + TRACE.region) >>> 2] = 0;
    u32[(trace + TRACE.heat) >>> 2] = 1;
    u32[(trace + TRACE.keyHigh) >>> 2]! |= TRACE.dead;
  }

  #bury(trace: number, count: number): void {
    const view = this.#views.view;
    // The END record stays: its offset is the length, which is where a run that was inside goes on.
    for (let i = 0; i <= count; i++) {
      const at = trace + TRACE.headerBytes + i * RECORD.bytes;
      if (this.#yield?.address === at) this.#yield.handler = PSEUDO.dead;
      else if (i < count) view.setUint16(at + RECORD.handler, PSEUDO.dead, true);
    }
  }

  /** A breakpoint has come to these guest-physical addresses, or gone: what was made of the instructions there is dropped. */
  breakpointsChanged(addresses: readonly number[]): void {
    for (const address of addresses) {
      const page = Math.floor(address / PAGE);
      this.regions.breakpointChanged(page, address % PAGE);
      const offset = address % PAGE;
      const isIn = (span: number): boolean => startOf(span) <= offset && endOf(span) > offset;
      const spans = this.#byPage.get(page)?.filter((_, index) => index % 2 === 1);
      if (spans?.some(isIn) === true) this.invalidate(page, offset, 1);
    }
  }

  /** Forgets everything. */
  flush(): void {
    this.counters.flushes++;
    const pages = [...this.#byPage.keys()];
    this.count = 0;
    this.#head = null;
    this.#byPage.clear();
    for (const page of pages) this.#release(page);
    this.#free = TRACE_POOL.base + 4096;
    this.callOuts.length = 1;
    this.#yield = null;
    for (const { base, entries, entryBytes } of [TRACE_INDEX, TRACE_GUESS])
      this.#views.u32.fill(0, base >>> 2, (base + entries * entryBytes) >>> 2);
    this.#views.setWord(RUN.link, 0);
  }

  /** Replaces the record behind the one that is executing by YIELD, so that the run ends there. */
  yieldAfter(record: number, trace: number): void {
    if (this.#yield !== null) return;
    const count = this.#views.word(trace + TRACE.count);
    const next = record + RECORD.bytes;
    // Behind the last instruction the budget check does the same.
    if (next >= trace + TRACE.headerBytes + count * RECORD.bytes) return;
    const view = this.#views.view;
    this.#yield = { address: next, handler: view.getUint16(next + RECORD.handler, true) };
    view.setUint16(next + RECORD.handler, PSEUDO.yield, true);
  }
  /** Puts the replaced record back. */
  endYield(): void {
    if (this.#yield === null) return;
    this.#views.view.setUint16(this.#yield.address + RECORD.handler, this.#yield.handler, true);
    this.#yield = null;
  }
}

/** Nothing is kept of a page without a frame of its own: of device memory, and of the zero frame, which stands for many pages. */
const isOwn = (frame: number): boolean => frame !== 0 && frame !== FRAMES;
/** Index in linear memory's words of the place in TRACE_INDEX that a trace's key leads to. */
const firstOf = (keyLow: number): number => (TRACE_INDEX.base + traceSlot(keyLow)) >>> 2;
/** TRACE.keyHigh of a kept trace. */
const highKey = (physical: number, mode: number): number => Math.floor(physical / 2 ** 32) | (mode << 20);

const invalid: Operation = () => {
  throw new Fault(VECTOR.UD, null, "invalid opcode");
};
const tooLong: Operation = () => {
  throw new Fault(VECTOR.GP, 0, "instruction longer than 15 bytes");
};
const missing =
  (name: string): Operation =>
  (core, insn) => {
    const rip = core.rip - BigInt(insn.length);
    const linear = BigInt.asUintN(64, rip + core.segmentBase(SEG.cs));
    throw new Halt({ kind: "unimplemented", name, rip, bytes: core.peek(linear, insn.length) });
  };
