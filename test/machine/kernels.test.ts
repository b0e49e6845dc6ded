/** Whole kernels, saved at random instants and gone on with in new machines: the end is the same, every device, register and page. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, type Input, type Machine, type MachineState } from "../../emulator/index.ts";
import { fetchGnuMach } from "../guests-boot/gnumach.mjs";
import { expectEqualStates, randomNumbers } from "./equality.ts";

const SEED = 1989;
const SAMPLE = fileURLToPath(new URL("../../media/sample-kernel/sample.elf", import.meta.url));

interface Kernel {
  readonly name: string;
  readonly path: () => string;
  readonly append: string;
  /** Instants to run for. */
  readonly instants: number;
  /** What comes from outside, by instant. */
  readonly inputs: readonly { readonly instant: number; readonly input: Input }[];
}

const KERNELS: readonly Kernel[] = [
  {
    name: "the sample",
    path: () => SAMPLE,
    append: "",
    instants: 4e6,
    inputs: [
      { instant: 2e6, input: { kind: "serial", port: 0, bytes: new TextEncoder().encode("hello\r") } },
      { instant: 3e6, input: { kind: "key", scancodes: [0x1c, 0xf0, 0x1c] } },
    ],
  },
  { name: "GNU Mach", path: fetchGnuMach, append: "console=com0", instants: 30e6, inputs: [] },
];

interface Booted {
  readonly machine: Machine;
  readonly output: { readonly instant: number; readonly byte: number }[];
}

function listen(machine: Machine): Booted {
  const output: { instant: number; byte: number }[] = [];
  machine.onOutput = (channel, byte) => {
    if (channel === "serial0") output.push({ instant: machine.instant, byte });
  };
  return { machine, output };
}

const newMachine = (): Booted =>
  listen(createMachine({ ramBytes: 64 * 2 ** 20, noReboot: true, debugExit: { iobase: 0xf4, iosize: 4 } }));

/** Runs to an instant, giving the inputs that are due on the way. */
function runTo({ machine }: Booted, { inputs }: Kernel, end: number, slice = 1e6): void {
  for (const stage of [
    ...inputs.filter(({ instant }) => instant >= machine.instant && instant < end),
    { instant: end, input: null },
  ]) {
    while (machine.instant < stage.instant) {
      const stop = machine.run({ instants: Math.min(slice, stage.instant - machine.instant) });
      if (stop.kind !== "limit") throw new Error(`stopped with ${stop.kind} at ${machine.instant}`);
    }
    if (stage.input) machine.input(stage.input);
  }
}

describe.each(KERNELS)("$name", (kernel) => {
  let image: Uint8Array | null = null;
  try {
    image = new Uint8Array(readFileSync(kernel.path()));
  } catch {
    console.log(`${kernel.name} is not to be had here; its tests are skipped`);
  }
  const start = (): Booted => {
    const booted = newMachine();
    const result = boot(booted.machine, {
      kernel: image!,
      kernelName: "kernel",
      append: kernel.append,
      modules: [],
    });
    if (result.kind !== "plan") throw new Error(JSON.stringify(result));
    return booted;
  };

  test.skipIf(image === null)(`equal runs, and equal ends from saved states (seed ${SEED})`, () => {
    const reference = start();
    runTo(reference, kernel, kernel.instants);
    const end = reference.machine.save();
    expect(reference.output.length).toBeGreaterThan(100);

    const random = randomNumbers(SEED);
    const instants = Array.from({ length: 4 }, () =>
      Math.floor(random.next().value * kernel.instants),
    ).toSorted((a, b) => a - b);
    const again = start();
    const states: MachineState[] = [];
    for (const instant of instants) {
      runTo(again, kernel, instant, 77_777);
      states.push(again.machine.save());
    }
    runTo(again, kernel, kernel.instants, 77_777);
    expect(again.output).toEqual(reference.output);
    expectEqualStates(end, again.machine.save());

    for (const state of states) {
      const later = newMachine();
      later.machine.load(state);
      runTo(later, kernel, kernel.instants);
      expect(later.output, `saved at ${state.instant}`).toEqual(
        reference.output.filter(({ instant }) => instant >= state.instant),
      );
      expectEqualStates(end, later.machine.save());
    }
  });
});
