/**
 * How deep a stack was used, found in its bytes.
 *
 * What is below everything that was ever pushed still holds what it held at first: zeros, or what the kernel filled it with. So the lowest byte that
 * does not is the high-water mark, and a use that wrote nothing but those is not seen. A mark set by the user makes the first bytes known.
 */
import type { StackHighWater } from "../../media/protocol.ts";

/** So many equal bytes at the end of a stack are a filling, and not a variable. */
const FILLING_BYTES = 64;
/** Linux's STACK_END_MAGIC, the lowest word of a task's stack (include/uapi/linux/magic.h). */
const END_MAGIC = [0x9d, 0x6e, 0xac, 0x57] as const;
/** It is stored as a long. */
const END_MAGIC_BYTES = 8;

/** Offset of the first byte that differs from what the stack held before it was used, from its low end; `length` if none does. */
export interface Depth {
  readonly offset: number;
  readonly method: Extract<StackHighWater["method"], "content" | "pattern" | "mark">;
  readonly text: string;
}

export function hasEndMagic(bytes: Uint8Array): boolean {
  return END_MAGIC.every((byte, i) => bytes[i] === byte);
}

/** @param bytes the whole stack from its low end @param marked what it held at the user's mark */
export function depthOf(bytes: Uint8Array, marked: Uint8Array | null): Depth {
  const start = hasEndMagic(bytes) ? END_MAGIC_BYTES : 0;
  if (marked !== null && marked.length === bytes.length)
    return {
      offset: firstDifference(bytes, start, (i) => marked[i]!),
      method: "mark",
      text: "The lowest byte that has changed since the mark. Bytes that were written with what they held already are not seen.",
    };
  const filling = fillingOf(bytes, start);
  if (filling !== null)
    return {
      offset: firstDifference(bytes, start, (i) => filling[(i - start) % filling.length]!),
      method: "pattern",
      text: `The lowest byte that is not the filling 0x${hexOf(filling)} that the kernel left at the end.`,
    };
  return {
    offset: firstDifference(bytes, start, () => 0),
    method: "content",
    text: "The lowest byte that is not zero: right if the stack was zero at first, and too little where only zeros were stored.",
  };
}

function firstDifference(bytes: Uint8Array, start: number, expected: (i: number) => number): number {
  for (let i = start; i < bytes.length; i++) if (bytes[i] !== expected(i)) return i;
  return bytes.length;
}

/** The byte, or the word of 4 or 8 bytes, that the low end of a stack repeats; null if it is zeros or no repetition. */
function fillingOf(bytes: Uint8Array, start: number): Uint8Array | null {
  if (bytes.length < start + FILLING_BYTES) return null;
  for (const length of [1, 4, 8]) {
    const word = bytes.subarray(start, start + length);
    if (word.every((byte) => byte === 0)) return null;
    let isRepeated = true;
    for (let i = 0; i < FILLING_BYTES && isRepeated; i++) isRepeated = bytes[start + i] === word[i % length];
    if (isRepeated) return word;
  }
  return null;
}

/** Most significant byte first, as the kernel's source has it. */
const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .reverse()
    .join("");
