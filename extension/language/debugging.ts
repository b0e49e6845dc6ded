/**
 * What the language part shows of a machine that stands still: values beside lines, hovers on operands, "Run to here".
 *
 * Invariant: without a machine none of it is there. Lenses are asked for again when a machine stops or goes on, and only then.
 */
import * as vscode from "vscode";
import type { BaseLanguageClient, Middleware } from "vscode-languageclient";
import type { Machines } from "../machines.ts";
import { evaluatedValues } from "./inline-value.ts";
import { registerOperands } from "./operand.ts";
import { registerRunTo, stoppedPrograms, usableLenses } from "./run-to.ts";

export function debuggingMiddleware(machines: Machines): Middleware {
  return {
    async provideCodeLenses(document, token, next) {
      const lenses = await next(document, token);
      return lenses && [...usableLenses(lenses, machines)];
    },
    async provideInlineValues(document, viewPort, context, token, next) {
      const values = await next(document, viewPort, context, token);
      return values && evaluatedValues(document, context, values);
    },
  };
}

export function registerDebugging(client: BaseLanguageClient, machines: Machines): vscode.Disposable {
  let shown = "";
  const look = (): void => {
    const stopped = stoppedPrograms(machines);
    if (stopped === shown) return;
    shown = stopped;
    for (const document of vscode.workspace.textDocuments)
      client.getFeature("textDocument/codeLens").getProvider(document)?.onDidChangeCodeLensEmitter.fire();
  };
  return vscode.Disposable.from(
    registerOperands(client),
    registerRunTo(machines),
    machines.onDidChange(look),
    machines.onDidEnd(look),
  );
}
