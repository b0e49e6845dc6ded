/**
 * What a hover in assembly source asks the adapter: the register or symbol under the pointer, without the assembler's sigils.
 *
 * Elsewhere: whole operands, which the language server knows and which come first (`language/operand.ts`).
 */
import * as vscode from "vscode";
import { ASSEMBLY_WORD, assemblyExpression } from "./assembly-word.ts";

const languages = [
  "gas",
  "asm",
  "nasm",
  "assembly",
  "asm-intel-x86-generic",
  "asm-collection",
  "gnu-as",
  "x86asm",
];

export function registerExpressions(): vscode.Disposable {
  return vscode.languages.registerEvaluatableExpressionProvider(languages, {
    provideEvaluatableExpression(document, position) {
      const range = document.getWordRangeAtPosition(position, ASSEMBLY_WORD);
      if (range === undefined) return undefined;
      const expression = assemblyExpression(document.getText(range));
      return expression === null ? undefined : new vscode.EvaluatableExpression(range, expression);
    },
  });
}
