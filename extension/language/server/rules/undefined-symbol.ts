/**
 * Names that nothing defines. GNU as takes an unknown symbol for one of another file, so that only its local names are certain: `1f` with no `1:` behind, names
 * that begin with `.L`. NASM wants every name defined or `extern`.
 *
 * Silent where an included file or a macro is not known, and in files that others include.
 */
import type { Reference, Statement, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { PerLine } from "./per-line.ts";
import type { Finding, Rule } from "./rule.ts";
import { scopeOf, type Entry, type Scope } from "./scope.ts";
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
      (scope.files.length > 1 && entries.some((entry) => entry.file !== file)) ||
      isInFile(entries, line, reference);
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

/** Entries stand in the order of lines. On one line `jmp 1f; 1:` goes forward. */
function isInFile(entries: readonly Entry[], line: number, { direction, token }: Reference): boolean {
  const first = entries[0];
  const last = entries.at(-1);
  if (!first || !last || direction === undefined) {
    return first !== undefined;
  }
  return direction === "backward"
    ? first.line <= line
    : last.line > line || (last.line === line && last.definition.token.start > token.start);
}

interface Use {
  readonly line: number;
  readonly reference: Reference;
}

const noReferences: readonly Reference[] = [];

/** Local names that a line uses. */
const localsOf = new PerLine((line): readonly Reference[] => {
  const isCode =
    line.references.length > 0 &&
    line.before.macros.length === 0 &&
    line.before.conditions.length === 0 &&
    line.before.continues === null &&
    line.statements.some(({ kind }) => kind === "instruction");
  const found = isCode
    ? line.references.filter(
        ({ direction, name, isArgument }) =>
          isArgument !== true && (direction !== undefined || /^\.L[\w.$]*$/.test(name)),
      )
    : noReferences;
  return found.length > 0 ? found : noReferences;
});

function localUses(file: SyntaxFile): readonly Use[] {
  const uses: Use[] = [];
  localsOf.of(file).forEach((references, line) => {
    for (const reference of references) {
      uses.push({ line, reference });
    }
  });
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
  for (const [number, references] of plainOf.of(file).entries()) {
    for (const { name, token } of references) {
      const isKnown = scope.labels.has(name) || shared.has(name) || scope.constants.has(name);
      if (!isKnown && !isKnownByCase(name, scope)) {
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

/** Names that a line of code or data uses and that must be symbols. Names in capitals come from the command line as well (-D). */
const plainOf = new PerLine((line): readonly Reference[] => {
  const { before, after, statements, references } = line;
  const isCode =
    references.length > 0 &&
    statements.length > 0 &&
    before.macros.length === 0 &&
    before.conditions.length === 0 &&
    before.continues === null &&
    after.continues === null &&
    statements.every(isCodeOrData);
  const found = isCode
    ? references.filter(
        ({ name, isArgument, isMnemonic }) =>
          isArgument !== true &&
          isMnemonic !== true &&
          /^[A-Za-z_.][\w.$#@~?]*$/.test(name) &&
          /[a-z]/.test(name) &&
          !name.startsWith("..") &&
          !words.has(name.toLowerCase()),
      )
    : noReferences;
  return found.length > 0 ? found : noReferences;
});

function isCodeOrData(statement: Statement): boolean {
  return (
    statement.kind === "instruction" ||
    (statement.kind === "directive" && /^(?:d[bwdq]|times|equ)$/.test(statement.name.text))
  );
}

function isKnownByCase(name: string, { constants }: Scope): boolean {
  const lower = name.toLowerCase();
  // `%idefine` and its kin know no case.
  return [...constants.names()].some((known) => known.toLowerCase() === lower);
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
