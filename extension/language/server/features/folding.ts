/**
 * What can be folded: macros, repetitions, conditions, structures, braces of scripts; blocks of comments; functions; regions that comments mark.
 *
 * Invariant: the line that ends a part stays visible, as editors do with closing brackets. A part that nobody closes is not folded.
 */
import { FoldingRangeKind, SymbolKind, type FoldingRange } from "vscode-languageserver-types";
import type { Line, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { outline } from "./outline.ts";

export function folding(world: World, uri: string): readonly FoldingRange[] {
  const file = world.file(uri);
  if (!file) {
    return [];
  }
  const found = [...parts(file), ...comments(file), ...functions(world, uri)];
  // The editor takes one part for each first line: the longest of them.
  const longest = new Map<number, FoldingRange>();
  for (const range of found) {
    const known = longest.get(range.startLine);
    if (range.endLine > range.startLine && (!known || known.endLine < range.endLine)) {
      longest.set(range.startLine, range);
    }
  }
  return [...longest.values()].toSorted((a, b) => a.startLine - b.startLine);
}

interface Open {
  readonly name: string;
  readonly line: number;
}

function* parts(file: SyntaxFile): Iterable<FoldingRange> {
  const open: Open[] = [];
  const regions: number[] = [];
  for (const [number, line] of file.lines.entries()) {
    const { opens, closes } = line.fold ?? {};
    if (closes !== undefined) {
      const at = open.findLastIndex(({ name }) => isClosedBy(name, closes));
      const [begun] = at < 0 ? [] : open.splice(at);
      if (begun) {
        yield { startLine: begun.line, endLine: number - 1 };
      }
    }
    if (opens !== undefined) {
      open.push({ name: opens, line: number });
    }
    const mark = regionMark(line);
    if (mark === "begin") {
      regions.push(number);
    }
    const begun = mark === "end" ? regions.pop() : undefined;
    if (begun !== undefined) {
      yield { startLine: begun, endLine: number, kind: FoldingRangeKind.Region };
    }
  }
}

/** `%ifdef` is closed by what closes "%if"; braces by their own kind. */
function isClosedBy(opens: string, closes: string): boolean {
  return opens === closes || (/^[#.%]if$/.test(closes) && opens.startsWith(closes));
}

function regionMark(line: Line): "begin" | "end" | undefined {
  const comment = isComment(line) ? line.text : "";
  const found = /^\s*(?:#|;|\/\/|\/\*)\s*#?(end)?region\b/i.exec(comment);
  return found ? (found[1] === undefined ? "begin" : "end") : undefined;
}

function isComment(line: Line | undefined): boolean {
  return (
    line !== undefined &&
    line.comments.length > 0 &&
    line.statements.length === 0 &&
    line.definitions.length === 0
  );
}

/** Two lines and more of nothing but comments. A blank line ends the block, but not inside of one comment. */
function* comments(file: SyntaxFile): Iterable<FoldingRange> {
  let from = -1;
  for (let number = 0; number <= file.lines.length; number += 1) {
    const line = file.lines[number];
    const isPart = isComment(line) && (line?.before.inComment || regionMark(line as Line) === undefined);
    if (isPart && from < 0) {
      from = number;
    }
    if (!isPart && !line?.before.inComment && from >= 0) {
      yield { startLine: from, endLine: number - 1, kind: FoldingRangeKind.Comment };
      from = -1;
    }
  }
}

/** Sections, and labels with what follows them; macros and structures fold by their ends. */
function* functions(world: World, uri: string): Iterable<FoldingRange> {
  if (world.file(uri)?.language === "linkerscript") {
    return;
  }
  const todo = [...outline(world, uri)];
  for (const { kind, range, children } of todo) {
    if (kind !== SymbolKind.Method && kind !== SymbolKind.Struct) {
      yield { startLine: range.start.line, endLine: range.end.line };
    }
    todo.push(...(children ?? []));
  }
}
