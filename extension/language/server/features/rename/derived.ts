/**
 * Names that change along with one: NASM knows `.loop` behind `start` as `start.loop`, and a structure's size as `point_size`; a macro's parameter is named in
 * calls (`m from=1`).
 */
import type { DefinitionAt, World } from "../../world.ts";

/** One place that is renamed. */
export interface Edit {
  readonly uri: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

export function derivedEdits(
  world: World,
  { uri, definition }: DefinitionAt,
  newName: string,
): readonly Edit[] {
  const { name, kind } = definition;
  if (world.file(uri)?.language !== "nasm" || (kind !== "label" && kind !== "structure")) {
    return [];
  }
  const found: Edit[] = [];
  for (const other of world.names.of(uri)) {
    const isInside = other.definition.name.startsWith(`${name}.`);
    const isSize = kind === "structure" && other.definition.name === `${name}_size`;
    if (isInside || isSize) {
      for (const { uri: file, line, token } of world.names.occurrencesOf({ kind: "definition", ...other })) {
        if (token.text.startsWith(isInside ? `${name}.` : `${name}_size`)) {
          found.push({
            uri: file,
            line,
            start: token.start,
            end: token.start + name.length,
            newText: newName,
          });
        }
      }
    }
  }
  return found;
}

export function parameterCalls(
  world: World,
  { uri, line, definition }: DefinitionAt,
  newName: string,
): readonly Edit[] {
  const owner = world.file(uri)?.lines[line]?.definitions.find(({ kind }) => kind === "macro");
  if (definition.kind !== "parameter" || !owner) {
    return [];
  }
  const found: Edit[] = [];
  const occurrences = world.names.occurrencesOf({
    kind: "definition",
    uri,
    line,
    token: owner.token,
    definition: owner,
  });
  const pattern = new RegExp(String.raw`(?<=[\s,])${definition.name}(?=\s*=(?!=))`, "g");
  for (const call of occurrences.filter(({ kind }) => kind === "reference")) {
    const text = world.file(call.uri)?.lines[call.line]?.text ?? "";
    for (const match of text.matchAll(pattern)) {
      if (match.index > call.token.end) {
        const end = match.index + definition.name.length;
        found.push({ uri: call.uri, line: call.line, start: match.index, end, newText: newName });
      }
    }
  }
  return found;
}
