/** Lanes that change places or sizes, and shifts of them (SDM 2B: PACK* PUNPCK* UNPCK* SHUF* PSHUF* PALIGNR PMOVSX* PMOVZX* PBLEND* BLEND* PSLL* PSRL* PSRA*). */
import { i32, i64, lane, op, shuffle, v128, type Node, type OpName } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Family, type Meaning } from "./family.ts";
import {
  binary,
  bitsToLanes,
  type Compute,
  IOTA,
  joinLow,
  selected,
  sequence,
  shared,
  sse4,
} from "./vector.ts";

const pack =
  (operation: OpName): Compute =>
  (a, b, v) => {
    const [first, second] = sequence(v, a, b);
    return op(operation, first, second);
  };

/** Lanes of both operands in turn, from byte `start` on. */
function interleaved(a: Node, b: Node, laneBytes: number, start: number): Node {
  const lanes: number[] = [];
  for (let at = start; lanes.length < 16; at += laneBytes) {
    for (const from of [0, 16]) for (let i = 0; i < laneBytes; i++) lanes.push(from + ((at + i) & 15));
  }
  return shuffle(a, b, lanes);
}
/** MMX reads only the half of its operand that it needs. */
const unpackLow =
  (laneBytes: number): Meaning =>
  (v) => {
    const b = v.let(v.readVector(1, v.vectorBits === 64 ? 32 : 128));
    v.writeVector(0, interleaved(v.readVector(0), b, laneBytes, 0));
  };
const unpackHigh = (laneBytes: number): Meaning =>
  binary((a, b, v) => interleaved(a, b, laneBytes, v.vectorBits / 16));

const LOW_HALF = [0, 1, 2, 3, 4, 5, 6, 7];
const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15];

/** PSHUFLW and PSHUFHW: words of one half change places within it. */
const shuffleHalf =
  (half: "low" | "high"): Meaning =>
  (v) => {
    const a = v.let(v.readVector(1));
    const within = selected(v, "i16x8");
    const moved = op("i8x16.swizzle", a, half === "low" ? within : op("i8x16.add", within, v128(8, 8)));
    const lanes =
      half === "low"
        ? [...LOW_HALF, ...HIGH_HALF.map((n) => n + 16)]
        : [...LOW_HALF.map((n) => n + 16), ...LOW_HALF];
    v.writeVector(0, shuffle(moved, a, lanes));
  };

/** SHUFPD: bit 0 of the immediate chooses of the destination, bit 1 of the source. */
const shuffleDoubles: Meaning = (v) => {
  const b = v.let(v.readVector(1));
  const a = v.let(v.readVector(0));
  const upper = bitsToLanes(v.let(v.immediate(32)), { shape: "i32x4", bits: [1, 1, 2, 2] });
  const low = shuffle(a, b, [...LOW_HALF, ...LOW_HALF.map((n) => n + 16)]);
  const high = shuffle(a, b, [...HIGH_HALF, ...HIGH_HALF.map((n) => n + 16)]);
  v.writeVector(0, op("v128.bitselect", high, low, upper));
};

/** PALIGNR: the operands one behind the other, source below, shifted right by bytes. */
const alignRight: Meaning = (v) => {
  const b = v.let(v.readVector(1));
  const a = v.let(v.readVector(0));
  const count = v.let(op("i8x16.splat", v.immediate(32)));
  const below = op("i8x16.add_sat_u", IOTA, count);
  if (v.vectorBits === 64) return v.writeVector(0, op("i8x16.swizzle", joinLow(v, b, a), below));
  const above = op("i8x16.sub", op("i8x16.add", IOTA, count), v128(8, 16));
  // A byte number beyond 15 gives 0, so each byte comes from at most one of them; numbers wrap at 256, and no sum comes round to 15 again.
  v.writeVector(0, op("v128.or", op("i8x16.swizzle", b, below), op("i8x16.swizzle", a, above)));
};

/** Opcode, and from which to which lanes. */
const extensions = [
  ["bw", 64, ["i16x8.extend_low_i8x16"]],
  ["bd", 32, ["i16x8.extend_low_i8x16", "i32x4.extend_low_i16x8"]],
  ["bq", 16, ["i16x8.extend_low_i8x16", "i32x4.extend_low_i16x8", "i64x2.extend_low_i32x4"]],
  ["wd", 64, ["i32x4.extend_low_i16x8"]],
  ["wq", 32, ["i32x4.extend_low_i16x8", "i64x2.extend_low_i32x4"]],
  ["dq", 64, ["i64x2.extend_low_i32x4"]],
] as const;
const extend =
  (bits: 16 | 32 | 64, steps: readonly string[], sign: "s" | "u"): Meaning =>
  (v) => {
    const source =
      bits !== 16
        ? v.readVector(1, bits)
        : v.isMemory(1)
          ? lane("i32x4.replace_lane", v128(32, 0), 0, v.load(v.effective(), 16))
          : v.readVector(1);
    v.writeVector(
      0,
      steps.reduce((value, step) => op(`${step}_${sign}` as OpName, value), source),
    );
  };

/** What a lane's sign bit in XMM0 selects. */
const blendByXmm0 =
  (shape: "i8x16" | "i32x4" | "i64x2", bits: number): Meaning =>
  (v) => {
    const b = v.let(v.readVector(1));
    const mask = op(`${shape}.shr_s`, v.xmm(0), i32(bits - 1));
    v.writeVector(0, op("v128.bitselect", b, v.readVector(0), mask));
  };
const blendByImmediate =
  (lanes: Parameters<typeof bitsToLanes>[1]): Meaning =>
  (v) => {
    const b = v.let(v.readVector(1));
    v.writeVector(0, op("v128.bitselect", b, v.readVector(0), bitsToLanes(v.immediate(32), lanes)));
  };

type Shape = "i16x8" | "i32x4" | "i64x2";

/** Counts of the lane's width and above leave nothing, or with `shr_s` the sign. `count` is an i64. */
function shifted(
  v: Vocabulary,
  a: Node,
  shape: Shape,
  direction: "shl" | "shr_u" | "shr_s",
  count: Node,
): Node {
  const bits = { i16x8: 16, i32x4: 32, i64x2: 64 }[shape];
  const inside = v.let(v.compare("lt_u", count, i64(BigInt(bits))));
  const low = v.low32(count);
  if (direction === "shr_s") return op(`${shape}.shr_s`, a, v.select(inside, low, i32(bits - 1)));
  return op("v128.and", op(`${shape}.${direction}`, a, low), op("i32x4.splat", v.sub(i32(0), inside)));
}

function shifts(
  name: string,
  shape: Shape,
  direction: "shl" | "shr_u" | "shr_s",
  opcodes: readonly [vector: string, immediate: string],
): Family[] {
  const byVector: Meaning = (v) => {
    const count = v.let(lane("i64x2.extract_lane", v.readVector(1), 0));
    v.writeVector(0, shifted(v, v.readVector(0), shape, direction, count));
  };
  const byImmediate: Meaning = (v) => {
    const count = v.let(v.resize(v.immediate(32), 64));
    v.writeVector(0, shifted(v, v.readVector(0), shape, direction, count));
  };
  return [
    family(name, "", byVector, shared(opcodes[0])),
    family(`${name}_imm`, "", byImmediate, [
      `np 0f ${opcodes[1]} : mm2, ib`,
      `66 0f ${opcodes[1]} : xmm2, ib`,
    ]),
  ];
}

/** PSLLDQ and PSRLDQ: all of the register, by bytes. */
const shiftBytes =
  (direction: "left" | "right"): Meaning =>
  (v) => {
    const count = v.let(v.immediate(32));
    const from =
      direction === "right"
        ? op("i8x16.add_sat_u", IOTA, op("i8x16.splat", count))
        : op(
            "i8x16.sub",
            IOTA,
            op("i8x16.splat", v.select(v.compare("lt_u", count, i32(16)), count, i32(16))),
          );
    v.writeVector(0, op("i8x16.swizzle", v.readVector(0), from));
  };

const unpacks = [
  ["bw", 1, 0],
  ["wd", 2, 1],
  ["dq", 4, 2],
] as const;
const opcode = (first: number, add: number): string => (first + add).toString(16).padStart(2, "0");

export const vectorShuffles = [
  family("packsswb", "", binary(pack("i8x16.narrow_i16x8_s")), shared("63")),
  family("packuswb", "", binary(pack("i8x16.narrow_i16x8_u")), shared("67")),
  family("packssdw", "", binary(pack("i16x8.narrow_i32x4_s")), shared("6b")),
  family("packusdw", "", binary(pack("i16x8.narrow_i32x4_u")), sse4("2b")),
  ...unpacks.map(([name, laneBytes, add]) =>
    family(`punpckl${name}`, "", unpackLow(laneBytes), [
      `np 0f ${opcode(0x60, add)} /r : mm1, mm2/m32`,
      `66 0f ${opcode(0x60, add)} /r : xmm1, xmm2/m128`,
      ...(name === "dq" ? ["np 0f 14 /r : xmm1, xmm2/m128"] : []),
    ]),
  ),
  ...unpacks.map(([name, laneBytes, add]) =>
    family(`punpckh${name}`, "", unpackHigh(laneBytes), [
      ...shared(opcode(0x68, add)),
      ...(name === "dq" ? ["np 0f 15 /r : xmm1, xmm2/m128"] : []),
    ]),
  ),
  family("punpcklqdq", "", unpackLow(8), ["66 0f 6c /r : xmm1, xmm2/m128", "66 0f 14 /r : xmm1, xmm2/m128"]),
  family("punpckhqdq", "", unpackHigh(8), ["66 0f 6d /r : xmm1, xmm2/m128", "66 0f 15 /r : xmm1, xmm2/m128"]),

  family(
    "pshufb",
    "",
    binary((a, b, v) =>
      op("i8x16.swizzle", a, op("v128.and", b, v128(8, v.vectorBits === 64 ? 0x87 : 0x8f))),
    ),
    shared("00", "0f 38"),
  ),
  family("pshufw", "", (v) => v.writeVector(0, op("i8x16.swizzle", v.readVector(1), selected(v, "i16x8"))), [
    "np 0f 70 /r : mm1, mm2/m64, ib",
  ]),
  family("pshufd", "", (v) => v.writeVector(0, op("i8x16.swizzle", v.readVector(1), selected(v, "i32x4"))), [
    "66 0f 70 /r : xmm1, xmm2/m128, ib",
  ]),
  family("pshuflw", "", shuffleHalf("low"), ["f2 0f 70 /r : xmm1, xmm2/m128, ib"]),
  family("pshufhw", "", shuffleHalf("high"), ["f3 0f 70 /r : xmm1, xmm2/m128, ib"]),
  family(
    "shufps",
    "",
    (v) => {
      const b = v.let(v.readVector(1));
      const from = v.let(selected(v, "i32x4"));
      const chosen = [op("i8x16.swizzle", v.readVector(0), from), op("i8x16.swizzle", b, from)] as const;
      v.writeVector(0, shuffle(...chosen, [...LOW_HALF, ...HIGH_HALF.map((n) => n + 16)]));
    },
    ["np 0f c6 /r : xmm1, xmm2/m128, ib"],
  ),
  family("shufpd", "", shuffleDoubles, ["66 0f c6 /r : xmm1, xmm2/m128, ib"]),
  family("palignr", "", alignRight, [
    "np 0f 3a 0f /r : mm1, mm2/m64, ib",
    "66 0f 3a 0f /r : xmm1, xmm2/m128, ib",
  ]),

  ...(["s", "u"] as const).flatMap((sign) =>
    extensions.map(([name, bits, steps], i) =>
      family(`pmov${sign === "s" ? "sx" : "zx"}${name}`, "", extend(bits, steps, sign), [
        `66 0f 38 ${opcode(sign === "s" ? 0x20 : 0x30, i)} /r : xmm1, xmm2/m${bits}`,
      ]),
    ),
  ),

  family("pblendvb", "", blendByXmm0("i8x16", 8), sse4("10")),
  family("blendvps", "", blendByXmm0("i32x4", 32), sse4("14")),
  family("blendvpd", "", blendByXmm0("i64x2", 64), sse4("15")),
  family("blendps", "", blendByImmediate({ shape: "i32x4", bits: [1, 2, 4, 8] }), [
    "66 0f 3a 0c /r : xmm1, xmm2/m128, ib",
  ]),
  family("blendpd", "", blendByImmediate({ shape: "i32x4", bits: [1, 1, 2, 2] }), [
    "66 0f 3a 0d /r : xmm1, xmm2/m128, ib",
  ]),
  family("pblendw", "", blendByImmediate({ shape: "i16x8", bits: [1, 2, 4, 8, 16, 32, 64, 128] }), [
    "66 0f 3a 0e /r : xmm1, xmm2/m128, ib",
  ]),

  ...shifts("psllw", "i16x8", "shl", ["f1", "71 /6"]),
  ...shifts("pslld", "i32x4", "shl", ["f2", "72 /6"]),
  ...shifts("psllq", "i64x2", "shl", ["f3", "73 /6"]),
  ...shifts("psrlw", "i16x8", "shr_u", ["d1", "71 /2"]),
  ...shifts("psrld", "i32x4", "shr_u", ["d2", "72 /2"]),
  ...shifts("psrlq", "i64x2", "shr_u", ["d3", "73 /2"]),
  ...shifts("psraw", "i16x8", "shr_s", ["e1", "71 /4"]),
  ...shifts("psrad", "i32x4", "shr_s", ["e2", "72 /4"]),
  family("pslldq", "", shiftBytes("left"), ["66 0f 73 /7 : xmm2, ib"]),
  family("psrldq", "", shiftBytes("right"), ["66 0f 73 /3 : xmm2, ib"]),
];
