/** What folds, as "first-last" with its kind, lines counted from 1. */
import { expect, it } from "vitest";
import { folding } from "../../extension/language/server/features/folding.ts";
import { marked } from "./cursor.ts";

function folds(text: string): string {
  const { world, uri } = marked(text);
  return folding(world, uri)
    .map(({ startLine, endLine, kind }) => `${startLine + 1}-${endLine + 1}${kind ? ` ${kind}` : ""}`)
    .join(", ");
}

const rows: readonly (readonly [string, string, string])[] = [
  ["a macro, its last line stays", ".macro m\nnop\nnop\n.endm", "1-3"],
  ["nested conditions", "#if A\n#ifdef B\nnop\n#endif\nnop\n#else\nnop\n#endif", "1-5, 2-3, 6-7"],
  ["%if", "\n-- a.asm\n%ifdef A\nnop\n%elif B\nnop\n%endif", "1-2, 3-4"],
  [".ifdef", ".ifdef A\nnop\n.else\nnop\n.endif", "1-2, 3-4"],
  ["a part that nobody closes", "#if A\nnop\nnop", ""],
  ["comments", "# a\n# b\n# c\nnop\n# d", "1-3 comment"],
  ["one comment with blank lines in it", "/* a\n\nb */\nnop", "1-3 comment"],
  ["two blocks", "# a\n# b\n\n# c\n# d", "1-2 comment, 4-5 comment"],
  ["a region", "# region boot\nnop\nnop\n# endregion\nnop", "1-4 region"],
  ["functions", "a:\nnop\nret\n\nb:\nret", "1-3, 5-6"],
  ["sections", ".text\na: nop\nret\n.data\nb: .byte 1", "1-3, 2-3, 4-5"],
  ["a script's blocks", "\n-- k.ld\nSECTIONS\n{\n  .text :\n  {\n    *(.text)\n  }\n}", "2-6, 4-5"],
];

it.each(rows)("%s", (_, text, expected) => {
  expect(folds(text)).toBe(expected);
});
