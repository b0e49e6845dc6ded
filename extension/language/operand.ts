/**
 * What a debugger's hover in assembly evaluates: the whole operand under the pointer, as the language server reads it.
 *
 * Elsewhere: words, where the server does not run or knows no operand (`extension/expressions.ts`).
 */
import * as vscode from "vscode";
import type { BaseLanguageClient } from "vscode-languageclient";
import { languageIds } from "./identifier.ts";
import { methods, type OperandExpression } from "./server/protocol.ts";

export function registerOperands(client: BaseLanguageClient): vscode.Disposable {
  return vscode.languages.registerEvaluatableExpressionProvider([...languageIds], {
    async provideEvaluatableExpression(document, { line, character }) {
      if (!client.isRunning()) return undefined;
      const uri = client.code2ProtocolConverter.asUri(document.uri);
      const params = { uri, line, column: character };
      const found = await client.sendRequest<OperandExpression | null>(methods.operand, params);
      if (found === null) return undefined;
      const range = new vscode.Range(found.line, found.start, found.line, found.end);
      return new vscode.EvaluatableExpression(range, found.expression);
    },
  });
}
