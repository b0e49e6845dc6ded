/** x87 comparisons and examinations: FCOM FUCOM FICOM FTST to C3 C2 C0, FCOMI FUCOMI to RFLAGS, and FXAM. */
import { FLAG, STATUS_FLAGS } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { loadDouble, loadInteger, loadSingle } from "./access.ts";
import { compare, integer80, type Operand, operand, type Order } from "./arithmetic.ts";
import { fromDouble, fromSingle } from "./conversion.ts";
import { type Kind, zero } from "./float80.ts";
import { EXCEPTION } from "./rounding.ts";
import { begin, note, STATUS, type Unit } from "./unit.ts";

function setConditions(unit: Unit, order: Order): void {
  const unordered = order === "unordered";
  unit.setConditions(unordered || order === "equal", unordered, unordered || order === "less");
}

/** How a comparison ends: conditions are set in any case, an unmasked exception only keeps the stack as it was. */
function conclude(unit: Unit, order: Order, pops: number): void {
  const settled = unit.settle();
  setConditions(unit, order);
  if (!settled) return;
  for (let n = 0; n < pops; n++) unit.pop();
}

const withMemory =
  (load: (...parameters: Parameters<Operation>) => Operand, pops: number): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const b = load(core, insn);
    const order = unit.underflows(0) ? "unordered" : compare(unit.context, unit.operand(0), b, false);
    conclude(unit, order, pops);
    note(unit, insn);
  };

const withRegister =
  (quiet: boolean, pops: number): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const i = pops === 2 ? 1 : insn.rm;
    const order = unit.underflows(0, i)
      ? "unordered"
      : compare(unit.context, unit.operand(0), unit.operand(i), quiet);
    conclude(unit, order, pops);
    note(unit, insn);
  };

const toFlags =
  (quiet: boolean, pop: boolean): Operation =>
  (core, insn) => {
    const unit = begin(core, insn);
    const order = unit.underflows(0, insn.rm)
      ? "unordered"
      : compare(unit.context, unit.operand(0), unit.operand(insn.rm), quiet);
    // C1 is only touched by a stack fault here.
    const c1 = (unit.status & STATUS.C1) !== 0;
    const settled = unit.settle();
    if ((unit.context.raised & EXCEPTION.stack) === 0) unit.setC1(c1);
    const unordered = order === "unordered";
    const flags =
      (unordered || order === "equal" ? FLAG.ZF : 0) |
      (unordered ? FLAG.PF : 0) |
      (unordered || order === "less" ? FLAG.CF : 0);
    core.eflags = (core.eflags & ~STATUS_FLAGS) | flags;
    if (settled && pop) unit.pop();
    note(unit, insn);
  };

const ftst: Operation = (core, insn) => {
  const unit = begin(core, insn);
  const order = unit.underflows(0)
    ? "unordered"
    : compare(unit.context, unit.operand(0), operand(zero(0)), false);
  conclude(unit, order, 0);
  note(unit, insn);
};

/** C3 C2 C0 of FXAM (SDM 2A, table 3-36). */
const CLASS: Record<Kind | "empty", readonly [boolean, boolean, boolean]> = {
  unsupported: [false, false, false],
  quiet: [false, false, true],
  signaling: [false, false, true],
  normal: [false, true, false],
  infinity: [false, true, true],
  zero: [true, false, false],
  empty: [true, false, true],
  denormal: [true, true, false],
};

const fxam: Operation = (core, insn) => {
  const unit = begin(core, insn);
  const { kind, value } = unit.operand(0);
  unit.setConditions(...CLASS[unit.isEmpty(0) ? "empty" : kind]);
  unit.setC1(value.sign === 1);
  note(unit, insn);
};

export const comparisonOperations: Record<string, Operation> = {
  ftst,
  fxam,
  fcom_sti: withRegister(false, 0),
  fcomp_sti: withRegister(false, 1),
  fcompp: withRegister(false, 2),
  fucom_sti: withRegister(true, 0),
  fucomp_sti: withRegister(true, 1),
  fucompp: withRegister(true, 2),
  fcomi: toFlags(false, false),
  fcomip: toFlags(false, true),
  fucomi: toFlags(true, false),
  fucomip: toFlags(true, true),
};
for (const [name, pops] of [
  ["fcom", 0],
  ["fcomp", 1],
] as const) {
  comparisonOperations[`${name}_m32`] = withMemory((core, insn) => fromSingle(loadSingle(core, insn)), pops);
  comparisonOperations[`${name}_m64`] = withMemory((core, insn) => fromDouble(loadDouble(core, insn)), pops);
  comparisonOperations[`${name}_i16`] = withMemory(
    (core, insn) => operand(integer80(loadInteger(core, insn, 16))),
    pops,
  );
  comparisonOperations[`${name}_i32`] = withMemory(
    (core, insn) => operand(integer80(loadInteger(core, insn, 32))),
    pops,
  );
}
