/**
 * What a session knows between requests: the target, breakpoints, the last stop, and the numbers it has given out for frames, variables, locations.
 *
 * Invariant: numbers that belong to a stop are forgotten when the machine runs. Requests (the other files here) are functions of this.
 */
import { ACTIVITY, type Core, type Machine, type StopReason } from "../../emulator/index.ts";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { CustomEvents, StatusBody } from "../../media/protocol.ts";
import { BreakpointTable } from "../breakpoints/table.ts";
import type { Clock } from "../debuggee.ts";
import {
  AdapterError,
  internal,
  machineRunning,
  noLocation,
  noSuchFrame,
  noSuchThread,
  notLaunched,
} from "../errors.ts";
import type { Names, Value } from "../expressions/index.ts";
import type { Files } from "../files.ts";
import { formatReference, type Address } from "../memory/space.ts";
import { Monitor } from "../monitor/index.ts";
import { programCounter } from "../registers/index.ts";
import { machineStatus } from "../status.ts";
import { DEEPEST, framesOf, type Frame } from "../stack/frame.ts";
import { currentNames, frameNames, variablesOf } from "../stack/names.ts";
import type { StepEnd } from "../stepping/step.ts";
import type { Target } from "../target.ts";
import { VariableStore } from "../variables/index.ts";

export interface Host {
  readonly files: Files;
  readonly clock: Clock;
  /** Sends an event; `body` is plain JSON. */
  event(name: string, body?: unknown): void;
}

/** The frames of one CPU at one stop, made as they are asked for. */
interface Stack {
  readonly frames: Frame[];
  readonly ids: number[];
  readonly rest: Generator<Frame>;
  isComplete: boolean;
}

export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A guest may change mode in every slice. */
const STATUS_MILLISECONDS = 200;
/** What is remembered of the memory that a client shows: editors read in pages of 128 KiB. */
const SHOWN_RANGES = 32;
const SHOWN_BYTES = 1 << 17;

export class State {
  readonly host: Host;
  readonly breakpoints = new BreakpointTable();
  readonly variables = new VariableStore();
  client: DebugProtocol.InitializeRequestArguments = { adapterID: "redzone" };
  target: Target | null = null;
  /** Why the machine does not run; null while it runs and before the first stop. */
  stop: StepEnd | null = null;
  /** The session is over. */
  hasEnded = false;
  /** When the machine was last set going, by the host's clock. */
  runBegan = 0;
  monitor: Monitor | null = null;
  /** Targets of stepInTargets and gotoTargets by id: addresses. */
  readonly targets = new Map<number, bigint>();
  #stacks = new Map<Core, Stack>();
  #frames = new Map<number, Frame>();
  #locations = new Map<number, Location>();
  #nextId = 1;
  /** Ranges that a client has read, oldest first. */
  readonly #shown = new Map<string, { readonly at: Address; readonly bytes: Uint8Array }>();
  #focus = 0;
  #shownCpu = 0;
  #lastStatus = "";
  #nextStatus = 0;

  constructor(host: Host) {
    this.host = host;
  }

  nextId(): number {
    return this.#nextId++;
  }

  send<Name extends keyof CustomEvents>(name: Name, body: CustomEvents[Name]): void {
    this.host.event(name, body);
  }

  output(text: string, category: "console" | "important" | "stdout" | "stderr" = "console"): void {
    if (text !== "")
      this.host.event("output", { category, output: text.endsWith("\n") ? text : `${text}\n` });
  }

  /** Does something after the response to the request under way; whatever it throws is told, and ends nothing. */
  later(action: () => void): void {
    setImmediate(() => {
      try {
        action();
      } catch (error) {
        this.tellError("go on", error);
      }
    });
  }

  /** An error that no request waits for. */
  tellError(what: string, error: unknown): void {
    if (this.hasEnded) return;
    this.output((error instanceof AdapterError ? error : internal(what, error)).message, "important");
  }

  /** Whether a stop of the machine is one of the user's. The kernel may have been found by it, and its symbols moved. */
  accepts(stop: StopReason): boolean {
    const target = this.launched();
    if (target.linux?.observe(stop) === true) {
      this.symbolsMoved();
      target.debuggee.lookAgain();
    }
    return this.breakpoints.accepts(stop);
  }

  /** Symbols are elsewhere now: breakpoints go there. */
  symbolsMoved(): void {
    this.target?.clobbers.liveness.forget();
    for (const entry of this.breakpoints.rebind())
      this.host.event("breakpoint", { reason: "changed", breakpoint: entry.reply });
  }

  get isRunning(): boolean {
    return this.target?.debuggee.isRunning === true;
  }

  /** The target. Throws `notLaunched`. */
  launched(): Target {
    if (this.target === null) throw notLaunched();
    return this.target;
  }

  /** The target, standing still. Throws `notLaunched`, `machineRunning`. */
  stopped(): Target {
    const target = this.launched();
    if (this.isRunning) throw machineRunning();
    return target;
  }

  get machine(): Machine {
    return this.launched().machine;
  }

  /** The CPU of a thread. Throws `noSuchThread`. */
  core(threadId: number): Core {
    const core = this.launched().cpus[threadId - 1];
    if (core === undefined) throw noSuchThread(threadId);
    return core;
  }

  static threadId(core: Core): number {
    return core.index + 1;
  }

  /** The machine is about to run, or has been changed: what was given out is no longer good. */
  forget(): void {
    this.variables.clear();
    this.#stacks.clear();
    this.#frames.clear();
    this.#locations.clear();
    this.targets.clear();
  }

  /** Frames `start` … `start + count` of a CPU's stack with their numbers. */
  frames(
    core: Core,
    start: number,
    count: number,
  ): { readonly list: readonly (readonly [number, Frame])[]; readonly total: number } {
    let stack = this.#stacks.get(core);
    if (stack === undefined) {
      stack = { frames: [], ids: [], rest: framesOf(core, this.launched().symbols), isComplete: false };
      this.#stacks.set(core, stack);
    }
    const { frames, ids, rest } = stack;
    while (!stack.isComplete && frames.length < Math.min(start + count, DEEPEST)) {
      const next = rest.next();
      if (next.done === true) {
        stack.isComplete = true;
        break;
      }
      const id = this.nextId();
      frames.push(next.value);
      ids.push(id);
      this.#frames.set(id, next.value);
    }
    const list = frames.slice(start, start + count).map((frame, i) => [ids[start + i]!, frame] as const);
    // The exact number is known only at the end; one more than asked for keeps the client asking.
    return { list, total: stack.isComplete ? frames.length : frames.length + 1 };
  }

  /** Throws `noSuchFrame`. */
  frame(id: number): Frame {
    const frame = this.#frames.get(id);
    if (frame === undefined) throw noSuchFrame(id);
    return frame;
  }

  /** Whether a frame's number was given out at an earlier stop: an editor that is stepped quickly still asks about those. */
  isPast(id: number): boolean {
    return id > 0 && id < this.#nextId && !this.#frames.has(id);
  }

  /** The frame that an expression belongs to: the one given, else the innermost one of the CPU that stopped. */
  frameOr(id: number | undefined): Frame {
    if (id !== undefined && id !== 0) return this.frame(id);
    return this.topFrame(this.focus);
  }

  topFrame(core: Core): Frame {
    const first = this.frames(core, 0, 1).list[0];
    if (first === undefined) throw noSuchFrame(0);
    return first[1];
  }

  names(frame: Frame, convenience?: ReadonlyMap<string, Value>): Names {
    return frameNames(frame, this.launched().symbols, convenience);
  }

  /** Names at the current instruction while the machine is between two slices of a run: not cached. */
  namesNow(core: Core, convenience?: ReadonlyMap<string, Value>): Names {
    return currentNames(core, this.launched().symbols, convenience);
  }

  /** The CPU that the last stop was about, or that has been chosen since: what is looked at unless a request says otherwise. */
  get focus(): Core {
    const { cpus } = this.launched();
    return cpus[this.#focus] ?? cpus[0]!;
  }
  focusOn(cpu: number): void {
    this.#focus = this.#shownCpu = cpu;
  }
  /** The client shows a frame of this CPU: if that is another than before, somebody has chosen it there. */
  showing(core: Core): void {
    if (core.index !== this.#shownCpu) this.focusOn(core.index);
  }
  /** The monitor's `cpu N`: holds until another CPU is chosen in the client. */
  choose(cpu: number): void {
    this.#focus = cpu;
  }
  /** At a pause: a CPU that does something is more interesting than one that does not. */
  focusOnRunning(): void {
    const { cpus } = this.launched();
    const isRunning = (core: Core | undefined): boolean => core?.activity === ACTIVITY.running;
    if (isRunning(cpus[this.#focus])) return;
    const running = cpus.find(isRunning);
    if (running !== undefined) this.focusOn(running.index);
  }

  location(place: Location): number {
    const id = this.nextId();
    this.#locations.set(id, place);
    return id;
  }

  /** Throws `noLocation`. */
  locationOf(reference: number): Location {
    const found = this.#locations.get(reference);
    if (found === undefined) throw noLocation();
    return found;
  }

  status(): StatusBody {
    const target = this.launched();
    return machineStatus(target.machine, this.focus, this.isRunning);
  }

  /** Sends the status: always if `isForced`, else if the mode differs from the last one, and a few times a second at most. */
  sendStatus(isForced: boolean): void {
    if (this.target === null) return;
    const now = this.host.clock.now();
    if (!isForced && now < this.#nextStatus) return;
    const status = this.status();
    const text = JSON.stringify([status.mode, status.ring, status.paging]);
    if (!isForced && text === this.#lastStatus) return;
    this.#lastStatus = text;
    this.#nextStatus = now + STATUS_MILLISECONDS;
    this.send("redzone/status", status);
  }

  /** Something was changed by hand: lets the client fetch what it shows anew. */
  invalidate(areas: readonly ("variables" | "stacks" | "threads" | "all")[]): void {
    this.writeMemoryFiles();
    if (this.client.supportsInvalidatedEvent === true) this.host.event("invalidated", { areas });
    this.sendStatus(false);
  }

  /** Brings the files behind memory up to date; with the host's time, only if it is long since. */
  writeMemoryFiles(now?: number): void {
    try {
      if (now === undefined) this.target?.booted.memoryFiles.writeBack();
      else this.target?.booted.memoryFiles.slice(now);
    } catch (error) {
      this.tellError("write a file behind memory", error);
    }
  }

  /** Names of variables in scope in a frame, for completion. */
  variablesInScope(frameId: number | undefined): readonly string[] {
    return variablesOf(this.frameOr(frameId)).map((variable) => variable.name);
  }

  /** Memory was changed by hand: tells clients that show it. A place of null is none in memory. */
  memoryChanged(place: Address | undefined, count: number): void {
    if (place === undefined || this.client.supportsMemoryEvent !== true) return;
    this.host.event("memory", { memoryReference: formatReference(place), offset: 0, count });
  }

  /** Remembers what a client was shown of memory, so that a later stop can tell it what has changed since. */
  memoryShown(at: Address, bytes: Uint8Array): void {
    if (this.client.supportsMemoryEvent !== true || bytes.length === 0 || bytes.length > SHOWN_BYTES) return;
    const key = formatReference(at);
    this.#shown.delete(key);
    this.#shown.set(key, { at, bytes });
    const [oldest] = this.#shown.keys();
    if (this.#shown.size > SHOWN_RANGES && oldest !== undefined) this.#shown.delete(oldest);
  }

  /** At a stop: says which of the ranges that a client was shown are different now. */
  tellChangedMemory(): void {
    const space = this.launched().space(this.focus);
    for (const [memoryReference, { at, bytes }] of this.#shown) {
      const now = space.readUpTo(at, bytes.length).bytes;
      if (now.length === bytes.length && now.every((byte, i) => byte === bytes[i])) continue;
      this.#shown.delete(memoryReference);
      this.host.event("memory", { memoryReference, offset: 0, count: bytes.length });
    }
  }

  /** What a stop says about where the CPU is, for decoding. */
  observe(): void {
    const target = this.launched();
    if (target.linux?.look(this.focus) === true) this.symbolsMoved();
    for (const core of target.cpus) target.observe(core, programCounter(core));
  }
}
