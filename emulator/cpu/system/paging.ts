/**
 * The page walk: from a linear address through the paging structures to a page and its rights (SDM 3A chapter 4), in every paging mode.
 *
 * Invariant: there is one walk here. The processor runs it with side effects (accessed and dirty bits), the debugger without, and `explain` is
 * the same walk written down. Emitted code has its own copy of it (`mmu/walk.ts`), which leaves everything but success to this one. Addresses travel as two 32-bit halves because this is a hot path and bigints allocate.
 * Elsewhere: what is remembered of a walk (`tlb.ts`), who asks for it (`access.ts`, `fetch.ts`).
 */
import { physical } from "../../numbers.ts";
import type { PhysicalAddress } from "../../numbers.ts";
import type { Core } from "../core.ts";
import { CR0, CR4, EFER, FLAG } from "../registers.ts";
import { Fault, VECTOR } from "../event.ts";
import { RUN, STATE, TLB_FLAG } from "../layout.ts";

/** Physical address bits, as CPUID leaf 80000008h says. */
export const PHYSICAL_BITS = 40;
/** Bits 51 … PHYSICAL_BITS of an entry, in its upper half: reserved. */
export const HIGH_RESERVED = 0x000fff00;
export const HIGH_ADDRESS = 0xff;

export const ACCESS = { read: 0, write: 1, execute: 2 } as const;
export type Access = (typeof ACCESS)[keyof typeof ACCESS];

/** Who accesses: code at CPL 0 … 2, code at CPL 3, or the processor itself (descriptor tables, TSS: supervisor whatever CPL is, and SMAP cannot be lifted). */
export const BY = { system: 0, user: 1, processor: 2 } as const;
export type By = (typeof BY)[keyof typeof BY];

/** Bits of a page fault's error code. */
export const PAGE_FAULT = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

/** Bits of a paging entry (low half). RW and US are TLB_FLAG.writable and TLB_FLAG.user. */
export const ENTRY = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, PS: 0x80, G: 0x100 } as const;

export type LevelName = "PML5E" | "PML4E" | "PDPTE" | "PDE" | "PTE";

/** One level of a walk, as `explain` tells it. */
export interface WalkStep {
  readonly level: LevelName;
  /** Guest-physical address of the entry. */
  readonly address: PhysicalAddress;
  readonly value: bigint;
  /** Size of the entry: 4 bytes with 32-bit paging, else 8. */
  readonly size: 4 | 8;
  /** Bytes of the page this entry maps, or 0 if it points to a table. */
  readonly pageBytes: number;
}

/** A page walk as a value. */
export interface PageWalk {
  readonly paging: "off" | "32-bit" | "PAE" | "4-level" | "5-level";
  readonly steps: readonly WalkStep[];
  /** Where the walk arrived, whether or not the access is allowed there; null if it did not. */
  readonly physical: PhysicalAddress | null;
  /** Rights added up over all levels: TLB_FLAG bits. */
  readonly rights: number;
  /** Null if the access is allowed; else the page fault's error code and why. The failing level is the last step. */
  readonly fault: { readonly errorCode: number; readonly why: string } | null;
}

// What the last walk found, beside its return value.
let failure = "";
let found = -1;

interface Options {
  readonly effects: boolean;
  readonly steps: WalkStep[] | null;
  /** Entries, by guest-physical address, that are not taken from memory. */
  readonly past: ReadonlyMap<number, bigint> | null;
}
const ARCHITECTURAL: Options = { effects: true, steps: null, past: null };
const SILENT: Options = { effects: false, steps: null, past: null };

/** The low or (`half` 4) high word of an entry. */
function entryWord(core: Core, page: number, offset: number, half: 0 | 4, options: Options): number {
  const past = options.past?.get(page * 4096 + offset);
  if (past === undefined) return tableWord(core, page, offset + half);
  return Number(BigInt.asIntN(32, past >> BigInt(half * 8)));
}

function tableWord(core: Core, page: number, offset: number): number {
  const frame = core.pages.frameForRead(page);
  if (frame !== 0) return core.host.u32[(frame + offset) >>> 2]!;
  return core.guest.read(physical(page * 4096 + offset), 4) >>> 0;
}

function setTableWord(core: Core, page: number, offset: number, value: number): void {
  const frame = core.pages.frameForMarking(page);
  if (frame !== 0) {
    core.host.u32[(frame + offset) >>> 2] = value;
    return;
  }
  const write = (): void => core.guest.write(physical(page * 4096 + offset), 4, value >>> 0);
  if (core.tableHook === null) write();
  else core.tableHook.marking(write);
}

function refuse(core: Core, access: Access, by: By, code: number, why: string): number {
  failure = why;
  let errorCode = code;
  if (access === ACCESS.write) errorCode |= PAGE_FAULT.write;
  if (by === BY.user) errorCode |= PAGE_FAULT.user;
  if (access === ACCESS.execute) {
    const cr4 = core.cr4;
    const nx = (cr4 & CR4.PAE) !== 0 && (core.efer & EFER.NXE) !== 0;
    if (nx || (cr4 & CR4.SMEP) !== 0) errorCode |= PAGE_FAULT.fetch;
  }
  return -1 - errorCode;
}

/** Null if rights `flags` (TLB_FLAG) allow the access now, else why not (SDM 3A 4.6.1). */
export function forbids(core: Core, flags: number, access: Access, by: By): string | null {
  const user = (flags & TLB_FLAG.user) !== 0;
  if (by === BY.user) {
    if (!user) return "a supervisor page accessed at CPL 3";
    if (access === ACCESS.write)
      return (flags & TLB_FLAG.writable) !== 0 ? null : "a write to a read-only page";
  } else if (access === ACCESS.execute) {
    if (user && (core.cr4 & CR4.SMEP) !== 0) return "an instruction fetch from a user page with CR4.SMEP set";
  } else {
    if (user && (core.cr4 & CR4.SMAP) !== 0 && (by === BY.processor || !core.systemFlag(FLAG.AC)))
      return "a supervisor access to a user page with CR4.SMAP set";
    if (access === ACCESS.write && (flags & TLB_FLAG.writable) === 0 && (core.cr0 & CR0.WP) !== 0)
      return "a write to a read-only page (CR0.WP is set)";
    return null;
  }
  if (access === ACCESS.execute && (flags & TLB_FLAG.executable) === 0)
    return "an instruction fetch from a no-execute page";
  return null;
}

/**
 * The leaf has been reached: checks the rights, sets A and D, and packs the result. `tablePage` and `offset` say where the leaf entry is, `low` is
 * its low half.
 */
function finish(
  core: Core, access: Access, by: By, page: number, rights: number, low: number, tablePage: number, offset: number, options: Options,
): number {
  let flags = rights | TLB_FLAG.valid;
  if ((low & ENTRY.G) !== 0 && (core.cr4 & CR4.PGE) !== 0) flags |= TLB_FLAG.global;
  if ((low & ENTRY.D) !== 0) flags |= TLB_FLAG.dirty;
  found = page * 256 + flags;
  const why = forbids(core, flags, access, by);
  if (why !== null) return refuse(core, access, by, PAGE_FAULT.present, why);
  const bits = access === ACCESS.write ? ENTRY.A | ENTRY.D : ENTRY.A;
  if (options.effects && (low & bits) !== bits) setTableWord(core, tablePage, offset, low | bits);
  if (access === ACCESS.write && options.effects) flags |= TLB_FLAG.dirty;
  return page * 256 + flags;
} // oxfmt-ignore

function walk32(core: Core, lo: number, access: Access, by: By, options: Options): number {
  const cr3 = core.word(STATE.cr3);
  const directory = cr3 >>> 12;
  const pdeOffset = (lo >>> 22) * 4;
  if (options.effects) core.tableHook?.walked(directory, 2, 4, -1);
  const pde = entryWord(core, directory, pdeOffset, 0, options);
  const large = (pde & ENTRY.PS) !== 0 && (core.cr4 & CR4.PSE) !== 0;
  options.steps?.push(step("PDE", directory, pdeOffset, 0, pde, 4, large ? 0x400000 : 0));
  if ((pde & ENTRY.P) === 0) return refuse(core, access, by, 0, "the page-directory entry is not present");
  let rights = TLB_FLAG.executable | ((pde & ENTRY.RW) !== 0 ? TLB_FLAG.writable : 0) | ((pde & ENTRY.US) !== 0 ? TLB_FLAG.user : 0);
  if (large) {
    // PSE-36: bits 20:13 are physical address bits 39:32; bit 21 is reserved (SDM 3A table 4-4).
    if ((pde & 0x200000) !== 0)
      return refuse(core, access, by, PAGE_FAULT.present | PAGE_FAULT.reserved, "a reserved bit is set in the page-directory entry");
    const page = ((pde >>> 13) & 0xff) * 0x100000 + (pde >>> 22) * 0x400 + ((lo >>> 12) & 0x3ff);
    return finish(core, access, by, page, rights | TLB_FLAG.large, pde, directory, pdeOffset, options);
  }
  if (options.effects && (pde & ENTRY.A) === 0) setTableWord(core, directory, pdeOffset, pde | ENTRY.A);
  const table = pde >>> 12;
  const offset = ((lo >>> 12) & 0x3ff) * 4;
  if (options.effects) core.tableHook?.walked(table, 1, 4, directory * 4096 + pdeOffset);
  const pte = entryWord(core, table, offset, 0, options);
  options.steps?.push(step("PTE", table, offset, 0, pte, 4, 4096));
  if ((pte & ENTRY.P) === 0) return refuse(core, access, by, 0, "the page-table entry is not present");
  if ((pte & ENTRY.RW) === 0) rights &= ~TLB_FLAG.writable;
  if ((pte & ENTRY.US) === 0) rights &= ~TLB_FLAG.user;
  return finish(core, access, by, pte >>> 12, rights, pte, table, offset, options);
} // oxfmt-ignore

const LEVELS: readonly LevelName[] = ["PTE", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"];
const PAGE_BYTES: readonly number[] = [0, 4096, 0x200000, 0x40000000];
/** Reserved address bits of a large page's entry, by level: 20:13 and 29:13 (bit 12 is PAT). */
export const LARGE_RESERVED: readonly number[] = [0, 0, 0x001fe000, 0x3fffe000];
/** Page-number bits that come from the linear address in a large page, by level. */
const LARGE_MASK: readonly number[] = [0, 0, 0x1ff, 0x3ffff];
const NOT_PRESENT: readonly string[] = ["PTE", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"].map(
  (name) => `the ${name} is not present`,
);
const RESERVED: readonly string[] = ["PTE", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"].map(
  (name) => `a reserved bit is set in the ${name}`,
);

/** Walks 8-byte entries from `level` down; `table` is the page number of that level's table, `long` tells PAE's stricter reserved bits apart. */
function walk64(
  core: Core, lo: number, hi: number, access: Access, by: By, options: Options, from: number, top: number, long: boolean,
): number {
  const nx = (core.efer & EFER.NXE) !== 0;
  // Bit 63 is XD or reserved; bits 62:52 are free in long mode and reserved in PAE paging.
  const highReserved = HIGH_RESERVED | (nx ? 0 : 0x80000000) | (long ? 0 : 0x7ff00000);
  let rights = TLB_FLAG.writable | TLB_FLAG.user | TLB_FLAG.executable;
  let table = top;
  let parent = -1;
  for (let level = from; ; level--) {
    if (options.effects) core.tableHook?.walked(table, level, 8, parent);
    const offset = level === 1 ? ((lo >>> 12) & 0x1ff) * 8
      : level === 2 ? ((lo >>> 21) & 0x1ff) * 8
      : level === 3 ? (((hi & 0x7f) << 2) | (lo >>> 30)) * 8
      : level === 4 ? ((hi >>> 7) & 0x1ff) * 8
      : ((hi >>> 16) & 0x1ff) * 8;
    const low = entryWord(core, table, offset, 0, options);
    const high = entryWord(core, table, offset, 4, options);
    const leaf = level === 1 || (level <= 3 && (low & ENTRY.PS) !== 0);
    options.steps?.push(step(LEVELS[level]!, table, offset, high, low, 8, leaf ? PAGE_BYTES[level]! : 0));
    if ((low & ENTRY.P) === 0) return refuse(core, access, by, 0, NOT_PRESENT[level]!);
    const lowReserved = level > 3 ? ENTRY.PS : leaf ? LARGE_RESERVED[level]! : 0;
    if ((high & highReserved) !== 0 || (low & lowReserved) !== 0)
      return refuse(core, access, by, PAGE_FAULT.present | PAGE_FAULT.reserved, RESERVED[level]!);
    if ((low & ENTRY.RW) === 0) rights &= ~TLB_FLAG.writable;
    if ((low & ENTRY.US) === 0) rights &= ~TLB_FLAG.user;
    if (high >>> 31 !== 0) rights &= ~TLB_FLAG.executable;
    const target = (high & HIGH_ADDRESS) * 0x100000 + (low >>> 12);
    if (leaf) {
      if (level === 1) return finish(core, access, by, target, rights, low, table, offset, options);
      const mask = LARGE_MASK[level]!;
      const within = (level === 2 ? lo >>> 12 : ((hi & 0xfff) << 20) | (lo >>> 12)) & mask;
      const page = target - ((low >>> 12) & mask) + within;
      return finish(core, access, by, page, rights | TLB_FLAG.large, low, table, offset, options);
    }
    if (options.effects && (low & ENTRY.A) === 0) setTableWord(core, table, offset, low | ENTRY.A);
    parent = table * 4096 + offset;
    table = target;
  }
} // oxfmt-ignore

function step(level: LevelName, page: number, offset: number, high: number, low: number, size: 4 | 8, pageBytes: number): WalkStep {
  const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return { level, address: physical(page * 4096 + offset), value, size, pageBytes };
} // oxfmt-ignore

function walkWith(core: Core, lo: number, hi: number, access: Access, by: By, options: Options): number {
  found = -1;
  if ((core.cr0 & CR0.PG) === 0) {
    const page = hi * 0x100000 + (lo >>> 12);
    return (found = page * 256 + (TLB_FLAG.valid | TLB_FLAG.writable | TLB_FLAG.user | TLB_FLAG.executable | TLB_FLAG.dirty));
  }
  const cr4 = core.cr4;
  const cr3 = core.word(STATE.cr3);
  if ((core.efer & EFER.LMA) !== 0) {
    const top = (core.word(STATE.cr3 + 4) & HIGH_ADDRESS) * 0x100000 + (cr3 >>> 12);
    return walk64(core, lo, hi, access, by, options, (cr4 & CR4.LA57) !== 0 ? 5 : 4, top, true);
  }
  if ((cr4 & CR4.PAE) === 0) return walk32(core, lo, access, by, options);
  // The four PDPTEs were loaded and checked by MOV CR3 (SDM 3A 4.4.1); they carry no rights.
  const index = lo >>> 30;
  const low = core.word(STATE.pdpte + index * 8);
  const high = core.word(STATE.pdpte + index * 8 + 4);
  options.steps?.push(step("PDPTE", cr3 >>> 12, (cr3 & 0xfe0) + index * 8, high, low, 8, 0));
  if ((low & ENTRY.P) === 0) return refuse(core, access, by, 0, NOT_PRESENT[3]!);
  return walk64(core, lo, hi, access, by, options, 2, (high & HIGH_ADDRESS) * 0x100000 + (low >>> 12), false);
} // oxfmt-ignore

/**
 * Walks for an access that will happen: sets accessed and dirty bits. Returns the guest-physical page number × 256 + rights (TLB_FLAG); throws #PF.
 */
export function walk(core: Core, lo: number, hi: number, access: Access, by: By): number {
  const result = tryWalk(core, lo, hi, access, by);
  if (result < 0) throw pageFault(core, lo, hi, result);
  return result;
}

/** The same, but a fault is a negative result: `pageFault` makes a Fault of it. */
export function tryWalk(core: Core, lo: number, hi: number, access: Access, by: By): number {
  return walkWith(core, lo, hi, access, by, ARCHITECTURAL);
}

/** The fault that the last walk ended in, whose result is given. */
export function pageFault(core: Core, lo: number, hi: number, result: number): Fault {
  core.setWord(RUN.address, lo);
  core.setWord(RUN.address + 4, hi);
  return new Fault(VECTOR.PF, -1 - result, failure, core.quad(RUN.address));
}

/** The page number × 256 + rights the paging structures give for an address, whatever they are; −1 if nothing is mapped. Changes nothing. */
export function look(core: Core, lo: number, hi: number): number {
  walkWith(core, lo, hi, ACCESS.read, BY.system, SILENT);
  return found;
}

/** The walk for an access, level by level; changes nothing. Entries that `past` has, by guest-physical address, are taken from there. */
export function explainWalk(
  core: Core,
  lo: number,
  hi: number,
  access: Access,
  by: By,
  past: ReadonlyMap<number, bigint> | null = null,
): PageWalk {
  const steps: WalkStep[] = [];
  const result = walkWith(core, lo, hi, access, by, { effects: false, steps, past });
  const fault = result < 0 ? { errorCode: -1 - result, why: failure } : null;
  return {
    paging: pagingMode(core),
    steps,
    physical: found < 0 ? null : physical(Math.floor(found / 256) * 4096 + (lo & 0xfff)),
    rights: found < 0 ? 0 : found % 256,
    fault,
  };
}

export function pagingMode(core: Core): PageWalk["paging"] {
  if ((core.cr0 & CR0.PG) === 0) return "off";
  if ((core.efer & EFER.LMA) !== 0) return (core.cr4 & CR4.LA57) !== 0 ? "5-level" : "4-level";
  return (core.cr4 & CR4.PAE) !== 0 ? "PAE" : "32-bit";
}

/**
 * Loads the four PDPTEs from the table at `cr3` (MOV to CR3, and to CR0 and CR4 when PAE paging is turned on). False if a present one has a reserved bit
 * set: #GP(0), and nothing was loaded (SDM 3A 4.4.1).
 */
export function loadPdptes(core: Core, cr3: number): boolean {
  const words: number[] = [];
  for (let n = 0; n < 8; n += 2) {
    const offset = (cr3 & 0xfe0) + n * 4;
    const low = tableWord(core, cr3 >>> 12, offset);
    const high = tableWord(core, cr3 >>> 12, offset + 4);
    if ((low & ENTRY.P) !== 0 && ((low & 0x1e6) !== 0 || (high & ~HIGH_ADDRESS) !== 0)) return false;
    words.push(low, high);
  }
  words.forEach((word, n) => core.setWord(STATE.pdpte + n * 4, word));
  core.setWord(STATE.pdptePresent, 1);
  return true;
}

/** Whether a linear address is canonical for the paging in force (bits 63:47, or 63:56 with five levels, all equal). */
export function canonical(core: Core, hi: number): boolean {
  return (core.cr4 & CR4.LA57) !== 0 ? ((hi << 7) >> 7 | 0) === (hi | 0) : ((hi << 16) >> 16 | 0) === (hi | 0);
} // oxfmt-ignore

/** The same for a bigint (bases, MSRs, RIPs). */
export function isCanonical(core: Core, address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN((core.cr4 & CR4.LA57) !== 0 ? 57 : 48, address)) === address;
}
