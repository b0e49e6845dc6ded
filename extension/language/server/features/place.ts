/** Places of the server as the protocol writes them. Both count UTF-16 units. */
import type { Location, Range } from "vscode-languageserver-types";
import type { Span } from "../syntax.ts";
import type { Located } from "../world.ts";

export function rangeOn(line: number, { start, end }: Span): Range {
  return { start: { line, character: start }, end: { line, character: end } };
}

export function locationOf({ uri, line, token }: Located): Location {
  return { uri, range: rangeOn(line, token) };
}

/** "boot.S:12", as messages name a place. */
export function placeName({ uri, line }: { readonly uri: string; readonly line: number }): string {
  return `${fileName(uri)}:${line + 1}`;
}

/** The last segment of a URI, without escapes. */
export function fileName(uri: string): string {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
