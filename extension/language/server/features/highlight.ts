/** Every place in the file that means the same as the name at a place: written where it gets its meaning, read where it is used. */
import { DocumentHighlightKind, type DocumentHighlight } from "vscode-languageserver-types";
import type { Position } from "../syntax.ts";
import type { Occurrence, World } from "../world.ts";
import { rangeOn } from "./place.ts";

export function highlights(world: World, uri: string, position: Position): readonly DocumentHighlight[] {
  const occurrence = world.names.at(uri, position);
  if (!occurrence) {
    return [];
  }
  return world.names
    .occurrencesOf(occurrence)
    .filter((each) => each.uri === uri)
    .map((each) => ({ range: rangeOn(each.line, each.token), kind: kindOf(each) }));
}

function kindOf(occurrence: Occurrence): DocumentHighlightKind {
  switch (occurrence.kind) {
    case "definition":
      return DocumentHighlightKind.Write;
    case "reference":
      return occurrence.reference.isWritten ? DocumentHighlightKind.Write : DocumentHighlightKind.Read;
    case "linkage":
      return DocumentHighlightKind.Text;
  }
}
