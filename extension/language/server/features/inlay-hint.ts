/**
 * Bytes of each instruction at the end of its line, of the program that was built.
 *
 * Invariant: what is shown is what the line made. A file that was changed since shows nothing, nor does a line that was assembled at several places into
 * different bytes.
 */
import type { InlayHint, Range } from "vscode-languageserver-types";
import { linesOf, type Built, type BuiltLine } from "../built.ts";
import type { Line, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";

/** The editor cuts what is longer (`editor.inlayHints.maximumLength`, 43 as it comes). */
const longestLabel = 43;
/** Bytes of a macro's many instructions are left to the tooltip. */
const mostBytes = 10;
const defaultTabSize = 4;

export function inlayHints(world: World, uri: string, { start, end }: Range): InlayHint[] {
  const file = world.file(uri);
  if (!file || !world.settings.inlayHints) {
    return [];
  }
  for (const built of world.built) {
    const lines = linesOf(built, file);
    if (lines.length > 0) {
      const wanted = lines.filter(({ line }) => start.line <= line && line <= end.line);
      return hintsOf(file, built, byLine(wanted), world.settings.tabSize ?? defaultTabSize);
    }
  }
  return [];
}

/** Parts by their line. */
export function byLine(lines: readonly BuiltLine[]): ReadonlyMap<number, readonly BuiltLine[]> {
  const found = new Map<number, BuiltLine[]>();
  for (const line of lines) {
    const list = found.get(line.line);
    if (list) {
      list.push(line);
    } else {
      found.set(line.line, [line]);
    }
  }
  return found;
}

function hintsOf(
  file: SyntaxFile,
  built: Built,
  lines: ReadonlyMap<number, readonly BuiltLine[]>,
  tabSize: number,
): InlayHint[] {
  const hints: InlayHint[] = [];
  const columns = columnsOf(file, lines, tabSize);
  for (const [number, parts] of lines) {
    const line = file.lines[number];
    const bytes = bytesOf(parts);
    if (!line || bytes === null) {
      continue;
    }
    const text = bytesText(bytes);
    const padding = Math.min((columns.get(number) ?? 0) - widthOf(line, tabSize), longestLabel - text.length);
    hints.push({
      position: { line: number, character: line.text.length },
      label: `${" ".repeat(Math.max(0, padding))}${text}`,
      paddingLeft: true,
      tooltip: tooltipOf(parts, built),
    });
  }
  return hints;
}

/** What a line made, the same wherever it was assembled; null if that is not so, or not known. */
export function bytesOf(parts: readonly BuiltLine[]): string | null {
  const runs: string[] = [];
  let next = "";
  for (const { address, bytes } of parts) {
    if (bytes === "") {
      return null;
    }
    const isContinued = address === next;
    runs.push(isContinued ? `${runs.pop() ?? ""}${bytes}` : bytes);
    next = `0x${(BigInt(address) + BigInt(bytes.length / 2)).toString(16)}`;
  }
  const [first] = runs;
  return first !== undefined && runs.every((run) => run === first) ? first : null;
}

function bytesText(bytes: string): string {
  const pairs = bytes.match(/../g) ?? [];
  const shown = pairs.slice(0, mostBytes).join(" ");
  return pairs.length > mostBytes ? `${shown} … ${pairs.length} bytes` : shown;
}

/** For each line the column behind the longest line of its block: lines with code that follow one another. */
function columnsOf(
  file: SyntaxFile,
  lines: ReadonlyMap<number, readonly BuiltLine[]>,
  tabSize: number,
): ReadonlyMap<number, number> {
  const columns = new Map<number, number>();
  let block: number[] = [];
  const close = (): void => {
    const width = Math.max(0, ...block.map((number) => widthOf(file.lines[number], tabSize)));
    for (const number of block) {
      columns.set(number, width);
    }
    block = [];
  };
  for (const number of [...lines.keys()].toSorted((a, b) => a - b)) {
    if (block.length > 0 && block.at(-1) !== number - 1) {
      close();
    }
    block.push(number);
  }
  close();
  return columns;
}

function widthOf(line: Line | undefined, tabSize: number): number {
  let width = 0;
  for (const character of line?.text ?? "") {
    width += character === "\t" ? tabSize - (width % tabSize) : 1;
  }
  return width;
}

function tooltipOf(parts: readonly BuiltLine[], { path }: Built): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const places = parts.map(({ address, bytes }) => `${address}: ${bytes.replaceAll(/(..)(?=.)/g, "$1 ")}`);
  return `${places.join("\n")}\nin ${name}`;
}
