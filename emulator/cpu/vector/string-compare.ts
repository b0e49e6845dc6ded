/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM (SDM 2B 4.1 "Imm8 control byte operation"): two strings of bytes or words compared in one of four ways.
 *
 *     imm8  1:0 unsigned bytes, unsigned words, signed bytes, signed words      3:2 equal any, ranges, equal each, equal ordered
 *           5:4 polarity: as is, negated, as is, negated where the second operand is valid      6 greatest index, or a mask of whole elements
 */
import type { Core } from "../core.ts";
import { FLAG } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { STATE } from "../layout.ts";
import { STATUS_FLAGS } from "../registers.ts";
import { requireSse, sourceAddress } from "./access.ts";

const [RAX, RCX, RDX] = [0, 1, 2] as const;
const AGGREGATION = { any: 0, ranges: 1, each: 2, ordered: 3 } as const;

interface Comparison {
  /** One bit for each element of the second operand. */
  readonly result: number;
  readonly count: number;
  readonly lengths: readonly [first: number, second: number];
}

function elements(core: Core, at: number, control: number): number[] {
  const { view } = core;
  const words = (control & 1) !== 0;
  const signed = (control & 2) !== 0;
  return Array.from({ length: words ? 8 : 16 }, (_, i) => {
    if (words) return signed ? view.getInt16(at + 2 * i, true) : view.getUint16(at + 2 * i, true);
    return signed ? view.getInt8(at + i) : view.getUint8(at + i);
  });
}

/** Length in a register: its absolute value, at most all elements. */
function explicitLength(core: Core, register: number, insn: Instruction, count: number): number {
  const value =
    insn.operandSize === 64 ? BigInt.asIntN(64, core.gpr(register)) : BigInt.asIntN(32, core.gpr(register));
  const length = value < 0n ? -value : value;
  return length > BigInt(count) ? count : Number(length);
}
const implicitLength = (values: readonly number[]): number => {
  const end = values.indexOf(0);
  return end < 0 ? values.length : end;
};

function compare(core: Core, insn: Instruction, explicit: boolean): Comparison {
  requireSse(core);
  const control = Number(insn.immediate);
  // Memory need not be aligned here.
  const source = sourceAddress(core, insn, 16, { unaligned: true });
  const second = elements(core, source, control);
  const first = elements(core, STATE.xmm + insn.reg * 16, control);
  const count = first.length;
  const lengths = explicit
    ? ([explicitLength(core, RAX, insn, count), explicitLength(core, RDX, insn, count)] as const)
    : ([implicitLength(first), implicitLength(second)] as const);
  let result = 0;
  for (let j = 0; j < count; j++)
    if (matches((control >>> 2) & 3, first, second, lengths, j)) result |= 1 << j;
  if ((control & 0x10) !== 0) {
    const all = (1 << count) - 1;
    result ^= (control & 0x20) !== 0 ? (1 << lengths[1]) - 1 : all;
  }
  return { result, count, lengths };
}

/** Bit j of the intermediate result; what compares with an element beyond an end is decided by the aggregation (SDM 2B table 4-7). */
function matches(
  aggregation: number,
  first: readonly number[],
  second: readonly number[],
  [firstLength, secondLength]: readonly [number, number],
  j: number,
): boolean {
  switch (aggregation) {
    case AGGREGATION.any:
      return j < secondLength && first.slice(0, firstLength).includes(second[j]!);
    case AGGREGATION.ranges:
      if (j >= secondLength) return false;
      for (let i = 0; i + 1 < firstLength; i += 2)
        if (first[i]! <= second[j]! && second[j]! <= first[i + 1]!) return true;
      return false;
    case AGGREGATION.each:
      if (j >= firstLength || j >= secondLength) return j >= firstLength && j >= secondLength;
      return first[j] === second[j];
    default:
      // The first operand, as far as it is valid, is found at j; what does not fit any more is taken to match.
      for (let i = 0; i < firstLength && i + j < second.length; i++)
        if (i + j >= secondLength || first[i] !== second[i + j]) return false;
      return true;
  }
}

function setFlags(core: Core, { result, count, lengths }: Comparison): void {
  const flags =
    (result !== 0 ? FLAG.CF : 0) |
    (lengths[1] < count ? FLAG.ZF : 0) |
    (lengths[0] < count ? FLAG.SF : 0) |
    ((result & 1) !== 0 ? FLAG.OF : 0);
  core.eflags = (core.eflags & ~STATUS_FLAGS) | flags;
}

const index =
  (explicit: boolean): Operation =>
  (core, insn) => {
    const comparison = compare(core, insn, explicit);
    const { result, count } = comparison;
    const greatest = (insn.immediate & 0x40n) !== 0n;
    const found = result === 0 ? count : 31 - Math.clz32(greatest ? result : result & -result);
    core.setGpr32(RCX, found);
    setFlags(core, comparison);
  };

const mask =
  (explicit: boolean): Operation =>
  (core, insn) => {
    const comparison = compare(core, insn, explicit);
    const { result, count } = comparison;
    const to = core.xmm(0);
    to.fill(0);
    if ((insn.immediate & 0x40n) === 0n) {
      to[0] = result & 0xff;
      to[1] = result >>> 8;
    } else {
      const bytes = 16 / count;
      for (let i = 0; i < 16; i++) to[i] = ((result >>> Math.floor(i / bytes)) & 1) !== 0 ? 0xff : 0;
    }
    setFlags(core, comparison);
  };

export const stringOperations: Record<string, Operation> = {
  pcmpestri: index(true),
  pcmpestrm: mask(true),
  pcmpistri: index(false),
  pcmpistrm: mask(false),
};
