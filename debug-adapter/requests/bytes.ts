/** Requests of the Memory panel (`redzone/memory…`). Reading works while the machine runs; what points into memory is known when it stands still. */
import type { Place } from "../../media/protocol/place.ts";
import { badReference } from "../errors.ts";
import { linearAddresses, marks, MOST_BYTES, overlay, readWindow, type Looker } from "../layout/index.ts";
import { LARGEST, type Address } from "../memory/space.ts";
import type { Frame } from "../stack/frame.ts";
import { base64, fromBase64 } from "./run.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

const FRAMES_MARKED = 16;
const MOST_TYPES = 200;

export function bytes(state: State): Handlers {
  const looker = (frameId: number | undefined): Looker => {
    const target = state.launched();
    const { observation, machine, symbols } = target;
    const isRunning = state.isRunning;
    const frames = isRunning ? [] : framesFrom(state, frameId);
    const [first] = frames;
    const core = first?.core ?? state.focus;
    return {
      machine,
      symbols,
      space: target.space(core),
      linearAddresses: linearAddresses(target.pageTables, core, isRunning),
      frames,
      names: first === undefined ? null : state.names(first),
      shown: observation.shown,
      stop: observation.stops,
      isWritten: (page) => observation.isWritten(page, isRunning),
    };
  };

  return {
    "redzone/memoryBytes"({ place, count, frameId }) {
      const at = addressOf(place);
      const room = LARGEST[at.space] - at.offset + 1n;
      const wanted = Math.max(1, Math.min(Math.trunc(count), MOST_BYTES, Number(room)));
      const looking = looker(frameId);
      const { bytes: data, ...window } = readWindow(looking, at, wanted);
      return { place, data: base64(data), ...window, marks: marks(looking, at, wanted) };
    },
    "redzone/memoryWrite"({ place, data }) {
      const at = addressOf(place);
      const given = fromBase64(data);
      state.stopped().space(state.focus).write(at, given);
      state.memoryChanged(at, given.length);
      // The bytes may be a variable. Frames stay as they are: told of new ones, the editor would bring the source in front of the panel.
      state.variables.clear();
      state.invalidate(["variables"]);
      state.sendStatus(true);
    },
    "redzone/memoryOverlay"({ place, type }) {
      const at = addressOf(place);
      const names = state.isRunning ? state.namesNow(state.focus) : state.names(state.topFrame(state.focus));
      return overlay(names, at, type);
    },
    "redzone/memoryTypes"({ prefix }) {
      const names = new Set<string>();
      for (const image of state.launched().symbols.images) {
        for (const name of image.knownNames("types")) {
          if (names.size >= MOST_TYPES) break;
          if (name.startsWith(prefix)) names.add(name);
        }
      }
      return { names: [...names].sort() };
    },
  };
}

/** Throws `badReference`: a port cannot be looked at, because reading it is a command to its device. */
function addressOf({ space, offset }: Place): Address {
  const number = /^0x[0-9a-f]+$/i.test(offset) ? BigInt(offset) : -1n;
  if (space === "io" || !(space in LARGEST) || number < 0n || number > LARGEST[space])
    throw badReference(`${space} ${offset}`);
  return { space, offset: number };
}

/** The frame chosen and its callers. */
function framesFrom(state: State, frameId: number | undefined): readonly Frame[] {
  const chosen = frameId === undefined || state.isPast(frameId) ? null : state.frame(frameId);
  const core = chosen?.core ?? state.focus;
  const { list } = state.frames(core, 0, FRAMES_MARKED + (chosen?.index ?? 0));
  return list.map(([, frame]) => frame).slice(chosen?.index ?? 0);
}
