/**
 * Translations under suspicion: entries of the TLBs whose tables have changed since they were filled, while somebody wants to hear of their next use.
 *
 * Invariant: nothing of the translation changes, only that no tag matches it: the next access comes to TypeScript and finds it (`tryLookup`, `lookupCode`), where
 * `Core.tableHook` is told. Without suspicion it is as fast as before.
 * Elsewhere: who suspects and who decides (`machine/table-watch.ts`), how emitted code leaves suspects alone (`mmu/refill.ts`).
 */
import type { Core } from "../core.ts";
import { FILLED, ITLB, RUN, SUSPICION, TLB, TLB_FLAG } from "../layout.ts";
import type { TlbSlot } from "../stale.ts";
import { clearTags, codeAt, dataAt, forgetCodePage, sweep, trusted } from "./tlb.ts";

const EMPTY = 0xffffffff;

/** The bits of a linear address that choose an entry in a table of a level. */
export function tableIndex(lo: number, hi: number, level: number, entryBytes: 4 | 8): number {
  if (entryBytes === 4) return level === 1 ? (lo >>> 12) & 0x3ff : lo >>> 22;
  if (level === 1) return (lo >>> 12) & 0x1ff;
  if (level === 2) return (lo >>> 21) & 0x1ff;
  if (level === 3) return ((hi & 0x7f) << 2) | (lo >>> 30);
  return level === 4 ? (hi >>> 7) & 0x1ff : (hi >>> 16) & 0x1ff;
}

/**
 * Puts the cached translations under suspicion that may have come through entry `index` of a table of `level`, and visits each: their next use is told to
 * `Core.tableHook`. True if the code page in use is among them: the fetch after this instruction has to be looked up.
 */
export function suspectEntry(
  core: Core,
  level: number,
  index: number,
  entryBytes: 4 | 8,
  each: (slot: TlbSlot) => void,
): boolean {
  // Nine bits of a page's number are those of its entry, whatever the tables' form.
  const only =
    level === 1 ? Array.from({ length: TLB.entries / 512 }, (_, n) => n * 512 + (index & 511)) : null;
  return suspectWhere(core, only, (lo, hi) => tableIndex(lo, hi, level, entryBytes) === index, each);
}

/**
 * The same for those that `wanted` says. `slots`: no other slots of the data TLB can be meant, and of the instruction TLB only those with such a number modulo
 * its size; null: any.
 */
export function suspectWhere(
  core: Core,
  slots: readonly number[] | null,
  wanted: (lo: number, hi: number, flags: number, pcid: number) => boolean,
  each: (slot: TlbSlot) => void,
): boolean {
  const u32 = core.u32;
  let isRunning = false;
  const data = (index: number): void => {
    const at = dataAt(index);
    const flags = u32[at + 9]!;
    if (flags === 0 || !wanted(u32[at + 10]!, u32[at + 11]!, flags, u32[at + 14]!)) return;
    clearTags(u32, at);
    u32[at + 9] = (flags & ~TLB_FLAG.readable) | TLB_FLAG.suspect;
    each({ kind: "data", index });
  };
  const code = (index: number): void => {
    const at = codeAt(index);
    const flags = u32[at + 6]!;
    if (flags === 0) return;
    const tag = codeTag(u32, at);
    const lo = (u32[tag]! & ~1) >>> 0;
    const hi = u32[tag + 1]!;
    if (!wanted(lo, hi, flags, u32[at + 7]!)) return;
    for (const n of [at, at + 2]) if (trusted(u32[n]!, u32[n + 1]!) !== EMPTY) u32[n]! |= 1;
    u32[at + 6] = flags | TLB_FLAG.suspect;
    if (core.word(RUN.codePage) === lo && core.word(RUN.codePage + 4) === hi) {
      forgetCodePage(core);
      isRunning = true;
    }
    each({ kind: "instruction", index });
  };
  if (slots === null) {
    const visit =
      (look: (index: number) => void) =>
      (index: number): boolean => {
        look(index);
        return false;
      };
    sweep(u32, FILLED.data, TLB.entries, visit(data));
    sweep(u32, FILLED.code, ITLB.entries, visit(code));
  } else {
    for (const slot of slots) data(slot);
    for (const slot of new Set(slots.map((slot) => slot & (ITLB.entries - 1)))) code(slot);
  }
  return isRunning;
}

/** Whether some global page is cached whose address `wanted` accepts. Asked at every write of CR3: one plain loop. */
export function hasGlobal(core: Core, wanted: (lo: number, hi: number) => boolean): boolean {
  const { u32 } = core;
  for (let index = 0; index < TLB.entries; index++) {
    const at = dataAt(index);
    if ((u32[at + 9]! & TLB_FLAG.global) !== 0 && wanted(u32[at + 10]!, u32[at + 11]!)) return true;
  }
  for (let index = 0; index < ITLB.entries; index++) {
    const at = codeAt(index);
    if ((u32[at + 6]! & TLB_FLAG.global) === 0) continue;
    const tag = codeTag(u32, at);
    if (wanted((u32[tag]! & ~1) >>> 0, u32[tag + 1]!)) return true;
  }
  return false;
}

/** What a slot has. */
export interface SlotEntry {
  /** Guest-physical page number. */
  readonly page: number;
  /** TLB_FLAG bits. */
  readonly flags: number;
  readonly pcid: number;
  /** Linear page address. */
  readonly lo: number;
  readonly hi: number;
}

export function slotEntry(core: Core, { kind, index }: TlbSlot): SlotEntry {
  const { u32 } = core;
  if (kind === "data") {
    const at = dataAt(index);
    const flags = u32[at + 9]! & ~SUSPICION;
    return { page: u32[at + 12]!, flags, pcid: u32[at + 14]!, lo: u32[at + 10]!, hi: u32[at + 11]! };
  }
  const at = codeAt(index);
  const tag = codeTag(u32, at);
  const page = u32[at + 5]! * 0x100000000 + u32[at + 4]!;
  const flags = u32[at + 6]! & ~SUSPICION;
  return { page, flags, pcid: u32[at + 7]!, lo: (u32[tag]! & ~1) >>> 0, hi: u32[tag + 1]! };
}

/** Index of the words of an instruction entry that have its page: one of its tags, or both. */
const codeTag = (u32: Uint32Array, at: number): number =>
  u32[at] === EMPTY && u32[at + 1] === EMPTY ? at + 2 : at;

/** The translation in a slot is under suspicion no more. */
export function trust(core: Core, { kind, index }: TlbSlot): void {
  const { u32 } = core;
  if (kind === "data") {
    u32[dataAt(index) + 9]! &= ~TLB_FLAG.suspect;
    return;
  }
  const at = codeAt(index);
  if ((u32[at + 6]! & TLB_FLAG.suspect) === 0) return;
  u32[at + 6]! &= ~TLB_FLAG.suspect;
  for (const n of [at, at + 2]) u32[n] = trusted(u32[n]!, u32[n + 1]!);
}

/** Reads through the translation in a slot of the data TLB are as they should be: only writes are under suspicion. */
export function trustReads(core: Core, { index }: TlbSlot): void {
  core.u32[dataAt(index) + 9]! |= TLB_FLAG.readable;
}

/** Nobody suspects anything any more. */
export function trustAll(core: Core): void {
  for (let index = 0; index < TLB.entries; index++) trust(core, { kind: "data", index });
  for (let index = 0; index < ITLB.entries; index++) trust(core, { kind: "instruction", index });
}
