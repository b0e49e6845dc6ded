/** What debugging costs translated code, in counts: nothing until a breakpoint is met or a watched page is touched. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, linear, type Machine } from "../../emulator/index.ts";
import { assemble, CONFIG } from "../machine/guest.ts";
import { nasmProblem } from "../privileged/transcript.ts";

const ROUNDS = 1_000_000;
const INSTRUCTIONS = 4;
/** What is hot is translated between two slices, not in one. */
const SLICE = 10_000;
/** The loop's page, and the page that it writes to. */
const PAGE = 0x100000n;
const DATA = 0x400000n;

interface Counts {
  readonly share: number;
  readonly entries: number;
}

function run(debug: (machine: Machine) => void): Counts {
  const machine = createMachine({ ...CONFIG, ramBytes: 16 * 2 ** 20, translator: "early" });
  const kernel = new Uint8Array(readFileSync(assemble("loop")));
  const booted = boot(machine, { kernel, kernelName: "loop", append: "", modules: [] });
  if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  debug(machine);
  for (let slice = 0; slice < 1000; slice++) {
    const stop = machine.run({ instants: SLICE });
    if (stop.kind !== "limit") {
      expect(stop.kind).toBe("debug-exit");
      const translator = machine.statistics().processor.translator!;
      return { share: translator.instants / machine.instant, entries: translator.entries };
    }
  }
  throw new Error(`the loop has not ended after ${machine.instant} instants`);
}

describe.skipIf(nasmProblem() !== null && process.env["CI"] === undefined)("in a hot loop", () => {
  const plain = (): Counts => run(() => {});
  /** A few entries more: where the breakpoint lies a block ends. */
  const expectFree = (counts: Counts): void => {
    expect(counts.share).toBeGreaterThan(0.98);
    expect(counts.entries).toBeLessThan(plain().entries + 50);
  };

  test("is translated, and entered a few times a slice", () => {
    const { share, entries } = plain();
    expect(share).toBeGreaterThan(0.98);
    expect(entries).toBeLessThan((3 * ROUNDS * INSTRUCTIONS) / SLICE);
  });

  test("breakpoints in its page that are not met cost no entry", () => {
    expectFree(
      run(({ debug }) => {
        for (let id = 0; id < 6; id++) debug.addBreakpoint(id, linear(PAGE + 0xf00n + BigInt(id)), "linear");
      }),
    );
  });

  test("a data breakpoint in another page than those it writes to costs no entry", () => {
    expectFree(
      run(({ debug }) =>
        debug.addWatchpoint(1, {
          space: "linear",
          address: linear(DATA + 0x1000n),
          length: 4,
          access: "write",
        }),
      ),
    );
  });

  test("a breakpoint that came and went leaves nothing behind", () => {
    expectFree(
      run((machine) => {
        machine.debug.addBreakpoint(1, linear(PAGE + 0xf00n), "linear");
        for (let slice = 0; slice < 10; slice++) machine.run({ instants: SLICE });
        machine.debug.clear();
      }),
    );
  });
});
