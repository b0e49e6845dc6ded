/** Shifts and rotates (SDM 2B: RCL RCR ROL ROR SAL SAR SHL SHLD SHR SHRD). */
import { i32, i64, type Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Meaning } from "./family.ts";

const rows = (digit: number): string[] => [
  `c0 /${digit} : rm8, ib`,
  `c1 /${digit} : rm, ib`,
  `d0 /${digit} : rm8, one`,
  `d1 /${digit} : rm, one`,
  `d2 /${digit} : rm8, c8`,
  `d3 /${digit} : rm, c8`,
];

/** The count, masked to 5 bits (6 for 64-bit operands), in the operand's type. */
const maskedCount = (v: Vocabulary, index: number): Node =>
  v.let(v.resize(v.and(v.read(index, 8), i32(v.width === 64 ? 63 : 31)), v.width));

/**
 * A count of 0 changes no flag, and writes the operand all the same (a 32-bit register is zero-extended). AF and, for counts above 1, OF are
 * undefined; they get what the formula for 1 gives.
 */
const shift =
  (
    compute: (v: Vocabulary, a: Node, count: Node) => { result: Node; cf: Node; of: (r: Node) => Node },
  ): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const count = maskedCount(v, 1);
    const { result, cf, of } = compute(v, a, count);
    const r = v.let(result);
    v.write(0, r);
    v.if(v.compare("ne", count, v.k(0)), () => v.flagsResult(r, cf, of(r)));
  };

const shl = shift((v, a, count) => {
  const result = v.shl(a, count);
  const w = v.width;
  // For 8 and 16 bits the bit shifted out last is still there, at position `width`.
  const cf = w < 32 ? v.bit(result, v.k(w, 32)) : v.bit(a, v.sub(v.k(w), count));
  return { result, cf, of: (r) => v.arithmetic("xor", v.signBit(r), cf) };
});

const shr = shift((v, a, count) => ({
  result: v.shr(a, count),
  cf: v.bit(a, v.sub(count, v.k(1))),
  of: () => v.signBit(a),
}));

const sar = shift((v, a, count) => {
  const wide = v.let(v.sext(a));
  return {
    result: v.sar(wide, count),
    cf: v.bit(v.sar(wide, v.sub(count, v.k(1))), v.k(0)),
    of: () => i32(0),
  };
});

/** Rotates touch only CF and OF, and those only if the masked count is not 0. */
const rotate =
  (direction: "left" | "right"): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const count = maskedCount(v, 1);
    const w = v.width;
    const rotated = (): Node => {
      if (w >= 32) return v.arithmetic(direction === "left" ? "rotl" : "rotr", a, count);
      // Copies of the operand fill 32 bits, so that a 32-bit rotate moves the right bits in whatever the count.
      const copies = w === 8 ? v.mul(a, i32(0x01010101)) : v.mul(a, i32(0x00010001));
      return v.arithmetic(direction === "left" ? "rotl" : "rotr", copies, count);
    };
    const r = v.let(rotated());
    v.write(0, r);
    v.if(v.compare("ne", count, v.k(0)), () => {
      const top = v.let(v.signBit(r));
      if (direction === "left") {
        const cf = v.let(v.and(v.low32(r), i32(1)));
        v.flagsCarryOverflow(cf, v.xor(cf, top));
      } else {
        const below = v.bit(r, v.k(w - 2));
        v.flagsCarryOverflow(top, v.xor(top, below));
      }
    });
  };

/** Rotates through carry: a rotation of width + 1 bits, for which 8, 16 and 32 bits fit an i64. */
const rotateThroughCarry =
  (direction: "left" | "right"): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const w = v.width;
    const masked = maskedCount(v, 1);
    const carry = v.let(v.resize(v.cf(), 64));
    if (w === 64) return rotateThroughCarry64(v, direction, a, masked, carry);
    const size = i64(BigInt(w + 1));
    const count = v.let(v.arithmetic("rem_u", v.resize(masked, 64), size));
    const joined = v.let(v.or(v.resize(a, 64), v.shl(carry, i64(BigInt(w)))));
    const other = v.sub(size, count);
    const r =
      direction === "left"
        ? v.or(v.shl(joined, count), v.shr(joined, other))
        : v.or(v.shr(joined, count), v.shl(joined, other));
    const result = v.let(r);
    const narrow = v.let(v.resize(result, w));
    v.write(0, narrow);
    v.if(v.compare("ne", count, i64(0n)), () => {
      const cf = v.let(v.bit(result, i64(BigInt(w))));
      const top = v.signBit(narrow);
      v.flagsCarryOverflow(cf, direction === "left" ? v.xor(cf, top) : v.xor(top, v.bit(narrow, v.k(w - 2))));
    });
  };

function rotateThroughCarry64(
  v: Vocabulary,
  direction: "left" | "right",
  a: Node,
  count: Node,
  carry: Node,
): void {
  const one = i64(1n);
  const rest = v.let(v.sub(i64(64n), count));
  // A shift by 64 is one by 63 and one by 1: WebAssembly takes counts modulo 64.
  const less = v.let(v.sub(rest, one));
  const before = v.let(v.sub(count, one));
  const shifted =
    direction === "left"
      ? v.or(v.or(v.shl(a, count), v.shl(carry, before)), v.shr(v.shr(a, less), i64(2n)))
      : v.or(v.or(v.shr(a, count), v.shl(carry, rest)), v.shl(v.shl(a, less), i64(2n)));
  const moved = v.let(v.compare("ne", count, i64(0n)));
  const r = v.let(v.select(moved, shifted, a));
  v.write(0, r);
  v.if(moved, () => {
    const cf = v.let(direction === "left" ? v.bit(a, rest) : v.bit(a, before));
    const top = v.signBit(r, 64);
    v.flagsCarryOverflow(cf, direction === "left" ? v.xor(cf, top) : v.xor(top, v.bit(r, i64(62n))));
  });
}

/** SHLD and SHRD. With 16-bit operands counts above 16 are undefined; here the bits come round from the destination, as on processors. */
const doubleShift =
  (direction: "left" | "right"): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const b = v.let(v.read(1));
    const count = maskedCount(v, 2);
    const w = v.width;
    let result: Node;
    let cf: Node;
    if (w === 16) {
      const wide = v.let(v.resize(count, 64));
      const A = v.let(v.resize(a, 64));
      const B = v.let(v.resize(b, 64));
      if (direction === "left") {
        const joined = v.let(v.or(v.or(v.shl(A, i64(32n)), v.shl(B, i64(16n))), A));
        result = v.let(v.resize(v.shr(v.shl(joined, wide), i64(32n)), 32));
        cf = v.bit(joined, v.sub(i64(48n), wide));
      } else {
        const joined = v.let(v.or(v.or(v.shl(A, i64(32n)), v.shl(B, i64(16n))), A));
        result = v.let(v.resize(v.shr(joined, wide), 32));
        cf = v.bit(joined, v.sub(wide, i64(1n)));
      }
    } else {
      const rest = v.let(v.sub(v.k(w - 1), count));
      const one = v.k(1);
      // The source goes through two shifts so that a count of 0 brings nothing in.
      result = v.let(
        direction === "left"
          ? v.or(v.shl(a, count), v.shr(v.shr(b, one), rest))
          : v.or(v.shr(a, count), v.shl(v.shl(b, one), rest)),
      );
      cf = direction === "left" ? v.bit(a, v.sub(v.k(w), count)) : v.bit(a, v.sub(count, one));
    }
    v.write(0, result);
    v.if(v.compare("ne", count, v.k(0)), () =>
      v.flagsResult(result, cf, v.xor(v.signBit(a), v.signBit(result))),
    );
  };

export const shifts = [
  family("rol", "rw r", rotate("left"), rows(0)),
  family("ror", "rw r", rotate("right"), rows(1)),
  family("rcl", "rw r", rotateThroughCarry("left"), rows(2)),
  family("rcr", "rw r", rotateThroughCarry("right"), rows(3)),
  family("shl", "rw r", shl, [...rows(4), ...rows(6)], { hot: true }),
  family("shr", "rw r", shr, rows(5), { hot: true }),
  family("sar", "rw r", sar, rows(7), { hot: true }),
  family("shld", "rw r r", doubleShift("left"), ["0f a4 /r : rm, r, ib", "0f a5 /r : rm, r, c8"]),
  family("shrd", "rw r r", doubleShift("right"), ["0f ac /r : rm, r, ib", "0f ad /r : rm, r, c8"]),
];
