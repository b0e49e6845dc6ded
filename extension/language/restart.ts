/** When the server was started anew, by hand or because the one before has ended: it knows nothing of what that one was sent. */
import type * as vscode from "vscode";
import type { BaseLanguageClient } from "vscode-languageclient";

/** @param client one that runs: its first start is over */
export function onRestart(client: BaseLanguageClient, again: () => void): vscode.Disposable {
  return client.onDidChangeState(() => {
    if (client.isRunning()) again();
  });
}
