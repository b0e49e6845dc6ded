/**
 * Memory regions and program headers that are chosen but not there.
 *
 * Silent where another script, a macro or an included file may define them.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import type { World } from "../../world.ts";
import { treeOf } from "../file.ts";
import {
  allExpressions,
  allStatements,
  expressionsOf,
  sectionsOf,
  type ScriptTree,
  type Word,
} from "../tree.ts";
import { at, isOpenEnded } from "./site.ts";

/** Names that the script, or another of the workspace that may be linked with it, gives to regions and headers. */
function definedIn(world: World): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of world.files()) {
    if (file.language === "linkerscript") {
      for (const { definitions } of file.lines) {
        for (const { kind, name } of definitions) {
          if (kind === "segment") {
            found.add(name);
          }
        }
      }
    }
  }
  return found;
}

/** All that could define a name has been read. */
function isWhole(tree: ScriptTree, world: World, kind: "memory" | "phdrs"): boolean {
  const has = (wanted: string): boolean => tree.statements.some((statement) => statement.kind === wanted);
  // Without a list of its own the script is linked with another, which need not be in the workspace.
  return has("sections") && has(kind) && !isOpenEnded(tree) && world.isComplete;
}

function* checkRegions(file: SyntaxFile, world: World): Generator<Finding> {
  const tree = treeOf(file);
  if (!isWhole(tree, world, "memory")) {
    return;
  }
  const known = definedIn(world);
  for (const name of regionsUsed(tree)) {
    if (!known.has(name.text) && name.text !== "*default*") {
      yield at(name, `There is no memory region "${name.text}": MEMORY does not define it.`);
    }
  }
}

function* regionsUsed(tree: ScriptTree): Generator<Word> {
  for (const { statement } of allStatements(tree.statements)) {
    if (statement.branch !== null) {
      continue;
    }
    if (statement.kind === "section") {
      yield* [statement.region, statement.loadRegion].filter((name) => name !== null);
    }
    for (const expression of expressionsOf(statement)) {
      for (const part of allExpressions(expression)) {
        const [argument] =
          part.kind === "call" && /^(?:ORIGIN|LENGTH)$/.test(part.name.text) ? part.arguments : [];
        if (argument?.kind === "name") {
          yield argument.name;
        }
      }
    }
  }
}

export const unknownRegion: Rule = {
  code: "script-unknown-region",
  languages: ["linkerscript"],
  severity: "warning",
  title: "A memory region is not defined",
  explanation: [
    "`>name` puts an output section into a region that `MEMORY` defines. ld only warns (`memory region 'ram' not declared`) and puts the section at the location counter instead: mostly at 0.",
    "",
    "*ld manual*, MEMORY Command; Output Section Region.",
  ].join("\n"),
  check: checkRegions,
};

function* checkHeaders(file: SyntaxFile, world: World): Generator<Finding> {
  const tree = treeOf(file);
  if (!isWhole(tree, world, "phdrs")) {
    return;
  }
  const known = definedIn(world);
  for (const section of sectionsOf(tree)) {
    for (const name of section.branch === null ? section.headers : []) {
      if (!known.has(name.text) && name.text !== "NONE") {
        yield at(name, `There is no program header "${name.text}": PHDRS does not define it.`);
      }
    }
  }
}

export const unknownHeader: Rule = {
  code: "script-unknown-header",
  languages: ["linkerscript"],
  severity: "error",
  title: "A program header is not defined",
  explanation: [
    "`:name` behind an output section puts it into a segment that `PHDRS` defines. Without that ld ends with `section '.text' assigned to non-existent phdr 'text'`.",
    "",
    "*ld manual*, PHDRS Command; Output Section Phdr.",
  ].join("\n"),
  check: checkHeaders,
};
