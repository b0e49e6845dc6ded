/**
 * Snippets of linker scripts, where a statement of the outermost level may begin.
 *
 * Elsewhere: everything else that completes in scripts (`script/completion.ts`).
 */
import { CompletionItemKind, InsertTextFormat, type CompletionItem } from "vscode-languageserver-types";
import { contextAt } from "../script/context.ts";
import type { Position, SyntaxFile } from "../syntax.ts";
import type { Subject } from "./offer.ts";
import { snippetText } from "./snippet.ts";
import { scripts } from "./snippets/script.ts";

export function scriptSnippets(file: SyntaxFile, position: Position): readonly CompletionItem[] {
  const { line, column } = position;
  const { place, wants, start } = contextAt(file, position);
  const text = file.lines[line]?.text ?? "";
  if (place !== "script" || wants !== null || text.slice(0, start).trim() !== "") {
    return [];
  }
  const range = { start: { line, character: 0 }, end: { line, character: column } };
  return scripts.map(({ name, title, texts }) => ({
    label: name,
    kind: CompletionItemKind.Snippet,
    sortText: `8${name}`,
    labelDetails: { description: title },
    insertTextFormat: InsertTextFormat.Snippet,
    textEdit: { range, newText: snippetText(texts.script ?? "") },
    data: { kind: "snippet", name, notation: "script" } satisfies Subject,
  }));
}
