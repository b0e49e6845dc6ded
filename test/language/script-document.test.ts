/**
 * A changed script equals the same text opened anew; noise of all kinds is read to its end, every token is the text at its place, and thousands of lines take
 * milliseconds.
 *
 * Every random test prints its seed when it fails; LANGUAGE_SEED sets it.
 */
import { expect, it } from "vitest";
import { change, open } from "../../extension/language/server/document.ts";
import { scriptRules, treeOf } from "../../extension/language/server/script/index.ts";
import type { SyntaxFile } from "../../extension/language/server/syntax.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { random, type Random } from "./instruction.ts";

const seed = Number(process.env["LANGUAGE_SEED"] ?? 6);

const pieces = [
  "SECTIONS",
  "{",
  "}",
  "(",
  ")",
  ";",
  ":",
  ">",
  "=",
  "? 1 : 2",
  ".text :",
  "*(.text .text.*)",
  "KEEP(*(.multiboot))",
  "EXCLUDE_FILE(a.o)",
  "SORT(",
  ". = ALIGN(4K);",
  "end = .;",
  "PROVIDE(q = 5);",
  "ASSERT(q > 5,",
  '"text"',
  '"',
  "/*",
  "*/",
  "//",
  "#if X",
  "#elif Y",
  "#else",
  "#endif",
  "#define M(a) a##_end = .; \\",
  "#include <a.h>",
  "\\",
  "MACRO(a, :b)",
  "MEMORY { ram (rwx) : ORIGIN = 0, LENGTH = 1M }",
  "PHDRS { text PT_LOAD FLAGS(5); }",
  "OVERLAY 0x1000 : { .o { } }",
  "AT(ADDR(.text))",
  ":text =0x90",
  "VERSION { V1 { global: a; }; }",
  "INCLUDE other.ld",
  "INSERT AFTER .data;",
  "0x10K",
  "08",
  "~",
  "-",
  "",
];

function noise(chance: Random): string {
  const count = 1 + chance.next(4);
  if (chance.next(6) === 0) {
    return Array.from({ length: chance.next(30) }, () =>
      String.fromCharCode(chance.next(8) === 0 ? chance.next(0xffff) : chance.next(0x80)),
    )
      .join("")
      .replaceAll(/[\n\r]/g, " ");
  }
  return Array.from({ length: count }, () => pieces[chance.next(pieces.length)] ?? "").join(" ");
}

function spans(file: SyntaxFile): void {
  for (const line of file.lines) {
    for (const { token } of [...line.definitions, ...line.references, ...line.linkage]) {
      expect(token.end).toBeGreaterThan(token.start);
      expect(line.text.slice(token.start, token.end)).toBe(token.text);
    }
    for (const { start, end } of [...line.statements, ...line.errors, ...line.comments]) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(start).toBeLessThanOrEqual(end);
    }
    for (const { end } of [...line.statements, ...line.comments]) {
      expect(end).toBeLessThanOrEqual(line.text.length);
    }
  }
}

it.each(["file:///a.ld", "file:///a.lds.S"])("changes %s at random", (uri) => {
  for (let round = 0; round < 150; round += 1) {
    const chance = random(seed * 1000 + round);
    const start = Array.from({ length: chance.next(30) }, () => noise(chance));
    let file = open(uri, "linkerscript", start.join("\n"));
    for (let step = 0; step < 6; step += 1) {
      const from = chance.next(file.lines.length + 1);
      const to = Math.min(file.lines.length, from + chance.next(4));
      const lines = Array.from({ length: chance.next(4) }, () => noise(chance));
      file = change(file, { from, to, lines });
      const text = file.lines.map((line) => line.text).join("\n");
      const anew = open(uri, "linkerscript", text);
      expect(file, `seed ${seed}, round ${round}, step ${step}`).toEqual(anew);
      expect(treeOf(file)).toEqual(treeOf(anew));
      spans(file);
    }
  }
});

it("takes time linear in the length of a line", () => {
  for (const piece of [
    "(",
    "{",
    "a=",
    "?",
    "-",
    "!",
    ".a:{",
    "*(",
    '"',
    "/*",
    "SORT(",
    "KEEP(",
    "#if\n",
    "a b ",
    "A(",
    ">",
  ]) {
    for (const uri of ["file:///a.ld", "file:///a.lds.S"]) {
      const text = `SECTIONS { ${piece.repeat(4000)}`;
      expect(open(uri, "linkerscript", text).lines.length).toBeGreaterThan(0);
    }
  }
});

it.each([
  ["x = ", "a+", "1;"],
  ["x = ", "1?2:", "3;"],
  ["x = ", "1?", ""],
  ["x = ", "MAX(1,", ""],
  ["x = ", "-", "1;"],
  ["SECTIONS { .a : { *(", "SORT(", ".a"],
  ["SECTIONS { ", ".a : { ", ""],
  ["", "#if A\n", ""],
])("reads %s%s… to any depth, and rules too", (before, piece, behind) => {
  const world = new Workspace();
  world.open("file:///a.ld", "linkerscript", before + piece.repeat(8000) + behind);
  const file = world.file("file:///a.ld");
  const found = file ? scriptRules.flatMap((rule) => [...rule.check(file, world)]) : null;
  expect(found).not.toBeNull();
});

it("reads 3,000 lines whole in a few milliseconds", () => {
  const lines = ["SECTIONS", "{"];
  while (lines.length < 2996) {
    const number = lines.length;
    lines.push(
      `  .section_${number} ALIGN(0x1000) : AT(ADDR(.section_${number}) - 0xffffffff80000000)`,
      "  {",
      `    start_${number} = .; /* of it */`,
      `    *(.text_${number} .text_${number}.*)`,
      `    KEEP(*(SORT_BY_NAME(.init_${number}.*)))`,
      `    PROVIDE(end_${number} = . + SIZEOF_HEADERS);`,
      "  } :text =0x90909090",
    );
  }
  lines.push("}");
  let file = open("file:///a.ld", "linkerscript", lines.join("\n"));
  expect(treeOf(file).errors).toEqual([]);
  const times: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const from = performance.now();
    file = change(file, { from: 1000, to: 1001, lines: [`    start_${round} = .;`] });
    times.push(performance.now() - from);
  }
  const [median] = times.toSorted((a, b) => a - b).slice(5);
  console.log(`linkerscript: ${file.lines.length} lines parsed whole in ${median?.toFixed(1)} ms`);
});
