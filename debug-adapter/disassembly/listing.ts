/**
 * A stretch of disassembly around an address: exactly as many rows as were asked for, before it and after.
 *
 * Invariant: rows are a function of memory, width and symbols alone, not of where a request begins, so that a client that scrolls in pieces sees
 * one listing. x86 cannot be decoded backwards; rows before an address come from decoding forwards from an anchor: the nearest
 * function start, or without symbols a fixed distance back. A row always begins at the address itself.
 */
import type { Address, GuestSpace } from "../memory/space.ts";
import { decode, LONGEST, type CodeBits, type Decoded, type Syntax } from "./decoder.ts";

/** What symbols know of code. */
export interface CodeMap {
  /** Start of the function or label that contains an address. */
  startOf(address: bigint): bigint | null;
}

export interface ListingOptions {
  readonly bits: CodeBits;
  readonly syntax: Syntax;
  /** Base of the code segment. */
  readonly base: bigint;
  readonly map: CodeMap;
}

/** A row; an address that cannot be read is one row of no bytes. */
export interface Row {
  readonly address: bigint;
  /** Null where there is no memory. */
  readonly instruction: Decoded | null;
}

const PAGE = 4096n;
/** How far from an address without symbols decoding begins: most x86 code falls into step within this many bytes. */
const RUN_IN = 64n;
/** A function longer than this is entered in the middle. */
const FAR = 16384n;

const unreadable = (address: bigint): Row => ({ address, instruction: null });

/** `count` rows, the first of which is `first` rows from the one at `address` (negative: before it). */
export function listing(
  space: GuestSpace,
  { space: kind, offset }: Address,
  first: number,
  count: number,
  options: ListingOptions,
): Row[] {
  const limit =
    kind === "physical" ? (1n << 52n) - 1n : options.bits === 64 ? (1n << 64n) - 1n : 0xffff_ffffn;
  const after = first + count > 0 ? forward(space, kind, offset, first + count, limit, options) : [];
  if (first >= 0) return after.slice(first);
  const before = backward(space, kind, offset, -first, options);
  return [...before, ...after].slice(0, count);
}

function forward(
  space: GuestSpace,
  kind: Address["space"],
  from: bigint,
  count: number,
  limit: bigint,
  options: ListingOptions,
): Row[] {
  const rows: Row[] = [];
  let at = from;
  while (rows.length < count) {
    if (at > limit) {
      rows.push(unreadable(at));
      at += 1n;
      continue;
    }
    const { bytes, why } = space.readUpTo(
      { space: kind, offset: at },
      Math.min((count - rows.length) * LONGEST, 16384),
    );
    if (bytes.length === 0) {
      rows.push(unreadable(at));
      at += 1n;
      continue;
    }
    let next = at;
    decode(bytes, at, options.bits, options.syntax, options.base, (instruction) => {
      const isCut = why === null && instruction.address + BigInt(LONGEST) > at + BigInt(bytes.length);
      if (isCut && bytes.length >= LONGEST && rows.length > 0 && next > at) return false;
      rows.push({ address: instruction.address, instruction });
      next = instruction.address + BigInt(instruction.bytes.length);
      return rows.length < count;
    });
    at = next;
  }
  return rows;
}

/** The `count` rows before `to`. */
function backward(
  space: GuestSpace,
  kind: Address["space"],
  to: bigint,
  count: number,
  options: ListingOptions,
): Row[] {
  const rows: Row[] = [];
  let end = to;
  while (rows.length < count && end > 0n) {
    const block = blockBefore(space, kind, end, options);
    if (block.length === 0) break;
    rows.unshift(...block);
    end = rows[0]!.address;
  }
  // Before the first address there is nothing: invalid rows keep the count.
  while (rows.length < count) rows.unshift(unreadable(0n));
  return rows.slice(rows.length - count);
}

/** Rows from the anchor before `end` up to it; at least one. */
function blockBefore(space: GuestSpace, kind: Address["space"], end: bigint, options: ListingOptions): Row[] {
  const { anchor, isCertain } = anchorBefore(end, kind, options);
  const { bytes, why } = space.readUpTo({ space: kind, offset: anchor }, Number(end - anchor));
  if (why !== null) {
    // A hole: a row for each of its bytes, from the end downwards.
    const readable = anchor + BigInt(bytes.length);
    const start = readable > end - 16n ? readable : end - 16n;
    return Array.from({ length: Number(end - start) }, (_, i) => unreadable(start + BigInt(i)));
  }
  // Without a certain anchor, the first start from which every instruction is one and the last ends at `end`.
  const attempts = isCertain ? 1 : Math.min(LONGEST, bytes.length);
  for (let skip = 0; skip < attempts; skip++) {
    const rows = rowsOf(bytes.subarray(skip), anchor + BigInt(skip), options);
    if (isCertain || rows.every((row) => row.instruction?.isValid === true)) return rows;
  }
  return rowsOf(bytes, anchor, options);
}

function rowsOf(bytes: Uint8Array, address: bigint, options: ListingOptions): Row[] {
  const rows: Row[] = [];
  decode(bytes, address, options.bits, options.syntax, options.base, (instruction) => {
    rows.push({ address: instruction.address, instruction });
    return true;
  });
  return rows;
}

function anchorBefore(
  end: bigint,
  kind: Address["space"],
  { map }: ListingOptions,
): { readonly anchor: bigint; readonly isCertain: boolean } {
  const start = kind === "linear" ? map.startOf(end - 1n) : null;
  if (start !== null && start < end && end - start <= FAR) return { anchor: start, isCertain: true };
  // The same grid of anchors whatever `end` is, far enough back to fall into step, and never on another page than the last byte.
  const grid = ((end - 1n) / RUN_IN) * RUN_IN - RUN_IN;
  const page = ((end - 1n) / PAGE) * PAGE;
  return { anchor: grid < page ? page : grid, isCertain: false };
}
