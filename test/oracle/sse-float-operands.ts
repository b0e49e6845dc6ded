/** Operands for the SSE tests: singles and doubles at the edges of their formats and of the integers, in pairs whose results are interesting. */
import type { Random } from "./random.ts";

interface Shape {
  readonly fractionBits: number;
  readonly exponentMax: number;
}
const SINGLE: Shape = { fractionBits: 23, exponentMax: 255 };
const DOUBLE: Shape = { fractionBits: 52, exponentMax: 2047 };

/** Bits of a number of the format. `near`: exponents close to this one in half the cases. */
function value(random: Random, shape: Shape, near: number): bigint {
  const { fractionBits, exponentMax } = shape;
  const all = (1n << BigInt(fractionBits)) - 1n;
  const bias = exponentMax >> 1;
  const wide = random.bits64() & all;
  const sign = BigInt(random.below(2)) << BigInt(fractionBits + (exponentMax === 255 ? 8 : 11));
  const of = (exponent: number, fraction: bigint): bigint =>
    sign | (BigInt(Math.min(Math.max(exponent, 0), exponentMax)) << BigInt(fractionBits)) | (fraction & all);
  const fraction = (): bigint => {
    const kind = random.below(8);
    if (kind === 0) return 0n;
    if (kind === 1) return all;
    if (kind === 2) return 1n << BigInt(random.below(fractionBits));
    if (kind === 3) return all ^ (1n << BigInt(random.below(fractionBits)));
    // Few bits, so that results are exact or half way now and then.
    if (kind === 4) return (wide >> BigInt(fractionBits - 8)) << BigInt(fractionBits - 8);
    if (kind === 5) return BigInt(random.below(16));
    return wide;
  };
  const kind = random.below(32);
  if (kind === 0) return of(0, 0n);
  if (kind === 1) return of(exponentMax, 0n);
  if (kind === 2) return of(exponentMax, wide | (1n << BigInt(fractionBits - 1)));
  if (kind === 3) return of(exponentMax, (wide >> 1n) & (all >> 1n) || 1n);
  if (kind < 6) return of(0, fraction());
  if (kind < 8) return of(1 + random.below(3), fraction());
  if (kind < 10) return of(exponentMax - 1 - random.below(3), fraction());
  // Integers of 32 and 64 bits end here.
  if (kind < 14) return of(bias + random.pick([-1, 0, 1, 22, 23, 30, 31, 32, 51, 52, 53, 62, 63, 64]), fraction());
  if (kind < 18) return of(bias - 2 + random.below(40), fraction());
  if (kind < 28) return of(near + random.below(9) - 4, fraction());
  if (kind < 30) return of(near + random.below(2 * fractionBits + 8) - fractionBits - 4, fraction());
  return of(random.bits32() & exponentMax, fraction());
} // oxfmt-ignore

/** 16 bytes of singles, doubles or integers. `partner`: the other operand, whose exponents decide what happens. */
export function floats(random: Random, format: string, partner?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const other = partner === undefined ? null : new DataView(partner.buffer, partner.byteOffset);
  if (format === "s") {
    for (let at = 0; at < 16; at += 4) {
      const near = other === null ? random.below(256) : (other.getUint32(at, true) >>> 23) & 0xff;
      // Sums and products that reach the ends of the range: the complementary exponent.
      const aim = random.oneIn(6) ? random.pick([127 - near, 380 - near, near, near + 127]) : near;
      view.setUint32(at, Number(value(random, SINGLE, aim)), true);
      if (other !== null && random.oneIn(24))
        view.setUint32(at, other.getUint32(at, true) ^ (random.oneIn(2) ? 0x8000_0000 : 0), true);
    }
  } else if (format === "d") {
    for (let at = 0; at < 16; at += 8) {
      const near =
        other === null ? random.below(2048) : Number((other.getBigUint64(at, true) >> 52n) & 0x7ffn);
      const aim = random.oneIn(6) ? random.pick([1023 - near, 3068 - near, near, near + 1023]) : near;
      // Doubles that become singles.
      const narrow = random.oneIn(4) ? 1023 + random.pick([-150, -149, -127, -126, -125, 126, 127, 128]) : aim;
      view.setBigUint64(at, value(random, DOUBLE, narrow), true);
      if (other !== null && random.oneIn(24))
        view.setBigUint64(at, other.getBigUint64(at, true) ^ (random.oneIn(2) ? 1n << 63n : 0n), true);
    }
  } else {
    for (let at = 0; at < 16; at += 4) {
      const edge = random.pick([0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0xff_ffff, 0x100_0001, -0x100_0001, 0x7fff_ff40, 0x7fff_ffbf]);
      view.setInt32(at, random.oneIn(3) ? edge : random.bits32() >> random.below(32), true);
    }
  }
  return bytes;
} // oxfmt-ignore

/** 16 bytes of numbers without edges; `exact`: small integers, whose sums and products are exact in every format. */
export function ordinary(random: Random, format: string, exact: boolean, positive: boolean): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const number = (): number => {
    const size = exact ? 1 + random.below(1000) : (1 + random.bits32() / 2 ** 33) * 2 ** (random.below(40) - 20);
    return positive || random.oneIn(2) ? size : -size;
  };
  const step = format === "d" ? 8 : 4;
  for (let at = 0; at < 16; at += step) {
    if (format === "d") view.setFloat64(at, number(), true);
    else if (format === "s") view.setFloat32(at, number(), true);
    else if (format === "m") view.setUint32(at, random.below(0x10000), true);
    else view.setInt32(at, exact ? number() : random.bits32(), true);
  }
  return bytes;
} // oxfmt-ignore

/** MXCSR: half of them with everything masked, all rounding modes, flags that may be set already. */
export function randomMxcsr(random: Random): number {
  const masks = random.oneIn(2) ? 0x3f : random.oneIn(2) ? random.bits32() & 0x3f : 0x3f & ~(1 << random.below(6));
  const flags = random.oneIn(2) ? 0 : random.oneIn(3) ? 0x20 : random.bits32() & 0x3f;
  const rounding = random.oneIn(2) ? 0 : random.below(4);
  return (
    flags | (masks << 7) | (rounding << 13) | (random.oneIn(4) ? 0x40 : 0) | (random.oneIn(4) ? 0x8000 : 0)
  );
} // oxfmt-ignore
