/**
 * The x87 unit's registers during one instruction: control, status and tag word, and the stack they make of eight physical registers.
 *
 * Invariant: everything is in linear memory (`layout.ts`, STATE.fpu and STATE.fpuRegisters); a Unit only knows where. An instruction computes,
 * stores to memory (which may fault), and only then changes anything here, so that it can be started again.
 *
 *     status  15 B  14 C3  13:11 TOP  10 C2  9 C1  8 C0  7 ES  6 SF  5 PE  4 UE  3 OE  2 ZE  1 DE  0 IE     (SDM 1 figure 8-4)
 *     control 11:10 rounding  9:8 precision (0 = 24, 2 = 53, 3 = 64 bits)  5:0 exception masks                (SDM 1 figure 8-6)
 */
import type { Core } from "../core.ts";
import { CR0 } from "../core.ts";
import { Fault, Halt, VECTOR } from "../event.ts";
import type { Instruction } from "../instruction.ts";
import { SEG, STATE } from "../layout.ts";
import { type Operand, operand } from "./arithmetic.ts";
import { fromBytes, toBytes } from "./conversion.ts";
import { type Float80, kindOf } from "./float80.ts";
import { type Context, EXCEPTION } from "./rounding.ts";

export const STATUS = { C0: 0x100, C1: 0x200, C2: 0x400, C3: 0x4000, ES: 0x80, B: 0x8000 } as const;
const CONDITIONS = STATUS.C0 | STATUS.C1 | STATUS.C2 | STATUS.C3;
const TOP_SHIFT = 11;
const ALL_MASKS = 0x3f;
/** Exceptions found before anything is computed: unmasked, they leave operands and stack alone. */
const EARLY = EXCEPTION.invalid | EXCEPTION.denormal | EXCEPTION.zeroDivide;
const TAG = { valid: 0, zero: 1, special: 2, empty: 3 } as const;
/** Offsets in STATE.fpu. */
const FPU = { control: 0, status: 2, tag: 4, opcode: 6, ip: 8, dp: 16, cs: 24, ds: 26 } as const;

const PRECISION = [24, 64, 53, 64] as const;

export class Unit {
  readonly core: Core;
  readonly #view: DataView;
  readonly context: Context;
  /** C1 of a stack fault: the stack overflowed. */
  #overflow = false;

  constructor(core: Core) {
    this.core = core;
    this.#view = core.view;
    const control = this.control;
    this.context = {
      rounding: (control >>> 10) & 3,
      precision: PRECISION[(control >>> 8) & 3]!,
      tellsPrecision: false,
      masks: control & ALL_MASKS,
      raised: 0,
      roundedUp: false,
    };
  }

  get control(): number {
    return this.#view.getUint16(STATE.fpu + FPU.control, true);
  }
  set control(value: number) {
    this.#view.setUint16(STATE.fpu + FPU.control, (value & 0x1f3f) | 0x40, true);
    this.updateSummary();
  }
  get status(): number {
    return this.#view.getUint16(STATE.fpu + FPU.status, true);
  }
  set status(value: number) {
    this.#view.setUint16(STATE.fpu + FPU.status, value, true);
  }
  /** Two bits for each physical register: 0 valid, 1 zero, 2 special, 3 empty. */
  get tag(): number {
    return this.#view.getUint16(STATE.fpu + FPU.tag, true);
  }
  set tag(value: number) {
    this.#view.setUint16(STATE.fpu + FPU.tag, value, true);
  }
  /** Low 11 bits of the last instruction's opcode. */
  get opcode(): number {
    return this.#view.getUint16(STATE.fpu + FPU.opcode, true);
  }
  set opcode(value: number) {
    this.#view.setUint16(STATE.fpu + FPU.opcode, value & 0x7ff, true);
  }
  get ip(): bigint {
    return this.#view.getBigUint64(STATE.fpu + FPU.ip, true);
  }
  set ip(value: bigint) {
    this.#view.setBigUint64(STATE.fpu + FPU.ip, value, true);
  }
  get dp(): bigint {
    return this.#view.getBigUint64(STATE.fpu + FPU.dp, true);
  }
  set dp(value: bigint) {
    this.#view.setBigUint64(STATE.fpu + FPU.dp, value, true);
  }
  get cs(): number {
    return this.#view.getUint16(STATE.fpu + FPU.cs, true);
  }
  set cs(value: number) {
    this.#view.setUint16(STATE.fpu + FPU.cs, value, true);
  }
  get ds(): number {
    return this.#view.getUint16(STATE.fpu + FPU.ds, true);
  }
  set ds(value: number) {
    this.#view.setUint16(STATE.fpu + FPU.ds, value, true);
  }

  get top(): number {
    return (this.status >>> TOP_SHIFT) & 7;
  }
  set top(value: number) {
    this.status = (this.status & ~(7 << TOP_SHIFT)) | ((value & 7) << TOP_SHIFT);
  }

  #physical(i: number): number {
    return (this.top + i) & 7;
  }
  #at(i: number): number {
    return STATE.fpuRegisters + this.#physical(i) * 16;
  }

  isEmpty(i: number): boolean {
    return ((this.tag >>> (this.#physical(i) * 2)) & 3) === TAG.empty;
  }
  /** ST(i), empty or not. */
  value(i: number): Float80 {
    return fromBytes(this.#view, this.#at(i));
  }
  /** ST(i) as an operand. */
  operand(i: number): Operand {
    return operand(this.value(i));
  }
  setValue(i: number, value: Float80): void {
    const at = this.#at(i);
    toBytes(this.#view, at, value);
    this.#setTag(i, tagOf(value));
  }
  free(i: number): void {
    this.#setTag(i, TAG.empty);
  }
  #setTag(i: number, tag: number): void {
    const shift = this.#physical(i) * 2;
    this.tag = (this.tag & ~(3 << shift)) | (tag << shift);
  }
  pop(): void {
    this.free(0);
    this.top++;
  }
  push(value: Float80): void {
    this.top--;
    this.setValue(0, value);
  }

  /** C3, C2 and C0 as a comparison sets them. */
  setConditions(c3: boolean, c2: boolean, c0: boolean): void {
    const kept = this.status & ~(CONDITIONS & ~STATUS.C1);
    this.status = kept | (c3 ? STATUS.C3 : 0) | (c2 ? STATUS.C2 : 0) | (c0 ? STATUS.C0 : 0);
  }
  setC1(value: boolean): void {
    this.status = (this.status & ~STATUS.C1) | (value ? STATUS.C1 : 0);
  }
  setC2(value: boolean): void {
    this.status = (this.status & ~STATUS.C2) | (value ? STATUS.C2 : 0);
  }

  /** An operand is missing (or, with `overflow`, the register for a result is in use): an invalid operation with SF. */
  stackFault(overflow = false): void {
    this.context.raised |= EXCEPTION.invalid | EXCEPTION.stack;
    this.#overflow = overflow;
  }
  /** True, and a stack fault noted, if any of these registers is empty. */
  underflows(...registers: readonly number[]): boolean {
    if (!registers.some((i) => this.isEmpty(i))) return false;
    this.stackFault();
    return true;
  }

  /** Whether the exceptions raised so far leave a result to be stored. */
  get stores(): boolean {
    return (this.context.raised & ~this.context.masks & EARLY) === 0;
  }

  /** Puts what was raised into the status word, with C1. True if results are to be stored and the stack popped. */
  settle(): boolean {
    const { context, stores } = this;
    const raised = stores ? context.raised : context.raised & (EARLY | EXCEPTION.stack);
    this.status |= raised;
    this.setC1(this.#overflow || (stores && context.roundedUp));
    this.updateSummary();
    return stores;
  }

  /** ES and B: an exception is pending that is not masked. */
  updateSummary(): void {
    const pending = (this.status & ~this.control & ALL_MASKS) !== 0;
    const summary = STATUS.ES | STATUS.B;
    this.status = pending ? this.status | summary : this.status & ~summary;
  }

  /** FNINIT. Registers keep their bytes. */
  initialize(): void {
    this.control = 0x37f;
    this.status = 0;
    this.tag = 0xffff;
    this.opcode = 0;
    this.ip = this.dp = 0n;
    this.cs = this.ds = 0;
  }

  /** The tag word as FNSTENV stores it: what the registers hold is looked at anew. */
  computedTag(): number {
    let tag = 0;
    for (let n = 0; n < 8; n++) {
      const stored = (this.tag >>> (n * 2)) & 3;
      tag |=
        (stored === TAG.empty ? stored : tagOf(fromBytes(this.#view, STATE.fpuRegisters + n * 16))) <<
        (n * 2);
    }
    return tag;
  }
}

function tagOf(value: Float80): number {
  const kind = kindOf(value);
  return kind === "zero" ? TAG.zero : kind === "normal" ? TAG.valid : TAG.special;
}

/** #NM if the unit is absent or holds another task's state. */
export function checkAvailable(core: Core): void {
  if ((core.cr0 & (CR0.EM | CR0.TS)) !== 0)
    throw new Fault(VECTOR.NM, null, "x87 instruction while CR0.EM or CR0.TS is set");
}

/** What waiting instructions do first: an unmasked exception of an earlier instruction is delivered now (SDM 1 §8.7). */
export function checkPending(unit: Unit, insn: Instruction): void {
  if ((unit.status & STATUS.ES) === 0) return;
  const { core } = unit;
  if ((core.cr0 & CR0.NE) !== 0) throw new Fault(VECTOR.MF, null, "an x87 exception is pending");
  throw new Halt({
    kind: "unimplemented",
    name: "x87 exception through FERR# (CR0.NE = 0)",
    rip: core.rip - BigInt(insn.length),
    bytes: new Uint8Array(0),
  });
}

/** Starts an instruction that is not a control instruction: checks, then remembers where it and its operand are. */
export function begin(core: Core, insn: Instruction): Unit {
  checkAvailable(core);
  const unit = new Unit(core);
  checkPending(unit, insn);
  return unit;
}

/**
 * Notes the instruction as the last one, for FNSTENV and the like. Called when nothing can fault any more. The opcode is noted only as far as it is
 * known here: processors since the Pentium 4 do not keep it either (SDM 1 §8.1.9.1).
 */
export function note(unit: Unit, insn: Instruction): void {
  const { core } = unit;
  unit.ip = core.rip - BigInt(insn.length);
  unit.cs = core.selector(SEG.cs);
  if (insn.rm >= 0) return;
  unit.dp = core.effective;
  unit.ds = core.selector(insn.segment);
}
