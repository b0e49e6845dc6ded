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
import { FRAMES, MODE, RECORD, RUN, SEG, TRACE, TRACE_INDEX, TRACE_POOL } from "./layout.ts";
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

export interface Trace {
  /** Host address of its header. */
  readonly address: number;
  readonly page: number;
  /** Range of its bytes within the page. */
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly key: number;
  readonly mode: number;
}

/** Where an instruction's bytes come from: its page, and for one that crosses the page, the next (asked for only then; may fault). */
export interface CodeSource {
  readonly physical: number;
  readonly mode: number;
  /** Offset of the first instruction in its segment: traces end before rip would wrap. */
  readonly rip: bigint;
  nextPage(): number;
}

/** Writes a number of at most 33 bits as a signed 64-bit one. */
function writeQuad(view: DataView, at: number, value: number): void {
  view.setInt32(at, value | 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
}

const RIP_END = [0x1_0000n, 0x1_0000_0000n, 0x1_0000_0000_0000_0000n, 0n] as const;
/** Bytes from `rip` to where it wraps, a page at most. */
function beforeWrap(rip: bigint, mode: number): number {
  const end = RIP_END[(mode & MODE.codeSize) as 0 | 1 | 2 | 3];
  return end > rip + 0x1000n ? PAGE : Number(end - rip);
}

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

/** What the trace cache asks of the translator. */
export interface Regions {
  /** Slot of the region that begins at a physical address, or 0. */
  slotOf(physical: number, mode: number): number;
  /** Entries after which a trace on a page is hot; −1: never. */
  heatOf(page: number): number;
  holds(page: number): boolean;
  /** Bytes of a page are about to change. */
  invalidate(page: number, offset: number, length: number): void;
  /** The instruction at an offset of a page is to be stopped at, or not any more. */
  breakpointChanged(page: number, offset: number): void;
}
const NO_REGIONS: Regions = {
  slotOf: () => 0,
  heatOf: () => -1,
  holds: () => false,
  invalidate: () => {},
  breakpointChanged: () => {},
};

/** An instruction that crosses a page, decoded, and the bytes it was decoded from: nobody watches those of the second page. */
interface Crossing {
  readonly trace: Trace;
  readonly bytes: Uint8Array;
}

export class TraceCache {
  readonly #views: Views;
  readonly #guest: GuestMemory;
  readonly #decoder: Decoder;
  readonly #byKey = new Map<number, Trace>();
  readonly #byPage = new Map<number, Trace[]>();
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
  #head: { readonly whole: Trace; readonly count: number } | null = null;
  /** Bytes of the instruction that crosses a page. */
  readonly #joined = new Uint8Array(64);
  /** Those that came out of it last, if they can be remembered. */
  #crossed: Uint8Array | null = null;
  readonly #crossings = new Map<number, Crossing>();

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

  #key(physical: number, mode: number): number {
    // 52 address bits would not fit beside the mode; guest RAM does (2^41).
    return physical * 1024 + mode;
  }

  /** The trace at a physical address, decoded if need be, and put into the index that emitted code looks at. */
  find(source: CodeSource): Trace {
    const key = this.#key(source.physical, source.mode);
    const kept = this.#byKey.get(key);
    if (kept === undefined) {
      const crossing = this.#crossings.get(key);
      if (crossing !== undefined && this.#isStill(crossing, source)) return crossing.trace;
    }
    const trace = kept ?? this.#build(source, key);
    if (trace.key === key) this.#index(trace);
    return trace;
  }

  /** Whether the bytes of an instruction that crosses a page are what they were. The second page is looked up as a fetch does, which may fault. */
  #isStill({ trace, bytes }: Crossing, source: CodeSource): boolean {
    if (this.breakpoints.at(trace.page).has(trace.start)) return false;
    const next = source.nextPage();
    const first = PAGE - trace.start;
    const frame = this.#guest.frameForRead(trace.page);
    const second = this.#guest.frameForRead(next);
    if (frame === 0 || second === 0) return false;
    const { u8 } = this.#views;
    for (let i = 0; i < bytes.length; i++)
      if (u8[i < first ? frame + trace.start + i : second + i - first] !== bytes[i]) return false;
    return true;
  }

  #index(trace: Trace): void {
    const physical = (trace.key - trace.mode) / 1024;
    const low = physical >>> 0;
    const at = this.#entry(low) >>> 2;
    const u32 = this.#views.u32;
    u32[at] = low;
    u32[at + 1] = Math.floor(physical / 2 ** 32) | (trace.mode << 20);
    u32[at + 2] = trace.address;
  }
  #entry(low: number): number {
    return TRACE_INDEX.base + (((low ^ (low >>> 14)) & (TRACE_INDEX.entries - 1)) << 4);
  }

  /**
   * Decodes one instruction (and no BREAK record before it) into the scratch trace, for single steps, the rest of a budget, and instructions that
   * cross a page. It is not kept.
   */
  scratch(source: CodeSource): Trace {
    this.#head = null;
    return this.#decode(source, 1, TRACE_POOL.base, -1);
  }

  /**
   * Copies the first `count` instructions of a kept trace that has more of them into the scratch trace: a run that ends within a trace. Stores to the bytes of
   * the whole trace are stores to those of its head.
   */
  head(whole: Trace, count: number): number {
    const at = TRACE_POOL.base;
    const { u8, u32, view } = this.#views;
    const length = TRACE.headerBytes + count * RECORD.bytes;
    u8.copyWithin(at, whole.address, whole.address + length);
    const end = view.getUint16(whole.address + length + RECORD.offset, true);
    u32[(at + TRACE.count) >>> 2] = count;
    u32[(at + TRACE.lastByte) >>> 2] = end - 1;
    u32[(at + TRACE.region) >>> 2] = 0;
    u32[(at + TRACE.heat) >>> 2] = EMBERS;
    this.#writePseudo(at + length, PSEUDO.end, end);
    this.#head = { whole, count };
    return at;
  }

  #build(source: CodeSource, key: number): Trace {
    // Header, records and the END record of the longest trace.
    const room = TRACE.headerBytes + (TRACE_INSTRUCTIONS_MAX + 2) * RECORD.bytes;
    if (this.#free + room > TRACE_POOL.end) this.flush();
    const trace = this.#decode(source, TRACE_INSTRUCTIONS_MAX, this.#free, key);
    if (trace.key < 0) {
      const bytes = this.#crossed;
      if (bytes === null) return trace;
      this.#crossings.set(key, { trace, bytes });
      this.#free += TRACE.headerBytes + 2 * RECORD.bytes;
      return trace;
    }
    this.#free += TRACE.headerBytes + (trace.count + 1) * RECORD.bytes;
    this.#free = (this.#free + 7) & ~7;
    this.#views.setWord(
      trace.address + TRACE.region,
      this.regions.slotOf(trace.start + trace.page * PAGE, trace.mode),
    );
    this.#views.setWord(trace.address + TRACE.heat, this.regions.heatOf(trace.page));
    this.#byKey.set(key, trace);
    this.counters.decoded++;
    const list = this.#byPage.get(trace.page);
    if (list === undefined) this.#byPage.set(trace.page, [trace]);
    else list.push(trace);
    const isFirst = !this.#guest.hasCode(trace.page);
    this.#guest.markCode(trace.page, granulesOf(trace.start, trace.end));
    if (isFirst) this.#onCode(trace.page);
    return trace;
  }

  /** Decodes a trace at host address `at`. A key of −1, or one that turns out not to be keepable, gives a trace with key −1. */
  #decode(source: CodeSource, most: number, at: number, key: number): Trace {
    const { physical, mode } = source;
    const page = Math.floor(physical / PAGE);
    const start = physical % PAGE;
    const frame = this.#guest.frameForRead(page);
    const bytes =
      frame === 0 ? this.#guest.readBytes(physicalAddress(physical), PAGE - start) : this.#views.u8;
    // Nothing is kept of device memory, nor of the zero frame, which stands for many pages; so a change of the next instruction would go unnoticed.
    const isStable = frame !== 0 && frame !== FRAMES;
    const count = isStable ? most : 1;
    const origin = frame === 0 ? 0 : frame + start;
    const room = PAGE - start;
    const breaks = key < 0 ? null : this.breakpoints.at(page);
    let offset = 0;
    let done = 0;
    let crosses = false;
    let ended = false;
    const wrap = beforeWrap(source.rip, mode);
    this.#crossed = null;
    while (done < count && offset < room && !ended) {
      if (done > 0 && offset >= wrap) break;
      if (breaks?.has(start + offset) === true) {
        if (done > 0) break;
        return this.#breakTrace(source, at, key);
      }
      let decoded = this.#decoder.decode(bytes, origin + offset, origin + room, mode);
      if (decoded === "short") {
        // An instruction that crosses the page stands alone and is looked at every time: the second page may be another one then.
        if (done > 0) break;
        crosses = true;
        decoded = this.#decodeAcross(source, bytes.subarray(origin + offset, origin + room), mode);
        const isPlain = decoded === "handler" && this.#decoder.instruction === null;
        if (isPlain && isStable) this.#crossed = this.#joined.slice(0, this.#decoder.length);
      }
      const repeats = decoded === "handler" && this.#decoder.family?.traits.repeats === true;
      this.repeats = repeats || (this.#decoder.instruction?.rep ?? "") !== "";
      if (repeats && done > 0) break;
      const record = at + TRACE.headerBytes + done * RECORD.bytes;
      const kept = key >= 0 && !crosses && isStable;
      ended = this.#writeRecord(record, offset, decoded, start, kept) || repeats;
      offset += this.#decoder.length;
      done++;
    }
    this.#finish(at, done, offset, physical, mode);
    const keepable = key >= 0 && !crosses && isStable;
    return { address: at, page, start, end: start + offset, count: done, key: keepable ? key : -1, mode };
  }

  /** A trace that is nothing but a BREAK record: whoever runs into it leaves, and steps on with a scratch trace. */
  #breakTrace(source: CodeSource, at: number, key: number): Trace {
    const { physical, mode } = source;
    const start = physical % PAGE;
    this.#writePseudo(at + TRACE.headerBytes, PSEUDO.break, 0);
    this.#finish(at, 1, 1, physical, mode);
    return { address: at, page: Math.floor(physical / PAGE), start, end: start + 1, count: 1, key, mode };
  }

  #decodeAcross(source: CodeSource, head: Uint8Array, mode: number): Decoded {
    const joined = this.#joined;
    joined.set(head);
    const next = source.nextPage();
    joined.set(this.#guest.readBytes(physicalAddress(next * PAGE), 16), head.length);
    return this.#decoder.decode(joined, 0, head.length + 16, mode);
  }

  /** Header, and behind the records an END record that carries the offset of what follows. */
  #finish(at: number, count: number, length: number, physical: number, mode: number): void {
    const u32 = this.#views.u32;
    u32[(at + TRACE.keyLow) >>> 2] = physical >>> 0;
    u32[(at + TRACE.keyHigh) >>> 2] = Math.floor(physical / 2 ** 32) | (mode << 20);
    u32[(at + TRACE.count) >>> 2] = count;
    u32[(at + TRACE.lastByte) >>> 2] = Math.max(length - 1, 0);
    u32[(at + TRACE.region) >>> 2] = 0;
    u32[(at + TRACE.heat) >>> 2] = EMBERS;
    this.#writePseudo(at + TRACE.headerBytes + count * RECORD.bytes, PSEUDO.end, length);
  }

  #writePseudo(at: number, handler: number, offset: number): void {
    const view = this.#views.view;
    this.#views.u8.fill(0, at, at + RECORD.bytes);
    view.setUint16(at + RECORD.handler, handler, true);
    view.setUint16(at + RECORD.offset, offset, true);
  }

  /** Writes what the decoder found; true if the trace ends with it. */
  #writeRecord(at: number, offset: number, decoded: Decoded, pageStart: number, kept: boolean): boolean {
    const d = this.#decoder;
    const view = this.#views.view;
    assert(decoded !== "short", "instruction without bytes");
    const length = decoded === "long" ? 15 : d.length;
    view.setUint16(at + RECORD.handler, decoded === "handler" ? d.handler : PSEUDO.operate, true);
    view.setUint16(at + RECORD.offset, offset, true);
    view.setUint8(at + RECORD.length, length);
    view.setUint8(at + RECORD.shift, d.shift);
    for (let i = 0; i < 3; i++)
      view.setUint16(at + RECORD.register + 2 * i, d.registers[i as 0 | 1 | 2], true);
    view.setUint16(at + RECORD.base, d.base, true);
    view.setUint16(at + RECORD.index, d.index, true);
    writeQuad(view, at + RECORD.immediate, d.immediate);
    writeQuad(
      view,
      at + RECORD.displacement,
      d.ripRelative ? d.displacement + offset + length : d.displacement,
    );
    if (d.wide !== null) {
      // MOV's 64-bit immediate, or its 64-bit offset.
      view.setBigUint64(at + (d.hasMemory ? RECORD.displacement : RECORD.immediate), d.wide, true);
    }
    view.setUint32(at + RECORD.linkTaken, 0, true);
    view.setUint32(at + RECORD.linkNext, 0, true);
    if (decoded === "handler" && d.relative) {
      // A target on the same page may be linked; traces that are not kept remember nothing.
      const after = pageStart + offset + length;
      const target = after + d.immediate;
      const near = (offsetInPage: number) => kept && offsetInPage >= 0 && offsetInPage < PAGE;
      view.setUint32(at + RECORD.linkTaken, near(target) ? 0 : 1, true);
      view.setUint32(at + RECORD.linkNext, near(after) ? 0 : 1, true);
      return true;
    }
    view.setUint8(at + RECORD.segment, d.segment);
    view.setUint8(at + RECORD.addressSize, d.addressSize === 64 ? 2 : d.addressSize === 32 ? 1 : 0);
    if (decoded === "handler" && d.instruction === null) return d.family?.traits.ends === true;
    const callOut = this.#callOut(decoded, length);
    if (!kept) this.callOuts[0] = callOut;
    view.setUint32(at + RECORD.instruction, kept ? this.callOuts.push(callOut) - 1 : 0, true);
    return decoded !== "handler" || d.family?.traits.ends === true;
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
    for (let at = 0; at < before; at++) {
      const trace = list[at]!;
      if (trace.start < offset + length && trace.end > offset) this.#kill(trace);
      else list[kept++] = trace;
    }
    if (kept === before) return;
    list.length = kept;
    if (kept > 0) {
      if (this.regions.holds(page)) return;
      let granules = 0;
      for (const { start, end } of list) granules |= granulesOf(start, end);
      this.#guest.clearCode(page, ~granules);
    } else {
      this.#byPage.delete(page);
      this.#release(page);
    }
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
    return this.#byKey.get(this.#key(physical, mode));
  }

  #kill(trace: Trace): void {
    this.counters.dropped++;
    this.#bury(trace.address, trace.count);
    if (this.#head?.whole === trace) this.#bury(TRACE_POOL.base, this.#head.count);
    // Links lead here still, and the region that begins here may be dropped later, when nobody knows of this trace any more.
    this.#views.setWord(trace.address + TRACE.region, 0);
    this.#views.setWord(trace.address + TRACE.heat, EMBERS);
    this.#byKey.delete(trace.key);
    const physical = (trace.key - trace.mode) / 1024;
    const at = this.#entry(physical >>> 0) >>> 2;
    if (this.#views.u32[at + 2] === trace.address) this.#views.u32.fill(0xffffffff, at, at + 2);
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
      const isIn = (trace: Trace): boolean => trace.start <= address % PAGE && trace.end > address % PAGE;
      if (this.#byPage.get(page)?.some(isIn) === true) this.invalidate(page, address % PAGE, 1);
    }
  }

  /** Forgets everything. */
  flush(): void {
    this.counters.flushes++;
    const pages = [...this.#byPage.keys()];
    this.#byKey.clear();
    this.#crossings.clear();
    this.#byPage.clear();
    for (const page of pages) this.#release(page);
    this.#free = TRACE_POOL.base + 4096;
    this.callOuts.length = 1;
    this.#yield = null;
    this.#views.u32.fill(
      0xffffffff,
      TRACE_INDEX.base >>> 2,
      (TRACE_INDEX.base + TRACE_INDEX.entries * TRACE_INDEX.entryBytes) >>> 2,
    );
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

  /** How many traces there are, for statistics. */
  get count(): number {
    return this.#byKey.size;
  }
}

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
