/** Requests that make the machine go, and pause. */
import { SEG } from "../../emulator/index.ts";
import { decode } from "../disassembly/index.ts";
import { cannotStepOut, noGotoTarget, notBreakable } from "../errors.ts";
import { parseReference } from "../memory/space.ts";
import { codeBits, findRegister } from "../registers/index.ts";
import { runTo } from "../stepping/run-to.ts";
import { Step, type Granularity, type StepEnd } from "../stepping/step.ts";
import { physicalOf } from "./breakpoints.ts";
import { continueRun, resume, tellStop } from "./run.ts";
import { State } from "./state.ts";
import type { Handlers } from "./table.ts";

/** Longest line whose calls are looked for, in bytes. */
const LONGEST_LINE = 8192;

export function execution(state: State): Handlers {
  const step = (threadId: number, body: (step: Step) => Promise<StepEnd>): void => {
    const core = state.core(threadId);
    state.focusOn(core.index);
    resume(state, (control, { machine, symbols }) =>
      Step.run({ machine, core, symbols, accepts: (stop) => state.accepts(stop) }, control, body),
    );
  };
  // Without a wish a step is one of lines, as in other debuggers: a loop on one line is not a hundred steps.
  const granularity = (given: string | undefined): Granularity =>
    given === "instruction" || given === "statement" ? given : "line";

  return {
    continue({ threadId }) {
      state.core(threadId);
      resume(state, continueRun(state));
      return { allThreadsContinued: true };
    },
    next({ threadId, granularity: given }) {
      const kind = granularity(given);
      step(threadId, (it) => (kind === "instruction" ? it.byInstruction(true) : it.byLine(true, kind)));
    },
    stepIn({ threadId, granularity: given, targetId }) {
      const kind = granularity(given);
      const target = targetId === undefined ? undefined : state.targets.get(targetId);
      step(threadId, (it) =>
        target !== undefined
          ? it.intoTarget(target)
          : kind === "instruction"
            ? it.byInstruction(false)
            : it.byLine(false, kind),
      );
    },
    stepOut({ threadId }) {
      const core = state.core(threadId);
      state.stopped();
      const frame = state.topFrame(core);
      // Known before anything runs, so that it can be refused.
      if (
        state.frames(core, 0, 64).list.every(([, other]) => other.physical.pc === frame.physical.pc) &&
        frame.symbols?.isInlined !== true
      ) {
        throw cannotStepOut();
      }
      step(threadId, (it) => it.out(frame));
    },
    pause({ threadId }) {
      state.core(threadId);
      const target = state.launched();
      if (state.isRunning) target.debuggee.pause();
      else tellStop(state, { kind: "pause" });
    },
    stepInTargets({ frameId }) {
      const frame = state.frame(frameId);
      const target = state.stopped();
      const range = frame.isTop ? target.symbols.statementRange(frame.pc) : null;
      if (range === null) return { targets: [] };
      const { core, space } = frame;
      const bits = codeBits(core);
      const base = bits === 64 ? 0n : core.segmentBase(SEG.cs);
      // Calls before the instruction pointer are over.
      const length = Number(range.high - frame.pc);
      const { bytes } = space.readUpTo({ space: "linear", offset: frame.pc }, Math.min(length, LONGEST_LINE));
      const targets: { id: number; label: string; line?: number }[] = [];
      decode(bytes, frame.pc, bits, target.syntax, base, (instruction) => {
        if (instruction.flow === "call" || instruction.flow === "indirect-call") {
          const id = state.nextId();
          state.targets.set(id, instruction.address);
          const name =
            instruction.target === null
              ? null
              : (target.describe(instruction.target) ?? `0x${instruction.target.toString(16)}`);
          const line = target.symbols.lineAt(instruction.address)?.line;
          targets.push({
            id,
            label: name ?? instruction.text,
            ...(line === undefined || line === 0 ? {} : { line }),
          });
        }
        return true;
      });
      return { targets };
    },
    gotoTargets({ source, line }) {
      const { symbols } = state.stopped();
      const places = source.path === undefined ? [] : symbols.addressesForLine(source.path, line);
      return {
        targets: places.map((place) => {
          const id = state.nextId();
          state.targets.set(id, place.address);
          const where = place.functionName === null ? "" : ` in ${place.functionName}`;
          return {
            id,
            label: `line ${place.line}${where}`,
            line: place.line,
            instructionPointerReference: `v:0x${place.address.toString(16)}`,
          };
        }),
      };
    },
    "redzone/runTo"({ address }) {
      const target = state.stopped();
      const { space, offset } = parseReference(address);
      if (space !== "linear") throw notBreakable();
      // Of a kernel that has moved itself, the place as it is linked is elsewhere.
      const kernel = target.loaded.modules.find(({ role }) => role === "kernel")?.image;
      const place = kernel?.guest(offset) ?? offset;
      const to = { linear: place, physical: physicalOf(target, place) };
      resume(state, (control, { machine }) => runTo(machine, control, to, (stop) => state.accepts(stop)));
      state.host.event("continued", { threadId: State.threadId(state.focus), allThreadsContinued: true });
    },
    goto({ threadId, targetId }) {
      const core = state.core(threadId);
      state.stopped();
      const address = state.targets.get(targetId);
      if (address === undefined) throw noGotoTarget();
      findRegister("pc")!.write(core, address);
      state.forget();
      state.focusOn(core.index);
      state.later(() => tellStop(state, { kind: "pause" }, "goto"));
    },
  };
}
