/**
 * The autopsy of a triple fault: the chain of faults from the first cause to the shutdown, each with the table entry that failed it. The machine
 * is stopped before the reset, with the state of the first faulting instruction.
 */
import type { FaultRecord, StopReason } from "../../emulator/index.ts";
import { explainFault, faultTitle, type Explainer } from "./explain.ts";

/** The whole text, for the Debug Console and the command line; lines end with "\n". */
export function autopsy(explainer: Explainer, chain: readonly FaultRecord[]): string {
  const lines = [`Triple fault: ${chain.map((fault) => faultTitle(fault)).join(" → ")} → shutdown.`, ""];
  for (const [index, fault] of chain.entries()) {
    const explained = explainFault(explainer, fault);
    const role = index === 0 ? "It began with" : "While that was being delivered:";
    lines.push(`${index + 1}. ${role} ${explained[0]}`, ...explained.slice(1).map((line) => `   ${line}`));
  }
  lines.push(
    "",
    "No handler could be reached, so the processor shut down; a PC resets itself then. All registers are those of the first fault.",
  );
  return `${lines.join("\n")}\n`;
}

/** One line for a stop that ends a run, as the command line prints it. */
export function stopText(stop: StopReason): string {
  switch (stop.kind) {
    case "limit":
      return "The limit of the run was reached.";
    case "idle":
      return "Every CPU waits for an interrupt, and none is on its way.";
    case "waiting":
      return "The machine waits for the host to deliver the bytes of a disk.";
    case "breakpoint":
      return "Breakpoint.";
    case "watchpoint":
      return `${stop.access.write ? "Write to" : "Read of"} watched memory at 0x${stop.access.linear.toString(16)}.`;
    case "event":
      return "Watched event.";
    case "dead":
      return "Every CPU is halted with interrupts off: nothing can ever happen again.";
    case "triple-fault":
      return `Triple fault: ${stop.chain.map((fault) => faultTitle(fault)).join(" → ")}.`;
    case "reset":
      return `The guest reset the machine (${stop.cause}).`;
    case "debug-exit":
      return `The guest ended the machine through isa-debug-exit with code ${stop.code}.`;
    case "power-off":
      return "The guest powered the machine off.";
    case "unimplemented":
      return `Not implemented by the emulator: ${stop.name} at 0x${stop.rip.toString(16)}, bytes ${Array.from(stop.bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}.`;
    case "out-of-memory":
      return `The host has no memory left for the guest: ${stop.text}.`;
  }
}
