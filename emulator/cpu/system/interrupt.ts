/**
 * Delivering exceptions and interrupts: through the IVT, through the gates of the IDT, in virtual-8086 mode and in long mode (SDM 3A chapter 6,
 * SDM 2 INT n).
 *
 * Invariant: registers change only after the last check and the last push, so a delivery that faults has changed nothing but memory below the stack
 * (a task gate excepted: from a point on, faults belong to the new task). `deliver` on top of it decides what a fault during delivery becomes.
 */
import type { Core } from "../core.ts";
import { Fault, Halt, VECTOR, WATCH } from "../event.ts";
import type { DeliveryKind, FaultRecord } from "../event.ts";
import { linear } from "../../numbers.ts";
import { SEG, STATE } from "../layout.ts";
import { ACTIVITY, FLAG } from "../registers.ts";
import { readLinear32 } from "./access.ts";
import { checkOffset, checkRealOffset, checkUsable, codeDescriptor, writeCode } from "./code.ts";
import { badSelector, isNull, markAccessed, readDescriptor, selectorError } from "./descriptor.ts";
import type { Descriptor } from "./descriptor.ts";
import { in64BitMode, inLongMode, inProtectedMode, inVirtual8086 } from "./operand.ts";
import { BY } from "./paging.ts";
import { loadRealSegment, writeDescriptor, writeNull, writeNullStack } from "./segment.ts";
import { expressDelivery, isSoftware } from "./express.ts";
import { byLevel, Stack } from "./stack.ts";
import { switchThroughGate, TaskFault } from "./task.ts";
import { innerStack, stackPointer64 } from "./tss.ts";

export type { DeliveryKind } from "../event.ts";

export interface Delivery {
  readonly vector: number;
  /** Pushed if not null. */
  readonly errorCode: number | null;
  readonly kind: DeliveryKind;
  /** For #PF the linear address, for CR2. For #DB the bits to set in DR6. */
  readonly address: bigint | null;
  readonly why: string;
}

/**
 * INT3, INTO and INT1 on their way to delivery: thrown like a fault, but what is pushed is the address of the next instruction, `length` bytes on. So
 * the debugger hears of them as of any exception, before anything has changed.
 */
export class SoftwareTrap extends Fault {
  readonly kind: "int3" | "into" | "int1";
  readonly length: number;
  constructor(kind: "int3" | "into" | "int1", length: number) {
    const vector = kind === "int3" ? VECTOR.BP : kind === "into" ? VECTOR.OF : VECTOR.DB;
    super(vector, null, `${kind.toUpperCase()} was executed`);
    this.kind = kind;
    this.length = length;
  }
}

/** Vectors whose delivery, when it faults, ends in #DF together with a second fault of this kind (SDM 3A table 6-4). */
const isContributory = (vector: number): boolean =>
  vector === VECTOR.DE || (vector >= VECTOR.TS && vector <= VECTOR.GP);

/**
 * Delivers a fault that an instruction threw; `core.rip` is that instruction's. Returns false if the debugger wants to stop before the delivery:
 * then nothing has changed, and `resume` delivers it the next time without asking. Throws Halt on a triple fault.
 */
export function deliverFault(core: Core, fault: Fault, resume = false): boolean {
  if (fault instanceof TaskFault) core.rip = fault.rip;
  const { vector, errorCode, address, why } = fault;
  if (!(fault instanceof SoftwareTrap)) return deliver(core, { vector, errorCode, kind: "fault", address, why }, resume);
  const rip = core.rip;
  if (!resume && asksToStop(core, fault)) return false;
  core.rip = BigInt.asUintN(in64BitMode(core) ? 64 : 32, rip + BigInt(fault.length));
  try {
    interrupt(core, vector, null, fault.kind);
    awake(core);
    return true;
  } catch (nested) {
    if (!(nested instanceof Fault)) throw nested;
    core.rip = rip;
    return deliverFault(core, nested, resume);
  }
} // oxfmt-ignore

const asksToStop = (core: Core, fault: Pick<Delivery, "vector" | "errorCode" | "address" | "why">): boolean =>
  (core.watched & WATCH.exception) !== 0 && core.report({ kind: "exception", fault: record(core, fault) });

const record = (core: Core, { vector, errorCode, address, why }: Pick<Delivery, "vector" | "errorCode" | "address" | "why">): FaultRecord => ({
  vector,
  errorCode,
  address: vector === VECTOR.PF && address !== null ? linear(address) : null,
  rip: core.rip,
  cs: core.selector(SEG.cs),
  why,
}); // oxfmt-ignore

function awake(core: Core): void {
  core.activity = ACTIVITY.running;
  core.shadow = 0;
}

/** Delivers an event; a fault on the way becomes that fault's delivery, a double fault or a triple fault. See `deliverFault` for the rest. */
export function deliver(core: Core, event: Delivery, resume = false): boolean {
  return deliverPlainly(core, event) || deliverWithCare(core, event, resume);
}

/** Delivers what nobody watches and nothing stands in the way of; false if that is not so. */
function deliverPlainly(core: Core, { vector, errorCode, kind, address }: Delivery): boolean {
  const isWatched = (core.watched & (WATCH.exception | WATCH.interrupt)) !== 0;
  if (isWatched || vector === VECTOR.DB || !inLongMode(core)) return false;
  if (!express(core, vector, errorCode, kind)) return false;
  if (kind === "fault" && vector === VECTOR.PF && address !== null) core.cr2 = address;
  if (kind === "nmi") core.setWord(STATE.nmiBlocked, 1);
  awake(core);
  return true;
}

function deliverWithCare(core: Core, event: Delivery, resume: boolean): boolean {
  const cr2 = core.cr2;
  const dr6 = core.dr(6);
  const dr7 = core.dr(7);
  const putBack = (): void => {
    core.cr2 = cr2;
    core.setQuad(STATE.dr + 6 * 8, dr6);
    core.setQuad(STATE.dr + 7 * 8, dr7);
  };
  const chain: FaultRecord[] = [];
  let current = event;
  for (;;) {
    const exception = current.kind === "fault" || current.kind === "trap";
    if (exception) {
      chain.push(record(core, current));
      if (!resume && asksToStop(core, current)) {
        putBack();
        return false;
      }
      if (current.vector === VECTOR.PF && current.address !== null) core.cr2 = current.address;
      if (current.vector === VECTOR.DB) noteDebug(core, current.address ?? 0n);
    }
    try {
      interrupt(core, current.vector, current.errorCode, current.kind);
      awake(core);
      if (current.kind === "nmi") core.setWord(STATE.nmiBlocked, 1);
      if (!exception && (core.watched & WATCH.interrupt) !== 0)
        core.report({ kind: "interrupt", vector: current.vector, software: false });
      return true;
    } catch (nested) {
      if (!(nested instanceof Fault)) throw nested;
      if (nested instanceof TaskFault) core.rip = nested.rip;
      current = combine(core, current, nested, chain, putBack);
    }
  }
}

/** What a fault during the delivery of `first` leads to (SDM 3A table 6-5). */
function combine(
  core: Core,
  first: Delivery,
  second: Fault,
  chain: FaultRecord[],
  putBack: () => void,
): Delivery {
  const { vector, errorCode, address, why } = second;
  const exception = first.kind === "fault" || first.kind === "trap";
  const serious = isContributory(vector) || vector === VECTOR.PF;
  if (exception && first.vector === VECTOR.DF && serious) {
    chain.push(record(core, second));
    putBack();
    throw new Halt({ kind: "triple-fault", chain });
  }
  const double =
    exception &&
    ((isContributory(first.vector) && isContributory(vector)) || (first.vector === VECTOR.PF && serious));
  if (!double) return { vector, errorCode, kind: "fault", address, why };
  chain.push(record(core, second));
  if (vector === VECTOR.PF && address !== null) core.cr2 = address;
  const reason = `vector ${vector} (${why}) while vector ${first.vector} was being delivered`;
  return { vector: VECTOR.DF, errorCode: 0, kind: "fault", address: null, why: reason };
}

/** #DB: DR6 says why (B0 … B3 are those of this exception only), and DR7.GD is cleared so that the handler can use the registers. */
function noteDebug(core: Core, bits: bigint): void {
  const kept = (bits & 0xfn) !== 0n ? core.dr(6) & ~0xfn : core.dr(6);
  core.setQuad(STATE.dr + 6 * 8, kept | bits);
  core.setQuad(STATE.dr + 7 * 8, core.dr(7) & ~0x2000n);
}

/** One delivery, without what follows if it faults. Throws Fault; then nothing has changed. */
export function interrupt(core: Core, vector: number, errorCode: number | null, kind: DeliveryKind): void {
  if (inLongMode(core)) {
    if (!express(core, vector, errorCode, kind)) throughLongGate(core, vector, errorCode, kind);
  } else if (inProtectedMode(core) || inVirtual8086(core)) throughGate(core, vector, errorCode, kind);
  else throughVector(core, vector, core.idtr.base, core.idtr.limit, core.eflags);
}

const express = (core: Core, vector: number, errorCode: number | null, kind: DeliveryKind): boolean =>
  expressDelivery(core, vector, errorCode, pushedFlags(core, vector, kind), kind);

/** EFLAGS as pushed: RF is set for faults, but not for #DB and #DF (SDM 3B 17.3.1.1). */
function pushedFlags(core: Core, vector: number, kind: DeliveryKind): number {
  const flags = core.eflags;
  return kind === "fault" && vector !== VECTOR.DB && vector !== VECTOR.DF ? flags | FLAG.RF : flags;
}

/** EXT: set unless the program asked for it (INT n, INT3, INTO). */
const extOf = (kind: DeliveryKind): number => (isSoftware(kind) ? 0 : 1);

const gateError = (vector: number, ext: number): number => vector * 8 + 2 + ext;

const badGate = (faultVector: number, vector: number, ext: number, why: string): Fault =>
  new Fault(faultVector, gateError(vector, ext), `IDT entry ${vector}: ${why}`);

/**
 * Real mode, and redirected INT n in virtual-8086 mode: FLAGS, CS and IP as words, the new CS:IP from four bytes. `image` is the FLAGS to push.
 */
export function throughVector(core: Core, vector: number, base: bigint, limit: number, image: number): void {
  if (vector * 4 + 3 > limit) throw badGate(VECTOR.GP, vector, 0, "outside the interrupt vector table");
  const by = inVirtual8086(core) ? core.by : BY.processor;
  const address = BigInt.asUintN(32, base + BigInt(vector * 4));
  const offset = readLinear32(core, address, 2, by);
  const selector = readLinear32(core, BigInt.asUintN(32, address + 2n), 2, by);
  const stack = Stack.current(core);
  stack.push(2, BigInt(image & 0xffff));
  stack.push(2, BigInt(core.selector(SEG.cs)));
  stack.push(2, core.rip & 0xffffn);
  checkRealOffset(core, BigInt(offset));
  stack.commit();
  loadRealSegment(core, SEG.cs, selector);
  core.rip = BigInt(offset);
  core.setSystemFlag(FLAG.TF | FLAG.AC | FLAG.RF, false);
  if (!inVirtual8086(core) || core.iopl === 3) core.setSystemFlag(FLAG.IF, false);
  else core.setSystemFlag(FLAG.VIF, false);
  core.updateMode();
}

function throughGate(core: Core, vector: number, errorCode: number | null, kind: DeliveryKind): void {
  const ext = extOf(kind);
  const { base, limit } = core.idtr;
  if (vector * 8 + 7 > limit) throw badGate(VECTOR.GP, vector, ext, "outside the IDT");
  const address = BigInt.asUintN(32, base + BigInt(vector * 8));
  const gate = readDescriptor(core, 0, address);
  const type = gate.type;
  if (gate.isSegment || !(type >= 5 && type <= 15 && (type & 4) !== 0 && (type & 3) !== 0 && type !== 13))
    throw badGate(VECTOR.GP, vector, ext, "not an interrupt, trap or task gate");
  if (isSoftware(kind) && gate.dpl < core.cpl)
    throw badGate(VECTOR.GP, vector, ext, `DPL ${gate.dpl} does not allow INT at CPL ${core.cpl}`);
  if (!gate.present) throw badGate(VECTOR.NP, vector, ext, "not present");
  if (type === 5) {
    switchThroughGate(core, gate.gateSelector, errorCode, ext, pushedFlags(core, vector, kind));
    return;
  }
  const wide = (type & 8) !== 0;
  const size = wide ? 4 : 2;
  const cpl = core.cpl;
  const code = codeDescriptor(core, gate.gateSelector, ext);
  if (code.dpl > cpl) throw badSelector(VECTOR.GP, gate.gateSelector, ext, `the handler's DPL ${code.dpl} is above CPL ${cpl}`);
  checkUsable(core, code, ext);
  const inner = !code.isConforming && code.dpl < cpl;
  const virtual = inVirtual8086(core);
  if (virtual && (!inner || code.dpl !== 0))
    throw badSelector(VECTOR.GP, gate.gateSelector, ext, "a handler for virtual-8086 mode must be nonconforming with DPL 0");
  const target = wide ? gate.gateOffset : gate.gateOffset & 0xffff;
  const newCpl = inner ? code.dpl : cpl;
  const newStack = inner ? innerStack(core, newCpl, ext) : null;
  const stack =
    newStack === null
      ? Stack.current(core, ext)
      : new Stack(core, segmentOf(newStack.descriptor), newStack.pointer, byLevel(newCpl), selectorError(newStack.selector, ext));
  if (virtual) for (const n of [SEG.gs, SEG.fs, SEG.ds, SEG.es]) stack.push(size, BigInt(core.selector(n)));
  if (inner) {
    stack.push(size, BigInt(core.selector(SEG.ss)));
    stack.push(size, core.rsp);
  }
  stack.push(size, BigInt(pushedFlags(core, vector, kind) >>> 0));
  stack.push(size, BigInt(core.selector(SEG.cs)));
  stack.push(size, core.rip);
  if (errorCode !== null) stack.push(size, BigInt(errorCode));
  const rip = checkOffset(core, code, BigInt(target), ext);
  markAccessed(core, code);
  core.setSystemFlag(FLAG.TF | FLAG.NT | FLAG.VM | FLAG.RF | ((type & 1) === 0 ? FLAG.IF : 0), false);
  if (newStack !== null) writeDescriptor(core, SEG.ss, newStack.selector, newStack.descriptor);
  stack.commit();
  if (virtual) for (const n of [SEG.gs, SEG.fs, SEG.ds, SEG.es]) writeNull(core, n, 0);
  writeCode(core, code, newCpl);
  core.rip = rip;
  core.updateMode();
} // oxfmt-ignore

/** A descriptor as a stack segment. */
export const segmentOf = (descriptor: Descriptor): { base: bigint; limit: number; attributes: number } => ({
  base: BigInt(descriptor.base),
  limit: descriptor.limit,
  attributes: descriptor.attributes,
});

/** 64-bit IDT: 16-byte gates, IST, frames of quadwords on a stack aligned to 16 (SDM 3A 6.14). */
function throughLongGate(core: Core, vector: number, errorCode: number | null, kind: DeliveryKind): void {
  const ext = extOf(kind);
  const { base, limit } = core.idtr;
  if (vector * 16 + 15 > limit) throw badGate(VECTOR.GP, vector, ext, "outside the IDT");
  const address = BigInt.asUintN(64, base + BigInt(vector * 16));
  const gate = readDescriptor(core, 0, address);
  const upper = readLinear32(core, address + 8n, 4, BY.processor);
  if (gate.isSegment || (gate.type !== 14 && gate.type !== 15)) throw badGate(VECTOR.GP, vector, ext, "not a 64-bit interrupt or trap gate");
  const cpl = core.cpl;
  if (isSoftware(kind) && gate.dpl < cpl) throw badGate(VECTOR.GP, vector, ext, `DPL ${gate.dpl} does not allow INT at CPL ${cpl}`);
  if (!gate.present) throw badGate(VECTOR.NP, vector, ext, "not present");
  const selector = gate.gateSelector;
  if (isNull(selector)) throw new Fault(VECTOR.GP, ext, `IDT entry ${vector}: null code selector`);
  const code = codeDescriptor(core, selector, ext);
  if (code.dpl > cpl) throw badSelector(VECTOR.GP, selector, ext, `the handler's DPL ${code.dpl} is above CPL ${cpl}`);
  if (!code.isLong || code.isBig) throw badSelector(VECTOR.GP, selector, ext, "the handler is not 64-bit code");
  checkUsable(core, code, ext);
  const inner = !code.isConforming && code.dpl < cpl;
  const newCpl = inner ? code.dpl : cpl;
  const ist = gate.high & 7;
  const pointer = ist !== 0 ? stackPointer64(core, ist, true, ext) : inner ? stackPointer64(core, newCpl, false, ext) : core.rsp;
  const stack = new Stack(core, null, pointer & ~0xfn, byLevel(newCpl), ext);
  const hook = ist !== 0 || !inner ? core.stackHook : null;
  hook?.interrupting(core, ist);
  pushLongFrame(core, stack, pushedFlags(core, vector, kind), errorCode);
  const rip = checkOffset(core, code, (BigInt(upper) << 32n) | BigInt(gate.gateOffset), ext);
  markAccessed(core, code);
  core.setSystemFlag(FLAG.TF | FLAG.NT | FLAG.VM | FLAG.RF | (gate.type === 14 ? FLAG.IF : 0), false);
  if (inner) writeNullStack(core, newCpl, newCpl);
  stack.commit();
  writeCode(core, code, newCpl);
  core.rip = rip;
  core.updateMode();
  hook?.interrupted(core, vector, errorCode, kind, ist);
} // oxfmt-ignore

function pushLongFrame(core: Core, stack: Stack, flags: number, errorCode: number | null): void {
  const bytes = errorCode === null ? 40 : 48;
  const bottom = BigInt.asUintN(64, stack.pointer - BigInt(bytes));
  const host = stack.window(bottom, bytes, true);
  if (host === 0) {
    stack.push(8, BigInt(core.selector(SEG.ss)));
    stack.push(8, core.rsp);
    stack.push(8, BigInt(flags >>> 0));
    stack.push(8, BigInt(core.selector(SEG.cs)));
    stack.push(8, core.rip);
    if (errorCode !== null) stack.push(8, BigInt(errorCode));
    return;
  }
  const view = core.view;
  let at = host;
  const put = (low: number, high: number): void => {
    view.setUint32(at, low, true);
    view.setUint32(at + 4, high, true);
    at += 8;
  };
  if (errorCode !== null) put(errorCode, 0);
  put(core.word(STATE.rip), core.word(STATE.rip + 4));
  put(core.selector(SEG.cs), 0);
  put(flags, 0);
  put(core.gpr32(4), core.word(STATE.gpr + 4 * 8 + 4));
  put(core.selector(SEG.ss), 0);
  stack.pointer = bottom;
}
