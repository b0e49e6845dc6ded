/**
 * Code that changes while it is hot, with the translator as without it: the sums are QEMU's, and every state on the way is the interpreter's, for slices
 * of every size. Breakpoints and watchpoints come and go in hot loops and leave no trace.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { linear, type Machine } from "../../emulator/index.ts";
import { randomNumbers } from "../machine/equality.ts";
import { assemble, CONFIG, hasQemu, runQemu } from "../machine/guest.ts";
import { nasmProblem } from "../privileged/transcript.ts";
import { lockstep, type Subject } from "./lockstep.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20_261_122);
const MEBIBYTE = 2 ** 20;
const isLong = process.env["REDZONE_LONG"] === "1";
const LONG = 600_000;
const END = 20e6;
/** Of each part, as the source has it. */
const ROUNDS = 1500;

const subject = (rounds = ROUNDS): Subject => {
  const kernel = new Uint8Array(readFileSync(assemble("patches", [`ROUNDS=${rounds}`])));
  return {
    config: { ...CONFIG, ramBytes: 16 * MEBIBYTE },
    load: (machine) => {
      const booted = boot(machine, { kernel, kernelName: "patches", append: "", modules: [] });
      if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
    },
  };
};

const random = function* (most: number): Generator<number, never, void> {
  for (const numbers = randomNumbers(SEED); ;) yield Math.ceil(most ** numbers.next().value);
};
/** One size in the stretches named, a large one between them. */
const small = function* (size: number, stretches: readonly number[], length: number): Generator<number> {
  let at = 0;
  for (const stretch of stretches) {
    if (stretch > at) yield stretch - at;
    for (at = Math.max(at, stretch); at < stretch + length; at += size) yield size;
  }
  for (;;) yield 100_000;
};

/** What each part adds up, from its source. */
function expectSums(output: string, rounds: number): void {
  const sum = (rounds * (rounds + 1)) / 2;
  const expected: readonly (readonly [part: string, sum: number])[] = [
    ["the next instruction", sum],
    // The first round still has the immediate of the source, the last one's is never added.
    ["one of the round before", 0x11111111 + 2 * (sum - 1)],
    ["the instruction that stores", 3 * rounds],
    ["by a string instruction", sum],
    ["data beside it", rounds],
  ];
  const lines = output.trimEnd().split("\n");
  expect(lines).toHaveLength(11);
  for (const [index, [part, value]] of expected.entries())
    expect(lines[index]).toBe(`${part} ${(value >>> 0).toString(16).padStart(8, "0")}`);
}

describe.skipIf(nasmProblem() !== null && process.env["CI"] === undefined)("code that changes", () => {
  let plain = "";

  test("adds up to what it adds up to in QEMU", { timeout: LONG }, () => {
    const outcome = lockstep(subject(), "early", END, random(300_000));
    expect(outcome.stop).toBe("debug-exit");
    expect(outcome.translated).toBeGreaterThan(0);
    plain = outcome.output;
    expectSums(plain, ROUNDS);
    if (hasQemu) expect(plain).toBe(runQemu("patches"));
  });

  test.each(["early", "forced"] as const)(
    `translator %s, in slices of all sizes (seed ${SEED})`,
    { timeout: LONG },
    (engine) => {
      // Forced, every round is a module to compile.
      const rounds = engine === "forced" && !isLong ? 300 : ROUNDS;
      const outcome = lockstep(subject(rounds), engine, END, random(20_000));
      expect(outcome.stop).toBe("debug-exit");
      expectSums(outcome.output, rounds);
      if (rounds === ROUNDS) expect(outcome.output).toBe(plain);
      expect(outcome.translated).toBeGreaterThan(0);
    },
  );

  test.each(isLong ? Array.from({ length: 40 }, (_, n) => n + 1) : [1, 2, 5, 11])(
    "every count: hot loops in slices of %i",
    { timeout: LONG },
    (size) => {
      const stretches = Array.from({ length: 12 }, (_, n) => 9000 + n * 9000);
      const outcome = lockstep(
        subject(),
        "early",
        END,
        small(size, stretches, 40 * Math.ceil(Math.sqrt(size))),
      );
      expect(outcome.output).toBe(plain);
    },
  );

  test(`breakpoints and watchpoints that come and go (seed ${SEED})`, { timeout: LONG }, () => {
    const numbers = randomNumbers(SEED);
    let last = -1;
    let place = 0n;
    let action = 0;
    // Both machines get the same: the first that comes to an instant decides.
    const between = (machine: Machine, instant: number): void => {
      if (instant !== last) {
        last = instant;
        place = machine.cpus[0]!.rip & ~0xfffn;
        action = Math.floor(numbers.next().value * 4);
      }
      const { debug } = machine;
      debug.clear();
      // In the page of the loop, where it never comes: beside every instruction of it.
      if (action === 1) debug.addBreakpoint(1, linear(place + 0xfffn), "linear");
      if (action === 2)
        debug.addWatchpoint(2, { space: "linear", address: linear(0x500000n), length: 8, access: "write" });
      if (action === 3)
        debug.addWatchpoint(3, {
          space: "linear",
          address: linear(place + 0xff0n),
          length: 4,
          access: "read",
        });
    };
    const outcome = lockstep(subject(), "early", END, random(100_000), between);
    expect(outcome.output).toBe(plain);
  });
});
