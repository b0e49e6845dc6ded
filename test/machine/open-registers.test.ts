/** A device's registers that guests reach without asking it: they read and leave the same as if they had asked. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, WATCH, type Machine, type MachineConfig } from "../../emulator/index.ts";
import { type Memory, MemoryRegion } from "../../emulator/memory/index.ts";
import { physical } from "../../emulator/numbers.ts";
import { expectEqualStates } from "./equality.ts";
import { assemble, CONFIG } from "./guest.ts";

const HPET = 0xfed00000;

interface Run {
  readonly machine: Machine;
  /** Accesses that TypeScript made. */
  readonly slow: number;
  readonly open: number;
  /** Accesses to the HPET that a watcher heard of. */
  readonly heard: number;
}

function run(
  translator: MachineConfig["translator"] & string,
  isWatched: boolean,
  slice = 1e6,
  change: (memory: Memory) => void = () => {},
): Run {
  const machine = createMachine({ ...CONFIG, translator });
  change(machine.memory);
  const kernel = new Uint8Array(readFileSync(assemble("hpet")));
  const booted = boot(machine, { kernel, kernelName: "hpet", append: "", modules: [] });
  expect(booted.kind).toBe("plan");
  let heard = 0;
  if (isWatched)
    machine.debug.addEvent(1, WATCH.mmio, (event) => {
      if (event.kind === "mmio" && event.address >= HPET && event.address < HPET + 0x400) heard++;
      return false;
    });
  let stop = machine.run({ instants: slice });
  while (stop.kind === "limit") stop = machine.run({ instants: slice });
  expect(stop.kind).toBe("debug-exit");
  const { memory } = machine.statistics().processor;
  return { machine, slow: memory["handled in TypeScript"]!, open: memory["open register"]!, heard };
}

test("the machine ends in the same state, whoever answers", () => {
  const watched = run("off", true);
  const { machine, slow, open } = run("off", false);
  expect([watched.open, watched.heard > 3000]).toEqual([0, true]);
  expect(open).toBeGreaterThan(2500);
  expect(slow).toBeLessThan(watched.slow - 2500);
  expectEqualStates(watched.machine.save(), machine.save());
  for (const other of [run("early", false), run("forced", false), run("forced", true), run("off", false, 7)])
    expectEqualStates(watched.machine.save(), other.machine.save());
});

test("what another device answers for in their place is left to it", () => {
  const { machine, open } = run("on", false, 1e6, (memory) => {
    const over = MemoryRegion.io("over", 4, { read: () => 7, write: () => {} });
    memory.system.add(over, HPET + 0x104, 1);
  });
  expect(open).toBe(0);
  expect(machine.memory.read(physical(HPET + 0x104), 4)).toBe(7);
});
