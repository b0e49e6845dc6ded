/**
 * Tree to value: C's rules over the names of a frame, with what a kernel debugger needs besides (registers, physical addresses, segments).
 *
 * Invariant: nothing is changed except by `=` and its relatives; a caller that must not change anything passes `assignments: false`.
 * Elsewhere: what names mean (`Names`, implemented in `stack/names.ts`), text (`format.ts`).
 */
import {
  divisionByZero,
  noSuchMember,
  noSuchType,
  notAssignable,
  typeMismatch,
  unknownName,
} from "../errors.ts";
import { formatReference, type Address, type GuestSpace, type Space } from "../memory/space.ts";
import { selectorBase } from "../registers/control.ts";
import { littleEndian } from "../memory/space.ts";
import type { Register } from "../registers/index.ts";
import type { Member, StructType, Type } from "../symbols/index.ts";
import type { BinaryOperator, Expression, TypeName, UnaryOperator } from "./tree.ts";
import {
  arrayOf,
  bare,
  BOOL,
  builtinType,
  CHAR,
  DOUBLE,
  INT,
  isStructure,
  numeric,
  pointerTo,
  UNSIGNED,
  UNTYPED,
} from "./type.ts";
import {
  assign,
  computed,
  converted,
  floatBytes,
  floatValue,
  integerValue,
  memoryValue,
  toFloat,
  toInteger,
  type Value,
} from "./value.ts";

/** What names mean where an expression is evaluated. */
export interface Names {
  readonly space: GuestSpace;
  /** Bytes of a pointer in the code of the frame. */
  readonly addressBytes: 4 | 8;
  /** A variable of the frame or a global one; throws `optimisedOut` if it has no place here. */
  variable(name: string): Value | null;
  /** Whether `variable` would find one, whether or not it has a place. */
  isVariable(name: string): boolean;
  /** A function or another symbol of an image. */
  symbol(name: string): { readonly address: bigint; readonly type: Type | null } | null;
  type(words: string): Type | null;
  /** A register with its value in the frame; `writable` is false in frames where it is not in the machine's register. */
  register(
    name: string,
  ): { readonly register: Register; readonly value: bigint; readonly writable: boolean } | null;
  /** "kmain+4" */
  describe(address: bigint): string | null;
  /** `$name` of the debugger: `$vector` in a condition of an exception filter. */
  readonly convenience?: ReadonlyMap<string, Value>;
}

export interface EvaluateOptions {
  readonly assignments: boolean;
}

/** Evaluates a parsed expression. Throws errors of 3xxx and 4xxx. */
export function evaluate(tree: Expression, names: Names, options: EvaluateOptions): Value {
  const visit = (node: Expression): Value => evaluate(node, names, options);
  switch (tree.kind) {
    case "integer":
      return integerLiteral(tree.value, tree.decimal, tree.suffix, names.addressBytes);
    case "float":
      return floatValue(DOUBLE, tree.value);
    case "character":
      return integerValue(CHAR, BigInt(tree.value));
    case "string": {
      const bytes = new TextEncoder().encode(`${tree.value}\0`);
      return computed(arrayOf(CHAR, bytes.length), bytes);
    }
    case "name":
      return named(tree.name, names);
    case "register": {
      const value = registerValue(tree.name, names);
      if (value === null) throw unknownName(`$${tree.name}`);
      return value;
    }
    case "space":
      return pointerValue(address(visit(tree.operand), tree.space), null, names);
    case "segmented":
      return segmented(tree.segment, visit(tree.operand), names);
    case "unary":
      return unary(tree.operator, visit(tree.operand), names);
    case "binary":
      if (tree.operator === "&&") return truth(isTrue(visit(tree.left)) && isTrue(visit(tree.right)));
      if (tree.operator === "||") return truth(isTrue(visit(tree.left)) || isTrue(visit(tree.right)));
      return binary(tree.operator, visit(tree.left), visit(tree.right), names);
    case "conditional":
      return isTrue(visit(tree.condition)) ? visit(tree.consequent) : visit(tree.alternative);
    case "assign": {
      if (!options.assignments) throw notAssignable("Assignments are not allowed here.");
      const target = visit(tree.target);
      const value = visit(tree.value);
      assign(
        names.space,
        target,
        tree.operator === null ? value : binary(tree.operator, target, value, names),
      );
      return visit(tree.target);
    }
    case "cast":
      return cast(visit(tree.operand), resolveType(tree.type, names), names);
    case "sizeof": {
      const type = "kind" in tree.of ? visit(tree.of).type : resolveType(tree.of, names);
      return integerValue(names.addressBytes === 8 ? UNSIGNED_LONG : UNSIGNED, BigInt(type?.sizeBytes ?? 1));
    }
    case "index":
      return dereference(binary("+", decay(visit(tree.base), names), visit(tree.index), names), names);
    case "member":
      return member(visit(tree.base), tree.name, names);
  }
}

const UNSIGNED_LONG: Type = { kind: "base", name: "unsigned long", sizeBytes: 8, encoding: "unsigned" };
const LONG: Type = { kind: "base", name: "long", sizeBytes: 8, encoding: "signed" };

function integerLiteral(value: bigint, decimal: boolean, suffix: string, addressBytes: number): Value {
  const rust = /^([iu])(\d+|size)$/.exec(suffix);
  if (rust !== null) {
    const size = rust[2] === "size" ? addressBytes : Number(rust[2]) / 8;
    return integerValue(
      { kind: "base", name: suffix, sizeBytes: size, encoding: rust[1] === "u" ? "unsigned" : "signed" },
      value,
    );
  }
  const isUnsigned = /u/i.test(suffix);
  const isLong = /l/i.test(suffix);
  if (!isLong && !isUnsigned && value <= 0x7fff_ffffn) return integerValue(INT, value);
  if (!isLong && (isUnsigned || !decimal) && value <= 0xffff_ffffn) return integerValue(UNSIGNED, value);
  if (!isUnsigned && value < 1n << 63n) return integerValue(LONG, value);
  return integerValue(UNSIGNED_LONG, value);
}

function named(name: string, names: Names): Value {
  const variable = names.variable(name);
  if (variable !== null) return variable;
  if (name === "true" || name === "false") return integerValue(BOOL, name === "true" ? 1n : 0n);
  if (name === "NULL" || name === "nullptr")
    return pointerValue({ space: "linear", offset: 0n }, null, names);
  const symbol = names.symbol(name);
  if (symbol !== null)
    return memoryValue(names.space, symbol.type ?? UNTYPED, { space: "linear", offset: symbol.address });
  const register = registerValue(name, names);
  if (register !== null) return register;
  throw unknownName(name);
}

function registerValue(name: string, names: Names): Value | null {
  const own = names.convenience?.get(name.toLowerCase());
  if (own !== undefined) return own;
  const found = names.register(name);
  if (found === null) return null;
  const { register, value, writable } = found;
  const sizeBytes = Math.ceil(register.bits / 8);
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) bytes[i] = Number((value >> BigInt(i * 8)) & 0xffn);
  return {
    type: registerType(register),
    place: writable
      ? { kind: "register", register, byteOffset: 0 }
      : {
          kind: "none",
          why: `${name} of a calling frame is where the callee saved it; select the innermost frame to change it.`,
        },
    bitField: null,
    points: "linear",
    bytes: () => bytes,
    frame: null,
  };
}

/** The type of a register: a number that is shown in hexadecimal. */
export function registerType(register: Register): Type {
  const sizeBytes = Math.ceil(register.bits / 8);
  if (register.shape === "extended") return { kind: "base", name: "x87", sizeBytes, encoding: "float" };
  return { kind: "base", name: `register${register.bits}`, sizeBytes, encoding: "address" };
}

export function pointerValue(
  { space, offset }: Address,
  target: Type | null,
  names: Pick<Names, "addressBytes">,
): Value {
  // A physical address can need more bits than a pointer of the guest has.
  const size = space === "physical" || offset > 0xffff_ffffn ? 8 : names.addressBytes;
  return integerValue(pointerTo(target, size), offset, space);
}

/** The address that a value, taken as a pointer, names. Throws `typeMismatch`. */
export function address(value: Value, space: Space = value.points): Address {
  const plain = bare(value.type);
  if (plain?.kind === "array" || plain?.kind === "function") {
    if (value.place.kind === "memory") return value.place.address;
    throw typeMismatch("This value has no address.");
  }
  return { space, offset: BigInt.asUintN(64, toInteger(value)) };
}

function segmented(segment: Expression, operand: Value, names: Names): Value {
  const { core } = names.space;
  const isRegister = segment.kind === "register" || segment.kind === "name";
  const base =
    segment.kind === "integer"
      ? selectorBase(core, Number(segment.value))
      : isRegister
        ? names.register(`${segment.name}_base`)!.value
        : 0n;
  const is64 = (core.mode & 3) === 2;
  return pointerValue(
    { space: "linear", offset: BigInt.asUintN(is64 ? 64 : 32, base + toInteger(operand)) },
    null,
    names,
  );
}

/** Arrays become pointers to their first element, functions pointers to themselves. */
function decay(value: Value, names: Names): Value {
  const plain = bare(value.type);
  if (plain?.kind === "array") {
    if (value.place.kind !== "memory") throw typeMismatch("This array is not in memory.");
    const [, ...inner] = plain.dimensions;
    const element =
      inner.length === 0
        ? plain.element
        : { ...arrayOf(plain.element, 0), dimensions: inner, sizeBytes: arrayBytes(plain.element, inner) };
    return pointerValue(value.place.address, element, names);
  }
  if (plain?.kind === "function" && value.place.kind === "memory")
    return pointerValue(value.place.address, plain, names);
  return value;
}

const arrayBytes = (element: Type | null, dimensions: readonly (number | null)[]): number =>
  dimensions.reduce<number>((bytes, count) => bytes * (count ?? 0), element?.sizeBytes ?? 1);

export function dereference(value: Value, names: Names): Value {
  const pointer = decay(value, names);
  const plain = bare(pointer.type);
  if (plain?.kind === "pointer") {
    const target = plain.target ?? {
      kind: "base" as const,
      name: "u8",
      sizeBytes: 1,
      encoding: "unsigned" as const,
    };
    return memoryValue(names.space, target, address(pointer), value.frame);
  }
  // A plain number: a word of the machine, as `*$rsp`.
  if (numeric(pointer.type) === null)
    throw typeMismatch("Only pointers, arrays and numbers can be followed.");
  const word = names.addressBytes === 8 ? UNSIGNED_LONG : UNSIGNED;
  return memoryValue(names.space, word, address(pointer));
}

function unary(operator: UnaryOperator, operand: Value, names: Names): Value {
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

const truth = (value: boolean): Value => integerValue(BOOL, value ? 1n : 0n);

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

function binary(operator: BinaryOperator, first: Value, second: Value, names: Names): Value {
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

/** A type as it was written. Throws `noSuchType`. */
export function resolveType(name: TypeName, names: Names): Type | null {
  const own = names.type(name.base);
  const builtin = own ?? builtinType(name.base, names.addressBytes);
  if (builtin === null) throw noSuchType(name.base);
  let type: Type | null = builtin ?? null;
  for (let i = 0; i < name.pointers; i++) type = pointerTo(type, names.addressBytes);
  for (const count of name.arrays.toReversed()) type = arrayOf(type, count);
  return type;
}

function cast(value: Value, type: Type | null, names: Names): Value {
  const plain = bare(type);
  if (plain === null) return computed(null, new Uint8Array(0));
  if (plain.kind === "pointer") {
    const { space, offset } = address(decay(value, names));
    const size = space === "physical" || offset > 0xffff_ffffn ? 8 : plain.sizeBytes;
    return integerValue({ ...plain, sizeBytes: size }, offset, space);
  }
  if (numeric(plain) === "float") return computed(type, floatBytes(toFloat(value), plain.sizeBytes));
  if (numeric(plain) !== null) {
    const source = decay(value, names);
    return computed(type, converted(source, plain), source.points);
  }
  // To a structure or an array: another look at the same memory.
  if (value.place.kind !== "memory")
    throw typeMismatch("Only something in memory can be looked at as a structure or an array.");
  return memoryValue(names.space, type, value.place.address, value.frame);
}

/** The structure behind a value or a pointer to one. */
function structure(base: Value, names: Names): { readonly value: Value; readonly type: StructType } {
  let value = base;
  for (let depth = 0; depth < 4; depth++) {
    const plain = bare(value.type);
    if (plain?.kind === "struct" || plain?.kind === "class" || plain?.kind === "union")
      return { value, type: plain };
    if (plain?.kind !== "pointer") break;
    value = dereference(value, names);
  }
  throw typeMismatch("This value has no members.");
}

/** `base.name` and `base->name`, which mean the same here. Throws `noSuchMember`. */
export function member(base: Value, name: string, names: Names): Value {
  const { value, type } = structure(base, names);
  const found = findMember(type, name, 0, 0);
  if (found === null)
    throw noSuchMember(type.name === "" ? "The structure" : `${type.kind} ${type.name}`, name);
  return memberValue(value, found.member, found.baseBits, names);
}

function findMember(
  type: StructType,
  name: string,
  baseBits: number,
  depth: number,
): { readonly member: Member; readonly baseBits: number } | null {
  const all = [...type.members, ...(type.variants?.variants.flatMap((variant) => variant.members) ?? [])];
  for (const candidate of all) if (candidate.name === name) return { member: candidate, baseBits };
  if (depth > 8) return null;
  for (const candidate of all) {
    const inner = bare(candidate.type);
    const isTransparent = candidate.name === "" || candidate.kind === "base";
    if (!isTransparent || !isStructure(inner)) continue;
    const found = findMember(inner, name, baseBits + candidate.offsetBits, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** The value of one member of `value`. */
export function memberValue(value: Value, found: Member, baseBits: number, names: Names): Value {
  const { name, type, kind, offsetBits, sizeBits } = found;
  if (found.locate !== undefined && value.frame !== null && value.place.kind === "memory") {
    const where = found.locate({ kind: "memory", address: value.place.address.offset }, value.frame);
    if (where.kind === "memory") {
      return memoryValue(names.space, type, { space: "linear", offset: where.address }, value.frame);
    }
  }
  if (kind === "static") throw typeMismatch(`"${name}" is static; name it with its class.`);
  const start = baseBits + offsetBits;
  const byteOffset = Math.floor(start / 8);
  const within = start % 8;
  const length = sizeBits === null ? Math.max(1, type?.sizeBytes ?? 1) : Math.ceil((within + sizeBits) / 8);
  const bitField = sizeBits === null ? null : { offsetBits: within, sizeBits };
  if (value.place.kind === "memory") {
    const at: Address = {
      space: value.place.address.space,
      offset: value.place.address.offset + BigInt(byteOffset),
    };
    if (bitField === null) return memoryValue(names.space, type, at, value.frame);
    return {
      type,
      place: { kind: "memory", address: at },
      bitField,
      points: "linear",
      bytes: () => names.space.read(at, length),
      frame: value.frame,
    };
  }
  const place =
    value.place.kind === "register"
      ? { ...value.place, byteOffset: value.place.byteOffset + byteOffset }
      : value.place;
  return {
    type,
    place,
    bitField,
    points: "linear",
    bytes: () => value.bytes().subarray(byteOffset, byteOffset + length),
    frame: value.frame,
  };
}

/** Memory reference of what a value is (an object in memory) or points to; null if neither. */
export function reference(value: Value): string | null {
  const plain = bare(value.type);
  if (plain?.kind === "pointer")
    return formatReference({ space: value.points, offset: littleEndian(value.bytes()) });
  if (plain?.kind === "base" && plain.encoding === "address" && plain.sizeBytes <= 8) {
    return formatReference({ space: value.points, offset: littleEndian(value.bytes()) });
  }
  return value.place.kind === "memory" ? formatReference(value.place.address) : null;
}
