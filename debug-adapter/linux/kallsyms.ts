/**
 * The symbol table that a Linux kernel carries in its own memory (kernel/kallsyms.c), found without knowing where it is and read without help.
 *
 *     … 6.3:  offsets i32[n]  relative_base u64  num_syms u32  names  markers u32[]  (seqs_of_names u8[3n])  token_table  token_index u16[256]
 *     6.4 …:  num_syms u32  names  markers u32[]  token_table  token_index u16[256]  offsets i32[n]  relative_base u64  …      each aligned to 8 bytes
 *     a name: its length (7 bits, or 14 in two bytes), then so many tokens; the text begins with the symbol's type, as nm has it
 *
 * Invariant: what is found is consistent in itself: every name ends where the next begins, up to the markers, which say the same. Nothing else is believed.
 * Elsewhere: where in memory to look (`kernel.ts`), what is made of the symbols (`symbol-elf.ts`).
 */

/** A kernel has a hundred thousand and more: no objects, no strings. */
export interface KernelSymbols {
  /** Of symbol n. */
  readonly addresses: BigUint64Array;
  /** A 0; then of each symbol its type, as `nm` has it ("T", "t", "D" …), its name, and a 0. */
  readonly text: Uint8Array;
  /** Where the type of symbol n is in `text`; behind them where one more would be. */
  readonly starts: Uint32Array;
}

/** Tokens of one character that every kernel's names need: "0" to "9", which lie together. */
const DIGITS = Uint8Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 0x30 + n / 2 : 0));
const FIRST_DIGIT = 0x30;
const TOKENS = 256;
const PER_MARKER = 256;
const FEWEST = 1000;
const MOST = 1 << 21;
/** Bytes of a compressed name, on average: what is outside cannot be a count of names. */
const SHORTEST_NAME = 3;
const LONGEST_NAME = 64;
const KERNEL_HALF = 0xffffffff80000000n;

const align = (offset: number): number => (offset + 7) & ~7;

/**
 * The symbols in `bytes`, the kernel's memory from somewhere before its read-only data on; null if they are not there, or not all of them.
 *
 * @param start where the digits of the token table may lie at the earliest; names lie before them
 */
export function readKallsyms(bytes: Uint8Array, start = 0): KernelSymbols | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = haystack.indexOf(DIGITS, start); at >= 0; at = haystack.indexOf(DIGITS, at + 1)) {
    const tokens = findTokens(bytes, view, at);
    if (tokens === null) continue;
    const names = findNames(bytes, view, tokens.table);
    if (names === null) continue;
    const base = findAddresses(view, names, tokens.index);
    if (base !== null) return symbols(bytes, view, names, tokens, base);
  }
  return null;
}

interface Tokens {
  readonly table: number;
  readonly index: number;
}

/** The tables around ten digits, if they are those of a token table. */
function findTokens(bytes: Uint8Array, view: DataView, digits: number): Tokens | null {
  let end = digits;
  for (let token = FIRST_DIGIT; token < TOKENS; token++) {
    end = bytes.indexOf(0, end) + 1;
    if (end === 0 || end - digits > 16_384) return null;
  }
  const index = align(end);
  if (index + 2 * TOKENS > bytes.length) return null;
  const table = digits - view.getUint16(index + 2 * FIRST_DIGIT, true);
  if (table < 0 || view.getUint16(index, true) !== 0) return null;
  for (let token = 1; token < TOKENS; token++) {
    const start = table + view.getUint16(index + 2 * token, true);
    const before = table + view.getUint16(index + 2 * token - 2, true);
    // A token may be empty where no name uses its byte.
    if (start <= before || bytes[start - 1] !== 0) return null;
  }
  return { table, index };
}

interface Names {
  /** Where the number of symbols is. */
  readonly countAt: number;
  readonly count: number;
  readonly first: number;
}

/** The names end at the markers, and those (with the order of names, where there is one) at the token table. */
function findNames(bytes: Uint8Array, view: DataView, table: number): Names | null {
  for (let first = table & ~7; first >= 8; first -= 8) {
    const count = view.getUint32(first - 8, true);
    const span = table - first;
    if (span > MOST * LONGEST_NAME) return null;
    if (count < FEWEST || count > MOST || view.getUint32(first - 4, true) !== 0) continue;
    if (span < count * SHORTEST_NAME || span > count * LONGEST_NAME) continue;
    if (areNames(bytes, view, first, count, table)) return { countAt: first - 8, count, first };
  }
  return null;
}

function areNames(bytes: Uint8Array, view: DataView, first: number, count: number, table: number): boolean {
  let at = first;
  let second = 0;
  for (let n = 0; n < count; n++) {
    if (n === PER_MARKER) second = at - first;
    const length = nameLength(bytes, at);
    if (length === 0) return false;
    at += lengthBytes(bytes, at) + length;
    if (at > table) return false;
  }
  const markers = align(at);
  const markersEnd = align(markers + 4 * Math.ceil(count / PER_MARKER));
  const isFull = markersEnd === table || align(markersEnd + 3 * count) === table;
  return isFull && view.getUint32(markers, true) === 0 && view.getUint32(markers + 4, true) === second;
}

/** Since 6.1 a name of more than 127 tokens has a length of two bytes. */
const lengthBytes = (bytes: Uint8Array, at: number): number => (bytes[at]! < 0x80 ? 1 : 2);
const nameLength = (bytes: Uint8Array, at: number): number =>
  bytes[at]! < 0x80 ? bytes[at]! : (bytes[at]! & 0x7f) | (bytes[at + 1]! << 7);

interface Base {
  readonly offsets: number;
  readonly relative: bigint;
}

function findAddresses(view: DataView, { countAt, count }: Names, index: number): Base | null {
  const before = { offsets: countAt - 8 - align(4 * count), relative: countAt - 8 };
  const behind = align(index + 2 * TOKENS);
  const after = { offsets: behind, relative: align(behind + 4 * count) };
  for (const { offsets, relative } of [before, after]) {
    if (offsets < 0 || relative + 8 > view.byteLength) continue;
    const base = view.getBigUint64(relative, true);
    if (base >= KERNEL_HALF && base < 0xffffffffff000000n) return { offsets, relative: base };
  }
  return null;
}

function symbols(
  bytes: Uint8Array,
  view: DataView,
  names: Names,
  tokens: Tokens,
  { offsets, relative }: Base,
): KernelSymbols {
  const { count } = names;
  // With per-CPU symbols counted from 0, everything else is counted backwards: −1 − offset from the base.
  let negative = 0;
  for (let n = 0; n < count; n++) if (view.getInt32(offsets + 4 * n, true) < 0) negative++;
  const isBackwards = negative * 2 > count;
  const addresses = new BigUint64Array(count);
  for (let n = 0; n < count; n++) {
    const offset = view.getInt32(offsets + 4 * n, true);
    if (!isBackwards) addresses[n] = relative + BigInt(offset >>> 0);
    else addresses[n] = offset < 0 ? relative + BigInt(-1 - offset) : BigInt(offset);
  }
  return { addresses, ...unpackNames(bytes, view, names, tokens) };
}

function unpackNames(
  bytes: Uint8Array,
  view: DataView,
  { first, count }: Names,
  { table, index }: Tokens,
): Pick<KernelSymbols, "text" | "starts"> {
  const tokenAt = Uint32Array.from({ length: TOKENS }, (_, n) => table + view.getUint16(index + 2 * n, true));
  const tokenBytes = tokenAt.map((start) => bytes.indexOf(0, start) - start);
  const starts = new Uint32Array(count + 1);
  let size = 1;
  let at = first;
  for (let n = 0; n < count; n++) {
    starts[n] = size;
    const end = at + lengthBytes(bytes, at) + nameLength(bytes, at);
    for (at += lengthBytes(bytes, at); at < end; at++) size += tokenBytes[bytes[at]!]!;
    size++;
  }
  starts[count] = size;
  const text = new Uint8Array(size);
  at = first;
  for (let n = 0; n < count; n++) {
    let to = starts[n]!;
    const end = at + lengthBytes(bytes, at) + nameLength(bytes, at);
    for (at += lengthBytes(bytes, at); at < end; at++) {
      const token = bytes[at]!;
      const from = tokenAt[token]!;
      for (let i = 0; i < tokenBytes[token]!; i++) text[to++] = bytes[from + i]!;
    }
  }
  return { text, starts };
}
