/** The thread that makes code of what is hot, as a real thread. */
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { ThreadWorkshop } from "../../debug-adapter/workshop.ts";
import { MODE, type Order } from "../../emulator/index.ts";
import { made } from "../support/made.ts";

const SOURCE = fileURLToPath(new URL("../../debug-adapter/translator-worker.ts", import.meta.url));
const OUT = fileURLToPath(new URL("../../.cache/workshop/", import.meta.url));

/** `inc eax` and a jump to it. */
const order = (number: number): Order => ({
  number,
  features: "",
  regions: [
    {
      isLast: true,
      physical: 0x100000,
      mode: MODE.flat | MODE.protected | MODE.stack32 | 1,
      blocks: Int32Array.of(0, 3, 0),
      bytes: Uint8Array.of(0x40, 0xeb, 0xfd),
      entrances: [0],
      pages: [{ distance: 0, physicalPage: 0x100 }],
      returns: [],
      targets: new Map(),
    },
  ],
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test("takes no order before it is ready, and gives back each once", { timeout: 60_000 }, async () => {
  const program = made(`${OUT}translator-worker.cjs`, (out) =>
    buildSync({ entryPoints: [SOURCE], outfile: out, bundle: true, platform: "node", format: "cjs" }),
  );
  const workshop = new ThreadWorkshop(program);
  expect(workshop.take()).toBeNull();
  workshop.prepare();
  expect(workshop.order(order(0))).toBe(false);
  await until(() => workshop.order(order(1)));
  expect(workshop.order(order(2))).toBe(true);
  // Another machine has a port of its own, and finds the thread running.
  const other = new ThreadWorkshop(program);
  other.prepare();
  await until(() => other.order(order(3)));
  const numbers: number[] = [];
  await until(() => {
    for (const each of [workshop, other]) {
      const product = each.take();
      if (product === null) continue;
      expect(product.module).toBeInstanceOf(WebAssembly.Module);
      expect(product.size).toBeGreaterThan(0);
      if (each === other) expect(product.number).toBe(3);
      numbers.push(product.number);
    }
    return numbers.length === 3;
  });
  expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  expect(workshop.failed).toBe(false);
});

test("a thread that does not start has failed, and takes nothing", { timeout: 60_000 }, async () => {
  const workshop = new ThreadWorkshop(`${OUT}nothing.cjs`);
  workshop.prepare();
  expect(workshop.order(order(0))).toBe(false);
  await until(() => workshop.failed);
  expect(workshop.order(order(1))).toBe(false);
  expect(workshop.take()).toBeNull();
});
