/**
 * A changed script equals the same text opened anew, and little of it is read again; noise of all kinds is read to its end, every token is the text at its place, and thousands of lines take
 * milliseconds.
 *
 * Every random test prints its seed when it fails; LANGUAGE_SEED sets it.
 */
import { expect, it } from "vitest";
import { change, changeCounted, open } from "../../extension/language/server/document.ts";
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
  for (let round = 0; round < (process.env["REDZONE_LONG"] === "1" ? 150 : 75); round += 1) {
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

/** A script as people write them: nothing wrong, everything nested. */
function sound(isPreprocessed: boolean): string[] {
  const only = (...lines: string[]): string[] => (isPreprocessed ? lines : []);
  const section = (name: string): string[] => [
    `  .${name} ALIGN(0x1000) : AT(ADDR(.${name}) - 0xffff0000)`,
    "  {",
    `    ${name}_start = .; /* of it,`,
    "       over two lines */",
    ...only("#ifdef A"),
    `    *(.${name}`,
    `      .${name}.*)`,
    ...only("#else"),
    `    KEEP(*(SORT_BY_NAME(.${name}.*)))`,
    ...only("#endif"),
    "    BYTE(1) SHORT(2)",
    `    PROVIDE(${name}_end = . + SIZEOF_HEADERS);`,
    ...only("    MACRO(a, b)"),
    "  } >ram AT>rom :text =0x90",
    "",
  ];
  return [
    ...only("#include <asm/page.h>", "#define MACRO(a, b) \\", "  a##_end = .;"),
    'OUTPUT_FORMAT("elf64-x86-64") ENTRY(start)',
    "MEMORY {",
    "  rom (rx) : ORIGIN = 0, LENGTH = 1M",
    "  ram (rwx) : ORIGIN = 1M, LENGTH = 7M",
    "}",
    "PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD; }",
    "SECTIONS",
    "{ . = 1M; first = .;",
    ...["text", "rodata", "data"].flatMap(section),
    "  OVERLAY 0x1000 : AT (0x4000) { .o1 { *(.o1) } .o2 { *(.o2) } }",
    ...["bss", "end"].flatMap(section),
    "  /DISCARD/ : { *(.comment) *(.note*) }",
    "}",
    'ASSERT(text_end > text_start, "text is empty")',
    "INCLUDE other.ld",
  ];
}

const soundRounds = process.env["REDZONE_LONG"] === "1" ? 300 : 8;
const typedPieces = [
  "x",
  " ",
  ";",
  "}",
  "{",
  "(",
  ")",
  "/*",
  "*/",
  '"',
  "=",
  "1",
  "\n",
  "y = 1;",
  "#endif\n",
  ":",
];

it.each(["file:///a.ld", "file:///a.lds.S"])("types into %s, which is sound, at random", (uri) => {
  for (let round = 0; round < soundRounds; round += 1) {
    const chance = random(seed * 2000 + round);
    let file = open(uri, "linkerscript", sound(uri.endsWith(".S")).join("\n"));
    const undone: SyntaxFile[] = [];
    for (let step = 0; step < 12; step += 1) {
      const from = chance.next(file.lines.length);
      const old = file.lines[from]?.text ?? "";
      const column = chance.next(old.length + 1);
      const typed = typedPieces[chance.next(typedPieces.length)] ?? "";
      const isDeleted = chance.next(3) === 0;
      const text = isDeleted
        ? old.slice(0, column) + old.slice(column + 1)
        : old.slice(0, column) + typed + old.slice(column);
      undone.push(file);
      const isJoined = chance.next(8) === 0;
      const lines = isJoined ? [] : text.split("\n");
      file = change(file, { from, to: from + 1, lines });
      const anew = open(uri, "linkerscript", file.lines.map((line) => line.text).join("\n"));
      const place = `LANGUAGE_SEED=${seed}, round ${round}, step ${step}`;
      expect(file, place).toEqual(anew);
      expect(treeOf(file), place).toEqual(treeOf(anew));
      spans(file);
      // Mistakes are mended now and then, or nothing would stay sound.
      if (chance.next(3) === 0) {
        file = undone[0] ?? file;
      }
    }
  }
});

it.each(["file:///a.ld", "file:///a.lds.S"])("reads only what is changed of %s", (uri) => {
  const file = open(uri, "linkerscript", sound(uri.endsWith(".S")).join("\n"));
  for (const [number, { text }] of file.lines.entries()) {
    if (/^ {4}\w+_start = /.test(text)) {
      // The comment behind it goes over two lines; lines of the preprocessor are looked at each time.
      const most = 4 + treeOf(file).directives.length + 4;
      const changed = changeCounted(file, {
        from: number,
        to: number + 1,
        lines: [text.replace("=", "=  ")],
      });
      expect(changed.parsedCount).toBeLessThanOrEqual(most);
      const longer = changeCounted(file, { from: number, to: number, lines: ["", "    y = 1;"] });
      expect(longer.parsedCount).toBeLessThanOrEqual(most + 2);
      const isOld = new Set(file.lines);
      expect(longer.file.lines.filter((line) => !isOld.has(line)).length).toBeLessThanOrEqual(2);
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
