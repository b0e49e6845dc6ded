/** Operators: C's conversions and arithmetic over integers of every width, floats and pointers. */
import { divisionByZero, typeMismatch } from "../errors.ts";
import type { Type } from "../symbols/index.ts";
import type { Names } from "./names.ts";
import { decay, dereference, pointerValue } from "./pointer.ts";
import type { BinaryOperator, UnaryOperator } from "./tree.ts";
import { bare, BOOL, DOUBLE, INT, LONG, numeric, UNSIGNED, UNSIGNED_LONG } from "./type.ts";
import { floatValue, integerValue, toFloat, toInteger, type Value } from "./value.ts";

export function unary(operator: UnaryOperator, operand: Value, names: Names): Value {
  switch (operator) {
    case "*":
      return dereference(operand, names);
    case "&":
      if (operand.bitField !== null) throw typeMismatch("A bit-field has no address.");
      if (operand.place.kind !== "memory")
        throw typeMismatch("This value is not in memory, so it has no address.");
      return pointerValue(operand.place.address, operand.type, names);
    case "!":
      return truth(!isTrue(operand));
    case "+":
    case "-":
    case "~": {
      const kind = numeric(operand.type);
      if (kind === "float" && operator !== "~")
        return floatValue(DOUBLE, operator === "-" ? -toFloat(operand) : toFloat(operand));
      const type = promoted(operand.type);
      const value = toInteger(operand);
      return integerValue(type, operator === "-" ? -value : operator === "~" ? ~value : value);
    }
  }
}

export const truth = (value: boolean): Value => integerValue(BOOL, value ? 1n : 0n);

/** Whether a value counts as true. Throws `typeMismatch`. */
export function isTrue(value: Value): boolean {
  if (numeric(value.type) === "float") return toFloat(value) !== 0;
  const kind = bare(value.type)?.kind;
  return kind === "array" || kind === "function" || toInteger(value) !== 0n;
}

/** C's integer promotion. */
function promoted(type: Type | null): Type {
  const plain = bare(type);
  if (plain === null || plain.sizeBytes < 4 || numeric(plain) === null) return INT;
  return plain;
}

function usual(left: Type | null, right: Type | null): Type {
  const a = promoted(left);
  const b = promoted(right);
  const sizeBytes = Math.max(a.sizeBytes, b.sizeBytes);
  const isUnsigned = [a, b].some((type) => type.sizeBytes === sizeBytes && numeric(type) !== "signed");
  // A register keeps its way of being shown.
  const shown = [a, b].find(
    (type) => type.kind === "base" && type.encoding === "address" && type.sizeBytes === sizeBytes,
  );
  if (shown !== undefined) return shown;
  return sizeBytes > 4 ? (isUnsigned ? UNSIGNED_LONG : LONG) : isUnsigned ? UNSIGNED : INT;
}

export function binary(operator: BinaryOperator, first: Value, second: Value, names: Names): Value {
  const left = decay(first, names);
  const right = decay(second, names);
  const kinds = [numeric(left.type), numeric(right.type)];
  if (kinds.includes(null)) throw typeMismatch(`"${operator}" needs numbers.`);
  if (kinds.includes("pointer") && (operator === "+" || operator === "-"))
    return pointerArithmetic(operator, left, right, names);
  if (kinds.includes("float")) return floatArithmetic(operator, toFloat(left), toFloat(right));
  const isShift = operator === "<<" || operator === ">>";
  const type = isShift
    ? promoted(left.type)
    : kinds.includes("pointer")
      ? UNSIGNED_LONG
      : usual(left.type, right.type);
  const bits = type.sizeBytes * 8;
  const wrap = (value: bigint): bigint =>
    numeric(type) === "signed" ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  const a = wrap(toInteger(left));
  const b = isShift ? toInteger(right) : wrap(toInteger(right));
  const points = kinds[0] === "pointer" ? left.points : right.points;
  const number = (value: bigint): Value => integerValue(type, value, points);
  const symbol: string = operator;
  switch (symbol) {
    case "+":
      return number(a + b);
    case "-":
      return number(a - b);
    case "*":
      return number(a * b);
    case "/":
    case "%":
      if (b === 0n) throw divisionByZero();
      return number(operator === "/" ? a / b : a % b);
    case "<<":
    case ">>":
      // C leaves wide shifts undefined; here they shift everything out.
      if (b < 0n || b >= BigInt(bits)) return number(operator === ">>" && a < 0n ? -1n : 0n);
      return number(operator === "<<" ? a << b : a >> b);
    case "&":
      return number(a & b);
    case "|":
      return number(a | b);
    case "^":
      return number(a ^ b);
    default:
      return truth(compare(operator, a, b));
  }
}

function compare(operator: string, a: bigint | number, b: bigint | number): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    default:
      throw typeMismatch(`"${operator}" cannot be applied to these values.`);
  }
}

function floatArithmetic(operator: string, a: number, b: number): Value {
  switch (operator) {
    case "+":
      return floatValue(DOUBLE, a + b);
    case "-":
      return floatValue(DOUBLE, a - b);
    case "*":
      return floatValue(DOUBLE, a * b);
    case "/":
      return floatValue(DOUBLE, a / b);
    default:
      return truth(compare(operator, a, b));
  }
}

function pointerArithmetic(operator: "+" | "-", left: Value, right: Value, names: Names): Value {
  const leftType = bare(left.type);
  const rightType = bare(right.type);
  const step = (type: Type | null): bigint =>
    BigInt(Math.max(1, (type?.kind === "pointer" ? type.target?.sizeBytes : 1) ?? 1));
  if (leftType?.kind === "pointer" && rightType?.kind === "pointer") {
    if (operator === "+") throw typeMismatch("Two pointers cannot be added.");
    return integerValue(LONG, (toInteger(left) - toInteger(right)) / step(leftType));
  }
  const [pointer, count] = leftType?.kind === "pointer" ? [left, right] : [right, left];
  if (operator === "-" && pointer === right)
    throw typeMismatch("A pointer cannot be subtracted from a number.");
  const type = bare(pointer.type);
  if (type?.kind !== "pointer") throw typeMismatch("This is not a pointer.");
  const offset = toInteger(count) * step(type);
  const bits = type.sizeBytes * 8;
  const sum = BigInt.asUintN(bits, toInteger(pointer) + (operator === "+" ? offset : -offset));
  return { ...pointerValue({ space: pointer.points, offset: sum }, type.target, names), type: pointer.type };
}
