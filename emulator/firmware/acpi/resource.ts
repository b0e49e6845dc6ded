/**
 * Resource descriptors (ACPI 6.5 §6.4), which devices give in _CRS and _PRS. Each function gives the bytes of one; `template` makes a buffer of several.
 */
import { assert } from "../../assert.ts";
import { type Aml, buffer, concat, littleEndian } from "./aml.ts";

const END_TAG = 0x79;
const LARGE = { memory32Fixed: 0x86, dword: 0x87, word: 0x88, interrupt: 0x89, qword: 0x8a } as const;
const KIND = { memory: 0, io: 1, bus: 2 } as const;
/** General flags: positive decode, both ends fixed; the resource is produced, not consumed. */
const WINDOW = 0x0c;
/** Type flags of I/O: the entire range. Of memory: read and write, bits 2:1 cacheable. */
const ENTIRE_RANGE = 3;
const READ_WRITE = 1;
const CACHEABLE = 2;

/** The end tag's checksum 0 means that there is none. */
export const template = (...descriptors: readonly Uint8Array[]): Aml =>
  buffer(concat(...descriptors, Uint8Array.of(END_TAG, 0)));

const large = (tag: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...content);
  return concat(Uint8Array.of(tag), littleEndian(body.length, 2), body);
};

/** Fixed ports, decoded with 16 bits. */
export const ports = (base: number, length: number): Uint8Array =>
  concat(Uint8Array.of(0x47, 1), littleEndian(base, 2), littleEndian(base, 2), Uint8Array.of(1, length));

/** ISA interrupts: edge, high, not shared. */
export const irq = (...numbers: readonly number[]): Uint8Array =>
  concat(Uint8Array.of(0x22), littleEndian(numbers.reduce((mask, n) => mask | (1 << n), 0), 2)); // oxfmt-ignore

export const dma = (channel: number): Uint8Array => Uint8Array.of(0x2a, 1 << channel, 0);

export const memory32 = (base: number, length: number): Uint8Array =>
  large(LARGE.memory32Fixed, Uint8Array.of(0), littleEndian(base, 4), littleEndian(length, 4));

/** Global system interrupts of which a PCI device may get one: level, high, shared. The first number is at byte 5. */
export const interrupt = (...numbers: readonly number[]): Uint8Array =>
  large(LARGE.interrupt, Uint8Array.of(0x09, numbers.length), ...numbers.map((n) => littleEndian(n, 4)));

/** A range that a bridge passes on: [first, last]. */
function window(
  tag: number,
  size: 2 | 4 | 8,
  kind: number,
  flags: number,
  first: number,
  last: number,
): Uint8Array {
  assert(last >= first, "a window is not empty", first, last);
  const numbers = [0, first, last, 0, last - first + 1];
  return large(tag, Uint8Array.of(kind, WINDOW, flags), ...numbers.map((value) => littleEndian(value, size)));
}

export const busWindow = (first: number, last: number): Uint8Array =>
  window(LARGE.word, 2, KIND.bus, 0, first, last);
export const portWindow = (first: number, last: number): Uint8Array =>
  window(LARGE.word, 2, KIND.io, ENTIRE_RANGE, first, last);
export const memoryWindow = (first: number, last: number, cacheable: boolean): Uint8Array =>
  window(LARGE.dword, 4, KIND.memory, READ_WRITE | (cacheable ? CACHEABLE : 0), first, last);
/** Addresses below 2^53. */
export const memoryWindow64 = (first: number, last: number): Uint8Array =>
  window(LARGE.qword, 8, KIND.memory, READ_WRITE | CACHEABLE, first, last);
