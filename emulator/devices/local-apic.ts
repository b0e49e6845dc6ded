/**
 * The local APIC of one processor (SDM 3A chapter 11), with its timer, and as x2APIC.
 *
 *     MMIO 0xfee00000 + offset, 32 bits at multiples of 16     MSR 0x800 + offset / 16 in x2APIC mode     MSR 0x1b base and mode
 *     020 id   030 version   080 TPR   0a0 PPR   0b0 EOI   0d0 LDR   0e0 DFR   0f0 SVR   100 ISR   180 TMR   200 IRR
 *     280 ESR  300/310 ICR   320…370 LVT: timer, thermal, performance, LINT0, LINT1, error     380 initial, 390 current count   3e0 divide
 *
 * Invariant: INTR is a function of IRR, ISR, TPR and LINT0, worked out again after every change.
 * Elsewhere: the timer (`apic-timer.ts`), who gets a message (`machine/interrupts.ts`), pins and external interrupts from outside (`io-apic.ts`, `pic.ts`).
 */
import type { Nanoseconds } from "../numbers.ts";
import { ApicTimer, type ApicTimerState } from "./apic-timer.ts";
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

export const DELIVERY = { fixed: 0, lowest: 1, smi: 2, nmi: 4, init: 5, startUp: 6, external: 7 } as const;

/** An interrupt message as the APICs exchange it. */
export interface ApicMessage {
  readonly vector: number;
  /** DELIVERY */
  readonly delivery: number;
  /** APIC ids, or a set of logical ids. */
  readonly destination: number;
  readonly logical: boolean;
  readonly level: boolean;
}
export type Shorthand = "none" | "self" | "all" | "others";

/** What an APIC asks of its processor and of the others. */
export interface ApicEnvironment {
  /** Level of the processor's INTR. */
  readonly intr: (level: boolean) => void;
  readonly nmi: () => void;
  readonly init: () => void;
  readonly startUp: (vector: number) => void;
  /** IA32_APIC_BASE changed: its low 12 bits. */
  readonly mode: (value: number) => void;
  /** CR8 shows bits 7:4 of the task priority. */
  readonly taskPriority: (value: number) => void;
  /** A message to other APICs, or to this one too. */
  readonly send: (message: ApicMessage, shorthand: Shorthand) => void;
  /** A level-triggered interrupt is over. */
  readonly endOfInterrupt: (vector: number) => void;
  /** Level of the 8259's output, which is wired to LINT0 of every processor. */
  readonly external: () => boolean;
  /** The processor's time-stamp counter is this far ahead of virtual time, in nanoseconds. */
  readonly timestampOffset: () => bigint;
}

type Registers = {
  /** MSR IA32_APIC_BASE, low 12 bits: 8 boot processor, 10 x2APIC, 11 enabled. */
  mode: number;
  ldr: number;
  dfr: number;
  tpr: number;
  svr: number;
  esr: number;
  /** Errors since the last write to ESR. */
  errors: number;
  icrLow: number;
  icrHigh: number;
  lvt: number[];
  isr: number[];
  tmr: number[];
  irr: number[];
};

const BASE = { bootProcessor: 0x100, x2apic: 0x400, enabled: 0x800 } as const;
const SVR_ENABLED = 0x100;
const MASKED = 0x10000;
const LVT = { timer: 0, thermal: 1, performance: 2, lint0: 3, lint1: 4, error: 5 } as const;
/** Writable bits of each LVT entry. */
const LVT_MASK = [0x710ff, 0x117ff, 0x117ff, 0x1f7ff, 0x1f7ff, 0x110ff] as const;
const ERROR = { sendVector: 0x20, receiveVector: 0x40, register: 0x80 } as const;
/** Six LVT entries, integrated APIC: as QEMU. */
const VERSION = 0x50014;
export const APIC_BASE = 0xfee00000;
const MSR_APIC_BASE = 0x1b;
const MSR_TSC_DEADLINE = 0x6e0;

export class LocalApic implements Device {
  readonly name: string;
  readonly id: number;
  readonly #environment: ApicEnvironment;
  readonly #present: boolean;
  readonly #timer: ApicTimer;
  #state: Registers;

  /** `present`: CPUID says that there is an APIC; without one only the 8259 interrupts. */
  constructor(id: number, environment: ApicEnvironment, present = true) {
    this.name = `apic.${id}`;
    this.id = id;
    this.#environment = environment;
    this.#present = present;
    this.#timer = new ApicTimer(environment.timestampOffset);
    this.#state = this.#powerOn();
  }

  #powerOn(): Registers {
    const boot = this.id === 0;
    return {
      mode: (this.#present ? BASE.enabled : 0) | (boot ? BASE.bootProcessor : 0),
      ldr: 0,
      dfr: 0xffffffff,
      tpr: 0,
      svr: 0xff,
      esr: 0,
      errors: 0,
      icrLow: 0,
      icrHigh: 0,
      // Until software sets it up, the 8259 reaches the boot processor through LINT0 (virtual wire mode).
      lvt: [MASKED, MASKED, MASKED, boot ? 0x700 : MASKED, MASKED, MASKED],
      isr: [0, 0, 0, 0, 0, 0, 0, 0],
      tmr: [0, 0, 0, 0, 0, 0, 0, 0],
      irr: [0, 0, 0, 0, 0, 0, 0, 0],
    };
  }

  reset(): void {
    this.#state = this.#powerOn();
    this.#timer.reset();
    this.#environment.mode(this.#state.mode);
    this.#environment.taskPriority(0);
    this.update();
  }

  /** INIT leaves the base register and the id (SDM 3A 11.4.7.3). */
  init(): void {
    const { mode } = this.#state;
    this.#state = { ...this.#powerOn(), mode };
    this.#timer.reset();
    this.#environment.taskPriority(0);
    this.update();
  }

  /** As firmware leaves the boot processor's: enabled, LINT0 for the 8259, LINT1 for NMI. */
  handOver(): void {
    if (!this.#present) return;
    this.#state.svr = 0x1ff;
    this.#state.lvt[LVT.lint0] = 0x700;
    this.#state.lvt[LVT.lint1] = 0x400;
    this.update();
  }

  // --- time -------------------------------------------------------------------------------------------------------------------------------

  get deadline(): number {
    return (this.#state.lvt[LVT.timer]! & MASKED) !== 0 ? Infinity : this.#timer.deadline;
  }

  tick(now: Nanoseconds): void {
    if (this.#timer.tick(now)) this.#local(LVT.timer);
  }

  // --- interrupts ---------------------------------------------------------------------------------------------------------------------------

  get isEnabled(): boolean {
    return (this.#state.mode & BASE.enabled) !== 0;
  }
  get isX2apic(): boolean {
    return (this.#state.mode & BASE.x2apic) !== 0;
  }
  get #softwareEnabled(): boolean {
    return this.isEnabled && (this.#state.svr & SVR_ENABLED) !== 0;
  }

  /** Task priority class, for lowest-priority delivery. */
  get priority(): number {
    return Math.max(this.#state.tpr, highest(this.#state.isr)) & 0xf0;
  }

  /** Whether a message's destination means this APIC. */
  matches(destination: number, logical: boolean): boolean {
    if (!this.isEnabled) return false;
    const broadcast = destination === 0xffffffff || (destination === 0xff && !this.isX2apic);
    if (broadcast) return true;
    if (!logical) return destination === this.id;
    if (this.isX2apic) {
      const own = this.#logicalId;
      return own >>> 16 === destination >>> 16 && (own & destination & 0xffff) !== 0;
    }
    const own = this.#state.ldr >>> 24;
    if (this.#state.dfr >>> 28 === 0xf) return (own & destination) !== 0;
    const cluster = destination >>> 4;
    return (cluster === own >>> 4 || cluster === 0xf) && (own & destination & 0xf) !== 0;
  }
  get #logicalId(): number {
    return this.isX2apic ? (((this.id >>> 4) << 16) | (1 << (this.id & 15))) >>> 0 : this.#state.ldr;
  }

  /** A message has arrived. */
  accept(vector: number, delivery: number, level: boolean): void {
    switch (delivery) {
      case DELIVERY.fixed:
      case DELIVERY.lowest:
        return this.#request(vector, level);
      case DELIVERY.nmi:
        return this.#environment.nmi();
      case DELIVERY.init:
        return this.#environment.init();
      case DELIVERY.startUp:
        return this.#environment.startUp(vector);
      default:
        // SMI: there is no system management mode. External: the 8259's, which comes by LINT0.
        return;
    }
  }

  #request(vector: number, level: boolean): void {
    if (!this.#softwareEnabled) return;
    if (vector < 16) return this.#error(ERROR.receiveVector);
    setBit(this.#state.irr, vector, true);
    setBit(this.#state.tmr, vector, level);
    this.update();
  }

  /** An entry of the local vector table fires. */
  #local(entry: number): void {
    const lvt = this.#state.lvt[entry]!;
    if ((lvt & MASKED) !== 0) return;
    const delivery = entry === LVT.timer || entry === LVT.error ? DELIVERY.fixed : (lvt >>> 8) & 7;
    this.accept(lvt & 0xff, delivery, false);
  }

  #error(bit: number): void {
    this.#state.errors |= bit;
    const lvt = this.#state.lvt[LVT.error]!;
    // A bad vector in the error entry itself must not report itself for ever.
    if ((lvt & 0xf0) !== 0) this.#local(LVT.error);
  }

  /** The vector that would be delivered now, or −1. */
  get #deliverable(): number {
    if (!this.#softwareEnabled) return -1;
    const vector = highest(this.#state.irr);
    return vector >= 0 && (vector & 0xf0) > this.priority ? vector : -1;
  }
  /** The 8259 reaches this processor. */
  get #externalWired(): boolean {
    if (!this.isEnabled) return this.id === 0;
    const lint0 = this.#state.lvt[LVT.lint0]!;
    return (lint0 & MASKED) === 0 && ((lint0 >>> 8) & 7) === DELIVERY.external;
  }
  /** Whether the 8259's interrupts end a HLT of this processor. */
  get admitsExternal(): boolean {
    const lint0 = this.#state.lvt[LVT.lint0]!;
    return this.#externalWired || (this.isEnabled && (lint0 & MASKED) === 0);
  }

  /** The 8259's output changed. */
  externalChanged(rising: boolean): void {
    const lint0 = this.#state.lvt[LVT.lint0]!;
    if (rising && this.isEnabled && (lint0 & MASKED) === 0 && ((lint0 >>> 8) & 7) !== DELIVERY.external)
      this.#local(LVT.lint0);
    this.update();
  }

  /** Works INTR out again. */
  update(): void {
    const external = this.#externalWired && this.#environment.external();
    this.#environment.intr(external || this.#deliverable >= 0);
  }

  /** The processor takes an interrupt: its vector, or null if it is the 8259's to give. */
  acknowledge(): number | null {
    const vector = this.#deliverable;
    if (vector < 0) {
      if (this.#externalWired && this.#environment.external()) return null;
      return this.#state.svr & 0xff;
    }
    setBit(this.#state.irr, vector, false);
    setBit(this.#state.isr, vector, true);
    this.update();
    return vector;
  }

  #endOfInterrupt(): void {
    const vector = highest(this.#state.isr);
    if (vector < 0) return;
    setBit(this.#state.isr, vector, false);
    if (getBit(this.#state.tmr, vector)) this.#environment.endOfInterrupt(vector);
    this.update();
  }

  // --- registers ------------------------------------------------------------------------------------------------------------------------------

  /** MMIO of the processor that is running. Bytes and words of a register read as parts of it; narrow writes are dropped. */
  readonly registers: RegionOps = {
    read: (address, size) => {
      const value = this.read(address & 0xff0);
      const part = value >>> ((address & 3) * 8);
      return size === 4 ? value : size === 2 ? part & 0xffff : part & 0xff;
    },
    write: (address, size, value) => {
      if (size === 4 && (address & 15) === 0) this.write(address & 0xff0, value);
    },
  };

  /** One register by its offset, 32 bits. */
  read(offset: number): number {
    const state = this.#state;
    if (offset >= 0x100 && offset < 0x280) {
      const set = offset < 0x180 ? state.isr : offset < 0x200 ? state.tmr : state.irr;
      return set[(offset >>> 4) & 7]! >>> 0;
    }
    if (offset >= 0x320 && offset <= 0x370) return state.lvt[(offset - 0x320) >>> 4]! >>> 0;
    switch (offset) {
      case 0x020:
        return this.isX2apic ? this.id : (this.id << 24) >>> 0;
      case 0x030:
        return VERSION;
      case 0x080:
        return state.tpr;
      case 0x0a0:
        return this.#processorPriority;
      case 0x0d0:
        return this.#logicalId;
      case 0x0e0:
        return state.dfr >>> 0;
      case 0x0f0:
        return state.svr;
      case 0x280:
        return state.esr;
      case 0x300:
        return state.icrLow >>> 0;
      case 0x310:
        return state.icrHigh >>> 0;
      case 0x380:
        return this.#timer.initialCount;
      case 0x390:
        return this.#timer.currentCount;
      case 0x3e0:
        return this.#timer.divide;
      default:
        return 0;
    }
  }
  get #processorPriority(): number {
    const { tpr, isr } = this.#state;
    const served = highest(isr) & 0xf0;
    return highest(isr) < 0 || tpr >>> 4 >= served >>> 4 ? tpr : served;
  }

  write(offset: number, value: number): void {
    const state = this.#state;
    switch (offset) {
      case 0x080:
        return this.setTaskPriority(value & 0xff);
      case 0x0b0:
        return this.#endOfInterrupt();
      case 0x0d0:
        state.ldr = (value & 0xff000000) >>> 0;
        return;
      case 0x0e0:
        state.dfr = (value | 0x0fffffff) >>> 0;
        return;
      case 0x0f0:
        state.svr = value & 0x1ff;
        if ((value & SVR_ENABLED) === 0)
          for (const [n, lvt] of state.lvt.entries()) state.lvt[n] = lvt | MASKED;
        return this.update();
      case 0x280:
        state.esr = state.errors;
        state.errors = 0;
        return;
      case 0x300:
        state.icrLow = value & 0xccfff;
        return this.#sendIpi();
      case 0x310:
        state.icrHigh = (value & 0xff000000) >>> 0;
        return;
      case 0x380:
        this.#timer.initialCount = value >>> 0;
        return;
      case 0x3e0:
        this.#timer.divide = value & 0xb;
        return;
      default:
        if (offset >= 0x320 && offset <= 0x370) this.#writeLvt((offset - 0x320) >>> 4, value);
    }
  }

  #writeLvt(entry: number, value: number): void {
    const state = this.#state;
    state.lvt[entry] = (value & LVT_MASK[entry]!) | (this.#softwareEnabled ? 0 : MASKED);
    if (entry === LVT.timer) this.#timer.setMode((value >>> 17) & 3);
    if (entry === LVT.lint0) this.update();
  }

  /** TPR, from its register or from CR8. */
  setTaskPriority(value: number): void {
    this.#state.tpr = value;
    this.#environment.taskPriority(value >>> 4);
    this.update();
  }

  #sendIpi(): void {
    const { icrLow, icrHigh } = this.#state;
    const shorthand = (["none", "self", "all", "others"] as const)[(icrLow >>> 18) & 3]!;
    const delivery = (icrLow >>> 8) & 7;
    const vector = icrLow & 0xff;
    const level = (icrLow & 0x8000) !== 0;
    // The level de-assert of INIT only synchronised arbitration ids; there is nothing to do.
    if (delivery === DELIVERY.init && level && (icrLow & 0x4000) === 0) return;
    if (delivery <= DELIVERY.lowest && vector < 16) this.#error(ERROR.sendVector);
    this.#environment.send(
      {
        vector,
        delivery,
        destination: this.isX2apic ? icrHigh : icrHigh >>> 24,
        logical: (icrLow & 0x800) !== 0,
        level: false,
      },
      shorthand,
    );
  }

  // --- model-specific registers ---------------------------------------------------------------------------------------------------------------

  /** IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers. Null: #GP. Undefined: not an MSR of the APIC. */
  readMsr(index: number): bigint | null | undefined {
    if (!this.#present) return undefined;
    if (index === MSR_APIC_BASE) return BigInt(APIC_BASE + this.#state.mode);
    if (index === MSR_TSC_DEADLINE) return this.#timer.tscDeadline;
    if (index < 0x800 || index > 0x8ff) return undefined;
    const offset = (index - 0x800) << 4;
    if (!this.isX2apic || !X2APIC_READABLE(offset)) return null;
    const low = BigInt(this.read(offset));
    return offset === 0x300 ? (BigInt(this.#state.icrHigh >>> 0) << 32n) | low : low;
  }

  /** False: #GP. Undefined: not an MSR of the APIC. */
  writeMsr(index: number, value: bigint): boolean | undefined {
    if (!this.#present) return undefined;
    if (index === MSR_APIC_BASE) return this.#writeBase(value);
    if (index === MSR_TSC_DEADLINE) {
      this.#timer.tscDeadline = value;
      return true;
    }
    if (index < 0x800 || index > 0x8ff) return undefined;
    const offset = (index - 0x800) << 4;
    const low = Number(value & 0xffffffffn);
    if (!this.isX2apic) return false;
    if (offset === 0x300) {
      if ((value & 0xfff3_2000n) !== 0n) return false;
      this.#state.icrHigh = Number(value >> 32n);
      this.write(0x300, low);
      return true;
    }
    if (value >> 32n !== 0n) return false;
    if (offset === 0x3f0) {
      this.#environment.send(
        { vector: low & 0xff, delivery: DELIVERY.fixed, destination: this.id, logical: false, level: false },
        "self",
      );
      return true;
    }
    if (!X2APIC_WRITABLE(offset)) return false;
    if ((offset === 0x0b0 || offset === 0x280) && low !== 0) return false;
    this.write(offset, low);
    return true;
  }

  #writeBase(value: bigint): boolean {
    const mode = Number(value & 0xfffn);
    // The windows of several processors lie over each other; one that moves is not modelled, and says so by #GP.
    if (value >> 12n !== BigInt(APIC_BASE >>> 12) || (mode & 0x2ff) !== 0) return false;
    const before = this.#state.mode;
    const wants = mode & (BASE.enabled | BASE.x2apic);
    const has = before & (BASE.enabled | BASE.x2apic);
    // Of the four states, x2APIC is reached only from xAPIC and left only to disabled (SDM 3A figure 11-25).
    if (wants === BASE.x2apic) return false;
    if (has === (BASE.enabled | BASE.x2apic) && wants === BASE.enabled) return false;
    if (has === 0 && wants === (BASE.enabled | BASE.x2apic)) return false;
    this.#state.mode = (before & BASE.bootProcessor) | wants;
    if (has === 0 && wants !== 0) {
      this.#state = { ...this.#powerOn(), mode: this.#state.mode };
      this.#timer.reset();
    }
    this.#environment.mode(this.#state.mode);
    this.update();
    return true;
  }

  /** For `info lapic` and panels. Not to be changed. */
  get state(): Readonly<Registers> & { readonly timer: Readonly<ApicTimerState> } {
    return { ...this.#state, timer: this.#timer.state };
  }

  save(): PlainData {
    return { registers: copyOf(this.#state), timer: { ...this.#timer.state } };
  }
  load(state: PlainData): void {
    const saved = state as { registers: Registers; timer: ApicTimerState };
    this.#state = copyOf(saved.registers);
    this.#timer.load(saved.timer);
    this.update();
  }
}

const X2APIC_READABLE = (offset: number): boolean =>
  [0x020, 0x030, 0x080, 0x0a0, 0x0d0, 0x0f0, 0x280, 0x300, 0x380, 0x390, 0x3e0].includes(offset) ||
  (offset >= 0x100 && offset < 0x280) ||
  (offset >= 0x320 && offset <= 0x370);
const X2APIC_WRITABLE = (offset: number): boolean =>
  [0x080, 0x0b0, 0x0f0, 0x280, 0x380, 0x3e0].includes(offset) || (offset >= 0x320 && offset <= 0x370);

const getBit = (set: readonly number[], n: number): boolean => ((set[n >>> 5]! >>> (n & 31)) & 1) !== 0;
function setBit(set: number[], n: number, value: boolean): void {
  const bit = 1 << (n & 31);
  set[n >>> 5] = value ? set[n >>> 5]! | bit : set[n >>> 5]! & ~bit;
}
/** The highest vector in a set, or −1. */
function highest(set: readonly number[]): number {
  for (let word = 7; word >= 0; word--) if (set[word] !== 0) return word * 32 + 31 - Math.clz32(set[word]!);
  return -1;
}
