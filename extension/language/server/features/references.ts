/** Every place that means the same as the name at a place, in all files. */
import type { Location } from "vscode-languageserver-types";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";
import { locationOf } from "./place.ts";

export function references(
  world: World,
  uri: string,
  position: Position,
  includesDefinitions: boolean,
): readonly Location[] {
  const occurrence = world.names.at(uri, position);
  if (!occurrence) {
    return [];
  }
  return world.names
    .occurrencesOf(occurrence)
    .filter(({ kind }) => includesDefinitions || kind !== "definition")
    .map(locationOf);
}
