/**
 * What the files of vector instructions share: rows that MMX and SSE have in common, the usual shape of a meaning, and vectors made of an immediate.
 *
 * An MMX instruction has the meaning of its SSE form: its operands are the lower halves of vectors whose upper halves are 0 and forgotten. Only what
 * brings lanes together across the middle (packs, unpacks of upper halves, byte shuffles) asks `v.vectorBits`.
 */
import { i32, op, shuffle, v128, type Node, type OpName } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Family, type Meaning } from "./family.ts";

/** The rows of an instruction that MMX and SSE2 have at one opcode; SSSE3's are in the map 0F 38. */
export const shared = (opcode: string, map = "0f"): string[] => [
  `np ${map} ${opcode} /r : mm1, mm2/m64`,
  `66 ${map} ${opcode} /r : xmm1, xmm2/m128`,
];
export const sse4 = (opcode: string): string[] => [`66 0f 38 ${opcode} /r : xmm1, xmm2/m128`];

export type Compute = (a: Node, b: Node, v: Vocabulary) => Node;

/** destination = compute(destination, source) */
export const binary =
  (compute: Compute): Meaning =>
  (v) => {
    const b = v.let(v.readVector(1));
    const a = v.let(v.readVector(0));
    v.writeVector(0, compute(a, b, v));
  };
export const operator =
  (name: OpName): Compute =>
  (a, b) =>
    op(name, a, b);

/** A family of which each lane is one operator applied to destination and source. */
export const lanewise = (name: string, operation: OpName, rows: readonly string[]): Family =>
  family(name, "", binary(operator(operation)), rows);

/** Both operands' lower halves in one vector. */
export const joinLow = (v: Vocabulary, a: Node, b: Node): Node =>
  v.let(shuffle(a, b, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));

/** Two vectors whose lanes, one after the other, are those of both operands: with MMX both are in the first. */
export function sequence(v: Vocabulary, a: Node, b: Node): readonly [Node, Node] {
  if (v.vectorBits === 128) return [a, b];
  const joined = joinLow(v, a, b);
  return [joined, joined];
}

/** Byte numbers 0 … 15. */
export const IOTA = v128(8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

/** All ones in those of `lanes` whose bit of an i32 is set; the bits are given lane by lane. */
export function bitsToLanes(
  value: Node,
  lanes: { readonly shape: "i16x8" | "i32x4"; readonly bits: readonly number[] },
): Node {
  const mask = v128(lanes.shape === "i16x8" ? 16 : 32, ...lanes.bits);
  const chosen = op("v128.and", op(`${lanes.shape}.splat`, value), mask);
  return op(`${lanes.shape}.eq`, chosen, mask);
}

/** Byte numbers of the lanes that the two-bit fields of an immediate select, for a swizzle: four words or four doublewords. */
export function selected(v: Vocabulary, shape: "i16x8" | "i32x4"): Node {
  const bits = shape === "i16x8" ? 16 : 32;
  // Multiplied so that the field of each lane arrives at bits 7:6.
  const spread = op(`${shape}.mul`, op(`${shape}.splat`, v.immediate(32)), v128(bits, 64, 16, 4, 1));
  const field = op("v128.and", op(`${shape}.shr_u`, spread, i32(6)), v128(bits, 3));
  const scaled = op(`${shape}.mul`, field, v128(bits, bits === 16 ? 0x0202 : 0x04040404));
  return op(`${shape}.add`, scaled, v128(bits, bits === 16 ? 0x0100 : 0x03020100));
}
