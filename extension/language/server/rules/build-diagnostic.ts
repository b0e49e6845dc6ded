/**
 * What the rules say of a build file, as the protocol has it.
 *
 * A quick fix travels with its diagnostic (`data`), so that the text need not be read again when it is asked for (`build-action.ts`).
 */
import { DiagnosticSeverity, type Diagnostic } from "vscode-languageserver-types";
import { diagnosticSource, explanationUri } from "../protocol.ts";
import { cargoConfigRules } from "./build-cargo-config.ts";
import { compileCommandRules } from "./build-compile-commands.ts";
import { buildKindOf, type BuildFacts, type BuildRule } from "./build-rule.ts";
import { rustTargetRules } from "./build-rust-target.ts";
import type { Finding } from "./rule.ts";
import type { World } from "../world.ts";

export const buildRules: readonly BuildRule[] = [
  ...compileCommandRules,
  ...rustTargetRules,
  ...cargoConfigRules,
];

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
    codeDescription: { href: explanationUri(code) },
    source: diagnosticSource,
    message,
    ...(fixes ? { data: { fixes } } : {}),
  };
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
