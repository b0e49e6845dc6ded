/**
 * SSE conversions and rounding (SDM 2A/2B: CVT…, ROUNDPS ROUNDPD ROUNDSS ROUNDSD).
 *
 * As in `sse-arithmetic.ts`, ordinary operands are converted with WebAssembly's operators and everything else escapes to `cpu/sse/`. A conversion is exact if
 * converting back gives its operand, or a rounded number is what it was; then rounding mode and PE play no part. Forms with MMX registers are
 * operations.
 */
import { i32, lane, op, shuffle, v128, type Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, operation, type Family, type Meaning } from "./family.ts";
import {
  DOUBLE,
  SINGLE,
  any,
  anyStrangeLane,
  asksMore,
  asksPrecision,
  bitsOf,
  both,
  constant,
  first,
  isBelow,
  isSafe,
  isStrange,
  roundingMode,
  withFirst,
  type Format,
} from "./sse-format.ts";

const ESCAPES = { escapes: true } as const;
const ZERO = v128(32, 0);
/** Integers up to here, of either sign, are singles or doubles. */
const EXACT = { 32: 1n << 24n, 64: 1n << 53n } as const;
const not = (condition: Node): Node => op("i32.eqz", condition);

// --- between formats ------------------------------------------------------------------------------------------------------------------------

const widenOne: Meaning = (v) => {
  const source = v.let(first(SINGLE, v.readVector(1, 32)));
  v.escape(isStrange(SINGLE, source));
  v.writeVector(0, withFirst(DOUBLE, v.readVector(0), op("f64.promote_f32", source)));
};
const widenTwo: Meaning = (v) => {
  const source = v.let(v.readVector(1, 64));
  const two = v.let(shuffle(source, source, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]));
  v.escape(anyStrangeLane(SINGLE, [two]));
  v.writeVector(0, op("f64x2.promote_low_f32x4", two));
};

const narrowOne: Meaning = (v) => {
  const source = v.let(first(DOUBLE, v.readVector(1, 64)));
  const result = v.let(op("f32.demote_f64", source));
  const ordinary = any(isSafe(v.f, SINGLE, result), op("f64.eq", source, constant(DOUBLE, 0n)));
  const inexact = op("f64.ne", op("f64.promote_f32", result), source);
  v.escape(any(not(ordinary), both(inexact, asksMore())));
  v.writeVector(0, withFirst(SINGLE, v.readVector(0), result));
};
const narrowTwo: Meaning = (v) => {
  const source = v.let(v.readVector(1));
  const result = v.let(op("f32x4.demote_f64x2_zero", source));
  const back = v.let(op("f64x2.promote_low_f32x4", result));
  const size = v.let(op("f64x2.abs", back));
  // Above the least normal single, and below infinity.
  const safe = op(
    "v128.and",
    op("f64x2.gt", size, v128(64, 0x3810_0000_0000_0000n)),
    op("f64x2.lt", size, v128(64, DOUBLE.infinity)),
  );
  const ordinary = op("i64x2.all_true", op("v128.or", safe, op("f64x2.eq", source, ZERO)));
  const inexact = op("v128.any_true", op("f64x2.ne", back, source));
  v.escape(any(not(ordinary), both(inexact, asksMore())));
  v.writeVector(0, result);
};

// --- from integers --------------------------------------------------------------------------------------------------------------------------

/** CVTSI2SS and CVTSI2SD. A double holds every integer of 32 bits. */
const fromGeneral =
  (format: Format): Meaning =>
  (v) => {
    const value = v.let(v.read(1));
    if (format === SINGLE || v.width === 64) {
      const most = EXACT[format.bits];
      const beyond = v.compare("gt_u", v.add(value, v.k(most)), v.k(2n * most));
      v.escape(both(beyond, asksMore()));
    }
    const type = v.width === 64 ? "i64" : "i32";
    v.writeVector(0, withFirst(format, v.readVector(0), op(`${format.scalar}.convert_${type}_s`, value)));
  };
const integersToSingles: Meaning = (v) => {
  const source = v.let(v.readVector(1));
  const most = EXACT[32];
  const beyond = op("i32x4.gt_u", op("i32x4.add", source, v128(32, most)), v128(32, 2n * most));
  v.escape(both(op("v128.any_true", beyond), asksMore()));
  v.writeVector(0, op("f32x4.convert_i32x4_s", source));
};

// --- to integers ----------------------------------------------------------------------------------------------------------------------------

/** Whether an inexact result needs TypeScript: to round as MXCSR says, which truncation does not, or to set PE. */
const asks = (truncates: boolean): Node => (truncates ? asksPrecision() : asksMore());

/** One integer to a general register. */
const toGeneral =
  (format: Format, truncates: boolean): Meaning =>
  (v) => {
    const { scalar, vector } = format;
    const operand = v.let(v.readVector(1, format.bits));
    const source = v.let(first(format, operand));
    const whole = truncates ? source : v.let(op(`${scalar}.nearest`, source));
    const type = v.width === 64 ? "i64" : "i32";
    // 32 bits are converted as vectors, which is a third of the code.
    const wholes = truncates ? operand : op(`${vector}.nearest`, operand);
    const narrow = op(format === DOUBLE ? "i32x4.trunc_sat_f64x2_s_zero" : "i32x4.trunc_sat_f32x4_s", wholes);
    const value = v.let(
      v.width === 64 ? op(`i64.trunc_sat_${scalar}_s`, whole) : lane("i32x4.extract_lane", narrow, 0),
    );
    const back = op(`${scalar}.convert_${type}_s`, value);
    v.escape(not(isBelow(format, whole, v.width - 1)));
    // Compared as bits, which also tells −0 from 0 but needs not ask for NaNs.
    const inexact = op(`${format.integer}.ne`, bitsOf(format, back), bitsOf(format, source));
    v.if(inexact, () => v.escape(asks(truncates)));
    v.write(0, value);
  };

/** Integers of 32 bits to all lanes, or of doubles to the lower half, with zeros above. */
const toIntegers =
  (format: Format, truncates: boolean): Meaning =>
  (v) => {
    const { vector, bits } = format;
    const source = v.let(v.readVector(1));
    const whole = v.let(op(`${vector}.${truncates ? "trunc" : "nearest"}`, source));
    const limit = v128(bits, bits === 64 ? 0x41e0_0000_0000_0000n : 0x4f00_0000n);
    const fit = op(`${format.integers}.all_true`, op(`${vector}.lt`, op(`${vector}.abs`, whole), limit));
    const inexact = op("v128.any_true", op(`${vector}.ne`, whole, source));
    v.escape(any(not(fit), both(inexact, asks(truncates))));
    v.writeVector(0, op(bits === 64 ? "i32x4.trunc_sat_f64x2_s_zero" : "i32x4.trunc_sat_f32x4_s", whole));
  };

// --- rounding -------------------------------------------------------------------------------------------------------------------------------

const MODES = ["nearest", "floor", "ceil", "trunc"] as const;

/** A number or vector rounded as the immediate says: bits 1:0 are the mode, unless bit 2 says MXCSR's. */
function rounded(v: Vocabulary, shape: Format["scalar" | "vector"], value: Node, immediate: Node): Node {
  const by = (mode: (typeof MODES)[number]): Node => op(`${shape}.${mode}`, value);
  if (immediate.kind === "const" && (Number(immediate.value) & 4) === 0)
    return v.let(by(MODES[Number(immediate.value) & 3]!));
  const own = v.and(immediate, i32(3));
  const mode = v.let(v.select(v.and(immediate, i32(4)), roundingMode(), own));
  const select = shape === "f32" || shape === "f64" ? (`select.${shape}` as const) : "select.v128";
  const is = (number: number): Node => op("i32.eq", mode, i32(number));
  const others = op(select, by("ceil"), op(select, by("floor"), by("nearest"), is(1)), is(2));
  return v.let(op(select, by("trunc"), others, is(3)));
}
/** PE may have to be set: a result is inexact and bit 3 does not keep that quiet. */
const raises = (v: Vocabulary, inexact: Node, immediate: Node): Node =>
  both(both(inexact, v.isZero(v.and(immediate, i32(8)))), asksPrecision());

const roundOne =
  (format: Format): Meaning =>
  (v) => {
    const source = v.let(first(format, v.readVector(1, format.bits)));
    const immediate = v.let(v.immediate(32));
    const result = rounded(v, format.scalar, source, immediate);
    const inexact = op(`${format.scalar}.ne`, result, source);
    v.escape(any(isStrange(format, source), raises(v, inexact, immediate)));
    v.writeVector(0, withFirst(format, v.readVector(0), result));
  };
const roundAll =
  (format: Format): Meaning =>
  (v) => {
    const source = v.let(v.readVector(1));
    const immediate = v.let(v.immediate(32));
    const result = rounded(v, format.vector, source, immediate);
    const inexact = op("v128.any_true", op(`${format.vector}.ne`, result, source));
    v.escape(any(anyStrangeLane(format, [source]), raises(v, inexact, immediate)));
    v.writeVector(0, result);
  };

const escaping = (name: string, meaning: Meaning, row: string): Family =>
  family(name, "", meaning, [row], ESCAPES);

export const sseConversion: readonly Family[] = [
  operation("cvtpi2ps", ["np 0f 2a /r : xmm1, mm2/m64"]),
  escaping("cvtsi2ss", fromGeneral(SINGLE), "f3 0f 2a /r : xmm1, rm"),
  operation("cvtpi2pd", ["66 0f 2a /r : xmm1, mm2/m64"]),
  escaping("cvtsi2sd", fromGeneral(DOUBLE), "f2 0f 2a /r : xmm1, rm"),
  operation("cvttps2pi", ["np 0f 2c /r : mm1, xmm2/m64"]),
  escaping("cvttss2si", toGeneral(SINGLE, true), "f3 0f 2c /r : r, xmm2/m32"),
  operation("cvttpd2pi", ["66 0f 2c /r : mm1, xmm2/m128"]),
  escaping("cvttsd2si", toGeneral(DOUBLE, true), "f2 0f 2c /r : r, xmm2/m64"),
  operation("cvtps2pi", ["np 0f 2d /r : mm1, xmm2/m64"]),
  escaping("cvtss2si", toGeneral(SINGLE, false), "f3 0f 2d /r : r, xmm2/m32"),
  operation("cvtpd2pi", ["66 0f 2d /r : mm1, xmm2/m128"]),
  escaping("cvtsd2si", toGeneral(DOUBLE, false), "f2 0f 2d /r : r, xmm2/m64"),
  escaping("cvtps2pd", widenTwo, "np 0f 5a /r : xmm1, xmm2/m64"),
  escaping("cvtss2sd", widenOne, "f3 0f 5a /r : xmm1, xmm2/m32"),
  escaping("cvtpd2ps", narrowTwo, "66 0f 5a /r : xmm1, xmm2/m128"),
  escaping("cvtsd2ss", narrowOne, "f2 0f 5a /r : xmm1, xmm2/m64"),
  escaping("cvtdq2ps", integersToSingles, "np 0f 5b /r : xmm1, xmm2/m128"),
  escaping("cvttps2dq", toIntegers(SINGLE, true), "f3 0f 5b /r : xmm1, xmm2/m128"),
  escaping("cvtps2dq", toIntegers(SINGLE, false), "66 0f 5b /r : xmm1, xmm2/m128"),
  escaping("cvttpd2dq", toIntegers(DOUBLE, true), "66 0f e6 /r : xmm1, xmm2/m128"),
  // Doubles hold every integer of 32 bits: nothing is left to ask.
  family("cvtdq2pd", "", (v) => v.writeVector(0, op("f64x2.convert_low_i32x4_s", v.readVector(1, 64))), [
    "f3 0f e6 /r : xmm1, xmm2/m64",
  ]),
  escaping("cvtpd2dq", toIntegers(DOUBLE, false), "f2 0f e6 /r : xmm1, xmm2/m128"),
  escaping("roundps", roundAll(SINGLE), "66 0f 3a 08 /r : xmm1, xmm2/m128, ib"),
  escaping("roundpd", roundAll(DOUBLE), "66 0f 3a 09 /r : xmm1, xmm2/m128, ib"),
  escaping("roundss", roundOne(SINGLE), "66 0f 3a 0a /r : xmm1, xmm2/m32, ib"),
  escaping("roundsd", roundOne(DOUBLE), "66 0f 3a 0b /r : xmm1, xmm2/m64, ib"),
];
