/**
 * A label that a file defines twice.
 *
 * Silent about labels in macros, repetitions and conditional parts, where only one of two may be there, and about numeric labels, which may be many.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import type { Finding, Rule } from "./rule.ts";
import { scopeOf, type Entry } from "./scope.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const { labels } = scopeOf(file, world);
  for (const name of new Set(labels.repeated())) {
    const own = (labels.get(name) ?? []).filter((entry) => entry.file === file && counts(entry));
    const [first, ...others] = own;
    for (const { line, definition } of first ? others : []) {
      const { start, end } = definition.token;
      if (first && !isRepeated(file, line)) {
        const { token } = first.definition;
        yield {
          line,
          start,
          end,
          message: `"${definition.name}" is already defined on line ${first.line + 1}.`,
          related: [
            {
              uri: file.uri,
              line: first.line,
              start: token.start,
              end: token.end,
              message: "The first definition.",
            },
          ],
        };
      }
    }
  }
}

/** Is certainly there, once. */
function counts({ file, line, definition: { kind, name, token } }: Entry): boolean {
  const { before, text } = file.lines[line] ?? {};
  return (
    (kind === "label" || kind === "local") &&
    before?.conditions.length === 0 &&
    text !== undefined &&
    !/[%\\]|^\.\./.test(name) &&
    !isCommon(text, token.start)
  );
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
