/**
 * What the guest's page tables map, page by page, in the order of linear addresses: for `info mem`, `info tlb` and panels.
 *
 * Invariant: reads memory only; never sets accessed or dirty bits and never consults the TLB.
 * Elsewhere: the walk for one address is the processor's own (`explainWalk` of the emulator).
 */
import { pagingMode, STATE, type Core, type LevelName } from "../../emulator/index.ts";
import type { GuestSpace } from "./space.ts";

/** Bits of a paging-structure entry (SDM 3A table 4-20). */
export const ENTRY = {
  present: 1n,
  writable: 2n,
  user: 4n,
  writeThrough: 8n,
  cacheDisable: 16n,
  accessed: 32n,
  dirty: 64n,
  large: 128n,
  global: 256n,
  noExecute: 1n << 63n,
} as const;

/** Bits 51:12 of an 8-byte entry. */
export const ADDRESS_BITS = 0x000f_ffff_ffff_f000n;

/** A page that is mapped. */
export interface Leaf {
  /** Canonical linear address of the page. */
  readonly linear: bigint;
  readonly level: LevelName;
  readonly entry: bigint;
  readonly pageBytes: number;
  readonly physical: number;
  /** Rights of all levels together. */
  readonly writable: boolean;
  readonly user: boolean;
}

interface Level {
  readonly name: LevelName;
  readonly shift: bigint;
  readonly entries: number;
}
const level = (name: LevelName, shift: number, entries = 512): Level => ({
  name,
  shift: BigInt(shift),
  entries,
});
const LEVELS: Record<"32-bit" | "PAE" | "4-level" | "5-level", readonly Level[]> = {
  "32-bit": [level("PDE", 22, 1024), level("PTE", 12, 1024)],
  PAE: [level("PDPTE", 30, 4), level("PDE", 21), level("PTE", 12)],
  "4-level": [level("PML4E", 39), level("PDPTE", 30), level("PDE", 21), level("PTE", 12)],
  "5-level": [level("PML5E", 48), level("PML4E", 39), level("PDPTE", 30), level("PDE", 21), level("PTE", 12)],
};

/** Visits every mapped page. Recursive mappings can make this long: `visit` returns false to stop. */
export function visitLeaves(space: GuestSpace, visit: (leaf: Leaf) => boolean): void {
  const { core } = space;
  const paging = pagingMode(core);
  if (paging === "off") return;
  const levels = LEVELS[paging];
  const entryBytes = paging === "32-bit" ? 4 : 8;
  const addressBits = entryBytes === 4 ? 0xffff_f000n : ADDRESS_BITS;
  const signBit = paging === "5-level" ? 57 : paging === "4-level" ? 48 : 64;
  const descend = (
    table: number,
    depth: number,
    linear: bigint,
    writable: boolean,
    user: boolean,
  ): boolean => {
    const current = levels[depth]!;
    const bytes = space.readTable(table, current.entries * entryBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < current.entries; index++) {
      const entry =
        entryBytes === 4 ? BigInt(view.getUint32(index * 4, true)) : view.getBigUint64(index * 8, true);
      if ((entry & ENTRY.present) === 0n) continue;
      const address = BigInt.asUintN(64, BigInt.asIntN(signBit, linear | (BigInt(index) << current.shift)));
      // The PDPTEs of PAE paging have no rights.
      const hasRights = !(paging === "PAE" && current.name === "PDPTE");
      const mayWrite = writable && (!hasRights || (entry & ENTRY.writable) !== 0n);
      const mayUser = user && (!hasRights || (entry & ENTRY.user) !== 0n);
      if (depth === levels.length - 1 || isLarge(core, paging, current.name, entry)) {
        const pageBytes = Number(1n << current.shift);
        const physical = pageBase(paging, current.name, entry, pageBytes);
        const leaf = {
          linear: address,
          level: current.name,
          entry,
          pageBytes,
          physical,
          writable: mayWrite,
          user: mayUser,
        };
        if (!visit(leaf)) return false;
      } else if (!descend(Number(entry & addressBits), depth + 1, address, mayWrite, mayUser)) {
        return false;
      }
    }
    return true;
  };
  const cr3 = core.quad(STATE.cr3);
  descend(Number(paging === "PAE" ? cr3 & 0xffff_ffe0n : cr3 & addressBits), 0, 0n, true, true);
}

function isLarge(core: Core, paging: keyof typeof LEVELS, name: LevelName, entry: bigint): boolean {
  if ((entry & ENTRY.large) === 0n) return false;
  if (name === "PDE") return paging !== "32-bit" || (core.cr4 & 0x10) !== 0;
  return name === "PDPTE" && paging !== "PAE";
}

function pageBase(paging: keyof typeof LEVELS, name: LevelName, entry: bigint, pageBytes: number): number {
  if (paging !== "32-bit") return Number(entry & ADDRESS_BITS & ~(BigInt(pageBytes) - 1n));
  if (name === "PTE") return Number(entry & 0xffff_f000n);
  // PSE-36: bits 20:13 of a 4 MiB page's entry are address bits 39:32.
  return Number((entry & 0xffc0_0000n) | (((entry >> 13n) & 0xffn) << 32n));
}
