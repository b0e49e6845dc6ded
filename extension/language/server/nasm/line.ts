/** A line of NASM's language. */
import { begin, finish } from "../builder.ts";
import type { Line, LineState } from "../syntax.ts";

export function parseLine(text: string, before: LineState): Line {
  return finish(begin(text, before));
}
