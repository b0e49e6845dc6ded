/**
 * Values on the stack of a DWARF expression: a generic address-sized integer, or a base type's value (DWARF 5 §2.5.1).
 *
 * `bits` are always the unsigned bits, cut to the type's size; how they read is the type's matter.
 */

export interface StackType {
  readonly sizeBytes: number;
  /** The generic type is an integer without a sign of its own: it divides and compares as signed, `mod` and `shr` as unsigned. */
  readonly encoding: "generic" | "signed" | "unsigned" | "float";
}

export interface StackValue {
  readonly bits: bigint;
  readonly type: StackType;
}

export const GENERIC: StackType = { sizeBytes: 8, encoding: "generic" };

export function fromBits(bits: bigint, type: StackType): StackValue {
  return { bits: BigInt.asUintN(type.sizeBytes * 8, bits), type };
}

const scratch = new DataView(new ArrayBuffer(8));

function toFloat(value: StackValue): number {
  scratch.setBigUint64(0, BigInt.asUintN(64, value.bits), true);
  return value.type.sizeBytes === 4 ? scratch.getFloat32(0, true) : scratch.getFloat64(0, true);
}

function fromFloat(value: number, type: StackType): StackValue {
  scratch.setBigUint64(0, 0n);
  if (type.sizeBytes === 4) scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  return fromBits(scratch.getBigUint64(0, true), type);
}

function signed(value: StackValue): bigint {
  return BigInt.asIntN(value.type.sizeBytes * 8, value.bits);
}

/** The integer the value stands for in arithmetic that looks at signs. */
function integer(value: StackValue): bigint {
  return value.type.encoding === "unsigned" ? value.bits : signed(value);
}

export function convert(value: StackValue, type: StackType): StackValue {
  if (value.type.encoding === "float") {
    const number = toFloat(value);
    if (type.encoding === "float") return fromFloat(number, type);
    return fromBits(Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n, type);
  }
  const from = value.type.encoding === "signed" ? signed(value) : value.bits;
  return type.encoding === "float" ? fromFloat(Number(from), type) : fromBits(from, type);
}

export function unary(operation: "abs" | "neg" | "not", value: StackValue): StackValue {
  const { type } = value;
  if (type.encoding === "float" && operation !== "not") {
    const number = toFloat(value);
    return fromFloat(operation === "abs" ? Math.abs(number) : -number, type);
  }
  switch (operation) {
    case "abs": {
      const number = integer(value);
      return fromBits(number < 0n ? -number : number, type);
    }
    case "neg":
      return fromBits(-value.bits, type);
    case "not":
      return fromBits(~value.bits, type);
  }
}

export type BinaryOperation =
  | "and"
  | "div"
  | "minus"
  | "mod"
  | "mul"
  | "or"
  | "plus"
  | "shl"
  | "shr"
  | "shra"
  | "xor";

/** The result, or why there is none. The type is that of the left operand. */
export function binary(operation: BinaryOperation, left: StackValue, right: StackValue): StackValue | string {
  const { type } = left;
  if (type.encoding === "float" || right.type.encoding === "float") return floating(operation, left, right);
  const bits = BigInt(type.sizeBytes * 8);
  const shift = right.bits < bits ? right.bits : bits;
  switch (operation) {
    case "and":
      return fromBits(left.bits & right.bits, type);
    case "or":
      return fromBits(left.bits | right.bits, type);
    case "xor":
      return fromBits(left.bits ^ right.bits, type);
    case "plus":
      return fromBits(left.bits + right.bits, type);
    case "minus":
      return fromBits(left.bits - right.bits, type);
    case "mul":
      return fromBits(left.bits * right.bits, type);
    case "shl":
      return fromBits(left.bits << shift, type);
    case "shr":
      return fromBits(left.bits >> shift, type);
    case "shra":
      return fromBits(signed(left) >> shift, type);
    case "div":
      return right.bits === 0n
        ? "the expression divides by zero"
        : fromBits(integer(left) / integer(right), type);
    case "mod": {
      if (right.bits === 0n) return "the expression divides by zero";
      return fromBits(
        type.encoding === "signed" ? signed(left) % signed(right) : left.bits % right.bits,
        type,
      );
    }
  }
}

function floating(operation: BinaryOperation, left: StackValue, right: StackValue): StackValue | string {
  if (left.type.encoding !== "float" || right.type.encoding !== "float")
    return "the expression mixes integers and floating point";
  const a = toFloat(left);
  const b = toFloat(right);
  if (operation === "plus") return fromFloat(a + b, left.type);
  if (operation === "minus") return fromFloat(a - b, left.type);
  if (operation === "mul") return fromFloat(a * b, left.type);
  if (operation === "div") return fromFloat(a / b, left.type);
  return `the expression applies "${operation}" to floating point`;
}

export function compare(
  operation: "eq" | "ge" | "gt" | "le" | "lt" | "ne",
  left: StackValue,
  right: StackValue,
): boolean {
  const areFloats = left.type.encoding === "float" && right.type.encoding === "float";
  const a = areFloats ? toFloat(left) : integer(left);
  const b = areFloats ? toFloat(right) : integer(right);
  switch (operation) {
    case "eq":
      return a === b;
    case "ge":
      return a >= b;
    case "gt":
      return a > b;
    case "le":
      return a <= b;
    case "lt":
      return a < b;
    case "ne":
      return a !== b;
  }
}
