/** Regions made elsewhere: late, out of order with what the guest does meanwhile, or never. Whatever comes when, the guest cannot tell. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import {
  createMachine,
  Maker,
  physical,
  type Order,
  type Product,
  type Workshop,
} from "../../emulator/index.ts";
import { randomNumbers } from "../machine/equality.ts";
import { assemble, CONFIG } from "../machine/guest.ts";
import { nasmProblem } from "../privileged/transcript.ts";
import { lockstep, type Subject } from "./lockstep.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20_261_122);
const LONG = 600_000;
const END = 20e6;
/** Twice what makes a loop hot at the threshold of "early": a product that comes late is still in time for something. */
const ROUNDS = 3000;

/** Gives each product back when it has been asked for it a random number of times, `delay` at most. Orders are copied, as between threads. */
class LateWorkshop implements Workshop {
  readonly #maker = new Maker(() => 0);
  readonly #numbers: Iterator<number, never>;
  readonly #orders: { readonly order: Order; left: number }[] = [];
  /** Orders that it refuses because it is not ready, and after how many more it fails. */
  readonly #unready: number;
  readonly #fails: number;
  readonly #delay: number;
  isPrepared = false;
  asked = 0;
  taken = 0;

  constructor(seed: number, unready: number, fails = Infinity, delay = 60) {
    this.#delay = delay;
    this.#numbers = randomNumbers(seed);
    this.#unready = unready;
    this.#fails = fails;
  }

  get failed(): boolean {
    return this.taken >= this.#fails;
  }

  prepare(): void {
    this.isPrepared = true;
  }

  order(order: Order): boolean {
    expect(this.isPrepared).toBe(true);
    if (this.asked++ < this.#unready || this.failed) return false;
    this.taken++;
    const left = Math.floor(this.#numbers.next().value * this.#delay);
    this.#orders.push({ order: structuredClone(order), left });
    return true;
  }

  take(): Product | null {
    if (this.failed) return null;
    const [first] = this.#orders;
    if (first === undefined || first.left-- > 0) return null;
    this.#orders.shift();
    return this.#maker.make(first.order);
  }
}

const subject = (name: string, defines: readonly string[], workshop: Workshop): Subject => {
  const kernel = new Uint8Array(readFileSync(assemble(name, defines)));
  return {
    config: { ...CONFIG, ramBytes: 16 * 2 ** 20 },
    host: () => ({ images: new Map(), workshop }),
    load: (machine) => {
      const booted = boot(machine, { kernel, kernelName: name, append: "", modules: [] });
      if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
    },
  };
};

const random = function* (most: number): Generator<number, never, void> {
  for (const numbers = randomNumbers(SEED); ;) yield Math.ceil(most ** numbers.next().value);
};

describe.skipIf(nasmProblem() !== null && process.env["CI"] === undefined)("a workshop", () => {
  test.each([
    ["late", 0, Infinity],
    ["late and ready late", 3, Infinity],
    ["that fails", 0, 4],
  ])(`%s: code that changes meanwhile (seed ${SEED})`, { timeout: LONG }, (_, unready, fails) => {
    const workshop = new LateWorkshop(SEED, unready, fails);
    const outcome = lockstep(subject("patches", [`ROUNDS=${ROUNDS}`], workshop), "early", END, random(5000));
    expect(outcome.stop).toBe("debug-exit");
    expect(outcome.translated).toBeGreaterThan(outcome.instants / 100);
    if (fails < Infinity) expect(workshop.failed).toBe(true);
    else expect(workshop.taken).toBeGreaterThan(unready === 0 ? 3 : 0);
  });

  test("that fails with two orders for the same code, of which one is of code that has changed", () => {
    const workshop = new LateWorkshop(SEED, 0, 2, Infinity);
    const machine = createMachine(
      { ...CONFIG, ramBytes: 16 * 2 ** 20, translator: "early" },
      { images: new Map(), workshop },
    );
    const kernel = new Uint8Array(readFileSync(assemble("loop")));
    boot(machine, { kernel, kernelName: "loop", append: "", modules: [] });
    while (workshop.taken === 0) machine.run({ instants: 1000 });
    const at = physical(Number(machine.cpus[0]!.rip) & ~127);
    machine.memory.writeBytes(at, machine.memory.readBytes(at, 256));
    let stop = machine.run({ instants: 10_000 });
    while (stop.kind === "limit") stop = machine.run({ instants: 10_000 });
    expect(workshop.failed).toBe(true);
    expect(stop.kind).toBe("debug-exit");
    expect(machine.statistics().processor.translator!.made).toBeGreaterThan(0);
  });

  test("what it makes is what would be made here", () => {
    const run = (workshop: Workshop | null) => {
      const kernel = new Uint8Array(readFileSync(assemble("callers")));
      const machine = createMachine(
        { ...CONFIG, ramBytes: 16 * 2 ** 20, translator: "early" },
        { images: new Map(), ...(workshop === null ? {} : { workshop }) },
      );
      boot(machine, { kernel, kernelName: "callers", append: "", modules: [] });
      while (machine.run({ instants: 10_000 }).kind === "limit");
      return machine.statistics().processor.translator!;
    };
    const workshop = new LateWorkshop(SEED, 0, Infinity, 0);
    const elsewhere = run(workshop);
    const here = run(null);
    expect(elsewhere.orders).toBeGreaterThan(0);
    expect(here.orders).toBe(0);
    const { made, modules, moduleBytes, instructions } = here;
    expect(elsewhere).toMatchObject({ made, modules, moduleBytes, instructions });
  });
});
