/** The pictures of a machine's stacks, one maker for each target: the panel and the Debug Console share what was seen at earlier stops. */
import type { Target } from "../target.ts";
import { StackPictures } from "./picture.ts";

const known = new WeakMap<Target, StackPictures>();

export function stackPictures(target: Target): StackPictures {
  let found = known.get(target);
  if (found === undefined) known.set(target, (found = new StackPictures(target, () => null)));
  return found;
}
