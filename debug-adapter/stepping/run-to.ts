/**
 * Runs to a place: until any CPU is about to execute the instruction there, or something else stops the machine.
 *
 * The place counts where it is linked and where it is loaded, because a kernel that maps itself high runs its first instructions low. Breakpoints of the
 * user's stop it as they would stop any run, and its own are gone when it ends.
 */
import { linear, physical } from "../../emulator/index.ts";
import type { Machine, StopReason } from "../../emulator/index.ts";
import type { Control } from "../debuggee.ts";
import type { StepEnd } from "./step.ts";

// Machine ids beside those of steps (step.ts); one run at a time.
const LINKED_ID = -4;
const LOADED_ID = -5;

export interface Destination {
  readonly linear: bigint;
  /** Null: nobody knows where it is loaded. */
  readonly physical: bigint | null;
}

/** Ends with a step's end where the place was reached and nothing of the user's stopped there. */
export async function runTo(
  { debug }: Machine,
  control: Control,
  to: Destination,
  accepts: (stop: StopReason) => boolean,
): Promise<StepEnd> {
  debug.addBreakpoint(LINKED_ID, linear(to.linear), "linear");
  if (to.physical !== null) debug.addBreakpoint(LOADED_ID, physical(Number(to.physical)), "physical");
  try {
    let isUsers = false;
    const stop = await control.run({
      resume: true,
      accepts(reason) {
        // Asked also at the place itself: a user's breakpoint there is to be reported as one.
        isUsers = accepts(reason);
        const ids = reason.kind === "breakpoint" ? reason.ids : [];
        return isUsers || ids.includes(LINKED_ID) || ids.includes(LOADED_ID);
      },
    });
    return stop.kind === "breakpoint" && !isUsers ? { kind: "arrived", cpu: stop.cpu } : stop;
  } finally {
    debug.remove(LINKED_ID);
    debug.remove(LOADED_ID);
  }
}
