/** Page walks against hand-made tables, and the rights matrix against the rules of SDM 3A 4.6.1 and 4.7 written down a second time. */
import { describe, expect, test } from "vitest";
import { CR0, CR4, EFER, FLAG } from "../../emulator/cpu/core.ts";
import type { Core } from "../../emulator/cpu/core.ts";
import { FRAMES, RUN, SEG, TLB } from "../../emulator/cpu/layout.ts";
import { slowModify, slowRead, slowWrite, commit } from "../../emulator/cpu/system/access.ts";
import { translateCode } from "../../emulator/cpu/system/fetch.ts";
import { flushAll } from "../../emulator/cpu/system/tlb.ts";
import { caught, DEVICE_PAGE, Fixture, shortly } from "./fixture.ts";

const ROOT = 0x100000;
const PHYSICAL = 0x234000;

type Paging = "32-bit" | "32-bit 4M" | "PAE" | "PAE 2M" | "4-level" | "4-level 2M" | "4-level 1G" | "5-level";

interface Entries {
  /** Guest-physical address of each entry from the root down, and its size. */
  readonly addresses: readonly number[];
  readonly bytes: 4 | 8;
  readonly linear: bigint;
  readonly physical: number;
}

const P = 1n;
const RW = 2n;
const US = 4n;
const PS = 0x80n;
const XD = 1n << 63n;

/** Turns paging on and maps one address; `rights` are those of the entries, from the root down (the last repeats). */
function map(f: Fixture, paging: Paging, rights: readonly bigint[], cr4 = 0, efer = 0, cr0: number = CR0.WP): Entries {
  const { core } = f;
  const right = (level: number) => rights[Math.min(level, rights.length - 1)]!;
  core.setCr3(BigInt(ROOT));
  if (paging.startsWith("32-bit")) {
    core.setCr4(cr4 | CR4.PSE);
    const linear = 0x00c34567;
    const large = paging === "32-bit 4M";
    f.put32(ROOT + (linear >>> 22) * 4, Number((large ? 0x400000n | PS : BigInt(ROOT + 0x1000)) | right(0)));
    const pte = ROOT + 0x1000 + ((linear >>> 12) & 0x3ff) * 4;
    f.put32(pte, Number(BigInt(PHYSICAL) | right(1)));
    core.setCr0((CR0.PE | CR0.PG | cr0) >>> 0);
    const pde = ROOT + (linear >>> 22) * 4;
    return large
      ? { addresses: [pde], bytes: 4, linear: BigInt(linear), physical: 0x400000 + (linear & 0x3fffff) }
      : { addresses: [pde, pte], bytes: 4, linear: BigInt(linear), physical: PHYSICAL + (linear & 0xfff) };
  }
  const pae = paging.startsWith("PAE");
  const linear = pae ? 0xc1634567n : 0xffff_8123_4567_8abcn;
  const index = (level: number) => Number((linear >> BigInt(12 + 9 * (level - 1))) & 0x1ffn);
  const top = pae ? 2 : paging === "5-level" ? 5 : 4;
  const leaf = paging.endsWith("2M") ? 2 : paging.endsWith("1G") ? 3 : 1;
  const addresses: number[] = [];
  let table = ROOT;
  if (pae) {
    f.put64(ROOT + Number(linear >> 30n) * 8, BigInt(ROOT + 0x1000) | P);
    table = ROOT + 0x1000;
  }
  for (let level = top, depth = 0; level >= leaf; level--, depth++) {
    const at = table + index(level) * 8;
    addresses.push(at);
    table += 0x1000;
    const target = level > leaf ? BigInt(table) : level === 1 ? BigInt(PHYSICAL) : level === 2 ? 0x400000n | PS : 0x40000000n | PS;
    f.put64(at, target | right(depth));
  }
  core.setCr4(cr4 | CR4.PAE | (paging === "5-level" ? CR4.LA57 : 0));
  core.setEfer(efer | (pae ? 0 : EFER.LME | EFER.LMA));
  core.setCr0((CR0.PE | CR0.PG | cr0) >>> 0);
  if (!pae) f.flat(SEG.cs, 8, 0xa09b);
  else for (let n = 0; n < 4; n++) core.setQuad(0x2b0 + n * 8, f.get64(ROOT + n * 8));
  const offset = [0, 0xfff, 0x1fffff, 0x3fffffff][leaf]!;
  const base = [0, PHYSICAL, 0x400000, 0x40000000][leaf]!;
  return { addresses, bytes: 8, linear, physical: base + Number(linear & BigInt(offset)) };
} // oxfmt-ignore

/** Makes accesses happen as if by code at this privilege. */
function privilege(f: Fixture, user: boolean): void {
  f.flat(SEG.ss, user ? 3 : 0, 0xc093 | (user ? 0x60 : 0));
}

type Kind = "read" | "write" | "fetch";

function access(core: Core, linear: bigint, kind: Kind): void {
  if (kind === "fetch") {
    translateCode(core, linear);
    return;
  }
  core.setQuad(RUN.address, linear);
  if (kind === "read") slowRead(core, 1);
  else slowWrite(core, 1);
}

const PAGINGS: readonly Paging[] = [
  "32-bit",
  "32-bit 4M",
  "PAE",
  "PAE 2M",
  "4-level",
  "4-level 2M",
  "4-level 1G",
  "5-level",
];

describe("translation", () => {
  test.each(PAGINGS)("%s finds the page, sets A and D, and walks the same for the debugger", (paging) => {
    const f = new Fixture();
    const at = map(f, paging, [P | RW | US]);
    const entry = (n: number) =>
      at.bytes === 4 ? BigInt(f.get32(at.addresses[n]!)) : f.get64(at.addresses[n]!);
    expect(f.core.translate(at.linear)).toBe(at.physical);
    const walk = f.core.explain(at.linear, 1, false);
    expect(walk).toMatchObject({ physical: at.physical, fault: null });
    expect(walk.steps.slice(-at.addresses.length).map((step) => step.address)).toEqual(at.addresses);
    expect(at.addresses.map((_, n) => entry(n) & 0x60n)).toEqual(at.addresses.map(() => 0n));
    access(f.core, at.linear, "read");
    expect(at.addresses.map((_, n) => entry(n) & 0x60n)).toEqual(at.addresses.map(() => 0x20n));
    access(f.core, at.linear, "write");
    const last = at.addresses.length - 1;
    expect(at.addresses.map((_, n) => entry(n) & 0x60n)).toEqual(
      at.addresses.map((_, n) => (n === last ? 0x60n : 0x20n)),
    );
    expect(translateCode(f.core, at.linear)).toBe(at.physical);
  });

  test("PSE-36 takes physical address bits 39:32 from bits 20:13", () => {
    const f = new Fixture();
    f.core.setCr3(BigInt(ROOT));
    f.core.setCr4(CR4.PSE);
    f.put32(ROOT + 4, 0x00c00000 | (0xa5 << 13) | 0x87);
    f.core.setCr0((CR0.PE | CR0.PG) >>> 0);
    expect(f.core.translate(0x00456789n)).toBe(0xa5 * 2 ** 32 + 0xc00000 + 0x56789);
    f.put32(ROOT + 4, 0x00e00087);
    expect(f.core.explain(0x00456789n).fault?.errorCode).toBe(9);
  });

  test.each(PAGINGS)("%s: each entry not present, and each reserved bit, gives its error code", (paging) => {
    const f = new Fixture();
    const at = map(f, paging, [P | RW | US], 0, EFER.NXE);
    const put = (n: number, value: bigint) => (at.bytes === 4 ? f.put32(at.addresses[n]!, Number(value)) : f.put64(at.addresses[n]!, value));
    at.addresses.forEach((address, n) => {
      const good = at.bytes === 4 ? BigInt(f.get32(address)) : f.get64(address);
      put(n, good & ~P);
      expect(f.core.explain(at.linear, 1, true).fault?.errorCode).toBe(6);
      const leaf = n === at.addresses.length - 1;
      for (const bit of reservedBits(paging, leaf, at.addresses.length - n)) {
        put(n, good | (1n << bit));
        expect(f.core.explain(at.linear, 0, false).fault?.errorCode, `bit ${bit}`).toBe(9);
      }
      put(n, good);
    });
    expect(f.core.explain(at.linear).fault).toBeNull();
  }); // oxfmt-ignore
});

/** SDM 3A tables 4-4 to 4-20 with MAXPHYADDR 40; `height` is 1 for the last level. */
function reservedBits(paging: Paging, leaf: boolean, height: number): bigint[] {
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => BigInt(from + n));
  if (paging === "32-bit") return [];
  if (paging === "32-bit 4M") return [21n];
  const bits = range(40, 51);
  if (paging.startsWith("PAE")) bits.push(...range(52, 62));
  if (leaf && paging.endsWith("2M")) bits.push(...range(13, 20));
  if (leaf && paging.endsWith("1G")) bits.push(...range(13, 29));
  const pml4 = { "4-level": 4, "4-level 2M": 3, "4-level 1G": 2, "5-level": 4 }[paging as string];
  if (pml4 !== undefined && height >= pml4) bits.push(7n);
  return bits;
}

describe("rights", () => {
  // Every combination of what the entries allow and what the registers demand, for a two-entry path (the rights of all entries count together).
  const bools = [false, true];
  test.each(["4-level", "PAE", "32-bit"] as const)("%s: 4.6.1 for every combination", (paging) => {
    const hasNx = paging !== "32-bit";
    let cases = 0;
    const f = new Fixture();
    for (const upperUs of bools) for (const leafUs of bools) for (const upperRw of bools) for (const leafRw of bools)
      for (const upperXd of hasNx ? bools : [false]) for (const leafXd of hasNx ? bools : [false])
        for (const nxe of hasNx ? bools : [false]) for (const wp of bools) for (const smep of bools) for (const smap of bools) {
          if ((upperXd || leafXd) && !nxe) continue;
          f.core.reset();
          const bits = (us: boolean, rw: boolean, xd: boolean) => P | (us ? US : 0n) | (rw ? RW : 0n) | (xd ? XD : 0n);
          const upper = bits(upperUs, upperRw, upperXd);
          const leaf = bits(leafUs, leafRw, leafXd);
          const full = P | RW | US;
          const rights = paging === "4-level" ? [full, upper, full, leaf] : [upper, leaf];
          const at = map(f, paging, rights, (smep ? CR4.SMEP : 0) | (smap ? CR4.SMAP : 0), nxe ? EFER.NXE : 0, wp ? CR0.WP : 0);
          for (const user of bools) for (const ac of bools) for (const kind of ["read", "write", "fetch"] as const) {
            privilege(f, user);
            f.core.setSystemFlag(FLAG.AC, ac);
            const fault = caught(() => access(f.core, at.linear, kind));
            const expected = rule({
              user, kind, ac, wp, smep, smap, nxe,
              userPage: upperUs && leafUs, writable: upperRw && leafRw, noExecute: upperXd || leafXd,
            });
            expect(shortly(fault), JSON.stringify({ upperUs, leafUs, upperRw, leafRw, upperXd, leafXd, nxe, wp, smep, smap, user, ac, kind }))
              .toBe(expected === null ? "none" : `#14(${expected})`);
            if (fault !== null) expect(fault.address).toBe(at.linear);
            cases++;
          }
        }
    expect(cases).toBeGreaterThan(1500);
  }); // oxfmt-ignore

  interface Situation {
    readonly user: boolean;
    readonly kind: Kind;
    readonly ac: boolean;
    readonly wp: boolean;
    readonly smep: boolean;
    readonly smap: boolean;
    readonly nxe: boolean;
    readonly userPage: boolean;
    readonly writable: boolean;
    readonly noExecute: boolean;
  }

  /** The error code by the sentences of 4.6.1 and 4.7, or null. */
  function rule(s: Situation): number | null {
    const allowed = ((): boolean => {
      const address = s.userPage ? "user-mode address" : "supervisor-mode address";
      switch (`${s.user ? "user-mode" : "supervisor-mode"} ${s.kind} ${address}`) {
        case "supervisor-mode read supervisor-mode address":
          return true;
        case "supervisor-mode read user-mode address":
          return !s.smap || s.ac;
        case "supervisor-mode write supervisor-mode address":
          return !s.wp || s.writable;
        case "supervisor-mode write user-mode address":
          return (!s.smap || s.ac) && (!s.wp || s.writable);
        case "supervisor-mode fetch supervisor-mode address":
          return !s.noExecute;
        case "supervisor-mode fetch user-mode address":
          return !s.smep && !s.noExecute;
        case "user-mode read user-mode address":
          return true;
        case "user-mode write user-mode address":
          return s.writable;
        case "user-mode fetch user-mode address":
          return !s.noExecute;
        default:
          return false;
      }
    })();
    if (allowed) return null;
    return (
      1 + (s.kind === "write" ? 2 : 0) + (s.user ? 4 : 0) + (s.kind === "fetch" && (s.nxe || s.smep) ? 16 : 0)
    );
  }
});

describe("the TLB", () => {
  const linear = 0x5000n;
  function paged(): { f: Fixture; pte: number } {
    const f = new Fixture();
    f.core.setCr3(BigInt(ROOT));
    f.put32(ROOT, (ROOT + 0x1000) | 7);
    for (let n = 0; n < 1024; n++) f.put32(ROOT + 0x1000 + n * 4, (n * 4096) | 7);
    f.core.setCr0((CR0.PE | CR0.PG | CR0.WP) >>> 0);
    return { f, pte: ROOT + 0x1000 + 5 * 4 };
  }
  const physicalOf = (f: Fixture, address: bigint): number => {
    f.core.setQuad(RUN.address, address);
    return slowRead(f.core, 1) - (FRAMES + 4096);
  };

  test("a stale entry stays until INVLPG, a CR3 load, or a fault", () => {
    const { f, pte } = paged();
    expect(physicalOf(f, linear)).toBe(0x5000);
    f.put32(pte, 0x7007);
    expect(physicalOf(f, linear)).toBe(0x5000);
    f.core.effective = linear;
    expect(f.execute("invlpg")).toBeNull();
    expect(physicalOf(f, linear)).toBe(0x7000);
    f.put32(pte, 0x8007);
    f.core.setGpr(0, BigInt(ROOT));
    expect(f.execute("mov_cr_r", { reg: 3, rm: 0 })).toBeNull();
    expect(physicalOf(f, linear)).toBe(0x8000);
    // Cached read-only, then made writable without INVLPG: the write walks again.
    f.put32(pte, 0x8005);
    f.execute("invlpg");
    expect(physicalOf(f, linear)).toBe(0x8000);
    f.put32(pte, 0x9007);
    access(f.core, linear, "write");
    expect(physicalOf(f, linear)).toBe(0x9000);
  });

  test("global pages survive a CR3 load and not INVLPG", () => {
    const { f, pte } = paged();
    f.core.setCr4(CR4.PGE);
    f.put32(pte, 0x5107);
    expect(physicalOf(f, linear)).toBe(0x5000);
    f.put32(pte, 0x7107);
    f.core.setGpr(0, BigInt(ROOT));
    f.execute("mov_cr_r", { reg: 3, rm: 0 });
    expect(physicalOf(f, linear)).toBe(0x5000);
    f.core.effective = linear;
    f.execute("invlpg");
    expect(physicalOf(f, linear)).toBe(0x7000);
  });

  test("INVLPG looks for pieces of large pages where there may be some: in their GiB", () => {
    const { f } = paged();
    f.core.setCr4(CR4.PSE);
    for (const directory of [0x200, 0x201, 0x300]) f.put32(ROOT + directory * 4, 0x400000 | 0x87);
    const inNext = 0x80400000n;
    const pieces = [0x80001000n, 0x80002000n];
    const other = 0xc0003000n;
    const bits = (core: Core) => core.word(RUN.largePages);
    const cached = () => f.core.tlb().map((entry) => BigInt(entry.linear));
    access(f.core, linear, "read");
    expect(bits(f.core)).toBe(0);
    access(f.core, pieces[0]!, "read");
    access(f.core, pieces[1]!, "fetch");
    expect(bits(f.core)).toBe(1 << 2);
    access(f.core, other, "fetch");
    expect(bits(f.core)).toBe(((1 << 2) | (1 << 3)) >>> 0);
    f.core.loadTlb(f.core.saveTlb());
    expect(bits(f.core)).toBe(((1 << 2) | (1 << 3)) >>> 0);
    f.core.setWord(RUN.largePages, 1 << 3);
    f.core.effective = inNext;
    f.execute("invlpg");
    expect(cached()).toEqual([pieces[0]!, linear, pieces[1]!, other]);
    f.core.setWord(RUN.largePages, (1 << 2) | (1 << 3));
    f.execute("invlpg");
    expect(cached()).toEqual([linear, other]);
    flushAll(f.core);
    expect(bits(f.core)).toBe(0);
  });

  test("saved and loaded, it answers the same, with the tags gone; saving again gives the same bytes", () => {
    const { f, pte } = paged();
    physicalOf(f, linear);
    physicalOf(f, 0x3000n);
    translateCode(f.core, 0x6000n);
    const saved = f.core.saveTlb();
    f.put32(pte, 0x7007);
    f.core.loadTlb(saved);
    expect(f.core.u32[(TLB.base + 5 * TLB.entryBytes) >>> 2]).toBe(0xffffffff);
    expect(physicalOf(f, linear)).toBe(0x5000);
    expect(f.core.u32[(TLB.base + 5 * TLB.entryBytes) >>> 2]).toBe(0x5000);
    expect(f.core.saveTlb()).toEqual(saved);
    expect(f.core.tlb().map((entry) => [entry.kind, entry.linear, entry.physical])).toEqual([
      ["data", 0x3000n, 0x3000],
      ["data", 0x5000n, 0x5000],
      ["instruction", 0x6000n, 0x6000],
    ]);
  });

  test("tags: read at once, write only when dirty; dropFrames forgets them and nothing else", () => {
    const { f } = paged();
    const tag = (offset: number) => f.core.u64[(TLB.base + 5 * TLB.entryBytes + offset) >>> 3];
    const NONE = 0xffffffffffffffffn;
    physicalOf(f, linear);
    expect([tag(TLB.readSystem), tag(TLB.writeSystem), tag(TLB.readUser), tag(TLB.writeUser)]).toEqual([
      0x5000n,
      NONE,
      0x5000n,
      NONE,
    ]);
    access(f.core, linear, "write");
    expect([tag(TLB.writeSystem), tag(TLB.writeUser)]).toEqual([0x5000n, 0x5000n]);
    f.core.dropFrames();
    expect([tag(TLB.readSystem), tag(TLB.writeUser)]).toEqual([NONE, NONE]);
    f.core.watchPages(new Set([linear]), new Set());
    const heard: unknown[] = [];
    f.core.reportAccess = (event) => heard.push(event);
    f.core.setQuad(RUN.address, linear + 8n);
    slowWrite(f.core, 4);
    expect(tag(TLB.writeSystem)).toBe(NONE);
    expect(heard).toEqual([{ linear: linear + 8n, physical: 0x5008, size: 4, write: true }]);
  });

  test("PCIDs keep their entries apart; INVPCID drops what it says", () => {
    const f = new Fixture();
    const at = map(f, "4-level", [P | RW | US]);
    const { core } = f;
    const second = ROOT + 0x40000;
    for (let n = 0; n < 4; n++) {
      const from = at.addresses[n]!;
      const to = from + 0x40000;
      const target = n === 3 ? 0x777000n : BigInt(second + (n + 1) * 0x1000);
      f.put64(to, target | 7n);
    }
    core.setGpr(0, BigInt(CR4.PAE | CR4.PCIDE));
    expect(f.execute("mov_cr_r", { reg: 4, rm: 0 })).toBeNull();
    const load = (value: bigint) => {
      core.setGpr(0, value);
      expect(f.execute("mov_cr_r", { reg: 3, rm: 0 })).toBeNull();
    };
    const KEEP = 1n << 63n;
    const page = () => {
      core.setQuad(RUN.address, at.linear);
      return (slowRead(core, 1) - FRAMES - 4096) & ~0xfff;
    };
    load(BigInt(ROOT + 1));
    expect(page()).toBe(PHYSICAL);
    load(BigInt(second + 2) | KEEP);
    expect(core.cr3).toBe(BigInt(second + 2));
    expect(page()).toBe(0x777000);
    load(BigInt(ROOT + 1) | KEEP);
    expect(page()).toBe(PHYSICAL);
    f.put64(at.addresses[3]!, 0x555000n | 7n);
    expect(page()).toBe(PHYSICAL);
    // INVPCID type 1 of another PCID leaves it, of this one drops it.
    const descriptor = 0x3000;
    f.put64(TEST_TABLE_PAGE(f, at), BigInt(descriptor) | 7n);
    const invpcid = (type: bigint, pcid: bigint) => {
      core.setGpr(1, type);
      f.put64(descriptor, pcid);
      f.put64(descriptor + 8, at.linear);
      core.effective = (at.linear & ~0xfffn) + 0x1000n;
      return f.execute("invpcid", { reg: 1, addressSize: 64 });
    };
    expect(invpcid(1n, 2n)).toBeNull();
    expect(page()).toBe(PHYSICAL);
    expect(invpcid(0n, 1n)).toBeNull();
    expect(page()).toBe(0x555000);
    expect(shortly(invpcid(4n, 0n))).toBe("#13(0)");
    expect(shortly(invpcid(1n, 0x1000n))).toBe("#13(0)");
  });

  /** PTE of the page after the mapped one. */
  const TEST_TABLE_PAGE = (_f: Fixture, at: Entries) => at.addresses[3]! + 8;
});

describe("the slow path", () => {
  test("an access across two pages is checked on both before anything is written", () => {
    const f = new Fixture();
    f.core.setCr3(BigInt(ROOT));
    f.put32(ROOT, (ROOT + 0x1000) | 7);
    f.put32(ROOT + 0x1000 + 4 * 4, 0x4007);
    f.core.setCr0((CR0.PE | CR0.PG | CR0.WP) >>> 0);
    f.put32(0x4ffc, 0x11111111);
    const write = (address: bigint, size: number, value: bigint) => caught(() => f.core.writeLinear(address, size, value));
    const fault = write(0x4ffcn, 8, 0x8877665544332211n);
    expect([shortly(fault), fault?.address]).toEqual(["#14(2)", 0x5000n]);
    expect(f.get32(0x4ffc)).toBe(0x11111111);
    f.put32(ROOT + 0x1000 + 5 * 4, 0x9007);
    expect(write(0x4ffcn, 8, 0x8877665544332211n)).toBeNull();
    expect([f.get32(0x4ffc), f.get32(0x9000)]).toEqual([0x44332211, 0x88776655]);
    expect(f.core.readLinear(0x4ffcn, 8)).toBe(0x8877665544332211n);
    expect(f.core.readLinear(0x4ffbn, 10)).toBe(0x887766554433221100n);
  }); // oxfmt-ignore

  test("a device is read and written in the sizes of the access", () => {
    const f = new Fixture();
    const address = BigInt(DEVICE_PAGE * 4096 + 4);
    expect(f.core.readLinear(address, 2)).toBe(0x0404n);
    f.core.writeLinear(address, 8, 0x1122334455667788n);
    f.core.setQuad(RUN.address, address);
    const host = slowModify(f.core, 1);
    f.core.u8[host]! ^= 0xff;
    commit(f.core);
    expect(f.accesses).toEqual([
      { offset: 4, size: 2, value: 0, write: false },
      { offset: 4, size: 4, value: 0x55667788, write: true },
      { offset: 8, size: 4, value: 0x11223344, write: true },
      { offset: 4, size: 1, value: 0, write: false },
      { offset: 4, size: 1, value: 0xfb, write: true },
    ]);
  });

  test("a page with code is written through the bus", () => {
    const f = new Fixture();
    f.guest.markCode(5);
    f.core.writeLinear(0x5004n, 4, 0xdeadbeefn);
    expect(f.codeWrites).toEqual([{ page: 5, offset: 4, length: 4 }]);
    expect(f.get32(0x5004)).toBe(0xdeadbeef);
  });

  test("alignment is checked at CPL 3 with AM and AC", () => {
    const f = new Fixture();
    f.core.setCr0(CR0.PE | CR0.AM);
    privilege(f, true);
    const read = (address: bigint, size: number) => {
      f.core.setQuad(RUN.address, address);
      return shortly(caught(() => slowRead(f.core, size)));
    };
    expect(read(0x5001n, 4)).toBe("none");
    f.core.setRflags(BigInt(FLAG.AC));
    expect([read(0x5001n, 4), read(0x5002n, 4), read(0x5002n, 2), read(0x5004n, 8), read(0x5008n, 10)]).toEqual([
      "#17(0)", "#17(0)", "none", "#17(0)", "none",
    ]);
    expect(f.core.u32[(TLB.base + 5 * TLB.entryBytes + TLB.readUser) >>> 2]).toBe(0xffffffff);
    privilege(f, false);
    expect(read(0x5001n, 4)).toBe("none");
  }); // oxfmt-ignore

  test("addresses that are not canonical are #GP, through the stack #SS", () => {
    const f = new Fixture();
    map(f, "4-level", [P | RW | US]);
    const read = (address: bigint, size: number) => {
      f.core.setQuad(RUN.address, address);
      return shortly(caught(() => slowRead(f.core, size)));
    };
    expect(read(0x8000_0000_0000n, 1)).toBe("#13(0)");
    expect(read(0x7fff_ffff_fffcn, 8)).toBe("#13(0)");
    expect(read(0x8000_0000_0000n, 0x108)).toBe("#12(0)");
    expect(read(0xffff_7fff_ffff_ffffn, 1)).toBe("#13(0)");
    expect(read(0xffff_8000_0000_0000n, 1)).toBe("#14(0)");
  });

  test("the guest's data breakpoints are noticed where they overlap an access", () => {
    const f = new Fixture();
    f.core.setDr(0, 0x5004n);
    f.core.setDr(1, 0x5006n);
    // DR0: 4 bytes, writes; DR1: 1 byte, reads and writes.
    f.core.setDr(7, 0x400n | 1n | 4n | (0xdn << 16n) | (0x3n << 20n));
    f.core.readLinear(0x5006n, 1);
    expect(f.core.pendingDebug).toBe(2);
    f.core.pendingDebug = 0;
    f.core.writeLinear(0x5003n, 2, 0n);
    expect(f.core.pendingDebug).toBe(1);
  });
});
