/**
 * WebAssembly's operators (core specification, binary format, instructions): names, numbers and result types in tables, and all of them in one look-up for those who
 * build and encode nodes.
 *
 * Elsewhere: vectors (`simd.ts`), floating point (`float.ts`).
 */
import { FLOAT_OPS } from "./float.ts";
import { SIMD, SIMD_LOADS, SIMD_PREFIX, SIMD_STORES } from "./simd.ts";

/** Types of integer scalars. */
export type ScalarType = "i32" | "i64";
export type ValueType = ScalarType | "f32" | "f64" | "v128";
export type ResultType = ValueType | "void";

// Opcode and result type. A number above FFh is a prefix byte and the operator behind it.
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

export const STORES = {
  "i32.store": 0x36,
  "i64.store": 0x37,
  "i32.store8": 0x3a,
  "i32.store16": 0x3b,
  "i64.store8": 0x3c,
  "i64.store16": 0x3d,
  "i64.store32": 0x3e,
} as const satisfies Record<string, number>;

/** Second opcodes behind 0xfc. Operands: destination, source or byte value, length in bytes; all i32. */
export const BULK = { "memory.copy": 10, "memory.fill": 11 } as const;
export const BULK_PREFIX = 0xfc;
export type BulkName = keyof typeof BULK;

export type OpName = keyof typeof OPS | keyof typeof SIMD;
export type LoadName = keyof typeof LOADS | keyof typeof SIMD_LOADS;
export type StoreName = keyof typeof STORES | keyof typeof SIMD_STORES;

/** An operator as the encoder needs it. */
export interface Operator {
  /** 0, or the byte before a number in LEB128. */
  readonly prefix: number;
  readonly number: number;
  readonly type: ResultType;
}

type Row = number | readonly [number, ...unknown[]];
function operators<Name extends string>(
  plain: Readonly<Record<string, Row>>,
  simd: Readonly<Record<string, Row>>,
): Readonly<Record<Name, Operator>> {
  const table: Record<string, Operator> = {};
  const add = (name: string, row: Row, prefix: number): void => {
    const [number, type] = typeof row === "number" ? [row, "void"] : row;
    const isPrefixed = prefix === 0 && number > 0xff;
    table[name] = {
      prefix: isPrefixed ? number >> 8 : prefix,
      number: isPrefixed ? number & 0xff : number,
      type: type as ResultType,
    };
  };
  for (const [name, row] of Object.entries(plain)) add(name, row, 0);
  for (const [name, row] of Object.entries(simd)) add(name, row, SIMD_PREFIX);
  return table as Record<Name, Operator>;
}

export const OPERATORS = operators<OpName>(OPS, SIMD);
export const LOAD_OPERATORS = operators<LoadName>(LOADS, SIMD_LOADS);
export const STORE_OPERATORS = operators<StoreName>(STORES, SIMD_STORES);
