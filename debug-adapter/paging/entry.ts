/**
 * One paging-structure entry: what its bits are, and what is wrong with it (SDM 3A tables 4-4 to 4-20).
 *
 * Invariant: an entry is absent, malformed, a page or a table exactly where the processor's walk takes it for that (`emulator/cpu/system/paging.ts`; a test compares the
 * two). Halves are 32-bit integers, since this is asked for each entry of every table.
 */
import type { EffectiveRights } from "../../media/protocol.ts";
import { PHYSICAL_BITS, type Controls, type ModeShape } from "./mode.ts";

/** Bits of an entry's low half. */
export const BIT = {
  P: 1,
  RW: 2,
  US: 4,
  PWT: 8,
  PCD: 0x10,
  A: 0x20,
  D: 0x40,
  PS: 0x80,
  G: 0x100,
  largePat: 0x1000,
} as const;
/** XD, in the high half. */
export const XD = 0x8000_0000 | 0;

/** Rights that all levels together leave. */
export const RIGHT = { write: 1, user: 2, execute: 4 } as const;
export const ALL_RIGHTS = 7;

export const KIND = { absent: 0, malformed: 1, table: 2, page: 3 } as const;

/** Bits 51 … 40 in the high half: above the processor's physical addresses. */
export const WIDE = 0x000f_ffff & ~((1 << (PHYSICAL_BITS - 32)) - 1);
/** Address bits of a large page's entry that must be zero, by height. */
const LARGE_RESERVED: readonly number[] = [0, 0, 0x001f_e000, 0x3fff_e000];
/** Page-number bits within a large page, by height. */
const LARGE_MASK: readonly number[] = [0, 0, 0x1ff, 0x3_ffff];
/** Bits of a PAE PDPTE that must be zero (SDM 3A table 4-8). */
const PDPTE_RESERVED = 0x1e6;
const PDPTE_RESERVED_HIGH = ~((1 << (PHYSICAL_BITS - 32)) - 1);

/** How the entries of one level are read, worked out once. */
export interface EntryFormat {
  readonly shape: ModeShape;
  readonly height: number;
  /** High bits that must be zero. */
  readonly highReserved: number;
  /** PAE's PDPTEs grant all rights. */
  readonly hasRights: boolean;
  /** Bit 7 makes it a page. */
  readonly mayBeLarge: boolean;
}

export function formatOf(shape: ModeShape, height: number, { nxe, pse }: Controls): EntryFormat {
  const isPae = shape.mode === "PAE";
  const isLong = shape.top > 3;
  const isPdpte = isPae && height === 3;
  return {
    shape,
    height,
    highReserved: isPdpte ? PDPTE_RESERVED_HIGH : WIDE | (nxe ? 0 : XD) | (isLong ? 0 : 0x7ff0_0000),
    hasRights: !isPdpte,
    mayBeLarge: shape.entryBytes === 4 ? height === 2 && pse : height === 2 || (height === 3 && isLong),
  };
}

export function kindOf(format: EntryFormat, lo: number, hi: number): number {
  if ((lo & BIT.P) === 0) return KIND.absent;
  const { height } = format;
  const isPage = height === 1 || (format.mayBeLarge && (lo & BIT.PS) !== 0);
  if (format.shape.entryBytes === 4)
    return isPage ? (height === 2 && (lo & 0x20_0000) !== 0 ? KIND.malformed : KIND.page) : KIND.table;
  if ((hi & format.highReserved) !== 0) return KIND.malformed;
  if (!format.hasRights) return (lo & PDPTE_RESERVED) !== 0 ? KIND.malformed : KIND.table;
  if (isPage) return height > 1 && (lo & LARGE_RESERVED[height]!) !== 0 ? KIND.malformed : KIND.page;
  return (lo & BIT.PS) !== 0 ? KIND.malformed : KIND.table;
}

/** Physical page number of the table or page that a present entry points to. Bits that the processor has no address lines for are left in. */
export function targetOf({ shape, height }: EntryFormat, lo: number, hi: number, isPage: boolean): number {
  if (shape.entryBytes === 4)
    // PSE-36: bits 20:13 of a 4 MiB page's entry are address bits 39:32.
    return isPage && height === 2 ? ((lo >>> 13) & 0xff) * 0x10_0000 + (lo >>> 22) * 0x400 : lo >>> 12;
  const page = (hi & 0x000f_ffff) * 0x10_0000 + (lo >>> 12);
  return isPage && height > 1 ? page - ((lo >>> 12) & LARGE_MASK[height]!) : page;
}

/** Rights that are left below an entry. */
export function rightsOf(format: EntryFormat, lo: number, hi: number): number {
  if (!format.hasRights) return ALL_RIGHTS;
  return (
    ((lo & BIT.RW) !== 0 ? RIGHT.write : 0) |
    ((lo & BIT.US) !== 0 ? RIGHT.user : 0) |
    (hi >>> 31 !== 0 && format.shape.entryBytes === 8 ? 0 : RIGHT.execute)
  );
}

/** Index in the PAT that a page's entry selects. */
export function patIndex(height: number, lo: number): number {
  const pat = height === 1 ? lo & BIT.PS : lo & BIT.largePat;
  return (pat !== 0 ? 4 : 0) | ((lo & BIT.PCD) !== 0 ? 2 : 0) | ((lo & BIT.PWT) !== 0 ? 1 : 0);
}

/** What rights amount to for each privilege. */
export function effective(rights: number, { wp, smep, smap, ac }: Controls): EffectiveRights {
  const mayWrite = (rights & RIGHT.write) !== 0;
  const isUser = (rights & RIGHT.user) !== 0;
  const mayExecute = (rights & RIGHT.execute) !== 0;
  const text = (read: boolean, write: boolean, execute: boolean): string =>
    `${read ? "r" : "-"}${write ? "w" : "-"}${execute ? "x" : "-"}`;
  const data = !isUser || !smap || ac;
  return {
    user: text(isUser, isUser && mayWrite, isUser && mayExecute),
    supervisor: text(data, data && (mayWrite || !wp), mayExecute && !(isUser && smep)),
  };
}

/** Bits of a present entry by the manual's names. What software owns is "AVL 0x…". */
export function flagNames(format: EntryFormat, lo: number, hi: number, isPage: boolean): string[] {
  if ((lo & BIT.P) === 0) return [];
  const { height, hasRights, shape } = format;
  const names = ["P"];
  const add = (isSet: boolean, name: string): void => {
    if (isSet) names.push(name);
  };
  add(hasRights && (lo & BIT.RW) !== 0, "R/W");
  add(hasRights && (lo & BIT.US) !== 0, "U/S");
  add((lo & BIT.PWT) !== 0, "PWT");
  add((lo & BIT.PCD) !== 0, "PCD");
  add(hasRights && (lo & BIT.A) !== 0, "A");
  add(isPage && (lo & BIT.D) !== 0, "D");
  add(height > 1 && hasRights && (lo & BIT.PS) !== 0, "PS");
  add(isPage && (height === 1 ? (lo & BIT.PS) !== 0 : (lo & BIT.largePat) !== 0), "PAT");
  add(isPage && (lo & BIT.G) !== 0, "G");
  add(shape.entryBytes === 8 && hi >>> 31 !== 0, "XD");
  // Bits 11:9 always, 62:52 of 8-byte entries in long mode; of a table's entry bit 6 and 8, too.
  const low = ((lo >>> 9) & 7) << 9;
  const other = isPage || !hasRights ? 0 : lo & (BIT.D | BIT.G);
  const high = shape.top > 3 ? (hi & 0x7ff0_0000) >>> 20 : 0;
  const owned = (BigInt(high) << 52n) | BigInt(low | other);
  if (owned !== 0n) names.push(`AVL 0x${owned.toString(16)}`);
  return names;
}

export const valueOf = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** Names of reserved bits that are set in a malformed entry, as "51:40" or "bit 7". */
export function reservedBits(format: EntryFormat, lo: number, hi: number): string {
  const { height, shape } = format;
  const isPage = height === 1 || (format.mayBeLarge && (lo & BIT.PS) !== 0);
  let low = 0;
  if (shape.entryBytes === 4) low = isPage && height === 2 ? lo & 0x20_0000 : 0;
  else if (!format.hasRights) low = lo & PDPTE_RESERVED;
  else if (isPage) low = height > 1 ? lo & LARGE_RESERVED[height]! : 0;
  else low = lo & BIT.PS;
  const high = shape.entryBytes === 8 ? hi & format.highReserved : 0;
  const bits = valueOf(low, high);
  const found: number[] = [];
  for (let bit = 0; bit < 64; bit++) if (((bits >> BigInt(bit)) & 1n) !== 0n) found.push(bit);
  return found.length === 1 ? `bit ${found[0]!}` : `bits ${found.toReversed().join(", ")}`;
}
