/**
 * Taking values apart: members, elements, targets, and reading the bytes of a location.
 *
 * Elsewhere: showing a value (`debug-adapter/variables/`), the types (`model.ts`).
 */
import type { FrameContext, Location, Member, Piece, Type } from "./model.ts";

const DEPTH_MAX = 64;
// The largest value that is read at once; larger ones are looked at by their parts.
const READ_MAX_BYTES = 1 << 20;

export interface Child {
  readonly name: string;
  readonly type: Type | null;
  readonly location: Location;
  readonly kind: Member["kind"] | "element" | "target";
  /** Of a bit-field; its location is a piece of the right size. */
  readonly sizeBits: number | null;
}

/** The type without typedefs and qualifiers; null is `void`, or a type that is nothing but those. */
export function stripType(type: Type | null): Type | null {
  let current = type;
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    if (!current || !MODIFIERS.has(current.kind) || !("target" in current)) return current;
    current = current.target;
  }
  return null;
}

const MODIFIERS: ReadonlySet<Type["kind"]> = new Set([
  "typedef",
  "const",
  "volatile",
  "restrict",
  "atomic",
] as const);

const isAggregate = (type: Type | null): type is Aggregate =>
  type?.kind === "struct" || type?.kind === "class" || type?.kind === "union";

/** How many children `childrenOf` has in all. An array whose length nobody knows has none. */
export function childCount(type: Type | null, location: Location, context: FrameContext): number {
  const actual = stripType(type);
  if (actual?.kind === "array") return arrayBounds(actual, context)[0] ?? 0;
  if (isAggregate(actual)) return members(actual, location, context).length;
  if (actual?.kind !== "pointer") return 0;
  const target = stripType(actual.target);
  return target === null || target.kind === "function" ? 0 : 1;
}

/** The parts of a value, from `start` on, at most `count`. */
export function childrenOf(
  type: Type | null,
  location: Location,
  context: FrameContext,
  start = 0,
  count = Number.MAX_SAFE_INTEGER,
): Child[] {
  const actual = stripType(type);
  if (actual?.kind === "array") return elements(actual, location, context, start, count);
  if (isAggregate(actual)) {
    const chosen = members(actual, location, context).slice(start, start + count);
    return chosen.map((member) => childOf(member, location, context));
  }
  if (actual?.kind !== "pointer" || start > 0 || count < 1 || childCount(actual, location, context) === 0)
    return [];
  const target = dereference(actual, location, context);
  return [{ name: "*", type: actual.target, location: target, kind: "target", sizeBits: null }];
}

/** A member by name, through anonymous structures, bases and the active variant; null if there is none. */
export function memberNamed(
  type: Type | null,
  location: Location,
  context: FrameContext,
  name: string,
  depth = 0,
): Child | null {
  const actual = stripType(type);
  if (depth > 16 || !isAggregate(actual)) return null;
  const all = members(actual, location, context);
  const direct = all.find((member) => member.name === name && name !== "");
  if (direct) return childOf(direct, location, context);
  for (const member of all) {
    if (member.name !== "" && member.kind !== "base") continue;
    const inner = childOf(member, location, context);
    const found = memberNamed(inner.type, inner.location, context, name, depth + 1);
    if (found) return found;
  }
  return null;
}

/** What a pointer at `location` points to. */
export function dereference(type: Type, location: Location, context: FrameContext): Location {
  const bytes = readLocation(location, type.sizeBytes || 8, context);
  if (typeof bytes === "string") return { kind: "unavailable", reason: bytes };
  let address = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) address = (address << 8n) | BigInt(bytes[i]!);
  return { kind: "memory", address };
}

/** Part of a value: `sizeBits` bits that start `offsetBits` above its first one. */
export function partOf(location: Location, offsetBits: number, sizeBits: number): Location {
  if (offsetBits % 8 === 0 && sizeBits % 8 === 0) {
    const offset = offsetBits / 8;
    switch (location.kind) {
      case "memory":
        return { kind: "memory", address: BigInt.asUintN(64, location.address + BigInt(offset)) };
      case "register":
        return { ...location, byteOffset: location.byteOffset + offset };
      case "value":
        return { kind: "value", bytes: location.bytes.subarray(offset, offset + sizeBits / 8) };
      case "unavailable":
        return location;
      case "pieces":
        break;
    }
  }
  if (location.kind === "unavailable") return location;
  if (location.kind !== "pieces") return { kind: "pieces", pieces: [{ location, offsetBits, sizeBits }] };
  const pieces: Piece[] = [];
  let at = 0;
  for (const piece of location.pieces) {
    const from = Math.max(offsetBits, at);
    const to = Math.min(offsetBits + sizeBits, at + piece.sizeBits);
    if (from < to)
      pieces.push({
        location: piece.location,
        offsetBits: piece.offsetBits + from - at,
        sizeBits: to - from,
      });
    at += piece.sizeBits;
  }
  const [only] = pieces;
  if (
    only &&
    pieces.length === 1 &&
    only.sizeBits === sizeBits &&
    only.offsetBits % 8 === 0 &&
    sizeBits % 8 === 0
  ) {
    return partOf(only.location, only.offsetBits, sizeBits);
  }
  return { kind: "pieces", pieces };
}

/** The bytes at a location, the value's lowest bit in the first byte's lowest; or why they cannot be had. */
export function readLocation(
  location: Location,
  sizeBytes: number,
  context: FrameContext,
): Uint8Array | string {
  if (sizeBytes > READ_MAX_BYTES) return `${sizeBytes} bytes are too many to read at once`;
  switch (location.kind) {
    case "memory": {
      const bytes = context.readMemory(location.address, sizeBytes);
      return bytes ?? `no memory at 0x${location.address.toString(16)}`;
    }
    case "register": {
      const value = context.registers.get(location.register);
      if (value === undefined) return `register ${location.register} is not known in this frame`;
      const bytes = new Uint8Array(sizeBytes);
      let rest = value >> BigInt(location.byteOffset * 8);
      for (let i = 0; i < sizeBytes && rest !== 0n; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
      return bytes;
    }
    case "value": {
      const bytes = new Uint8Array(sizeBytes);
      bytes.set(location.bytes.subarray(0, sizeBytes));
      return bytes;
    }
    case "pieces":
      return gather(location.pieces, sizeBytes, context);
    case "unavailable":
      return location.reason;
  }
}

/** What must be written where so that `location` holds `bytes`; a string says why it cannot. */
export interface Write {
  readonly location: Extract<Location, { kind: "memory" | "register" }>;
  /** For a register the bytes replace those from its `byteOffset` on. */
  readonly bytes: Uint8Array;
}

export function writesTo(
  location: Location,
  bytes: Uint8Array,
  context: FrameContext,
  sizeBits = bytes.length * 8,
): Write[] | string {
  switch (location.kind) {
    case "memory":
    case "register":
      return [{ location, bytes }];
    case "value":
      return "the value is kept nowhere; it was computed";
    case "unavailable":
      return location.reason;
    case "pieces": {
      const writes: Write[] = [];
      let at = 0;
      for (const piece of location.pieces) {
        const count = Math.min(piece.sizeBits, sizeBits - at);
        if (count <= 0) break;
        const target = partOf(piece.location, piece.offsetBits - (piece.offsetBits % 8), 8);
        const shift = piece.offsetBits % 8;
        const length = Math.ceil((shift + count) / 8);
        const old = readLocation(target, length, context);
        if (typeof old === "string") return old;
        if (target.kind !== "memory" && target.kind !== "register")
          return "the value is kept nowhere; it was computed";
        const merged = old.slice();
        for (let bit = 0; bit < count; bit++) setBit(merged, shift + bit, getBit(bytes, at + bit));
        writes.push({ location: target, bytes: merged });
        at += count;
      }
      return writes;
    }
  }
}

function gather(pieces: readonly Piece[], sizeBytes: number, context: FrameContext): Uint8Array | string {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    const count = Math.min(piece.sizeBits, sizeBytes * 8 - at);
    if (count <= 0) break;
    const first = Math.floor(piece.offsetBits / 8);
    const from = partOf(piece.location, first * 8, 8);
    const shift = piece.offsetBits % 8;
    const source = readLocation(from, Math.ceil((shift + count) / 8), context);
    if (typeof source === "string") return source;
    if (shift === 0 && at % 8 === 0 && count % 8 === 0) bytes.set(source.subarray(0, count / 8), at / 8);
    else for (let bit = 0; bit < count; bit++) setBit(bytes, at + bit, getBit(source, shift + bit));
    at += piece.sizeBits;
  }
  return bytes;
}

const getBit = (bytes: Uint8Array, bit: number): number => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;

function setBit(bytes: Uint8Array, bit: number, value: number): void {
  const mask = 1 << (bit & 7);
  bytes[bit >> 3] = value ? bytes[bit >> 3]! | mask : bytes[bit >> 3]! & ~mask;
}

function childOf(member: Member, location: Location, context: FrameContext): Child {
  const { type, sizeBits } = member;
  const size = sizeBits ?? (type?.sizeBytes ?? 0) * 8;
  const place = member.locate ? member.locate(location, context) : partOf(location, member.offsetBits, size);
  return { name: member.name, type, location: place, kind: member.kind, sizeBits };
}

type Aggregate = Extract<Type, { kind: "struct" | "class" | "union" }>;

/** All members there are, with those of the variant that is active. */
function members(type: Aggregate, location: Location, context: FrameContext): readonly Member[] {
  const { variants } = type;
  if (!variants) return type.members;
  const { discriminant } = variants;
  const fallback = variants.variants.find((variant) => variant.values.length === 0);
  if (!discriminant) return [...type.members, ...((fallback ?? variants.variants[0])?.members ?? [])];
  const child = childOf(discriminant, location, context);
  const bytes = readLocation(child.location, child.type?.sizeBytes || 8, context);
  if (typeof bytes === "string") return type.members;
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  const bits = bytes.length * 8;
  const active =
    variants.variants.find((variant) =>
      variant.values.some(({ from, to }) => {
        const candidate = from < 0n ? BigInt.asIntN(bits, value) : value;
        return candidate >= from && candidate <= to;
      }),
    ) ?? fallback;
  return [...type.members, ...(active?.members ?? [])];
}

type ArrayOf = Extract<Type, { kind: "array" }>;

function arrayBounds(type: ArrayOf, context: FrameContext): readonly (number | null)[] {
  return type.dimensions.includes(null) ? type.bounds(context) : type.dimensions;
}

function elements(
  type: ArrayOf,
  location: Location,
  context: FrameContext,
  start: number,
  count: number,
): Child[] {
  const bounds = arrayBounds(type, context);
  const total = bounds[0] ?? 0;
  const inner = bounds.slice(1);
  const elementBytes = type.element?.sizeBytes ?? 0;
  const stride = inner.reduce<number>((product, bound) => product * (bound ?? 0), elementBytes);
  const element: Type | null = inner.length === 0 ? type.element : row(type, inner, stride);
  const children: Child[] = [];
  for (let i = start; i < Math.min(total, start + count); i++) {
    children.push({
      name: `[${i}]`,
      type: element,
      location: partOf(location, i * stride * 8, stride * 8),
      kind: "element",
      sizeBits: null,
    });
  }
  return children;
}

/** A multi-dimensional array's element: the array of its further dimensions. */
function row(type: ArrayOf, dimensions: readonly (number | null)[], sizeBytes: number): ArrayOf {
  return {
    kind: "array",
    name: "",
    get element(): Type | null {
      return type.element;
    },
    dimensions,
    bounds: () => dimensions,
    sizeBytes,
    isVector: false,
  };
}
