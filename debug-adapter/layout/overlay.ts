/** A type of the program laid over memory: all its fields with offset, size and value, in the order of a declaration. */
import type { OverlayBody, OverlayField } from "../../media/protocol.ts";
import { AdapterError, typeMismatch } from "../errors.ts";
import {
  arrayOf,
  bare,
  childCount,
  children,
  evaluateText,
  formatValue,
  memoryValue,
  type Names,
  type Value,
} from "../expressions/index.ts";
import type { Address } from "../memory/space.ts";
import { typeName, type Type } from "../symbols/index.ts";

/** More than anybody reads; a table of 512 structures has some ten thousand. */
const MOST_FIELDS = 4096;
const DEEPEST = 12;
const LONGEST = 1024;

/** Throws errors of 3xxx. */
export function overlay(names: Names, place: Address, typeText: string): OverlayBody {
  const type = typeOf(names, typeText);
  if (type === null || type.sizeBytes === 0)
    throw typeMismatch(`"${typeText}" has no size, so it cannot be laid over memory.`);
  const whole = memoryValue(names.space, type, place);
  const fields: OverlayField[] = [];
  let more = false;
  const add = (value: Value, name: string, path: string, depth: number): void => {
    if (fields.length >= MOST_FIELDS) {
      more = true;
      return;
    }
    if (value.place.kind !== "memory") return;
    const { named, indexed } = childCount(value);
    const isPointer = bare(value.type)?.kind === "pointer";
    const hasChildren = !isPointer && named + indexed > 0 && depth < DEEPEST;
    const offset = Number(value.place.address.offset - place.offset);
    const { bitField } = value;
    fields.push({
      path,
      name,
      depth,
      offset,
      length: bitField === null ? (value.type?.sizeBytes ?? 1) : bytesOf(bitField),
      type: typeName(value.type),
      value: hasChildren ? "" : formatValue(value, names),
      bits: bitField === null ? null : { from: bitField.offsetBits, count: bitField.sizeBits },
      hasChildren,
    });
    if (!hasChildren) return;
    for (const child of children(value, names)) {
      if (child.value === null) continue;
      const isIndex = child.name.startsWith("[");
      add(
        child.value,
        child.name,
        path === "" || isIndex ? path + child.name : `${path}.${child.name}`,
        depth + 1,
      );
      if (more) return;
    }
  };
  add(whole, typeName(type), "", 0);
  return { type: typeName(type), sizeBytes: type.sizeBytes, fields, more };
}

const bytesOf = ({ offsetBits, sizeBits }: NonNullable<Value["bitField"]>): number =>
  Math.ceil((offsetBits + sizeBits) / 8);

/** A type from its spelling: a cast knows them all but arrays, and what it points to is never read. */
function typeOf(names: Names, text: string): Type | null {
  if (text.length > LONGEST) throw typeMismatch("That is too long for the name of a type.");
  const match = /^(.*?)\s*((?:\[\s*(?:0x[0-9a-f]+|\d+)\s*\]\s*)*)$/i.exec(text.trim());
  const lengths = [...(match?.[2] ?? "").matchAll(/\[\s*(\w+)\s*\]/g)].map((found) => Number(found[1]));
  try {
    const { type } = evaluateText(`*(${match?.[1] ?? ""} *)0`, names, { assignments: false }).value;
    return lengths.reduceRight<Type | null>((element, length) => arrayOf(element, length), type);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    throw typeMismatch(`"${text}" is not a type of this program: ${error.message}`);
  }
}
