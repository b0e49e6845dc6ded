/**
 * Completion, and what is told of an item when it is looked at.
 *
 * Elsewhere: assembly (`completion/`), linker scripts (`script/`).
 */
import type { CompletionItem, CompletionList } from "vscode-languageserver-types";
import { completionAt, documented } from "../completion/index.ts";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";

export function completion(world: World, uri: string, position: Position): CompletionList {
  const none: CompletionList = { isIncomplete: false, items: [] };
  return completionAt(world, uri, position) ?? none;
}

export function completionResolve(world: World, item: CompletionItem): CompletionItem {
  return documented(world, item);
}
