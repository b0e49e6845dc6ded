/**
 * A script as a value: its lines, and its tree beside them.
 *
 * Invariant: the tree of a file is made of its text alone and belongs to that very value. What a changed script keeps of the one before is what the same text
 * opened anew has.
 */
import type { LineState, SyntaxFile } from "../syntax.ts";
import { linesOfScript } from "./line.ts";
import { parse } from "./parser.ts";
import type { Parsed } from "./reuse.ts";
import type { ScriptTree } from "./tree.ts";

const parsings = new WeakMap<SyntaxFile, Parsed>();

/**
 * @param texts the lines without their ends
 * @param old the file before it was changed
 * @returns the file, and how many of its lines had to be made
 */
export function openScript(
  uri: string,
  texts: readonly string[],
  initial: LineState,
  old: SyntaxFile | null = null,
): { readonly file: SyntaxFile; readonly parsedCount: number } {
  const before = old && { parsed: parsingOf(old), lines: old.lines };
  const parsed = parse(uri, texts, before?.parsed);
  const { lines, madeCount } = linesOfScript(parsed, initial, before);
  const file: SyntaxFile = { uri, language: "linkerscript", lines };
  parsings.set(file, parsed);
  return { file, parsedCount: madeCount };
}

/** The tree of a linker script. */
export function treeOf(file: SyntaxFile): ScriptTree {
  return parsingOf(file).tree;
}

function parsingOf(file: SyntaxFile): Parsed {
  const known = parsings.get(file);
  if (known) {
    return known;
  }
  const parsed = parse(
    file.uri,
    file.lines.map((line) => line.text),
  );
  parsings.set(file, parsed);
  return parsed;
}
