/**
 * The MMU's emitted code against the TypeScript it stands for: two processors see the same random accesses and the same changes of tables, control
 * registers and tags; one refills by WebAssembly first. Outcome, memory and TLBs have to be equal at every step.
 */
import { describe, expect, test } from "vitest";
import { CR0, CR4, EFER, FLAG } from "../../emulator/cpu/core.ts";
import type { Core } from "../../emulator/cpu/core.ts";
import { FRAMES, ITLB, RUN, SCRATCH, SEG } from "../../emulator/cpu/layout.ts";
import { mmuFunctions } from "../../emulator/cpu/mmu/index.ts";
import { commit, slowModify, slowRead, slowWrite } from "../../emulator/cpu/system/access.ts";
import { translateCode } from "../../emulator/cpu/system/fetch.ts";
import { loadPdptes } from "../../emulator/cpu/system/paging.ts";
import {
  flushAll,
  flushNonGlobal,
  flushPcid,
  invalidatePage,
  switchPcid,
} from "../../emulator/cpu/system/tlb.ts";
import { physical } from "../../emulator/numbers.ts";
import { encodeModule } from "../../emulator/wasm/index.ts";
import { Random } from "../oracle/random.ts";
import { caught, DEVICE_PAGE, Fixture, shortly } from "./fixture.ts";

const SEED = Number(process.env["MMU_SEED"] ?? 20260711);
const STEPS = Number(process.env["MMU_STEPS"] ?? 6000);
/** Page number of the first of the tables, and how many there are. */
const TABLES = 0x100;
const TABLE_COUNT = 12;

const MODES = ["off", "32-bit", "PAE", "4-level", "5-level"] as const;
type Mode = (typeof MODES)[number];

interface Mmu {
  readonly refillRead: (linear: bigint, bytes: number) => number;
  readonly refillWrite: (linear: bigint, bytes: number) => number;
  readonly refillCode: (page: bigint) => number;
}

function mmuOver(wasm: WebAssembly.Memory): Mmu {
  const slow = ["slowRead", "slowWrite", "slowModify"];
  const signature = { params: ["i32"], result: "i32" } as const;
  const imports = slow.map((name) => ({ name, signature }));
  const bytes = encodeModule({ imports, functions: mmuFunctions(), table: [] });
  const host = { memory: wasm, ...Object.fromEntries(slow.map((name) => [name, () => 0])) };
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { host }).exports as unknown as Mmu;
}

type Kind = "read" | "write" | "modify" | "fetch";
const SLOW = { read: slowRead, write: slowWrite, modify: slowModify } as const;

/** One access in words: where it arrived, or its fault. `mmu` null: by TypeScript alone. */
function perform(f: Fixture, mmu: Mmu | null, kind: Kind, linear: bigint, bytes: number): string {
  const { core } = f;
  let outcome = "";
  const fault = caught(() => {
    if (kind === "fetch") {
      core.rip = linear;
      const page = linear & ~0xfffn;
      const entry = ITLB.base + (Number(page >> 12n) & (ITLB.entries - 1)) * ITLB.entryBytes;
      const isTagged = core.quad(entry + core.word(RUN.codeTags)) === page;
      if (mmu !== null && (isTagged || mmu.refillCode(page) !== 0)) {
        outcome = `fetch ${core.word(entry + ITLB.physicalLow) * 4096 + Number(linear & 0xfffn)}`;
      } else outcome = `fetch ${translateCode(core, linear)}`;
      return;
    }
    let host = 0;
    if (mmu !== null) host = kind === "read" ? mmu.refillRead(linear, bytes) : mmu.refillWrite(linear, bytes);
    if (host === 0) {
      core.setQuad(RUN.address, linear);
      host = SLOW[kind](core, bytes);
    } else core.setWord(RUN.commit, 0);
    const { u8 } = core;
    const place = host < FRAMES ? "scratch" : host;
    outcome = `${kind} ${place}: ${kind === "write" ? "" : u8.slice(host, host + bytes).join()}`;
    if (kind === "read") return;
    // A write finds in SCRATCH whatever the access before it left there.
    if (kind === "write" && host < FRAMES) u8.fill(0, host, host + bytes);
    // Sometimes what is written are paging structures: bits 2:1 of an entry change.
    for (let n = 0; n < bytes; n++) u8[host + n]! ^= n === 0 ? 6 : 0;
    if (core.word(RUN.commit) !== 0) commit(core);
  });
  return fault === null ? outcome : `${shortly(fault)} at ${fault.address ?? "-"}`;
}

/** Turns a mode on, with its root in the first table. */
function enter(f: Fixture, mode: Mode): void {
  const { core } = f;
  core.setCr0(CR0.PE);
  core.setEfer(0);
  const long = mode === "4-level" || mode === "5-level";
  core.setCr4(
    mode === "off" ? 0 : mode === "32-bit" ? CR4.PSE : CR4.PAE | (mode === "5-level" ? CR4.LA57 : 0),
  );
  core.setCr3(BigInt(TABLES * 4096));
  if (long) core.setEfer(EFER.LME | EFER.LMA | EFER.NXE);
  f.flat(SEG.cs, 8, long ? 0xa09b : 0xc09b);
  for (const n of [SEG.ss, SEG.ds, SEG.es]) f.flat(n, 16, 0xc093);
  if (mode !== "off") core.setCr0((CR0.PE | CR0.PG | CR0.WP) >>> 0);
  if (mode === "PAE") loadPdptes(core, TABLES * 4096);
}

const levelsOf = (mode: Mode): number => ({ off: 1, "32-bit": 2, PAE: 3, "4-level": 4, "5-level": 5 })[mode];

/** Tables belong to levels: the first is the root, the others are dealt out to the levels below. */
function levelOf(table: number, mode: Mode): number {
  const below = levelsOf(mode) - 1;
  return table === 0 || below === 0 ? levelsOf(mode) : below - ((table - 1) % below);
}

/** A random entry of a table: mostly present and usable, pointing at a table of the next level, at RAM, at the device or at nothing. */
function entryOf(random: Random, table: number, mode: Mode): bigint {
  const level = levelOf(table, mode);
  const next = Array.from({ length: TABLE_COUNT }, (_, other) => other).filter((other) => levelOf(other, mode) === level - 1);
  const ram = () => 0x200 + random.below(24);
  const isOdd = random.oneIn(24);
  const page = isOdd
    ? random.pick([DEVICE_PAGE, 0x8000, TABLES + random.below(TABLE_COUNT), ram()])
    : level > 1 && next.length > 0
      ? TABLES + random.pick(next)
      : random.oneIn(10)
        ? random.pick([DEVICE_PAGE, TABLES + random.below(TABLE_COUNT)])
        : ram();
  let entry = BigInt(page) << 12n;
  if (!random.oneIn(24)) entry |= 1n;
  if (mode === "PAE" && level === 3) return entry;
  entry |= BigInt(random.bits32() & 0x160);
  for (const bit of [2n, 4n]) if (!random.oneIn(6)) entry |= bit;
  if (random.oneIn(level === 2 || level === 3 ? 6 : 60)) {
    entry |= 0x80n;
    if (!random.oneIn(4)) entry &= ~0x3fe000n;
  }
  if (mode !== "32-bit" && random.oneIn(12)) entry |= 1n << 63n;
  if (mode !== "32-bit" && random.oneIn(100)) entry |= 1n << BigInt(40 + random.below(23));
  return entry;
} // oxfmt-ignore

/** The tables' slots that addresses reach. */
const slotsOf = (mode: Mode, table: number): readonly number[] =>
  mode === "PAE" && table === 0 ? [0, 1] : mode.endsWith("level") && table === 0 ? [0, 1, 510, 511] : [0, 1];

/** Addresses collide in the tables' few used entries, and in the TLB. */
function addressOf(random: Random, mode: Mode): bigint {
  const offset = BigInt(random.oneIn(10) ? 0xff8 + random.below(8) : random.below(0x1000));
  if (mode === "off") return (BigInt(random.pick([0x200, 0x201, DEVICE_PAGE, 0x600, 0x8000])) << 12n) | offset;
  let linear = 0n;
  const few = () => BigInt(random.below(2));
  if (mode === "32-bit") return (few() << 22n) | (few() << 12n) | offset;
  const levels = levelsOf(mode);
  for (let level = levels; level >= 1; level--)
    linear = (linear << 9n) | (few() + (level === levels && levels > 3 && random.oneIn(2) ? 510n : 0n));
  linear = (linear << 12n) | offset;
  if (levels === 3) return linear & 0xffffffffn;
  const bits = levels === 4 ? 48 : 57;
  return random.oneIn(40) ? linear | (1n << 60n) : BigInt.asUintN(64, BigInt.asIntN(bits, linear));
} // oxfmt-ignore

/** One change that both processors make. */
function changeOf(random: Random, mode: Mode): (f: Fixture) => void {
  const long = mode === "4-level" || mode === "5-level";
  const table = random.below(TABLE_COUNT);
  const linear = addressOf(random, mode);
  const [lo, hi] = [Number(linear & 0xffffffffn), Number(linear >> 32n)];
  const changes: ((f: Fixture) => void)[] = [];
  const entry = entryOf(random, table, mode);
  const slot = random.pick(slotsOf(mode, table));
  for (let n = 0; n < 12; n++) changes.push((f) => putEntry(f, mode, table, slot, entry));
  const user = random.oneIn(2);
  const flag = random.oneIn(2) ? FLAG.AC : 0;
  for (let n = 0; n < 6; n++) changes.push((f) => f.flat(SEG.ss, user ? 3 : 0, 0xc093 | (user ? 0x60 : 0)));
  for (let n = 0; n < 4; n++) changes.push((f) => f.core.setRflags(BigInt(2 | flag)));
  const cr0 = CR0.PE | (mode === "off" ? 0 : CR0.PG) | (random.oneIn(2) ? CR0.WP : 0) | (random.oneIn(4) ? CR0.AM : 0);
  changes.push((f) => f.core.setCr0(cr0 >>> 0));
  const kept = mode === "5-level" ? CR4.PAE | CR4.LA57 : mode === "4-level" || mode === "PAE" ? CR4.PAE : 0;
  let cr4: number = kept;
  for (const bit of [CR4.PSE, CR4.PGE, CR4.SMEP, CR4.SMAP, ...(long ? [CR4.PCIDE] : [])]) if (random.oneIn(2)) cr4 |= bit;
  changes.push((f) => f.core.setCr4(cr4));
  const nx = random.oneIn(3) ? 0 : EFER.NXE;
  changes.push((f) => f.core.setEfer((f.core.efer & ~EFER.NXE) | nx));
  const pcid = random.below(3);
  for (let n = 0; n < 3; n++)
    changes.push((f) => {
      if ((f.core.cr4 & CR4.PCIDE) === 0) return;
      f.core.setQuad(0x1d0, BigInt(TABLES * 4096 + pcid));
      switchPcid(f.core);
    });
  changes.push((f) => flushNonGlobal(f.core));
  changes.push((f) => flushPcid(f.core, pcid));
  changes.push((f) => flushAll(f.core));
  for (let n = 0; n < 4; n++) changes.push((f) => invalidatePage(f.core, lo, hi, pcid === 0 ? null : pcid));
  const page = 0x200 + random.below(24);
  changes.push((f) => f.core.dropFrames());
  changes.push((f) => f.core.dropFrames("writes"));
  changes.push((f) => f.core.dropFrames("all", page));
  const marked = random.oneIn(2);
  const codePage = random.oneIn(3) ? TABLES + random.below(TABLE_COUNT) : page;
  changes.push((f) => {
    if (marked) f.codePages.add(codePage);
    else f.codePages.clear();
    f.core.dropCodePage(codePage);
  });
  const watches = random.below(3);
  changes.push((f) => f.core.watchPages(new Set(watches === 1 ? [linear & ~0xfffn] : []), new Set(watches === 2 ? [page] : [])));
  const dr = BigInt(random.pick([0, 0x1, 0x10001, 0x30001]));
  changes.push((f) => {
    f.core.setDr(0, linear);
    f.core.setDr(7, 0x400n | dr);
  });
  if (mode === "PAE") changes.push((f) => void loadPdptes(f.core, TABLES * 4096));
  return random.pick(changes);
} // oxfmt-ignore

function putEntry(f: Fixture, mode: Mode, table: number, slot: number, entry: bigint): void {
  const at = (TABLES + table) * 4096;
  if (mode === "32-bit") f.put32(at + slot * 4, Number(entry));
  else f.put64(at + slot * 8, entry);
}

const sameTlb = (a: Core, b: Core): boolean => Buffer.compare(a.saveTlb(), b.saveTlb()) === 0;
/** Tables and pages. */
const sameMemory = (a: Fixture, b: Fixture): boolean =>
  [
    [TABLES, TABLE_COUNT],
    [0x200, 24],
  ].every(([first, count]) => {
    const bytes = (f: Fixture) => f.guest.readBytes(physical(first! * 4096), count! * 4096);
    return Buffer.compare(bytes(a), bytes(b)) === 0;
  });

describe(`refills in WebAssembly are those of TypeScript (seed ${SEED})`, () => {
  test.each(MODES)("paging: %s", { timeout: 240_000 }, (mode) => {
    const random = new Random(SEED + MODES.indexOf(mode));
    const plain = new Fixture();
    const fast = new Fixture();
    const mmu = mmuOver(fast.wasm);
    for (const f of [plain, fast]) {
      f.core.reportAccess = () => undefined;
      enter(f, mode);
    }
    const both = (change: (f: Fixture) => void) => [plain, fast].forEach(change);
    for (let table = 0; table < TABLE_COUNT; table++)
      for (const slot of slotsOf(mode, table)) {
        const entry = entryOf(random, table, mode);
        both((f) => putEntry(f, mode, table, slot, entry));
      }
    if (mode === "PAE") both((f) => void loadPdptes(f.core, TABLES * 4096));
    const counts: Record<string, number> = {};
    for (let step = 0; step < STEPS; step++) {
      if (random.oneIn(4)) both(changeOf(random, mode));
      const kind = random.pick(["read", "read", "write", "modify", "fetch"] as const);
      const linear = addressOf(random, mode);
      const bytes = random.pick([1, 2, 4, 8, 16]);
      const expected = perform(plain, null, kind, linear, bytes);
      const found = perform(fast, mmu, kind, linear, bytes);
      const where = `step ${step}: ${kind} ${bytes} at ${linear.toString(16)}`;
      if (found !== expected) expect(`${where}: ${found}`).toBe(`${where}: ${expected}`);
      if (!sameTlb(fast.core, plain.core)) {
        expect(fast.core.tlb(), where).toEqual(plain.core.tlb());
        expect.fail(`${where}: TLBs differ`);
      }
      const large = fast.core.word(RUN.largePages);
      if (large !== plain.core.word(RUN.largePages)) expect.fail(`${where}: GiBs with large pages differ`);
      if (step % 16 === 0 && !sameMemory(fast, plain)) expect.fail(`${where}: memories differ`);
      const outcome = expected.split(" ")[0]!;
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    expect(sameMemory(fast, plain)).toBe(true);
    // The test says something only if much of it was done by the code under test.
    const word = (offset: number) => fast.core.word(offset);
    const done = { tags: word(RUN.countTags), walks: word(RUN.countWalks), fetches: word(RUN.countCodeWalks), refusals: word(RUN.countRefusals) };
    expect(done.walks + done.tags, JSON.stringify({ counts, done })).toBeGreaterThan(STEPS / 20);
    expect(done.fetches, JSON.stringify({ counts, done })).toBeGreaterThan(STEPS / 40);
    expect(done.refusals).toBeGreaterThan(STEPS / 40);
    expect(Object.keys(counts).some((name) => name.startsWith("#14")) || mode === "off").toBe(true);
  }); // oxfmt-ignore
});

describe("what is left to TypeScript begins with the entries", () => {
  /** Maps linear pages to 0x200 and those after it, or to the device. */
  function mapped(mode: "32-bit" | "4-level", pages: readonly bigint[]): { f: Fixture; mmu: Mmu } {
    const f = new Fixture();
    const mmu = mmuOver(f.wasm);
    enter(f, mode);
    const [levels, bits] = mode === "32-bit" ? [2, 10n] : [4, 9n];
    let free = TABLES + 1;
    const put = (at: number, value: number) =>
      mode === "32-bit" ? f.put32(at, value) : f.put64(at, BigInt(value));
    for (const [n, page] of pages.entries()) {
      let table = TABLES;
      for (let level = levels; level >= 1; level--) {
        const index = Number(BigInt.asUintN(Number(bits), page >> (bits * BigInt(level - 1))));
        const at = table * 4096 + index * (mode === "32-bit" ? 4 : 8);
        if (level === 1) put(at, (page === DEVICE ? DEVICE_PAGE : 0x200 + n) * 4096 + 7);
        else if (f.get32(at) === 0) put(at, free++ * 4096 + 7);
        table = f.get32(at) >>> 12;
      }
    }
    for (let table = TABLES; table < free; table++) f.core.pages.frameForWrite(table);
    return { f, mmu };
  }
  /** The linear page that has the device. */
  const DEVICE = 0x40n;
  const cached = (f: Fixture) => f.core.tlb().map((entry) => Number(entry.linear >> 12n));
  const walks = (f: Fixture) => f.core.word(RUN.countWalks);
  const slow = (f: Fixture, kind: keyof typeof SLOW, linear: bigint, bytes: number) => {
    f.core.setQuad(RUN.address, linear);
    return caught(() => SLOW[kind](f.core, bytes));
  };

  test.each(["refillRead", "refillWrite"] as const)("%s of two pages", (refill) => {
    const { f, mmu } = mapped("4-level", [4n, 5n]);
    expect(mmu[refill](0x4ffcn, 8)).toBe(0);
    expect(cached(f)).toEqual([4, 5]);
    expect(walks(f)).toBe(2);
    expect(f.core.word(RUN.countTags)).toBe(0);
    const saved = f.core.saveTlb();
    const other = mapped("4-level", [4n, 5n]).f;
    expect(slow(other, refill === "refillRead" ? "read" : "write", 0x4ffcn, 8)).toBeNull();
    expect(saved).toEqual(other.core.saveTlb());
    expect(sameMemory(f, other)).toBe(true);
  });

  test("but two pages of RAM are read", () => {
    const { f, mmu } = mapped("4-level", [4n, 5n]);
    for (const bytes of [2, 4, 8, 10, 16])
      for (let first = 1; first < bytes; first++) {
        const linear = 0x5000n - BigInt(first);
        for (let n = -16; n < 16; n += 2) f.put16(0x201000 + n, bytes * 4096 + first * 256 + n);
        expect(slow(f, "read", linear, bytes)).toBeNull();
        const expected = f.core.u8.slice(SCRATCH, SCRATCH + bytes);
        const host = mmu.refillRead(linear, bytes);
        expect(host).not.toBe(0);
        expect(f.core.u8.slice(host, host + bytes)).toEqual(expected);
      }
    expect(mmu.refillWrite(0x4ffcn, 8)).toBe(0);
  });

  test("of two pages of which the second is not there", () => {
    const { f, mmu } = mapped("4-level", [4n]);
    expect(mmu.refillWrite(0x4ffcn, 8)).toBe(0);
    expect(cached(f)).toEqual([4]);
    const fault = slow(f, "write", 0x4ffcn, 8);
    expect(fault?.address).toBe(0x5000n);
  });

  test("of two pages of which the first is not there", () => {
    const { f, mmu } = mapped("4-level", [5n]);
    expect(mmu.refillRead(0x4ffcn, 8)).toBe(0);
    expect(cached(f)).toEqual([]);
  });

  test("of the last page before addresses wrap or are canonical no more", () => {
    const low = mapped("32-bit", [0xfffffn, 0n]);
    expect(low.mmu.refillRead(0xfffffffcn, 8)).toBe(0);
    expect(cached(low.f)).toEqual([]);
    const long = mapped("4-level", [0x7ffffffffn, 0x800000000n]);
    expect(long.mmu.refillRead(0x7fff_ffff_fffcn, 8)).toBe(0);
    expect(cached(long.f)).toEqual([]);
    expect(slow(long.f, "read", 0x7fff_ffff_fffcn, 8)?.vector).toBe(13);
    expect(cached(long.f)).toEqual([]);
  });

  test("of a device's page, and of one that nobody has lent yet", () => {
    const { f, mmu } = mapped("4-level", [4n, DEVICE]);
    for (const page of [4n, DEVICE]) expect(mmu.refillRead(page * 4096n, 4)).toBe(0);
    expect(cached(f)).toEqual([4, Number(DEVICE)]);
    expect(walks(f)).toBe(2);
    slow(f, "read", 0x4000n, 4);
    expect(mmu.refillRead(0x4000n, 4)).not.toBe(0);
    expect(mmu.refillRead(DEVICE * 4096n, 4)).toBe(0);
    expect(walks(f)).toBe(2);
  });
});
