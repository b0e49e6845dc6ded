/** Runs a benchmark kernel here and times it. */
import { boot, createMachine } from "../../emulator/index.ts";
import { benchKernel, type Work } from "./kernel.ts";

export interface Measurement {
  readonly instructions: number;
  readonly seconds: number;
  /** Millions of instructions per second. */
  readonly mips: number;
}

export function measure(work: Work): Measurement {
  const machine = createMachine({
    ramBytes: 32 << 20,
    noReboot: true,
    debugExit: { iobase: 0xf4, iosize: 4 },
  });
  const started = boot(machine, { kernel: benchKernel(work), kernelName: "bench", append: "", modules: [] });
  if (!("entry" in started)) throw new Error(`the benchmark kernel "${work.name}" does not boot`);
  const before = performance.now();
  const stop = machine.run({ instants: 1e9 });
  const seconds = (performance.now() - before) / 1000;
  if (stop.kind !== "debug-exit") throw new Error(`"${work.name}" stopped with ${stop.kind}`);
  return { instructions: machine.instant, seconds, mips: machine.instant / seconds / 1e6 };
}
