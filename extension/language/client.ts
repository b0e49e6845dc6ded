/**
 * The language client: what is sent to the server and shown of it, the same wherever the server runs.
 *
 * Invariant: nothing here asks for a machine, a disk or trust. What needs them is added by `desktop.ts`.
 */
import * as vscode from "vscode";
import type { BaseLanguageClient, LanguageClientOptions } from "vscode-languageclient";
import { followBuildFiles } from "./build-files.ts";
import { registerExplanations } from "./explanation.ts";
import { headerPattern, listFiles, readTexts, sourcePattern } from "./files.ts";
import { languageIds } from "./identifier.ts";
import { methods, type DocumentState, type IndexState, type ReadParams } from "./server/protocol.ts";
import { promoteByContent } from "./promote.ts";
import { LanguageStatus } from "./status.ts";

const STOP_COMMAND = "redzone.language.stopReading";
const READ_COMMAND = "redzone.language.readAgain";
const RESTART_COMMAND = "redzone.language.restart";
/** Context key: there is a client, whose server can be restarted. */
const RUNNING_CONTEXT = "redzone.language.isRunning";

export const clientName = "Redzone Language Server";
export const clientId = "redzone.language";

/** @returns when the server answers */
export async function startClient(
  create: (options: LanguageClientOptions) => BaseLanguageClient,
): Promise<{ readonly client: BaseLanguageClient; readonly disposable: vscode.Disposable }> {
  const watchers = [sourcePattern, headerPattern].map((pattern) =>
    vscode.workspace.createFileSystemWatcher(pattern),
  );
  const client = create({
    documentSelector: languageIds.map((language) => ({ language })),
    diagnosticCollectionName: "redzone",
    initializationOptions: { readsFiles: true },
    synchronize: { fileEvents: watchers },
    markdown: { isTrusted: { enabledCommands: [] }, supportHtml: false },
    middleware: {
      // The status item shows it, where it can also be stopped.
      handleWorkDoneProgress: () => {},
    },
  });
  const status = new LanguageStatus({
    stateAt: (params) =>
      client.isRunning()
        ? client.sendRequest<DocumentState | null>(methods.state, params)
        : Promise.resolve(null),
    stopCommand: STOP_COMMAND,
    readCommand: READ_COMMAND,
  });
  const disposable = vscode.Disposable.from(
    ...watchers,
    status,
    promoteByContent(),
    client.onRequest(methods.files, listFiles),
    client.onRequest(methods.read, ({ uris }: ReadParams) => readTexts(uris)),
    client.onNotification(methods.index, (state: IndexState) => status.indexed(state)),
    vscode.commands.registerCommand(STOP_COMMAND, () => client.sendNotification(methods.stopIndexing)),
    vscode.commands.registerCommand(READ_COMMAND, () => client.sendNotification(methods.readAgain)),
    vscode.commands.registerCommand(RESTART_COMMAND, async () => {
      if (client.isRunning()) await client.stop();
      await client.start();
    }),
    new vscode.Disposable(() => void vscode.commands.executeCommand("setContext", RUNNING_CONTEXT, false)),
    new vscode.Disposable(() => void client.dispose().catch(() => {})),
  );
  await client.start();
  status.started();
  void vscode.commands.executeCommand("setContext", RUNNING_CONTEXT, true);
  const more = vscode.Disposable.from(registerExplanations(client), followBuildFiles(client));
  return { client, disposable: vscode.Disposable.from(more, disposable) };
}
