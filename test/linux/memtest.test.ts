/** Debian's memtest86+, started as the Linux kernel that it pretends to be: its screen, and tests of memory that find no error. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, type Machine, physical, screenText } from "../../emulator/index.ts";
import { fetchDebian } from "../support/debian.mjs";

const LONG = 300_000;
/** Instants until test #3 has begun: 110 M with 16 MiB. */
const PATIENCE = 400e6;

function screenOf(machine: Machine): string {
  const display = machine.display();
  if (display.kind !== "text") throw new Error(`the display shows ${display.kind}`);
  return screenText(display);
}

function runUntil(machine: Machine, text: RegExp): string {
  for (;;) {
    const stop = machine.run({ instants: 1e6 });
    const screen = screenOf(machine);
    if (text.test(screen)) return screen;
    if (stop.kind !== "limit" || machine.instant > PATIENCE)
      throw new Error(`no ${String(text)} after ${machine.instant} instants: ${stop.kind}\n${screen}`);
  }
}

async function start(): Promise<Machine> {
  const kernelName = "memtest86+x64.bin";
  const kernel = new Uint8Array(readFileSync(path.join(await fetchDebian("memtest86+"), "boot", kernelName)));
  // It waits by its clocks before it starts: instructions of 16 ns make that short.
  const machine = createMachine({ ramBytes: 16 * 2 ** 20, nanosecondsPerInstant: 16 });
  const booted = boot(machine, { kernel, kernelName, append: "nopause nobench nosmp", modules: [] });
  expect(booted).toMatchObject({ kind: "plan", loader: "linux" });
  return machine;
}

test("memtest86+ shows its screen and passes its first tests", { timeout: LONG }, async () => {
  const machine = await start();
  const first = runUntil(machine, /Status: Testing/);
  expect(first).toMatch(/Memtest86\+ v\d+\.\d+ +│ Redzone Virtual CPU/);
  expect(first).toMatch(/Memory {2}: +16MB/);
  expect(first).toMatch(/CPU: 1 Cores 1 Threads/);
  expect(first).toMatch(/Redzone Standard PC/);

  const later = runUntil(machine, /Test #3 /);
  expect(later).toMatch(/Errors: 0 *$/m);
  expect(machine.instant).toBeLessThan(PATIENCE);
});

test("a faulty cell is found", { timeout: LONG }, async () => {
  const machine = await start();
  runUntil(machine, /Status: Testing/);
  for (let n = 0; n < 40 && !/Errors: [1-9]/.test(screenOf(machine)); n++) {
    machine.memory.writeBytes(physical(0xc00000), new Uint8Array([n]));
    machine.run({ instants: 1e6 });
  }
  expect(screenOf(machine)).toMatch(/Errors: [1-9]/);
});
