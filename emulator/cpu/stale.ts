/**
 * What the stale-TLB detector says and is told: writes of paging-structure entries, and accesses through translations that memory no longer says.
 *
 * A processor may go on using what it has cached of an entry until software invalidates it (SDM 3A 4.10.4): a changed entry without INVLPG, a write of CR3 or, on
 * another processor, a shootdown is no change yet. Accessed and dirty bits are the processor's, and entries that were not present are never cached.
 * Elsewhere: the detector (`machine/table-watch.ts`), which translations an entry belongs to (`system/tlb.ts`).
 */
import type { Instant, LinearAddress, PhysicalAddress } from "../numbers.ts";
import type { Core } from "./core.ts";
import type { Access, By, PageWalk } from "./system/paging.ts";

/** A write that changed an entry of a table. */
export interface TableWrite {
  /** Of the entry. */
  readonly address: PhysicalAddress;
  /** "instruction": the one at `rip`. "other": DMA, the debugger, or a loader, when this instruction was under way or next. */
  readonly by: "instruction" | "other";
  readonly cpu: number;
  readonly rip: bigint;
  readonly instant: Instant;
  readonly before: bigint;
  /** Of "other" the value is not known yet when the write is told: null. */
  readonly after: bigint | null;
}

/** CR3 was written, and a translation that stayed (a global page, or one of a PCID that is used again) is not what the new tables say. */
export interface RootChange {
  readonly cpu: number;
  readonly rip: bigint;
  readonly instant: Instant;
  readonly before: bigint;
  readonly after: bigint;
}

/** An access that went through a stale translation. */
export interface StaleUse {
  readonly linear: LinearAddress;
  readonly access: "read" | "write" | "fetch";
  readonly isUser: boolean;
  /** The access that used it was made by this CPU; `changes` may be another's. */
  readonly cpu: number;
  readonly instant: Instant;
  /** What the TLB has: the page that the access went to, and TLB_FLAG bits. */
  readonly cached: { readonly page: PhysicalAddress; readonly flags: number; readonly pcid: number };
  /** What memory says: the walk of the same access. */
  readonly now: PageWalk;
  /** The walk as it was when the TLB remembered it, put together from what was recorded; null if that does not lead to where the TLB goes. */
  readonly was: PageWalk | null;
  /** Changes of the entry at fault since the translation was cached, oldest first. Empty: made before the detector was on, or through CR3. */
  readonly changes: readonly TableWrite[];
  readonly root: RootChange | null;
}

/** Which entry of the TLBs an access found: `index` in the data TLB or in the instruction TLB. */
export interface TlbSlot {
  readonly kind: "data" | "instruction";
  readonly index: number;
}

/** What the processor tells of tables and of translations under suspicion. Absent (`Core.tableHook` is null), nothing of it costs anything. */
export interface TableHook {
  /** PAGE_CACHE.table bits of a guest-physical page: levels at which it is known to be a table. */
  levels(page: number): number;
  /** A walk came to a table, by the entry at `parent` (−1: from CR3). Entries have 4 or 8 bytes. */
  walked(page: number, level: number, entryBytes: 4 | 8, parent: number): void;
  /** Host address through which a walk sets accessed and dirty bits in a known table, or 0. */
  frameForMarking(page: number): number;
  /** The same, for a table that also holds code: `write` sets the bits. */
  marking(write: () => void): void;
  /** An instruction stores bytes to one page of memory that cannot be written directly. True: it is a known table, and the store is done. */
  store(core: Core, address: PhysicalAddress, bytes: Uint8Array): boolean;
  /** A translation under suspicion is used. */
  used(core: Core, slot: TlbSlot, lo: number, hi: number, access: Access, by: By): void;
  /** CR3 has been written, and what that flushes is flushed. `kept`: nothing of the new PCID was. */
  rootChanged(core: Core, before: bigint, after: bigint, kept: boolean): void;
}
