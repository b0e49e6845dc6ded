/** Decimal adjustment (SDM 2A: AAA AAD AAM AAS DAA DAS). AL and AH are adjusted; undefined flags follow what processors do. */
import { FLAG, type Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Operation } from "../instruction.ts";

const al = (core: Core): number => core.gpr16(0) & 0xff;
const setAl = (core: Core, value: number): void =>
  core.setGpr16(0, (core.gpr16(0) & 0xff00) | (value & 0xff));

/** SF, ZF and PF of a byte, with CF and AF given; OF is cleared. */
function setFlags(core: Core, result: number, carry: boolean, half: boolean): void {
  const byte = result & 0xff;
  let image = core.eflags & ~(FLAG.CF | FLAG.AF | FLAG.SF | FLAG.ZF | FLAG.PF | FLAG.OF);
  if (carry) image |= FLAG.CF;
  if (half) image |= FLAG.AF;
  if (byte === 0) image |= FLAG.ZF;
  if ((byte & 0x80) !== 0) image |= FLAG.SF;
  const folded = byte ^ (byte >> 4);
  if (((0x9669 >> (folded & 15)) & 1) !== 0) image |= FLAG.PF;
  core.eflags = image;
}

/** DAA and DAS differ only in the direction. */
const adjustPacked =
  (sign: 1 | -1): Operation =>
  (core) => {
    const old = al(core);
    const flags = core.eflags;
    const hadCarry = (flags & FLAG.CF) !== 0;
    let value = old;
    let carry = false;
    const half = (old & 15) > 9 || (flags & FLAG.AF) !== 0;
    if (half) {
      value += 6 * sign;
      carry = hadCarry || value < 0 || value > 0xff;
    }
    if (old > 0x99 || hadCarry) {
      value += 0x60 * sign;
      carry = true;
    } else if (sign === 1) {
      carry = false;
    }
    setAl(core, value);
    setFlags(core, value, carry, half);
  };

/** AAA and AAS: the whole of AX takes part, so a carry out of AL reaches AH. */
const adjustUnpacked =
  (sign: 1 | -1): Operation =>
  (core) => {
    const ax = core.gpr16(0);
    const adjust = (ax & 15) > 9 || (core.eflags & FLAG.AF) !== 0;
    const result = adjust ? ax + 0x106 * sign : ax;
    core.setGpr16(0, result & 0xff0f);
    setFlags(core, result & 0x0f, adjust, adjust);
  };

export const decimalOperations: Record<string, Operation> = {
  daa: adjustPacked(1),
  das: adjustPacked(-1),
  aaa: adjustUnpacked(1),
  aas: adjustUnpacked(-1),
  aam: (core, insn) => {
    const base = Number(insn.immediate);
    if (base === 0) throw new Fault(VECTOR.DE, null, "AAM with base 0");
    const value = al(core);
    const low = value % base;
    core.setGpr16(0, (Math.floor(value / base) << 8) | low);
    setFlags(core, low, false, false);
  },
  aad: (core, insn) => {
    const ax = core.gpr16(0);
    const product = (ax >> 8) * Number(insn.immediate);
    const result = ((ax & 0xff) + product) & 0xff;
    core.setGpr16(0, result);
    setFlags(core, result, false, false);
  },
};
