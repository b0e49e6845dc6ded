/**
 * Values as text and as children: what Variables, Watch, hovers and the Debug Console show.
 *
 * Invariant: an unreadable piece of a value shows as its reason in angle brackets and never hides the rest. Text stays short; children say all.
 * Elsewhere: spelling of types (`symbols/`), 80-bit numbers (`value.ts`).
 */
import { AdapterError } from "../errors.ts";
import { littleEndian } from "../memory/space.ts";
import type { EnumType, Member, StructType, Type } from "../symbols/index.ts";
import { memberValue } from "./member.ts";
import type { Names } from "./names.ts";
import { address, dereference } from "./pointer.ts";
import type { Format } from "./tree.ts";
import { arrayOf, bare, isStructure, numeric } from "./type.ts";
import { memoryValue, toFloat, toInteger, type Value } from "./value.ts";

const PLAIN: Format = { letter: null, count: null };
/** Characters of a string that are shown; bytes that are read to find its end. */
const STRING_SHOWN = 200;
/** Length of a summary `{a = 1, …}`. */
const SUMMARY = 80;

/** A part of a value, for the tree of a client. */
export interface Child {
  readonly name: string;
  /** Null where the value could not be made; `why` then says why. */
  readonly value: Value | null;
  readonly why?: string;
}

/** What a value looks like. Never throws. */
export function formatValue(value: Value, names: Names, format: Format = PLAIN, depth = 0): string {
  try {
    return formatUnguarded(value, names, format, depth);
  } catch (error) {
    if (error instanceof AdapterError) return `<${error.message}>`;
    throw error;
  }
}

function formatUnguarded(value: Value, names: Names, format: Format, depth: number): string {
  const type = bare(value.type);
  if (type === null) return "void";
  if (format.letter === "s" && (type.kind === "pointer" || numeric(type) !== null))
    return string(value, names);
  switch (type.kind) {
    case "base":
    case "enum":
      return scalar(value, type, names, format);
    case "pointer":
      return pointer(value, type.target, names, format);
    case "function":
      return `${hex(address(value).offset, names.addressBytes)} ${label(address(value).offset, names)}`.trim();
    case "array":
      return array(value, type.element, names, format, depth);
    case "struct":
    case "class":
    case "union":
      return structSummary(value, type, names, format, depth);
    case "member-pointer":
      return hex(littleEndian(value.bytes()), names.addressBytes);
    case "unspecified":
      return type.name;
  }
}

export const hex = (value: bigint, bytes = 0): string =>
  `0x${BigInt.asUintN(Math.max(64, bytes * 8), value)
    .toString(16)
    .padStart(bytes * 2, "0")}`;

function label(at: bigint, names: Names): string {
  const text = names.describe(at);
  return text === null ? "" : `<${text}>`;
}

/** A number in the base that a format letter asks for, of a type of `bits`. */
export function formatInteger(value: bigint, bits: number, letter: Format["letter"]): string {
  const raw = BigInt.asUintN(bits, value);
  const base: string = letter ?? "";
  switch (base) {
    case "x":
    case "p":
      return `0x${raw.toString(16)}`;
    case "h":
      return raw.toString(16);
    case "o":
      return `0${raw.toString(8)}`;
    case "b":
      return `0b${raw.toString(2).padStart(bits, "0")}`;
    case "u":
      return raw.toString();
    case "c":
      return character(raw, bits === 8);
    case "d":
      return BigInt.asIntN(bits, value).toString();
    default:
      return value.toString();
  }
}

function character(code: bigint, isByte: boolean): string {
  const known: { readonly [code: string]: string } = {
    "0": "\\0",
    "9": "\\t",
    "10": "\\n",
    "13": "\\r",
    "27": "\\e",
    "39": "\\'",
    "92": "\\\\",
  };
  const text = known[code.toString()];
  if (text !== undefined) return `'${text}'`;
  if (code < 0x20n || (code >= 0x7fn && code < 0xa0n) || code > 0x10_ffffn || (isByte && code >= 0x80n))
    return `'\\x${code.toString(16).padStart(2, "0")}'`;
  return `'${String.fromCodePoint(Number(code))}'`;
}

function scalar(value: Value, type: Type, names: Names, { letter }: Format): string {
  const bits = value.bitField?.sizeBits ?? type.sizeBytes * 8;
  if (
    type.kind === "base" &&
    type.encoding === "float" &&
    (letter === null || letter === "f" || letter === "d")
  ) {
    const number = toFloat(value);
    return Object.is(number, -0) ? "-0" : String(number);
  }
  if (bits > 64 || numeric(type) === null || numeric(type) === "float") {
    return formatInteger(littleEndian(value.bytes()), bits, letter ?? "x");
  }
  const number = toInteger(value);
  if (letter === "f") return String(Number(number));
  if (letter === "p") return `${hex(number)} ${label(BigInt.asUintN(64, number), names)}`.trim();
  if (letter !== null) return formatInteger(number, bits, letter);
  if (type.kind === "enum") return enumerator(number, type);
  if (type.kind !== "base") return number.toString();
  const encoding: string = type.encoding;
  switch (encoding) {
    case "boolean":
      return number === 0n ? "false" : number === 1n ? "true" : `true (${number})`;
    case "character":
    case "unsigned-character":
      return `${number} ${character(BigInt.asUintN(8, number), true)}`;
    case "utf":
      return `${number} ${character(number, type.sizeBytes === 1)}`;
    case "address":
      return `0x${number.toString(16)}`;
    default:
      return number.toString();
  }
}

/** The name of an enumerator, or a sum of flags, with the number. */
function enumerator(number: bigint, type: EnumType): string {
  const exact = type.enumerators.find((candidate) => candidate.value === number);
  if (exact !== undefined) return `${exact.name} (${number})`;
  let rest = number;
  const parts: string[] = [];
  for (const { name, value } of type.enumerators) {
    const isOneBit = value > 0n && (value & (value - 1n)) === 0n;
    if (isOneBit && (rest & value) !== 0n) {
      parts.push(name);
      rest &= ~value;
    }
  }
  return parts.length > 0 && rest === 0n
    ? `${parts.join(" | ")} (0x${number.toString(16)})`
    : number.toString();
}

const isCharacter = (type: Type | null): boolean => {
  const plain = bare(type);
  return (
    plain?.kind === "base" &&
    plain.sizeBytes === 1 &&
    (plain.encoding === "character" || plain.encoding === "unsigned-character")
  );
};

function pointer(value: Value, target: Type | null, names: Names, { letter, count }: Format): string {
  const { space, offset } = address(value);
  if (letter !== null && letter !== "x" && letter !== "p")
    return formatInteger(offset, value.type?.sizeBytes === 4 ? 32 : 64, letter);
  const text = `${space === "physical" ? "p:" : ""}0x${offset.toString(16)}`;
  if (count !== null) return text;
  const name = space === "linear" ? label(offset, names) : "";
  const isReadable = isCharacter(target) && offset !== 0n;
  return [text, name, isReadable ? quoted(value, names) : ""].filter((part) => part !== "").join(" ");
}

const quoted = (value: Value, names: Names): string => {
  const { space, offset } = address(value);
  const { bytes, why } = names.space.readUpTo({ space, offset }, STRING_SHOWN + 1);
  return bytes.length === 0 && why !== null ? `<${why}>` : quote(bytes, why === null || bytes.includes(0));
};

function string(value: Value, names: Names): string {
  return bare(value.type)?.kind === "array" ? quote(value.bytes(), true) : quoted(value, names);
}

/** Bytes up to the first NUL as a C string. */
function quote(bytes: Uint8Array, isWhole: boolean): string {
  const end = bytes.indexOf(0);
  const shown = bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, STRING_SHOWN));
  // Characters beyond ASCII as the terminal would show them; what is no UTF-8 as escapes.
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(shown);
  } catch {
    text = Array.from(shown, (byte) => String.fromCharCode(byte)).join("");
  }
  const escaped = text.replace(/[\p{Cc}"\\]/gu, (found) => {
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" }[found];
    return known ?? `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  const isCut = end < 0 ? !isWhole || bytes.length > STRING_SHOWN : end > STRING_SHOWN;
  return `"${escaped}"${isCut ? "…" : ""}`;
}

function array(value: Value, element: Type | null, names: Names, format: Format, depth: number): string {
  const count = elementCount(value);
  if (
    isCharacter(element) &&
    (format.letter === null || format.letter === "s") &&
    bare(value.type)?.kind === "array"
  ) {
    const length = Math.min(count ?? STRING_SHOWN + 1, STRING_SHOWN + 1);
    if (value.place.kind !== "memory") return quote(value.bytes(), true);
    const { bytes, why } = names.space.readUpTo(value.place.address, length);
    return bytes.length === 0 && why !== null ? `<${why}>` : quote(bytes, true);
  }
  if (count === null) return "[]";
  if (depth > 1) return `[${count}]`;
  const parts: string[] = [];
  let length = 0;
  for (const { value: part } of elements(value, names, 0, Math.min(count, 16))) {
    const text =
      part === null ? "?" : formatValue(part, names, { letter: format.letter, count: null }, depth + 1);
    length += text.length + 2;
    if (length > SUMMARY) return `{${[...parts, "…"].join(", ")}}`;
    parts.push(text);
  }
  return `{${[...parts, ...(count > 16 ? ["…"] : [])].join(", ")}}`;
}

function structSummary(value: Value, type: StructType, names: Names, format: Format, depth: number): string {
  if (type.isIncomplete) return "<incomplete type>";
  if (depth > 1) return "{…}";
  const parts: string[] = [];
  let length = 0;
  for (const { name, value: part } of members(value, type, names)) {
    const text =
      part === null ? "?" : formatValue(part, names, { letter: format.letter, count: null }, depth + 1);
    const entry = name === "" ? text : `${name} = ${text}`;
    length += entry.length + 2;
    if (length > SUMMARY) return `{${[...parts, "…"].join(", ")}}`;
    parts.push(entry);
  }
  return `{${parts.join(", ")}}`;
}

/** Elements of the outermost dimension; null if nobody knows. */
function elementCount(value: Value): number | null {
  const type = bare(value.type);
  if (type?.kind !== "array") return null;
  const bounds = value.frame === null ? type.dimensions : type.bounds(value.frame);
  return bounds[0] ?? null;
}

function elements(value: Value, names: Names, start: number, count: number): Child[] {
  const type = bare(value.type);
  if (type?.kind !== "array") return [];
  const inner = type.dimensions.slice(1);
  const bytes = inner.reduce<number>(
    (product, length) => product * (length ?? 0),
    type.element?.sizeBytes ?? 1,
  );
  const element: Type | null =
    inner.length === 0
      ? type.element
      : { ...arrayOf(type.element, 0), dimensions: inner, bounds: () => inner, sizeBytes: bytes };
  return Array.from({ length: count }, (_, i): Child => {
    const index = start + i;
    const byteOffset = index * bytes;
    if (value.place.kind === "memory") {
      const { space, offset } = value.place.address;
      const at = { space, offset: offset + BigInt(byteOffset) };
      return { name: `[${index}]`, value: memoryValue(names.space, element, at, value.frame) };
    }
    const part: Value = {
      type: element,
      place:
        value.place.kind === "register"
          ? { ...value.place, byteOffset: value.place.byteOffset + byteOffset }
          : value.place,
      bitField: null,
      points: "linear",
      bytes: () => value.bytes().subarray(byteOffset, byteOffset + bytes),
      frame: value.frame,
    };
    return { name: `[${index}]`, value: part };
  });
}

function members(value: Value, type: StructType, names: Names): Child[] {
  const list: Member[] = [...type.members];
  if (type.variants !== null) list.push(...activeVariant(value, type, names));
  const result: Child[] = [];
  for (const entry of list) {
    if (entry.kind === "static") continue;
    try {
      result.push({
        name: entry.kind === "base" ? `<${entry.type?.name ?? "base"}>` : entry.name,
        value: memberValue(value, entry, 0, names),
      });
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      result.push({ name: entry.name, value: null, why: error.message });
    }
  }
  return result;
}

/** The members that the discriminant selects. */
function activeVariant(value: Value, type: StructType, names: Names): readonly Member[] {
  const part = type.variants;
  if (part === null) return [];
  const otherwise = part.variants.find(({ values }) => values.length === 0)?.members ?? [];
  if (part.discriminant === null) return otherwise;
  const found = BigInt.asUintN(64, toInteger(memberValue(value, part.discriminant, 0, names)));
  const selected = part.variants.find(({ values }) =>
    values.some(({ from, to }) => found >= BigInt.asUintN(64, from) && found <= BigInt.asUintN(64, to)),
  );
  return selected?.members ?? otherwise;
}

/** How many children a value has: named ones, and numbered ones that can be asked for page by page. */
export function childCount(
  value: Value,
  format: Format = PLAIN,
): { readonly named: number; readonly indexed: number } {
  const type = bare(value.type);
  if (isStructure(type)) return { named: type.members.length + (type.variants === null ? 0 : 1), indexed: 0 };
  if (type?.kind === "array") return { named: 0, indexed: format.count ?? elementCount(value) ?? 0 };
  if (type?.kind !== "pointer") return { named: 0, indexed: 0 };
  if (format.count !== null) return { named: 0, indexed: format.count };
  const target = bare(type.target);
  return { named: target === null || target.kind === "function" ? 0 : 1, indexed: 0 };
}

/** The children of a value: members, elements `start` … `start + count`, or what a pointer points to. Throws what reading throws. */
export function children(
  value: Value,
  names: Names,
  format: Format = PLAIN,
  start = 0,
  count = Number.POSITIVE_INFINITY,
): Child[] {
  const type = bare(value.type);
  if (isStructure(type)) return members(value, type, names);
  if (type?.kind === "array") {
    const total = format.count ?? elementCount(value) ?? 0;
    return elements(value, names, start, Math.max(0, Math.min(count, total - start)));
  }
  if (type?.kind !== "pointer") return [];
  if (format.count !== null) {
    const asArray = memoryValue(names.space, arrayOf(type.target, format.count), address(value), value.frame);
    return elements(asArray, names, start, Math.max(0, Math.min(count, format.count - start)));
  }
  const target = dereference(value, names);
  const plain = bare(type.target);
  return isStructure(plain) ? members(target, plain, names) : [{ name: "*", value: target }];
}
