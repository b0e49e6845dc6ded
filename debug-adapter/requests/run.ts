/**
 * Runs the machine for a request and tells the client how that ended: `stopped`, or `exited` and `terminated`.
 *
 * Invariant: the response to the request goes out before the first instruction runs, and a run that a restart or the end of the session overtook
 * says nothing any more.
 */
import type { Core } from "../../emulator/index.ts";
import type { Channel, StoppedBody } from "../../media/protocol.ts";
import type { Control } from "../debuggee.ts";
import { machineEnded } from "../errors.ts";
import { autopsy, stopText } from "../exceptions/autopsy.ts";
import { topFrame } from "../stack/frame.ts";
import type { StepEnd } from "../stepping/step.ts";
import type { Target } from "../target.ts";
import { State } from "./state.ts";
import { describeStop, exceptionInfo } from "./stop.ts";

/** A run that lasts longer is told to clients that show threads. */
const RENAME_MILLISECONDS = 300;

/** Starts `body` on the machine; returns at once. Throws `notLaunched`, `machineRunning`, `machineEnded`. */
export function resume(state: State, body: (control: Control, target: Target) => Promise<StepEnd>): void {
  const target = state.stopped();
  if (state.hasEnded) throw machineEnded();
  state.forget();
  state.stop = null;
  state.runBegan = state.host.clock.now();
  // `perform` marks the machine as running before anything else can look.
  const run = target.debuggee.perform(async (control) => {
    await state.host.clock.turn();
    state.sendStatus(true);
    await target.clobbers.prepare(state.host.clock);
    return (await body(control, target)) as never;
  });
  run
    .catch((error: unknown): StepEnd => {
      if (state.target === target) state.tellError("run", error);
      return { kind: "pause" };
    })
    .then((stop) => ended(state, target, stop))
    .catch((error: unknown) => state.tellError("tell of a stop", error));
}

/** The user's stops end a run; everything else goes on. */
export const continueRun =
  (state: State) =>
  (control: Control): Promise<StepEnd> =>
    control.run({ resume: true, accepts: (stop) => state.accepts(stop) });

function ended(state: State, target: Target, stop: StepEnd): void {
  if (state.target !== target || state.hasEnded) return;
  if (stop.kind === "debug-exit") exit(state, stop.code, stopText(stop));
  else if (stop.kind === "power-off" || stop.kind === "reset") exit(state, 0, stopText(stop));
  else tellStop(state, stop);
}

/** Tells the client that the machine stands still, and why. */
export function tellStop(state: State, stop: StepEnd, reason?: string): void {
  state.stop = stop;
  if ("cpu" in stop) state.focusOn(stop.cpu);
  else if (stop.kind === "pause" && reason === undefined) state.focusOnRunning();
  state.observe();
  state.writeMemoryFiles();
  state.launched().observation.stopped();
  state.launched().stopped();
  const hits = state.breakpoints.hitEntries.filter(
    () => stop.kind === "breakpoint" || stop.kind === "watchpoint" || stop.kind === "event",
  );
  const description = describeStop(stop, hits, state.breakpoints.change);
  const { focus } = state;
  if (stop.kind === "triple-fault")
    state.output(autopsy(state.launched().explainer(focus), stop.chain), "important");
  const source = { hasSource: hasSource(state, focus) } satisfies StoppedBody;
  // The editor shows an exception beside its source line; where there is none, the Debug Console says what it knows; and it keeps what
  // is said of the red zone, which is about more places than one.
  if (
    stop.kind === "event" &&
    (stop.event.kind === "red-zone" ||
      stop.event.kind === "stale-tlb" ||
      (stop.event.kind === "exception" && !source.hasSource))
  )
    state.output(exceptionInfo(stop, state.launched().explainer(focus), focus).description!, "important");
  state.host.event("stopped", {
    reason: reason ?? description.reason,
    description: reason === "entry" ? "Paused on entry" : description.description,
    ...(description.text === "" ? {} : { text: description.text }),
    threadId: State.threadId(focus),
    allThreadsStopped: true,
    ...(hits.length === 0 ? {} : { hitBreakpointIds: hits.map((entry) => entry.id) }),
    ...source,
  });
  state.sendStatus(true);
  state.tellChangedMemory();
}

/** Whether the editor can open the line at which a CPU stands. */
function hasSource(state: State, core: Core): boolean {
  const { symbols, sources } = state.launched();
  const position = topFrame(core, symbols).symbols?.position ?? null;
  return position !== null && position.line > 0 && sources.find(position.file) !== null;
}

function exit(state: State, exitCode: number, text: string): void {
  state.hasEnded = true;
  state.output(text);
  state.host.event("exited", { exitCode });
  state.host.event("terminated", {});
}

/** Hands what the guest writes to the client: always as bytes, and as text where the configuration or the client asks for that. */
export function forwardOutput(state: State, target: Target): void {
  const isConsole = target.configuration.serial === "console" || state.client.clientID !== "vscode";
  const decoders = new Map<Channel, InstanceType<typeof TextDecoder>>();
  target.debuggee.onOutput = (channel, bytes) => {
    state.send("redzone/output", { channel, data: base64(bytes) });
    if (!isConsole || channel === "seabios") return;
    let decoder = decoders.get(channel);
    if (decoder === undefined) decoders.set(channel, (decoder = new TextDecoder()));
    const output = decoder.decode(bytes, { stream: true });
    state.host.event("output", { category: channel.startsWith("serial") ? "stdout" : "console", output });
  };
  let namedFor = 0;
  target.debuggee.onRest = () => state.writeMemoryFiles();
  target.debuggee.onSlice = () => {
    state.sendStatus(false);
    state.writeMemoryFiles(state.host.clock.now());
    // The names at the last stop say in which mode each CPU was; a run that is more than a step has others.
    const { runBegan } = state;
    if (namedFor === runBegan || state.host.clock.now() - runBegan < RENAME_MILLISECONDS) return;
    namedFor = runBegan;
    for (const core of target.cpus)
      state.host.event("thread", { reason: "started", threadId: State.threadId(core) });
  };
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
