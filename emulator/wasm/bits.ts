/** What is known of a value without computing it: how many bits it can have, and whether anybody would miss the computation. */
import type { Node } from "./node.ts";
import type { LoadName, OpName } from "./operator.ts";

/** How far down a tree it is worth looking. */
const DEPTH = 4;

/** An upper bound of the number of significant bits of an i32 or i64, read as unsigned. */
export function significantBits(node: Node, depth = DEPTH): number {
  const whole = node.type === "i32" ? 32 : 64;
  if (depth === 0) return whole;
  if (node.kind === "op") return OPERATOR_BITS.get(node.op)?.(node.args, depth - 1, whole) ?? whole;
  if (node.kind === "load") return LOADED[node.op] ?? whole;
  if (node.kind === "tee") return significantBits(node.value, depth - 1);
  if (node.kind !== "const") return whole;
  if (node.type === "i32") return 32 - Math.clz32(node.value);
  return node.value < 0n || node.value > 0xffffffffn ? 64 : 32 - Math.clz32(Number(node.value));
}

/** Bits of the loads that leave the upper ones 0. */
const LOADED: Partial<Record<LoadName, number>> = {
  "i32.load8_u": 8,
  "i64.load8_u": 8,
  "i32.load16_u": 16,
  "i64.load16_u": 16,
  "i64.load32_u": 32,
};

type Bits = (args: readonly Node[], depth: number, whole: number) => number;
const first: Bits = (args, depth) => significantBits(args[0]!, depth);
const smaller: Bits = (args, depth) =>
  Math.min(significantBits(args[0]!, depth), significantBits(args[1]!, depth));
const larger: Bits = (args, depth) =>
  Math.max(significantBits(args[0]!, depth), significantBits(args[1]!, depth));
const sum: Bits = (args, depth, whole) => Math.min(whole, larger(args, depth, whole) + 1);
const left: Bits = (args, depth, whole) => {
  const count = countOf(args[1]!, whole);
  return count === null ? whole : Math.min(whole, first(args, depth, whole) + count);
};
const right: Bits = (args, depth, whole) =>
  Math.max(0, first(args, depth, whole) - (countOf(args[1]!, whole) ?? 0));

/** A shift's count if it is known, modulo the size as WebAssembly takes it. */
function countOf(node: Node, size: number): number | null {
  if (node.kind !== "const") return null;
  return node.type === "i32" ? node.value & (size - 1) : Number(node.value & BigInt(size - 1));
}

const OPERATOR_BITS: ReadonlyMap<OpName, Bits> = new Map<OpName, Bits>([
  ...(["i32", "i64"] as const).flatMap((type): [OpName, Bits][] => [
    [`${type}.and`, smaller],
    [`${type}.or`, larger],
    [`${type}.xor`, larger],
    [`${type}.add`, sum],
    [`${type}.shl`, left],
    [`${type}.shr_u`, right],
    [`${type}.clz`, () => 7],
    [`${type}.ctz`, () => 7],
    [`${type}.popcnt`, () => 7],
    ...(["eqz", "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] as const).map(
      (name): [OpName, Bits] => [`${type}.${name}`, () => 1],
    ),
  ]),
  ["select", larger],
  ["select.i64", larger],
  ["i64.extend_i32_u", first],
  ["i32.wrap_i64", (args, depth) => Math.min(32, significantBits(args[0]!, depth))],
]);

const DIVISION = /\.(div|rem)/;

/** Whether a value can be left uncomputed: no call, no write to a local, no division. */
export function isPure(node: Node): boolean {
  if (node.kind === "op" || node.kind === "lane" || node.kind === "shuffle")
    return !DIVISION.test("op" in node ? node.op : "") && node.args.every(isPure);
  if (node.kind === "load") return isPure(node.address);
  return node.kind === "const" || node.kind === "get" || node.kind === "v128";
}
