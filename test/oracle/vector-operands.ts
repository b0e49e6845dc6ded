/** Operands for the vector tests: lanes of every size at their edges, equal lanes, counts for shifts, strings that end. */
import type { Random } from "./random.ts";
import { randomState87 } from "./x87-operands.ts";

const MM_AT = 32;
const XMM_AT = 160;
const REGISTER_BYTES = 16;
const IMAGE_BYTES = 416;

/** Lanes at their edges, as their lowest, inner and highest byte: 0, 1, least, greatest, −1, least + 1, −2, half of the range. */
const EDGES: readonly (readonly [low: number, inner: number, high: number])[] = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 0, 0x80],
  [0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff],
  [1, 0, 0x80],
  [0xfe, 0xff, 0xff],
  [0, 0, 0x40],
];

function fillLane(bytes: Uint8Array, at: number, size: number, random: Random): void {
  const kind = random.below(6);
  if (kind === 0) {
    const [low, inner, high] = random.pick(EDGES);
    bytes.fill(inner, at, at + size);
    bytes[at] = low;
    if (size > 1 || low === 0) bytes[at + size - 1] = high;
  } else if (kind < 3) {
    // Small, positive or negative.
    bytes.fill(kind === 1 ? 0 : 0xff, at, at + size);
    bytes[at] = kind === 1 ? random.below(20) : 236 + random.below(20);
  } else {
    for (let i = 0; i < size; i++) bytes[at + i] = random.below(256);
  }
}

/** 16 bytes; `partner` is another operand, whose lanes come again now and then. */
export function vectorValue(random: Random, partner?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(REGISTER_BYTES);
  const size = random.pick([1, 1, 2, 4, 8]);
  const kind = random.below(16);
  const text = random.below(6) + 1;
  if (kind === 4) bytes.fill(0xff);
  for (let at = 0; at < bytes.length; at += size) {
    // Few different lanes, as strings have.
    if (kind < 3) bytes[at] = random.below(text);
    else if (kind > 4) fillLane(bytes, at, size, random);
    if (partner !== undefined && random.oneIn(4)) bytes.set(partner.subarray(at, at + size), at);
  }
  // A count for a shift.
  if (random.oneIn(6)) {
    bytes.fill(0, 0, 8);
    bytes[0] = random.below(72);
    if (random.oneIn(8)) bytes[random.below(8)] = random.below(256);
  }
  return bytes;
}

/** Different values in one case: registers share them. */
const VALUES = 5;

/** An FXSAVE image with such values in all XMM registers and in most MMX registers. */
export function randomVectors(random: Random): Uint8Array {
  const image = randomState87(random);
  const values: Uint8Array[] = [];
  while (values.length < VALUES) values.push(vectorValue(random, values.at(-1)));
  for (let at = MM_AT; at < XMM_AT; at += REGISTER_BYTES)
    if (!random.oneIn(4)) image.set(random.pick(values).subarray(0, 8), at);
  for (let n = 0; n < 16; n++) image.set(random.pick(values), XMM_AT + n * REGISTER_BYTES);
  return image;
}

/** Compared of the image: control, status and tags; MXCSR; the ten bytes of each x87 register; the XMM registers (eight outside 64-bit mode). */
function compared(at: number, wide: boolean): boolean {
  if (at < MM_AT) return at < 6 || (at >= 24 && at < 28);
  if (at < XMM_AT) return (at & 15) < 10;
  return at < XMM_AT + (wide ? 16 : 8) * REGISTER_BYTES;
}

const nameAt = (at: number): string =>
  at < MM_AT
    ? `control+${at}`
    : at < XMM_AT
      ? `st${(at - MM_AT) / REGISTER_BYTES}`
      : `xmm${(at - XMM_AT) / REGISTER_BYTES}`;
const hexAt = (image: Uint8Array, at: number): string =>
  Buffer.from(image.subarray(at, at + REGISTER_BYTES)).toString("hex");

/** What differs of two FXSAVE images, one text for each register. */
export function vectorDifferences(ours: Uint8Array, host: Uint8Array, wide: boolean): string[] {
  const found = new Set<number>();
  for (let at = 0; at < IMAGE_BYTES; at++)
    if (ours[at] !== host[at] && compared(at, wide)) found.add(at & ~15);
  return [...found].map((at) => `${nameAt(at)} ${hexAt(ours, at)}, host ${hexAt(host, at)}`);
}

/** The registers of an image, for reports. */
export function describeVectors(image: Uint8Array): string {
  const starts = Array.from({ length: IMAGE_BYTES / REGISTER_BYTES }, (_, i) => i * REGISTER_BYTES);
  return `    ${starts.map((at) => `${nameAt(at)} ${hexAt(image, at)}`).join(" ")}`;
}
