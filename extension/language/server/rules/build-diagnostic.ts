/**
 * What the rules say of a build file, as the protocol has it.
 *
 * A quick fix travels with its diagnostic (`data`), so that the text need not be read again when it is asked for.
 */
import { DiagnosticSeverity, type CodeAction, type Diagnostic } from "vscode-languageserver-types";
import { cargoConfigRules } from "./build-cargo-config.ts";
import { compileCommandRules } from "./build-compile-commands.ts";
import { buildKindOf, type BuildFacts, type BuildRule } from "./build-rule.ts";
import { rustTargetRules } from "./build-rust-target.ts";
import type { Finding, Fix } from "./rule.ts";
import type { World } from "../world.ts";

export const buildRules: readonly BuildRule[] = [
  ...compileCommandRules,
  ...rustTargetRules,
  ...cargoConfigRules,
];

export const SOURCE = "Redzone";
/** A file of this many characters is not read: a compilation database of the largest kernels has a tenth. */
const LENGTH_MAX = 64 * 1024 * 1024;

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
} as const;

/** Empty for files that no rule is about. */
export function buildDiagnostics(uri: string, text: string, facts: BuildFacts): Diagnostic[] {
  const kind = buildKindOf(uri);
  if (kind === null || text.length > LENGTH_MAX) {
    return [];
  }
  return buildRules
    .filter(({ files }) => files === kind)
    .flatMap((rule) => [...rule.check(text, facts)].map((finding) => diagnosticOf(rule, finding)));
}

function diagnosticOf({ code, severity }: BuildRule, finding: Finding): Diagnostic {
  const { line, start, end, message, fixes } = finding;
  return {
    range: { start: { line, character: start }, end: { line, character: end } },
    severity: severities[severity],
    code,
    codeDescription: { href: `redzone-rule:/${code}.md` },
    source: SOURCE,
    message,
    ...(fixes ? { data: { fixes } } : {}),
  };
}

/** Quick fixes of diagnostics that `buildDiagnostics` made. */
export function buildActions(uri: string, diagnostics: readonly Diagnostic[]): CodeAction[] {
  return diagnostics
    .filter(({ code }) => buildRules.some((rule) => rule.code === code))
    .flatMap((diagnostic) =>
      fixesOf(diagnostic).map(({ title, edits }) => ({
        title,
        kind: "quickfix",
        diagnostics: [diagnostic],
        isPreferred: true,
        edit: {
          changes: {
            [uri]: edits.map(({ line, start, end, text }) => ({
              range: { start: { line, character: start }, end: { line, character: end } },
              newText: text,
            })),
          },
        },
      })),
    );
}

/** Data comes back from the editor: it is what was sent, or from somebody else. */
function fixesOf({ data }: Diagnostic): readonly Fix[] {
  const fixes: unknown = typeof data === "object" && data !== null && "fixes" in data ? data.fixes : [];
  return Array.isArray(fixes) ? (fixes as readonly Fix[]) : [];
}

/** What the rules want to know of the assembly. */
export function buildFactsOf(world: World): BuildFacts {
  for (const { lines } of world.files()) {
    for (const { text, statements } of lines) {
      if (
        /xsave/i.test(text) &&
        statements.some(
          (statement) =>
            statement.kind === "instruction" && /^f?xsave(?:opt|c|s)?(?:64)?$/i.test(statement.mnemonic.text),
        )
      ) {
        return { savesVectors: true };
      }
    }
  }
  return { savesVectors: false };
}
