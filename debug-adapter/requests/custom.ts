/** Requests of panels and the extension: `redzone/…` (`media/protocol.ts`). */
import { noPort } from "../errors.ts";
import { fromBase64 } from "./run.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

export function custom(state: State): Handlers {
  return {
    "redzone/serialInput"({ port, data }) {
      if (port !== 0 && port !== 1)
        throw noPort(`There is no serial port ${String(port)}; the machine has 0 and 1.`);
      state.launched().debuggee.input({ kind: "serial", port, bytes: fromBase64(data) });
    },
    "redzone/consoleInput"({ port, data }) {
      const { debuggee, machine } = state.launched();
      const count = machine.config.virtioConsoles ?? 0;
      if (!Number.isInteger(port) || port < 0 || port >= count)
        throw noPort(`There is no virtio console ${String(port)}; the machine has ${count}.`);
      debuggee.input({ kind: "console", port, bytes: fromBase64(data) });
    },
    "redzone/status": () => {
      state.launched();
      return state.status();
    },
    "redzone/monitor"({ command }) {
      state.launched();
      return { text: state.monitor?.run(command) ?? "" };
    },
    "redzone/powerButton"() {
      state.launched().debuggee.input({ kind: "power-button" });
    },
    "redzone/nmi"() {
      state.launched().debuggee.input({ kind: "nmi" });
    },
  };
}
