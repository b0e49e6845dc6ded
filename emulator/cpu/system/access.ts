/**
 * The slow path of memory accesses: what emitted code calls when a TLB tag does not match, and what every access from TypeScript goes through.
 *
 * Invariant: all pages an access touches are translated and their rights checked before anything is written. The answer is a host address
 * through which the caller reads or writes the bytes: the frame itself if the access lies in one page of plain RAM, else SCRATCH. After a store
 * to SCRATCH, RUN.commit holds the size and the caller calls `commit`, which hands the bytes to the bus.
 * Elsewhere: segmentation (`segmented` in `segmentation.ts`), instruction fetches (`fetch.ts`).
 */
import { linear, physical } from "../../numbers.ts";
import type { Core } from "../core.ts";
import { Fault, VECTOR, WATCH } from "../event.ts";
import { MODE, RUN, SCRATCH, STATE, TLB } from "../layout.ts";
import { BY, canonical, pageFault } from "./paging.ts";
import type { By } from "./paging.ts";
import { isStackPage, isWatched, lookup, tryLookup, writeTags } from "./tlb.ts";

/** Added to the size of a slow access that goes through SS: a non-canonical address is then #SS(0) and not #GP(0). */
export const STACK_ACCESS = 0x100;

export type Kind = "read" | "write" | "modify";

/** The privilege of emitted code's data accesses. */
const currentBy = (core: Core): By => (core.word(RUN.dataTags) === TLB.readUser ? BY.user : BY.system);

/** Host address of `size` bytes at RUN.address for reading. Sizes 1 … 16, plus STACK_ACCESS. Throws Fault. */
export function slowRead(core: Core, size: number): number {
  return touch(core, size & 0xff, "read", currentBy(core), size >= STACK_ACCESS);
}
/** Host address to which the caller writes all of `size` bytes; then `commit` if RUN.commit is not 0. Throws Fault. */
export function slowWrite(core: Core, size: number): number {
  return touch(core, size & 0xff, "write", currentBy(core), size >= STACK_ACCESS);
}
/** The same for reading and then writing. */
export function slowModify(core: Core, size: number): number {
  return touch(core, size & 0xff, "modify", currentBy(core), size >= STACK_ACCESS);
}

/**
 * What emitted code calls: the same, but an ordinary page fault is not thrown, which costs more than all the rest of it. It is the answer 0, and
 * `core.fault`.
 */
export function attempt(core: Core, size: number, kind: Kind): number {
  const bytes = size & 0xff;
  const { u32 } = core;
  const by = u32[RUN.dataTags >>> 2] === TLB.readUser ? BY.user : BY.system;
  const lo = u32[RUN.address >>> 2]!;
  const hi = u32[(RUN.address + 4) >>> 2]!;
  const ordinary = lo + bytes <= 0xffffffff && u32[RUN.alignment >>> 2] === 0 && canonical(core, hi);
  if (!ordinary) return touch(core, bytes, kind, by, size >= STACK_ACCESS);
  u32[RUN.commit >>> 2] = 0;
  const write = kind !== "read";
  const entry = tryLookup(core, lo, hi, write, by);
  if (entry < 0) return faulted(core, lo, hi, entry);
  if ((lo & 0xfff) + bytes <= 4096) return one(core, entry, lo, hi, bytes, kind);
  // The second look-up may fill the same entry, so what the first one said is taken out at once.
  const page = pageOf(core, entry);
  const nextLo = ((lo & 0xfffff000) >>> 0) + 4096;
  const next = tryLookup(core, nextLo, hi, write, by);
  if (next < 0) return faulted(core, nextLo, hi, next);
  return two(core, page, pageOf(core, next), lo, hi, nextLo, hi, bytes, kind);
}

function faulted(core: Core, lo: number, hi: number, result: number): number {
  core.fault = pageFault(core, lo, hi, result);
  return 0;
}

/**
 * Like slowRead, slowWrite and slowModify for an access at RUN.address by whoever `by` is and of any size up to a page. `throughStack` chooses the vector
 * for non-canonical addresses, `errorCode` its error code.
 */
export function touch(
  core: Core,
  size: number,
  kind: Kind,
  by: By,
  throughStack: boolean,
  errorCode = 0,
): number {
  const write = kind !== "read";
  core.setWord(RUN.commit, 0);
  const direct = tagged(core, size, write, by);
  if (direct !== 0) return direct;
  const lo = core.word(RUN.address);
  const hi = core.word(RUN.address + 4);
  const last = lo + size - 1;
  const wide = (core.mode & MODE.codeSize) === 2 || hi !== 0;
  if (wide) {
    const lastHi = last > 0xffffffff ? (hi + 1) >>> 0 : hi;
    if (!canonical(core, hi) || !canonical(core, lastHi)) throw nonCanonical(core, throughStack, errorCode);
  }
  // #AC comes before #PF: the host's order, found by the oracle.
  if (core.alignmentChecked && by === BY.user) checkAlignment(lo, size);
  const offset = lo & 0xfff;
  if (offset + size <= 4096) {
    const entry = lookup(core, lo, hi, write, by);
    return one(core, entry, lo, hi, size, kind);
  }
  const nextLo = (lo - offset + 4096) >>> 0;
  const nextHi = wide && nextLo === 0 ? (hi + 1) >>> 0 : hi;
  const page = pageOf(core, lookup(core, lo, hi, write, by));
  const nextPage = pageOf(core, lookup(core, nextLo, nextHi, write, by));
  return two(core, page, nextPage, lo, hi, nextLo, nextHi, size, kind);
}

/** An access to two pages, whose rights have been looked at. */
function two(
  core: Core, page: number, nextPage: number, lo: number, hi: number, nextLo: number, nextHi: number, size: number, kind: Kind,
): number {
  const offset = lo & 0xfff;
  const first = 4096 - offset;
  if (isWatched(core, (lo & 0xfffff000) >>> 0, hi, page)) tell(core, lo, hi, page, first, kind);
  if (isWatched(core, nextLo, nextHi, nextPage)) tell(core, nextLo, nextHi, nextPage, size - first, kind);
  if (kind !== "write") {
    gather(core, page, offset, first, SCRATCH);
    gather(core, nextPage, 0, size - first, SCRATCH + first);
  }
  if (kind !== "read") {
    core.setWord(RUN.commit, size);
    core.commitPage = page;
    core.commitOffset = offset;
    core.commitNext = nextPage;
  }
  return SCRATCH;
} // oxfmt-ignore

/**
 * Host address of `size` bytes at RUN.address if a tag allows the access, as emitted code finds it; else 0. The processor's own accesses use the supervisor
 * tags, but not while EFLAGS.AC has given those to user pages: SMAP holds for them all the same (SDM 3A 4.6.1).
 */
export function tagged(core: Core, size: number, write: boolean, by: By): number {
  const u32 = core.u32;
  return taggedAt(core, u32[RUN.address >>> 2]!, u32[(RUN.address + 4) >>> 2]!, size, write, by);
}

/** The same for an address by its halves, unsigned. */
export function taggedAt(core: Core, lo: number, hi: number, size: number, write: boolean, by: By): number {
  const u32 = core.u32;
  if (by === BY.processor && u32[RUN.opened >>> 2] !== 0) return 0;
  const at = (TLB.base >>> 2) + ((lo >>> 12) & (TLB.entries - 1)) * (TLB.entryBytes >>> 2);
  const tag = at + (by === BY.user ? TLB.readUser >>> 2 : 0) + (write ? TLB.writeSystem >>> 2 : 0);
  const offset = lo & 0xfff;
  if (u32[tag] !== (lo & 0xfffff000) >>> 0 || u32[tag + 1] !== hi || offset + size > 4096) return 0;
  return (u32[at + (TLB.addend >>> 2)]! + lo) >>> 0;
}

const pageOf = (core: Core, entry: number): number => core.word(entry + TLB.physicalPage);

function one(core: Core, entry: number, lo: number, hi: number, size: number, kind: Kind): number {
  const page = pageOf(core, entry);
  const offset = lo & 0xfff;
  const watched = isWatched(core, (lo & 0xfffff000) >>> 0, hi, page);
  if (watched) tell(core, lo, hi, page, size, kind);
  if (kind === "read") {
    const frame = core.pages.frameForRead(page);
    if (frame !== 0) {
      if (!watched) writeTags(core, entry, frame, false);
      return frame + offset;
    }
  } else {
    const frame = core.pages.frameForWrite(page);
    if (frame !== 0) {
      if (!watched) writeTags(core, entry, frame, true);
      return frame + offset;
    }
    const beside = core.pages.frameBesideCode(page, offset, size);
    if (beside !== 0) return beside + offset;
    core.setWord(RUN.commit, size);
    core.commitPage = page;
    core.commitOffset = offset;
  }
  if (kind === "read") readBus(core, page, offset, size, SCRATCH);
  else if (kind === "modify") gather(core, page, offset, size, SCRATCH);
  return SCRATCH;
}

/** Hands the bytes that a store left in SCRATCH to memory and devices. Call it if RUN.commit is not 0 after the store. */
export function commit(core: Core): void {
  const size = core.word(RUN.commit);
  const offset = core.commitOffset;
  core.setWord(RUN.commit, 0);
  // A page of its own without a frame to write to is what `one` has come to SCRATCH for.
  if (offset + size <= 4096) return writeBus(core, core.commitPage, offset, size, SCRATCH);
  const first = 4096 - offset;
  scatter(core, core.commitPage, offset, first, SCRATCH);
  scatter(core, core.commitNext, 0, size - first, SCRATCH + first);
}

/** Copies bytes of one page to linear memory at `to`. */
function gather(core: Core, page: number, offset: number, size: number, to: number): void {
  const frame = core.pages.frameForRead(page);
  if (frame !== 0) copy(core.u8, to, frame + offset, size);
  else readBus(core, page, offset, size, to);
}

/** The same for a page that has no frame: a device's. */
function readBus(core: Core, page: number, offset: number, size: number, to: number): void {
  for (let done = 0; done < size;) {
    const step = chunk(size - done);
    const address = physical(page * 4096 + offset + done);
    const value = core.guest.read(address, step) >>> 0;
    const view = core.view;
    if (step === 4) view.setUint32(to + done, value, true);
    else if (step === 2) view.setUint16(to + done, value, true);
    else view.setUint8(to + done, value);
    if ((core.watched & WATCH.mmio) !== 0)
      core.report({ kind: "mmio", address, size: step, value, write: false });
    done += step;
  }
}

/** Copies bytes of linear memory at `from` to one page. */
function scatter(core: Core, page: number, offset: number, size: number, from: number): void {
  const frame = core.pages.frameForWrite(page);
  if (frame !== 0) copy(core.u8, frame + offset, from, size);
  else writeBus(core, page, offset, size, from);
}

function copy(u8: Uint8Array, to: number, from: number, size: number): void {
  if (size > 16) u8.copyWithin(to, from, from + size);
  else for (let i = 0; i < size; i++) u8[to + i] = u8[from + i]!;
}

/** The same for a page that has no frame to write to: a device's, ROM, code, a table somebody watches. */
function writeBus(core: Core, page: number, offset: number, size: number, from: number): void {
  const reported = (core.watched & WATCH.mmio) !== 0;
  const { tableHook } = core;
  const device = (reported || tableHook !== null) && core.pages.frameForRead(page) === 0;
  if (!device && tableHook?.store(core, physical(page * 4096 + offset), core.u8.slice(from, from + size)) === true) return;
  if (size === 8 && !reported) {
    const view = core.view;
    return core.guest.writeHalves(physical(page * 4096 + offset), view.getUint32(from, true), view.getUint32(from + 4, true));
  }
  for (let done = 0; done < size; ) {
    const step = chunk(size - done);
    const view = core.view;
    const value =
      step === 4 ? view.getUint32(from + done, true) : step === 2 ? view.getUint16(from + done, true) : view.getUint8(from + done);
    const address = physical(page * 4096 + offset + done);
    core.guest.write(address, step, value);
    if (device && reported) core.report({ kind: "mmio", address, size: step, value, write: true });
    done += step;
  }
} // oxfmt-ignore

const chunk = (left: number): 1 | 2 | 4 => (left >= 4 ? 4 : left >= 2 ? 2 : 1);

function checkAlignment(lo: number, size: number): void {
  // Vectors of 16 bytes are checked by their instructions, with #GP, or not at all.
  if (size === 16) return;
  const alignment = size === 10 ? 8 : size;
  if ((lo & (alignment - 1)) !== 0)
    throw new Fault(VECTOR.AC, 0, `a ${size}-byte access at CPL 3 is not aligned`);
}

function nonCanonical(core: Core, throughStack: boolean, errorCode: number): Fault {
  const address = `0x${core.quad(RUN.address).toString(16)}`;
  return new Fault(throughStack ? VECTOR.SS : VECTOR.GP, errorCode, `${address} is not a canonical address`);
}

/** Reports an access to a watched page, and notes the guest's own data breakpoints it meets. */
function tell(core: Core, lo: number, hi: number, page: number, size: number, kind: Kind): void {
  const address = (BigInt(hi) << 32n) | BigInt(lo);
  const at = { linear: linear(address), physical: physical(page * 4096 + (lo & 0xfff)), size };
  if (core.watchedLinearPages.size > 0 || core.watchedPhysicalPages.size > 0) {
    if (kind !== "write") core.reportAccess({ ...at, write: false });
    if (kind !== "read") core.reportAccess({ ...at, write: true });
  }
  const { stackHook } = core;
  if (stackHook !== null && isStackPage(core, (lo & 0xfffff000) >>> 0, hi))
    stackHook.accessed(core, lo, hi, size, kind);
  const dr7 = core.word(STATE.dr + 7 * 8);
  for (let n = 0; n < 4; n++) {
    const condition = (dr7 >>> (16 + n * 4)) & 3;
    if (((dr7 >>> (n * 2)) & 3) === 0 || !(condition === 3 || (condition === 1 && kind !== "read"))) continue;
    const length = breakpointBytes(dr7, n);
    const start = core.dr(n) & ~BigInt(length - 1);
    if (address < start + BigInt(length) && start < address + BigInt(size)) core.pendingDebug |= 1 << n;
  }
}

/** Length in bytes of breakpoint `n` (DR7.LENn: 00 1, 01 2, 10 8, 11 4). */
export function breakpointBytes(dr7: number, n: number): number {
  return [1, 2, 8, 4][(dr7 >>> (18 + n * 4)) & 3]!;
}

/** Reads the little-endian value of `size` bytes at RUN.address; up to 8 bytes without a loop. */
export function readHere(core: Core, size: number, by: By, throughStack = false, errorCode = 0): bigint {
  const host = touch(core, size, "read", by, throughStack, errorCode);
  const view = core.view;
  if (size === 8) return view.getBigUint64(host, true);
  if (size === 4) return BigInt(view.getUint32(host, true));
  if (size === 2) return BigInt(view.getUint16(host, true));
  let value = 0n;
  for (let n = size - 1; n >= 0; n--) value = (value << 8n) | BigInt(view.getUint8(host + n));
  return value;
}

/** Writes `size` bytes at RUN.address. */
export function writeHere(core: Core, size: number, value: bigint, by: By, throughStack = false, errorCode = 0): void {
  const host = touch(core, size, "write", by, throughStack, errorCode);
  const view = core.view;
  if (size === 8) view.setBigUint64(host, BigInt.asUintN(64, value), true);
  else if (size === 4) view.setUint32(host, Number(value & 0xffffffffn), true);
  else if (size === 2) view.setUint16(host, Number(value & 0xffffn), true);
  else for (let n = 0, rest = value; n < size; n++, rest >>= 8n) view.setUint8(host + n, Number(rest & 0xffn));
  if (core.word(RUN.commit) !== 0) commit(core);
} // oxfmt-ignore

export function readLinear(core: Core, address: bigint, size: number, by: By): bigint {
  core.setQuad(RUN.address, address);
  return readHere(core, size, by);
}

export function writeLinear(core: Core, address: bigint, size: number, value: bigint, by: By): void {
  core.setQuad(RUN.address, address);
  writeHere(core, size, value, by);
}

/** Reads 1, 2 or 4 bytes as a number. */
export function readLinear32(core: Core, address: bigint, size: 1 | 2 | 4, by: By): number {
  core.setQuad(RUN.address, address);
  const host = touch(core, size, "read", by, false);
  const view = core.view;
  return size === 4
    ? view.getUint32(host, true)
    : size === 2
      ? view.getUint16(host, true)
      : view.getUint8(host);
}

/** Reads two doublewords of the processor's own data (a descriptor, half a gate). */
export function readPair(core: Core, address: bigint): readonly [low: number, high: number] {
  core.setQuad(RUN.address, address);
  const host = touch(core, 8, "read", BY.processor, false);
  const view = core.view;
  return [view.getUint32(host, true), view.getUint32(host + 4, true)];
}

/** Checks that `size` bytes (at most a page) may be read or written, without doing it; with `aligned` also what EFLAGS.AC asks for, which comes first. */
export function probe(
  core: Core,
  address: bigint,
  size: number,
  write: boolean,
  by: By,
  aligned = false,
): void {
  core.setQuad(RUN.address, address);
  const lo = core.word(RUN.address);
  const hi = core.word(RUN.address + 4);
  if ((core.mode & MODE.codeSize) === 2 && !canonical(core, hi)) throw nonCanonical(core, false, 0);
  if (aligned && core.alignmentChecked && by === BY.user) checkAlignment(lo, size);
  lookup(core, lo, hi, write, by);
  if ((lo & 0xfff) + size > 4096) {
    const next = BigInt.asUintN(
      hi === 0 && (core.mode & MODE.codeSize) !== 2 ? 32 : 64,
      (address & ~0xfffn) + 4096n,
    );
    core.setQuad(RUN.address, next);
    lookup(core, core.word(RUN.address), core.word(RUN.address + 4), write, by);
  }
}
