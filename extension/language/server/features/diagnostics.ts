/**
 * What is wrong with a file: errors of the parsers, then what the rules find.
 *
 * Invariant: made anew from the file each time; what a rule keeps belongs to lines and files, not to this.
 * Elsewhere: rules (`rules/`, `script/rules/`), fixes (`code-action.ts`), the documents behind the links (the client).
 */
import {
  DiagnosticSeverity,
  type Diagnostic,
  type DiagnosticRelatedInformation,
  type Range,
} from "vscode-languageserver-types";
import { diagnosticSource, explanationUri } from "../protocol.ts";
import { check, isSilenced, type Found } from "../rules/index.ts";
import type { Span } from "../syntax.ts";
import type { World } from "../world.ts";

/** Of what the parsers cannot read. */
const syntaxCode = "syntax";

/** A null is a place to pause at. */
export function* diagnostics(world: World, uri: string): Generator<Diagnostic | null> {
  const file = world.file(uri);
  if (!file) {
    return;
  }
  for (const [number, line] of file.lines.entries()) {
    for (const error of line.errors) {
      if (!isSilenced(file, number, syntaxCode)) {
        yield {
          range: rangeOf(number, error),
          message: error.message,
          severity: DiagnosticSeverity.Error,
          source: diagnosticSource,
          code: syntaxCode,
        };
      }
    }
  }
  for (const found of check(file, world)) {
    yield found && shown(found);
  }
}

function shown({ rule, finding }: Found): Diagnostic {
  const related = finding.related?.map((one): DiagnosticRelatedInformation => ({
    location: { uri: one.uri, range: rangeOf(one.line, one) },
    message: one.message,
  }));
  return {
    range: rangeOf(finding.line, finding),
    message: finding.message,
    severity: severities[rule.severity],
    source: diagnosticSource,
    code: rule.code,
    codeDescription: { href: explanationUri(rule.code) },
    ...(related === undefined ? {} : { relatedInformation: related }),
  };
}

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
} as const;

export function rangeOf(line: number, { start, end }: Span): Range {
  return { start: { line, character: start }, end: { line, character: end } };
}
