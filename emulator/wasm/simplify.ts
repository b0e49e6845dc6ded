/**
 * Makers of nodes that have simpler forms: constants are folded, what changes nothing is dropped, and pairs that undo each other vanish. So callers need not
 * look at what they are given: a meaning written for unknown operands becomes short where they are known.
 *
 * Invariant: the simpler form gives the same value, has the same effects in the same order, and takes no part of a tree twice. Addresses do not wrap around 2³².
 */
import { isPure, significantBits } from "./bits.ts";
import { br, i32, i64, type Label, type Node } from "./node.ts";
import {
  LOAD_OPERATORS,
  OPERATORS,
  type LoadName,
  type OpName,
  type ResultType,
  type ScalarType,
  type StoreName,
} from "./operator.ts";

type Constant = Extract<Node, { kind: "const" }>;
/** A simpler form, or null. Operands that the operator does not have are undefined, and no rule asks for them. */
type Rule = (a: Node, b: Node, c: Node) => Node | null;

/** An operator applied to its operands, or something simpler of the same value. */
export function op(name: OpName, ...args: readonly Node[]): Node {
  const { type, rule } = TABLE[name];
  return rule?.(args[0]!, args[1]!, args[2]!) ?? { kind: "op", type, op: name, args };
}

const isOp = (node: Node, name: OpName): boolean => node.kind === "op" && node.op === name;
const isZero = (node: Node): boolean =>
  node.kind === "const" && (node.type === "i32" ? node.value === 0 : node.value === 0n);
const isExtended = (node: Node): boolean => isOp(node, "i64.extend_i32_u") || isOp(node, "i64.extend_i32_s");
/** Operands of what `isOp` has been asked of. */
const only = (node: Node): Node => (node as Extract<Node, { kind: "op" }>).args[0]!;
const second = (node: Node): Node => (node as Extract<Node, { kind: "op" }>).args[1]!;
const wrap = (node: Node): Node => op("i32.wrap_i64", node);
const zeroExtend = (node: Node): Node => op("i64.extend_i32_u", node);

// --- constants ------------------------------------------------------------------------------------------------------------------------------

type Fold<Value> = (a: Value, b: Value) => Value | boolean;
const u32 = (value: number): number => value >>> 0;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

// Results are cut to the type afterwards.
const FOLD32: Record<string, Fold<number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Math.imul(a, b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr_s: (a, b) => a >> b,
  shr_u: (a, b) => a >>> b,
  rotl: (a, b) => (a << b) | (a >>> -b),
  rotr: (a, b) => (a >>> b) | (a << -b),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt_s: (a, b) => a < b,
  gt_s: (a, b) => a > b,
  le_s: (a, b) => a <= b,
  ge_s: (a, b) => a >= b,
  lt_u: (a, b) => u32(a) < u32(b),
  gt_u: (a, b) => u32(a) > u32(b),
  le_u: (a, b) => u32(a) <= u32(b),
  ge_u: (a, b) => u32(a) >= u32(b),
};
const FOLD64: Record<string, Fold<bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << (b & 63n),
  shr_s: (a, b) => a >> (b & 63n),
  shr_u: (a, b) => u64(a) >> (b & 63n),
  rotl: (a, b) => (a << (b & 63n)) | (u64(a) >> (-b & 63n)),
  rotr: (a, b) => (u64(a) >> (b & 63n)) | (a << (-b & 63n)),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt_s: (a, b) => a < b,
  gt_s: (a, b) => a > b,
  le_s: (a, b) => a <= b,
  ge_s: (a, b) => a >= b,
  lt_u: (a, b) => u64(a) < u64(b),
  gt_u: (a, b) => u64(a) > u64(b),
  le_u: (a, b) => u64(a) <= u64(b),
  ge_u: (a, b) => u64(a) >= u64(b),
};

function folded(name: string, a: Constant, b: Constant): Node | null {
  if (a.type === "i32" && b.type === "i32") {
    const value = FOLD32[name]?.(a.value, b.value);
    return value === undefined ? null : i32(Number(value));
  }
  if (a.type === "i64" && b.type === "i64") {
    const value = FOLD64[name]?.(a.value, b.value);
    return value === undefined ? null : typeof value === "boolean" ? i32(Number(value)) : i64(value);
  }
  return null;
}
const negative = (value: Constant): Node => (value.type === "i32" ? i32(-value.value) : i64(-value.value));

// --- arithmetic -----------------------------------------------------------------------------------------------------------------------------

const COMMUTES = new Set(["add", "mul", "and", "or", "xor", "eq", "ne"]);

/** Rules of `type`.`name` for two operands: those of constants, then `more` if the second one is constant. */
function binary(
  type: ScalarType,
  name: string,
  more: (a: Node, b: Constant) => Node | null,
): readonly [string, Rule] {
  const full = `${type}.${name}` as OpName;
  const commutes = COMMUTES.has(name);
  return [
    full,
    (a, b) => {
      if (b.kind === "const") return a.kind === "const" ? (folded(name, a, b) ?? more(a, b)) : more(a, b);
      return commutes && a.kind === "const" ? op(full, b, a) : null;
    },
  ];
}

/** (x op c) op d is x op (c op d) where the operator is associative. */
function regrouped(type: ScalarType, name: string, a: Node, b: Constant): Node | null {
  const full = `${type}.${name}` as OpName;
  if (!isOp(a, full)) return null;
  const inner = second(a);
  if (inner.kind !== "const") return null;
  const both = folded(name, inner, b);
  return both === null ? null : op(full, only(a), both);
}

function shift(type: ScalarType, name: string): readonly [string, Rule] {
  const full = `${type}.${name}` as OpName;
  const size = type === "i32" ? 32 : 64;
  const countOf = (node: Constant): number =>
    node.type === "i32" ? node.value & (size - 1) : Number(node.value & BigInt(size - 1));
  const constant = (count: number): Node => (type === "i32" ? i32(count) : i64(BigInt(count)));
  return binary(type, name, (a, b) => {
    const count = countOf(b);
    if (count === 0) return a;
    if (name === "shr_u") {
      if (significantBits(a) <= count && isPure(a)) return constant(0);
      if (isOp(a, "i64.extend_i32_u") && count < 32) return zeroExtend(op("i32.shr_u", only(a), i32(count)));
    }
    if ((name === "shr_u" || name === "shl") && isOp(a, full)) {
      const inner = second(a);
      if (inner.kind !== "const") return null;
      const sum = count + countOf(inner);
      if (sum < size) return op(full, only(a), constant(sum));
    }
    return null;
  });
}

function and32(a: Node, b: Constant): Node | null {
  const mask = Number(b.value);
  if (mask === -1) return a;
  if (mask === 0) return isPure(a) ? b : null;
  const bits = significantBits(a);
  if (bits < 32 && (~mask & (2 ** bits - 1)) === 0) return a;
  return regrouped("i32", "and", a, b);
}

function and64(a: Node, b: Constant): Node | null {
  const mask = BigInt(b.value);
  if (mask === -1n) return a;
  if (mask === 0n) return isPure(a) ? b : null;
  const bits = significantBits(a);
  if (bits < 64 && (~mask & ((1n << BigInt(bits)) - 1n)) === 0n) return a;
  if (mask > 0n && mask <= 0xffffffffn) {
    if (isExtended(a)) return zeroExtend(op("i32.and", only(a), i32(Number(mask))));
    if (mask === 0xffffffffn) return zeroExtend(wrap(a));
  }
  return regrouped("i64", "and", a, b);
}

function arithmetic(type: ScalarType): readonly (readonly [string, Rule])[] {
  return [
    binary(type, "add", (a, b) => (isZero(b) ? a : regrouped(type, "add", a, b))),
    binary(type, "sub", (a, b) => (isZero(b) ? a : op(`${type}.add`, a, negative(b)))),
    binary(type, "mul", (a, b) =>
      Number(b.value) === 1 ? a : isZero(b) && isPure(a) ? b : regrouped(type, "mul", a, b),
    ),
    binary(type, "and", type === "i32" ? and32 : and64),
    binary(type, "or", (a, b) => (isZero(b) ? a : regrouped(type, "or", a, b))),
    binary(type, "xor", (a, b) => (isZero(b) ? a : regrouped(type, "xor", a, b))),
    ...["shl", "shr_s", "shr_u", "rotl", "rotr"].map((name) => shift(type, name)),
  ];
}

// --- comparisons ----------------------------------------------------------------------------------------------------------------------------

const INVERSE: Record<string, string> = {
  eq: "ne",
  ne: "eq",
  lt_s: "ge_s",
  ge_s: "lt_s",
  gt_s: "le_s",
  le_s: "gt_s",
  lt_u: "ge_u",
  ge_u: "lt_u",
  gt_u: "le_u",
  le_u: "gt_u",
};
const inverses: ReadonlyMap<string, OpName> = new Map<string, OpName>(
  (["i32", "i64"] as const).flatMap((type) =>
    Object.entries(INVERSE).map(
      ([name, other]) => [`${type}.${name}`, `${type}.${other}` as OpName] as const,
    ),
  ),
);

function comparison(type: ScalarType, name: string): readonly [string, Rule] {
  const [full, constants] = binary(type, name, (a, b) => {
    if (isZero(b)) {
      if (name === "eq") return op(`${type}.eqz`, a);
      if (name === "ne" && type === "i32" && significantBits(a) <= 1) return a;
    }
    return null;
  });
  const isSigned = name.endsWith("_s");
  const isUnsigned = name.endsWith("_u");
  const narrow = (kind: string, a: Node, b: Node): Node => op(`i32.${kind}` as OpName, a, b);
  const narrowed: Rule = (a, b) => {
    if (isOp(a, "i64.extend_i32_u")) {
      // Neither side is negative, so the comparison may as well be unsigned.
      const kind = isSigned ? `${name.slice(0, 2)}_u` : name;
      if (isOp(b, "i64.extend_i32_u")) return narrow(kind, only(a), only(b));
      if (b.kind === "const" && b.value >= 0n && b.value <= 0xffffffffn)
        return narrow(kind, only(a), i32(Number(b.value)));
    } else if (isOp(a, "i64.extend_i32_s") && !isUnsigned) {
      if (isOp(b, "i64.extend_i32_s")) return narrow(name, only(a), only(b));
      if (b.kind === "const" && b.value === BigInt.asIntN(32, BigInt(b.value)))
        return narrow(name, only(a), i32(Number(b.value)));
    }
    return null;
  };
  return [full, type === "i32" ? constants : (a, b, c) => narrowed(a, b, c) ?? constants(a, b, c)];
}

const eqz32: Rule = (a) => {
  if (a.kind === "const") return i32(isZero(a) ? 1 : 0);
  if (a.kind !== "op") return null;
  const inverse = inverses.get(a.op);
  if (inverse !== undefined) return op(inverse, ...a.args);
  return a.op === "i32.eqz" && significantBits(only(a)) <= 1 ? only(a) : null;
};
const eqz64: Rule = (a) => {
  if (a.kind === "const") return i32(isZero(a) ? 1 : 0);
  return isExtended(a) ? op("i32.eqz", only(a)) : null;
};

/** A condition as those see it who only ask whether it is 0. */
function truth(condition: Node): Node {
  if (isOp(condition, "i32.eqz") && isOp(only(condition), "i32.eqz")) return truth(only(only(condition)));
  if (isOp(condition, "i32.ne") && isZero(second(condition))) return truth(only(condition));
  return condition;
}

const select: Rule = (a, b, c) => {
  const condition = truth(c);
  if (condition.kind === "const") {
    if (isZero(condition)) return isPure(a) ? b : null;
    return isPure(b) ? a : null;
  }
  const name = a.type === "i32" ? "select" : "select.i64";
  if (isOp(condition, "i32.eqz") && isPure(a) && isPure(b)) return op(name, b, a, only(condition));
  return condition === c ? null : op(name, a, b, condition);
};

// --- conversions ----------------------------------------------------------------------------------------------------------------------------

/** A load by another operator of the same bytes. */
function reload(node: Node, names: Readonly<Partial<Record<LoadName, LoadName>>>): Node | null {
  if (node.kind !== "load") return null;
  const name = names[node.op];
  return name === undefined ? null : load(name, node.address, node.offset);
}

const NARROW_LOADS = {
  "i64.load": "i32.load",
  "i64.load32_u": "i32.load",
  "i64.load32_s": "i32.load",
  "i64.load16_u": "i32.load16_u",
  "i64.load16_s": "i32.load16_s",
  "i64.load8_u": "i32.load8_u",
  "i64.load8_s": "i32.load8_s",
} as const;
const UNSIGNED_LOADS = {
  "i32.load": "i64.load32_u",
  "i32.load16_u": "i64.load16_u",
  "i32.load8_u": "i64.load8_u",
} as const;
const SIGNED_LOADS = {
  "i32.load": "i64.load32_s",
  "i32.load16_u": "i64.load16_u",
  "i32.load16_s": "i64.load16_s",
  "i32.load8_u": "i64.load8_u",
  "i32.load8_s": "i64.load8_s",
} as const;

/** Operators whose low 32 bits depend on nothing but the operands' low 32 bits. */
const NARROW: Partial<Record<OpName, OpName>> = {
  "i64.add": "i32.add",
  "i64.sub": "i32.sub",
  "i64.mul": "i32.mul",
  "i64.and": "i32.and",
  "i64.or": "i32.or",
  "i64.xor": "i32.xor",
};
const isNarrow = (node: Node): boolean => node.kind === "const" || isExtended(node);

const wrapped: Rule = (a) => {
  if (a.kind === "const") return i32(Number(BigInt.asIntN(32, BigInt(a.value))));
  if (isExtended(a)) return only(a);
  if (a.kind !== "op") return reload(a, NARROW_LOADS);
  const [x, y] = a.args;
  const narrow = NARROW[a.op];
  if (narrow !== undefined && isNarrow(y!) && (a.op === "i64.and" || isNarrow(x!)))
    return op(narrow, wrap(x!), wrap(y!));
  return null;
};

const zeroExtended: Rule = (a) => {
  if (a.kind === "const") return i64(BigInt(a.value) & 0xffffffffn);
  if (isOp(a, "i32.wrap_i64")) return significantBits(only(a)) <= 32 ? only(a) : null;
  // One operator less: the mask cuts off what the wrapping would.
  if (isOp(a, "i32.and") && isOp(only(a), "i32.wrap_i64")) {
    const mask = second(a);
    if (mask.kind === "const" && mask.value >= 0)
      return op("i64.and", only(only(a)), i64(BigInt(mask.value)));
  }
  return reload(a, UNSIGNED_LOADS);
};

const signExtended: Rule = (a) => {
  if (a.kind === "const") return i64(BigInt(a.value));
  if (isOp(a, "i32.wrap_i64")) return op("i64.extend32_s", only(a));
  return reload(a, SIGNED_LOADS) ?? (significantBits(a) < 32 ? zeroExtend(a) : null);
};

/** Sign extension from `bits` within a type. */
function extension(type: ScalarType, bits: 8 | 16 | 32): readonly [string, Rule] {
  const full = `${type}.extend${bits}_s` as OpName;
  const loads = { [`${type}.load${bits}_u`]: `${type}.load${bits}_s` } as Partial<Record<LoadName, LoadName>>;
  const low = (1n << BigInt(bits)) - 1n;
  return [
    full,
    (a) => {
      if (a.kind === "const")
        return type === "i32"
          ? i32(Number(BigInt.asIntN(bits, BigInt(a.value))))
          : i64(BigInt.asIntN(bits, BigInt(a.value)));
      if (isOp(a, `${type}.and`)) {
        const mask = second(a);
        if (mask.kind === "const" && (BigInt(mask.value) & low) === low) return op(full, only(a));
      }
      if (bits === 32) {
        if (isOp(a, "i64.extend_i32_u")) return op("i64.extend_i32_s", only(a));
        if (isOp(a, "i64.extend_i32_s")) return a;
      }
      return reload(a, loads) ?? (significantBits(a) < bits ? a : null);
    },
  ];
}

const RULES = new Map<string, Rule>([
  ...arithmetic("i32"),
  ...arithmetic("i64"),
  ...Object.keys(INVERSE).map((name) => comparison("i32", name)),
  ...Object.keys(INVERSE).map((name) => comparison("i64", name)),
  ["i32.eqz", eqz32],
  ["i64.eqz", eqz64],
  ["select", select],
  ["select.i64", select],
  ["i32.wrap_i64", wrapped],
  ["i64.extend_i32_u", zeroExtended],
  ["i64.extend_i32_s", signExtended],
  extension("i32", 8),
  extension("i32", 16),
  extension("i64", 8),
  extension("i64", 16),
  extension("i64", 32),
]);

const TABLE = Object.fromEntries(
  Object.entries(OPERATORS).map(([name, { type }]) => [name, { type, rule: RULES.get(name) ?? null }]),
) as Readonly<Record<OpName, { readonly type: ResultType; readonly rule: Rule | null }>>;

// --- memory ---------------------------------------------------------------------------------------------------------------------------------

/** Takes a constant out of an address into the offset, where that is sure not to wrap around. */
function constantPart(address: Node, offset: number): number {
  if (address.kind === "const") return Number(address.value) >>> 0;
  if (!isOp(address, "i32.add")) return 0;
  const part = second(address);
  if (part.kind !== "const" || part.value <= 0 || Number(part.value) + offset >= 2 ** 31) return 0;
  return significantBits(only(address)) < 32 ? Number(part.value) : 0;
}
const variablePart = (address: Node): Node => (address.kind === "const" ? i32(0) : only(address));

export function load(name: LoadName, address: Node, offset = 0): Node {
  const { type } = LOAD_OPERATORS[name] as { type: Exclude<ResultType, "void"> };
  const part = constantPart(address, offset);
  return part === 0
    ? { kind: "load", type, op: name, address, offset }
    : { kind: "load", type, op: name, address: variablePart(address), offset: offset + part };
}

export function store(name: StoreName, address: Node, offset: number, value: Node): Node {
  const part = constantPart(address, offset);
  if (part !== 0) return store(name, variablePart(address), offset + part, value);
  return (
    narrowStore(name, address, offset, value) ?? {
      kind: "store",
      type: "void",
      op: name,
      address,
      offset,
      value,
    }
  );
}

const STORED: Partial<Record<StoreName, { readonly mask: bigint; readonly other: StoreName }>> = {
  "i32.store8": { mask: 0xffn, other: "i64.store8" },
  "i64.store8": { mask: 0xffn, other: "i32.store8" },
  "i32.store16": { mask: 0xffffn, other: "i64.store16" },
  "i64.store16": { mask: 0xffffn, other: "i32.store16" },
  "i32.store": { mask: 0xffffffffn, other: "i64.store32" },
  "i64.store32": { mask: 0xffffffffn, other: "i32.store" },
};

/** A store of low bits asks for no others. */
function narrowStore(name: StoreName, address: Node, offset: number, value: Node): Node | null {
  const stored = STORED[name];
  if (stored === undefined || value.kind !== "op") return null;
  if (isOp(value, "i32.wrap_i64") || isExtended(value))
    return store(stored.other, address, offset, only(value));
  if (!isOp(value, "i32.and") && !isOp(value, "i64.and")) return null;
  const mask = second(value);
  return mask.kind === "const" && (BigInt(mask.value) & stored.mask) === stored.mask
    ? store(name, address, offset, only(value))
    : null;
}

// --- control --------------------------------------------------------------------------------------------------------------------------------

export const when = (
  condition: Node,
  yes: readonly Node[],
  no: readonly Node[] = [],
  type: ResultType = "void",
): Node => choice(condition, undefined, yes, no, type);

/** The condition mostly holds. The engine puts the other arm out of the way and keeps registers for this one. */
export const mostly = (
  condition: Node,
  yes: readonly Node[],
  no: readonly Node[],
  type: ResultType = "void",
): Node => choice(condition, true, yes, no, type);

/** The condition hardly ever holds. */
export const seldom = (
  condition: Node,
  yes: readonly Node[],
  no: readonly Node[] = [],
  type: ResultType = "void",
): Node => choice(condition, false, yes, no, type);

function choice(
  condition: Node,
  likely: boolean | undefined,
  yes: readonly Node[],
  no: readonly Node[],
  type: ResultType,
): Node {
  const simple = truth(condition);
  if (isOp(simple, "i32.eqz") && no.length > 0)
    return choice(only(simple), likely === undefined ? undefined : !likely, no, yes, type);
  const node = { kind: "if", type, condition: simple, yes, no } as const;
  return likely === undefined ? node : { ...node, likely };
}

export function brIf(target: Label, condition: Node): Node {
  const simple = truth(condition);
  if (simple.kind === "const" && !isZero(simple)) return br(target);
  return { kind: "br", type: "void", label: target, condition: simple };
}
