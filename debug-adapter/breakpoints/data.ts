/**
 * Data breakpoints' ids: which bytes of which address space, as text that outlives a session ("p:0xb8000/4000").
 *
 * Invariant: an id alone says what is watched; it holds no pointer into a session, so an editor may keep it.
 */
import { badReference, notBreakable } from "../errors.ts";
import { formatReference, parseReference, type Address } from "../memory/space.ts";

export interface DataRange {
  readonly address: Address;
  readonly length: number;
}

/** The machine keeps a set of watched pages: a range has a sensible end. */
export const LONGEST_RANGE = 1 << 30;

export const formatDataId = ({ address, length }: DataRange): string =>
  `${formatReference(address)}/${length}`;

/** Throws `badReference`, `notBreakable`. */
export function parseDataId(text: string): DataRange {
  const match = /^([^/]+)\/(\d+)$/.exec(text);
  const length = Number(match?.[2]);
  if (match === null || length < 1 || length > LONGEST_RANGE) throw badReference(text);
  const address = parseReference(match[1]!);
  if (address.space === "ram") throw notBreakable();
  return { address, length };
}
