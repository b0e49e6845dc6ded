/** What a hover in assembly source asks the adapter: the register or symbol under the pointer, without the assembler's sigils. */
import * as vscode from "vscode";

const languages = ["gas", "asm", "nasm", "assembly", "asm-intel-x86-generic", "asm-collection"];

const WORD = /[$%]?[A-Za-z_.][\w.$]*/u;

/** `%rax` and `$symbol` in GNU syntax name what `rax` and `symbol` name; a directive or a number names nothing. */
export function assemblyExpression(word: string): string | null {
  if (word.startsWith(".")) return null;
  if (word.startsWith("%")) return `$${word.slice(1)}`;
  return word.startsWith("$") ? word.slice(1) : word;
}

export function registerExpressions(): vscode.Disposable {
  return vscode.languages.registerEvaluatableExpressionProvider(languages, {
    provideEvaluatableExpression(document, position) {
      const range = document.getWordRangeAtPosition(position, WORD);
      if (range === undefined) return undefined;
      const expression = assemblyExpression(document.getText(range));
      return expression === null ? undefined : new vscode.EvaluatableExpression(range, expression);
    },
  });
}
