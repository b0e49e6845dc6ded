/** Regions are made anew, larger: with the blocks that they were made of, and whatever else becomes hot meanwhile. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import {
  createMachine,
  Maker,
  type Machine,
  type Order,
  type Product,
  type Workshop,
} from "../../emulator/index.ts";
import type { TranslatorStatistics } from "../../emulator/cpu/statistics.ts";
import { assemble, CONFIG } from "../machine/guest.ts";

const SLICE = 50_000;

function started(guest: string, workshop?: Workshop): Machine {
  const kernel = new Uint8Array(readFileSync(assemble(guest)));
  const host = { images: new Map(), ...(workshop === undefined ? {} : { workshop }) };
  const machine = createMachine({ ...CONFIG, ramBytes: 16 * 2 ** 20, translator: "on" }, host);
  boot(machine, { kernel, kernelName: guest, append: "", modules: [] });
  return machine;
}

function statisticsAt(machine: Machine, instant: number): TranslatorStatistics {
  while (machine.instant < instant) expect(machine.run({ instants: SLICE }).kind).toBe("limit");
  return machine.statistics().processor.translator!;
}

/** Of "again", for each call. */
const INSTRUCTIONS = 41;

test("a routine that is called over and over is entered once for each call at most", () => {
  const machine = started("again");
  // The routines are hot after 17 million instants, and are made anew until 31 million.
  const before = statisticsAt(machine, 35e6);
  const after = statisticsAt(machine, 40e6);
  const calls = 5e6 / INSTRUCTIONS;
  expect(after.entries - before.entries).toBeLessThan(calls * 1.1);
});

/** Gives each product back when it has been asked for it `delay` times. */
class SlowWorkshop implements Workshop {
  readonly failed = false;
  readonly #maker = new Maker(() => 0);
  readonly #orders: { readonly order: Order; left: number }[] = [];
  readonly #delay: number;

  constructor(delay: number) {
    this.#delay = delay;
  }
  prepare(): void {}
  order(order: Order): boolean {
    this.#orders.push({ order: structuredClone(order), left: this.#delay });
    return true;
  }
  take(): Product | null {
    const [first] = this.#orders;
    if (first === undefined || first.left-- > 0) return null;
    this.#orders.shift();
    return this.#maker.make(first.order);
  }
}

/** A delay is in runs of emitted code, a slice or what it takes until something is hot: the loop and its routines are within twenty of each other. */
test.each([0, 1, 2, 3, 5, 8, 13, 20, 30])(
  "a loop gets its routines, whatever becomes hot while it is made (for %i runs)",
  (delay) => {
    const machine = started("dispatch", new SlowWorkshop(delay));
    const before = statisticsAt(machine, 20e6);
    const after = statisticsAt(machine, 25e6);
    expect(after.instants - before.instants).toBeGreaterThan(4.9e6);
    // What does not leave the region is entered again with each slice only.
    expect(after.entries - before.entries).toBeLessThan(10_000);
  },
);
