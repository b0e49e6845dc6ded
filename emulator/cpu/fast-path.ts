/**
 * An access to memory as emitted code makes it while its tag in the data TLB matches (`layout.ts`): entry, comparison, host address.
 *
 * Elsewhere: what happens when the tag does not match (`mmu/refill.ts`).
 */
import { i32, i64, load, op, type Node } from "../wasm/index.ts";
import { TLB } from "./layout.ts";

const PAGE_SHIFT = 12;
const ENTRY_SHIFT = Math.log2(TLB.entryBytes);

/** Offset, from TLB.base, of the entry for a linear address: an i32. */
export const dataEntry = (linear: Node): Node =>
  op(
    "i32.and",
    op("i32.shr_u", op("i32.wrap_i64", linear), i32(PAGE_SHIFT - ENTRY_SHIFT)),
    i32((TLB.entries - 1) << ENTRY_SHIFT),
  );

/** The page of the last of `bytes` at a linear address, which is what the tag has to be: an i64. So an access to two pages never matches. */
export function lastPage(linear: Node, bytes: number): Node {
  const last = bytes === 1 ? linear : op("i64.add", linear, i64(BigInt(bytes - 1)));
  return op("i64.and", last, i64(-1n << BigInt(PAGE_SHIFT)));
}

/** Host address of a linear address whose entry matches: an i32. */
export const hostAddress = (entry: Node, linear: Node): Node =>
  op("i32.add", load("i32.load", entry, TLB.base + TLB.addend), op("i32.wrap_i64", linear));
