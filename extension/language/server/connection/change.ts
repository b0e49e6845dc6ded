/** Changes of a document as the protocol sends them, in whole lines. */
import { linesOf } from "../document.ts";
import type { LineChange, SyntaxFile } from "../syntax.ts";

/** `TextDocumentContentChangeEvent`: without a range it is the whole text. */
export interface ContentChange {
  readonly range?: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  };
  readonly text: string;
}

/** A place beyond the end of a line is its end, one beyond the last line the end of the file. */
export function toLineChange({ lines }: SyntaxFile, { range, text }: ContentChange): LineChange {
  const added = linesOf(text);
  if (!range) {
    return { from: 0, to: lines.length, lines: added };
  }
  const last = lines.length - 1;
  const from = Math.min(range.start.line, last);
  const to = Math.min(range.end.line, last);
  const start = range.start.line > last ? Infinity : range.start.character;
  const end = range.end.line > last ? Infinity : range.end.character;
  const before = (lines[from]?.text ?? "").slice(0, start);
  const after = (lines[to]?.text ?? "").slice(end);
  const changed = [...added];
  changed[0] = `${before}${changed[0] ?? ""}`;
  changed[changed.length - 1] += after;
  return { from, to: to + 1, lines: changed };
}
