/**
 * What can be done about a finding: its fixes, its explanation, a comment that silences it.
 *
 * Invariant: findings are looked for again, in the text as it is now: what the editor shows may be older. An edit changes only what its finding covers or names.
 */
import { CodeActionKind, type CodeAction, type Diagnostic, type Range } from "vscode-languageserver-types";
import { diagnosticSource, explainCommand, explanationUri } from "../protocol.ts";
import { check, type Found } from "../rules/index.ts";
import type { Edit } from "../rules/rule.ts";
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { rangeOf } from "./diagnostics.ts";

export function codeActions(
  world: World,
  uri: string,
  range: Range,
  shown: readonly Diagnostic[],
): readonly CodeAction[] {
  const file = world.file(uri);
  // Asked for wherever the cursor goes: without a finding of ours there is nothing to do about.
  if (!file || !shown.some(({ source }) => source === diagnosticSource)) {
    return [];
  }
  const actions: CodeAction[] = [];
  for (const found of check(file, world)) {
    if (found && found.finding.line >= range.start.line && found.finding.line <= range.end.line) {
      actions.push(...actionsOf(file, found, shown));
    }
  }
  return actions;
}

function actionsOf(
  file: SyntaxFile,
  { rule, finding }: Found,
  shown: readonly Diagnostic[],
): readonly CodeAction[] {
  const diagnostics = shown.filter(
    (one) =>
      one.source === diagnosticSource &&
      one.code === rule.code &&
      one.range.start.line === finding.line &&
      one.range.start.character === finding.start,
  );
  const isOnly = finding.fixes?.length === 1;
  return [
    ...(finding.fixes ?? []).map((fix): CodeAction => ({
      title: fix.title,
      kind: CodeActionKind.QuickFix,
      diagnostics,
      isPreferred: isOnly,
      edit: { changes: { [file.uri]: fix.edits.map(protocolEdit) } },
    })),
    ...ignoring(file, finding.line, rule.code).map((edit): CodeAction => ({
      title: `Ignore ${rule.code} here`,
      kind: CodeActionKind.QuickFix,
      diagnostics,
      edit: { changes: { [file.uri]: [protocolEdit(edit)] } },
    })),
    {
      title: `Explain ${rule.code}`,
      kind: CodeActionKind.QuickFix,
      diagnostics,
      command: {
        title: `Explain ${rule.code}`,
        command: explainCommand,
        arguments: [explanationUri(rule.code)],
      },
    },
  ];
}

function protocolEdit(edit: Edit): { readonly range: Range; readonly newText: string } {
  return { range: rangeOf(edit.line, edit), newText: edit.text };
}

/** A comment on a line of its own above, indented as the line is; none where a statement or a comment goes on from the line before. */
function ignoring(file: SyntaxFile, line: number, code: string): readonly Edit[] {
  const { text = "", before } = file.lines[line] ?? {};
  if (before?.continues !== null || before.inComment) {
    return [];
  }
  const indent = /^\s*/.exec(text)?.[0] ?? "";
  const words = `redzone: ignore ${code}`;
  const comment = file.language === "nasm" ? `; ${words}` : `/* ${words} */`;
  return [{ line, start: 0, end: 0, text: `${indent}${comment}\n` }];
}
