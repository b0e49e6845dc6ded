/**
 * x87 instructions that move values: loads and stores in every format, constants, FXCH, FCMOVcc, and the stack pointer and tags
 * (SDM 2A: FLD FST FSTP FILD FIST FISTP FISTTP FBLD FBSTP FLD1 … FXCH FCMOVcc FFREE FINCSTP FDECSTP).
 */
import { FLAG } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";
import type { Core } from "../core.ts";
import { loadBytes, loadDouble, loadInteger, loadSingle, storeBytes } from "./access.ts";
import { integer80, type Operand } from "./arithmetic.ts";
import {
  DECIMAL_INDEFINITE,
  fromBytes,
  fromDecimal,
  fromDouble,
  fromSingle,
  toBytes,
  toDecimal,
  toDouble,
  toInteger,
  toSingle,
} from "./conversion.ts";
import { BIAS, type Float80, float80, INDEFINITE, ONE, quieted, zero } from "./float80.ts";
import { type Context, EXCEPTION, ROUND } from "./rounding.ts";
import { begin, note, type Unit } from "./unit.ts";

/** Pushes what `value` gives, or the indefinite if there is no room. */
const load =
  (value: (unit: Unit, core: Core, insn: Instruction) => Float80): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    let result = value(unit, core, insn);
    if (!unit.isEmpty(-1) && (unit.context.raised & EXCEPTION.stack) === 0) {
      // The stack fault comes before whatever is wrong with the operand.
      unit.context.raised = 0;
      unit.stackFault(true);
      result = INDEFINITE;
    }
    // A denormal operand is loaded even if its exception is unmasked: only invalid ones are not.
    const { raised, masks } = unit.context;
    unit.settle();
    if ((raised & ~masks & EXCEPTION.invalid) === 0) unit.push(result);
    note(unit, insn);
  };

/** A loaded m32 or m64: signaling NaNs become quiet, denormals are reported. */
function widened(unit: Unit, { value, kind, denormal }: Operand): Float80 {
  if (denormal) unit.context.raised |= EXCEPTION.denormal;
  if (kind !== "signaling") return value;
  unit.context.raised |= EXCEPTION.invalid;
  return quieted(value);
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Stores to memory what `convert` makes of ST(0); null stores nothing (an unmasked exception). */
const store =
  (
    convert: (context: Context, value: Float80) => Uint8Array | null,
    missing: () => Uint8Array,
    pop: boolean,
  ): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const bytes = unit.underflows(0) ? missing() : convert(unit.context, unit.value(0));
    if (bytes !== null && unit.stores) storeBytes(core, insn, bytes);
    if (unit.settle() && bytes !== null && pop) unit.pop();
    note(unit, insn);
  };

function integerBytes(value: bigint, bits: number): Uint8Array {
  const bytes = new Uint8Array(bits / 8);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

function extendedBytes(value: Float80): Uint8Array {
  const bytes = new Uint8Array(10);
  toBytes(viewOf(bytes), 0, value);
  return bytes;
}

const converted = (value: bigint | null, bits: number): Uint8Array | null =>
  value === null ? null : integerBytes(value, bits);

const storeSingle = (pop: boolean): Operation =>
  store((context, value) => converted(toSingle(context, value), 32), () => integerBytes(0xffc0_0000n, 32), pop); // oxfmt-ignore
const storeDouble = (pop: boolean): Operation =>
  store((context, value) => converted(toDouble(context, value), 64), () => integerBytes(0xfff8n << 48n, 64), pop); // oxfmt-ignore
const storeInteger = (bits: number, pop: boolean, truncate = false): Operation =>
  store(
    (context, value) =>
      converted(toInteger(context, value, bits, truncate ? ROUND.chop : context.rounding), bits),
    () => integerBytes(1n << BigInt(bits - 1), bits),
    pop,
  );

const copyTo =
  (pop: boolean): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const value = unit.underflows(0) ? INDEFINITE : unit.value(0);
    if (unit.settle()) {
      unit.setValue(insn.rm, value);
      if (pop) unit.pop();
    }
    note(unit, insn);
  };

/** The undocumented D9 D8+i: pops an empty stack without complaint. */
const copyUnchecked: Operation = (core, insn) => {
  const unit = begin(core, insn);
  unit.settle();
  if (!unit.isEmpty(0)) unit.setValue(insn.rm, unit.value(0));
  unit.pop();
  note(unit, insn);
};

const fxch: Operation = (core, insn) => {
  const unit = begin(core, insn);
  const missing = unit.underflows(0, insn.rm);
  const a = missing && unit.isEmpty(0) ? INDEFINITE : unit.value(0);
  const b = missing && unit.isEmpty(insn.rm) ? INDEFINITE : unit.value(insn.rm);
  if (unit.settle()) {
    unit.setValue(0, b);
    unit.setValue(insn.rm, a);
  }
  note(unit, insn);
};

const move =
  (mask: number, set: boolean): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const moves = ((core.eflags & mask) !== 0) === set;
    const value = unit.underflows(0, insn.rm) ? INDEFINITE : unit.value(insn.rm);
    const faults = unit.context.raised !== 0;
    if ((!faults || unit.settle()) && (moves || faults)) unit.setValue(0, value);
    note(unit, insn);
  };

/** A constant of 66 bits, so that it can be rounded as RC says (SDM 1 §8.3.8): significand, and whether its 65th bit is set. */
const constant = (exponent: number, significand: bigint, tail: "below half" | "above half"): Operation =>
  load((unit) => {
    const { rounding } = unit.context;
    const up = rounding === ROUND.up || (rounding === ROUND.nearest && tail === "above half");
    return float80(0, BIAS + exponent, significand + (up ? 1n : 0n));
  });

const stackOperation =
  (change: (unit: Unit, insn: Instruction) => void): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    change(unit, insn);
    note(unit, insn);
  };

export const transferOperations: Record<string, Operation> = {
  fld_sti: load((unit, _core, insn) => {
    if (!unit.isEmpty(insn.rm)) return unit.value(insn.rm);
    unit.stackFault();
    return INDEFINITE;
  }),
  fld_m32: load((unit, core, insn) => widened(unit, fromSingle(loadSingle(core, insn)))),
  fld_m64: load((unit, core, insn) => widened(unit, fromDouble(loadDouble(core, insn)))),
  fld_m80: load((_unit, core, insn) => fromBytes(loadBytes(core, insn, 10), 0)),
  fild_i16: load((_unit, core, insn) => integer80(loadInteger(core, insn, 16))),
  fild_i32: load((_unit, core, insn) => integer80(loadInteger(core, insn, 32))),
  fild_i64: load((_unit, core, insn) => integer80(loadInteger(core, insn, 64))),
  fbld: load((_unit, core, insn) => fromDecimal(new Uint8Array(loadBytes(core, insn, 10).buffer))),

  fst_m32: storeSingle(false),
  fstp_m32: storeSingle(true),
  fst_m64: storeDouble(false),
  fstp_m64: storeDouble(true),
  fstp_m80: store(
    (_context, value) => extendedBytes(value),
    () => extendedBytes(INDEFINITE),
    true,
  ),
  fist_i16: storeInteger(16, false),
  fist_i32: storeInteger(32, false),
  fistp_i16: storeInteger(16, true),
  fistp_i32: storeInteger(32, true),
  fistp_i64: storeInteger(64, true),
  fisttp_i16: storeInteger(16, true, true),
  fisttp_i32: storeInteger(32, true, true),
  fisttp_i64: storeInteger(64, true, true),
  fbstp: store(toDecimal, () => DECIMAL_INDEFINITE, true),

  fst_sti: copyTo(false),
  fstp_sti: copyTo(true),
  fstpnce_sti: copyUnchecked,
  fxch,
  fcmovb: move(FLAG.CF, true),
  fcmove: move(FLAG.ZF, true),
  fcmovbe: move(FLAG.CF | FLAG.ZF, true),
  fcmovu: move(FLAG.PF, true),
  fcmovnb: move(FLAG.CF, false),
  fcmovne: move(FLAG.ZF, false),
  fcmovnbe: move(FLAG.CF | FLAG.ZF, false),
  fcmovnu: move(FLAG.PF, false),

  fld1: load(() => ONE),
  fldz: load(() => zero(0)),
  fldl2t: constant(1, 0xd49a_784b_cd1b_8afen, "below half"),
  fldl2e: constant(0, 0xb8aa_3b29_5c17_f0bbn, "above half"),
  fldpi: constant(1, 0xc90f_daa2_2168_c234n, "above half"),
  fldlg2: constant(-2, 0x9a20_9a84_fbcf_f798n, "above half"),
  fldln2: constant(-1, 0xb172_17f7_d1cf_79abn, "above half"),

  ffree: stackOperation((unit, insn) => {
    unit.free(insn.rm);
    unit.setC1(false);
  }),
  ffreep: stackOperation((unit, insn) => {
    unit.free(insn.rm);
    unit.setC1(false);
    unit.pop();
  }),
  fincstp: stackOperation((unit) => {
    unit.top++;
    unit.setC1(false);
  }),
  fdecstp: stackOperation((unit) => {
    unit.top--;
    unit.setC1(false);
  }),
  fnop: stackOperation(() => undefined),
};
