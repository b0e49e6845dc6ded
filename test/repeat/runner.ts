/** Runs machines in ways that must not matter: in slices, from saved states, with a debugger looking on. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  boot,
  createMachine,
  type Input,
  type Machine,
  type MachineConfig,
  type StopReason,
} from "../../emulator/index.ts";
import { made } from "../support/made.ts";

export interface Subject {
  readonly kernel: Uint8Array;
  readonly append: string;
  readonly config: MachineConfig;
  /** What comes from outside, by instant, in order. */
  readonly inputs: readonly { readonly instant: number; readonly input: Input }[];
  /** Instant at which a run is over, unless the guest ends it. */
  readonly end: number;
  /** Instant from which on much happens: runs in small slices are in small ones only from here, for a while. */
  readonly lively: number;
}

/** A byte the guest wrote, and when. */
export interface Written {
  readonly instant: number;
  readonly channel: string;
  readonly byte: number;
}

export interface Run {
  readonly machine: Machine;
  readonly written: Written[];
}

export const text = (written: readonly Written[]): string =>
  String.fromCharCode(...written.map(({ byte }) => byte));

const GUESTS = fileURLToPath(new URL("../guests/", import.meta.url));
const OUT = fileURLToPath(new URL("../../.cache/guests/", import.meta.url));

/** The assembled flat file. */
export function assemble(name: string): Uint8Array {
  const source = fileURLToPath(new URL(`${name}.asm`, import.meta.url));
  const file = made(`${OUT}${name}.bin`, (out) =>
    execFileSync("nasm", ["-f", "bin", "-I", GUESTS, "-o", out, source]),
  );
  return new Uint8Array(readFileSync(file));
}

/** A machine just booted; also one for a saved state to go into, which knows what to load again after a reset. */
export function start(subject: Subject): Run {
  const machine = createMachine({ translator: "early", ...subject.config });
  const written: Written[] = [];
  machine.onOutput = (channel, byte) => written.push({ instant: machine.instant, channel, byte });
  const { kernel, append } = subject;
  const load = (): void => {
    const booted = boot(machine, { kernel, kernelName: "kernel", append, modules: [] });
    if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  };
  machine.onReset = load;
  load();
  return { machine, written };
}

/** Stops that are the debugger's doing. */
const LOOKS: ReadonlySet<StopReason["kind"]> = new Set(["limit", "breakpoint", "watchpoint", "event"]);

/** Runs to an instant, giving the inputs that are due from where it stands; the stop is the guest's own, or "limit". Calls `look` at the debugger's stops. */
export function runTo(
  { machine }: Run,
  { inputs }: Subject,
  end: number,
  slice = 1e6,
  look: (stop: StopReason) => void = () => {},
): StopReason {
  const due = inputs.filter(({ instant }) => instant >= machine.instant && instant < end);
  for (const { instant, input } of [...due, { instant: end, input: null }]) {
    let resume = false;
    while (machine.instant < instant) {
      const stop = machine.run({ instants: Math.min(slice, instant - machine.instant), resume });
      if (!LOOKS.has(stop.kind)) return stop;
      resume = stop.kind !== "limit";
      if (resume) look(stop);
    }
    if (input !== null) machine.input(input);
  }
  return { kind: "limit" };
}
