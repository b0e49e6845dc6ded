/**
 * Names that nothing defines. GNU as takes an unknown symbol for one of another file, so that only its local names are certain: `1f` with no `1:` behind, names
 * that begin with `.L`. NASM wants every name defined or `extern`.
 *
 * Silent where an included file or a macro is not known, and in files that others include.
 */
import type { Reference, Statement, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import type { Finding, Rule } from "./rule.ts";
import { scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";

function check(file: SyntaxFile, world: World): Iterable<Finding> {
  return file.language === "nasm" ? inNasm(file, world) : inGas(file, world);
}

function* inGas(file: SyntaxFile, world: World): Generator<Finding> {
  const wanted = localUses(file);
  if (wanted.length === 0) {
    return;
  }
  const scope = scopeOf(file, world);
  if (mayHoldMore(scope)) {
    return;
  }
  for (const { line, reference } of wanted) {
    const { direction, name } = reference;
    const entries = scope.labels.get(name) ?? [];
    const isThere =
      direction === undefined
        ? entries.length > 0
        : entries.some((entry) =>
            entry.file !== file
              ? true
              : direction === "forward"
                ? entry.line > line || isBehind(entry.definition.token.start, entry.line, line, reference)
                : entry.line <= line,
          );
    if (!isThere) {
      const { start, end, text } = reference.token;
      const where =
        direction === "forward" ? "follows" : direction === "backward" ? "stands before it" : "is there";
      const message =
        direction === undefined ? `No label "${text}" is there.` : `No label "${name}:" ${where}.`;
      yield { line, start, end, message };
    }
  }
}

/** On one line `jmp 1f; 1:` goes forward. */
function isBehind(start: number, at: number, line: number, { token }: Reference): boolean {
  return at === line && start > token.start;
}

interface Use {
  readonly line: number;
  readonly reference: Reference;
}

function localUses(file: SyntaxFile): readonly Use[] {
  const uses: Use[] = [];
  for (const number of surveyOf(file).linesOf("use")) {
    const line = file.lines[number];
    if (line && line.before.conditions.length === 0 && line.before.continues === null) {
      for (const reference of line.references) {
        const isLocal = reference.direction !== undefined || /^\.L[\w.$]*$/.test(reference.name);
        if (
          isLocal &&
          reference.isArgument !== true &&
          line.statements.some(({ kind }) => kind === "instruction")
        ) {
          uses.push({ line: number, reference });
        }
      }
    }
  }
  return uses;
}

/** Calls, repetitions, macros and files that are not known may leave any label. */
function mayHoldMore({ files, isComplete }: Scope): boolean {
  return (
    !isComplete ||
    files.some(
      (file) => surveyOf(file).linesOf("call").length > 0 || surveyOf(file).linesOf("macro").length > 0,
    )
  );
}

const words: ReadonlySet<string> = new Set("$ $$ ? strict nosplit rel abs byte word dword qword".split(" "));

function* inNasm(file: SyntaxFile, world: World): Generator<Finding> {
  const scope = scopeOf(file, world);
  const hasCalls = scope.files.some((one) => surveyOf(one).linesOf("call").length > 0);
  if (!scope.isComplete || hasCalls || isIncluded(file, world)) {
    return;
  }
  const shared = sharedNames(scope);
  for (const number of surveyOf(file).linesOf("use")) {
    const line = file.lines[number];
    if (
      !line ||
      line.before.conditions.length > 0 ||
      line.before.continues !== null ||
      line.after.continues !== null
    ) {
      continue;
    }
    if (line.statements.length === 0 || !line.statements.every(isCodeOrData)) {
      continue;
    }
    for (const { name, token, isArgument, isMnemonic } of line.references) {
      // Names in capitals come from the command line as well (-D).
      const isPlain =
        /^[A-Za-z_.][\w.$#@~?]*$/.test(name) &&
        /[a-z]/.test(name) &&
        !name.startsWith("..") &&
        !words.has(name.toLowerCase());
      const isKnown = scope.labels.has(name) || scope.constants.has(name) || shared.has(name);
      if (isPlain && !isKnown && isArgument !== true && isMnemonic !== true && !isKnownByCase(name, scope)) {
        yield {
          line: number,
          start: token.start,
          end: token.end,
          message: `"${name}" is not defined here, and no extern says that another file does.`,
        };
      }
    }
  }
}

function isCodeOrData(statement: Statement): boolean {
  return (
    statement.kind === "instruction" ||
    (statement.kind === "directive" && /^(?:d[bwdq]|times|equ)$/.test(statement.name.text))
  );
}

function isKnownByCase(name: string, { constants }: Scope): boolean {
  const lower = name.toLowerCase();
  // `%idefine` and its kin know no case.
  return [...constants.keys()].some((known) => known.toLowerCase() === lower);
}

function isIncluded(file: SyntaxFile, world: World): boolean {
  const name = file.uri.slice(file.uri.lastIndexOf("/") + 1);
  for (const other of world.files()) {
    if (other.language === "nasm" && other !== file) {
      for (const number of surveyOf(other).linesOf("include")) {
        if (other.lines[number]?.includes.some(({ path }) => path.text.endsWith(name)) === true) {
          return true;
        }
      }
    }
  }
  return /\.inc$/i.test(file.uri);
}

function sharedNames({ files }: Scope): ReadonlySet<string> {
  const names = new Set<string>();
  for (const file of files) {
    for (const number of surveyOf(file).linesOf("shared")) {
      for (const { kind, token } of file.lines[number]?.linkage ?? []) {
        if (kind !== "global") {
          names.add(token.text);
        }
      }
    }
  }
  return names;
}

export const undefinedSymbol: Rule = {
  code: "undefined-symbol",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "A name that nothing defines",
  explanation: [
    "NASM stops at a name that is neither defined in the file or its includes nor declared with `extern`. GNU as leaves unknown symbols to the linker, but its local ones it must find itself: `1f` needs a `1:` further down, `1b` one above, and a name that begins with `.L` never leaves the file.",
    "",
    "Check the spelling (NASM's `.name` belongs to the last label without a dot before it: `start.loop` and `.loop` elsewhere are two names), or write `extern name`.",
    "",
    "*Using as*, 5.3 Symbol Names. *NASM manual*, 3.9 Local Labels; 8.5 EXTERN.",
  ].join("\n"),
  check,
};
