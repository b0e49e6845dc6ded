/**
 * Template arguments behind a name, and a name without them.
 */
import { joined, type Node } from "./node.ts";

export function templated(name: string, list: readonly Node[]): string {
  const inside = joined(list);
  return `${name}${name.endsWith("<") ? " " : ""}<${inside}${inside.endsWith(">") ? " " : ""}>`;
}

/** `Ring` of `net::Ring<int, 4>`: what constructors and destructors are called. */
export function withoutArguments(name: string): string {
  let depth = 0;
  let end = name.length;
  for (let i = name.length - 1; i >= 0; i--) {
    const char = name[i];
    if (char === ">") {
      if (depth++ === 0) end = i;
    } else if (char === "<") {
      depth--;
      if (depth === 0) end = i;
    } else if (char === ":" && name[i - 1] === ":" && depth === 0) return name.slice(i + 1, end);
  }
  return name.slice(0, end);
}
