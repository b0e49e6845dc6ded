/**
 * Symbols of the workspace by a part of their names, as the editor's "Go to Symbol in Workspace" asks while one types.
 *
 * Invariant: a name matches if it has the query's characters in their order, case aside; the editor filters and sorts again in its own way. Sections, local
 * labels and parameters are not among them.
 */
import { SymbolKind, type WorkspaceSymbol } from "vscode-languageserver-types";
import type { Definition } from "../syntax.ts";
import type { DefinitionAt, World } from "../world.ts";
import { locationOf } from "./place.ts";

/** More than anybody reads; the next character asks again. */
const limit = 256;

export function workspaceSymbols(world: World, query: string): readonly WorkspaceSymbol[] {
  const wanted = query.toLowerCase().replaceAll(/\s+/g, "");
  const found: { readonly name: string; readonly score: number }[] = [];
  for (const name of world.names.known()) {
    const score = name.startsWith(".") && !wanted.startsWith(".") ? undefined : match(name, wanted);
    if (score !== undefined) {
      found.push({ name, score });
    }
  }
  found.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  return found
    .slice(0, limit)
    .flatMap(({ name }) => world.names.named(name))
    .filter(({ definition }) => definition.kind !== "section" && definition.kind !== "segment")
    .slice(0, limit)
    .map((each) => ({
      name: each.definition.name,
      kind: symbolKind(each.definition),
      location: locationOf(each),
      ...container(world, each),
    }));
}

/** The editor shows the file by itself: what is said beside is the section, or the macro that makes the name. */
function container(world: World, { uri, line, byCall }: DefinitionAt): { readonly containerName?: string } {
  const name = byCall ?? world.file(uri)?.lines[line]?.after.section ?? "";
  return name === "" || name.startsWith("struc ") ? {} : { containerName: name };
}

/** Better the higher: whole names before beginnings, these before parts, parts before characters here and there; then the shorter name. */
function match(name: string, wanted: string): number | undefined {
  const lower = name.toLowerCase();
  const at = lower.indexOf(wanted);
  const quality =
    lower === wanted ? 4 : at === 0 ? 3 : at > 0 ? (/[A-Za-z\d]/.test(name.charAt(at - 1)) ? 1 : 2) : 0;
  if (at < 0 && !isSubsequence(lower, wanted)) {
    return undefined;
  }
  return quality * 1000 - Math.min(name.length, 999);
}

function isSubsequence(text: string, wanted: string): boolean {
  let at = 0;
  for (const character of wanted) {
    at = text.indexOf(character, at) + 1;
    if (at === 0) {
      return false;
    }
  }
  return true;
}

export function symbolKind(definition: Definition): SymbolKind {
  switch (definition.kind) {
    case "label":
      return SymbolKind.Function;
    case "local":
    case "numeric":
    case "parameter":
      return SymbolKind.Key;
    case "constant":
      return SymbolKind.Constant;
    case "macro":
      return SymbolKind.Method;
    case "define":
      return definition.parameters ? SymbolKind.Method : SymbolKind.Constant;
    case "section":
    case "segment":
      return SymbolKind.Namespace;
    case "structure":
      return SymbolKind.Struct;
    case "field":
      return SymbolKind.Field;
  }
}
