/** The state of a CPU in three words, as the status bar shows it: `64-bit · ring 0 · 4-level`. */
import { ACTIVITY, MODE, pagingMode, type Core, type Machine } from "../emulator/index.ts";
import type { PagingMode, ProcessorMode, StatusBody } from "../media/protocol.ts";
import { interruptsEnabled } from "./registers/index.ts";

const PAGING: Record<ReturnType<typeof pagingMode>, PagingMode> = {
  off: "no paging",
  "32-bit": "32-bit paging",
  PAE: "PAE",
  "4-level": "4-level",
  "5-level": "5-level",
};

export function processorMode({ mode }: Core): ProcessorMode {
  if ((mode & MODE.protected) === 0) return "16-bit real";
  if ((mode & MODE.virtual8086) !== 0) return "virtual-8086";
  const size = mode & MODE.codeSize;
  if (size === 2) return "64-bit";
  const width = size === 1 ? "32-bit" : "16-bit";
  return (mode & MODE.long) === 0 ? width : `${width} compat`;
}

const ACTIVITIES: readonly string[] = (() => {
  const words: string[] = [];
  words[ACTIVITY.running] = "running";
  words[ACTIVITY.halted] = "halted";
  words[ACTIVITY.shutdown] = "shut down";
  words[ACTIVITY.waitForSipi] = "waiting for SIPI";
  return words;
})();

/** What a CPU does when the machine runs. */
export const activityText = (core: Core): string => ACTIVITIES[core.activity] ?? "running";

/** "CPU 1 (64-bit, ring 0, halted)" */
export function threadName(core: Core): string {
  const isStarted = core.activity !== ACTIVITY.waitForSipi;
  const parts = isStarted ? [processorMode(core), `ring ${core.cpl}`] : [];
  if (core.activity !== ACTIVITY.running) parts.push(activityText(core));
  return `CPU ${core.index} (${parts.join(", ")})`;
}

export function machineStatus(machine: Machine, core: Core, running: boolean): StatusBody {
  return {
    running,
    cpu: core.index,
    mode: processorMode(core),
    ring: core.cpl,
    paging: PAGING[pagingMode(core)],
    halted: core.activity === ACTIVITY.halted,
    interrupts: interruptsEnabled(core),
    instant: machine.instant,
    nanoseconds: machine.now,
  };
}
