/** Breakpoints at linear addresses: where the address is mapped, whatever has run there before, and nowhere else; on both engines. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CodeBreakpoints } from "../../emulator/cpu/breakpoints.ts";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, linear, type Machine, type TranslatorMode } from "../../emulator/index.ts";
import { assemble, CONFIG } from "./guest.ts";

const BASE = 0x100000;
const ROUNDS = 3000;
/** Linear page where the function also is. */
const ALIAS = 0x200000n;
const ID = 1;

const image = readFileSync(assemble("aliases"));

function start(translator: TranslatorMode): Machine {
  const machine = createMachine({ ...CONFIG, translator });
  const result = boot(machine, {
    kernel: image,
    kernelName: "aliases",
    append: "",
    modules: [],
    loader: "auto",
  });
  expect(result.kind).toBe("plan");
  return machine;
}

const place = (bytes: readonly number[]): bigint => {
  const at = image.indexOf(Buffer.from(bytes));
  expect(at).toBeGreaterThan(0);
  return BigInt(BASE + at);
};
/** TEST EAX, 5a5a000nh */
const mark = (n: number): bigint => place([0xa9, n, 0x00, 0x5a, 0x5a]);
/** ADD RBX, 1 */
const FUNCTION = place([0x48, 0x83, 0xc3, 0x01]);

/** Runs to the end; how often the machine stopped on the way, by address. */
function stops(machine: Machine): Map<bigint, number> {
  const found = new Map<bigint, number>();
  for (;;) {
    const stop = machine.run({ instants: 1e6, resume: true });
    if (stop.kind === "debug-exit") return found;
    expect(stop).toEqual({ kind: "breakpoint", cpu: 0, ids: [ID] });
    const { rip } = machine.cpus[0]!;
    found.set(rip, (found.get(rip) ?? 0) + 1);
  }
}

describe.each(["off", "early", "forced"] as const)("translator %s", (translator) => {
  test.each([
    ["the function", FUNCTION, ROUNDS],
    ["its other address, in the same memory and then in other", FUNCTION + ALIAS, 2 * ROUNDS],
    ["the same offset in a page that nothing runs in", FUNCTION + 0x1000n, 0],
  ])("set before the start at %s", (_, address, times) => {
    const machine = start(translator);
    machine.debug.addBreakpoint(ID, linear(address), "linear");
    expect(stops(machine)).toEqual(new Map(times === 0 ? [] : [[address, times]]));
  });

  test("set where code is hot and mapped, removed, and set again", () => {
    const machine = start(translator);
    const goTo = (address: bigint): void => {
      machine.debug.addBreakpoint(ID, linear(address), "linear");
      expect(machine.run({ instants: 1e6, resume: true })).toMatchObject({ kind: "breakpoint" });
      expect(machine.cpus[0]!.rip).toBe(address);
    };
    goTo(mark(1));
    goTo(FUNCTION + ALIAS);
    machine.debug.remove(ID);
    goTo(mark(2));
    const state = machine.save();
    goTo(FUNCTION + ALIAS);
    expect(stops(machine)).toEqual(new Map([[FUNCTION + ALIAS, ROUNDS - 1]]));
    // A state that is put back has translations of its own.
    const other = start(translator);
    other.load(state);
    other.debug.addBreakpoint(ID, linear(FUNCTION + ALIAS), "linear");
    expect(stops(other)).toEqual(new Map([[FUNCTION + ALIAS, ROUNDS]]));
  });

  test("the guest does not notice", () => {
    const plain = start(translator);
    expect(stops(plain)).toEqual(new Map());
    const watched = start(translator);
    watched.debug.addBreakpoint(ID, linear(FUNCTION + ALIAS), "linear");
    stops(watched);
    expect(watched.instant).toBe(plain.instant);
    expect(watched.save().cpus).toEqual(plain.save().cpus);
  });

  test("code at the same offset of other pages runs as if there were none", () => {
    const left = (breakpoint: bigint | null): number => {
      const machine = start(translator);
      if (breakpoint !== null) machine.debug.addBreakpoint(ID, linear(breakpoint), "linear");
      expect(stops(machine)).toEqual(new Map());
      return Object.values(machine.statistics().processor.exits).reduce((sum, count) => sum + count, 0);
    };
    expect(left(FUNCTION + 0x1000n)).toBe(left(null));
  });
});

test("thousands are set in the time of one", () => {
  const machine = start("off");
  for (let n = 1; n <= 20_000; n++)
    machine.debug.addBreakpoint(n, linear(0x4000_0000n + BigInt(n) * 0x1001n), "linear");
  machine.debug.addBreakpoint(20_001, linear(mark(1)), "linear");
  expect(machine.run({ instants: 1e6, resume: true })).toMatchObject({ ids: [20_001] });
  for (let n = 1; n <= 20_000; n++) machine.debug.remove(n);
  expect(machine.run({ instants: 1e6, resume: true })).toMatchObject({ kind: "debug-exit" });
});

test("places: what came and what went", () => {
  const breakpoints = new CodeBreakpoints();
  const mapped = (page: bigint): number[] => (page === 0x1000n ? [7] : []);
  expect(breakpoints.set(new Set([0x1004n, 0x1008n, 0x5000n]), new Set([0x9010]), mapped)).toEqual([
    0x9010, 0x7004, 0x7008,
  ]);
  expect(breakpoints.filter).toBe((1n << 1n) | (1n << 5n));
  expect(breakpoints.map(0x5000n, 3)).toEqual([0x3000]);
  expect(breakpoints.map(0x5000n, 3)).toEqual([]);
  expect(breakpoints.map(0x6000n, 3)).toEqual([]);
  expect([...breakpoints.at(7)]).toEqual([4, 8]);
  expect(breakpoints.set(new Set([0x1008n]), new Set(), mapped)).toEqual([0x9010, 0x7004, 0x3000]);
  expect(breakpoints.at(3).size).toBe(0);
});
