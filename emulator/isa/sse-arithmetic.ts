/**
 * SSE arithmetic and comparisons of singles and doubles (SDM 2A/2B: ADD SUB MUL DIV SQRT MIN MAX in their PS, SS, PD and SD forms, ADDSUB, HADD, HSUB; CMPPS and its kin,
 * COMISS COMISD UCOMISS UCOMISD).
 *
 * Ordinary operands are computed with WebAssembly's arithmetic; `sse-format.ts` says what is ordinary. Everything else escapes to `cpu/sse/`. Memory is then read
 * twice, of which only a device could tell.
 */
import { i32, op, shuffle, v128, type Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Family, type Meaning } from "./family.ts";
import { exceptionName, type Arithmetic } from "./sse-exception.ts";
import {
  DOUBLE,
  SINGLE,
  any,
  abnormal,
  abnormalLanes,
  anyStrangeLane,
  asksMore,
  first,
  isStrange,
  isUncommon,
  joined,
  whenAny,
  withFirst,
  type Format,
} from "./sse-format.ts";

const ESCAPES = { escapes: true } as const;

type Operator = "add" | "sub" | "mul" | "div" | "sqrt";
const KIND: Readonly<Record<Operator, Arithmetic>> = {
  add: "sum",
  sub: "sum",
  mul: "product",
  div: "quotient",
  sqrt: "root",
};

/** Leaves what is not ordinary to TypeScript: numbers or vectors of them, operands and, last, the result of an operation. */
function guard(v: Vocabulary, format: Format, name: Operator, values: readonly Node[]): void {
  const vector = values[0]!.type === "v128";
  const conditions = (vector ? abnormalLanes : abnormal)(format, values);
  whenAny(v.f, [...conditions, asksMore()], () => {
    // A difference is a sum.
    const shape = vector ? format.vector : format.scalar;
    const asked = values.map((x, i) => (name === "sub" && i === 1 ? op(`${shape}.neg`, x) : x));
    v.escape(v.ask(exceptionName(KIND[name], format, vector), "i32", ...asked));
  });
}

const scalarArithmetic =
  (format: Format, name: Operator): Meaning =>
  (v) => {
    const source = v.let(first(format, v.readVector(1, format.bits)));
    const old = v.let(v.readVector(0));
    const a = v.let(first(format, old));
    const result = v.let(op(`${format.scalar}.${name}`, a, source));
    guard(v, format, name, [a, source, result]);
    v.writeVector(0, withFirst(format, old, result));
  };

/** Lane by lane, of operands that `arrange` has put beside each other. */
const vectorArithmetic =
  (
    format: Format,
    name: Operator,
    arrange?: (a: Node, b: Node, v: Vocabulary) => readonly [Node, Node],
  ): Meaning =>
  (v) => {
    const second = v.let(v.readVector(1));
    const old = v.let(v.readVector(0));
    const [a, b] = arrange === undefined ? [old, second] : arrange(old, second, v);
    const result = v.let(op(`${format.vector}.${name}`, a, b));
    guard(v, format, name, [a, b, result]);
    v.writeVector(0, result);
  };

/** Neighbours of both vectors: the even lanes and the odd ones. */
const pairs =
  (format: Format) =>
  (a: Node, b: Node, v: Vocabulary): readonly [Node, Node] => {
    const size = format.bits / 8;
    const every = (odd: number): readonly number[] =>
      Array.from({ length: format.lanes }, (_, n) =>
        Array.from({ length: size }, (__, i) => (2 * n + odd) * size + i),
      ).flat();
    return [v.let(shuffle(a, b, every(0))), v.let(shuffle(a, b, every(1)))];
  };

/** ADDSUB: the even lanes of the source negated. */
const evenNegated =
  (format: Format) =>
  (a: Node, b: Node, v: Vocabulary): readonly [Node, Node] => {
    const signs = v128(format.bits, 1n << BigInt(format.bits - 1), 0);
    return [a, v.let(op("v128.xor", b, signs))];
  };

const scalarRoot =
  (format: Format): Meaning =>
  (v) => {
    const source = v.let(first(format, v.readVector(1, format.bits)));
    const result = v.let(op(`${format.scalar}.sqrt`, source));
    guard(v, format, "sqrt", [source, result]);
    v.writeVector(0, withFirst(format, v.readVector(0), result));
  };
const vectorRoot =
  (format: Format): Meaning =>
  (v) => {
    const source = v.let(v.readVector(1));
    const result = v.let(op(`${format.vector}.sqrt`, source));
    guard(v, format, "sqrt", [source, result]);
    v.writeVector(0, result);
  };

/** Two scalar operands that are neither NaNs nor denormals, and the destination's vector. */
function scalarOperands(
  v: Vocabulary,
  format: Format,
): { readonly old: Node; readonly source: Node; readonly a: Node; readonly b: Node } {
  const source = v.let(v.readVector(1, format.bits));
  const old = v.let(v.readVector(0));
  const a = v.let(first(format, old));
  const b = v.let(first(format, source));
  whenAny(v.f, [isUncommon(format, a), isUncommon(format, b)], () =>
    v.escape(any(isStrange(format, a), isStrange(format, b))),
  );
  return { old, source, a, b };
}
function vectorOperands(v: Vocabulary, format: Format): { readonly old: Node; readonly source: Node } {
  const source = v.let(v.readVector(1));
  const old = v.let(v.readVector(0));
  v.escape(anyStrangeLane(format, [old, source]));
  return { old, source };
}

/** MIN and MAX: the second operand unless the first is beyond it, so also of two zeros. */
const extreme = (format: Format, name: "pmin" | "pmax", old: Node, source: Node): Node =>
  op(`${format.vector}.${name}`, source, old);
const scalarExtreme =
  (format: Format, name: "pmin" | "pmax"): Meaning =>
  (v) => {
    const { old, source } = scalarOperands(v, format);
    v.writeVector(0, joined(format, old, extreme(format, name, old, source)));
  };
const vectorExtreme =
  (format: Format, name: "pmin" | "pmax"): Meaning =>
  (v) => {
    const { old, source } = vectorOperands(v, format);
    v.writeVector(0, extreme(format, name, old, source));
  };

/** CMPPS and its kin: a mask by the predicate in immediate bits 2:0 (EQ LT LE UNORD, and their negations), of operands of which none is a NaN. */
function compareToMask(v: Vocabulary, format: Format, a: Node, b: Node): Node {
  const equal = op(`${format.vector}.eq`, a, b);
  const less = op(`${format.vector}.lt`, a, b);
  const predicate = v.let(v.immediate(32));
  if (predicate.kind === "const") {
    const number = Number(predicate.value);
    const base = [equal, less, op(`${format.vector}.le`, a, b), v128(32, 0)][number & 3]!;
    return (number & 4) === 0 ? base : op("v128.not", base);
  }
  /** All ones if a bit of the number is set. */
  const mask = (number: Node, bit: number): Node =>
    op("i32x4.splat", v.neg(v.and(v.shr(number, i32(bit)), i32(1))));
  const wantsEqual = mask(v.not(predicate), 0);
  const wantsLess = mask(v.add(predicate, i32(1)), 1);
  const wanted = op("v128.or", op("v128.and", equal, wantsEqual), op("v128.and", less, wantsLess));
  return op("v128.xor", wanted, mask(predicate, 2));
}
const scalarCompare =
  (format: Format): Meaning =>
  (v) => {
    const { old, source } = scalarOperands(v, format);
    v.writeVector(0, joined(format, old, compareToMask(v, format, old, source)));
  };
const vectorCompare =
  (format: Format): Meaning =>
  (v) => {
    const { old, source } = vectorOperands(v, format);
    v.writeVector(0, compareToMask(v, format, old, source));
  };

/** COMISD and its kin: ZF and CF say equal and less; PF, unordered, is 0 here, as OF, SF and AF always are. */
const compareToFlags =
  (format: Format): Meaning =>
  (v) => {
    const { a, b } = scalarOperands(v, format);
    // Of two comparisons neither needs to ask whether the numbers are ordered, which the one for equality would.
    const less = v.let(op(`${format.scalar}.lt`, a, b));
    const differ = any(less, op(`${format.scalar}.gt`, a, b));
    // A result of 0 or 100h, of which the low byte's parity is made odd; CF, with CF^OF.
    const result = v.resize(v.shl(differ, i32(8)), 64);
    v.setFlagWords(result, v.or(i32(0x100), v.and(v.neg(less), i32(0xc0000000))));
  };

/** PS, SS, PD and SD forms of an opcode by their mandatory prefixes. */
const four = (
  name: string,
  opcode: string,
  meaning: { readonly scalar: (format: Format) => Meaning; readonly vector: (format: Format) => Meaning },
  names: Readonly<Record<"ss" | "sd", string>> = { ss: `${name}ss`, sd: `${name}sd` },
  tail = "",
): readonly Family[] => [
  family(`${name}ps`, "", meaning.vector(SINGLE), [`np 0f ${opcode} /r : xmm1, xmm2/m128${tail}`], ESCAPES),
  family(names.ss, "", meaning.scalar(SINGLE), [`f3 0f ${opcode} /r : xmm1, xmm2/m32${tail}`], ESCAPES),
  family(`${name}pd`, "", meaning.vector(DOUBLE), [`66 0f ${opcode} /r : xmm1, xmm2/m128${tail}`], ESCAPES),
  family(names.sd, "", meaning.scalar(DOUBLE), [`f2 0f ${opcode} /r : xmm1, xmm2/m64${tail}`], ESCAPES),
];

const basic = (name: Operator, opcode: string): readonly Family[] =>
  four(name, opcode, {
    scalar: (format) => scalarArithmetic(format, name),
    vector: (format) => vectorArithmetic(format, name),
  });
const extremes = (name: "min" | "max", opcode: string): readonly Family[] =>
  four(name, opcode, {
    scalar: (format) => scalarExtreme(format, `p${name}`),
    vector: (format) => vectorExtreme(format, `p${name}`),
  });
/** The PS and PD forms of the instructions that combine neighbours. */
const across = (name: string, opcode: string, meaning: (format: Format) => Meaning): readonly Family[] => [
  family(`${name}pd`, "", meaning(DOUBLE), [`66 0f ${opcode} /r : xmm1, xmm2/m128`], ESCAPES),
  family(`${name}ps`, "", meaning(SINGLE), [`f2 0f ${opcode} /r : xmm1, xmm2/m128`], ESCAPES),
];
const toFlags = (name: string, opcode: string): readonly Family[] => [
  family(`${name}ss`, "", compareToFlags(SINGLE), [`np 0f ${opcode} /r : xmm1, xmm2/m32`], ESCAPES),
  family(`${name}sd`, "", compareToFlags(DOUBLE), [`66 0f ${opcode} /r : xmm1, xmm2/m64`], ESCAPES),
];

export const sseArithmetic: readonly Family[] = [
  ...four("sqrt", "51", { scalar: scalarRoot, vector: vectorRoot }),
  ...basic("add", "58"),
  ...basic("mul", "59"),
  ...basic("sub", "5c"),
  ...extremes("min", "5d"),
  ...basic("div", "5e"),
  ...extremes("max", "5f"),
  ...across("hadd", "7c", (format) => vectorArithmetic(format, "add", pairs(format))),
  ...across("hsub", "7d", (format) => vectorArithmetic(format, "sub", pairs(format))),
  ...across("addsub", "d0", (format) => vectorArithmetic(format, "add", evenNegated(format))),
  // The double scalar form shares its name with a string instruction.
  ...four(
    "cmp",
    "c2",
    { scalar: scalarCompare, vector: vectorCompare },
    { ss: "cmpss", sd: "cmpsd_xmm" },
    ", ib",
  ),
  ...toFlags("ucomi", "2e"),
  ...toFlags("comi", "2f"),
];
