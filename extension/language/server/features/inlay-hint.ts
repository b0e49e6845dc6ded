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
  const hints: Hint[] = [];
  for (const [line, parts] of [...lines].toSorted(([a], [b]) => a - b)) {
    const bytes = bytesOf(parts);
    if (bytes !== null) {
      hints.push({ line, width: widthOf(file.lines[line], tabSize), text: bytesText(bytes) });
    }
  }
  return blocksOf(hints).flatMap((block) => {
    const column = columnOf(block);
    return block.map(({ line, width, text }) => {
      const padding = Math.max(0, Math.min(Math.max(1, column - width), longestLabel - text.length));
      return {
        position: { line, character: file.lines[line]?.text.length ?? 0 },
        label: `${" ".repeat(padding)}${text}`,
        paddingLeft: true,
        tooltip: tooltipOf(lines.get(line) ?? [], built),
      };
    });
  });
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

interface Hint {
  readonly line: number;
  /** Columns of the line, with tabs. */
  readonly width: number;
  readonly text: string;
}

/** The column at which the bytes of most lines of a block can begin: none is cut, and none begins before its line ends. */
function columnOf(block: readonly Hint[]): number {
  const fits = (column: number, { width, text }: Hint): boolean =>
    width < column && column - width + text.length <= longestLabel;
  const columns = block.map(({ width }) => width + 1).toSorted((a, b) => a - b);
  let best = 0;
  let most = 0;
  for (const column of columns) {
    const count = block.filter((hint) => fits(column, hint)).length;
    if (count > most) {
      [best, most] = [column, count];
    }
  }
  return best;
}

/** Lines with code that follow one another. */
function blocksOf(hints: readonly Hint[]): readonly Hint[][] {
  const blocks: Hint[][] = [];
  for (const hint of hints) {
    const block = blocks.at(-1);
    if (block?.at(-1)?.line === hint.line - 1) {
      block.push(hint);
    } else {
      blocks.push([hint]);
    }
  }
  return blocks;
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
