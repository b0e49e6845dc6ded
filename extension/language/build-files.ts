/**
 * Files of the build for the server, which says what is wrong with them: as they are on the disk, or in the editor where one is open.
 *
 * Invariant: they are read through the editor, so that it is the same in a virtual workspace and in a browser. No document of JSON or TOML is synchronised with the
 * server: it speaks other languages.
 */
import * as vscode from "vscode";
import type { BaseLanguageClient, Diagnostic } from "vscode-languageclient";
import { onRestart } from "./restart.ts";
import { diagnosticSource, methods, type BuildFile } from "./server/protocol.ts";
import { buildActions } from "./server/rules/build-action.ts";

/** Targets of Rust have any name; nearly all say for which processor they are, or what they are. */
const PATTERN =
  "{**/compile_commands.json,**/.cargo/config.toml,**/.cargo/config,**/*x86_64*.json,**/*target*.json,**/*kernel*.json}";
const EXCLUDED = "**/{node_modules,.git,target}/**";
/** The same, of paths: a watcher leaves nothing out. */
const WRITTEN = /\/(?:node_modules|\.git|target)\//u;
const FILES_MAX = 100;
const BYTES_MAX = 64 * 1024 * 1024;
const PAUSE_MILLISECONDS = 400;

export function followBuildFiles(client: BaseLanguageClient): vscode.Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  const send = (uri: vscode.Uri, text: string | null): void => {
    const message: BuildFile = { uri: uri.toString(), text };
    client.sendNotification(methods.buildFile, message).catch((error: unknown) => {
      client.outputChannel.error(String(error));
    });
  };
  const read = async (uri: vscode.Uri): Promise<void> => {
    const open = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
    send(uri, open?.getText() ?? (await textOf(uri)));
  };
  const changed = (uri: vscode.Uri): void => {
    if (!WRITTEN.test(uri.path)) void read(uri);
  };
  const edited = (document: vscode.TextDocument): void => {
    const { uri } = document;
    const key = uri.toString();
    if (vscode.languages.match({ pattern: PATTERN }, document) === 0) return;
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => changed(uri), PAUSE_MILLISECONDS),
    );
  };
  const watcher = vscode.workspace.createFileSystemWatcher(PATTERN);
  const readAll = async (): Promise<void> => {
    const found = await vscode.workspace.findFiles(PATTERN, EXCLUDED, FILES_MAX);
    await Promise.all(found.map((uri) => read(uri)));
  };
  void readAll();
  return vscode.Disposable.from(
    watcher,
    onRestart(client, () => void readAll()),
    watcher.onDidChange(changed),
    watcher.onDidCreate(changed),
    watcher.onDidDelete((uri) => send(uri, null)),
    vscode.workspace.onDidChangeTextDocument(({ document }) => edited(document)),
    vscode.languages.registerCodeActionsProvider(
      { pattern: PATTERN },
      {
        provideCodeActions: async ({ uri }, _, { diagnostics }, token) => {
          const ours = diagnostics.filter(({ source }) => source === diagnosticSource);
          const shown: Diagnostic[] = await client.code2ProtocolConverter.asDiagnostics(ours, token);
          return client.protocol2CodeConverter.asCodeActionResult(buildActions(uri.toString(), shown), token);
        },
      },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
    new vscode.Disposable(() => timers.forEach((timer) => clearTimeout(timer))),
  );
}

/** null: it went away, or is too large to be read. */
async function textOf(uri: vscode.Uri): Promise<string | null> {
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    return size > BYTES_MAX ? null : new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return null;
  }
}
