/**
 * A script as a value: its lines, and its tree beside them.
 *
 * Invariant: the tree of a file is made of its text alone and belongs to that very value.
 */
import type { LineState, SyntaxFile } from "../syntax.ts";
import { linesOfScript } from "./line.ts";
import { parse } from "./parser.ts";
import type { ScriptTree } from "./tree.ts";

const trees = new WeakMap<SyntaxFile, ScriptTree>();

/** `texts` are the lines without their ends. */
export function openScript(uri: string, texts: readonly string[], initial: LineState): SyntaxFile {
  const { tree, source } = parse(uri, texts);
  const file: SyntaxFile = {
    uri,
    language: "linkerscript",
    lines: linesOfScript(texts, tree, source, initial),
  };
  trees.set(file, tree);
  return file;
}

/** The tree of a linker script. */
export function treeOf(file: SyntaxFile): ScriptTree {
  const known = trees.get(file);
  if (known) {
    return known;
  }
  const { tree } = parse(
    file.uri,
    file.lines.map((line) => line.text),
  );
  trees.set(file, tree);
  return tree;
}
