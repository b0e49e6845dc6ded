/**
 * AES-NI and PCLMULQDQ (SDM 2A/2B: AESENC AESENCLAST AESDEC AESDECLAST AESIMC AESKEYGENASSIST PCLMULQDQ). The tables are computed from the field they stand
 * for: GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197).
 */
import type { Core } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { STATE } from "../layout.ts";
import { requireSse, sourceAddress } from "./access.ts";

const double = (a: number): number => ((a << 1) ^ ((a & 0x80) !== 0 ? 0x11b : 0)) & 0xff;
function times(a: number, b: number): number {
  let product = 0;
  for (let rest = b; rest !== 0; rest >>>= 1) {
    if ((rest & 1) !== 0) product ^= a;
    a = double(a);
  }
  return product;
}

const SUBSTITUTE = new Uint8Array(256);
const SUBSTITUTE_BACK = new Uint8Array(256);
function substitute(a: number, inverse: number): void {
  let value = 0x63;
  for (let shift = 0; shift < 5; shift++) value ^= (inverse << shift) | (inverse >>> (8 - shift));
  SUBSTITUTE[a] = value;
  SUBSTITUTE_BACK[value & 0xff] = a;
}
substitute(0, 0);
// Every other element is a power of 3; the same power of f6, 3's inverse, is its inverse.
for (let n = 0, a = 1, inverse = 1; n < 255; n++, a = times(a, 3), inverse = times(inverse, 0xf6))
  substitute(a, inverse);

type Coefficients = readonly [number, number, number, number];
const MIX: Coefficients = [2, 3, 1, 1];
const MIX_BACK: Coefficients = [14, 11, 13, 9];
const productsOf = (by: number): Uint8Array => Uint8Array.from({ length: 256 }, (_, a) => times(a, by));
const PRODUCTS = new Map([...MIX, ...MIX_BACK].map((by) => [by, productsOf(by)]));

/** Multiplies each column, four bytes that follow each other, by a polynomial. */
function mixColumns(state: Uint8Array, coefficients: Coefficients): Uint8Array {
  const tables = coefficients.map((by) => PRODUCTS.get(by)!);
  return state.map((_, at) => {
    const column = at & ~3;
    let sum = 0;
    for (let i = 0; i < 4; i++) sum ^= tables[i]![state[column + ((at + i) & 3)]!]!;
    return sum;
  });
}

/** Row r of the state turns left by r columns, or right on the way back; every byte is substituted. */
const shiftAndSubstitute = (state: Uint8Array): Uint8Array =>
  state.map((_, at) => SUBSTITUTE[state[(at + 4 * (at & 3)) & 15]!]!);
const shiftAndSubstituteBack = (state: Uint8Array): Uint8Array =>
  state.map((_, at) => SUBSTITUTE_BACK[state[(at - 4 * (at & 3)) & 15]!]!);

/** Copies of destination and source, after all checks. */
function operands(core: Core, insn: Instruction): readonly [destination: Uint8Array, source: Uint8Array] {
  requireSse(core);
  const from = sourceAddress(core, insn, 16);
  const to = STATE.xmm + insn.reg * 16;
  return [core.u8.slice(to, to + 16), core.u8.slice(from, from + 16)];
}

const round =
  (transform: (state: Uint8Array) => Uint8Array): Operation =>
  (core, insn) => {
    const [state, key] = operands(core, insn);
    const result = transform(state);
    core.xmm(insn.reg).set(result.map((byte, i) => byte ^ key[i]!));
  };

const inverseMixColumns: Operation = (core, insn) =>
  core.xmm(insn.reg).set(mixColumns(operands(core, insn)[1], MIX_BACK));

/** Doublewords 1 and 3 of the source, substituted, and turned by a byte with the round constant added. */
const keyGenerationAssist: Operation = (core, insn) => {
  const [, source] = operands(core, insn);
  const to = core.xmm(insn.reg);
  const constant = Number(insn.immediate);
  for (const [from, at] of [
    [4, 0],
    [12, 8],
  ] as const) {
    for (let i = 0; i < 4; i++) {
      to[at + i] = SUBSTITUTE[source[from + i]!]!;
      to[at + 4 + i] = SUBSTITUTE[source[from + ((i + 1) & 3)]!]! ^ (i === 0 ? constant : 0);
    }
  }
};

/** Product without carries of the quadwords that bits 0 (destination) and 4 (source) of the immediate choose. */
const carrylessMultiply: Operation = (core, insn) => {
  const [destination, source] = operands(core, insn);
  const control = Number(insn.immediate);
  const quad = (bytes: Uint8Array, upper: boolean): bigint =>
    new DataView(bytes.buffer).getBigUint64(upper ? 8 : 0, true);
  const a = quad(destination, (control & 1) !== 0);
  let product = 0n;
  let shift = 0n;
  for (let rest = quad(source, (control & 0x10) !== 0); rest !== 0n; rest >>= 1n, shift++)
    if ((rest & 1n) !== 0n) product ^= a << shift;
  const at = STATE.xmm + insn.reg * 16;
  core.view.setBigUint64(at, BigInt.asUintN(64, product), true);
  core.view.setBigUint64(at + 8, product >> 64n, true);
};

export const cipherOperations: Record<string, Operation> = {
  aesenc: round((state) => mixColumns(shiftAndSubstitute(state), MIX)),
  aesenclast: round(shiftAndSubstitute),
  aesdec: round((state) => mixColumns(shiftAndSubstituteBack(state), MIX_BACK)),
  aesdeclast: round(shiftAndSubstituteBack),
  aesimc: inverseMixColumns,
  aeskeygenassist: keyGenerationAssist,
  pclmulqdq: carrylessMultiply,
};
