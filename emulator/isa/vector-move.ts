/**
 * Moves of vectors and of their parts (SDM 2A/2B: MOVAPS MOVUPS MOVDQA MOVDQU MOVSS MOVSD MOVLPS MOVHPS MOVD MOVQ MOVNT* MOVDDUP MOVMSKPS PMOVMSKB PEXTR*
 * PINSR* …) and of all of them at once (EMMS).
 */
import { i32, i64, lane, op, shuffle, v128, type Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, operation, type Meaning } from "./family.ts";

const ZERO = v128(32, 0);
/** Lower half of the first, then of the second vector; upper half of the first kept. */
const LOW_HIGH = [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31];
const LOWS = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_OF_SECOND_FIRST = [24, 25, 26, 27, 28, 29, 30, 31, 8, 9, 10, 11, 12, 13, 14, 15];

/** A scalar move between registers keeps the rest of the destination; from memory it clears it. */
const scalar =
  (bits: 32 | 64): Meaning =>
  (v) => {
    if (v.isMemory(0)) return v.writeVector(0, v.readVector(1), bits);
    if (v.isMemory(1)) return v.writeVector(0, v.readVector(1, bits));
    const keep = bits === 64 ? LOW_HIGH : [0, 1, 2, 3, ...Array.from({ length: 12 }, (_, i) => 20 + i)];
    v.writeVector(0, shuffle(v.readVector(1), v.readVector(0), keep));
  };

/** The quadword that does not move stays. */
const lowHalf: Meaning = (v) => {
  if (v.isMemory(0)) return v.writeVector(0, v.readVector(1), 64);
  v.writeVector(0, shuffle(v.let(v.readVector(1, 64)), v.readVector(0), LOW_HIGH));
};
const upper = (vector: Node): Node =>
  shuffle(vector, ZERO, [8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16]);
const highHalf: Meaning = (v) => {
  if (v.isMemory(0)) return v.writeVector(0, upper(v.readVector(1)), 64);
  const source = v.let(v.readVector(1, 64));
  v.writeVector(0, shuffle(v.readVector(0), source, LOWS));
};

/** Repeats lanes of the source. */
const repeat =
  (lanes: readonly number[]): Meaning =>
  (v) => {
    const source = v.let(v.readVector(1));
    v.writeVector(0, shuffle(source, source, lanes));
  };

const quad = (value: Node): Node => lane("i64x2.replace_lane", ZERO, 0, value);

const scalarToVector = (v: Vocabulary, value: Node): Node =>
  v.width === 64 ? quad(value) : lane("i32x4.replace_lane", ZERO, 0, value);
const vectorToScalar = (v: Vocabulary, vector: Node): Node =>
  v.width === 64 ? lane("i64x2.extract_lane", vector, 0) : lane("i32x4.extract_lane", vector, 0);

type Bits = 8 | 16 | 32 | 64;

/** Number of the lane that an immediate names, of those that the vector has. */
const laneNumber = (v: Vocabulary, bits: Bits): Node =>
  v.let(v.and(v.immediate(32), i32(v.vectorBits / bits - 1)));

/** The lane that the immediate names, as an i32 or an i64. */
function extractLane(v: Vocabulary, vector: Node, bits: Bits): Node {
  const number = laneNumber(v, bits);
  const at = (scale: number, first: number) => v.add(v.mul(number, i32(scale)), i32(first));
  switch (bits) {
    case 8:
      return lane("i8x16.extract_lane_u", op("i8x16.swizzle", vector, op("i8x16.splat", number)), 0);
    case 16:
      return lane(
        "i16x8.extract_lane_u",
        op("i8x16.swizzle", vector, op("i16x8.splat", at(0x0202, 0x0100))),
        0,
      );
    case 32:
      return lane(
        "i32x4.extract_lane",
        op("i8x16.swizzle", vector, op("i32x4.splat", at(0x04040404, 0x03020100))),
        0,
      );
    case 64: {
      const pair = v.add(v.mul(v.resize(number, 64), i64(0x0808080808080808n)), i64(0x0706050403020100n));
      return lane("i64x2.extract_lane", op("i8x16.swizzle", vector, op("i64x2.splat", pair)), 0);
    }
  }
}

/** The destination with its lane that the immediate names replaced. */
function insertLane(v: Vocabulary, value: Node, bits: Bits): void {
  const number = laneNumber(v, bits);
  const shape = ({ 8: "i8x16", 16: "i16x8", 32: "i32x4", 64: "i64x2" } as const)[bits];
  const numbers = v128(bits, ...Array.from({ length: 128 / bits }, (_, i) => i));
  const here = op(`${shape}.eq`, op(`${shape}.splat`, bits === 64 ? v.resize(number, 64) : number), numbers);
  v.writeVector(0, op("v128.bitselect", op(`${shape}.splat`, value), v.readVector(0), here));
}

const extract =
  (bits: 8 | 16 | 32): Meaning =>
  (v) =>
    v.write(0, extractLane(v, v.let(v.readVector(1)), bits), v.isMemory(0) ? bits : 32);

const insert =
  (bits: 8 | 16): Meaning =>
  (v) =>
    insertLane(v, v.let(v.read(1, bits)), bits);

/** INSERTPS: a source doubleword (bits 7:6, or the one in memory) to a lane (5:4), then lanes to zero (3:0). */
const insertSingle: Meaning = (v) => {
  const source = v.let(v.readVector(1, 32));
  const immediate = v.let(v.immediate(32));
  const field = (shift: number): Node => v.and(v.shr(immediate, i32(shift)), i32(3));
  const from = v.isMemory(1) ? i32(0) : field(6);
  const bytes = op("i32x4.splat", v.add(v.mul(from, i32(0x04040404)), i32(0x03020100)));
  const here = op("i32x4.eq", op("i32x4.splat", field(4)), v128(32, 0, 1, 2, 3));
  const joined = op("v128.bitselect", op("i8x16.swizzle", source, bytes), v.readVector(0), here);
  const places = v128(32, 1, 2, 4, 8);
  const kept = op("i32x4.eq", op("v128.and", op("i32x4.splat", immediate), places), ZERO);
  v.writeVector(0, op("v128.and", joined, kept));
};

export const vectorMoves = [
  family(
    "movaps",
    "",
    (v) => v.writeVector(0, v.readVector(1)),
    [
      "np 0f 28 /r : xmm1, xmm2/m128",
      "np 0f 29 /r : xmm2/m128, xmm1",
      "66 0f 28 /r : xmm1, xmm2/m128",
      "66 0f 29 /r : xmm2/m128, xmm1",
      "66 0f 6f /r : xmm1, xmm2/m128",
      "66 0f 7f /r : xmm2/m128, xmm1",
      "np 0f 2b /r : m128, xmm1",
      "66 0f 2b /r : m128, xmm1",
      "66 0f e7 /r : m128, xmm1",
      "66 0f 38 2a /r : xmm1, m128",
    ],
    { hot: true },
  ),
  family(
    "movups",
    "",
    (v) => v.writeVector(0, v.readVector(1, "unaligned"), "unaligned"),
    [
      "np 0f 10 /r : xmm1, xmm2/m128",
      "np 0f 11 /r : xmm2/m128, xmm1",
      "66 0f 10 /r : xmm1, xmm2/m128",
      "66 0f 11 /r : xmm2/m128, xmm1",
      "f3 0f 6f /r : xmm1, xmm2/m128",
      "f3 0f 7f /r : xmm2/m128, xmm1",
      "f2 0f f0 /r : xmm1, m128",
    ],
    { hot: true },
  ),
  family("movss", "", scalar(32), ["f3 0f 10 /r : xmm1, xmm2/m32", "f3 0f 11 /r : xmm2/m32, xmm1"]),
  family("movsd", "", scalar(64), ["f2 0f 10 /r : xmm1, xmm2/m64", "f2 0f 11 /r : xmm2/m64, xmm1"]),
  family("movlps", "", lowHalf, [
    "np 0f 12 /r : xmm1, m64",
    "66 0f 12 /r : xmm1, m64",
    "np 0f 13 /r : m64, xmm1",
    "66 0f 13 /r : m64, xmm1",
  ]),
  family(
    "movhlps",
    "",
    (v) => v.writeVector(0, shuffle(v.readVector(0), v.readVector(1), HIGH_OF_SECOND_FIRST)),
    ["np 0f 12 /r : xmm1, xmm2"],
  ),
  family("movhps", "", highHalf, [
    "np 0f 16 /r : xmm1, xmm2/m64",
    "66 0f 16 /r : xmm1, m64",
    "np 0f 17 /r : m64, xmm1",
    "66 0f 17 /r : m64, xmm1",
  ]),
  family(
    "movddup",
    "",
    (v) => {
      const source = v.let(v.readVector(1, 64));
      v.writeVector(0, shuffle(source, source, LOWS));
    },
    ["f2 0f 12 /r : xmm1, xmm2/m64"],
  ),
  family("movsldup", "", repeat([0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]), [
    "f3 0f 12 /r : xmm1, xmm2/m128",
  ]),
  family("movshdup", "", repeat([4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15]), [
    "f3 0f 16 /r : xmm1, xmm2/m128",
  ]),

  // MOVQ: between MMX registers and memory, and the lower half of an XMM register, whose upper half it clears.
  family("movq_mm", "", (v) => v.writeVector(0, v.readVector(1)), [
    "np 0f 6f /r : mm1, mm2/m64",
    "np 0f 7f /r : mm2/m64, mm1",
    "np 0f e7 /r : m64, mm1",
  ]),
  family(
    "movq",
    "",
    (v) => {
      if (v.isMemory(0)) v.writeVector(0, v.readVector(1), 64);
      else v.writeVector(0, quad(lane("i64x2.extract_lane", v.readVector(1, 64), 0)));
    },
    ["f3 0f 7e /r : xmm1, xmm2/m64", "66 0f d6 /r : xmm2/m64, xmm1"],
  ),
  family("movq2dq", "", (v) => v.writeVector(0, v.readVector(1)), [
    "f3 0f d6 /r : xmm1, mm2",
    "f2 0f d6 /r : mm1, xmm2",
  ]),
  family("movd", "w r", (v) => v.writeVector(0, scalarToVector(v, v.read(1))), [
    "np 0f 6e /r : mm1, rm",
    "66 0f 6e /r : xmm1, rm",
  ]),
  family("movd_from", "w r", (v) => v.write(0, vectorToScalar(v, v.readVector(1))), [
    "np 0f 7e /r : rm, mm1",
    "66 0f 7e /r : rm, xmm1",
  ]),
  family("movnti", "w r", (v) => v.write(0, v.read(1)), ["np 0f c3 /r : m, r ; x32"]),
  operation("maskmovq", ["np 0f f7 /r : mm1, mm2"]),
  operation("maskmovdqu", ["66 0f f7 /r : xmm1, xmm2"]),
  family("emms", "", (v) => v.emptyMmx(), ["np 0f 77 ; w8"]),

  family("movmskps", "w", (v) => v.write(0, op("i32x4.bitmask", v.readVector(1))), [
    "np 0f 50 /r : r32, xmm2",
  ]),
  family("movmskpd", "w", (v) => v.write(0, op("i64x2.bitmask", v.readVector(1))), [
    "66 0f 50 /r : r32, xmm2",
  ]),
  family("pmovmskb", "w", (v) => v.write(0, op("i8x16.bitmask", v.readVector(1))), [
    "np 0f d7 /r : r32, mm2",
    "66 0f d7 /r : r32, xmm2",
  ]),
  family("pextrb", "w", extract(8), ["66 0f 3a 14 /r : rm32, xmm1, ib"]),
  family("pextrw", "w", extract(16), [
    "np 0f c5 /r : r32, mm2, ib",
    "66 0f c5 /r : r32, xmm2, ib",
    "66 0f 3a 15 /r : rm32, xmm1, ib",
  ]),
  family("pextrd", "w", (v) => v.write(0, extractLane(v, v.let(v.readVector(1)), v.width === 64 ? 64 : 32)), [
    "66 0f 3a 16 /r : rm, xmm1, ib",
  ]),
  family("extractps", "w", extract(32), ["66 0f 3a 17 /r : rm32, xmm1, ib"]),
  family("pinsrb", "", insert(8), ["66 0f 3a 20 /r : xmm1, rm32, ib"]),
  family("pinsrw", "", insert(16), ["np 0f c4 /r : mm1, rm32, ib", "66 0f c4 /r : xmm1, rm32, ib"]),
  family("pinsrd", "", (v) => insertLane(v, v.let(v.read(1)), v.width === 64 ? 64 : 32), [
    "66 0f 3a 22 /r : xmm1, rm, ib",
  ]),
  family("insertps", "", insertSingle, ["66 0f 3a 21 /r : xmm1, xmm2/m32, ib"]),
];
