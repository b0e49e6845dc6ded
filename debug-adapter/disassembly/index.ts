/** Disassembly: instructions from guest memory. This file is the folder's boundary. */
export { decode, LONGEST, type CodeBits, type Decoded, type Flow, type Syntax } from "./decoder.ts";
export { listing, type CodeMap, type ListingOptions, type Row } from "./listing.ts";

import type { GuestSpace } from "../memory/space.ts";
import { decode, LONGEST, type CodeBits, type Decoded, type Syntax } from "./decoder.ts";

/** The instruction at a linear address, or null where there is no memory. */
export function decodeAt(
  space: GuestSpace,
  address: bigint,
  bits: CodeBits,
  syntax: Syntax,
  base: bigint,
): Decoded | null {
  const { bytes } = space.readUpTo({ space: "linear", offset: address }, LONGEST);
  let result: Decoded | null = null;
  decode(bytes, address, bits, syntax, base, (instruction) => {
    result = instruction;
    return false;
  });
  return result;
}
