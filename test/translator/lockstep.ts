/**
 * Two machines in lock-step, one of them without the translator: after each slice everything a guest could ever see is compared.
 *
 * Of a difference is told where it begins: the slice is run again, from the state before it, with fewer and fewer instants. Regions charge whole blocks,
 * so "the first instant that differs" is the last of the block that is wrong; the instructions up to it are listed.
 */
import {
  createMachine,
  MODE,
  SEG,
  STATE,
  type Core,
  type Machine,
  type MachineConfig,
  type MachineHost,
  type MachineState,
  type StopReason,
} from "../../emulator/index.ts";
import { decode, LONGEST } from "../../debug-adapter/disassembly/decoder.ts";
import { Comparison } from "./difference.ts";

export type Engine = "early" | "forced";

/** A guest: what starts it in a machine, and what comes from outside. */
export interface Subject {
  readonly config: MachineConfig;
  readonly host?: () => MachineHost;
  readonly load: (machine: Machine) => void;
  readonly inputs?: readonly { readonly instant: number; readonly input: Parameters<Machine["input"]>[0] }[];
}

export interface Outcome {
  readonly instants: number;
  /** Of them, those that translated code executed. */
  readonly translated: number;
  /** What ended the run: "limit" or the guest's own stop. */
  readonly stop: StopReason["kind"];
  readonly output: string;
}

interface Side {
  readonly machine: Machine;
  output: string;
}

const TRAIL = 40;
/** A machine that starts afresh to look for the first difference runs at most that far. */
const AFRESH_INSTANTS = 300e6;

function start({ config, host, load }: Subject, translator: "off" | Engine): Side {
  const machine = createMachine({ ...config, translator }, host?.());
  const side: Side = { machine, output: "" };
  machine.onOutput = (_channel, byte) => {
    side.output += String.fromCharCode(byte);
  };
  machine.onReset = () => load(machine);
  load(machine);
  return side;
}

/** To an instant, with the inputs that are due. Gives the guest's own stop, or "limit". A triple fault is gone on from: the machine resets. */
function runTo({ machine }: Side, { inputs = [] }: Subject, end: number): StopReason["kind"] {
  const due = inputs.filter(({ instant }) => instant >= machine.instant && instant < end);
  for (const { instant, input } of [...due, { instant: end, input: null }]) {
    while (machine.instant < instant) {
      const stop = machine.run({ instants: instant - machine.instant });
      const goesOn = stop.kind === "limit" || stop.kind === "waiting" || stop.kind === "triple-fault";
      if (!goesOn) return stop.kind;
    }
    if (input !== null) machine.input(input);
  }
  return "limit";
}

/**
 * Runs both to `end`, comparing after each of `slices` (instants; an iterator that may give other sizes each time).
 * Throws with the place and the difference.
 */
export function lockstep(
  subject: Subject,
  engine: Engine,
  end: number,
  slices: Iterator<number>,
  /** Run in a slice that no other comparison sees, such as an input or a breakpoint. */
  between: (machine: Machine, instant: number) => void = () => {},
): Outcome {
  const ours = start(subject, "off");
  const theirs = start(subject, engine);
  const comparison = new Comparison();
  let before = [ours.machine.save(), theirs.machine.save()] as const;
  let stop: StopReason["kind"] = "limit";
  const bounds = [0];
  while (stop === "limit" && ours.machine.instant < end) {
    const to = Math.min(end, ours.machine.instant + Math.max(1, slices.next().value as number));
    for (const { machine } of [ours, theirs]) between(machine, machine.instant);
    stop = runTo(ours, subject, to);
    const theirStop = runTo(theirs, subject, to);
    const after = [ours.machine.save(), theirs.machine.save()] as const;
    const found = comparison.differences(...after);
    if (stop !== theirStop) found.unshift(`stopped with ${stop} and ${theirStop}`);
    if (ours.output !== theirs.output)
      found.unshift(
        `output ${JSON.stringify(ours.output.slice(-200))} and ${JSON.stringify(theirs.output.slice(-200))}`,
      );
    if (found.length > 0)
      throw new Error(
        [
          `translator ${engine}: off and ${engine} differ between instants ${before[0].instant} and ${to}`,
          ...found.slice(0, 24),
          ...explain(subject, engine, before, bounds, to),
        ].join("\n"),
      );
    bounds.push(ours.machine.instant);
    before = after;
  }
  const translator = theirs.machine.statistics().processor.translator;
  return { instants: ours.machine.instant, translated: translator?.instants ?? 0, stop, output: ours.output };
}

/**
 * The same without saving states on the way, which makes all pages look unwritten and all code look new: registers and TLBs are compared after each slice, all
 * the rest at the end. Tells the slice, not the place.
 */
export function unsaved(subject: Subject, engine: Engine, end: number, slice: number): Outcome {
  const ours = start(subject, "off");
  const theirs = start(subject, engine);
  let stop: StopReason["kind"] = "limit";
  while (stop === "limit" && ours.machine.instant < end) {
    const from = ours.machine.instant;
    const to = Math.min(end, from + slice);
    stop = runTo(ours, subject, to);
    const theirStop = runTo(theirs, subject, to);
    const [here, there] = [ours, theirs].map(({ machine }) => machine.cpus.map(visible).join("; "));
    if (stop !== theirStop || here !== there)
      throw new Error(
        `translator ${engine}: between instants ${from} and ${to}, ${stop} and ${theirStop}: ${here} and ${there}`,
      );
  }
  const found = new Comparison().differences(ours.machine.save(), theirs.machine.save());
  if (found.length > 0)
    throw new Error([`translator ${engine}: at ${end}`, ...found.slice(0, 24)].join("\n"));
  const translator = theirs.machine.statistics().processor.translator;
  return { instants: ours.machine.instant, translated: translator?.instants ?? 0, stop, output: ours.output };
}

/** A CPU's registers in words, and a hash of its TLBs. */
function visible(core: Core): string {
  const registers = Array.from({ length: 16 }, (_, n) => core.gpr(n).toString(16));
  let hash = 0;
  for (const byte of core.saveTlb()) hash = (Math.imul(hash, 31) + byte) | 0;
  return `${core.rip.toString(16)} ${core.rflags.toString(16)} ${registers.join(" ")} ${hash}`;
}

/** Looks for the first instant after which the two differ. `bounds`: the slices so far. */
function explain(
  subject: Subject,
  engine: Engine,
  [ours, theirs]: readonly [MachineState, MachineState],
  bounds: readonly number[],
  to: number,
): string[] {
  const from = ours.instant;
  const oursAt = (instant: number): Side => {
    const side = start(subject, "off");
    side.machine.load(ours);
    runTo(side, subject, instant);
    return side;
  };
  const fresh = (instant: number): Side => {
    const side = start(subject, engine);
    side.machine.load(theirs);
    runTo(side, subject, instant);
    return side;
  };
  const again = (instant: number): Side => {
    const side = start(subject, engine);
    for (const bound of bounds) runTo(side, subject, bound);
    runTo(side, subject, instant);
    return side;
  };
  const differ = (run: (instant: number) => Side, instant: number): string[] =>
    new Comparison().differences(oursAt(instant).machine.save(), run(instant).machine.save());
  let run = fresh;
  if (differ(run, to).length === 0) {
    // It takes what was translated before.
    if (to > AFRESH_INSTANTS) return ["(it does not differ from the state before the slice)"];
    run = again;
    if (differ(run, to).length === 0) return ["(it does not differ when all is run once more)"];
  }
  let [equal, unequal]: [number, number] = [from, to];
  while (unequal - equal > 1) {
    const middle = Math.floor((equal + unequal) / 2);
    if (differ(run, middle).length === 0) equal = middle;
    else unequal = middle;
  }
  return [
    `the first instant that differs is ${unequal} (${run === fresh ? "from the state before the slice" : "run from the start"}):`,
    ...differ(run, unequal).slice(0, 24),
    "up to it, without the translator:",
    ...trail(oursAt(Math.max(from, unequal - TRAIL)), subject, unequal),
  ];
}

/** The instructions from where a machine stands to an instant. */
function trail(side: Side, subject: Subject, to: number): string[] {
  const lines: string[] = [];
  const { machine } = side;
  while (machine.instant < to) {
    const places = machine.cpus.map((core) => (core.activity === 0 ? describe(core) : "halted"));
    const [instant, rips] = [machine.instant, machine.cpus.map(({ rip }) => rip)];
    if (runTo(side, subject, instant + 1) !== "limit") break;
    const moved = machine.cpus.findIndex(({ rip }, index) => rip !== rips[index]);
    lines.push(`  ${instant + 1}: CPU ${Math.max(moved, 0)} ${places[Math.max(moved, 0)]}`);
  }
  return lines;
}

function describe(core: Core): string {
  const base = core.segmentBase(SEG.cs);
  const address = BigInt.asUintN(64, base + core.rip);
  const bits = ([16, 32, 64, 64] as const)[core.view.getUint32(STATE.mode, true) & MODE.codeSize]!;
  const bytes = core.peek(address, LONGEST);
  let text = "(not mapped)";
  decode(bytes, address, bits, "intel", base, (each) => {
    text = `${Buffer.from(each.bytes).toString("hex").padEnd(20)} ${each.text}`;
    return false;
  });
  return `0x${address.toString(16)} ${text}`;
}
