/** A region that is made anew still has the blocks that it was made of. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine } from "../../emulator/index.ts";
import type { TranslatorStatistics } from "../../emulator/cpu/statistics.ts";
import { assemble, CONFIG } from "../machine/guest.ts";

/** Of the guest, for each call. */
const INSTRUCTIONS = 41;

test("a routine that is called over and over is entered once for each call at most", () => {
  const kernel = new Uint8Array(readFileSync(assemble("again")));
  const machine = createMachine({ ...CONFIG, ramBytes: 16 * 2 ** 20, translator: "on" });
  boot(machine, { kernel, kernelName: "again", append: "", modules: [] });
  const until = (instant: number): TranslatorStatistics => {
    while (machine.instant < instant) expect(machine.run({ instants: 50_000 }).kind).toBe("limit");
    return machine.statistics().processor.translator!;
  };
  // The routines are hot after 17 million instants, and are made anew until 31 million.
  const before = until(35e6);
  const after = until(40e6);
  const calls = 5e6 / INSTRUCTIONS;
  expect(after.entries - before.entries).toBeLessThan(calls * 1.1);
});
