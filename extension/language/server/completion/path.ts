/**
 * Paths of files that can be included: those the server knows.
 *
 * Invariant: a path is written as the including file would have to write it: relative to its folder, or to a folder named `include`.
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import type { World } from "../world.ts";
import type { Context } from "./context.ts";
import type { Offer } from "./offer.ts";

const known = { gas: /\.(?:s|inc|h|asm|mac)$/i, nasm: /\.(?:asm|nasm|inc|mac|s)$/i } as const;

export function* pathOffers(world: World, { file, word }: Context, isSystem: boolean): Iterable<Offer> {
  const language = file.language === "nasm" ? "nasm" : "gas";
  const here = file.uri.slice(0, file.uri.lastIndexOf("/") + 1);
  for (const { uri } of world.files()) {
    const path = uri === file.uri || !known[language].test(uri) ? undefined : pathTo(uri, here, isSystem);
    if (path?.toLowerCase().startsWith(word.toLowerCase())) {
      const isNear = !path.startsWith("../");
      yield {
        label: path,
        kind: CompletionItemKind.File,
        rank: (isNear ? 0 : 2) + (path.split("/").length - 1) / 10,
      };
    }
  }
}

function pathTo(uri: string, here: string, isSystem: boolean): string | undefined {
  if (uri.startsWith(here) && !isSystem) {
    return decodeURIComponent(uri.slice(here.length));
  }
  const include = uri.lastIndexOf("/include/");
  if (include >= 0) {
    return decodeURIComponent(uri.slice(include + "/include/".length));
  }
  if (isSystem) {
    return undefined;
  }
  let folder = here;
  for (let up = 1; up <= 3; up += 1) {
    folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
    if (folder.length > "file:///".length && uri.startsWith(folder)) {
      return "../".repeat(up) + decodeURIComponent(uri.slice(folder.length));
    }
  }
  return undefined;
}
