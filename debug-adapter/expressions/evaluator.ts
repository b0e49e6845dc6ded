/**
 * Tree to value: C's rules over the names of a frame, with what a kernel debugger needs besides (registers, physical addresses, segments).
 *
 * Invariant: nothing is changed except by `=` and its relatives; a caller that must not change anything passes `assignments: false`.
 * Elsewhere: what names mean (`names.ts`), operators (`arithmetic.ts`), addresses (`pointer.ts`), members (`member.ts`), text (`format.ts`).
 */
import { noSuchType, notAssignable, typeMismatch, unknownName } from "../errors.ts";
import { selectorBase } from "../registers/control.ts";
import type { Register } from "../registers/index.ts";
import type { Type } from "../symbols/index.ts";
import { binary, isTrue, truth, unary } from "./arithmetic.ts";
import { member } from "./member.ts";
import type { Names } from "./names.ts";
import { address, decay, dereference, pointerValue } from "./pointer.ts";
import type { Expression, TypeName } from "./tree.ts";
import {
  arrayOf,
  bare,
  BOOL,
  builtinType,
  CHAR,
  DOUBLE,
  INT,
  LONG,
  numeric,
  pointerTo,
  UNSIGNED,
  UNSIGNED_128,
  UNSIGNED_LONG,
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
  // Wider ones go into XMM registers; what is too small for one refuses it.
  return integerValue(value < 1n << 64n ? UNSIGNED_LONG : UNSIGNED_128, value);
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
  // `$cpu` tells CPUs apart in the condition of a breakpoint that all of them meet.
  if (name === "cpu") return integerValue(UNSIGNED_LONG, BigInt(names.space.core.index));
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
