/**
 * What can be done about a finding in a build file.
 *
 * Invariant: made of the diagnostic alone, so that the editor's side can ask for it: a build file is no document of the server's.
 */
import { CodeActionKind, type CodeAction, type Diagnostic } from "vscode-languageserver-types";
import { diagnosticSource, explainCommand, explanationUri } from "../protocol.ts";
import type { Fix } from "./rule.ts";

/** @param shown diagnostics of the file as the editor has them, of others as well */
export function buildActions(uri: string, shown: readonly Diagnostic[]): CodeAction[] {
  return shown.flatMap((diagnostic) => {
    const { code, source } = diagnostic;
    return source === diagnosticSource && typeof code === "string" ? actionsOf(uri, code, diagnostic) : [];
  });
}

function actionsOf(uri: string, code: string, diagnostic: Diagnostic): CodeAction[] {
  const base = { kind: CodeActionKind.QuickFix, diagnostics: [diagnostic] };
  const explain = `Explain ${code}`;
  const fixes = fixesOf(diagnostic);
  return [
    ...fixes.map(({ title, edits }) => ({
      ...base,
      title,
      isPreferred: fixes.length === 1,
      edit: {
        changes: {
          [uri]: edits.map(({ line, start, end, text }) => ({
            range: { start: { line, character: start }, end: { line, character: end } },
            newText: text,
          })),
        },
      },
    })),
    {
      ...base,
      title: explain,
      command: { title: explain, command: explainCommand, arguments: [explanationUri(code)] },
    },
  ];
}

/** Data comes back from the editor: it is what was sent, or from somebody else. */
function fixesOf({ data }: Diagnostic): readonly Fix[] {
  const fixes: unknown = typeof data === "object" && data !== null && "fixes" in data ? data.fixes : [];
  return Array.isArray(fixes) ? (fixes as readonly Fix[]) : [];
}
