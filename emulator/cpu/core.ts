/**
 * One processor: its registers, its view of memory, and what a debugger may watch. The engine (`cpu.ts`) runs it, `system/` and `x87/`
 * execute its rare instructions on it, the debug adapter looks at it.
 *
 * Invariant: all guest-visible state is in linear memory (`layout.ts`); what this object holds besides are callbacks and watch sets.
 * Elsewhere: page walks and TLB (`system/paging.ts`, `system/tlb.ts`), slow paths of emitted code (`system/access.ts`).
 */
import { assert } from "../assert.ts";
import type { GuestMemory, PortBus, Voided } from "../memory/guest-memory.ts";
import { PAGE_BYTES, physical } from "../numbers.ts";
import type { PhysicalAddress } from "../numbers.ts";
import type { StackHook } from "./clobber.ts";
import type { TableHook } from "./stale.ts";
import { WATCH } from "./event.ts";
import type { CpuEvent, Fault, WatchedAccess } from "./event.ts";
import { FILLED, MODE, PAGE_CACHE, RUN, SEG, STATE, STATE_BYTES, TLB } from "./layout.ts";
import type { SegmentNumber } from "./layout.ts";
import { ACTIVITY, ATTRIBUTE, CR0, EFER, FLAG, Registers } from "./registers.ts";
import type { TranslatorMode } from "./statistics.ts";
import type { Workshop } from "./translator/order.ts";
import type { SegmentRegister } from "./registers.ts";
import { PageCache } from "./mmu/page-cache.ts";
import { probe, readHere, readLinear, touch, commit, writeHere, writeLinear } from "./system/access.ts";
import type { FeatureName } from "./system/feature.ts";
import { defaultCpu, signature } from "./system/model.ts";
import type { CpuModel } from "./system/model.ts";
import { readMsr, writeMsr } from "./system/msr.ts";
import { BY, explainWalk, look } from "./system/paging.ts";
import type { Access, By, PageWalk } from "./system/paging.ts";
import { segmentedAt } from "./system/segmentation.ts";
import type { SegmentAccess } from "./system/segmentation.ts";
import { trustAll } from "./system/suspicion.ts";
import { Views } from "./views.ts";
import {
  clearTlb,
  closeUserPages,
  dropPageTags,
  dropTags,
  dropWriteTags,
  flushAll,
  loadTlb,
  saveTlb,
  stackWatchChanged,
  tlbEntries,
  watchesChanged,
} from "./system/tlb.ts";
import type { TlbEntry } from "./system/tlb.ts";

export { ACTIVITY, ATTRIBUTE, CR0, CR4, EFER, FLAG, SHADOW, STATUS_FLAGS } from "./registers.ts";
export type { SegmentRegister, TableRegister } from "./registers.ts";

/** What a processor asks of the machine around it. */
export interface CoreEnvironment {
  /** Virtual time in nanoseconds, the base of the time-stamp counter (1 GHz). */
  timestamp(): bigint;
  /** By how much `timestamp` advances with every instant; absent: not while instructions run. */
  readonly nanosecondsPerInstant?: number;
  /** The next 64 seeded random bits, for RDRAND and RDSEED. */
  random(): bigint;
  /** What the processors are and can do; absent: all that is implemented. */
  readonly model?: CpuModel;
  /** The local APIC of a CPU; absent: there is none. */
  readonly apic?: (cpu: number) => ApicRegisters;
  /** PAUSE: the CPU waits for another one. */
  readonly pause?: () => void;
  /** Whether hot code is translated; absent: it is not. */
  readonly translator?: TranslatorMode;
  /** Where regions are made meanwhile; absent: here, while the guest waits. */
  readonly workshop?: Workshop;
  /** Milliseconds, for counting only. */
  readonly stopwatch?: () => number;
}

/** What a processor asks of its local APIC. */
export interface ApicRegisters {
  /** Null: #GP. Undefined: not one of the APIC's MSRs. */
  readMsr(index: number): bigint | null | undefined;
  /** False: #GP. Undefined: not one of the APIC's MSRs. */
  writeMsr(index: number, value: bigint): boolean | undefined;
  /** CR8 was written: the task priority, 0 … 255. */
  setTaskPriority(value: number): void;
}

/**
 * What of linear memory belongs to one CPU: state and run block, TLBs. While another CPU runs, or when the engine says so, it lies in a buffer of the
 * CPU's own, at the same offsets; only the seated CPU's is where emitted code looks.
 */
const SEAT = [
  [0, RUN.end],
  [TLB.base, FILLED.end],
] as const;
const SEAT_END = FILLED.end;

export class Core extends Registers {
  readonly guest: GuestMemory;
  /** Where frames of guest memory are, shared by all CPUs. */
  readonly pages: PageCache;
  readonly ports: PortBus;
  readonly environment: CoreEnvironment;
  readonly model: CpuModel;
  /** This CPU's number: its initial APIC id, and 0 for the boot processor. */
  readonly index: number;

  /** Linear memory itself, seated or not: where frames of guest memory are. */
  readonly host: Views;
  /** Level of INTR, and an NMI that waits to be taken. */
  #interruptLine = false;
  #nmiPending = false;
  /** State, run block and TLBs of a CPU that is not seated. */
  #parked: Uint8Array | null = null;
  /** Frames moved or code appeared while the CPU was parked: its tags are not to be trusted. */
  #stale = false;

  /** WATCH bits of the events `report` wants to hear about. */
  #watched = 0;
  #awaitsReturn = false;
  #stackPages: readonly [bigint, bigint] = [-1n, -1n];
  /** The red-zone detector, while it is on. */
  stackHook: StackHook | null = null;
  /** Who watches paging structures, if anybody does. Set it with `watchTables`. */
  tableHook: TableHook | null = null;
  /** Hears watched events; true asks for a stop (an exception is then not delivered). */
  report: (event: CpuEvent) => boolean = () => false;
  /** Hears each access to a page in the sets below. */
  reportAccess: (access: WatchedAccess) => void = () => undefined;
  #watchedLinearPages: ReadonlySet<bigint> = new Set();
  #watchedPhysicalPages: ReadonlySet<number> = new Set();
  /** Hears that code is fetched from a linear page which may have breakpoints, and the guest-physical page it is. */
  onBreakPage: (linearPage: bigint, page: number) => void = () => undefined;
  /** The page fault with which emitted code came out (EXIT.fault). */
  fault: Fault | null = null;
  /** INT n and SYSCALL set this when they have cleared TF: no single-step trap follows, although TF was set before. The engine clears it. */
  untraced = false;
  /** Where `commit` puts the bytes of a store that went to SCRATCH: guest-physical page, offset in it, and the page that a store over its end goes on in. */
  commitPage = 0;
  commitOffset = 0;
  commitNext = 0;

  constructor(
    memory: WebAssembly.Memory,
    guest: GuestMemory,
    ports: PortBus,
    environment: CoreEnvironment,
    index = 0,
    pages = new PageCache(memory, guest),
  ) {
    super(memory);
    this.pages = pages;
    this.host = new Views(memory);
    if (index !== 0) {
      this.#parked = new Uint8Array(SEAT_END);
      this.look(this.#parked.buffer);
    }
    this.guest = guest;
    this.ports = ports;
    this.environment = environment;
    this.model = environment.model ?? defaultCpu();
    this.index = index;
    this.reset();
  }

  /** Pages (linear addresses, and guest-physical page numbers) accesses to which are reported. */
  get watchedLinearPages(): ReadonlySet<bigint> {
    return this.#watchedLinearPages;
  }
  get watchedPhysicalPages(): ReadonlySet<number> {
    return this.#watchedPhysicalPages;
  }
  watchPages(linearPages: ReadonlySet<bigint>, physicalPages: ReadonlySet<number>): void {
    this.#watchedLinearPages = linearPages;
    this.#watchedPhysicalPages = physicalPages;
    watchesChanged(this);
  }

  /** CR0.AM, EFLAGS.AC and CPL 3: accesses at CPL 3 are checked for alignment, and user pages have no tags. Kept by `updateMode`. */
  get alignmentChecked(): boolean {
    return this.word(RUN.alignment) !== 0;
  }

  get interruptLine(): boolean {
    return this.#interruptLine;
  }
  set interruptLine(level: boolean) {
    this.#interruptLine = level;
    this.#signalInterrupt();
  }
  get nmiPending(): boolean {
    return this.#nmiPending;
  }
  set nmiPending(pending: boolean) {
    this.#nmiPending = pending;
    this.#signalInterrupt();
  }
  #signalInterrupt(): void {
    this.setWord(RUN.interrupt, this.#interruptLine || this.#nmiPending ? 1 : 0);
  }

  /** `hook` hears of tables from now on, and of the use of translations under suspicion. */
  watchTables(hook: TableHook | null): void {
    this.tableHook = hook;
    this.pages.tables = hook;
    this.setWord(RUN.tableLevels, hook === null ? 0 : PAGE_CACHE.table);
    if (hook === null) trustAll(this);
  }

  get watched(): number {
    return this.#watched;
  }
  set watched(bits: number) {
    this.#watched = bits;
    this.#tellWatched();
  }
  #tellWatched(): void {
    // All other events come with what TypeScript does anyway; the red zone asks for IRETs now and then.
    const told = this.#watched & (WATCH.mode | WATCH.privilege);
    this.setWord(RUN.watched, told | (this.#awaitsReturn ? WATCH.redZone : 0));
    this.setWord(RUN.watchedDevices, this.#watched & WATCH.mmio);
  }

  /** `stackHook` wants to hear of IRETs: emitted code leaves them to TypeScript. */
  get awaitsReturn(): boolean {
    return this.#awaitsReturn;
  }
  set awaitsReturn(awaits: boolean) {
    if (awaits === this.#awaitsReturn) return;
    this.#awaitsReturn = awaits;
    this.#tellWatched();
  }

  /** The two pages (linear addresses) of which `stackHook` hears each access; −1 for none. What is no longer watched gets its tags back by and by. */
  get stackPages(): readonly [bigint, bigint] {
    return this.#stackPages;
  }
  watchStack(first: bigint, last: bigint): void {
    this.#stackPages = [first, last];
    stackWatchChanged(this);
  }

  /** Whether the processor has a feature. */
  has(feature: FeatureName): boolean {
    return this.model.features.has(feature);
  }

  /** The CPU whose state is in linear memory gives up its place. */
  park(): void {
    assert(this.#parked === null, "a CPU that is parked cannot be parked");
    const parked = new Uint8Array(SEAT_END);
    for (const [from, to] of SEAT) parked.set(this.host.u8.subarray(from, to), from);
    this.#parked = parked;
    this.look(parked.buffer);
  }

  /** Brings the CPU's state into linear memory, where emitted code works on it. */
  seat(): void {
    const parked = this.#parked;
    assert(parked !== null, "a CPU that is seated cannot be seated");
    for (const [from, to] of SEAT) this.host.u8.set(parked.subarray(from, to), from);
    this.#parked = null;
    this.look(this.memory.buffer);
    if (this.#stale) dropTags(this);
    this.#stale = false;
  }

  /**
   * Power-on state, or with "init" what an INIT leaves (SDM 3A table 9-1): the latter keeps x87, SSE, MSRs and the cache bits of CR0. CS:IP is
   * F000:FFF0 with base FFFF0000h.
   */
  reset(kind: "power-on" | "init" = "power-on"): void {
    const { u8, u32 } = this;
    const cacheBits = kind === "init" ? u32[STATE.cr0 >>> 2]! & (CR0.CD | CR0.NW) : CR0.CD | CR0.NW;
    if (kind === "power-on") u8.fill(0, 0, STATE_BYTES);
    else u8.fill(0, 0, STATE.efer);
    this.setQuad(STATE.cr0, BigInt((CR0.ET | cacheBits) >>> 0));
    this.eflags = 2;
    this.rip = 0xfff0n;
    this.setGpr(2, BigInt(signature(this.model)));
    for (let n = 0; n < 6; n++) this.writeSegment(n, 0, 0n, 0xffff, 0x93);
    this.writeSegment(SEG.cs, 0xf000, 0xffff0000n, 0xffff, 0x9b);
    this.writeSegment(SEG.ldtr, 0, 0n, 0xffff, 0x82);
    this.writeSegment(SEG.tr, 0, 0n, 0xffff, 0x8b);
    this.gdtr = this.idtr = { base: 0n, limit: 0xffff };
    this.setQuad(STATE.dr + 6 * 8, 0xffff0ff0n);
    this.setQuad(STATE.dr + 7 * 8, 0x400n);
    this.setQuad(STATE.efer, 0n);
    this.xcr0 = 1n;
    this.activity = ACTIVITY.running;
    this.shadow = 0;
    this.setWord(STATE.nmiBlocked, 0);
    this.setWord(STATE.pdptePresent, 0);
    if (kind === "power-on") {
      this.setQuad(STATE.pat, 0x0007040600070406n);
      this.setQuad(STATE.apicBase, 0xfee00800n | (this.index === 0 ? 0x100n : 0n));
      this.setQuad(STATE.miscEnable, 0x1801n);
      this.setQuad(STATE.tscOffset, BigInt.asUintN(64, -this.environment.timestamp()));
      this.view.setUint16(STATE.fpu, 0x40, true);
      this.view.setUint16(STATE.fpu + 4, 0x5555, true);
      this.mxcsr = 0x1f80;
    }
    this.pendingDebug = 0;
    clearTlb(this);
    this.updateMode();
  }

  /**
   * Brings everything derived up to date: CPL, STATE.mode, and in the run block the TLB tags in use, the address mask, the code limit. Call it after
   * any change of CR0.PE, CR0.AM, EFER.LMA, RFLAGS.VM, RFLAGS.AC, CS, SS, DS or ES. Also forgets the code page, so that the next fetch is looked up.
   */
  updateMode(): void {
    const u32 = this.u32;
    const isProtected = (u32[STATE.cr0 >>> 2]! & CR0.PE) !== 0;
    const isLong = (u32[STATE.efer >>> 2]! & EFER.LMA) !== 0;
    const isVirtual = isProtected && (u32[STATE.eflags >>> 2]! & FLAG.VM) !== 0;
    const code = this.attributes(SEG.cs);
    const stack = this.attributes(SEG.ss);
    const size = isVirtual
      ? 0
      : isLong && (code & ATTRIBUTE.long) !== 0
        ? 2
        : (code & ATTRIBUTE.big) !== 0
          ? 1
          : 0;
    // CPL is the DPL of SS, as VMX keeps it (SDM 3C 24.4.1): a null SS keeps it too.
    const cpl = isVirtual ? 3 : isProtected ? (stack >>> 5) & 3 : 0;
    let mode: number = size;
    if (size === 2 || (this.#isFlat(SEG.ds) && this.#isFlat(SEG.ss) && this.#isFlat(SEG.es)))
      mode |= MODE.flat;
    if (cpl === 3) mode |= MODE.user;
    if ((stack & ATTRIBUTE.big) !== 0) mode |= MODE.stack32;
    if (isProtected) mode |= MODE.protected;
    if (isVirtual) mode |= MODE.virtual8086;
    if (isLong) mode |= MODE.long;
    const modeBefore = u32[STATE.mode >>> 2]!;
    const cplBefore = u32[STATE.cpl >>> 2]!;
    u32[STATE.mode >>> 2] = mode;
    u32[STATE.cpl >>> 2] = cpl;
    const alignmentChecked = cpl === 3 && (u32[STATE.cr0 >>> 2]! & CR0.AM) !== 0 && this.systemFlag(FLAG.AC);
    if (alignmentChecked && !this.alignmentChecked) dropTags(this);
    this.setWord(RUN.alignment, alignmentChecked ? 1 : 0);
    this.closePages();
    u32[RUN.dataTags >>> 2] = cpl === 3 ? TLB.readUser : TLB.readSystem;
    u32[RUN.codeTags >>> 2] = cpl === 3 ? 8 : 0;
    u32[RUN.linearMask >>> 2] = 0xffffffff;
    u32[(RUN.linearMask + 4) >>> 2] = size === 2 ? 0xffffffff : 0;
    u32[RUN.codeLimit >>> 2] = size === 2 ? 0xffffffff : this.segmentLimit(SEG.cs);
    u32[(RUN.codeLimit + 4) >>> 2] = size === 2 ? 0xffffffff : 0;
    u32[RUN.codePage >>> 2] = 0xffffffff;
    u32[(RUN.codePage + 4) >>> 2] = 0xffffffff;
    if ((this.watched & (WATCH.mode | WATCH.privilege)) !== 0)
      this.#reportMode(modeBefore, mode, cplBefore, cpl);
  }

  /** Writable data with base 0 and limit 4 GiB. */
  #isFlat(n: SegmentNumber): boolean {
    const { unusable, code, expandDown, writable } = ATTRIBUTE;
    return (
      (this.attributes(n) & (unusable | code | expandDown | writable)) === writable &&
      this.segmentLimit(n) === 0xffffffff &&
      this.segmentBase(n) === 0n
    );
  }

  /** EFLAGS.AC may have been cleared: call it after a change that `updateMode` is not called for. */
  closePages(): void {
    if (this.word(RUN.opened) !== 0 && !this.systemFlag(FLAG.AC)) closeUserPages(this);
  }

  /** PE, PG and LMA are reported by whoever writes CR0. */
  #reportMode(before: number, after: number, cplBefore: number, cpl: number): void {
    if ((this.watched & WATCH.mode) !== 0) {
      const wide = (mode: number): boolean => (mode & MODE.codeSize) === 2;
      if (wide(before) !== wide(after)) this.report({ kind: "mode", bit: "CS.L", value: wide(after) });
      if (((before ^ after) & MODE.virtual8086) !== 0)
        this.report({ kind: "mode", bit: "VM", value: (after & MODE.virtual8086) !== 0 });
    }
    if ((this.watched & WATCH.privilege) !== 0 && cplBefore !== cpl)
      this.report({ kind: "privilege", before: cplBefore, after: cpl });
  }

  /** Sets a segment register with its hidden part, unchecked (boot loaders, the debugger). */
  setSegment(n: SegmentNumber, value: SegmentRegister): void {
    this.writeSegment(n, value.selector, value.base, value.limit, value.attributes);
    this.updateMode();
  }

  /** The same for control registers, EFER, debug registers and RFLAGS: no checks, but everything that depends on them follows. */
  setCr0(value: number): void {
    this.setQuad(STATE.cr0, BigInt(value >>> 0));
    flushAll(this);
    this.updateMode();
  }
  setCr3(value: bigint): void {
    this.setQuad(STATE.cr3, value);
    flushAll(this);
  }
  setCr4(value: number): void {
    this.setQuad(STATE.cr4, BigInt(value >>> 0));
    flushAll(this);
  }
  setEfer(value: number): void {
    this.setQuad(STATE.efer, BigInt(value >>> 0));
    flushAll(this);
    this.updateMode();
  }
  setDr(n: number, value: bigint): void {
    this.setQuad(STATE.dr + n * 8, value);
    watchesChanged(this);
  }
  setRflags(value: bigint): void {
    this.rflags = value;
    this.updateMode();
  }

  /** An MSR by index, null if there is none; `setMsr` does what WRMSR would and says whether it could. */
  msr(index: number): bigint | null {
    return readMsr(this, index);
  }
  setMsr(index: number, value: bigint): boolean {
    return writeMsr(this, index, value);
  }

  /** Whose rights an ordinary data access has. */
  get by(): By {
    return this.cpl === 3 ? BY.user : BY.system;
  }

  /** Linear address of `size` bytes at an offset, after the segment's checks. Throws #GP(0) or #SS(0). */
  linearOf(segment: SegmentNumber, offset: bigint, size: number, access: SegmentAccess): bigint {
    this.#segmented(segment, offset, size, access);
    return this.quad(RUN.address);
  }
  #segmented(segment: SegmentNumber, offset: bigint, size: number, access: SegmentAccess): void {
    this.setQuad(RUN.address, offset);
    segmentedAt(this, segment, this.word(RUN.address), this.word(RUN.address + 4), size, access);
  }

  /** Reads a little-endian value of `size` bytes (1, 2, 4, 8, 10, 16). Throws Fault. */
  readMemory(segment: SegmentNumber, offset: bigint, size: number): bigint {
    this.#segmented(segment, offset, size, 0);
    return readHere(this, size, this.by, segment === SEG.ss);
  }
  writeMemory(segment: SegmentNumber, offset: bigint, size: number, value: bigint): void {
    this.#segmented(segment, offset, size, 1);
    writeHere(this, size, value, this.by, segment === SEG.ss);
  }
  /** A longer operand (FXSAVE, FSTENV …), at most a page. All of it is checked before the first byte is written. */
  readMemoryBytes(segment: SegmentNumber, offset: bigint, length: number): Uint8Array {
    this.#segmented(segment, offset, length, 0);
    const host = touch(this, length, "read", this.by, segment === SEG.ss);
    return this.u8.slice(host, host + length);
  }
  writeMemoryBytes(segment: SegmentNumber, offset: bigint, bytes: Uint8Array): void {
    this.#segmented(segment, offset, bytes.length, 1);
    const host = touch(this, bytes.length, "write", this.by, segment === SEG.ss);
    this.u8.set(bytes, host);
    if (this.word(RUN.commit) !== 0) commit(this);
  }
  /** The same without segmentation; `system` for what the processor accesses for itself (descriptor tables, TSS). */
  readLinear(address: bigint, size: number, options?: { readonly system?: boolean }): bigint {
    return readLinear(this, address, size, options?.system === true ? BY.processor : this.by);
  }
  writeLinear(address: bigint, size: number, value: bigint, options?: { readonly system?: boolean }): void {
    writeLinear(this, address, size, value, options?.system === true ? BY.processor : this.by);
  }
  /** Throws what an access of `size` bytes at RUN.effective in `segment` would throw, and does nothing else. */
  probeMemory(segment: SegmentNumber, offset: bigint, size: number, write: boolean, aligned = false): void {
    this.#segmented(segment, offset, size, write ? 1 : 0);
    probe(this, this.quad(RUN.address), size, write, this.by, aligned);
  }

  /** Guest-physical address by the paging structures as they are in memory now (not the TLB), whatever the rights; null if nothing is mapped. Changes nothing. */
  translate(address: bigint): PhysicalAddress | null {
    const [lo, hi] = halves(address);
    const found = look(this, lo, hi);
    return found < 0 ? null : physical(Math.floor(found / 256) * PAGE_BYTES + (lo & 0xfff));
  }
  /** The page walk for an access by code at CPL 3 (`user`) or at CPL 0, level by level. Changes nothing. */
  explain(address: bigint, access: Access = 0, user = this.cpl === 3): PageWalk {
    const [lo, hi] = halves(address);
    return explainWalk(this, lo, hi, access, user ? BY.user : BY.system);
  }
  /** The debugger's read: as many of `length` bytes as are mapped without a gap. Devices are read as a DMA master would. */
  peek(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const done = this.#pages(address, length, (at, from, size) =>
      bytes.set(this.guest.readBytes(at, size), from),
    );
    return done === length ? bytes : bytes.slice(0, done);
  }
  /** The debugger's write, into ROM too. Returns how many bytes were mapped and written. */
  poke(address: bigint, bytes: Uint8Array): number {
    return this.#pages(address, bytes.length, (at, from, size) =>
      this.guest.poke(at, bytes.subarray(from, from + size)),
    );
  }
  #pages(
    address: bigint,
    length: number,
    each: (at: PhysicalAddress, from: number, size: number) => void,
  ): number {
    let done = 0;
    while (done < length) {
      const at = this.translate(BigInt.asUintN(64, address + BigInt(done)));
      if (at === null) break;
      const size = Math.min(length - done, PAGE_BYTES - (at % PAGE_BYTES));
      each(at, done, size);
      done += size;
    }
    return done;
  }

  /** What is cached of translations now, for the debugger. */
  tlb(): TlbEntry[] {
    return tlbEntries(this);
  }
  /** The TLBs as part of a saved state. */
  saveTlb(): Uint8Array {
    return saveTlb(this);
  }
  loadTlb(bytes: Uint8Array): void {
    loadTlb(this, bytes);
  }
  /** Host addresses of frames are void (`GuestMemory.onFramesChanged`): forgets the cached tags, not the translations. */
  dropFrames(which: Voided = "all", page?: number): void {
    this.pages.forget(which, page);
    // No tag leads to a page with code.
    if (which === "beside") return;
    if (page !== undefined) dropPageTags(this, page, which);
    else if (this.#parked !== null) this.#stale = true;
    else if (which === "all") dropTags(this);
    else dropWriteTags(this);
  }
  /** A guest-physical page now holds code: stores to it must take the slow path. */
  dropCodePage(page: number): void {
    this.dropFrames("writes", page);
  }
}

function halves(address: bigint): [number, number] {
  return [Number(BigInt.asUintN(32, address)), Number(BigInt.asUintN(32, address >> 32n))];
}
