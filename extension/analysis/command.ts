/** "Analyse Stack Use of File…": the table of any kernel, object file or archive, in an editor. */
import path from "node:path";
import * as vscode from "vscode";
import type { Analysed, Analyser } from "./analyser.ts";

const SCHEME = "redzone-analysis";

export class AnalysisDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #analyser: Analyser;
  readonly #texts = new Map<string, string>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #subscriptions: readonly vscode.Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(analyser: Analyser) {
    this.#analyser = analyser;
    this.#subscriptions = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.commands.registerCommand("redzone.analyseFile", (file: unknown) => this.#run(file)),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? "Analyse the file again: the window was reloaded.\n";
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  async #run(file: unknown): Promise<void> {
    const uri = file instanceof vscode.Uri ? file : await pick();
    if (uri === undefined) return;
    try {
      const analysed = await this.#analyse(uri);
      if (analysed === undefined) return;
      const shown = vscode.Uri.from({ scheme: SCHEME, path: `${uri.path} (stack use).txt` });
      this.#texts.set(shown.toString(), analysed.text);
      this.#changed.fire(shown);
      await vscode.window.showTextDocument(shown, { preview: false });
    } catch (error) {
      await vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  async #analyse(uri: vscode.Uri): Promise<Analysed | undefined> {
    if (uri.scheme !== "file") throw new Error(`${uri.toString()} is not on a disk.`);
    const roots = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const question = { path: uri.fsPath, roots, sourceMap: [], archives: [] };
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: `Analysing ${path.basename(uri.fsPath)}`,
      cancellable: true,
    };
    return vscode.window.withProgress(options, (progress, token) => {
      let told = 0;
      return this.#analyser.analyse(
        question,
        (fraction) => {
          progress.report({ increment: Math.max(0, fraction - told) * 100 });
          told = Math.max(told, fraction);
        },
        token,
      );
    });
  }
}

async function pick(): Promise<vscode.Uri | undefined> {
  const files = await vscode.window.showOpenDialog({
    title: "A kernel, an object file (.o) or an archive (.a)",
    openLabel: "Analyse",
  });
  return files?.[0];
}
