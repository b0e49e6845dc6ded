/**
 * Where a name gets its meaning: its label, macro or constant; for an include the file; for a symbol of C the line that the built program's debug information gives.
 *
 * Elsewhere: what names mean (`index/`), which names a built program has (`built.ts`).
 */
import type { Location } from "vscode-languageserver-types";
import { holds } from "../index/part.ts";
import type { Position } from "../syntax.ts";
import { nameOf, type World } from "../world.ts";
import { locationOf, rangeOn } from "./place.ts";

export function definition(world: World, uri: string, position: Position): readonly Location[] {
  const file = includedAt(world, uri, position);
  if (file !== undefined) {
    return [{ uri: file, range: rangeOn(0, { start: 0, end: 0 }) }];
  }
  const occurrence = world.names.at(uri, position);
  if (!occurrence) {
    return [];
  }
  const found = world.names.definitionsOf(occurrence);
  return found.length > 0 ? found.map(locationOf) : builtDefinition(world, nameOf(occurrence));
}

function includedAt(world: World, uri: string, { line, column }: Position): string | undefined {
  const include = world.file(uri)?.lines[line]?.includes.find(({ path }) => holds(path, column));
  return include && world.names.included(uri, include);
}

/** Of symbols that no assembly and no script defines. */
function builtDefinition(world: World, name: string): readonly Location[] {
  for (const { symbols } of world.built) {
    const source = symbols.get(name)?.source;
    if (source) {
      return [{ uri: source.uri, range: rangeOn(source.line, { start: 0, end: 0 }) }];
    }
  }
  return [];
}
