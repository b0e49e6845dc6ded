/**
 * The manual of linker scripts: what a word means, and which words can stand at a place.
 */
import { commands } from "./commands.ts";
import type { Entry, Place } from "./entry.ts";
import { functions } from "./functions.ts";

export type { Entry, Place } from "./entry.ts";

export const entries: readonly Entry[] = [...commands, ...functions];

const byName = new Map(entries.map((entry) => [entry.name, entry]));

export function entryOf(name: string): Entry | undefined {
  return byName.get(name);
}

export function entriesAt(place: Place): readonly Entry[] {
  return entries.filter((entry) => entry.places.includes(place));
}

/** The page of the ld manual: texinfo writes "_" in names of pages as "_005f". */
export function linkOf({ section }: Entry): string {
  const page = section.replaceAll(" ", "-").replaceAll("_", "_005f");
  return `https://sourceware.org/binutils/docs/ld/${page}.html`;
}
