/**
 * A symbol in an expression that nothing defines.
 *
 * Silent until the workspace is read and a program that this script has linked is known with all its symbols: C defines what no assembly and no script does.
 */
import type { Built } from "../../built.ts";
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import type { World } from "../../world.ts";
import { treeOf } from "../file.ts";
import { usesOf } from "../function.ts";
import { allStatements, expressionsOf, type ScriptTree, type Word } from "../tree.ts";
import { at, isOpenEnded } from "./site.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const tree = treeOf(file);
  const built = world.isComplete && !isOpenEnded(tree) ? linkedBy(tree, world) : null;
  if (!built) {
    return;
  }
  for (const name of symbolsUsed(tree)) {
    const isKnown =
      world.names.named(name.text).length > 0 || world.built.some(({ symbols }) => symbols.has(name.text));
    if (!isKnown) {
      const path = built.path.slice(built.path.lastIndexOf("/") + 1);
      yield at(
        name,
        `Nothing defines "${name.text}": no assembly, no linker script, and ${path} has no such symbol.`,
      );
    }
  }
}

/** A program with the symbols that the script always defines. */
export function linkedBy(tree: ScriptTree, world: World): Built | null {
  const own: string[] = [];
  for (const { statement } of allStatements(tree.statements)) {
    const isSure =
      statement.kind === "assignment" && statement.modifier === null && statement.branch === null;
    if (isSure && statement.target.text !== "." && statement.operator.text === "=") {
      own.push(statement.target.text);
    }
  }
  // Scripts are edited: most of the symbols being there is enough to know the program by.
  return (
    world.built.find(({ symbols }) => {
      const foundCount = own.filter((name) => symbols.has(name)).length;
      return foundCount > 0 && foundCount * 2 > own.length;
    }) ?? null
  );
}

function* symbolsUsed(tree: ScriptTree): Generator<Word> {
  for (const { statement } of allStatements(tree.statements)) {
    if (
      statement.branch !== null ||
      (statement.kind === "assignment" && statement.modifier?.text.startsWith("PROVIDE"))
    ) {
      continue;
    }
    for (const expression of statement.kind === "phdrs" ? [] : expressionsOf(statement)) {
      for (const use of usesOf(expression)) {
        if (use.kind === "symbol" && !use.isAsked && !use.name.text.includes("/")) {
          yield use.name;
        }
      }
    }
    if (statement.kind === "command" && statement.name.text === "ENTRY") {
      yield* statement.arguments;
    }
  }
}

export const undefinedSymbol: Rule = {
  code: "script-undefined-symbol",
  languages: ["linkerscript"],
  severity: "warning",
  title: "A symbol is not defined",
  explanation: [
    "ld ends with `undefined symbol 'x' referenced in expression`. For `ENTRY` it only warns, and takes the start of `.text`: a kernel whose first function is not its entry then starts somewhere else.",
    "",
    'Names in C++ and Rust are written as the object has them (`extern "C"`, `#[no_mangle]`). A name that the command line gives (`--defsym`) is known once the program was linked with it.',
    "",
    "*ld manual*, Symbols; Entry Point.",
  ].join("\n"),
  check,
};
