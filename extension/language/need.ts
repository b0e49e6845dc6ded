/** When the language client runs: while a document of our languages is or was open, and `redzone.language.enabled` is set. */
import * as vscode from "vscode";
import { isOurs } from "./identifier.ts";

/** Starts with the first document of our languages, stops and starts with `redzone.language.enabled`. */
export function whenNeeded(start: () => Promise<vscode.Disposable>): vscode.Disposable {
  let running: Promise<vscode.Disposable> | undefined;
  const isEnabled = (): boolean => vscode.workspace.getConfiguration("redzone.language").get("enabled", true);
  const stop = (): void => {
    running?.then(
      (client) => client.dispose(),
      () => {},
    );
    running = undefined;
  };
  const look = (): void => {
    if (!isEnabled()) stop();
    else if (!running && vscode.workspace.textDocuments.some(isOurs)) {
      running = later().then(start);
      running.catch((error: unknown) => sayFailed(error));
    }
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

/** When the extension has been activated: loading the client is no part of that. */
function later(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

async function sayFailed(error: unknown): Promise<void> {
  await vscode.window.showErrorMessage(
    `Redzone's language server for assembly has not started: ${error instanceof Error ? error.message : String(error)}`,
  );
}
