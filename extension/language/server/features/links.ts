/** Includes as links to the files they name, where those are known. */
import type { DocumentLink } from "vscode-languageserver-types";
import type { World } from "../world.ts";
import { rangeOn } from "./place.ts";

export function documentLinks(world: World, uri: string): readonly DocumentLink[] {
  return (world.file(uri)?.lines ?? []).flatMap(({ includes }, line) =>
    includes.flatMap((include) => {
      const target = world.names.included(uri, include);
      return target === undefined ? [] : [{ range: rangeOn(line, include.path), target }];
    }),
  );
}
