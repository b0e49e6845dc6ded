/** How a stop of the machine is told: the reason, the description and the text that DAP's `stopped` event and exceptionInfo carry. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Core } from "../../emulator/index.ts";
import type { BreakpointTable, Entry } from "../breakpoints/table.ts";
import { notException } from "../errors.ts";
import { autopsy, stopText } from "../exceptions/autopsy.ts";
import {
  explainFault,
  explainInterrupt,
  faultTitle,
  instructionLine,
  instructionText,
  type Explainer,
} from "../exceptions/explain.ts";
import { eventText } from "../exceptions/filter.ts";
import { vectorNamed, vectorText } from "../exceptions/vector.ts";
import { explainClobber } from "../red-zone/index.ts";
import { explainStale } from "../paging/stale.ts";
import type { StepEnd } from "../stepping/step.ts";

export interface StopDescription {
  readonly reason: DebugProtocol.StoppedEvent["body"]["reason"];
  readonly description: string;
  readonly text: string;
}

const BY_KIND: Record<Entry["kind"], string> = {
  source: "breakpoint",
  function: "function breakpoint",
  instruction: "instruction breakpoint",
  data: "data breakpoint",
  exception: "exception",
};

/** `hits` are the breakpoints that the stop belongs to, `change` what a data breakpoint among them saw. */
export function describeStop(
  stop: StepEnd,
  hits: readonly Entry[],
  change: BreakpointTable["change"],
): StopDescription {
  switch (stop.kind) {
    case "step":
    case "limit":
      return { reason: "step", description: "Paused on step", text: "" };
    case "arrived":
      return { reason: "goto", description: "Paused where it was to run to", text: "" };
    case "pause":
    case "idle":
    case "waiting":
      return { reason: "pause", description: "Paused", text: "" };
    case "breakpoint": {
      const kind = hits[0]?.kind ?? "source";
      return { reason: BY_KIND[kind], description: `Paused on ${BY_KIND[kind]}`, text: "" };
    }
    case "watchpoint": {
      const { access } = stop;
      const what = `${access.write ? "Write" : "Read"} of ${access.size} byte${access.size === 1 ? "" : "s"} at 0x${access.linear.toString(16)}`;
      return {
        reason: "data breakpoint",
        description: "Paused on data breakpoint",
        text: what + changeText(change),
      };
    }
    case "event": {
      const { event } = stop;
      const text = event.kind === "exception" ? faultTitle(event.fault) : eventText(event);
      return {
        reason: "exception",
        description: `Paused: ${event.kind === "exception" ? vectorText(event.fault.vector) : text}`,
        text,
      };
    }
    case "triple-fault":
      return {
        reason: "exception",
        description: "Triple fault: the machine is about to reset",
        text: stopText(stop),
      };
    case "dead":
      return { reason: "exception", description: "Halted for good", text: stopText(stop) };
    case "unimplemented":
      return { reason: "exception", description: "Not implemented by the emulator", text: stopText(stop) };
    case "out-of-memory":
      return { reason: "exception", description: "Out of host memory", text: stopText(stop) };
    case "reset":
    case "debug-exit":
    case "power-off":
      return { reason: "pause", description: stopText(stop), text: stopText(stop) };
  }
}

function changeText({ before, after }: BreakpointTable["change"]): string {
  if (before === null || after === null || before === after) return "";
  return `: 0x${before.toString(16)} became 0x${after.toString(16)}`;
}

/** exceptionInfo for the last stop. Throws `notException`. */
export function exceptionInfo(
  stop: StepEnd | null,
  explainer: Explainer,
  core: Core,
): DebugProtocol.ExceptionInfoResponse["body"] {
  if (stop === null) throw notException();
  switch (stop.kind) {
    case "event": {
      const { event } = stop;
      if (event.kind === "exception") {
        const lines = explainFault(explainer, event.fault);
        const vector = vectorNamed(event.fault.vector);
        return {
          exceptionId: vector?.mnemonic ?? vectorText(event.fault.vector),
          description: lines.join("\n"),
          breakMode: "always",
          details: {
            message: lines[0]!,
            typeName: vector?.name ?? "interrupt",
            fullTypeName: vectorText(event.fault.vector),
          },
        };
      }
      const lines =
        event.kind === "red-zone" && explainer.symbols !== undefined
          ? explainClobber(explainer, explainer.symbols, event.clobber)
          : event.kind === "stale-tlb"
            ? explainStale(
                { ...explainer, instruction: (rip) => instructionLine(explainer, rip) },
                event.use,
                stop.rip,
              )
            : event.kind === "interrupt"
              ? explainInterrupt(explainer, event.vector, event.software)
              : [eventText(event), `By ${instructionText(explainer, stop.rip)}.`];
      return {
        exceptionId: event.kind,
        description: lines.join("\n"),
        breakMode: "always",
        // Editors show the description and a stack trace of the details: one is enough.
        details: { message: lines[0]! },
      };
    }
    case "triple-fault": {
      const text = autopsy(explainer, stop.chain);
      return {
        exceptionId: "triple fault",
        description: text,
        breakMode: "always",
        details: { message: text.split("\n")[0]! },
      };
    }
    case "dead":
    case "unimplemented":
    case "out-of-memory":
      return {
        exceptionId: stop.kind,
        description: `${stopText(stop)}\nAt ${instructionText(explainer, core.rip)}.`,
        breakMode: "always",
        details: { message: stopText(stop) },
      };
    case "step":
    case "arrived":
    case "limit":
    case "pause":
    case "idle":
    case "waiting":
    case "breakpoint":
    case "watchpoint":
    case "reset":
    case "debug-exit":
    case "power-off":
      throw notException();
  }
}
