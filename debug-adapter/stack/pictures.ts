/** The pictures of a session's stacks, one maker for each target: the panel and the Debug Console share what was seen at earlier stops. */
import type { Target } from "../target.ts";
import { StackPictures } from "./picture.ts";

const known = new WeakMap<Target, StackPictures>();

export function stackPictures(target: Target): StackPictures {
  let found = known.get(target);
  if (found === undefined) {
    found = new StackPictures({
      machine: target.machine,
      get symbols() {
        return target.symbols;
      },
      isLinux: target.linux !== null,
      describe: (address) => target.describe(address),
      placeOf: (address) => target.placeOf(address),
    });
    known.set(target, found);
  }
  return found;
}
