/**
 * One processor: its registers, its view of memory, and what a debugger may watch. The engine (`cpu.ts`) runs it, `system/` and `x87/`
 * execute its rare instructions on it, the debug adapter looks at it.
 *
 * Invariant: all guest-visible state is in linear memory (`layout.ts`); what this object holds besides are callbacks and watch sets.
 * Elsewhere: page walks and TLB (`system/paging.ts`, `system/tlb.ts`), slow paths of emitted code (`system/access.ts`).
 */
import type { GuestMemory, PortBus } from "../memory/guest-memory.ts";
import type { CpuEvent, WatchedAccess } from "./event.ts";
import { MODE, RUN, SEG, STATE, STATE_BYTES, TLB } from "./layout.ts";
import type { SegmentNumber } from "./layout.ts";
import { ACTIVITY, FLAG, Registers } from "./registers.ts";
import type { SegmentRegister } from "./registers.ts";

export { ACTIVITY, FLAG, SHADOW, STATUS_FLAGS } from "./registers.ts";
export type { SegmentRegister, TableRegister } from "./registers.ts";

/** What a processor asks of the machine around it. */
export interface CoreEnvironment {
  /** Virtual time in nanoseconds, the base of the time-stamp counter (1 GHz). */
  timestamp(): bigint;
  /** The next 64 seeded random bits, for RDRAND and RDSEED. */
  random(): bigint;
}

/** Bits of control registers and EFER that this emulator knows. */
export const CR0 = {
  PE: 1, MP: 2, EM: 4, TS: 8, ET: 0x10, NE: 0x20, WP: 0x10000, AM: 0x40000, NW: 0x20000000, CD: 0x40000000, PG: 0x80000000,
} as const; // oxfmt-ignore
export const CR4 = {
  VME: 1, PVI: 2, TSD: 4, DE: 8, PSE: 0x10, PAE: 0x20, MCE: 0x40, PGE: 0x80, PCE: 0x100, OSFXSR: 0x200, OSXMMEXCPT: 0x400, UMIP: 0x800,
  LA57: 0x1000, FSGSBASE: 0x10000, PCIDE: 0x20000, OSXSAVE: 0x40000, SMEP: 0x100000, SMAP: 0x200000,
} as const; // oxfmt-ignore
export const EFER = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800, FFXSR: 0x4000 } as const;

/** Attribute bits of a segment register, see SEGMENT.attributes. */
export const ATTRIBUTE = {
  accessed: 1, writable: 2, readable: 2, expandDown: 4, conforming: 4, code: 8, system: 0x10, dpl: 0x60, present: 0x80, long: 0x2000, big: 0x4000,
  granularity: 0x8000, unusable: 0x10000,
} as const; // oxfmt-ignore

/** CPUID signature: family 6, model 15, stepping 11; also what EDX holds after reset. */
export const SIGNATURE = 0x6fb;

export class Core extends Registers {
  readonly guest: GuestMemory;
  readonly ports: PortBus;
  readonly environment: CoreEnvironment;
  /** This CPU's number: its initial APIC id, and 0 for the boot processor. */
  readonly index: number;

  /** WATCH bits of the events `report` wants to hear about. */
  watched = 0;
  /** Hears watched events; true asks for a stop (an exception is then not delivered). */
  report: (event: CpuEvent) => boolean = () => false;
  /** Hears each access to a page in the sets below. */
  reportAccess: (access: WatchedAccess) => void = () => undefined;
  watchedLinearPages: ReadonlySet<bigint> = new Set();
  watchedPhysicalPages: ReadonlySet<number> = new Set();
  /** DR6 bits of data and I/O breakpoints that the instruction under way has met; the engine delivers #DB after it and clears them. */
  pendingDebug = 0;

  constructor(
    memory: WebAssembly.Memory,
    guest: GuestMemory,
    ports: PortBus,
    environment: CoreEnvironment,
    index = 0,
  ) {
    super(memory);
    this.guest = guest;
    this.ports = ports;
    this.environment = environment;
    this.index = index;
    this.reset();
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
    this.setGpr(2, BigInt(SIGNATURE));
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
      this.setQuad(STATE.apicBase, 0xfee00000n | (this.index === 0 ? 0x100n : 0n));
      this.setQuad(STATE.miscEnable, 1n);
      this.setQuad(STATE.tscOffset, BigInt.asUintN(64, -this.environment.timestamp()));
      this.view.setUint16(STATE.fpu, 0x40, true);
      this.view.setUint16(STATE.fpu + 4, 0x5555, true);
      this.mxcsr = 0x1f80;
    }
    this.pendingDebug = 0;
    this.updateMode();
  }

  /**
   * Brings everything derived up to date: CPL, STATE.mode, and in the run block the TLB tags in use, the address mask, the code limit. Call it after
   * any change of CR0.PE, EFER.LMA, RFLAGS.VM, CS, SS, DS or ES. Also forgets the code page, so that the next fetch is looked up.
   */
  updateMode(): void {
    const u32 = this.u32;
    const attributes = (n: number): number => this.attributes(n);
    const isProtected = (u32[STATE.cr0 >>> 2]! & CR0.PE) !== 0;
    const isLong = (u32[STATE.efer >>> 2]! & EFER.LMA) !== 0;
    const isVirtual = isProtected && (u32[STATE.eflags >>> 2]! & FLAG.VM) !== 0;
    const code = attributes(SEG.cs);
    const size = isVirtual
      ? 0
      : isLong && (code & ATTRIBUTE.long) !== 0
        ? 2
        : (code & ATTRIBUTE.big) !== 0
          ? 1
          : 0;
    // CPL is the DPL of SS, as VMX keeps it (SDM 3C 24.4.1): a null SS keeps it too.
    const cpl = isVirtual ? 3 : isProtected ? (attributes(SEG.ss) >>> 5) & 3 : 0;
    const flat = (n: number): boolean =>
      (attributes(n) & (ATTRIBUTE.unusable | ATTRIBUTE.code | ATTRIBUTE.expandDown | ATTRIBUTE.writable)) ===
        ATTRIBUTE.writable &&
      this.segmentLimit(n) === 0xffffffff &&
      this.segmentBase(n) === 0n;
    let mode: number = size;
    if (size === 2 || (flat(SEG.ds) && flat(SEG.ss) && flat(SEG.es))) mode |= MODE.flat;
    if (cpl === 3) mode |= MODE.user;
    if ((attributes(SEG.ss) & ATTRIBUTE.big) !== 0) mode |= MODE.stack32;
    if (isProtected) mode |= MODE.protected;
    if (isVirtual) mode |= MODE.virtual8086;
    if (isLong) mode |= MODE.long;
    u32[STATE.mode >>> 2] = mode;
    u32[STATE.cpl >>> 2] = cpl;
    u32[RUN.dataTags >>> 2] = cpl === 3 ? TLB.readUser : TLB.readSystem;
    u32[RUN.codeTags >>> 2] = cpl === 3 ? 8 : 0;
    u32[RUN.linearMask >>> 2] = 0xffffffff;
    u32[(RUN.linearMask + 4) >>> 2] = size === 2 ? 0xffffffff : 0;
    u32[RUN.codeLimit >>> 2] = size === 2 ? 0xffffffff : this.segmentLimit(SEG.cs);
    u32[(RUN.codeLimit + 4) >>> 2] = size === 2 ? 0xffffffff : 0;
    u32[RUN.codePage >>> 2] = 0xffffffff;
    u32[(RUN.codePage + 4) >>> 2] = 0xffffffff;
  }

  /** Sets a segment register with its hidden part, unchecked (boot loaders, the debugger). */
  setSegment(n: SegmentNumber, value: SegmentRegister): void {
    this.writeSegment(n, value.selector, value.base, value.limit, value.attributes);
    this.updateMode();
  }

  /** The same for control registers, EFER, debug registers and RFLAGS. */
  setCr0(value: number): void {
    this.setQuad(STATE.cr0, BigInt(value >>> 0));
    this.updateMode();
  }
  setCr3(value: bigint): void {
    this.setQuad(STATE.cr3, value);
  }
  setCr4(value: number): void {
    this.setQuad(STATE.cr4, BigInt(value >>> 0));
  }
  setEfer(value: number): void {
    this.setQuad(STATE.efer, BigInt(value >>> 0));
    this.updateMode();
  }
  setDr(n: number, value: bigint): void {
    this.setQuad(STATE.dr + n * 8, value);
  }
  setRflags(value: bigint): void {
    this.rflags = value;
    this.updateMode();
  }
}
