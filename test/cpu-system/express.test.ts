/**
 * Deliveries and IRETQ by the short way against the long one: two processors in the same random state, one of them without TLB tags, so that it has to
 * take the long way. What comes out has to be the same.
 */
import { describe, expect, test } from "vitest";
import { FLAG } from "../../emulator/cpu/core.ts";
import { SEG, STATE, STATE_BYTES } from "../../emulator/cpu/layout.ts";
import { BY } from "../../emulator/cpu/system/paging.ts";
import { readLinear, writeLinear } from "../../emulator/cpu/system/access.ts";
import { interrupt } from "../../emulator/cpu/system/interrupt.ts";
import { physical } from "../../emulator/numbers.ts";
import { Random } from "../oracle/random.ts";
import { caught, Fixture, GDT, IDT, longMode, SELECTOR, shortly, TSS } from "./fixture.ts";

const SEED = Number(process.env["EXPRESS_SEED"] ?? 20260722);
const CASES = 3000;
const VECTOR = 0x21;

/** The pages everything lies on: tables, stacks. */
const PAGES = [0, 1, 2, 3, 0x60, 0x70, 0x80].map((page) => page * 4096);

/** What a case is made of, drawn once and put into both processors. */
function drawn(random: Random) {
  const mostly = <T>(usual: T, ...others: T[]): T => (random.oneIn(8) ? random.pick(others) : usual);
  const cpl = random.pick([0, 3] as const);
  return {
    cpl,
    flags: random.pick([0x202, 0x2, 0x3202, 0x40246, 0x4202, 0x10302, 0x240ad7]),
    descriptorHigh: mostly(0xaf9b00, 0xaf9a00, 0xaf9f00, 0xaffb00, 0xcf9b00, 0xaf1b00, 0xef9b00, 0xaf9300),
    access: mostly(0x8e, 0x8f, 0xee, 0xef, 0x0e, 0x85, 0x8c, 0x9e),
    ist: mostly(0, 1, 2, 7),
    selector: mostly(SELECTOR.code, SELECTOR.code3, SELECTOR.data, 0, 0x0c, 0xff8, SELECTOR.code + 3),
    offset: random.pick([0x100040, 0xfedcba98]),
    high: mostly(0, 0xffff8000, 0x12345678, 0x7fff),
    kind: random.pick(["fault", "external", "software", "nmi", "int3"] as const),
    errorCode: random.pick([null, 0, 6, 0x10]),
    rsp: mostly(0x80808n, 0x80810n, 0x80805n, 0x80fffn, 0x80ff0n, 0x80008n, 0x1_0000_0000n, 0x8000_0000_0000n),
    rsp0: mostly(0x70000n + 0xf00n, 0x70008n, 0x8000_0000_0000n, 0x9_9999_9999n),
    idtLimit: mostly(0xfff, VECTOR * 16 + 14, VECTOR * 16 + 15),
    tssLimit: mostly(0x67, 11, 10, 3),
    shift: mostly(0, 1, 4, 8),
    frame: {
      rip: random.pick([0x100020n, 0x1_0000_1234n]) + (mostly(0n, 1n << 50n) as bigint),
      cs: random.pick([SELECTOR.code, SELECTOR.code3, mostly(SELECTOR.code3, SELECTOR.data, SELECTOR.code16, 0, SELECTOR.absentCode)]),
      flags: BigInt(random.pick([0x202, 0x46, 0x10246, 0x4202, 0x203002, 0x20202, 0x240302])),
      rsp: random.pick([0x80800n, 0x1_2345_6789n, 0xffff_8000_0000_0000n]),
      ss: random.pick([SELECTOR.data, SELECTOR.data3, mostly(0, 3, SELECTOR.data1, SELECTOR.readOnly, SELECTOR.code3, SELECTOR.absent)]),
    },
  };
} // oxfmt-ignore
type Case = ReturnType<typeof drawn>;

/** The case in a processor; with `tags`, everything it will touch has TLB tags. */
function prepare(f: Fixture, c: Case, tags: boolean): Fixture {
  f.core.reset();
  for (const page of PAGES) f.guest.poke(physical(page), new Uint8Array(4096));
  const core = longMode(f, c.cpl);
  f.put32(GDT + SELECTOR.code + 4, c.descriptorHigh);
  core.idtr = { base: BigInt(IDT + c.shift), limit: c.idtLimit };
  f.gate(IDT + c.shift + VECTOR * 16, c.selector, c.offset, c.access, c.ist, c.high);
  core.setSegment(SEG.tr, {
    selector: SELECTOR.tss,
    base: BigInt(TSS),
    limit: c.tssLimit,
    attributes: 0x8b,
  });
  f.put64(TSS + 4, c.rsp0);
  core.setRflags(BigInt(c.flags));
  core.rsp = c.rsp;
  const words = [c.frame.rip, BigInt(c.frame.cs), c.frame.flags, c.frame.rsp, BigInt(c.frame.ss)];
  words.forEach((word, n) => {
    if (c.rsp < 0x90000n) f.put64(Number(c.rsp) + n * 8, word);
  });
  for (const page of PAGES) {
    writeLinear(core, BigInt(page + 8), 1, 0n, BY.system);
    if (c.cpl === 3) caught(() => readLinear(core, BigInt(page + 8), 1, BY.user));
  }
  if (!tags) core.dropFrames();
  return f;
}

const memoryOf = (f: Fixture): Buffer =>
  Buffer.concat(PAGES.map((page) => f.guest.readBytes(physical(page), 4096)));
const stateOf = (f: Fixture): Buffer => {
  // Flags are compared as the guest sees them.
  const { core } = f;
  const { eflags } = core;
  core.eflags = eflags;
  return Buffer.from(core.u8.slice(0, STATE_BYTES));
};

describe(`the short way is the long one (seed ${SEED})`, () => {
  test.each(["delivery", "IRETQ"])("%s", { timeout: 240_000 }, (what) => {
    const random = new Random(SEED + what.length);
    const [long, short] = [new Fixture(), new Fixture()];
    const counts = { done: 0, faulted: 0 };
    for (let n = 0; n < CASES; n++) {
      const c = drawn(random);
      prepare(long, c, false);
      prepare(short, c, true);
      const run = (f: Fixture): string => {
        if (what === "IRETQ") return shortly(f.execute("iret", { operandSize: 64 }));
        const rip = f.core.rip;
        const fault = caught(() => interrupt(f.core, VECTOR, c.errorCode, c.kind));
        if (fault !== null) f.core.rip = rip;
        return shortly(fault);
      };
      const expected = run(long);
      const found = run(short);
      const where = `case ${n}: ${JSON.stringify(c, (_, value: unknown) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value))}`;
      expect(found, where).toBe(expected);
      const [a, b] = [stateOf(long), stateOf(short)];
      if (Buffer.compare(a, b) !== 0) expect(`${where}: ${differences(b)}`).toBe(`${where}: ${differences(a)}`);
      if (Buffer.compare(memoryOf(long), memoryOf(short)) !== 0) expect.fail(`${where}: memories differ`);
      if (Buffer.compare(long.core.saveTlb(), short.core.saveTlb()) !== 0) expect(short.core.tlb(), where).toEqual(long.core.tlb());
      counts[expected === "none" ? "done" : "faulted"]++;
    }
    expect(counts.done, JSON.stringify(counts)).toBeGreaterThan(CASES / 8);
    expect(counts.faulted, JSON.stringify(counts)).toBeGreaterThan(CASES / 8);
  }); // oxfmt-ignore

  test("a tagged frame and table go the short way", () => {
    const random = new Random(1);
    const usual: Case = {
      ...drawn(random),
      cpl: 0,
      flags: FLAG.IF | 2,
      descriptorHigh: 0xaf9b00,
      access: 0x8e,
      ist: 0,
      selector: SELECTOR.code,
      offset: 0x100040,
      high: 0,
      errorCode: null,
      rsp: 0x80808n,
      idtLimit: 0xfff,
      tssLimit: 0x67,
      shift: 0,
    };
    const f = prepare(new Fixture(), usual, true);
    // The long way reads the gate through the memory model when its page has no tag; with tags, nobody is asked.
    let asked = 0;
    f.guest.frameForRead = () => ++asked && 0;
    f.guest.frameForWrite = () => ++asked && 0;
    interrupt(f.core, VECTOR, null, "external");
    expect(asked).toBe(0);
    expect(f.core.quad(STATE.rip)).toBe(0x100040n);
  });
});

/** The state's words that are not zero, to see what differs. */
const differences = (state: Buffer): string =>
  Array.from({ length: STATE_BYTES / 4 }, (_, n) => [n * 4, state.readUInt32LE(n * 4)] as const)
    .filter(([, value]) => value !== 0)
    .map(([at, value]) => `${at.toString(16)}=${value.toString(16)}`)
    .join(" ");
