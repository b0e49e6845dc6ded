/**
 * ACPI Machine Language (ACPI 6.5 chapter 20), as much as the tables of this machine need: each function gives the bytes of one term.
 *
 * Invariant: what is built is well-formed by construction: lengths and counts are worked out here, names are checked.
 * Elsewhere: resource descriptors (`resource.ts`), what is said with these words (`dsdt.ts`).
 */
import { assert } from "../../assert.ts";

export type Aml = Uint8Array;

const OP = {
  zero: 0x00, one: 0x01, name: 0x08, byte: 0x0a, word: 0x0b, dword: 0x0c, string: 0x0d, qword: 0x0e, scope: 0x10, buffer: 0x11, package: 0x12,
  method: 0x14, dualName: 0x2e, multiName: 0x2f, local0: 0x60, arg0: 0x68, store: 0x70, and: 0x7b, or: 0x7d, createDwordField: 0x8a,
  shiftRight: 0x7a, logicalOr: 0x91, logicalEqual: 0x93, logicalGreater: 0x94, logicalLess: 0x95, if: 0xa0, return: 0xa4,
  add: 0x72, subtract: 0x74, increment: 0x75, shiftLeft: 0x79, notify: 0x86, createQwordField: 0x8f, else: 0xa1, while: 0xa2,
} as const; // oxfmt-ignore
/** Behind the prefix 5Bh. */
const EXTENDED = {
  mutex: 0x01,
  acquire: 0x23,
  release: 0x27,
  operationRegion: 0x80,
  field: 0x81,
  device: 0x82,
} as const;
const PREFIX = 0x5b;

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// Every start of a machine makes some thousand terms: a typed array is quicker made from an array than by `of` and `from`.
const of = (...values: readonly number[]): Uint8Array => new Uint8Array(values);

function latin(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function littleEndian(value: number, size: 1 | 2 | 4 | 8): Uint8Array {
  assert(value >= 0 && value < 2 ** (8 * size), "a value of this size", value, size);
  const bytes = new Uint8Array(size);
  for (let n = 0, rest = value; n < size; n++, rest = Math.floor(rest / 256)) bytes[n] = rest % 256;
  return bytes;
}

/**
 * PkgLength, which counts itself: bits 5:0 of one byte, or 3:0 of the first byte and up to three bytes more, their number in bits 7:6 (section 20.2.4).
 */
function packageLength(bytes: number): Uint8Array {
  if (bytes + 1 < 0x40) return of(bytes + 1);
  for (const more of [1, 2, 3]) {
    const total = bytes + 1 + more;
    if (total >= 2 ** (4 + 8 * more)) continue;
    const rest = Math.floor(total / 16);
    return concat(of((more << 6) | (total % 16)), littleEndian(rest, 4).subarray(0, more));
  }
  return assertNever(bytes);
}

function assertNever(bytes: number): never {
  assert(false, "a package is shorter than 256 MiB", bytes);
}

/** An operator whose length follows it. */
const sized = (op: Uint8Array, ...content: readonly Aml[]): Aml => {
  const body = concat(...content);
  return concat(op, packageLength(body.length), body);
};

/** A name as ASL writes it: "\\_SB.PCI0", "^FOO", "BAR". Segments are padded with "_" to four characters. */
export function path(text: string): Aml {
  const prefix = /^\\?\^*/.exec(text)![0];
  const segments = text.slice(prefix.length).split(".");
  for (const segment of segments)
    assert(/^[A-Z_][A-Z0-9_]{0,3}$/.test(segment), "a name segment has 1 to 4 characters", text);
  const names = segments.map((segment) => latin(segment.padEnd(4, "_")));
  const marks = latin(prefix); // RootChar and ParentPrefixChar are the characters themselves
  if (names.length === 1) return concat(marks, ...names);
  if (names.length === 2) return concat(marks, of(OP.dualName), ...names);
  return concat(marks, of(OP.multiName, names.length), ...names);
}

export function integer(value: number): Aml {
  assert(Number.isSafeInteger(value) && value >= 0, "an AML integer", value);
  if (value === 0) return of(OP.zero);
  if (value === 1) return of(OP.one);
  if (value < 0x100) return of(OP.byte, value);
  if (value < 0x10000) return concat(of(OP.word), littleEndian(value, 2));
  if (value < 2 ** 32) return concat(of(OP.dword), littleEndian(value, 4));
  return concat(of(OP.qword), littleEndian(value, 8));
}

export function string(text: string): Aml {
  assert(/^[ -~]*$/.test(text), "an AML string is ASCII", text);
  return concat(of(OP.string), latin(text), of(0));
}

/** A compressed EISA identifier: "PNP0A03" (section 6.1.5). */
export function eisaId(text: string): Aml {
  assert(/^[A-Z]{3}[0-9A-F]{4}$/.test(text), "an EISA identifier", text);
  const letters = [0, 1, 2].reduce((bits, n) => (bits << 5) | (text.charCodeAt(n) - 0x40), 0);
  const product = Number.parseInt(text.slice(3), 16);
  return concat(of(OP.dword, letters >> 8, letters & 0xff, product >> 8, product & 0xff));
}

export const buffer = (bytes: Uint8Array): Aml => sized(of(OP.buffer), integer(bytes.length), bytes);

export function pack(...elements: readonly Aml[]): Aml {
  assert(elements.length < 256, "elements of a package", elements.length);
  return sized(of(OP.package), of(elements.length), ...elements);
}

export const name = (target: string, value: Aml): Aml => concat(of(OP.name), path(target), value);
export const scope = (target: string, ...content: readonly Aml[]): Aml =>
  sized(of(OP.scope), path(target), ...content);
export const device = (target: string, ...content: readonly Aml[]): Aml =>
  sized(of(PREFIX, EXTENDED.device), path(target), ...content);

/** Serialized: methods that make names of their own must not run twice at a time. */
export function method(
  target: string,
  args: number,
  kind: "serialized" | "not serialized",
  ...body: readonly Aml[]
): Aml {
  assert(args >= 0 && args <= 7, "arguments of a method", args);
  return sized(of(OP.method), path(target), of(args | (kind === "serialized" ? 8 : 0)), ...body);
}

export const SPACE = { memory: 0, io: 1, pciConfig: 2 } as const;

export const operationRegion = (target: string, space: number, offset: number, length: number): Aml =>
  concat(of(PREFIX, EXTENDED.operationRegion), path(target), of(space), integer(offset), integer(length));

/** The rest of a unit of which a field is written: as it was read, or zeros. */
const UPDATE = { preserve: 0, zeros: 2 } as const;

/** Fields of a region one after the other, accessed by units of `accessBytes`; one with the name null is a gap. */
export function field(
  region: string,
  accessBytes: 1 | 4,
  update: keyof typeof UPDATE,
  ...fields: readonly (readonly [name: string | null, bits: number])[]
): Aml {
  const access = accessBytes === 1 ? 1 : 3;
  const units = fields.map(([target, bits]) =>
    concat(target === null ? of(0) : path(target), fieldLength(bits)),
  );
  return sized(of(PREFIX, EXTENDED.field), path(region), of(access | (UPDATE[update] << 5)), ...units);
}

/** A length in bits, which is written like that of a package but does not count itself. */
const fieldLength = (bits: number): Uint8Array => packageLength(bits < 0x40 ? bits - 1 : bits - 2);

export const arg = (n: number): Aml => of(OP.arg0 + n);
export const local = (n: number): Aml => of(OP.local0 + n);
export const store = (value: Aml, target: Aml): Aml => concat(of(OP.store), value, target);
export const giveBack = (value: Aml): Aml => concat(of(OP.return), value);
/** Both store their result in `target`, too. */
export const and = (left: Aml, right: Aml, target: Aml = of(0)): Aml =>
  concat(of(OP.and), left, right, target);
export const or = (left: Aml, right: Aml, target: Aml = of(0)): Aml => concat(of(OP.or), left, right, target);
export const shiftRight = (value: Aml, bits: Aml, target: Aml = of(0)): Aml =>
  concat(of(OP.shiftRight), value, bits, target);
export const shiftLeft = (value: Aml, bits: Aml, target: Aml = of(0)): Aml =>
  concat(of(OP.shiftLeft), value, bits, target);
export const add = (left: Aml, right: Aml, target: Aml = of(0)): Aml =>
  concat(of(OP.add), left, right, target);
export const subtract = (left: Aml, right: Aml, target: Aml = of(0)): Aml =>
  concat(of(OP.subtract), left, right, target);
export const increment = (target: Aml): Aml => concat(of(OP.increment), target);
export const equal = (left: Aml, right: Aml): Aml => concat(of(OP.logicalEqual), left, right);
export const less = (left: Aml, right: Aml): Aml => concat(of(OP.logicalLess), left, right);
export const greater = (left: Aml, right: Aml): Aml => concat(of(OP.logicalGreater), left, right);
export const either = (left: Aml, right: Aml): Aml => concat(of(OP.logicalOr), left, right);
export const when = (condition: Aml, ...body: readonly Aml[]): Aml => sized(of(OP.if), condition, ...body);
/** Behind a `when`. */
export const otherwise = (...body: readonly Aml[]): Aml => sized(of(OP.else), ...body);
export const whilst = (condition: Aml, ...body: readonly Aml[]): Aml =>
  sized(of(OP.while), condition, ...body);
export const notify = (object: Aml, value: Aml): Aml => concat(of(OP.notify), object, value);
export const mutex = (target: string): Aml => concat(of(PREFIX, EXTENDED.mutex), path(target), of(0));
/** Waits without end. */
export const acquire = (target: string): Aml =>
  concat(of(PREFIX, EXTENDED.acquire), path(target), of(0xff, 0xff));
export const release = (target: string): Aml => concat(of(PREFIX, EXTENDED.release), path(target));
/** `target` names the 32 bits at byte `index` of a buffer. */
export const createDwordField = (source: Aml, index: Aml, target: string): Aml =>
  concat(of(OP.createDwordField), source, index, path(target));
/** The same for 64 bits. */
export const createQwordField = (source: Aml, index: Aml, target: string): Aml =>
  concat(of(OP.createQwordField), source, index, path(target));
/** A method call, or with no arguments a reference. */
export const call = (target: string, ...args: readonly Aml[]): Aml => concat(path(target), ...args);
