/**
 * The language of boot code in the editor: a language server for assembly and linker scripts. This file is the folder's boundary.
 *
 * Invariant: nothing of it is loaded before a document of its languages is open; the client is a program of its own beside the extension's.
 * Elsewhere: the client (`client.ts`), on a desktop or a server (`desktop.ts`) and in a browser (`browser.ts`); the server (`server/`).
 */
import * as vscode from "vscode";
import type { Machines } from "../machines.ts";
import { isOurs } from "./identifier.ts";

export function registerLanguage(context: vscode.ExtensionContext, machines: Machines): vscode.Disposable {
  return whenNeeded(async () => {
    const { startLanguage } = await import("./desktop.ts");
    return startLanguage(context, machines);
  });
}

/** Starts with the first document of our languages, stops and starts with `redzone.language.enabled`. */
export function whenNeeded(start: () => Promise<vscode.Disposable>): vscode.Disposable {
  let running: Promise<vscode.Disposable> | undefined;
  const isEnabled = (): boolean => vscode.workspace.getConfiguration("redzone.language").get("enabled", true);
  const stop = (): void => {
    void running?.then((client) => client.dispose());
    running = undefined;
  };
  const look = (): void => {
    if (!isEnabled()) stop();
    else if (!running && vscode.workspace.textDocuments.some(isOurs)) running = start();
  };
  look();
  return vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("redzone.language.enabled")) look();
    }),
    new vscode.Disposable(stop),
  );
}
