/**
 * Completion, and what is told of an item when it is looked at.
 *
 * Elsewhere: assembly (`completion/`), linker scripts (`script/`).
 */
import type { CompletionItem, CompletionList } from "vscode-languageserver-types";
import { completionAt, documented, scriptSnippets } from "../completion/index.ts";
import { scriptCompletion } from "../script/index.ts";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";

export function completion(world: World, uri: string, position: Position): CompletionList {
  const file = world.file(uri);
  if (!file) {
    return { isIncomplete: false, items: [] };
  }
  if (file.language !== "linkerscript") {
    return completionAt(world, uri, position) ?? { isIncomplete: false, items: [] };
  }
  const list = scriptCompletion(world, uri, position);
  return { ...list, items: [...list.items, ...scriptSnippets(file, position)] };
}

export function completionResolve(world: World, item: CompletionItem): CompletionItem {
  return documented(world, item);
}
