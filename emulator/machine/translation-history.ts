/**
 * What it takes for a cached translation to be wrong: which changes of an entry count, and which write is to blame.
 *
 * Elsewhere: who asks (`table-watch.ts`).
 */
import { TLB_FLAG } from "../cpu/layout.ts";
import type { TableWrite, TlbSlot } from "../cpu/stale.ts";
import { ENTRY, type PageWalk, type WalkStep } from "../cpu/system/paging.ts";
import { PAGE_BYTES } from "../numbers.ts";

/** Rights that accesses through each TLB need. */
const RIGHTS = {
  data: TLB_FLAG.writable | TLB_FLAG.user,
  instruction: TLB_FLAG.executable | TLB_FLAG.user,
} as const;
export const LEVEL_OF = { PTE: 1, PDE: 2, PDPTE: 3, PML4E: 4, PML5E: 5 } as const;

/** Whether every access that a translation with the rights `cached` allows is allowed by `rights`, too. */
export function grants(rights: number, cached: number, kind: TlbSlot["kind"]): boolean {
  return (cached & ~rights & RIGHTS[kind]) === 0 && ((cached ^ rights) & TLB_FLAG.user) === 0;
}

/**
 * Whether a change of an entry is one that translations made of it must not survive. Its accessed, dirty, global, caching and ignored bits are not looked at.
 */
export function saysElse(before: bigint, after: bigint, level: number, entryBytes: 4 | 8): boolean {
  const low = Number(before & 0xffffffffn);
  if ((low & ENTRY.P) === 0) return false;
  const isLarge = (low & ENTRY.PS) !== 0 && (level === 2 || level === 3);
  const flags = ENTRY.P | ENTRY.RW | ENTRY.US | (level === 2 || level === 3 ? ENTRY.PS : 0);
  // Bit 12 of a large page is PAT.
  const address = isLarge ? 0xfffffffffe000n : 0xffffffffff000n;
  const mask =
    entryBytes === 4 ? (address & 0xffffffffn) | BigInt(flags) : address | BigInt(flags) | (1n << 63n);
  return ((before ^ after) & mask) !== 0n;
}

const isSame = (a: WalkStep, b: WalkStep): boolean =>
  a.address === b.address &&
  !saysElse(a.value, b.value, LEVEL_OF[a.level], a.size) &&
  ((a.value ^ b.value) & 1n) === 0n;

/** Whether a walk came by the entry that was written. */
export const isOnPath = ({ steps }: PageWalk, { address }: TableWrite): boolean =>
  steps.some((step) => step.address === address);

/**
 * The walk that the TLB remembers, as far as recorded writes can tell, and the writes of the first entry that is not what it was: of those that have not been told
 * if they explain it, else of all.
 */
export function history(
  writes: readonly TableWrite[],
  told: readonly TableWrite[],
  page: number,
  now: PageWalk,
  walk: (past: ReadonlyMap<number, bigint>) => PageWalk,
): { readonly was: PageWalk | null; readonly changes: readonly TableWrite[] } {
  const fresh = writes.filter((write) => !told.includes(write));
  for (const some of fresh.length < writes.length ? [fresh, writes] : [writes]) {
    const past = new Map<number, bigint>();
    for (const { address, before } of some) if (!past.has(address)) past.set(address, before);
    const was = walk(past);
    if (some.length === 0 || was.physical === null || Math.floor(was.physical / PAGE_BYTES) !== page)
      continue;
    const culprit = was.steps.find((step, n) => now.steps[n] === undefined || !isSame(step, now.steps[n]));
    const changes = some.filter(({ address }) => address === culprit?.address);
    if (changes.length > 0) return { was, changes };
  }
  const onPath = writes.filter((write) => isOnPath(now, write));
  return { was: null, changes: onPath.length > 0 ? onPath : writes };
}
