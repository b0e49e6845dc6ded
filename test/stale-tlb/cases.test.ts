/** What is a stale use and what is not, one case after the other; who is named; and what a stop, DMA, another CPU and a restored state make of it. */
import { describe, expect, it } from "vitest";
import { physical, WATCH, type Machine, type StaleUse, type StopReason } from "../../emulator/index.ts";
import { expectEqualStates } from "../machine/equality.ts";
import {
  cr4Of,
  entryBytes,
  FRAMES,
  MODES,
  operationOf,
  poke,
  ROOT,
  run,
  start,
  TABLES,
  type Mode,
  type Operation,
} from "./operations.ts";

const TABLE = TABLES + 0x8000;
const OTHER = TABLES + 0x9000;
const P = 1n;
const RW = 2n;
const US = 4n;
const A = 0x20n;
const D = 0x40n;
const G = 0x100n;
const FIRST = BigInt(FRAMES);
const SECOND = BigInt(FRAMES + 0x1000);

/** A page of the area, and where its entries are. */
interface Place {
  readonly page: bigint;
  readonly entry: number;
  readonly directory: number;
}

const place = (mode: Mode): Place => {
  const bytes = entryBytes(mode);
  // With 32-bit paging and PAE in the root's own directories, in 64-bit mode in the identity map's.
  const directories = mode === "32-bit" ? ROOT : ROOT + 0x2000;
  const index = 0x100;
  const shift = mode === "32-bit" ? 22n : 21n;
  return { page: (BigInt(index) << shift) + 0x40000n, entry: TABLE + 0x40 * bytes, directory: directories + index * bytes };
}; // oxfmt-ignore

/** The area's page mapped by a table, to the first frame. */
function prepare(machine: Machine, mode: Mode, leaf = FIRST | RW | P): Machine {
  const bytes = entryBytes(mode);
  const { entry, directory } = place(mode);
  poke(machine, directory, BigInt(TABLE) | RW | US | P, bytes);
  poke(machine, entry, leaf, bytes);
  return machine;
}

const perform = (mode: Mode, list: readonly Operation[], leaf?: bigint) => {
  const machine = prepare(start({ mode }, [list]), mode, leaf);
  return { machine, found: run(machine) };
};

const at = (mode: Mode) => {
  const { page, entry, directory } = place(mode);
  const store = (address: number, value: bigint): Operation => ({
    kind: "store",
    at: BigInt(address),
    value,
  });
  return {
    page,
    entry,
    read: { kind: "read", at: page },
    write: { kind: "write", at: page },
    fetch: { kind: "fetch", at: page },
    invlpg: { kind: "invlpg", at: page },
    reload: { kind: "cr3", value: BigInt(ROOT) },
    change: (value: bigint) => store(entry, value),
    direct: (value: bigint) => store(directory, value),
  } as const;
};

describe.each(MODES)("%s paging", { timeout: 120_000 }, (mode) => {
  const o = at(mode);

  it("another frame: reported with both instructions", () => {
    const { found } = perform(mode, [o.read, o.change(SECOND | RW | P), o.read]);
    expect(found).toHaveLength(1);
    const [{ operation, use }] = found as unknown as [{ operation: number; use: StaleUse }];
    expect(operation).toBe(2);
    expect(use).toMatchObject({
      linear: o.page,
      access: "read",
      isUser: false,
      cached: { page: FRAMES },
      changes: [
        { address: o.entry, by: "instruction", cpu: 0, before: FIRST | RW | P | A, after: SECOND | RW | P },
      ],
      root: null,
    });
    expect(use.now.physical).toBe(FRAMES + 0x1000);
    expect(use.was?.physical).toBe(FRAMES);
    expect(use.now.steps.at(-1)?.address).toBe(o.entry);
    expect(use.changes[0]!.instant).toBeLessThan(use.instant);
  });

  it.each([
    ["INVLPG", [o.invlpg]],
    ["CR3 written", [o.reload]],
    ["CR4.PGE changed", [{ kind: "cr4", value: BigInt(cr4Of(mode) ^ 0x80) } as const]],
  ])("nothing after %s", (_, between) => {
    expect(perform(mode, [o.read, o.change(SECOND | RW | P), ...between, o.read]).found).toEqual([]);
  });

  it("a global page survives a write of CR3", () => {
    const { found } = perform(
      mode,
      [o.read, o.change(SECOND | G | P), o.reload, o.read, o.invlpg, o.read],
      FIRST | G | P,
    );
    expect(found.map(({ operation }) => operation)).toEqual([3]);
  });

  it.each<[string, bigint, bigint]>([
    ["accessed and dirty bits", FIRST | RW | P | A | D, FIRST | RW | P],
    ["ignored bits", FIRST | RW | P, FIRST | RW | P | (7n << 9n)],
    ["caching", FIRST | RW | P, FIRST | RW | P | 0x18n],
    ["a right that is given", FIRST | P, FIRST | RW | P],
    ["global", FIRST | RW | P, FIRST | RW | P | G],
    ["nothing", FIRST | RW | P, FIRST | RW | P],
  ])("no change that counts: %s", (_, before, after) => {
    const list = [o.read, o.write, o.fetch, o.change(after), o.read, o.write, o.fetch];
    expect(perform(mode, list, before).found).toEqual([]);
  });

  it("a page that was not there needs no invalidation", () => {
    expect(perform(mode, [o.read, o.change(SECOND | RW | P), o.read, o.write], 0n).found).toEqual([]);
  });

  it("a right that is taken concerns only accesses that need it", () => {
    const { found } = perform(mode, [o.write, o.change(FIRST | P), o.read, o.read, o.write, o.write]);
    expect(found.map(({ operation }) => operation)).toEqual([4]);
    const [{ use }] = found as unknown as [{ use: StaleUse }];
    expect(use.now.fault?.why).toContain("read-only");
    expect(use.changes).toMatchObject([{ address: o.entry }]);
  });

  it("a right that is taken costs the accesses that do not need it nothing", () => {
    const many = <T>(each: T): T[] => Array.from({ length: 2000 }, () => each);
    const { machine, found } = perform(mode, [
      o.write,
      o.fetch,
      o.change(FIRST | P),
      ...many(o.read),
      ...many(o.fetch),
    ]);
    expect(found).toEqual([]);
    // Slow once, or each time.
    expect(machine.statistics().processor.memory["handled in TypeScript"]).toBeLessThan(1000);
    expect(machine.statistics().processor.exits["no trace known"]).toBeLessThan(1000);
  });

  it("a page that is taken away", () => {
    const { found } = perform(mode, [o.fetch, o.read, o.change(0n), o.fetch, o.read]);
    expect(found.map(({ operation, use }) => [operation, use.access, use.now.physical])).toEqual([
      [3, "fetch", null],
      [4, "read", null],
    ]);
  });

  it("another table: the entry above is named", () => {
    const { machine, found } = perform(mode, [
      o.read,
      { kind: "store", at: BigInt(OTHER + (o.entry - TABLE)), value: SECOND | RW | P },
      o.direct(BigInt(OTHER) | RW | P),
      o.read,
    ]);
    expect(found.map(({ operation }) => operation)).toEqual([3]);
    const [{ use }] = found as unknown as [{ use: StaleUse }];
    const step = use.now.steps.find(({ address }) => address === use.changes[0]?.address);
    expect(step?.level).toBe("PDE");
    expect(machine.debug.tableWriter(physical(step!.address))).toEqual(use.changes[0]);
  });

  it("each change is told once, and the next one again", () => {
    const { found } = perform(mode, [
      o.read,
      o.change(SECOND | P),
      o.read,
      o.read,
      o.change(BigInt(FRAMES + 0x2000) | P),
      o.read,
      o.read,
      // Back to what is cached: nothing is wrong any more.
      o.change(FIRST | P),
      o.read,
    ]);
    expect(found.map(({ operation }) => operation)).toEqual([2, 5]);
  });

  it("a table that became something else is none", () => {
    const { page, entry } = o;
    const { machine, found } = perform(mode, [
      o.read,
      o.direct(0n),
      o.invlpg,
      { kind: "clear", at: BigInt(TABLE) },
      { kind: "store", at: BigInt(entry), value: SECOND | P },
      { kind: "invlpg", at: page },
    ]);
    expect(found).toEqual([]);
    expect(machine.debug.tableWriter(physical(entry))).toBeNull();
  });

  it("DMA changes entries, too", () => {
    const machine = prepare(start({ mode }, [[o.read, { kind: "wait", at: FIRST + 0x3000n, value: 0x77n }, o.read]]), mode); // oxfmt-ignore
    const found: StaleUse[] = [];
    machine.debug.addEvent(1, WATCH.staleTlb, (event) => {
      if (event.kind === "stale-tlb") found.push(event.use);
      return false;
    });
    machine.run({ instants: 500 });
    const bytes = new Uint8Array(entryBytes(mode));
    new DataView(bytes.buffer).setUint32(0, Number(SECOND | P), true);
    machine.memory.writeBytes(physical(o.entry), bytes);
    machine.memory.writeBytes(physical(Number(FIRST) + 0x3000), Uint8Array.of(0x77));
    expect(machine.run({ instants: 10_000 }).kind).toBe("dead");
    expect(found).toMatchObject([{ changes: [{ by: "other", address: o.entry, after: null }] }]);
  });
});

describe("stops", { timeout: 120_000 }, () => {
  const mode = "4-level";
  const o = at(mode);
  const stopping = (machine: Machine): void =>
    machine.debug.addEvent(7, WATCH.staleTlb, (event) => event.kind === "stale-tlb");
  const event = (stop: StopReason): StaleUse => {
    if (stop.kind !== "event" || stop.event.kind !== "stale-tlb") throw new Error(`a stop: ${stop.kind}`);
    return stop.event.use;
  };

  it.each(["early", "off", "forced"] as const)(
    "after a read, before a fetch (translator %s)",
    (translator) => {
      const list = [o.read, o.fetch, o.change(SECOND | RW | P), o.read, o.fetch];
      const machine = prepare(start({ mode, translator }, [list]), mode);
      stopping(machine);
      const [core] = machine.cpus as [Machine["cpus"][number]];
      const read = machine.run({ instants: 1e5 });
      expect(event(read).access).toBe("read");
      expect(operationOf(core)).toBe(3);
      // DL has been read: RET.
      expect(core.gpr(2) & 0xffn).toBe(0xc3n);
      const fetch = machine.run({ instants: 1e5, resume: true });
      expect(event(fetch).access).toBe("fetch");
      expect(core.rip).toBe(o.page);
      expect(event(fetch).instant).toBe(machine.instant);
      expect(machine.run({ instants: 1e5, resume: true }).kind).toBe("dead");
    },
  );

  it("code that takes its own page away is found at the next instruction", () => {
    // The second frame has the same bytes, so the guest goes on as before.
    const code = 0x100n;
    const table = TABLES + 0xa000;
    const entries = { directory: ROOT + 0x2000, code: table + Number(code) * 8 };
    const list: Operation[] = [
      { kind: "store", at: BigInt(entries.code), value: 0x600000n | RW | P },
      { kind: "read", at: FIRST },
    ];
    const machine = start({ mode }, [list]);
    machine.memory.poke(physical(0x600000), machine.memory.readBytes(physical(0x100000), 4096));
    for (let n = 0n; n < 512n; n++) poke(machine, table + Number(n) * 8, (n << 12n) | RW | P);
    poke(machine, entries.directory, BigInt(table) | RW | P);
    stopping(machine);
    const use = event(machine.run({ instants: 1e5 }));
    expect(use).toMatchObject({
      access: "fetch",
      cached: { page: 0x100000 },
      changes: [{ address: entries.code }],
    });
    expect(operationOf(machine.cpus[0]!)).toBe(0);
    expect(use.instant - use.changes[0]!.instant).toBeLessThanOrEqual(1);
    machine.debug.clear();
    expect(machine.run({ instants: 1e5, resume: true }).kind).toBe("dead");
  });

  it("a state that is loaded, and a filter that comes late, find what was changed before", () => {
    const list = [o.read, o.change(SECOND | RW | P), o.read];
    for (const isLoaded of [false, true]) {
      const first = prepare(start({ mode }, [list]), mode);
      const [core] = first.cpus as [Machine["cpus"][number]];
      while (operationOf(core) < 1) first.run({ instants: 1 });
      while (operationOf(core) < 2) first.run({ instants: 1 });
      const machine = isLoaded ? start({ mode }, [[]]) : first;
      stopping(machine);
      if (isLoaded) machine.load({ ...first.save(), config: machine.config });
      expect(event(machine.run({ instants: 1e5 }))).toMatchObject({ access: "read", changes: [], was: null });
      expect(machine.run({ instants: 1e5, resume: true }).kind).toBe("dead");
    }
  });

  it("going back and forth ends in the same state", () => {
    const list = [
      o.read,
      o.fetch,
      o.change(SECOND | RW | P),
      o.read,
      o.fetch,
      o.write,
      o.invlpg,
      o.write,
      o.read,
    ];
    const plain = prepare(start({ mode }, [list]), mode);
    const watched = prepare(start({ mode }, [list]), mode);
    watched.debug.addEvent(1, WATCH.staleTlb, () => false);
    watched.debug.recordsTables = true;
    for (let n = 0; n < 24; n++) {
      expect(watched.run({ instants: 4 })).toEqual(plain.run({ instants: 4 }));
      const state = watched.save();
      expectEqualStates(plain.save(), state);
      if (n % 7 === 3) watched.load(state);
    }
  });
});

describe("without a detector", { timeout: 120_000 }, () => {
  it("the end of a slice fills no TLB for what comes after it, whatever the caches know", () => {
    const mode = "4-level";
    const { page } = place(mode);
    const list: Operation[] = [0n, 1n, 2n, 3n].map((n) => ({ kind: "fetch", at: page + n * 4096n }));
    const make = (): Machine => {
      const machine = prepare(start({ mode }, [list]), mode);
      for (let n = 0; n < 4; n++) poke(machine, TABLE + (0x40 + n) * 8, FIRST | RW | P);
      return machine;
    };
    // The second CALL is the 16th instruction.
    const plain = make();
    plain.run({ instants: 16 });
    expect(plain.cpus[0]!.rip).toBe(page + 4096n);
    const other = make();
    for (let n = 0; n < 16; n++) {
      other.run({ instants: 1 });
      other.load(other.save());
    }
    expectEqualStates(plain.save(), other.save());
  });
});

describe("who wrote an entry", { timeout: 120_000 }, () => {
  const mode = "4-level";
  const o = at(mode);

  it("is recorded of all tables that can be reached, from when one is linked", () => {
    const other = OTHER + (o.entry - TABLE);
    const list = [
      o.change(SECOND | RW | P),
      o.direct(BigInt(OTHER) | RW | P),
      { kind: "store", at: BigInt(other), value: FIRST | P },
      o.change(FIRST | P),
    ] as const;
    const machine = prepare(start({ mode }, [list]), mode);
    expect(machine.debug.tableWriter(physical(o.entry))).toBeNull();
    machine.debug.recordsTables = true;
    expect(run(machine, { watched: false })).toEqual([]);
    const writer = (address: number) => machine.debug.tableWriter(physical(address));
    expect(writer(other)).toMatchObject({ by: "instruction", cpu: 0, before: 0n, after: FIRST | P });
    expect(writer(place(mode).directory)).toMatchObject({ after: BigInt(OTHER) | RW | P });
    // Not linked when it was written last.
    expect(writer(o.entry)).toBeNull();
    machine.debug.recordsTables = false;
    expect(writer(other)).toBeNull();
  });
});

describe("two CPUs", { timeout: 120_000 }, () => {
  const mode = "4-level";
  const o = at(mode);
  const flag = FIRST + 0x3000n;
  const answer = FIRST + 0x3008n;
  const told = (kind: "signal" | "wait", where: bigint, value: bigint): Operation => ({
    kind,
    at: where,
    value,
  });

  /** CPU 1 uses the page, CPU 0 changes it and says so, CPU 1 does `between` and uses it again. */
  const both = (between: readonly Operation[], before: (machine: Machine) => void = () => undefined) => {
    const first = [
      told("wait", answer, 1n),
      o.change(SECOND | RW | P),
      o.invlpg,
      o.read,
      told("signal", flag, 2n),
      told("wait", answer, 3n),
    ];
    const second = [o.read, told("signal", answer, 1n), told("wait", flag, 2n), ...between, o.read, told("signal", answer, 3n)]; // oxfmt-ignore
    const machine = prepare(start({ mode, cpus: 2 }, [first, second]), mode);
    before(machine);
    return run(machine, { slice: 10_000 });
  };

  it("a missing shootdown is reported on the CPU that was not told", () => {
    const found = both([]);
    expect(
      found.map(({ operation, use }) => [operation, use.cpu, use.changes.map(({ cpu }) => cpu)]),
    ).toEqual([[3, 1, [0]]]);
  });

  it("one that was told is not", () => {
    expect(both([o.invlpg])).toEqual([]);
  });

  it("while an interrupt waits at that CPU, it may be the shootdown", () => {
    // With interrupts off nothing takes it.
    expect(both([], (machine) => (machine.cpus[1]!.interruptLine = true))).toEqual([]);
  });
});
