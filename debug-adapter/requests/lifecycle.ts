/** Requests about the session as a whole: initialize, launch, restart, the end. */
import { alreadyLaunched, attachUnsupported, malformedRequest } from "../errors.ts";
import { capabilities } from "../capabilities.ts";
import { parseLaunch } from "../launch.ts";
import { Monitor } from "../monitor/index.ts";
import { infoRedZone } from "../red-zone/index.ts";
import { stackPictures } from "../stack/pictures.ts";
import { Target } from "../target.ts";
import { continueRun, forwardOutput, resume, tellStop } from "./run.ts";
import { State } from "./state.ts";
import type { Handlers } from "./table.ts";

export function lifecycle(state: State): Handlers {
  let configured = false;
  let isReady: () => void = () => undefined;
  /** Indexing in the background; a number changes when it is to stop. */
  let indexing = 0;
  let indexSymbols: () => void = () => undefined;
  let progressId: string | null = null;
  /** The configuration, for a restart without a new one. */
  let lastGiven: unknown;

  const start = (given: unknown): void => {
    const target = new Target(parseLaunch(given), state.host.files, state.host.clock);
    lastGiven = given;
    state.target?.debuggee.dispose();
    state.target = target;
    state.hasEnded = false;
    state.stop = null;
    state.focusOn(0);
    state.forget();
    forwardOutput(state, target);
    state.monitor = makeMonitor(state, target);
    state.breakpoints.judge = {
      names: (core, convenience) => state.namesNow(core, convenience),
      log: (_, text) => state.output(text, "console"),
      complain: (entry, error) =>
        state.output(
          `Breakpoint ${entry.id} stops because its condition cannot be evaluated: ${error.message}`,
          "stderr",
        ),
    };
    for (const note of [...target.configuration.notes, ...target.loaded.notes]) state.output(note);
    for (const finding of target.booted.plan?.notes ?? []) state.output(`${finding.file}: ${finding.text}.`);
    if (target.configuration.noDebug) state.breakpoints.disable();
    for (const entry of state.breakpoints.attach(target.machine))
      state.host.event("breakpoint", { reason: "changed", breakpoint: entry.reply });
    state.host.event("process", {
      name: target.booted.mainPath,
      startMethod: "launch",
      isLocalProcess: true,
      pointerSize: 64,
    });
    const { linux } = target;
    if (linux !== null) {
      linux.onNote = (text) => state.output(text);
      linux.onModule = (module) => {
        const id = target.loaded.modules.length + 1;
        target.loaded.modules.push({ id, ...module, path: null, problem: null, role: "symbols in memory" });
        state.host.event("module", { reason: "new", module: { id, name: module.name } });
      };
    }
    for (const module of target.loaded.modules)
      state.host.event("module", { reason: "new", module: { id: module.id, name: module.name } });
    // A file that makes the reader fail costs its names, not the session.
    indexSymbols = () =>
      void index(target, ++indexing).catch((error: unknown) => state.tellError("index symbols", error));
    // Of a kernel with hundreds of megabytes of debug information the breakpoints come first.
    if (configured || target.loaded.kernel === null) indexSymbols();
  };

  /** Begins to run, or stands at the first instruction. */
  const go = (): void => {
    const { configuration } = state.launched();
    if (configuration.stopOnEntry && !configuration.noDebug) tellStop(state, { kind: "pause" }, "entry");
    else resume(state, (control) => control.run({ resume: false, accepts: (stop) => state.accepts(stop) }));
  };

  /** Makes the symbols' indexes in slices, so that the first question about a name does not wait for all of them. */
  const index = async (target: Target, generation: number): Promise<void> => {
    const { clock } = state.host;
    const steps = target.symbols.index();
    const began = clock.now();
    let shown: string | null = null;
    for (let done = 0; ;) {
      const sliceEnd = clock.now() + 8;
      do {
        const next = steps.next();
        if (next.done === true) {
          if (shown !== null) state.host.event("progressEnd", { progressId: shown });
          if (progressId === shown) progressId = null;
          if (target.loaded.kernel !== null && state.target === target) state.symbolsMoved();
          return;
        }
        done = next.value;
      } while (clock.now() < sliceEnd);
      if (shown === null && clock.now() - began > 300 && state.client.supportsProgressReporting === true) {
        shown = progressId = `symbols-${generation}`;
        state.host.event("progressStart", {
          progressId: shown,
          title: "Reading symbols",
          cancellable: true,
          percentage: Math.round(done * 100),
        });
      } else if (shown !== null) {
        state.host.event("progressUpdate", { progressId: shown, percentage: Math.round(done * 100) });
      }
      await clock.turn();
      if (indexing !== generation || state.hasEnded) {
        if (shown !== null)
          state.host.event("progressEnd", { progressId: shown, message: "Later, when they are needed" });
        return;
      }
    }
  };

  const end = (): void => {
    indexing++;
    leave();
    state.hasEnded = true;
  };
  /** Files behind memory are exact whenever the machine stands, at its end, too. */
  const leave = (): void => {
    state.writeMemoryFiles();
    state.target?.debuggee.dispose();
  };

  return {
    initialize(args) {
      if (args.pathFormat !== undefined && args.pathFormat !== "path")
        throw malformedRequest("initialize", 'pathFormat must be "path"');
      state.client = args;
      return capabilities;
    },
    async launch(args) {
      if (state.target !== null) throw alreadyLaunched();
      start(args);
      state.host.event("initialized");
      // The response waits for the breakpoints, so that a client knows all is set when it has it.
      if (!configured) await new Promise<void>((resolve) => (isReady = resolve));
      if (state.hasEnded) return;
      if (state.launched().loaded.kernel !== null) indexSymbols();
      state.later(go);
    },
    attach() {
      throw attachUnsupported();
    },
    configurationDone() {
      configured = true;
      isReady();
    },
    restart(args) {
      const given: unknown = args?.arguments;
      state.launched();
      leave();
      start(given ?? lastGiven);
      state.later(go);
    },
    disconnect: end,
    terminate() {
      end();
      state.host.event("terminated", {});
    },
    cancel({ progressId: id }) {
      if (id !== undefined && id === progressId) indexing++;
    },
  };
}

function makeMonitor(state: State, target: Target): Monitor {
  return new Monitor({
    machine: target.machine,
    get core() {
      return state.focus;
    },
    get names() {
      return state.namesNow(state.focus);
    },
    get isRunning() {
      return state.isRunning;
    },
    syntax: target.syntax,
    images: target.booted.images,
    get pageTables() {
      return target.pageTables;
    },
    memoryFiles: target.booted.memoryFiles,
    input: (input) => target.debuggee.input(input),
    memoryChanged() {
      // Not the stacks: the editor would bring the source of the top frame to the front of whatever asked.
      state.invalidate(["variables"]);
      state.sendStatus(true);
    },
    stacks: stackPictures(target),
    quit() {
      state.hasEnded = true;
      target.debuggee.dispose();
      state.host.event("terminated", {});
    },
    redZone: () => infoRedZone(target.clobbers, target.machine),
    choose: (cpu) => state.choose(cpu),
    stop: () => target.debuggee.pause(),
    cont() {
      if (!state.isRunning) {
        resume(state, continueRun(state));
        state.host.event("continued", {
          threadId: State.threadId(state.focus),
          allThreadsContinued: true,
        });
      }
    },
    reset() {
      target.machine.reset();
      if (!state.isRunning) {
        state.forget();
        tellStop(state, { kind: "pause" }, "entry");
      }
    },
  });
}
