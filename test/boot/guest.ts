/** Boots a guest on our machine and runs it to an end, collecting what it prints. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { boot, explain, type BootImage, type BootPlan } from "../../emulator/boot/index.ts";
import { createMachine, type Machine, type StopReason } from "../../emulator/index.ts";

export interface Guest {
  readonly machine: Machine;
  readonly plan: BootPlan;
  /** COM1 so far. */
  serial(): string;
  /** Runs until something stops the machine, COM1 has said `until`, or `instants` are over. */
  run(until?: string, instants?: number): StopReason;
}

export const IMAGE: BootImage = { kernel: new Uint8Array(0), kernelName: "", append: "", modules: [] };

/** The kernel's name is the file's last part unless `rest` says otherwise. Throws a diagnosis. */
export function start(
  path: string,
  rest: Partial<BootImage> = {},
  ramBytes = 128 << 20,
  nanosecondsPerInstant = 1,
): Guest {
  const debugExit = { iobase: 0xf4, iosize: 4 };
  const machine = createMachine({ ramBytes, noReboot: true, debugExit, nanosecondsPerInstant });
  let serial = "";
  machine.onOutput = (channel, byte) => {
    if (channel === "serial0") serial += String.fromCharCode(byte);
  };
  const kernel = new Uint8Array(readFileSync(path));
  const plan = boot(machine, { ...IMAGE, kernel, kernelName: basename(path), ...rest });
  if (plan.kind === "diagnosis") throw new Error(explain(plan));
  const run = (until?: string, instants = 200e6): StopReason => {
    const end = machine.instant + instants;
    for (;;) {
      const stop = machine.run({ instants: Math.min(1e6, end - machine.instant), resume: true });
      const isOver = machine.instant >= end || (until !== undefined && serial.includes(until));
      if (stop.kind !== "limit" || isOver) return stop;
    }
  };
  return { machine, plan, serial: () => serial, run };
}
