/** Request of the static analysis (`redzone/analysisFunction`). May be asked while the machine runs, between two slices. */
import { stackBody } from "../analysis/index.ts";
import { malformedRequest } from "../errors.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

export function analysis(state: State): Handlers {
  return {
    "redzone/analysisFunction"({ address }) {
      const target = state.launched();
      if (!/^0x[0-9a-f]{1,16}$/i.test(address))
        throw malformedRequest("redzone/analysisFunction", 'its address is not of the form "0x…"');
      const at = BigInt(address);
      if (target.bitsAt(state.focus, at) !== 64) return null;
      const found = target.clobbers.liveness.functionAt(state.focus, at);
      if (found === null) return null;
      return {
        ...stackBody(found, (each) => target.symbols.lineAt(each)?.line ?? null),
        live: found.liveAt(at),
        depthBytes: found.depthAt(at),
      };
    },
  };
}
