/**
 * The translation look-aside buffers, drawn in `layout.ts`.
 *
 * Invariant: page, frame number, rights and PCID of an entry are architectural state: they are filled in program order, the same whichever engine
 * runs, and saved. The data tags and host addresses are caches of them that `dropTags` may forget at any time: a miss on a tag first looks
 * at the canonical part. In the instruction TLB the tags themselves are canonical, as it holds no host address.
 * Elsewhere: walks and rights (`paging.ts`); emitted code fills entries by itself, in the same way (`mmu/refill.ts`).
 */
import { physical } from "../../numbers.ts";
import type { LinearAddress, PhysicalAddress } from "../../numbers.ts";
import { linear } from "../../numbers.ts";
import type { Voided } from "../../memory/guest-memory.ts";
import type { Core } from "../core.ts";
import { CR0, CR4, FLAG } from "../registers.ts";
import { FILLED, ITLB, RUN, SUSPICION, STATE, TLB, TLB_FLAG } from "../layout.ts";
import { ACCESS, BY, forbids, pageFault, tryWalk, walk } from "./paging.ts";
import type { By } from "./paging.ts";

const DATA_WORDS = TLB.entryBytes >>> 2;
const CODE_WORDS = ITLB.entryBytes >>> 2;
const EMPTY = 0xffffffff;

/** The process-context identifier in use: 0 unless CR4.PCIDE is set. */
export function currentPcid(core: Core): number {
  return (core.cr4 & CR4.PCIDE) !== 0 ? core.word(STATE.cr3) & 0xfff : 0;
}

/** Index in `core.u32` of the data entry an address belongs to. */
const dataEntry = (lo: number): number => (TLB.base >>> 2) + ((lo >>> 12) & (TLB.entries - 1)) * DATA_WORDS;
const codeEntry = (lo: number): number => (ITLB.base >>> 2) + ((lo >>> 12) & (ITLB.entries - 1)) * CODE_WORDS;

export const dataAt = (index: number): number => (TLB.base >>> 2) + index * DATA_WORDS;
export const codeAt = (index: number): number => (ITLB.base >>> 2) + index * CODE_WORDS;
const dataIndex = (at: number): number => (at - (TLB.base >>> 2)) / DATA_WORDS;
const codeIndex = (at: number): number => (at - (ITLB.base >>> 2)) / CODE_WORDS;

/** Sets bit `index` of a bitmap of FILLED. */
function mark(u32: Uint32Array, bitmap: number, index: number): void {
  u32[(bitmap >>> 2) + (index >>> 5)]! |= 1 << (index & 31);
}

function listData(u32: Uint32Array, at: number): void {
  mark(u32, FILLED.data, dataIndex(at));
  if ((u32[at + 9]! & TLB_FLAG.global) === 0) mark(u32, FILLED.localData, dataIndex(at));
}
function listCode(u32: Uint32Array, at: number): void {
  mark(u32, FILLED.code, codeIndex(at));
  if ((u32[at + 6]! & TLB_FLAG.global) === 0) mark(u32, FILLED.localCode, codeIndex(at));
}

/** The bit of RUN.largePages for an address. */
const bitOfGiB = (lo: number, hi: number): number => 1 << ((hi << 2) | (lo >>> 30));

/** Notes in which GiB an entry with such rights is a piece of a large page. */
function markLarge(u32: Uint32Array, flags: number, lo: number, hi: number): void {
  if ((flags & TLB_FLAG.large) !== 0) u32[RUN.largePages >>> 2]! |= bitOfGiB(lo, hi);
}

/** Visits what is listed in a bitmap of FILLED; what `gone` says is taken off the list. */
export function sweep(
  u32: Uint32Array,
  bitmap: number,
  entries: number,
  gone: (index: number) => boolean,
): void {
  for (let word = 0; word < entries >>> 5; word++) {
    const at = (bitmap >>> 2) + word;
    for (let left = u32[at]!, kept = left; left !== 0; u32[at] = kept) {
      const bit = left & -left;
      left ^= bit;
      if (gone(word * 32 + 31 - Math.clz32(bit))) kept ^= bit;
    }
  }
}

/**
 * The data entry (byte offset in linear memory) that allows this access: the cached one, else what a new walk gives (also when the cached one forbids
 * it, as hardware does). Throws #PF.
 */
export function lookup(core: Core, lo: number, hi: number, write: boolean, by: By): number {
  const entry = tryLookup(core, lo, hi, write, by);
  if (entry < 0) throw pageFault(core, lo, hi, entry);
  return entry;
}

/** The same, but a fault is a negative result: `pageFault` makes a Fault of it. */
export function tryLookup(core: Core, lo: number, hi: number, write: boolean, by: By): number {
  const u32 = core.u32;
  const at = dataEntry(lo);
  const flags = u32[at + 9]!;
  const access = write ? ACCESS.write : ACCESS.read;
  if (
    flags !== 0 &&
    u32[at + 10] === (lo & 0xfffff000) >>> 0 &&
    u32[at + 11] === hi &&
    ((flags & TLB_FLAG.global) !== 0 || u32[at + 14] === currentPcid(core)) &&
    (!write || (flags & TLB_FLAG.dirty) !== 0) &&
    forbids(core, flags, access, by) === null
  ) {
    if ((flags & TLB_FLAG.suspect) !== 0)
      core.tableHook?.used(core, { kind: "data", index: dataIndex(at) }, lo, hi, access, by);
    return at * 4;
  }
  const result = tryWalk(core, lo, hi, access, by);
  if (result < 0) return result;
  const words = core.u32;
  clearTags(words, at);
  words[at + 9] = result & 0xff;
  words[at + 10] = lo & 0xfffff000;
  words[at + 11] = hi;
  words[at + 14] = currentPcid(core);
  words[at + 12] = Math.floor(result / 256);
  markLarge(words, result, lo, hi);
  listData(words, at);
  return at * 4;
}

export function clearTags(u32: Uint32Array, at: number): void {
  for (let n = 0; n < 8; n++) u32[at + n] = EMPTY;
}

/**
 * Lets emitted code go straight to the frame: writes the tags that the entry's rights allow. Watched pages have none. `frame` is the host address of
 * the page's frame; the zero frame that untouched pages share is only read, and the first write to such a page drops its tags.
 */
export function writeTags(core: Core, entry: number, frame: number, writableFrame: boolean): void {
  const u32 = core.u32;
  const at = entry >>> 2;
  if (isWatched(core, u32[at + 10]!, u32[at + 11]!, u32[at + 12]!)) return;
  const flags = u32[at + 9]!;
  const isSuspect = (flags & TLB_FLAG.suspect) !== 0;
  if (isSuspect && (flags & TLB_FLAG.readable) === 0) return;
  const addend = (frame - u32[at + 10]!) >>> 0;
  if (u32[at + 8] !== addend) clearTags(u32, at);
  u32[at + 8] = addend;
  core.setWord(RUN.tagged, 1);
  const user = (flags & TLB_FLAG.user) !== 0;
  const writable = writableFrame && !isSuspect && (flags & TLB_FLAG.dirty) !== 0;
  const set = (tag: number): void => {
    u32[at + tag] = u32[at + 10]!;
    u32[at + tag + 1] = u32[at + 11]!;
  };
  // Under SMAP a user page gets supervisor tags only while EFLAGS.AC lets supervisors in; `closeUserPages` takes them away.
  const guarded = user && (core.cr4 & CR4.SMAP) !== 0;
  if (!guarded || core.systemFlag(FLAG.AC)) {
    if (guarded) {
      mark(u32, FILLED.opened, dataIndex(at));
      core.setWord(RUN.opened, 1);
    }
    set(TLB.readSystem >>> 2);
    if (writable && ((flags & TLB_FLAG.writable) !== 0 || (core.cr0 & CR0.WP) === 0)) set(TLB.writeSystem >>> 2);
  }
  if (user && !core.alignmentChecked) {
    set(TLB.readUser >>> 2);
    if (writable && (flags & TLB_FLAG.writable) !== 0) set(TLB.writeUser >>> 2);
  }
} // oxfmt-ignore

/** Whether a page must not be accessed behind our back: the debugger watches it, or one of the guest's data breakpoints lies in it. */
export function isWatched(core: Core, lo: number, hi: number, page: number): boolean {
  const { u32 } = core;
  const linearFilter = u32[RUN.watchedLinear >>> 2]! | u32[(RUN.watchedLinear + 4) >>> 2]!;
  if ((linearFilter | u32[RUN.watchedPhysical >>> 2]! | u32[(RUN.watchedPhysical + 4) >>> 2]!) === 0)
    return false;
  if (core.watchedLinearPages.size > 0 && core.watchedLinearPages.has((BigInt(hi) << 32n) | BigInt(lo)))
    return true;
  if (core.watchedPhysicalPages.size > 0 && core.watchedPhysicalPages.has(page)) return true;
  if (isStackPage(core, lo, hi)) return true;
  return (core.word(STATE.dr + 7 * 8) & 0xff) !== 0 && breakpointInPage(core, lo, hi);
}

/** Whether the red-zone detector watches a linear page. */
export function isStackPage(core: Core, lo: number, hi: number): boolean {
  const [first, last] = core.stackPages;
  if (first < 0n) return false;
  const page = (BigInt(hi) << 32n) | BigInt(lo);
  return page === first || page === last;
}

function breakpointInPage(core: Core, lo: number, hi: number): boolean {
  const dr7 = core.word(STATE.dr + 7 * 8);
  for (let n = 0; n < 4; n++) {
    const kind = (dr7 >>> (16 + n * 4)) & 3;
    if (((dr7 >>> (n * 2)) & 3) === 0 || kind === 0 || kind === 2) continue;
    const at = STATE.dr + n * 8;
    if ((core.word(at) & 0xfffff000) >>> 0 === lo && core.word(at + 4) === hi) return true;
  }
  return false;
}

/** What is watched has changed: no tag may let accesses pass by, and the MMU learns which pages to ask about. */
export function watchesChanged(core: Core): void {
  setWatchFilters(core);
  dropTags(core);
}

/** The same for the pages of `Core.watchStack`, which come and go with interrupts: only their own tags go. */
export function stackWatchChanged(core: Core): void {
  setWatchFilters(core);
  const { u32 } = core;
  for (const page of core.stackPages) {
    if (page < 0n) continue;
    const lo = Number(page & 0xffffffffn);
    const at = dataEntry(lo);
    if (u32[at + 10] === lo && u32[at + 11] === Number(page >> 32n)) clearTags(u32, at);
  }
}

function setWatchFilters(core: Core): void {
  let linearFilter = 0n;
  let physicalFilter = 0n;
  for (const page of core.watchedLinearPages) linearFilter |= 1n << ((page >> 12n) & 63n);
  for (const page of core.watchedPhysicalPages) physicalFilter |= 1n << BigInt(page % 64);
  for (const page of core.stackPages) if (page >= 0n) linearFilter |= 1n << ((page >> 12n) & 63n);
  const dr7 = core.word(STATE.dr + 7 * 8);
  for (let n = 0; n < 4; n++)
    if (((dr7 >>> (n * 2)) & 3) !== 0) linearFilter |= 1n << ((core.dr(n) >> 12n) & 63n);
  core.setQuad(RUN.watchedLinear, linearFilter);
  core.setQuad(RUN.watchedPhysical, physicalFilter);
}

/** EFLAGS.AC was cleared: supervisors may not reach user pages any more. */
export function closeUserPages(core: Core): void {
  const u32 = core.u32;
  sweep(u32, FILLED.opened, TLB.entries, (index) => {
    clearSystemTags(u32, dataAt(index));
    return true;
  });
  core.setWord(RUN.opened, 0);
}

function clearSystemTags(u32: Uint32Array, at: number): void {
  for (const tag of [TLB.readSystem >>> 2, TLB.writeSystem >>> 2]) u32[at + tag] = u32[at + tag + 1] = EMPTY;
}
function clearWriteTags(u32: Uint32Array, at: number): void {
  for (const tag of [TLB.writeSystem >>> 2, TLB.writeUser >>> 2]) u32[at + tag] = u32[at + tag + 1] = EMPTY;
}

/** Forgets the data tags: host addresses changed, or what may be reached without a look did. The TLB itself stays. */
export function dropTags(core: Core): void {
  if (core.word(RUN.tagged) === 0) return;
  core.setWord(RUN.tagged, 0);
  const u32 = core.u32;
  sweep(u32, FILLED.data, TLB.entries, (index) => {
    clearTags(u32, dataAt(index));
    return false;
  });
}

/** Forgets the write tags of all pages: an epoch began. */
export function dropWriteTags(core: Core): void {
  if (core.word(RUN.tagged) === 0) return;
  const u32 = core.u32;
  sweep(u32, FILLED.data, TLB.entries, (index) => {
    clearWriteTags(u32, dataAt(index));
    return false;
  });
}

/** Forgets the tags of one guest-physical page: it got another frame ("all"), or holds code from now on ("writes"). */
export function dropPageTags(core: Core, page: number, which: Voided): void {
  if (core.word(RUN.tagged) === 0) return;
  const u32 = core.u32;
  // All entries, listed or not: a guest that clears memory it has read comes here once per page, and this is the fastest loop there is.
  for (let at = dataAt(0); at < dataAt(TLB.entries); at += DATA_WORDS) {
    if (u32[at + 12] !== page) continue;
    if (which === "all") clearTags(u32, at);
    else clearWriteTags(u32, at);
  }
}

function emptyData(u32: Uint32Array, at: number): void {
  clearTags(u32, at);
  u32[at + 9] = 0;
}
function emptyCode(u32: Uint32Array, at: number): void {
  for (let n = 0; n < 4; n++) u32[at + n] = EMPTY;
  u32[at + 6] = 0;
}

/** Makes the next fetch go through the instruction TLB. */
export function forgetCodePage(core: Core): void {
  core.setWord(RUN.codePage, EMPTY);
  core.setWord(RUN.codePage + 4, EMPTY);
}

/** Drops the entries of one PCID, or (−1) of all, but no global pages. */
function flush(core: Core, pcid: number): void {
  const u32 = core.u32;
  sweep(u32, FILLED.localData, TLB.entries, (index) => {
    const at = dataAt(index);
    if ((u32[at + 9]! & TLB_FLAG.global) !== 0) return true;
    if (pcid >= 0 && u32[at + 9] !== 0 && u32[at + 14] !== pcid) return false;
    emptyData(u32, at);
    return true;
  });
  sweep(u32, FILLED.localCode, ITLB.entries, (index) => {
    const at = codeAt(index);
    if ((u32[at + 6]! & TLB_FLAG.global) !== 0) return true;
    if (pcid >= 0 && u32[at + 6] !== 0 && u32[at + 7] !== pcid) return false;
    emptyCode(u32, at);
    return true;
  });
  forgetCodePage(core);
}

/** Everything, global pages too. */
export function flushAll(core: Core): void {
  const u32 = core.u32;
  sweep(u32, FILLED.data, TLB.entries, (index) => {
    emptyData(u32, dataAt(index));
    return true;
  });
  sweep(u32, FILLED.code, ITLB.entries, (index) => {
    emptyCode(u32, codeAt(index));
    return true;
  });
  u32.fill(0, FILLED.localData >>> 2, FILLED.end >>> 2);
  forgetCodePage(core);
  core.setWord(RUN.largePages, 0);
  core.setWord(RUN.tagged, 0);
}

/** Everything, and whatever was in memory before: what a new processor begins with. */
export function clearTlb(core: Core): void {
  const u32 = core.u32;
  for (let index = 0; index < TLB.entries; index++) emptyData(u32, dataAt(index));
  for (let index = 0; index < ITLB.entries; index++) emptyCode(u32, codeAt(index));
  u32.fill(0, FILLED.data >>> 2, FILLED.end >>> 2);
  core.setWord(RUN.opened, 0);
  flushAll(core);
  watchesChanged(core);
}

/** Everything but global pages, of one PCID. */
export function flushPcid(core: Core, pcid: number): void {
  flush(core, pcid);
}

/** Everything but global pages, of all PCIDs. */
export function flushNonGlobal(core: Core): void {
  flush(core, -1);
}

/** CR3 changed and entries were kept: tags and instruction entries of another PCID must not match any more. */
export function switchPcid(core: Core): void {
  const u32 = core.u32;
  sweep(u32, FILLED.localData, TLB.entries, (index) => {
    const at = dataAt(index);
    if (u32[at + 9] === 0 || (u32[at + 9]! & TLB_FLAG.global) !== 0) return true;
    clearTags(u32, at);
    return false;
  });
  sweep(u32, FILLED.localCode, ITLB.entries, (index) => {
    const at = codeAt(index);
    if ((u32[at + 6]! & TLB_FLAG.global) === 0) emptyCode(u32, at);
    return true;
  });
  forgetCodePage(core);
}

/**
 * INVLPG and INVPCID type 0: the entries for one address. With `pcid` null, those of the current PCID and global ones. A large page that contains the
 * address goes with all its pieces; since pieces do not know their page's size, every piece within the same GiB goes, which the manual allows.
 */
export function invalidatePage(core: Core, lo: number, hi: number, pcid: number | null): void {
  const u32 = core.u32;
  const wanted = pcid ?? currentPcid(core);
  const drops = (flags: number, entryPcid: number): boolean =>
    entryPcid === wanted ? pcid === null || (flags & TLB_FLAG.global) === 0 : pcid === null && (flags & TLB_FLAG.global) !== 0;
  const page = (lo & 0xfffff000) >>> 0;
  const data = dataEntry(lo);
  if (u32[data + 9] !== 0 && u32[data + 10] === page && u32[data + 11] === hi && drops(u32[data + 9]!, u32[data + 14]!)) emptyData(u32, data);
  const code = codeEntry(lo);
  if (u32[code + 6] !== 0 && codePageIs(u32, code, page, hi) && drops(u32[code + 6]!, u32[code + 7]!)) emptyCode(u32, code);
  if ((u32[RUN.largePages >>> 2]! & bitOfGiB(lo, hi)) !== 0) {
    // All entries, listed or not, as in `dropPageTags`: a guest that maps and unmaps comes here often, and the TLB is full of pieces of its large pages.
    const inGiB = (lowPage: number, highPage: number): boolean => highPage === hi && lowPage >>> 30 === lo >>> 30;
    for (let at = dataAt(0); at < dataAt(TLB.entries); at += DATA_WORDS)
      if ((u32[at + 9]! & TLB_FLAG.large) !== 0 && inGiB(u32[at + 10]!, u32[at + 11]!) && drops(u32[at + 9]!, u32[at + 14]!)) emptyData(u32, at);
    for (let at = codeAt(0); at < codeAt(ITLB.entries); at += CODE_WORDS) {
      if ((u32[at + 6]! & TLB_FLAG.large) === 0) continue;
      const tag = u32[at] === EMPTY ? at + 2 : at;
      if (inGiB(u32[tag]!, u32[tag + 1]!) && drops(u32[at + 6]!, u32[at + 7]!)) emptyCode(u32, at);
    }
  }
  forgetCodePage(core);
} // oxfmt-ignore

function codePageIs(u32: Uint32Array, at: number, page: number, hi: number): boolean {
  return isCodeTag(u32, at, page, hi) || isCodeTag(u32, at + 2, page, hi);
}

/** Whether the tag at a word of an instruction entry is a page's, the entry under suspicion or not. */
function isCodeTag(u32: Uint32Array, tag: number, page: number, hi: number): boolean {
  return (u32[tag]! & ~1) >>> 0 === page && u32[tag + 1] === hi;
}

/** Guest-physical page number for an instruction fetch; fills the entry if need be. Throws #PF. */
export function lookupCode(core: Core, lo: number, hi: number, user: boolean): number {
  const u32 = core.u32;
  const at = codeEntry(lo);
  const page = (lo & 0xfffff000) >>> 0;
  const tag = user ? at + 2 : at;
  if (u32[at + 6] !== 0 && isCodeTag(u32, tag, page, hi)) {
    if ((u32[at + 6]! & TLB_FLAG.suspect) !== 0)
      core.tableHook?.used(core, { kind: "instruction", index: codeIndex(at) }, lo, hi, ACCESS.execute, user ? BY.user : BY.system);
    return u32[at + 5]! * 0x100000000 + u32[at + 4]!;
  }
  const result = walk(core, lo, hi, ACCESS.execute, user ? BY.user : BY.system);
  const flags = result & 0xff;
  const physicalPage = Math.floor(result / 256);
  const words = core.u32;
  emptyCode(words, at);
  if (forbids(core, flags, ACCESS.execute, BY.system) === null && (flags & TLB_FLAG.executable) !== 0) {
    words[at] = page;
    words[at + 1] = hi;
  }
  if (forbids(core, flags, ACCESS.execute, BY.user) === null) {
    words[at + 2] = page;
    words[at + 3] = hi;
  }
  words[at + 4] = physicalPage >>> 0;
  words[at + 5] = Math.floor(physicalPage / 0x100000000);
  words[at + 6] = flags;
  words[at + 7] = currentPcid(core);
  markLarge(words, flags, lo, hi);
  listCode(words, at);
  return physicalPage;
} // oxfmt-ignore

/** Guest-physical page number that the instruction TLB has for a linear page, or null. Changes nothing. */
export function cachedCodePage(core: Core, linearPage: bigint): number | null {
  const lo = Number(BigInt.asUintN(32, linearPage));
  const hi = Number(BigInt.asUintN(32, linearPage >> 32n));
  const { u32 } = core;
  const at = codeEntry(lo);
  if (u32[at + 6] === 0 || !codePageIs(u32, at, lo, hi)) return null;
  return u32[at + 5]! * 0x100000000 + u32[at + 4]!;
}

/** One cached translation, for the debugger. */
export interface TlbEntry {
  readonly kind: "data" | "instruction";
  readonly linear: LinearAddress;
  readonly physical: PhysicalAddress;
  /** TLB_FLAG bits */
  readonly flags: number;
  readonly pcid: number;
}

/** What both TLBs hold, in order of entries: data first. */
export function tlbEntries(core: Core): TlbEntry[] {
  const u32 = core.u32;
  const entries: TlbEntry[] = [];
  const address = (at: number): LinearAddress =>
    linear((BigInt(u32[at + 1]!) << 32n) | BigInt((u32[at]! & 0xfffff000) >>> 0));
  const flags = (at: number): number => u32[at]! & ~SUSPICION;
  for (let at = TLB.base >>> 2, n = 0; n < TLB.entries; n++, at += DATA_WORDS)
    if (u32[at + 9] !== 0)
      entries.push({ kind: "data", linear: address(at + 10), physical: physical(u32[at + 12]! * 4096), flags: flags(at + 9), pcid: u32[at + 14]! });
  for (let at = ITLB.base >>> 2, n = 0; n < ITLB.entries; n++, at += CODE_WORDS)
    if (u32[at + 6] !== 0)
      entries.push({
        kind: "instruction",
        linear: address(u32[at] === EMPTY ? at + 2 : at),
        physical: physical((u32[at + 5]! * 0x100000000 + u32[at + 4]!) * 4096),
        flags: flags(at + 6),
        pcid: u32[at + 7]!,
      });
  return entries;
} // oxfmt-ignore

/** Low word of a tag of an instruction entry without the mark of suspicion; an empty tag stays empty. */
export const trusted = (low: number, high: number): number =>
  low === EMPTY && high === EMPTY ? EMPTY : (low & ~1) >>> 0;

// Saved form: u32 count of data entries, then per entry page u64, frame number f64, flags u32, PCID u32; then per instruction entry its 32 bytes.
const SAVED_DATA = 24;

/** The canonical part of both TLBs: equal for two processors exactly if a guest could not tell them apart by their TLBs. */
export function saveTlb(core: Core): Uint8Array {
  const { u32, u8 } = core;
  const data: number[] = [];
  const code: number[] = [];
  for (let at = TLB.base >>> 2, n = 0; n < TLB.entries; n++, at += DATA_WORDS) if (u32[at + 9] !== 0) data.push(at);
  for (let at = ITLB.base >>> 2, n = 0; n < ITLB.entries; n++, at += CODE_WORDS) if (u32[at + 6] !== 0) code.push(at);
  const bytes = new Uint8Array(4 + data.length * SAVED_DATA + code.length * ITLB.entryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length, true);
  let to = 4;
  for (const at of data) {
    bytes.set(u8.subarray(at * 4 + TLB.page, at * 4 + TLB.page + 8), to);
    view.setFloat64(to + 8, u32[at + 12]!, true);
    view.setUint32(to + 16, u32[at + 9]! & ~SUSPICION, true);
    view.setUint32(to + 20, u32[at + 14]!, true);
    to += SAVED_DATA;
  }
  for (const at of code) {
    bytes.set(u8.subarray(at * 4, at * 4 + ITLB.entryBytes), to);
    if ((u32[at + 6]! & TLB_FLAG.suspect) !== 0) {
      for (const tag of [0, 8]) view.setUint32(to + tag, trusted(u32[at + tag / 4]!, u32[at + tag / 4 + 1]!), true);
      view.setUint32(to + 24, u32[at + 6]! & ~SUSPICION, true);
    }
    to += ITLB.entryBytes;
  }
  return bytes;
} // oxfmt-ignore

/** Puts back what `saveTlb` gave. */
export function loadTlb(core: Core, bytes: Uint8Array): void {
  clearTlb(core);
  const { u32, u8 } = core;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataCount = view.getUint32(0, true);
  let from = 4;
  for (let n = 0; n < dataCount; n++, from += SAVED_DATA) {
    const at = dataEntry(view.getUint32(from, true));
    u8.set(bytes.subarray(from, from + 8), at * 4 + TLB.page);
    u32[at + 12] = view.getFloat64(from + 8, true);
    u32[at + 9] = view.getUint32(from + 16, true);
    u32[at + 14] = view.getUint32(from + 20, true);
    listData(u32, at);
    markLarge(u32, u32[at + 9]!, u32[at + 10]!, u32[at + 11]!);
  }
  for (; from < bytes.length; from += ITLB.entryBytes) {
    const tag = view.getUint32(from, true) === EMPTY ? from + 8 : from;
    const lo = view.getUint32(tag, true);
    const at = codeEntry(lo);
    u8.set(bytes.subarray(from, from + ITLB.entryBytes), at * 4);
    listCode(u32, at);
    markLarge(u32, u32[at + 6]!, lo, view.getUint32(tag + 4, true));
  }
}
