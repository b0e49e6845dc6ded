/** CodeLens above functions: `red zone 40 B · stack 216 B`. */
import * as vscode from "vscode";
import type { FileAnalysisBody, FileFunctionBody } from "../../media/protocol.ts";
import { anchorLine } from "./anchor.ts";
import { accessText, lensTitle } from "./words.ts";

export const SHOW_RED_ZONE = "redzone.showRedZone";

export class StackLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  /** Functions by source file, by kernel. */
  readonly #byKernel = new Map<string, ReadonlyMap<string, readonly FileFunctionBody[]>>();
  readonly #subscriptions: readonly vscode.Disposable[];

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor() {
    this.#subscriptions = [
      vscode.languages.registerCodeLensProvider({ scheme: "file" }, this),
      vscode.commands.registerCommand(SHOW_RED_ZONE, showAccesses),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("redzone.codeLens")) this.#changed.fire();
      }),
    ];
  }

  show(body: FileAnalysisBody): void {
    const byFile = new Map<string, FileFunctionBody[]>();
    for (const row of body.functions) {
      if (row.path === null || row.line === null) continue;
      const list = byFile.get(row.path);
      if (list === undefined) byFile.set(row.path, [row]);
      else list.push(row);
    }
    this.#byKernel.set(body.file, byFile);
    this.#changed.fire();
  }

  forget(kernel: string): void {
    if (this.#byKernel.delete(kernel)) this.#changed.fire();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const which = vscode.workspace.getConfiguration("redzone", document.uri).get<string>("codeLens", "all");
    if (which === "off") return [];
    const lenses = new Map<string, vscode.CodeLens>();
    for (const byFile of this.#byKernel.values()) {
      for (const row of byFile.get(document.uri.fsPath) ?? []) {
        if (row.line === null || (which === "redZone" && row.redZoneBytes === 0)) continue;
        const lineAt = (line: number): string => document.lineAt(line).text;
        const line = anchorLine(lineAt, document.lineCount, row.line, row.name);
        const title = lensTitle(row);
        const command =
          row.redZoneBytes > 0
            ? {
                title: `$(warning)\u00a0${title}`,
                command: SHOW_RED_ZONE,
                arguments: [row],
                tooltip: "Show what it keeps there",
              }
            : { title, command: "" };
        // Several kernels may be built of one file, and a template may be several functions: what is the same is said once.
        lenses.set(`${line}:${title}`, new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command));
      }
    }
    return [...lenses.values()];
  }
}

/** Lists the instructions that use a function's red zone; choosing one goes to its line. */
async function showAccesses(row: FileFunctionBody): Promise<void> {
  const items = row.accesses.map((access) => ({
    label: accessText(access),
    description: access.line === null ? access.address : `line ${access.line} · ${access.address}`,
    line: access.line,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: `The red zone of ${row.name}: ${row.redZoneBytes} bytes below RSP`,
    placeHolder: "Instructions that use it",
    matchOnDescription: true,
  });
  if (chosen?.line === null || chosen?.line === undefined || row.path === null) return;
  const position = new vscode.Position(chosen.line - 1, 0);
  await vscode.window.showTextDocument(vscode.Uri.file(row.path), {
    selection: new vscode.Range(position, position),
  });
}
