/**
 * WebAssembly as a tree of nodes: what semantics produce, and what `encode.ts` turns into bytes.
 *
 * Invariant: a node is a value. Using one twice repeats its code, so anything with a cost or an effect goes through a local first
 * (`FunctionBuilder.let`). Knows no x86.
 */

import { FLOAT_OPS } from "./float.ts";
import { LANES, SIMD, SIMD_LOADS, SIMD_STORES, type LaneName } from "./simd.ts";

/** Types of integers. */
export type ScalarType = "i32" | "i64";
export type ValueType = ScalarType | "f32" | "f64" | "v128";
export type ResultType = ValueType | "void";

/** A branch target: a block (forward) or a loop (backward). Compared by identity. */
export interface Label {
  readonly name: string;
}

export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

export type Node =
  | { readonly kind: "const"; readonly type: ScalarType; readonly value: bigint }
  | { readonly kind: "v128"; readonly type: "v128"; readonly bytes: readonly number[] }
  | {
      readonly kind: "shuffle";
      readonly type: "v128";
      /** Sixteen numbers: 0 … 15 bytes of the first vector, 16 … 31 of the second. */
      readonly lanes: readonly number[];
      readonly args: readonly [Node, Node];
    }
  | {
      readonly kind: "lane";
      readonly type: ValueType;
      readonly op: LaneName;
      readonly lane: number;
      readonly args: readonly Node[];
    }
  | { readonly kind: "op"; readonly type: ResultType; readonly op: OpName; readonly args: readonly Node[] }
  | {
      readonly kind: "load";
      readonly type: ValueType;
      readonly op: LoadName;
      readonly address: Node;
      readonly offset: number;
    }
  | {
      readonly kind: "store";
      readonly type: "void";
      readonly op: StoreName;
      readonly address: Node;
      readonly offset: number;
      readonly value: Node;
    }
  | { readonly kind: "get"; readonly type: ValueType; readonly local: Local }
  | { readonly kind: "set"; readonly type: "void"; readonly local: Local; readonly value: Node }
  | { readonly kind: "tee"; readonly type: ValueType; readonly local: Local; readonly value: Node }
  | {
      readonly kind: "if";
      readonly type: ResultType;
      readonly condition: Node;
      readonly yes: readonly Node[];
      readonly no: readonly Node[];
    }
  | {
      readonly kind: "block" | "loop";
      readonly type: ResultType;
      readonly label: Label;
      readonly body: readonly Node[];
    }
  | { readonly kind: "br"; readonly type: "void"; readonly label: Label; readonly condition?: Node }
  | {
      readonly kind: "br_table";
      readonly type: "void";
      readonly index: Node;
      readonly labels: readonly Label[];
      readonly default: Label;
    }
  | {
      readonly kind: "call";
      readonly type: ResultType;
      readonly target: string;
      readonly args: readonly Node[];
    }
  | {
      readonly kind: "call_indirect";
      readonly type: ResultType;
      readonly signature: string;
      readonly index: Node;
      readonly args: readonly Node[];
    }
  | {
      readonly kind: "bulk";
      readonly type: "void";
      readonly op: BulkName;
      readonly args: readonly [Node, Node, Node];
    }
  | { readonly kind: "return"; readonly type: "void"; readonly value?: Node }
  | { readonly kind: "drop"; readonly type: "void"; readonly value: Node }
  | { readonly kind: "unreachable"; readonly type: "void" };

// Opcode and result type of every operator used, by the specification's names (WebAssembly core, binary format, instructions).
// oxfmt-ignore: one operator a line reads as the specification's table.
export const OPS = {
  "i32.eqz": [0x45, "i32"],
  "i32.eq": [0x46, "i32"],
  "i32.ne": [0x47, "i32"],
  "i32.lt_s": [0x48, "i32"],
  "i32.lt_u": [0x49, "i32"],
  "i32.gt_s": [0x4a, "i32"],
  "i32.gt_u": [0x4b, "i32"],
  "i32.le_s": [0x4c, "i32"],
  "i32.le_u": [0x4d, "i32"],
  "i32.ge_s": [0x4e, "i32"],
  "i32.ge_u": [0x4f, "i32"],
  "i64.eqz": [0x50, "i32"],
  "i64.eq": [0x51, "i32"],
  "i64.ne": [0x52, "i32"],
  "i64.lt_s": [0x53, "i32"],
  "i64.lt_u": [0x54, "i32"],
  "i64.gt_s": [0x55, "i32"],
  "i64.gt_u": [0x56, "i32"],
  "i64.le_s": [0x57, "i32"],
  "i64.le_u": [0x58, "i32"],
  "i64.ge_s": [0x59, "i32"],
  "i64.ge_u": [0x5a, "i32"],
  "i32.clz": [0x67, "i32"],
  "i32.ctz": [0x68, "i32"],
  "i32.popcnt": [0x69, "i32"],
  "i32.add": [0x6a, "i32"],
  "i32.sub": [0x6b, "i32"],
  "i32.mul": [0x6c, "i32"],
  "i32.div_s": [0x6d, "i32"],
  "i32.div_u": [0x6e, "i32"],
  "i32.rem_s": [0x6f, "i32"],
  "i32.rem_u": [0x70, "i32"],
  "i32.and": [0x71, "i32"],
  "i32.or": [0x72, "i32"],
  "i32.xor": [0x73, "i32"],
  "i32.shl": [0x74, "i32"],
  "i32.shr_s": [0x75, "i32"],
  "i32.shr_u": [0x76, "i32"],
  "i32.rotl": [0x77, "i32"],
  "i32.rotr": [0x78, "i32"],
  "i64.clz": [0x79, "i64"],
  "i64.ctz": [0x7a, "i64"],
  "i64.popcnt": [0x7b, "i64"],
  "i64.add": [0x7c, "i64"],
  "i64.sub": [0x7d, "i64"],
  "i64.mul": [0x7e, "i64"],
  "i64.div_s": [0x7f, "i64"],
  "i64.div_u": [0x80, "i64"],
  "i64.rem_s": [0x81, "i64"],
  "i64.rem_u": [0x82, "i64"],
  "i64.and": [0x83, "i64"],
  "i64.or": [0x84, "i64"],
  "i64.xor": [0x85, "i64"],
  "i64.shl": [0x86, "i64"],
  "i64.shr_s": [0x87, "i64"],
  "i64.shr_u": [0x88, "i64"],
  "i64.rotl": [0x89, "i64"],
  "i64.rotr": [0x8a, "i64"],
  "i32.wrap_i64": [0xa7, "i32"],
  "i64.extend_i32_s": [0xac, "i64"],
  "i64.extend_i32_u": [0xad, "i64"],
  "i32.extend8_s": [0xc0, "i32"],
  "i32.extend16_s": [0xc1, "i32"],
  "i64.extend8_s": [0xc2, "i64"],
  "i64.extend16_s": [0xc3, "i64"],
  "i64.extend32_s": [0xc4, "i64"],
  select: [0x1b, "i32"],
  "select.i64": [0x1b, "i64"],
  "select.v128": [0x1b, "v128"],
  ...FLOAT_OPS,
} as const satisfies Record<string, readonly [number, ValueType]>;
export type SimdName = keyof typeof SIMD;
export type OpName = keyof typeof OPS | SimdName;
export const isSimd = (name: OpName): name is SimdName => name in SIMD;
const resultOf = (name: OpName): ValueType => (isSimd(name) ? SIMD[name][1] : OPS[name][1]);

// oxfmt-ignore: as above. Opcode, result type.
export const LOADS = {
  "i32.load": [0x28, "i32"],
  "i64.load": [0x29, "i64"],
  "i32.load8_s": [0x2c, "i32"],
  "i32.load8_u": [0x2d, "i32"],
  "i32.load16_s": [0x2e, "i32"],
  "i32.load16_u": [0x2f, "i32"],
  "i64.load8_s": [0x30, "i64"],
  "i64.load8_u": [0x31, "i64"],
  "i64.load16_s": [0x32, "i64"],
  "i64.load16_u": [0x33, "i64"],
  "i64.load32_s": [0x34, "i64"],
  "i64.load32_u": [0x35, "i64"],
} as const satisfies Record<string, readonly [number, ScalarType]>;
export type SimdLoadName = keyof typeof SIMD_LOADS;
export type LoadName = keyof typeof LOADS | SimdLoadName;
export const isSimdLoad = (name: LoadName): name is SimdLoadName => name in SIMD_LOADS;

export const STORES = {
  "i32.store": 0x36,
  "i64.store": 0x37,
  "i32.store8": 0x3a,
  "i32.store16": 0x3b,
  "i64.store8": 0x3c,
  "i64.store16": 0x3d,
  "i64.store32": 0x3e,
} as const satisfies Record<string, number>;
export type SimdStoreName = keyof typeof SIMD_STORES;
export type StoreName = keyof typeof STORES | SimdStoreName;
export const isSimdStore = (name: StoreName): name is SimdStoreName => name in SIMD_STORES;

/** Second opcodes behind 0xfc. Operands: destination, source or byte value, length in bytes; all i32. */
export const BULK = { "memory.copy": 10, "memory.fill": 11 } as const;
export const BULK_PREFIX = 0xfc;
export type BulkName = keyof typeof BULK;

export const i32 = (value: number): Node => ({
  kind: "const",
  type: "i32",
  value: BigInt.asIntN(32, BigInt(value)),
});
export const i64 = (value: bigint): Node => ({ kind: "const", type: "i64", value: BigInt.asIntN(64, value) });

/** A vector constant from elements of `bits` each, lowest first; fewer than fill it are repeated. */
export function v128(bits: 8 | 16 | 32 | 64, ...elements: readonly (number | bigint)[]): Node {
  const bytes: number[] = [];
  for (let at = 0; bytes.length < 16; at++) {
    const element = BigInt(elements[at % elements.length] ?? 0);
    for (let i = 0; i < bits; i += 8) bytes.push(Number((element >> BigInt(i)) & 0xffn));
  }
  return { kind: "v128", type: "v128", bytes };
}
/** Sixteen bytes chosen from two vectors. */
export const shuffle = (a: Node, b: Node, lanes: readonly number[]): Node => ({
  kind: "shuffle",
  type: "v128",
  lanes,
  args: [a, b],
});
/** Takes a lane out of a vector, or with a `value` puts it in. */
export const lane = (name: LaneName, vector: Node, number: number, value?: Node): Node => ({
  kind: "lane",
  type: LANES[name][2] ? "v128" : LANES[name][1],
  op: name,
  lane: number,
  args: value === undefined ? [vector] : [vector, value],
});

/** True if evaluating the node again costs nothing: a constant or a local. */
export const isTrivial = (node: Node): boolean =>
  node.kind === "const" || node.kind === "v128" || node.kind === "get";

/** An operator applied to its operands; folds what is constant and drops neutral elements, so callers need not. */
export function op(name: OpName, ...args: readonly Node[]): Node {
  const [first, second] = args;
  if (second !== undefined && second.kind === "const" && args.length === 2) {
    const neutralZero = /\.(add|sub|or|xor|shl|shr_s|shr_u|rotl|rotr)$/.test(name);
    if (second.value === 0n && neutralZero && first !== undefined) return first;
    if (second.value === -1n && name.endsWith(".and") && first !== undefined) return first;
    if (first !== undefined && first.kind === "const") {
      const folded = fold(name, first.value, second.value);
      if (folded !== null) return resultOf(name) === "i32" ? i32(Number(folded)) : i64(folded);
    }
  }
  if (second === undefined && first !== undefined && first.kind === "const") {
    if (name === "i32.wrap_i64") return { kind: "const", type: "i32", value: BigInt.asIntN(32, first.value) };
    if (name === "i64.extend_i32_s") return i64(first.value);
    if (name === "i64.extend_i32_u") return i64(BigInt.asUintN(32, first.value));
  }
  return { kind: "op", type: resultOf(name), op: name, args };
}

function fold(name: OpName, a: bigint, b: bigint): bigint | null {
  const bits = name.startsWith("i32") ? 32 : 64;
  switch (name.slice(4)) {
    case "add":
      return BigInt.asIntN(bits, a + b);
    case "sub":
      return BigInt.asIntN(bits, a - b);
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "shl":
      return BigInt.asIntN(bits, a << (b & BigInt(bits - 1)));
    default:
      return null;
  }
}

export const load = (name: LoadName, address: Node, offset = 0): Node => ({
  kind: "load",
  type: isSimdLoad(name) ? "v128" : LOADS[name][1],
  op: name,
  address,
  offset,
});
export const store = (name: StoreName, address: Node, offset: number, value: Node): Node => ({
  kind: "store",
  type: "void",
  op: name,
  address,
  offset,
  value,
});
export const get = (local: Local): Node => ({ kind: "get", type: local.type, local });
export const set = (local: Local, value: Node): Node => ({ kind: "set", type: "void", local, value });
export const tee = (local: Local, value: Node): Node => ({ kind: "tee", type: local.type, local, value });
export const br = (label: Label): Node => ({ kind: "br", type: "void", label });
export const brIf = (label: Label, condition: Node): Node => ({ kind: "br", type: "void", label, condition });
export const block = (label: Label, body: readonly Node[], type: ResultType = "void"): Node => ({
  kind: "block",
  type,
  label,
  body,
});
export const loop = (label: Label, body: readonly Node[]): Node => ({
  kind: "loop",
  type: "void",
  label,
  body,
});
export const when = (
  condition: Node,
  yes: readonly Node[],
  no: readonly Node[] = [],
  type: ResultType = "void",
): Node => ({ kind: "if", type, condition, yes, no });
export const call = (target: string, type: ResultType, ...args: readonly Node[]): Node => ({
  kind: "call",
  type,
  target,
  args,
});
/** Copies bytes as if through a buffer of their own. */
export const memoryCopy = (to: Node, from: Node, bytes: Node): Node => ({
  kind: "bulk",
  type: "void",
  op: "memory.copy",
  args: [to, from, bytes],
});
/** Sets bytes to the low one of `value`. */
export const memoryFill = (to: Node, value: Node, bytes: Node): Node => ({
  kind: "bulk",
  type: "void",
  op: "memory.fill",
  args: [to, value, bytes],
});
export const ret = (value?: Node): Node =>
  value === undefined ? { kind: "return", type: "void" } : { kind: "return", type: "void", value };
export const unreachable: Node = { kind: "unreachable", type: "void" };
