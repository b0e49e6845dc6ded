/** Addresses as values: pointers into either space, what they point to, arrays and functions as pointers. */
import { typeMismatch } from "../errors.ts";
import { formatReference, littleEndian, type Address, type Space } from "../memory/space.ts";
import type { Type } from "../symbols/index.ts";
import type { Names } from "./names.ts";
import { arrayOf, bare, numeric, pointerTo, UNSIGNED, UNSIGNED_LONG } from "./type.ts";
import { integerValue, memoryValue, toInteger, type Value } from "./value.ts";

export function pointerValue(
  { space, offset }: Address,
  target: Type | null,
  names: Pick<Names, "addressBytes">,
): Value {
  // A physical address can need more bits than a pointer of the guest has.
  const size = space !== "linear" || offset > 0xffff_ffffn ? 8 : names.addressBytes;
  return integerValue(pointerTo(target, size), offset, space);
}

/** The address that a value, taken as a pointer, names. Throws `typeMismatch`. */
export function address(value: Value, space: Space = value.points): Address {
  const plain = bare(value.type);
  if (plain?.kind === "array" || plain?.kind === "function") {
    if (value.place.kind === "memory") return value.place.address;
    throw typeMismatch("This value has no address.");
  }
  return { space, offset: BigInt.asUintN(64, toInteger(value)) };
}

/** Arrays become pointers to their first element, functions pointers to themselves. */
export function decay(value: Value, names: Names): Value {
  const plain = bare(value.type);
  if (plain?.kind === "array") {
    if (value.place.kind !== "memory") throw typeMismatch("This array is not in memory.");
    const [, ...inner] = plain.dimensions;
    const element =
      inner.length === 0
        ? plain.element
        : { ...arrayOf(plain.element, 0), dimensions: inner, sizeBytes: arrayBytes(plain.element, inner) };
    return pointerValue(value.place.address, element, names);
  }
  if (plain?.kind === "function" && value.place.kind === "memory")
    return pointerValue(value.place.address, plain, names);
  return value;
}

const arrayBytes = (element: Type | null, dimensions: readonly (number | null)[]): number =>
  dimensions.reduce<number>((bytes, count) => bytes * (count ?? 0), element?.sizeBytes ?? 1);

export function dereference(value: Value, names: Names): Value {
  const pointer = decay(value, names);
  const plain = bare(pointer.type);
  if (plain?.kind === "pointer") {
    const target = plain.target ?? {
      kind: "base" as const,
      name: "u8",
      sizeBytes: 1,
      encoding: "unsigned" as const,
    };
    return memoryValue(names.space, target, address(pointer), value.frame);
  }
  // A plain number: a word of the machine, as `*$rsp`.
  if (numeric(pointer.type) === null)
    throw typeMismatch("Only pointers, arrays and numbers can be followed.");
  const word = names.addressBytes === 8 ? UNSIGNED_LONG : UNSIGNED;
  return memoryValue(names.space, word, address(pointer));
}

/** Memory reference of what a value is (an object in memory) or points to; null if neither. */
export function reference(value: Value): string | null {
  const plain = bare(value.type);
  if (plain?.kind === "pointer")
    return formatReference({ space: value.points, offset: littleEndian(value.bytes()) });
  if (plain?.kind === "base" && plain.encoding === "address" && plain.sizeBytes <= 8) {
    return formatReference({ space: value.points, offset: littleEndian(value.bytes()) });
  }
  return value.place.kind === "memory" ? formatReference(value.place.address) : null;
}
