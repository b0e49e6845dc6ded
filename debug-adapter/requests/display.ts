/** Display, keyboard and mouse: requests of whoever shows the machine's screen (`media/protocol.ts`). */
import type { Machine } from "../../emulator/index.ts";
import { capture, displayBody } from "../display.ts";
import { noPort } from "../errors.ts";
import { scancodes } from "../keyboard.ts";
import { encodePng } from "../png.ts";
import { base64 } from "./run.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

/** Movement that one request may report. More is no mouse's. */
const MOST_COUNTS = 0x7fff;

const count = (value: number): number => Math.min(Math.max(Math.trunc(value), -MOST_COUNTS), MOST_COUNTS);

export function display(state: State): Handlers {
  const versions = new Versions();
  const held = new Set<string>();
  return {
    "redzone/key"({ code, down }) {
      const codes = scancodes(code, down, held);
      if (codes === null) throw noPort(`A PC keyboard has no key "${code}".`);
      if (down) held.add(code);
      else held.delete(code);
      if (codes.length > 0) state.launched().debuggee.input({ kind: "key", scancodes: codes });
    },
    "redzone/mouse"({ dx, dy, dz, buttons }) {
      state.launched().debuggee.input({
        kind: "mouse",
        dx: count(dx),
        dy: count(dy),
        dz: count(dz),
        buttons: buttons & 7,
      });
    },
    "redzone/display"({ since }) {
      const { machine } = state.launched();
      const base = versions.baseOf(machine);
      const body = displayBody(machine, (since ?? -1) - base);
      return { ...body, version: versions.seen(base + body.version) };
    },
    "redzone/capture"() {
      const picture = capture(state.launched().machine);
      return { width: picture.width, height: picture.height, png: base64(encodePng(picture)) };
    },
  };
}

/** A restart makes another machine, whose versions begin anew: they are counted on from those that clients hold. */
class Versions {
  #machine: Machine | null = null;
  #base = 0;
  #last = 0;

  /** What is added to a machine's own versions. */
  baseOf(machine: Machine): number {
    if (machine !== this.#machine) {
      this.#machine = machine;
      this.#base = this.#last + 1;
    }
    return this.#base;
  }

  seen(version: number): number {
    this.#last = Math.max(this.#last, version);
    return version;
  }
}
