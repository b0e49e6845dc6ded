/**
 * How a run ended: its exit status and what to say about it.
 *
 * Invariant: statuses other than isa-debug-exit's are even, so that none can be taken for a guest's, which are odd; 0 is success.
 */
import { type Machine, screenText, type StopReason } from "../../emulator/index.ts";
import { autopsy, stopText } from "../exceptions/autopsy.ts";
import type { Explainer } from "../exceptions/explain.ts";
import { programCounter } from "../registers/index.ts";

export const STATUS = {
  ok: 0,
  usage: 2,
  cannotBoot: 4,
  tripleFault: 6,
  dead: 8,
  unimplemented: 10,
  outOfMemory: 12,
  textMissing: 14,
  idle: 16,
  limit: 124,
  interrupted: 130,
} as const;

export interface Ending {
  readonly status: number;
  /** A word for `--stats`. */
  readonly reason: string;
  /** What to tell the user; empty if the status says all. */
  readonly text: string;
}

/** What the text screen shows, for a machine that has come to its end without a kernel: the BIOS and boot sectors complain there. Empty if it is blank or graphics. */
export function screenOf(machine: Machine): string {
  const display = machine.display();
  if (display.kind !== "text") return "";
  const lines = screenText(display)
    .split("\n")
    .map((line) => line.trimEnd());
  const said = lines.filter((line) => line !== "");
  return said.length === 0 ? "" : `The screen says:\n${said.map((line) => `  ${line}\n`).join("")}`;
}

/** What a stop that nothing can go on from means for the run. Null: something can. */
export function endingOf(stop: StopReason, explainer: Explainer): Ending | null {
  const text = stopText(stop);
  switch (stop.kind) {
    case "debug-exit":
      return { status: stop.code, reason: stop.kind, text: "" };
    case "power-off":
      return { status: STATUS.ok, reason: stop.kind, text: "" };
    case "reset":
      return { status: STATUS.ok, reason: stop.kind, text };
    case "triple-fault":
      return {
        status: STATUS.tripleFault,
        reason: stop.kind,
        text: autopsy(explainer, stop.chain).trimEnd(),
      };
    case "dead":
      return { status: STATUS.dead, reason: stop.kind, text: `${text}\n${whereabouts(explainer)}` };
    case "unimplemented":
      return { status: STATUS.unimplemented, reason: stop.kind, text };
    case "out-of-memory":
      return { status: STATUS.outOfMemory, reason: stop.kind, text };
    case "limit":
    case "idle":
    case "waiting":
    case "breakpoint":
    case "watchpoint":
    case "event":
      return null;
  }
}

/** Where the processor stands: behind the HLT it executed. */
function whereabouts({ core, describe }: Explainer): string {
  const pc = programCounter(core);
  const symbol = describe(pc);
  return `CPU ${core.index} stands at 0x${pc.toString(16)}${symbol === null ? "" : ` (${symbol})`}, behind its HLT; RFLAGS.IF is 0.`;
}
