/**
 * A value of the guest's program: its type, its bytes, and the place to which an assignment writes.
 *
 * Invariant: values are read when they are looked at, not before, so naming a large array costs nothing. A value is good until the machine runs.
 * Elsewhere: computing with values (`evaluator.ts`), text for them (`format.ts`).
 */
import type { Address, GuestSpace, Space } from "../memory/space.ts";
import { littleEndian, littleEndianBytes } from "../memory/space.ts";
import { notAssignable, typeMismatch } from "../errors.ts";
import type { Register } from "../registers/index.ts";
import type { FrameContext, Type } from "../symbols/index.ts";
import { bare, numeric } from "./type.ts";

/** Where a value lives. */
export type Place =
  | { readonly kind: "memory"; readonly address: Address }
  /** In a machine register of the innermost frame, `byteOffset` bytes up. */
  | { readonly kind: "register"; readonly register: Register; readonly byteOffset: number }
  /** Nowhere; `why` says so when somebody assigns to it. */
  | { readonly kind: "none"; readonly why: string };

export interface Value {
  /** Null is `void`. */
  readonly type: Type | null;
  readonly place: Place;
  /** Of a bit-field: where it is in `bytes`. */
  readonly bitField: { readonly offsetBits: number; readonly sizeBits: number } | null;
  /** The space that this value, if it is a pointer or a number used as one, points into. */
  readonly points: Space;
  /** Its bytes, least significant first. Throws `unmapped`. */
  readonly bytes: () => Uint8Array;
  /** For sizes and members that only the frame knows. */
  readonly frame: FrameContext | null;
}

const NO_PLACE: Place = { kind: "none", why: "The result of a computation cannot be assigned to." };

/** A computed value. */
export function computed(type: Type | null, bytes: Uint8Array, points: Space = "linear"): Value {
  return { type, place: NO_PLACE, bitField: null, points, bytes: () => bytes, frame: null };
}

export function integerValue(type: Type, value: bigint, points: Space = "linear"): Value {
  return computed(type, littleEndianBytes(value, type.sizeBytes), points);
}

export function floatValue(type: Type, value: number): Value {
  return computed(type, floatBytes(value, type.sizeBytes));
}

export function memoryValue(
  space: GuestSpace,
  type: Type | null,
  address: Address,
  frame: FrameContext | null = null,
): Value {
  let cached: Uint8Array | null = null;
  return {
    type,
    place: { kind: "memory", address },
    bitField: null,
    points: "linear",
    bytes: () => (cached ??= space.read(address, Math.max(1, type?.sizeBytes ?? 1))),
    frame,
  };
}

/** An integer or a pointer as a number, sign-extended if its type is signed. Throws `typeMismatch`, `unmapped`. */
export function toInteger(value: Value): bigint {
  const kind = numeric(value.type);
  if (kind === null) throw typeMismatch("This value is not a number.");
  if (kind === "float") return BigInt(Math.trunc(clampFloat(toFloat(value))));
  if (value.bitField !== null) {
    const { offsetBits, sizeBits } = value.bitField;
    const raw = littleEndian(value.bytes()) >> BigInt(offsetBits);
    return kind === "signed" ? BigInt.asIntN(sizeBits, raw) : BigInt.asUintN(sizeBits, raw);
  }
  const bits = value.type!.sizeBytes * 8;
  const raw = littleEndian(value.bytes());
  return kind === "signed" ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
}

const clampFloat = (value: number): number => (Number.isFinite(value) ? value : 0);

export function toFloat(value: Value): number {
  const kind = numeric(value.type);
  if (kind !== "float") return Number(toInteger(value));
  const bytes = value.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return view.getFloat32(0, true);
  if (bytes.length === 8) return view.getFloat64(0, true);
  return extendedToNumber(littleEndian(bytes.subarray(0, 10)));
}

/** The nearest double of an 80-bit x87 number. */
export function extendedToNumber(bits: bigint): number {
  const significand = bits & 0xffff_ffff_ffff_ffffn;
  const exponent = Number((bits >> 64n) & 0x7fffn);
  const sign = (bits >> 79n) & 1n ? -1 : 1;
  if (exponent === 0x7fff)
    return (significand << 1n) & 0xffff_ffff_ffff_ffffn ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  // Two steps, because 2 ** -16445 underflows where the product need not.
  const scale = exponent - 16383 - 63;
  const half = Math.trunc(scale / 2);
  return sign * Number(significand) * 2 ** half * 2 ** (scale - half);
}

/** The 80-bit x87 number of a double, exactly. */
export function numberToExtended(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const raw = view.getBigUint64(0);
  const sign = (raw >> 63n) << 79n;
  const exponent = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xf_ffff_ffff_ffffn;
  if (exponent === 0x7ff) return sign | (0x7fffn << 64n) | (1n << 63n) | (fraction << 11n);
  if (exponent === 0 && fraction === 0n) return sign;
  if (exponent === 0) {
    const shift = 64 - fraction.toString(2).length;
    return sign | (BigInt(16383 - 1074 + 63 - shift) << 64n) | (fraction << BigInt(shift));
  }
  return sign | (BigInt(exponent - 1023 + 16383) << 64n) | (1n << 63n) | (fraction << 11n);
}

export function floatBytes(value: number, sizeBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(sizeBytes));
  if (sizeBytes === 4) view.setFloat32(0, value, true);
  else if (sizeBytes === 8) view.setFloat64(0, value, true);
  else return littleEndianBytes(numberToExtended(value), sizeBytes);
  return new Uint8Array(view.buffer);
}

/** Bytes that assigning `source` to something of `type` stores. Throws `typeMismatch`. */
export function converted(source: Value, type: Type | null): Uint8Array {
  const kind = numeric(type);
  const plain = bare(type);
  if (kind === null || plain === null) {
    const other = bare(source.type);
    if (
      plain !== null &&
      other !== null &&
      plain.kind === other.kind &&
      plain.sizeBytes === other.sizeBytes
    ) {
      return source.bytes().subarray(0, plain.sizeBytes);
    }
    throw typeMismatch("Structures and arrays can be assigned only from a value of the same type.");
  }
  if (kind === "float") return floatBytes(toFloat(source), plain.sizeBytes);
  const number = toInteger(source);
  const isBoolean = plain.kind === "base" && plain.encoding === "boolean";
  return littleEndianBytes(isBoolean ? (number === 0n ? 0n : 1n) : number, plain.sizeBytes);
}

/** Writes `source` to where `target` lives. Throws `notAssignable`, `typeMismatch`, `registerRefused`, `unmapped`. */
export function assign(space: GuestSpace, target: Value, source: Value): void {
  const { place, bitField } = target;
  if (place.kind === "none") throw notAssignable(place.why);
  let bytes: Uint8Array;
  if (bitField === null) {
    bytes = converted(source, target.type);
  } else {
    const mask = ((1n << BigInt(bitField.sizeBits)) - 1n) << BigInt(bitField.offsetBits);
    const old = target.bytes();
    const merged = (littleEndian(old) & ~mask) | ((toInteger(source) << BigInt(bitField.offsetBits)) & mask);
    bytes = littleEndianBytes(merged, old.length);
  }
  if (place.kind === "memory") {
    space.write(place.address, bytes);
    return;
  }
  const { register, byteOffset } = place;
  const shift = BigInt(byteOffset * 8);
  const mask = ((1n << BigInt(bytes.length * 8)) - 1n) << shift;
  const old = register.read(space.core);
  // A 32-bit variable in a 64-bit register: like the hardware, the debugger leaves what the type does not cover.
  register.write(space.core, (old & ~mask) | (littleEndian(bytes) << shift));
}
