/** References and highlights, as the editor asks. Elsewhere: occurrences in all their cases (`index.test.ts`). */
import { expect, it } from "vitest";
import { DocumentHighlightKind } from "vscode-languageserver-types";
import { highlights } from "../../extension/language/server/features/highlight.ts";
import { references } from "../../extension/language/server/features/references.ts";
import { marked } from "./cursor.ts";

/** Expected places stand in brackets in the text itself. */
const rows: readonly (readonly [string, string])[] = [
  [
    "a label across files and a script",
    "\n-- a.S\n.globl ⟦start⟧\n⟦sta|rt⟧:\n jmp ⟦start⟧\n-- b.S\n call ⟦start⟧\n-- c.S\nstart: jmp start\n-- k.ld\nENTRY(⟦start⟧)",
  ],
  [
    "a script's symbol",
    "\n-- k.ld\n⟦_e|nd⟧ = 1;\n_last = ⟦_end⟧ - 1;\n-- a.S\n mov $⟦_end⟧, %eax\n-- b.asm\nextern ⟦_end⟧\nmov eax, ⟦_end⟧",
  ],
  ["a numeric label", "1: jmp 1b\n⟦1⟧: jmp ⟦1|b⟧\n jmp ⟦1b⟧"],
  ["a macro", ".macro ⟦m⟧ a\n.endm\n⟦m|⟧ 1\nm: ⟦m⟧ 2"],
  ["a constant", "⟦siz|e⟧ = 4\n .if ⟦size⟧ > 3\n .skip ⟦size⟧ * 2 + size2\n.endif"],
  [
    "a parameter",
    '.macro m ⟦a⟧, b=\\⟦|⟧x\n.ascii "⟦\\a⟧"\nmov ⟦\\a|⟧, %eax # \\a\n.endm\nmov \\a, %eax'.replace(
      "b=\\⟦|⟧x",
      "b=⟦\\a⟧",
    ),
  ],
  ["a name alone", "|"],
];

it.each(rows)("of %s", (_, text) => {
  const { world, uri, position, parts } = marked(text);
  const found = references(world, uri, position, true).map(({ uri: file, range }) => ({
    uri: file,
    line: range.start.line,
    start: range.start.character,
    end: range.end.character,
  }));
  const byPlace = (a: { uri: string; line: number; start: number }, b: typeof a): number =>
    a.uri.localeCompare(b.uri) || a.line - b.line || a.start - b.start;
  expect(found.toSorted(byPlace)).toEqual(parts.toSorted(byPlace));
});

it("leaves definitions out where they are not wanted", () => {
  const { world, uri, position } = marked("a: jmp a|\n jmp a");
  expect(references(world, uri, position, false).map(({ range }) => range.start.line)).toEqual([0, 1]);
});

it("highlights what is written and what is read, in the file alone", () => {
  const { world, uri, position } = marked("\n-- a.S\n.globl a\na|: jmp a\n-- b.S\ncall a");
  const { Read, Text, Write } = DocumentHighlightKind;
  expect(highlights(world, uri, position).map(({ range, kind }) => [range.start.line, kind])).toEqual([
    [0, Text],
    [1, Write],
    [1, Read],
  ]);
});
