/** Members of structures: found by name through anonymous ones and bases, and their values, bit-fields included. */
import { noSuchMember, typeMismatch } from "../errors.ts";
import type { Address } from "../memory/space.ts";
import type { Member, StructType } from "../symbols/index.ts";
import type { Names } from "./names.ts";
import { dereference } from "./pointer.ts";
import { bare, isStructure } from "./type.ts";
import { memoryValue, type Value } from "./value.ts";

/** The structure behind a value or a pointer to one. */
function structure(base: Value, names: Names): { readonly value: Value; readonly type: StructType } {
  let value = base;
  for (let depth = 0; depth < 4; depth++) {
    const plain = bare(value.type);
    if (plain?.kind === "struct" || plain?.kind === "class" || plain?.kind === "union")
      return { value, type: plain };
    if (plain?.kind !== "pointer") break;
    value = dereference(value, names);
  }
  throw typeMismatch("This value has no members.");
}

/** `base.name` and `base->name`, which mean the same here. Throws `noSuchMember`. */
export function member(base: Value, name: string, names: Names): Value {
  const { value, type } = structure(base, names);
  const found = findMember(type, name, 0, 0);
  if (found === null)
    throw noSuchMember(type.name === "" ? "The structure" : `${type.kind} ${type.name}`, name);
  return memberValue(value, found.member, found.baseBits, names);
}

function findMember(
  type: StructType,
  name: string,
  baseBits: number,
  depth: number,
): { readonly member: Member; readonly baseBits: number } | null {
  const all = [...type.members, ...(type.variants?.variants.flatMap((variant) => variant.members) ?? [])];
  for (const candidate of all) if (candidate.name === name) return { member: candidate, baseBits };
  if (depth > 8) return null;
  for (const candidate of all) {
    const inner = bare(candidate.type);
    const isTransparent = candidate.name === "" || candidate.kind === "base";
    if (!isTransparent || !isStructure(inner)) continue;
    const found = findMember(inner, name, baseBits + candidate.offsetBits, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** The value of one member of `value`. */
export function memberValue(value: Value, found: Member, baseBits: number, names: Names): Value {
  const { name, type, kind, offsetBits, sizeBits } = found;
  if (found.locate !== undefined && value.frame !== null && value.place.kind === "memory") {
    const where = found.locate({ kind: "memory", address: value.place.address.offset }, value.frame);
    if (where.kind === "memory") {
      return memoryValue(names.space, type, { space: "linear", offset: where.address }, value.frame);
    }
  }
  if (kind === "static") throw typeMismatch(`"${name}" is static; name it with its class.`);
  const start = baseBits + offsetBits;
  const byteOffset = Math.floor(start / 8);
  const within = start % 8;
  const length = sizeBits === null ? Math.max(1, type?.sizeBytes ?? 1) : Math.ceil((within + sizeBits) / 8);
  const bitField = sizeBits === null ? null : { offsetBits: within, sizeBits };
  if (value.place.kind === "memory") {
    const at: Address = {
      space: value.place.address.space,
      offset: value.place.address.offset + BigInt(byteOffset),
    };
    if (bitField === null) return memoryValue(names.space, type, at, value.frame);
    return {
      type,
      place: { kind: "memory", address: at },
      bitField,
      points: "linear",
      bytes: () => names.space.read(at, length),
      frame: value.frame,
    };
  }
  const place =
    value.place.kind === "register"
      ? { ...value.place, byteOffset: value.place.byteOffset + byteOffset }
      : value.place;
  return {
    type,
    place,
    bitField,
    points: "linear",
    bytes: () => value.bytes().subarray(byteOffset, byteOffset + length),
    frame: value.frame,
  };
}
