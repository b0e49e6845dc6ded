/** Integer arithmetic, logic and comparison of vectors (SDM 2B: PADD* PSUB* PMUL* PMADD* PAVG* PSADBW PMIN* PMAX* PCMP* PABS* PSIGN* PHADD* PHSUB*, MPSADBW …). */
import { i32, lane, op, shuffle, v128, type Node, type OpName } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, operation } from "./family.ts";
import { binary, type Compute, IOTA, lanewise, sequence, shared, sse4 } from "./vector.ts";

const ZERO = v128(32, 0);
const bytes = (...lanes: readonly number[]) => lanes.flatMap((n) => [4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3]);
/** Doublewords 0 and 2, where an extended multiplication takes its operands. */
const EVEN = bytes(0, 2, 0, 2);
const even = (a: Node): Node => shuffle(a, a, EVEN);

/** Opcodes of PADD and PSUB: operator and rows. */
const sums: readonly (readonly [string, string, OpName])[] = [
  ["paddb", "fc", "i8x16.add"],
  ["paddw", "fd", "i16x8.add"],
  ["paddd", "fe", "i32x4.add"],
  ["paddq", "d4", "i64x2.add"],
  ["psubb", "f8", "i8x16.sub"],
  ["psubw", "f9", "i16x8.sub"],
  ["psubd", "fa", "i32x4.sub"],
  ["psubq", "fb", "i64x2.sub"],
  ["paddsb", "ec", "i8x16.add_sat_s"],
  ["paddsw", "ed", "i16x8.add_sat_s"],
  ["paddusb", "dc", "i8x16.add_sat_u"],
  ["paddusw", "dd", "i16x8.add_sat_u"],
  ["psubsb", "e8", "i8x16.sub_sat_s"],
  ["psubsw", "e9", "i16x8.sub_sat_s"],
  ["psubusb", "d8", "i8x16.sub_sat_u"],
  ["psubusw", "d9", "i16x8.sub_sat_u"],
  ["pmullw", "d5", "i16x8.mul"],
  ["pmaddwd", "f5", "i32x4.dot_i16x8_s"],
  ["pavgb", "e0", "i8x16.avgr_u"],
  ["pavgw", "e3", "i16x8.avgr_u"],
  ["pminub", "da", "i8x16.min_u"],
  ["pminsw", "ea", "i16x8.min_s"],
  ["pmaxub", "de", "i8x16.max_u"],
  ["pmaxsw", "ee", "i16x8.max_s"],
  ["pcmpeqb", "74", "i8x16.eq"],
  ["pcmpeqw", "75", "i16x8.eq"],
  ["pcmpeqd", "76", "i32x4.eq"],
  ["pcmpgtb", "64", "i8x16.gt_s"],
  ["pcmpgtw", "65", "i16x8.gt_s"],
  ["pcmpgtd", "66", "i32x4.gt_s"],
];
/** SSE4.1 and SSE4.2, without MMX forms. */
const sums4: readonly (readonly [string, string, OpName])[] = [
  ["pcmpeqq", "29", "i64x2.eq"],
  ["pcmpgtq", "37", "i64x2.gt_s"],
  ["pminsb", "38", "i8x16.min_s"],
  ["pminsd", "39", "i32x4.min_s"],
  ["pminuw", "3a", "i16x8.min_u"],
  ["pminud", "3b", "i32x4.min_u"],
  ["pmaxsb", "3c", "i8x16.max_s"],
  ["pmaxsd", "3d", "i32x4.max_s"],
  ["pmaxuw", "3e", "i16x8.max_u"],
  ["pmaxud", "3f", "i32x4.max_u"],
  ["pmulld", "40", "i32x4.mul"],
];

/** The upper halves of the products of words. */
const highWords =
  (sign: "s" | "u"): Compute =>
  (a, b) =>
    shuffle(
      op(`i32x4.extmul_low_i16x8_${sign}`, a, b),
      op(`i32x4.extmul_high_i16x8_${sign}`, a, b),
      [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31],
    );

/** Rounded products of fractions. WebAssembly saturates −1 × −1, the processor does not. */
const roundedWords: Compute = (a, b) => {
  const least = v128(16, 0x8000);
  const both = op("v128.and", op("i16x8.eq", a, least), op("i16x8.eq", b, least));
  return op("v128.xor", op("i16x8.q15mulr_sat_s", a, b), both);
};

/** Unsigned bytes by signed bytes, neighbours added with saturation. */
const multiplyAddBytes: Compute = (a, b) => {
  const eight = i32(8);
  const low = op(
    "i16x8.mul",
    op("v128.and", a, v128(16, 0xff)),
    op("i16x8.shr_s", op("i16x8.shl", b, eight), eight),
  );
  const high = op("i16x8.mul", op("i16x8.shr_u", a, eight), op("i16x8.shr_s", b, eight));
  return op("i16x8.add_sat_s", low, high);
};

const absoluteDifference = (a: Node, b: Node): Node =>
  op("v128.or", op("i8x16.sub_sat_u", a, b), op("i8x16.sub_sat_u", b, a));

/** Sums of absolute differences of eight bytes each, at the bottom of each quadword. */
const sumOfDifferences: Compute = (a, b, v) => {
  const words = op("i16x8.extadd_pairwise_i8x16_u", absoluteDifference(a, b));
  const doublewords = v.let(op("i32x4.extadd_pairwise_i16x8_u", words));
  const joined = op("i64x2.add", doublewords, op("i64x2.shr_u", doublewords, i32(32)));
  return op("v128.and", joined, v128(64, 0xffffffff));
};

/** The destination, negated where the source is negative and 0 where it is 0. */
const signed =
  (shape: "i8x16" | "i16x8" | "i32x4"): Compute =>
  (a, b, v) => {
    const negative = v.let(op(`${shape}.lt_s`, b, ZERO));
    const negated = op(`${shape}.sub`, op("v128.xor", a, negative), negative);
    return op("v128.and", negated, op(`${shape}.ne`, b, ZERO));
  };

/** Neighbouring lanes of both operands combined. */
const horizontal =
  (bits: 16 | 32, operation: OpName): Compute =>
  (a, b, v) => {
    const [first, second] = sequence(v, a, b);
    const size = bits / 8;
    const every = (offset: number) =>
      Array.from({ length: 16 / size }, (_, n) =>
        Array.from({ length: size }, (__, i) => (2 * n + offset) * size + i),
      ).flat();
    return op(operation, shuffle(first, second, every(0)), shuffle(first, second, every(1)));
  };

/** MPSADBW: four bytes of the source (immediate 1:0) against eight groups of the destination that begin at one byte after the other (from bit 2 on). */
const slidingDifferences = (v: Vocabulary): void => {
  const b = v.let(v.readVector(1));
  const a = v.let(v.readVector(0));
  const immediate = v.let(v.immediate(32));
  const start = v.let(v.and(immediate, i32(4)));
  const from = v.let(v.shl(v.and(immediate, i32(3)), i32(2)));
  let sum: Node | null = null;
  for (let k = 0; k < 4; k++) {
    const group = op("i8x16.swizzle", a, op("i8x16.add", IOTA, op("i8x16.splat", v.add(start, i32(k)))));
    const one = op("i8x16.swizzle", b, op("i8x16.splat", v.add(from, i32(k))));
    const words = op("i16x8.extend_low_i8x16_u", absoluteDifference(v.let(group), v.let(one)));
    sum = sum === null ? words : op("i16x8.add", sum, words);
  }
  if (sum !== null) v.writeVector(0, sum);
};

/** PHMINPOSUW: the smallest word and its first position. Both in a doubleword, the word above, the smallest is found by three minima. */
const smallestWord = (v: Vocabulary): void => {
  const a = v.let(v.readVector(1));
  const place = (half: "low" | "high", first: number): Node =>
    op(
      "v128.or",
      op("i32x4.shl", op(`i32x4.extend_${half}_i16x8_u`, a), i32(16)),
      v128(32, first, first + 1, first + 2, first + 3),
    );
  const four = v.let(op("i32x4.min_u", place("low", 0), place("high", 4)));
  const two = v.let(op("i32x4.min_u", four, shuffle(four, four, bytes(2, 3, 0, 1))));
  const one = v.let(
    lane("i32x4.extract_lane", op("i32x4.min_u", two, shuffle(two, two, bytes(1, 0, 3, 2))), 0),
  );
  v.writeVector(0, lane("i32x4.replace_lane", ZERO, 0, v.arithmetic("rotl", one, i32(16))));
};

const logic = (
  name: string,
  compute: Compute,
  opcodes: { readonly float: string; readonly integer: string },
) => {
  const xmm = ["np", "66"].map((prefix) => `${prefix} 0f ${opcodes.float} /r : xmm1, xmm2/m128`);
  return [
    family(name, "", binary(compute), [...xmm, `66 0f ${opcodes.integer} /r : xmm1, xmm2/m128`], {
      hot: name === "pxor",
    }),
    family(`${name}_mm`, "", binary(compute), [`np 0f ${opcodes.integer} /r : mm1, mm2/m64`]),
  ];
};

export const vectorArithmetic = [
  ...sums.map(([name, opcode, operation]) => lanewise(name, operation, shared(opcode))),
  ...sums4.map(([name, opcode, operation]) => lanewise(name, operation, sse4(opcode))),
  // The floating-point logic is that of integers.
  ...logic("pand", (a, b) => op("v128.and", a, b), { float: "54", integer: "db" }),
  ...logic("pandn", (a, b) => op("v128.andnot", b, a), { float: "55", integer: "df" }),
  ...logic("por", (a, b) => op("v128.or", a, b), { float: "56", integer: "eb" }),
  ...logic("pxor", (a, b) => op("v128.xor", a, b), { float: "57", integer: "ef" }),
  family("pmulhw", "", binary(highWords("s")), shared("e5")),
  family("pmulhuw", "", binary(highWords("u")), shared("e4")),
  family(
    "pmuludq",
    "",
    binary((a, b) => op("i64x2.extmul_low_i32x4_u", even(a), even(b))),
    shared("f4"),
  ),
  family(
    "pmuldq",
    "",
    binary((a, b) => op("i64x2.extmul_low_i32x4_s", even(a), even(b))),
    sse4("28"),
  ),
  family("pmulhrsw", "", binary(roundedWords), shared("0b", "0f 38")),
  family("pmaddubsw", "", binary(multiplyAddBytes), shared("04", "0f 38")),
  family("psadbw", "", binary(sumOfDifferences), shared("f6")),
  family("psignb", "", binary(signed("i8x16")), shared("08", "0f 38")),
  family("psignw", "", binary(signed("i16x8")), shared("09", "0f 38")),
  family("psignd", "", binary(signed("i32x4")), shared("0a", "0f 38")),
  family("phaddw", "", binary(horizontal(16, "i16x8.add")), shared("01", "0f 38")),
  family("phaddd", "", binary(horizontal(32, "i32x4.add")), shared("02", "0f 38")),
  family("phaddsw", "", binary(horizontal(16, "i16x8.add_sat_s")), shared("03", "0f 38")),
  family("phsubw", "", binary(horizontal(16, "i16x8.sub")), shared("05", "0f 38")),
  family("phsubd", "", binary(horizontal(32, "i32x4.sub")), shared("06", "0f 38")),
  family("phsubsw", "", binary(horizontal(16, "i16x8.sub_sat_s")), shared("07", "0f 38")),
  ...(["i8x16", "i16x8", "i32x4"] as const).map((shape, i) =>
    family(
      `pabs${"bwd"[i]}`,
      "",
      (v) => v.writeVector(0, op(`${shape}.abs`, v.readVector(1))),
      shared((0x1c + i).toString(16), "0f 38"),
    ),
  ),
  family("mpsadbw", "", slidingDifferences, ["66 0f 3a 42 /r : xmm1, xmm2/m128, ib"]),
  family("phminposuw", "", smallestWord, sse4("41")),
  family(
    "ptest",
    "",
    (v) => {
      const b = v.let(v.readVector(1));
      const a = v.let(v.readVector(0));
      const zf = v.isZero(op("v128.any_true", op("v128.and", a, b)));
      const cf = v.isZero(op("v128.any_true", op("v128.andnot", b, a)));
      v.flagsImage(v.or(v.shl(zf, i32(6)), cf));
    },
    sse4("17"),
  ),

  // Rare and long: executed in TypeScript.
  operation("pcmpestrm", ["66 0f 3a 60 /r : xmm1, xmm2/m128, ib"]),
  operation("pcmpestri", ["66 0f 3a 61 /r : xmm1, xmm2/m128, ib"]),
  operation("pcmpistrm", ["66 0f 3a 62 /r : xmm1, xmm2/m128, ib"]),
  operation("pcmpistri", ["66 0f 3a 63 /r : xmm1, xmm2/m128, ib"]),
  operation("aesimc", sse4("db")),
  operation("aesenc", sse4("dc")),
  operation("aesenclast", sse4("dd")),
  operation("aesdec", sse4("de")),
  operation("aesdeclast", sse4("df")),
  operation("aeskeygenassist", ["66 0f 3a df /r : xmm1, xmm2/m128, ib"]),
  operation("pclmulqdq", ["66 0f 3a 44 /r : xmm1, xmm2/m128, ib"]),
];
