/**
 * One instruction of one CPU, while the others take their turns as ever.
 *
 * Invariant: the guest's order of turns is what it is without a debugger. So a CPU that waits, halted or until its turn comes, may let others run for long
 * before its instruction; a caller gives the instants it can spare and tries again.
 */
import type { Core, Machine, StopReason } from "../../emulator/index.ts";

/** What an instruction changes of its CPU, if it changes anything but memory. */
function trace(core: Core): string {
  const values: bigint[] = [core.rip, BigInt(core.eflags), BigInt(core.activity)];
  for (let n = 0; n < 16; n++) values.push(core.gpr(n));
  return values.join();
}

/**
 * Runs until the CPU has executed an instruction or taken an interrupt ("stepped"), until something else stops the machine, or until `instants` have passed
 * ("limit"). Breakpoints on the first instruction do not count.
 */
export function runSingle(
  machine: Machine,
  core: Core,
  instants: number,
): StopReason | { readonly kind: "stepped" } {
  const before = machine.instant;
  const was = machine.cpus.length === 1 ? "" : trace(core);
  const stop = machine.run({ instants, resume: true, cpu: core.index, cpuInstants: 1 });
  if (stop.kind !== "limit") return stop;
  // At the very end of the instants it may have had its turn or not; an instruction that leaves no trace can as well be executed once more.
  const isOver = machine.instant - before >= instants;
  if (isOver && (machine.cpus.length > 1 || instants === 0) && trace(core) === was) return stop;
  return { kind: "stepped" };
}
