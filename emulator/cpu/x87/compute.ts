/**
 * x87 instructions that compute: addition to division with every kind of operand, and the one- and two-operand functions of the stack top
 * (SDM 2A/2B: FADD FSUB FSUBR FMUL FDIV FDIVR, FI…, FSQRT FRNDINT FSCALE FXTRACT FPREM FPREM1 FABS FCHS).
 */
import type { Operation } from "../instruction.ts";
import { loadDouble, loadInteger, loadSingle } from "./access.ts";
import {
  add,
  divide,
  extract,
  multiply,
  type Operand,
  operand,
  integer80,
  remainder,
  roundToInteger,
  scaleBy,
  squareRoot,
  subtract,
} from "./arithmetic.ts";
import { fromDouble, fromSingle } from "./conversion.ts";
import { type Float80, INDEFINITE } from "./float80.ts";
import type { Context } from "./rounding.ts";
import { begin, note, type Unit } from "./unit.ts";

type Binary = (context: Context, a: Operand, b: Operand) => Float80;

const BINARY: Record<string, Binary> = {
  fadd: add,
  fmul: multiply,
  fsub: subtract,
  fsubr: (context, a, b) => subtract(context, b, a),
  fdiv: divide,
  fdivr: (context, a, b) => divide(context, b, a),
};

/** Fetches a memory operand; called after pending exceptions were looked at and before anything changes. */
type Load = (...parameters: Parameters<Operation>) => Operand;

const MEMORY: Record<string, Load> = {
  m32: (core, insn) => fromSingle(loadSingle(core, insn)),
  m64: (core, insn) => fromDouble(loadDouble(core, insn)),
  i16: (core, insn) => operand(integer80(loadInteger(core, insn, 16))),
  i32: (core, insn) => operand(integer80(loadInteger(core, insn, 32))),
};

const withMemory =
  (compute: Binary, load: Load): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const b = load(core, insn);
    const result = unit.underflows(0) ? INDEFINITE : compute(unit.context, unit.operand(0), b);
    if (unit.settle()) unit.setValue(0, result);
    note(unit, insn);
  };

/** `destination` is "st0" or "sti"; the first operand of `compute` is the destination. */
const withRegister =
  (compute: Binary, destination: "st0" | "sti", pop: boolean): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const to = destination === "st0" ? 0 : insn.rm;
    const from = destination === "st0" ? insn.rm : 0;
    const result = unit.underflows(to, from)
      ? INDEFINITE
      : compute(unit.context, unit.operand(to), unit.operand(from));
    if (unit.settle()) {
      unit.setValue(to, result);
      if (pop) unit.pop();
    }
    note(unit, insn);
  };

const unary =
  (compute: (unit: Unit) => Float80): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const result = unit.underflows(0) ? INDEFINITE : compute(unit);
    if (unit.settle()) unit.setValue(0, result);
    note(unit, insn);
  };

const partialRemainder =
  (nearest: boolean): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const { value, quotient } = unit.underflows(0, 1)
      ? ({ value: INDEFINITE, quotient: "none" } as const)
      : remainder(unit.context, unit.operand(0), unit.operand(1), nearest);
    const settled = unit.settle();
    if (settled) unit.setValue(0, value);
    // Without a quotient C3 and C0 stay as they were, and the reduction counts as complete.
    if (!settled || quotient === "none") unit.setC2(false);
    else {
      const bits = quotient === "partial" ? 0 : quotient;
      unit.setConditions((bits & 2) !== 0, quotient === "partial", (bits & 4) !== 0);
      unit.setC1((bits & 1) !== 0);
    }
    note(unit, insn);
  };

const fxtract: Operation = (core, insn) => {
  const unit = begin(core, insn);
  let result = { exponent: INDEFINITE, significand: INDEFINITE };
  if (!unit.underflows(0)) {
    if (unit.isEmpty(-1)) result = extract(unit.context, unit.operand(0));
    else unit.stackFault(true);
  }
  if (unit.settle()) {
    unit.setValue(0, result.exponent);
    unit.push(result.significand);
  }
  note(unit, insn);
};

const entries: [string, Operation][] = [
  ["fsqrt", unary((unit) => squareRoot(unit.context, unit.operand(0)))],
  ["frndint", unary((unit) => roundToInteger(unit.context, unit.operand(0)))],
  ["fabs", unary((unit) => ({ ...unit.value(0), sign: 0 }))],
  ["fchs", unary((unit) => ({ ...unit.value(0), sign: unit.value(0).sign ^ 1 }))],
  [
    "fscale",
    unary((unit) =>
      unit.underflows(1) ? INDEFINITE : scaleBy(unit.context, unit.operand(0), unit.operand(1)),
    ),
  ],
  ["fprem", partialRemainder(false)],
  ["fprem1", partialRemainder(true)],
  ["fxtract", fxtract],
];
for (const [name, compute] of Object.entries(BINARY)) {
  for (const [memory, load] of Object.entries(MEMORY))
    entries.push([`${name}_${memory}`, withMemory(compute, load)]);
  entries.push([`${name}_st0_sti`, withRegister(compute, "st0", false)]);
  entries.push([`${name}_sti_st0`, withRegister(compute, "sti", false)]);
  entries.push([`${name}p_sti_st0`, withRegister(compute, "sti", true)]);
}

export const computeOperations: Record<string, Operation> = Object.fromEntries(entries);
