/**
 * Why a rule is one: a document for each, that the link of a diagnostic opens.
 *
 * The texts are the server's. Links and the command open them in the editor that `workbench.editorAssociations` names, which the extension sets to the preview of Markdown.
 */
import * as vscode from "vscode";
import type { BaseLanguageClient } from "vscode-languageclient";
import type { RuleSummary } from "./server/explanation.ts";
import { explainCommand, explanationScheme, explanationUri, methods } from "./server/protocol.ts";

interface RuleItem extends vscode.QuickPickItem {
  readonly code: string;
}

export function registerExplanations(client: BaseLanguageClient): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(explanationScheme, {
      provideTextDocumentContent: async (uri) =>
        (await client.sendRequest<string | null>(methods.explanation, codeOf(uri))) ??
        `There is no rule ${codeOf(uri)}.`,
    }),
    vscode.commands.registerCommand(explainCommand, async (uri?: unknown) => {
      const chosen = typeof uri === "string" ? uri : await choose(client);
      if (chosen !== undefined) {
        await vscode.commands.executeCommand("vscode.open", vscode.Uri.parse(chosen, true));
      }
    }),
  );
}

const codeOf = ({ path }: vscode.Uri): string => path.replace(/^\//u, "").replace(/\.md$/u, "");

async function choose(client: BaseLanguageClient): Promise<string | undefined> {
  const rules = await client.sendRequest<readonly RuleSummary[]>(methods.rules);
  const chosen = await vscode.window.showQuickPick<RuleItem>(
    rules.map(({ code, title, about, severity }) => ({
      code,
      label: title.replaceAll("`", ""),
      description: code,
      detail: `${severity[0]?.toUpperCase() ?? ""}${severity.slice(1)} in ${about.replaceAll("`", "")}`,
    })),
    {
      title: "Rules of Boot Code",
      placeHolder: "A rule to explain",
      matchOnDescription: true,
      matchOnDetail: true,
    },
  );
  return chosen && explanationUri(chosen.code);
}
