/**
 * A label that a file defines twice.
 *
 * Silent about labels in macros, repetitions and conditional parts, where only one of two may be there, and about numeric labels, which may be many.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { Finding, Rule } from "./rule.ts";
import { surveyOf } from "./survey.ts";

function* check(file: SyntaxFile): Generator<Finding> {
  const first = new Map<string, { readonly line: number; readonly start: number; readonly end: number }>();
  let repeatedUntil = -1;
  for (const number of surveyOf(file).linesOf("label")) {
    const line = file.lines[number];
    if (!line || line.before.conditions.length > 0 || number <= repeatedUntil) {
      continue;
    }
    for (const { kind, name, token } of line.definitions) {
      if (
        (kind !== "label" && kind !== "local") ||
        /[%\\]|^\.\./.test(name) ||
        isCommon(line.text, token.start)
      ) {
        continue;
      }
      const { start, end } = token;
      const before = first.get(name);
      if (before === undefined) {
        first.set(name, { line: number, start, end });
      } else if (isRepeated(file, number)) {
        repeatedUntil = number;
      } else {
        yield {
          line: number,
          start,
          end,
          message: `"${name}" is already defined on line ${before.line + 1}.`,
          related: [{ uri: file.uri, ...before, message: "The first definition." }],
        };
      }
    }
  }
}

/** `.comm name, size` may stand beside a definition. */
function isCommon(text: string, start: number): boolean {
  return /\b(?:l?comm|common|largecomm)\s+$/.test(text.slice(0, start));
}

/** Between `.rept` and `.endr`. */
function isRepeated(file: SyntaxFile, number: number): boolean {
  let depth = 0;
  for (let at = number; at >= 0; at -= 1) {
    const fold = file.lines[at]?.fold;
    if (fold?.closes === ".rept" || fold?.closes === "%rep") {
      depth += 1;
    }
    if ((fold?.opens === ".rept" || fold?.opens === "%rep") && (depth -= 1) < 0) {
      return true;
    }
  }
  return false;
}

export const duplicateLabel: Rule = {
  code: "duplicate-label",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "A label is defined twice",
  explanation: [
    "A name stands for one address. The assembler stops at the second definition.",
    "",
    "Rename one of them. For short jumps inside a function there are labels that may repeat: `1:` with `1b` and `1f` in GNU as, `.name` in NASM, which belongs to the label before it.",
    "",
    "*Using as*, 5.3 Symbol Names (Local Labels). *NASM manual*, 3.9 Local Labels.",
  ].join("\n"),
  check,
};
