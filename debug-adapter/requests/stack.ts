/** Requests of the Stack panel (`media/protocol/stack.ts`). The machine must stand still: frames mean nothing while it runs. */
import type { Core } from "../../emulator/index.ts";
import { noSuchThread } from "../errors.ts";
import { stackPictures } from "../stack/pictures.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

export function stack(state: State): Handlers {
  /** The CPU with an index, or the one that is looked at. Throws `notLaunched`, `machineRunning`, `noSuchThread`. */
  const core = (cpu: number | undefined): Core => {
    const { cpus } = state.stopped();
    const found = cpu === undefined ? state.focus : cpus[cpu];
    if (found === undefined) throw noSuchThread((cpu ?? 0) + 1);
    return found;
  };
  return {
    "redzone/stack"(args) {
      const { frameId } = args;
      const isKnown = frameId !== undefined && frameId !== 0 && !state.isPast(frameId);
      const frame = isKnown ? state.frame(frameId) : null;
      return stackPictures(state.stopped()).picture(frame?.core ?? core(args.cpu), args, frame);
    },
    "redzone/stackSlots": ({ cpu, frame }) => ({
      slots: stackPictures(state.stopped()).slots(core(cpu), frame),
    }),
    "redzone/stacks"() {
      const pictures = stackPictures(state.stopped());
      return {
        instant: state.machine.instant,
        stacks: pictures.stacks(),
        markedAt: pictures.markedAt,
      };
    },
    "redzone/stackWords": (args) => stackPictures(state.stopped()).words(core(args.cpu), args),
    "redzone/stackMark": () => ({ markedAt: stackPictures(state.stopped()).mark() }),
  };
}
