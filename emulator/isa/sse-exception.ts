/**
 * Functions that emitted code asks when an operand or a result is not plainly a normal number, or MXCSR is not in its usual state: whether TypeScript has to execute
 * the instruction. One per operation and format, in the interpreter's module; translated code imports them.
 *
 * Invariant: no is only said if WebAssembly's result is the processor's and raises no flag that is not set. Until PE is set, which the first inexact result does
 * for good (SDM 1 §4.9.1.6), exactness is proved: a sum's error is what TwoSum finds, a product's what Dekker's multiplication finds, and a
 * quotient or root is multiplied back; a product of singles is exact in double precision. The bounds keep every intermediate of those exact.
 */
import {
  FunctionBuilder,
  call,
  get,
  i32,
  lane,
  op,
  ret,
  when,
  type FunctionBody,
  type Node,
  type Signature,
  type ValueType,
} from "../wasm/index.ts";
import {
  DOUBLE,
  SINGLE,
  any,
  asksMore,
  constant,
  isSafe,
  isStrange,
  roundsOtherwise,
  type Format,
} from "./sse-format.ts";

export type Arithmetic = "sum" | "product" | "quotient" | "root";
const KINDS: readonly Arithmetic[] = ["sum", "product", "quotient", "root"];

/** The function's name, for one number or with `vector` for all lanes. It takes operands and result, and gives an i32: whether TypeScript has to step in. */
export const exceptionName = (kind: Arithmetic, format: Format, vector: boolean): string =>
  `${kind}_${vector ? format.vector : format.scalar}`;

const signature = (kind: Arithmetic, type: ValueType): Signature => ({
  params: kind === "root" ? [type, type] : [type, type, type],
  result: "i32",
});

/** Names and signatures, for modules that import them. */
export const exceptionImports: readonly { readonly name: string; readonly signature: Signature }[] =
  KINDS.flatMap((kind) =>
    [SINGLE, DOUBLE].flatMap((format) => [
      { name: exceptionName(kind, format, false), signature: signature(kind, format.scalar) },
      { name: exceptionName(kind, format, true), signature: signature(kind, "v128") },
    ]),
  );

const power = (exponent: number): Node => constant(DOUBLE, BigInt(exponent + 1023) << 52n);
/** Below this a product's error could be lost among the denormals; from the other on a number cannot be split. */
const SMALL = -900;
const MOST = 990;

const f64 = (name: "add" | "sub" | "mul", a: Node, b: Node): Node => op(`f64.${name}`, a, b);

/** The error of a sum (TwoSum): not 0, perhaps a NaN, unless it is exact. */
function sumError(f: FunctionBuilder, format: Format, [x, y]: readonly [Node, Node], sum: Node): Node {
  const { scalar } = format;
  const second = f.let(op(`${scalar}.sub`, sum, x));
  const ofFirst = op(`${scalar}.sub`, x, op(`${scalar}.sub`, sum, second));
  const error = op(`${scalar}.add`, ofFirst, op(`${scalar}.sub`, y, second));
  return op(`${scalar}.ne`, error, constant(format, 0n));
}

/** Whether x × y is not exactly `product`; of doubles, perhaps because that cannot be told. */
function isNotProduct(
  f: FunctionBuilder,
  format: Format,
  [x, y]: readonly [Node, Node],
  product: Node,
): Node {
  if (format === SINGLE) {
    const wide = (n: Node): Node => op("f64.promote_f32", n);
    return op("f64.ne", f64("mul", wide(x), wide(y)), wide(product));
  }
  const result = f.let(f64("mul", x, y));
  const split = (n: Node): readonly [Node, Node] => {
    // 2^27 + 1 splits a double into halves of 26 bits.
    const scaled = f.let(f64("mul", n, constant(DOUBLE, 0x41a0_0000_0200_0000n)));
    const high = f.let(f64("sub", scaled, f64("sub", scaled, n)));
    return [high, f.let(f64("sub", n, high))];
  };
  const [xHigh, xLow] = split(x);
  const [yHigh, yLow] = split(y);
  const high = f64("sub", f64("mul", xHigh, yHigh), result);
  const middle = f64("add", f64("add", high, f64("mul", xHigh, yLow)), f64("mul", xLow, yHigh));
  const error = f64("add", middle, f64("mul", xLow, yLow));
  const large = (n: Node): Node => op("i32.eqz", op("f64.lt", op("f64.abs", n), power(MOST)));
  const small = (n: Node): Node => op("i32.eqz", op("f64.gt", op("f64.abs", n), power(SMALL)));
  return any(
    op("f64.ne", result, product),
    op("f64.ne", error, constant(DOUBLE, 0n)),
    large(x),
    large(y),
    large(product),
    small(product),
  );
}

/** The function for one number. */
function exception(kind: Arithmetic, format: Format): FunctionBody {
  const { scalar } = format;
  const f = new FunctionBuilder(exceptionName(kind, format, false), signature(kind, scalar));
  const values = f.params.map(get);
  const result = values.pop()!;
  const [x, y = x] = values as [Node, Node?];
  const zero = constant(format, 0n);
  const isZero = (n: Node): Node => op(`${scalar}.eq`, n, zero);
  const yes = (condition: Node): void => f.emit(when(condition, [ret(i32(1))]));
  const no = (condition: Node): void => f.emit(when(condition, [ret(i32(0))]));
  yes(any(isStrange(format, x), kind === "root" ? i32(0) : isStrange(format, y)));
  const leaves = op("i32.eqz", isSafe(f, format, result));
  switch (kind) {
    case "sum":
      yes(op("i32.and", leaves, op("i32.eqz", isZero(result))));
      break;
    case "product":
      no(op("i32.and", isZero(result), any(isZero(x), isZero(y))));
      yes(leaves);
      break;
    case "quotient":
      no(op("i32.and", isZero(x), op(`${scalar}.ne`, y, zero)));
      yes(leaves);
      break;
    case "root":
      no(isZero(x));
      yes(any(op(`${scalar}.lt`, x, zero), leaves));
      break;
  }
  no(op("i32.eqz", asksMore()));
  yes(roundsOtherwise());
  switch (kind) {
    case "sum":
      f.emit(sumError(f, format, [x, y], result));
      break;
    case "product":
      f.emit(isNotProduct(f, format, [x, y], result));
      break;
    case "quotient":
      f.emit(isNotProduct(f, format, [result, y], x));
      break;
    case "root":
      f.emit(isNotProduct(f, format, [result, result], x));
      break;
  }
  return f.finish(true);
}

/** The function for all lanes of a vector. */
function vectorException(kind: Arithmetic, format: Format): FunctionBody {
  const f = new FunctionBuilder(exceptionName(kind, format, true), signature(kind, "v128"));
  const vectors = f.params.map(get);
  const each = Array.from({ length: format.lanes }, (_, n) => {
    const numbers = vectors.map((vector) => lane(`${format.vector}.extract_lane`, vector, n));
    return call(exceptionName(kind, format, false), "i32", ...numbers);
  });
  f.emit(any(...each));
  return f.finish(true);
}

/** All of them, for the interpreter's module. */
export const exceptionFunctions = (): readonly FunctionBody[] =>
  KINDS.flatMap((kind) =>
    [SINGLE, DOUBLE].flatMap((format) => [exception(kind, format), vectorException(kind, format)]),
  );
