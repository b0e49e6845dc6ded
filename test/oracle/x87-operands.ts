/** Operands and states for the x87 tests: values at the edges of every format, and FXSAVE images of random units. */
import type { Core } from "../../emulator/cpu/core.ts";
import { Unit } from "../../emulator/cpu/x87/unit.ts";
import type { Random } from "./random.ts";

const INTEGER = 1n << 63n;

/** Exponents at which something happens: the ends of m32, m64 and m80, integers of 16, 32 and 64 bits, wrapped results. */
const EXPONENTS = [
  0, 1, 2, 63, 64, 65, 0x2000, 0x3fff, 0x3ffe, 0x4000, 0x3ffd, 0x400d, 0x400e, 0x400f, 0x401d, 0x401e, 0x401f, 0x403d, 0x403e, 0x403f, 0x4040,
  0x3f80, 0x3f81, 0x3f82, 0x3f69, 0x3f6a, 0x3f68, 0x407e, 0x407f, 0x4080, 0x3c00, 0x3c01, 0x3c02, 0x3bcd, 0x3bcc, 0x3bce, 0x43fe, 0x43ff, 0x4400,
  0x7ffe, 0x7ffd, 0x7fff, 0x6000, 0x5fff, 0x1fff, 0x3fbf, 0x3fc0, 0x3fbe, 0x403a, 0x403b, 0x403c,
]; // oxfmt-ignore
const SIGNIFICANDS = [
  0n, 1n, 2n, INTEGER, INTEGER | 1n, INTEGER - 1n, 2n * INTEGER - 1n, INTEGER | (INTEGER >> 1n), (INTEGER >> 1n) | 1n, INTEGER >> 1n,
  0xc000_0000_0000_0001n, 0xffff_ff00_0000_0000n, 0xffff_ff80_0000_0000n, 0xffff_ff7f_ffff_ffffn, 0xffff_ffff_ffff_f800n, 0xffff_ffff_ffff_fc00n,
  0xffff_ffff_ffff_fbffn, 0x8000_0080_0000_0000n, 0x8000_0000_0000_0400n, 0x8000_0000_0000_0c00n, 0x8000_0180_0000_0000n, 0xa000_0000_0000_0000n,
]; // oxfmt-ignore

function significand(random: Random): bigint {
  const kind = random.below(8);
  if (kind < 3) return random.pick(SIGNIFICANDS);
  const wide = random.bits64();
  // Few bits, so that results are exact or half way now and then.
  if (kind < 5)
    return INTEGER | ((wide >> 40n) << 40n) | (random.oneIn(2) ? 0n : 1n << BigInt(random.below(64)));
  if (kind < 7) return INTEGER | wide;
  return wide;
}

/** An 80-bit value, high part (sign and exponent) and significand. */
export function interestingValue(
  random: Random,
  near?: number,
): { readonly high: number; readonly significand: bigint } {
  const sign = random.below(2) << 15;
  const kind = random.below(10);
  const exponent =
    near !== undefined && random.oneIn(2)
      ? (near + random.below(140) - 70) & 0x7fff
      : kind < 5
        ? random.pick(EXPONENTS)
        : kind < 9
          ? 0x3fff + random.below(72) - 6
          : random.bits32() & 0x7fff;
  const bits = significand(random);
  // A significand that fits its exponent in most cases; unnormals and the like in the others.
  if (random.oneIn(40)) return { high: sign, significand: bits | INTEGER };
  if (random.oneIn(12)) return { high: sign | exponent, significand: bits };
  if (exponent === 0) return { high: sign, significand: random.oneIn(3) ? bits : bits & (INTEGER - 1n) };
  return { high: sign | exponent, significand: bits | INTEGER };
}

function narrowBits(random: Random, width: number, precision: number): bigint {
  const bits = BigInt.asUintN(width, random.bits64());
  const fraction = BigInt(precision - 1);
  const edges = [
    0n,
    1n,
    2n,
    (1n << (BigInt(width) - BigInt(precision))) - 1n,
    (1n << (BigInt(width) - BigInt(precision))) - 2n,
  ];
  const bias = (1n << BigInt(width - precision - 1)) - 1n;
  const exponent = random.oneIn(2) ? random.pick(edges) : bias + BigInt(random.below(40) - 4);
  const low = random.pick([
    0n,
    1n,
    bits,
    bits,
    (1n << fraction) - 1n,
    1n << (fraction - 1n),
    (bits >> 20n) << 20n,
  ]);
  const sign = BigInt(random.below(2)) << BigInt(width - 1);
  return (
    sign | (BigInt.asUintN(width - precision, exponent) << fraction) | BigInt.asUintN(precision - 1, low)
  );
}

/** 16 bytes of memory operand, fit for the format in the operation's name. */
export function interestingOperand(random: Random, name: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, random.bits64(), true);
  view.setBigUint64(8, random.bits64(), true);
  if (name.endsWith("_m32")) view.setBigUint64(0, narrowBits(random, 32, 24), true);
  else if (name.endsWith("_m64")) view.setBigUint64(0, narrowBits(random, 64, 53), true);
  else if (name.endsWith("_m80")) {
    const value = interestingValue(random);
    view.setBigUint64(0, value.significand, true);
    view.setUint16(8, value.high, true);
  } else if (name === "fbld") {
    for (let i = 0; i < 9; i++) bytes[i] = (random.below(10) << 4) | random.below(10);
    if (random.oneIn(4)) bytes.fill(0, random.below(9), 9);
    bytes[9] = random.below(256);
  } else if (random.oneIn(3)) {
    view.setBigInt64(0, BigInt(random.below(9) - 4), true);
  } else if (random.oneIn(4)) {
    view.setBigUint64(0, random.pick([INTEGER, INTEGER >> 32n, INTEGER >> 48n, INTEGER - 1n]), true);
  }
  if (name === "fldcw") view.setUint16(0, random.bits32(), true);
  return bytes;
}

/** An FXSAVE image of a unit in a random state; an exception is pending in few of them. */
export function randomState87(random: Random): Uint8Array {
  const image = new Uint8Array(512);
  const view = new DataView(image.buffer);
  const masks = random.oneIn(3) ? random.bits32() & 0x3f : 0x3f;
  const control = 0x40 | masks | (random.pick([0, 2, 3, 3]) << 8) | (random.below(4) << 10);
  let status = random.bits32() & (random.oneIn(2) ? 0x7f7f : 0x7f00);
  if (!random.oneIn(16)) status &= ~(~control & 0x3f);
  if ((status & ~control & 0x3f) !== 0) status |= 0x8080;
  view.setUint16(0, control, true);
  view.setUint16(2, status, true);
  view.setUint8(
    4,
    random.oneIn(3)
      ? random.bits32() & 0xff
      : 0xff & ~(random.oneIn(2) ? 1 << (((status >> 11) + 7) & 7) : 0),
  );
  view.setUint32(24, 0x1f80, true);
  for (let at = 160; at < 416; at += 4) view.setUint32(at, random.bits32(), true);
  let near: number | undefined;
  for (let i = 0; i < 8; i++) {
    const value = interestingValue(random, near);
    near = value.high & 0x7fff;
    view.setBigUint64(32 + i * 16, value.significand, true);
    view.setUint16(40 + i * 16, value.high, true);
  }
  return image;
}

/** The image that FLDENV, FRSTOR or FXRSTOR reads, in the form that goes with the operand size. */
export function randomImage(random: Random, name: string, operandSize: number): Uint8Array {
  const state = randomState87(random);
  if (name === "fxrstor") return state;
  const view = new DataView(state.buffer);
  const image = new Uint8Array(112);
  const fields = new DataView(image.buffer);
  const step = operandSize === 16 ? 2 : 4;
  for (let at = 0; at < image.length; at += 4) fields.setUint32(at, random.bits32(), true);
  fields.setUint16(0, view.getUint16(0, true), true);
  fields.setUint16(step, view.getUint16(2, true), true);
  for (let i = 0; i < 8; i++) image.set(state.subarray(32 + i * 16, 42 + i * 16), 7 * step + i * 10);
  return image;
}

/** The emulator's x87 and SSE state in and out of an FXSAVE image with 64-bit pointers. */
export const image87 = {
  load(core: Core, image: Uint8Array): void {
    const view = new DataView(image.buffer, image.byteOffset);
    const unit = new Unit(core);
    unit.status = view.getUint16(2, true);
    unit.tag = 0;
    for (let i = 0; i < 8; i++) {
      const physical = (unit.top + i) & 7;
      core.fpuRegister(physical).set(image.subarray(32 + i * 16, 48 + i * 16));
      if (((image[4]! >>> physical) & 1) === 0) unit.tag |= 3 << (physical * 2);
    }
    unit.control = view.getUint16(0, true);
    unit.opcode = view.getUint16(6, true);
    unit.ip = view.getBigUint64(8, true);
    unit.dp = view.getBigUint64(16, true);
    unit.cs = unit.ds = 0;
    core.mxcsr = view.getUint32(24, true);
    for (let n = 0; n < 16; n++) core.xmm(n).set(image.subarray(160 + n * 16, 176 + n * 16));
  },
  save(core: Core): Uint8Array {
    const image = new Uint8Array(512);
    const view = new DataView(image.buffer);
    const unit = new Unit(core);
    view.setUint16(0, unit.control, true);
    view.setUint16(2, unit.status, true);
    for (let n = 0; n < 8; n++) if (((unit.tag >>> (n * 2)) & 3) !== 3) image[4]! |= 1 << n;
    view.setUint16(6, unit.opcode, true);
    view.setBigUint64(8, unit.ip, true);
    view.setBigUint64(16, unit.dp, true);
    view.setUint32(24, core.mxcsr, true);
    for (let i = 0; i < 8; i++) image.set(core.fpuRegister((unit.top + i) & 7), 32 + i * 16);
    for (let n = 0; n < 16; n++) image.set(core.xmm(n), 160 + n * 16);
    return image;
  },
};
