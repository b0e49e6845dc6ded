/** Changes as an editor sends them, made into lines: whatever the changes, the text is what an editor would have. Prints its seed where it fails. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { toLineChange, type ContentChange } from "../../extension/language/server/connection/change.ts";
import { change, linesOf, open } from "../../extension/language/server/document.ts";

const textOf = (lines: readonly { readonly text: string }[]): string =>
  lines.map(({ text }) => text).join("\n");

/** As an editor does it: on the text, by offsets. */
function applied(text: string, { range, text: added }: ContentChange): string {
  if (!range) return linesOf(added).join("\n");
  const lines = text.split("\n");
  const offset = ({ line, character }: { line: number; character: number }): number =>
    line >= lines.length
      ? text.length
      : lines.slice(0, line).join("\n").length +
        (line > 0 ? 1 : 0) +
        Math.min(character, lines[line]?.length ?? 0);
  return text.slice(0, offset(range.start)) + linesOf(added).join("\n") + text.slice(offset(range.end));
}

it("has the text of the editor", () => {
  const texts = fc.string({
    unit: fc.constantFrom("a", " ", ":", ".code16", "é", "\n", "\r\n", "/*", "*/", "𐐷"),
  });
  const places = fc.record({ line: fc.nat(6), character: fc.nat(12) });
  const changes = fc.record({ start: places, end: places, text: texts });
  fc.assert(
    fc.property(texts, fc.array(changes, { maxLength: 6 }), (text, list) => {
      let file = open("file:///a.S", "gas", text);
      let expected = linesOf(text).join("\n");
      for (const { start, end, text: added } of list) {
        const isOrdered =
          start.line < end.line || (start.line === end.line && start.character <= end.character);
        const range = isOrdered ? { start, end } : { start: end, end: start };
        const edit = { range, text: added };
        file = change(file, toLineChange(file, edit));
        expected = applied(expected, edit);
        expect(textOf(file.lines)).toBe(expected);
      }
    }),
  );
});

it("replaces everything where no range is given", () => {
  const file = open("file:///a.S", "gas", "a:\nb:\n");
  expect(textOf(change(file, toLineChange(file, { text: "c:" })).lines)).toBe("c:");
});
