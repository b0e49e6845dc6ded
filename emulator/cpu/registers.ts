/**
 * The processor's registers as TypeScript sees them: typed access to the CPU state that `layout.ts` draws in linear memory.
 *
 * Invariant: nothing is kept here; every read and write goes to linear memory, so emitted code and TypeScript never disagree. The raw setters of
 * this class change one register and nothing else; those that have consequences (mode, TLB) are overridden or wrapped in `core.ts`.
 */
import { Views } from "./views.ts";
import { RUN, SEGMENT, SEGMENT_BYTES, STATE } from "./layout.ts";
import type { SegmentNumber } from "./layout.ts";

/** Bits of RFLAGS (SDM 1, figure 3-8). */
export const FLAG = {
  CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, TF: 0x100, IF: 0x200, DF: 0x400, OF: 0x800, IOPL: 0x3000, NT: 0x4000, RF: 0x10000, VM: 0x20000,
  AC: 0x40000, VIF: 0x80000, VIP: 0x100000, ID: 0x200000,
} as const; // oxfmt-ignore

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

/** Attributes of the flat segments that SYSCALL and SYSENTER load without looking at a table (SDM 2, SYSCALL). */
export function flatCode(dpl: number, long: boolean): number {
  return 0x9b | (dpl << 5) | ATTRIBUTE.granularity | (long ? ATTRIBUTE.long : ATTRIBUTE.big);
}
export const flatStack = (dpl: number): number => 0x93 | (dpl << 5) | ATTRIBUTE.granularity | ATTRIBUTE.big;

/** The six flags that are kept lazily. */
export const STATUS_FLAGS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** Values of STATE.activity. */
export const ACTIVITY = { running: 0, halted: 1, shutdown: 2, waitForSipi: 3 } as const;

/** Bits of STATE.shadow. */
export const SHADOW = { interrupts: 1, debugTraps: 2 } as const;

/** A segment register with its hidden part; `attributes` as SEGMENT.attributes in `layout.ts`. */
export interface SegmentRegister {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
}

export interface TableRegister {
  readonly base: bigint;
  readonly limit: number;
}

const parity = (value: number): number => {
  const folded = value ^ (value >>> 4);
  return (0x9669 >>> (folded & 15)) & 1; // 1 for an even number of ones
};

export class Registers extends Views {
  /** General register by encoding number, 0 … 15; all 64 bits. */
  gpr(n: number): bigint {
    return this.u64[n]!;
  }
  setGpr(n: number, value: bigint): void {
    this.u64[n] = value;
  }
  /** Low 32 bits, unsigned. */
  gpr32(n: number): number {
    return this.u32[n * 2]!;
  }
  /** Writes 32 bits and clears the upper half, as every 32-bit operation does. */
  setGpr32(n: number, value: number): void {
    const u32 = this.u32;
    u32[n * 2] = value;
    u32[n * 2 + 1] = 0;
  }
  gpr16(n: number): number {
    return this.u32[n * 2]! & 0xffff;
  }
  /** Writes the low 16 bits and keeps the others. */
  setGpr16(n: number, value: number): void {
    const u32 = this.u32;
    u32[n * 2] = (u32[n * 2]! & 0xffff0000) | (value & 0xffff);
  }

  get rip(): bigint {
    return this.quad(STATE.rip);
  }
  set rip(value: bigint) {
    this.setQuad(STATE.rip, value);
  }
  get rsp(): bigint {
    return this.gpr(4);
  }
  set rsp(value: bigint) {
    this.setGpr(4, value);
  }

  /** EFLAGS as an image: the lazy flags computed and put among the others. */
  get eflags(): number {
    const u32 = this.u32;
    const low = u32[STATE.lazyResult >>> 2]!;
    const high = u32[(STATE.lazyResult + 4) >>> 2]!;
    const aux = u32[STATE.lazyAux >>> 2]!;
    let image = u32[STATE.eflags >>> 2]!;
    if (aux >>> 31 !== 0) image |= FLAG.CF;
    if ((((aux >>> 31) ^ (aux >>> 30)) & 1) !== 0) image |= FLAG.OF;
    if ((aux & 8) !== 0) image |= FLAG.AF;
    if (parity((low ^ (aux >>> 8)) & 0xff) !== 0) image |= FLAG.PF;
    if (((high >>> 31) ^ (aux & 1)) !== 0) image |= FLAG.SF;
    if ((low | high) === 0) image |= FLAG.ZF;
    return image;
  }
  /** Sets every flag from an image, taken as it is; bit 1 reads as one. Call `updateMode` if VM changed. */
  set eflags(image: number) {
    const u32 = this.u32;
    const zero = (image & FLAG.ZF) !== 0;
    const sign = (image >>> 7) & 1;
    const even = (image >>> 2) & 1;
    const carry = image & 1;
    const overflow = (image >>> 11) & 1;
    u32[STATE.lazyResult >>> 2] = zero ? 0 : 1;
    u32[(STATE.lazyResult + 4) >>> 2] = 0;
    u32[STATE.lazyAux >>> 2] =
      (carry << 31) |
      ((carry ^ overflow) << 30) |
      ((zero ? even ^ 1 : even) << 8) |
      (((image >>> 4) & 1) << 3) |
      sign;
    u32[STATE.eflags >>> 2] = (image & ~STATUS_FLAGS) | 2;
  }
  /** RFLAGS; its upper half is always zero. */
  get rflags(): bigint {
    return BigInt(this.eflags);
  }
  set rflags(value: bigint) {
    this.eflags = Number(value & 0x3f7fd7n);
  }
  /** A flag that is not lazy: IF, DF, TF, VM, AC … */
  systemFlag(mask: number): boolean {
    return (this.u32[STATE.eflags >>> 2]! & mask) !== 0;
  }
  setSystemFlag(mask: number, value: boolean): void {
    const u32 = this.u32;
    if (value) u32[STATE.eflags >>> 2]! |= mask;
    else u32[STATE.eflags >>> 2]! &= ~mask;
  }
  /** Sets or clears ZF alone (VERR, LAR …). */
  setZero(value: boolean): void {
    this.eflags = value ? this.eflags | FLAG.ZF : this.eflags & ~FLAG.ZF;
  }
  /** I/O privilege level, 0 … 3. */
  get iopl(): number {
    return (this.u32[STATE.eflags >>> 2]! >>> 12) & 3;
  }

  /** CR0, CR4, CR8 and EFER have nothing in their upper halves. */
  get cr0(): number {
    return this.word(STATE.cr0);
  }
  get cr4(): number {
    return this.word(STATE.cr4);
  }
  get cr8(): number {
    return this.word(STATE.cr8);
  }
  set cr8(value: number) {
    this.setQuad(STATE.cr8, BigInt(value & 15));
  }
  get efer(): number {
    return this.word(STATE.efer);
  }
  get cr2(): bigint {
    return this.quad(STATE.cr2);
  }
  set cr2(value: bigint) {
    this.setQuad(STATE.cr2, value);
  }
  get cr3(): bigint {
    return this.quad(STATE.cr3);
  }
  get xcr0(): bigint {
    return this.quad(STATE.xcr0);
  }
  set xcr0(value: bigint) {
    this.setQuad(STATE.xcr0, value);
  }
  /** Debug register 0 … 3, 6, 7. */
  dr(n: number): bigint {
    return this.quad(STATE.dr + n * 8);
  }

  segment(n: SegmentNumber): SegmentRegister {
    const at = STATE.segments + n * SEGMENT_BYTES;
    return {
      selector: this.word(at + SEGMENT.selector),
      base: this.quad(at + SEGMENT.base),
      limit: this.word(at + SEGMENT.limit),
      attributes: this.word(at + SEGMENT.attributes),
    };
  }
  /** Writes a segment register without consequences; `Core.setSegment` also brings the mode up to date. */
  writeSegment(n: number, selector: number, base: bigint, limit: number, attributes: number): void {
    const at = STATE.segments + n * SEGMENT_BYTES;
    const u32 = this.u32;
    u32[(at + SEGMENT.selector) >>> 2] = selector;
    u32[(at + SEGMENT.attributes) >>> 2] = attributes;
    u32[(at + SEGMENT.limit) >>> 2] = limit;
    this.setQuad(at + SEGMENT.base, base);
  }
  selector(n: number): number {
    return this.word(STATE.segments + n * SEGMENT_BYTES + SEGMENT.selector);
  }
  attributes(n: number): number {
    return this.word(STATE.segments + n * SEGMENT_BYTES + SEGMENT.attributes);
  }
  segmentLimit(n: number): number {
    return this.word(STATE.segments + n * SEGMENT_BYTES + SEGMENT.limit);
  }
  segmentBase(n: number): bigint {
    return this.quad(STATE.segments + n * SEGMENT_BYTES + SEGMENT.base);
  }
  setSegmentBase(n: number, base: bigint): void {
    this.setQuad(STATE.segments + n * SEGMENT_BYTES + SEGMENT.base, base);
  }

  get gdtr(): TableRegister {
    return { base: this.quad(STATE.gdtr), limit: this.word(STATE.gdtr + 8) };
  }
  set gdtr(value: TableRegister) {
    this.setQuad(STATE.gdtr, value.base);
    this.setWord(STATE.gdtr + 8, value.limit);
  }
  get idtr(): TableRegister {
    return { base: this.quad(STATE.idtr), limit: this.word(STATE.idtr + 8) };
  }
  set idtr(value: TableRegister) {
    this.setQuad(STATE.idtr, value.base);
    this.setWord(STATE.idtr + 8, value.limit);
  }

  /** Current privilege level, kept by `updateMode`. */
  get cpl(): number {
    return this.word(STATE.cpl);
  }
  /** Bits of MODE. */
  get mode(): number {
    return this.word(STATE.mode);
  }
  /** One of ACTIVITY. */
  get activity(): number {
    return this.word(STATE.activity);
  }
  set activity(value: number) {
    this.setWord(STATE.activity, value);
  }
  /** Bits of SHADOW. */
  get shadow(): number {
    return this.word(STATE.shadow);
  }
  set shadow(value: number) {
    this.setWord(STATE.shadow, value);
  }
  /** DR6 bits that the instruction under way has earned (data and I/O breakpoints …); the engine delivers #DB after it and clears them. */
  get pendingDebug(): number {
    return this.word(STATE.pendingDebug);
  }
  set pendingDebug(bits: number) {
    this.setWord(STATE.pendingDebug, bits);
  }
  /** Offset of the memory operand in its segment, for call-outs. */
  get effective(): bigint {
    return this.quad(RUN.effective);
  }
  set effective(value: bigint) {
    this.setQuad(RUN.effective, value);
  }

  /** The 16 bytes of an XMM register, of a physical x87 register, and the x87 control block: views that a growing memory invalidates. */
  xmm(n: number): Uint8Array {
    return this.u8.subarray(STATE.xmm + n * 16, STATE.xmm + n * 16 + 16);
  }
  fpuRegister(n: number): Uint8Array {
    return this.u8.subarray(STATE.fpuRegisters + n * 16, STATE.fpuRegisters + n * 16 + 16);
  }
  get fpu(): Uint8Array {
    return this.u8.subarray(STATE.fpu, STATE.fpuRegisters);
  }
  get mxcsr(): number {
    return this.word(STATE.mxcsr);
  }
  set mxcsr(value: number) {
    this.setWord(STATE.mxcsr, value);
  }
}
