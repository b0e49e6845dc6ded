/**
 * Singles and doubles as emitted code sees them: names of operators, bit patterns, and the questions that decide whether WebAssembly's arithmetic is the processor's.
 *
 * WebAssembly rounds to nearest, raises nothing, and leaves the payload of a NaN open. So its results count where no operand is a NaN or a denormal, where the
 * result did not leave the range of normal numbers, and where MXCSR asks for nothing else (SDM 1 §10.2.3). DAZ and FTZ, and the masks of all
 * exceptions but PE, make no difference there.
 * Elsewhere: everything else, in TypeScript (`cpu/sse/`).
 */
import { STATE } from "../cpu/layout.ts";
import {
  block,
  br,
  brIf,
  i32,
  i64,
  label,
  lane,
  load,
  op,
  shuffle,
  v128,
  type FunctionBuilder,
  type Node,
} from "../wasm/index.ts";

export interface Format {
  readonly bits: 32 | 64;
  /** A number by itself, and a vector of them. */
  readonly scalar: "f32" | "f64";
  readonly vector: "f32x4" | "f64x2";
  /** Their bits. */
  readonly integer: "i32" | "i64";
  readonly integers: "i32x4" | "i64x2";
  readonly lanes: 4 | 2;
  /** Bits of the least normal number and of infinity. */
  readonly least: bigint;
  readonly infinity: bigint;
}

export const SINGLE: Format = {
  bits: 32,
  scalar: "f32",
  vector: "f32x4",
  integer: "i32",
  integers: "i32x4",
  lanes: 4,
  least: 0x0080_0000n,
  infinity: 0x7f80_0000n,
};
export const DOUBLE: Format = {
  bits: 64,
  scalar: "f64",
  vector: "f64x2",
  integer: "i64",
  integers: "i64x2",
  lanes: 2,
  least: 0x0010_0000_0000_0000n,
  infinity: 0x7ff0_0000_0000_0000n,
};

const MXCSR = { precision: 1 << 5, precisionMask: 1 << 12, rounding: 3 << 13 } as const;
const ZERO = v128(32, 0);

export const any = (...conditions: readonly Node[]): Node =>
  conditions.reduce((all, one) => op("i32.or", all, one));
export const both = (a: Node, b: Node): Node => op("i32.and", a, b);

const bitsConstant = (format: Format, value: bigint): Node =>
  format.bits === 64 ? i64(value) : i32(Number(value));
/** A number given by its bits. */
export const constant = (format: Format, value: bigint): Node =>
  format.bits === 64 ? op("f64.reinterpret_i64", i64(value)) : op("f32.reinterpret_i32", i32(Number(value)));

/** The first number of a vector, and a vector with its first number replaced. */
export const first = (format: Format, vector: Node): Node => lane(`${format.vector}.extract_lane`, vector, 0);
export const withFirst = (format: Format, vector: Node, value: Node): Node =>
  lane(`${format.vector}.replace_lane`, vector, 0, value);

/** A vector with its first lane from another one. */
export const joined = (format: Format, vector: Node, from: Node): Node =>
  shuffle(
    from,
    vector,
    Array.from({ length: 16 }, (_, i) => (i < format.bits / 8 ? i : 16 + i)),
  );

/** Does something if one of several conditions holds, each of which is a branch of its own: none is made a number of, and a mostly false one costs next to nothing. */
export function whenAny(f: FunctionBuilder, conditions: readonly Node[], then: () => void): void {
  const none = label("none");
  const some = label("some");
  const tests = conditions.map((condition) => brIf(some, condition));
  f.emit(block(none, [block(some, [...tests, br(none)]), ...f.collect(then)]));
}

export const bitsOf = (format: Format, x: Node): Node =>
  op(`${format.integer}.reinterpret_${format.scalar}` as "i64.reinterpret_f64", x);
/** Bits of |x| × 2. */
const magnitude = (f: FunctionBuilder, format: Format, x: Node): Node =>
  f.let(op(`${format.integer}.shl`, bitsOf(format, x), bitsConstant(format, 1n)));

/** Whether a number is a NaN, a denormal or zero. */
export function isUncommon(format: Format, x: Node): Node {
  const twice = op(`${format.integer}.shl`, bitsOf(format, x), bitsConstant(format, 1n));
  const above = op(`${format.integer}.sub`, twice, bitsConstant(format, 2n * format.least));
  return op(`${format.integer}.gt_u`, above, bitsConstant(format, 2n * (format.infinity - format.least)));
}
/** Whether a number is a NaN or a denormal. */
export const isStrange = (format: Format, x: Node): Node =>
  both(isUncommon(format, x), op(`${format.scalar}.ne`, x, constant(format, 0n)));

/** Whether a number is finite and above the least normal one, which may have been rounded up to from below. */
export function isSafe(f: FunctionBuilder, format: Format, x: Node): Node {
  const above = op(
    `${format.integer}.sub`,
    magnitude(f, format, x),
    bitsConstant(format, 2n * format.least + 2n),
  );
  return op(
    `${format.integer}.lt_u`,
    above,
    bitsConstant(format, 2n * (format.infinity - format.least) - 2n),
  );
}

/** Whether a number is no NaN and of magnitude below 2^power. */
export function isBelow(format: Format, x: Node, power: number): Node {
  const bias = format.bits === 64 ? 1023 : 127;
  const limit = BigInt(power + bias) * format.least;
  const twice = op(`${format.integer}.shl`, bitsOf(format, x), bitsConstant(format, 1n));
  return op(`${format.integer}.lt_u`, twice, bitsConstant(format, 2n * limit));
}

/** The exponent plus one, without its lowest bit: not 0 if the number is normal. */
const normality = (format: Format, x: Node): Node =>
  op(
    `${format.integer}.and`,
    op(`${format.integer}.add`, bitsOf(format, x), bitsConstant(format, format.least)),
    bitsConstant(format, format.infinity - format.least),
  );

/** Which of the numbers are not normal: what is asked first, in a few operations, of numbers that mostly are. */
export const abnormal = (format: Format, numbers: readonly Node[]): readonly Node[] =>
  numbers.map((x) => op(`${format.integer}.eqz`, normality(format, x)));

/** The same of the lanes of vectors. */
export function abnormalLanes(format: Format, vectors: readonly Node[]): readonly Node[] {
  const { integers, bits } = format;
  const all = vectors.map((x) =>
    op(
      "v128.and",
      op(`${integers}.add`, x, v128(bits, format.least)),
      v128(bits, format.infinity - format.least),
    ),
  );
  const each = integers === "i64x2" ? all : [all.reduce((a, b) => op("i32x4.min_u", a, b))];
  return each.map((x) => op("i32.eqz", op(`${integers}.all_true`, x)));
}

/** Whether some lane of the vectors is a NaN or a denormal. */
export function anyStrangeLane(format: Format, vectors: readonly Node[]): Node {
  const strange = vectors.map((x) => {
    const small = op(`${format.vector}.lt`, op(`${format.vector}.abs`, x), v128(format.bits, format.least));
    const denormal = op("v128.and", small, op(`${format.vector}.ne`, x, ZERO));
    return op("v128.or", denormal, op(`${format.vector}.ne`, x, x));
  });
  return op(
    "v128.any_true",
    strange.reduce((a, b) => op("v128.or", a, b)),
  );
}

const mxcsr = (): Node => load("i32.load", i32(0), STATE.mxcsr);
const mxcsrIsNot = (mask: number, value: number): Node =>
  op("i32.ne", op("i32.and", mxcsr(), i32(mask)), i32(value));

/** MXCSR's rounding mode is another than to nearest. */
export const roundsOtherwise = (): Node => mxcsrIsNot(MXCSR.rounding, 0);
/** An inexact result changes something: PE is clear, or not masked. */
export const asksPrecision = (): Node => {
  const quiet = MXCSR.precision | MXCSR.precisionMask;
  return mxcsrIsNot(quiet, quiet);
};
/** An inexact result is not that of WebAssembly, or changes something. */
export const asksMore = (): Node => {
  const quiet = MXCSR.precision | MXCSR.precisionMask;
  return mxcsrIsNot(quiet | MXCSR.rounding, quiet);
};
/** MXCSR's rounding mode as the immediate of ROUNDPS encodes it. */
export const roundingMode = (): Node => op("i32.and", op("i32.shr_u", mxcsr(), i32(13)), i32(3));
