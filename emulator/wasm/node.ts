/**
 * WebAssembly as a tree of nodes: what semantics produce, and what `encode.ts` turns into bytes.
 *
 * Invariant: a node is a value. Using one twice repeats its code, so anything with a cost or an effect goes through a local first
 * (`FunctionBuilder.let`). Knows no x86.
 */
import type { BulkName, LoadName, OpName, ResultType, StoreName, ValueType } from "./operator.ts";
import { LANES, type LaneName } from "./simd.ts";

/** A branch target: a block (forward) or a loop (backward). Compared by identity. */
export interface Label {
  readonly name: string;
}

export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

export type Node =
  | { readonly kind: "const"; readonly type: "i32"; readonly value: number }
  | { readonly kind: "const"; readonly type: "i64"; readonly value: bigint }
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
      /** Whether the condition mostly holds; only how fast the code is depends on it. Without it nothing is known. */
      readonly likely?: boolean;
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
      /** A `return_call` leaves the caller's frame first, so nothing follows it; its type is then void. */
      readonly kind: "call" | "return_call";
      readonly type: ResultType;
      readonly target: string;
      readonly args: readonly Node[];
    }
  | {
      readonly kind: "call_indirect" | "return_call_indirect";
      readonly type: ResultType;
      /** Key of the signature, `signatureKey`. */
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

/** The constants of most code, −256 … 4095, are made once. */
const small32: readonly Node[] = Array.from({ length: 0x1100 }, (_, at): Node => ({
  kind: "const",
  type: "i32",
  value: at - 0x100,
}));
/** A constant; bits above the type's are cut off. */
export const i32 = (value: number): Node => {
  const cut = value | 0;
  if (cut >= -0x100 && cut < 0x1000) return small32[cut + 0x100]!;
  return { kind: "const", type: "i32", value: cut };
};
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

export const get = (local: Local): Node => ({ kind: "get", type: local.type, local });
export const set = (local: Local, value: Node): Node => ({ kind: "set", type: "void", local, value });
export const tee = (local: Local, value: Node): Node => ({ kind: "tee", type: local.type, local, value });
export const br = (label: Label): Node => ({ kind: "br", type: "void", label });
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
export const call = (target: string, type: ResultType, ...args: readonly Node[]): Node => ({
  kind: "call",
  type,
  target,
  args,
});
/** Calls in tail position: the callee's result is the caller's. */
export const returnCall = (target: string, ...args: readonly Node[]): Node => ({
  kind: "return_call",
  type: "void",
  target,
  args,
});
export const callIndirect = (
  signature: string,
  type: ResultType,
  index: Node,
  ...args: readonly Node[]
): Node => ({ kind: "call_indirect", type, signature, index, args });
export const returnCallIndirect = (signature: string, index: Node, ...args: readonly Node[]): Node => ({
  kind: "return_call_indirect",
  type: "void",
  signature,
  index,
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

/** Whether nothing behind a node in its list can be reached, as validation sees it. */
export function isTerminal(node: Node): boolean {
  switch (node.kind) {
    case "br":
      return node.condition === undefined;
    case "br_table":
    case "return":
    case "return_call":
    case "return_call_indirect":
    case "unreachable":
      return true;
    case "const":
    case "v128":
    case "shuffle":
    case "lane":
    case "op":
    case "load":
    case "store":
    case "get":
    case "set":
    case "tee":
    case "if":
    case "block":
    case "loop":
    case "call":
    case "call_indirect":
    case "bulk":
    case "drop":
      return false;
  }
}
