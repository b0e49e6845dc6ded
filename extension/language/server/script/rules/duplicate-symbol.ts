/**
 * A symbol that a script gives a value twice, so that the first is lost.
 *
 * Silent about PROVIDE, branches of conditions, and symbols that are used in between or in their own new value: ld's scripts may use them as variables.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import { treeOf } from "../file.ts";
import { usesOf } from "../function.ts";
import { allStatements, expressionsOf, type Assignment, type Statement } from "../tree.ts";
import { at, isOpenEnded, related } from "./site.ts";

function* check(file: SyntaxFile): Generator<Finding> {
  const tree = treeOf(file);
  if (isOpenEnded(tree)) {
    return;
  }
  /** The last assignment of each symbol that nothing has used since. */
  const last = new Map<string, Assignment>();
  for (const { statement } of allStatements(tree.statements)) {
    for (const name of namesUsed(statement)) {
      last.delete(name);
    }
    if (statement.kind !== "assignment" || statement.target.text === ".") {
      continue;
    }
    const { target, operator, modifier, branch } = statement;
    const isPlain =
      operator.text === "=" && (modifier === null || modifier.text === "HIDDEN") && branch === null;
    if (!isPlain) {
      last.delete(target.text);
      continue;
    }
    const before = last.get(target.text);
    if (before) {
      yield at(
        target,
        `"${target.text}" already has a value from line ${before.target.line + 1}, which is lost here.`,
        {
          related: [related(file, before.target, "The first value.")],
        },
      );
    }
    last.set(target.text, statement);
  }
}

function namesUsed(statement: Statement): readonly string[] {
  return expressionsOf(statement).flatMap((expression) => usesOf(expression).map(({ name }) => name.text));
}

export const duplicateSymbol: Rule = {
  code: "script-duplicate-symbol",
  languages: ["linkerscript"],
  severity: "warning",
  title: "A symbol gets a value twice",
  explanation: [
    "ld takes the last value of a symbol and says nothing. Code that uses the symbol for the first place (the end of `.text`, say) gets the second.",
    "",
    "Give the two places names of their own. A symbol that may be defined elsewhere already belongs into `PROVIDE(…)`.",
    "",
    "*ld manual*, Simple Assignments; PROVIDE.",
  ].join("\n"),
  check,
};
