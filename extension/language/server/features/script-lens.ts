/**
 * Above output sections of a linker script: where each really is in the program that was linked by it, and how large.
 *
 * Symbols have no lens, only a hover: a script's lines are mostly symbols, and a lens above each would double them.
 */
import type { CodeLens } from "vscode-languageserver-types";
import { treeOf } from "../script/index.ts";
import { linkedBy } from "../script/rules/undefined-symbol.ts";
import { allStatements } from "../script/tree.ts";
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { sizeText } from "./size.ts";

export function scriptLenses(world: World, file: SyntaxFile): CodeLens[] {
  const tree = treeOf(file);
  const built = linkedBy(tree, world);
  const lenses: CodeLens[] = [];
  for (const { statement } of built ? allStatements(tree.statements) : []) {
    const section =
      statement.kind === "section"
        ? built?.sections.find(({ name }) => name === statement.name.text)
        : undefined;
    if (statement.kind !== "section" || !section) {
      continue;
    }
    const { line, start, end } = statement.name;
    const { address, loadAddress, size, segment } = section;
    const title = [
      ...(segment || section.flags.includes("A") ? [address] : []),
      sizeText(size),
      ...(segment && loadAddress !== address ? [`loaded at ${loadAddress}`] : []),
      ...(segment ? [`segment ${segment.index} ${segment.rights}`] : ["not loaded"]),
    ].join(" · ");
    lenses.push({
      range: { start: { line, character: start }, end: { line, character: end } },
      command: { title, command: "" },
    });
  }
  return lenses;
}
