/**
 * Files whose names say nothing: `.inc`, `.x` and `.mac` are of many languages. The editor opens them as plain text, and they become ours if their content says so.
 *
 * Invariant: a file is changed once; whoever makes it plain text again keeps it so.
 */
import * as vscode from "vscode";
import { tell } from "./server/dialect.ts";

const mayBeOurs = /\.(?:inc|x|mac)$/i;

export function promoteByContent(): vscode.Disposable {
  const seen = new Set<string>();
  const look = (document: vscode.TextDocument): void => {
    const uri = document.uri.toString();
    if (document.languageId !== "plaintext" || !mayBeOurs.test(uri) || seen.has(uri)) return;
    seen.add(uri);
    const told = tell(uri, null, document.getText());
    if (told && told.foreign === null) void vscode.languages.setTextDocumentLanguage(document, told.language);
  };
  for (const document of vscode.workspace.textDocuments) look(document);
  return vscode.workspace.onDidOpenTextDocument(look);
}
