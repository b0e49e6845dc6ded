/**
 * What a snippet is: a piece of boot code that is correct as it stands, in each notation, with the places a person may want to change.
 *
 * Invariant: with its placeholders at their defaults a snippet assembles (scripts: links), and does on the machine what its description says.
 * Notation of the texts: `«1:name»` is a place with its default, `«1»` the same again, `«0»` where the cursor rests at last; four blanks at the start of a
 * line are one step of indentation. What the editor's snippets escape ("$", "}", "\") is written as it is.
 * Elsewhere: the texts (`snippets/`), when they are offered (`statement.ts`, `script.ts`).
 */
import type { Bits } from "../syntax.ts";

export type Notation = "att" | "intel" | "nasm" | "script";

export interface Snippet {
  /** What a person types, and what the menu shows. */
  readonly name: string;
  /** One line of the menu. */
  readonly title: string;
  /** Markdown: what it needs before it and leaves behind it. */
  readonly description: string;
  /** Widths of code it can stand in; of scripts none. */
  readonly bits: readonly Exclude<Bits, null>[];
  readonly texts: { readonly [notation in Notation]?: string };
}

const place = /«(\d)(?::([^»]*))?»/g;

/** As the editor's snippets are written (TextMate's notation). */
export function snippetText(text: string): string {
  let result = "";
  let at = 0;
  for (const found of text.matchAll(place)) {
    result += escaped(text.slice(at, found.index));
    const [whole, number = "0", value] = found;
    result += value === undefined ? `\${${number}}` : `\${${number}:${escaped(value)}}`;
    at = found.index + whole.length;
  }
  return indented(result + escaped(text.slice(at)));
}

/** With every place at its default, `rest` where the cursor comes to rest. */
export function plainText(text: string, rest = ""): string {
  const values = new Map<string, string>([["0", rest]]);
  for (const [, number = "", value] of text.matchAll(place)) {
    if (value !== undefined) {
      values.set(number, value);
    }
  }
  return text.replaceAll(place, (_, number: string) => values.get(number) ?? "");
}

function escaped(text: string): string {
  return text.replaceAll(/[\\$}]/g, String.raw`\$&`);
}

/** A tab becomes what the editor indents with. */
function indented(text: string): string {
  return text.replaceAll(/^(?: {4})+/gm, (blanks) => "\t".repeat(blanks.length / 4));
}
