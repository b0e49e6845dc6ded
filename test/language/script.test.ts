/**
 * Linker scripts line by line: definitions, references, folds and errors of every row's text; what branches, fragments and macros leave.
 *
 * Elsewhere: agreement with ld (`script-oracle.test.ts`), features (`script-feature.test.ts`), rules (`script-rules.test.ts`).
 */
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { treeOf } from "../../extension/language/server/script/index.ts";
import { sectionsOf, type Branch } from "../../extension/language/server/script/tree.ts";
import { expand } from "../../extension/language/server/template.ts";
import { marked } from "./cursor.ts";
import { describeLine } from "./notation.ts";

const script = (text: string, name = "a.ld") => open(`file:///${name}`, "linkerscript", text);

function described(text: string, name?: string): string {
  return script(text, name)
    .lines.map((line) => describeLine(line))
    .filter((line) => line !== "")
    .join(" / ");
}

const rows: readonly (readonly [string, string])[] = [
  ["ENTRY(_start)", "ENTRY(expression), ref _start"],
  ["EXTERN(a b, c)", "EXTERN(expression, expression, expression), ref a, ref b, ref c"],
  ["end = .;", "def label end [.], =end(expression)"],
  ["a = 1M + b;", "def constant a [1M + b], =a(expression), ref b"],
  ["PROVIDE(_end = .);", "def label _end [.], =_end(expression)"],
  [". = ALIGN(4K);", "=.(expression)"],
  ["a += 4;", "=a(expression=4), ref a"],
  [
    "q = SIZEOF(.text) + ORIGIN(ram) + CONSTANT(MAXPAGESIZE);",
    "def constant q [SIZEOF(.text) + ORIGIN(ram) + CONSTANT(MAXPAGESIZE)], =q(expression), ref .text, ref ram",
  ],
  [
    "SECTIONS { .text : AT(ADDR(.text) - base) { *(.text .text.*) KEEP(*(.multiboot)) } >ram AT>rom :text :data :NONE =0x90 }",
    "def section .text, SECTIONS(), .text(), ref .text, ref base, ref .text, ref .multiboot, ref ram, ref rom, ref text, ref data",
  ],
  [
    "SECTIONS\n{\n  .text : {\n    *(.text)\n  }\n}",
    "SECTIONS() / opens { / def section .text, .text(), opens { / ref .text / closes { / closes {",
  ],
  ["MEMORY { ram (rwx) : ORIGIN = base, LENGTH = 1M }", "def segment ram [base], MEMORY(), ref base"],
  ["PHDRS { text PT_LOAD FLAGS(5); }", "def segment text, PHDRS()"],
  ['REGION_ALIAS("code", ram)', "def segment code [ram], REGION_ALIAS(expression, expression), ref ram"],
  ["INCLUDE common.ld", "INCLUDE(), include <common.ld>"],
  [
    '#include "a.h"\n#ifdef X\n#else\n#endif',
    '#include(), include "a.h" / #ifdef(), ref X, opens #if / #else(), closes #if, opens #if / #endif(), closes #if',
  ],
  ["/* a\n b */ a = 1; # c", "def constant a [1], =a(expression=1)"],
  ['"a b" = 1;', "def constant a b [1], =a b(expression=1)"],
  [
    "#define M(x) x##_end = .; KEEP(*(.x)) N(x)\nSECTIONS { M(data) }",
    "def define M (x) [x##_end = .; KEEP(*(.x)) N(x)], #define(), ref N, template constant \\x\\()_end, template call N(\\x) / SECTIONS(), call M(), ref M?, ref data",
  ],
  [
    "SECTIONS { .x : { FOO(a) TEXT } }\n#define TEXT *(.text)",
    "def section .x, SECTIONS(), .x(), call FOO(), call TEXT(), ref FOO?, ref a, ref TEXT? / def define TEXT [*(.text)], #define()",
  ],
  ["a = ;", 'def constant a, =a(), error An operand is missing before ";".'],
  ["a = 1", 'def constant a [1], =a(expression=1), error A ";" is missing behind the assignment.'],
  ["SECTIONS {", 'SECTIONS(), error This "{" is not closed.'],
  [
    "#if X\n#endif\n#endif",
    '#if(), ref X, opens #if / #endif(), closes #if / #endif(), error "#endif" without "#if".',
  ],
  ["a = 09;", 'def constant a, =a(), error "09" is no number.'],
];

it.each(rows)("%s", (text, expected) => {
  expect(described(text)).toBe(expected);
});

it.each([
  ["heads for one body", "SECTIONS {\n#ifdef A\n.text : {\n#else\n.text 0x1000 : {\n#endif\n*(.text)\n}\n}"],
  [
    "a condition in an assertion",
    'ASSERT(SIZEOF(.got) == 0 ||\n#ifdef A\nSIZEOF(.got) == 24,\n#else\nSIZEOF(.got) == 12,\n#endif\n"text")',
  ],
  ["a header behind a macro", "SECTIONS {\nINIT(4096)\n#ifdef A\n:init\n#endif\n.x : { }\n}"],
  ["a line that goes on", "SECTIONS {\n.x : AT(ADDR(.x) - \\\n  BASE) { }\n}\n#define BASE 1"],
  [
    "a macro with a section behind it",
    "#define M\nSECTIONS { M __table : { *(.t) } EXCEPTION(16) table2 : { } }",
  ],
  ["a macro that ends an assignment", "#define END ;\nSECTIONS { . = 4 END x = 5; }"],
  ["// in a file for the C preprocessor", "#define A\n// comment\na = 1; // other"],
])("is read without errors: %s", (_, text) => {
  expect(treeOf(script(text)).errors).toEqual([]);
});

it("reads fragments that another script includes", () => {
  for (const text of [
    ".text : { *(.text) }\n.data : { }",
    "*(.text)\nKEEP(*(.init))\nBYTE(1)",
    "ram (rwx) : ORIGIN = 0, LENGTH = 1M\nrom : ORIGIN = 1M, LENGTH = 1M",
    "a = 1;\nPROVIDE(b = 2);",
    "GROUP ( libc.so.6 AS_NEEDED ( ld.so ) )",
  ]) {
    expect(treeOf(script(text)).errors).toEqual([]);
  }
  expect([...sectionsOf(treeOf(script(".text : { *(.text) }")))]).toHaveLength(1);
});

/** Whether two places are in different branches of one condition. */
function areExclusive(a: Branch | null, b: Branch | null): boolean {
  for (let one = a; one; one = one.outer) {
    for (let other = b; other; other = other.outer) {
      if (one.condition === other.condition) {
        return one.branch !== other.branch;
      }
    }
  }
  return false;
}

it("knows which statements are never there together", () => {
  const tree = treeOf(script("#if A\na = 1;\n#elif B\na = 2;\n#else\n#if C\na = 3;\n#endif\n#endif\na = 4;"));
  const [one, two, three, four] = tree.statements.map(({ branch }) => branch);
  expect(areExclusive(one ?? null, two ?? null)).toBe(true);
  expect(areExclusive(two ?? null, three ?? null)).toBe(true);
  expect(areExclusive(three ?? null, four ?? null)).toBe(false);
  expect(areExclusive(one ?? null, one ?? null)).toBe(false);
});

it("expands what macros of scripts define", () => {
  const file = script(
    "#define BOUNDED(name) start_##name = .; *(.name) PROVIDE(end_##name = .);\n#define ALL BOUNDED(init)",
  );
  const definitions = file.lines.flatMap((line) => line.definitions);
  const templates = file.lines.flatMap((line) => line.templates);
  const found = expand("ALL", [], (name) => {
    const definition = definitions.find((one) => one.name === name);
    return (
      definition && {
        parameters: definition.parameters ?? [],
        templates: templates.filter(({ macro }) => macro === name),
      }
    );
  });
  expect(found.map(({ name }) => name)).toEqual(["start_init", "end_init"]);
});

it.each([
  [
    "a program header, not a label",
    "PHDRS { text PT_LOAD; }\nSECTIONS { .text : { } :te|xt }",
    "kernel.ld:1",
  ],
  [
    "a region, not a label",
    "MEMORY { text : ORIGIN = 0, LENGTH = 1M }\nSECTIONS { .text : { } >te|xt }",
    "kernel.ld:1",
  ],
  ["a label", "PHDRS { data PT_LOAD; }\nSECTIONS { x = te|xt; }", "a.S:2"],
  ["sections of both", "SECTIONS { .text : { *(.te|xt) } }", "kernel.ld:1 a.S:3"],
])("a name means %s", (_, text, expected) => {
  const assembly = "-- a.S\n.globl text\ntext: nop\n.section .text";
  const { world, uri, position } = marked(`-- kernel.ld\n${text}\n${assembly}`);
  const occurrence = world.names.at(uri, position);
  const found = occurrence ? world.names.definitionsOf(occurrence) : [];
  expect(found.map((one) => `${one.uri.slice(one.uri.lastIndexOf("/") + 1)}:${one.line + 1}`).join(" ")).toBe(
    expected,
  );
});
