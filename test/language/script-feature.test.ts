/**
 * Hover, completion and signature help in linker scripts, at the server's boundary: `|` is the cursor.
 *
 * Elsewhere: names and lines (`script.test.ts`), rules (`script-rules.test.ts`).
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Built } from "../../extension/language/server/built.ts";
import {
  scriptCompletion,
  scriptHover,
  scriptSignature,
} from "../../extension/language/server/script/index.ts";
import { entries, linkOf } from "../../extension/language/server/script/manual/index.ts";
import { marked, type Marked } from "./cursor.ts";

const built: Built = {
  path: "/work/kernel.elf",
  modified: 0,
  sections: [
    {
      name: ".text",
      address: "0xffffffff80100000",
      loadAddress: "0x100000",
      size: 0x4f3a,
      flags: "AX",
      segment: { index: 0, rights: "R E" },
    },
    {
      name: ".rodata",
      address: "0xffffffff80105000",
      loadAddress: "0x105000",
      size: 16,
      flags: "A",
      segment: { index: 0, rights: "R E" },
    },
  ],
  symbols: new Map([
    ["_end", { name: "_end", address: "0xffffffff8010a000", size: 0, kind: "other" }],
    [
      "kmain",
      {
        name: "kmain",
        address: "0xffffffff80100040",
        size: 77,
        kind: "function",
        source: { uri: "file:///work/main.c", line: 11 },
      },
    ],
  ]),
  lines: new Map(),
};

function at(text: string): Marked {
  const cases = marked(text, "kernel.ld");
  cases.world.built = [built];
  return cases;
}

function hover(text: string): string {
  const { world, uri, position } = at(text);
  const contents = scriptHover(world, uri, position)?.contents;
  return typeof contents === "object" && "value" in contents ? contents.value : "";
}

const hovers: readonly (readonly [string, ...string[]])[] = [
  [
    "EN|TRY(_start)",
    "ENTRY(symbol)",
    "e_entry",
    "[Entry Point](https://sourceware.org/binutils/docs/ld/Entry-Point.html)",
  ],
  [
    "SECTIONS { . = AL|IGN(4K); }",
    "ALIGN(alignment) | ALIGN(expression, alignment)",
    "power of two",
    "Builtin Functions",
  ],
  ["SECTIONS { |. = 1M; }", "location counter"],
  ["SECTIONS { . = 1|M; }", "`0x100000` = 1,048,576 = 1 MiB"],
  [
    "SECTIONS { .te|xt : { *(.text) } }",
    "`.text`, an output section",
    "In `kernel.elf`",
    "`0xffffffff80100000` … `0xffffffff80104f3a`",
    "loaded at `0x100000`",
    "0x4f3a bytes (20,282)",
    "flags `AX` (allocated, executable)",
    "segment 0, `R E`",
  ],
  ["SECTIONS { .no|ne : { } }", "`kernel.elf` has no such section"],
  ["SECTIONS { x = ADDR(.te|xt); .text : { } }", "an output section", "0xffffffff80100000"],
  ["SECTIONS { _e|nd = ALIGN(4K); }", "_end = ALIGN(4K);", "In `kernel.elf`: `0xffffffff8010a000`."],
  [
    "SECTIONS { x = _en|d; PROVIDE(_end = .); }",
    "PROVIDE(_end = .);",
    "no object defines it",
    "0xffffffff8010a000",
  ],
  ["base = 1M;\nSECTIONS { . = ba|se * 2; }", "base = 1M;"],
  ["base = 1M * 2;\nSECTIONS { . = ba|se; }", "base = 1M * 2;", "Value: `0x200000` (2 MiB)."],
  ["ENTRY(km|ain)", "`kmain`, a function", "`0xffffffff80100040`, 77 bytes", "Defined in `main.c`, line 12"],
  ["-- kernel.ld\nENTRY(_st|art)\n-- boot.S\n.globl _start\n_start:\n nop", "Defined in `boot.S`, line 2"],
  [
    "-- kernel.ld\nSECTIONS { .text : { KEEP(*(.multi|boot)) } }\n-- boot.S\n.section .multiboot\n.long 0",
    "`.multiboot`, an input section, placed in `.text`",
    "In `boot.S` (line 1)",
  ],
  [
    "MEMORY { ra|m (rwx) : ORIGIN = 1M, LENGTH = 2M }\nSECTIONS { .text : { } >ram }",
    "`ram`, a memory region (`rwx`)",
    "`0x100000` … `0x300000`, 2 MiB",
    "Sections: `.text`",
  ],
  ["MEMORY { ram : ORI|GIN = 1M, LENGTH = 2M }", "The address at which the region begins."],
  ["MEMORY { ram : ORIGIN = 1M, LENGTH = 2M }\nx = ORIGIN(ra|m);", "a memory region"],
  [
    "PHDRS { text PT_LOAD FLAGS(5); }\nSECTIONS { .text : { } :te|xt }",
    "`text`, a program header: read, execute",
    "Chosen by `.text`",
    "segment 0, `R E`, with `.text`, `.rodata`",
  ],
  ["PHDRS { text PT_L|OAD FLAGS(5); }", "copies into memory"],
  ["SECTIONS { .bss (NOLO|AD) : { } }", "not loaded"],
  ["SECTIONS { /DIS|CARD/ : { *(.comment) } }", "thrown away"],
  ["SECTIONS { .bss : { *(COM|MON) } }", "Common symbols"],
];

it.each(hovers)("hover: %s", (text, ...parts) => {
  const value = hover(text);
  for (const part of parts) {
    expect(value).toContain(part);
  }
});

it.each(["/* EN|TRY */", 'ASSERT(1, "AL|IGN")', "unkn|own", "a = 1 |;", "|"])("no hover: %s", (text) => {
  expect(hover(text)).toBe("");
});

function labels(text: string): readonly string[] {
  const { world, uri, position } = at(text);
  return scriptCompletion(world, uri, position).items.map(({ label }) => label);
}

/** What is offered, and after "!" what is not. */
const completions: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["|", ["ENTRY", "SECTIONS", "MEMORY", "PROVIDE"], ["KEEP", "ADDR", "NOLOAD"]],
  ["ENTRY(_start)\nSEC|", ["SECTIONS"], ["ENTRY"]],
  ["SECTIONS { | }", ["/DISCARD/", "PROVIDE", ".text", ".bss", "."], ["KEEP", "BYTE", "MEMORY"]],
  ["SECTIONS { .text : { } | }", [".rodata", "/DISCARD/"], [".text", "KEEP", "ADDR"]],
  ["SECTIONS { .text : { | } }", ["KEEP", "BYTE", "PROVIDE"], ["SECTIONS", "ADDR", "/DISCARD/"]],
  ["SECTIONS { .text : { *(.text) | } }", ["KEEP", "FILL"], ["ADDR"]],
  ["SECTIONS { .text : { *(|) } }\n", [".text", "COMMON", "SORT"], ["KEEP", "ADDR"]],
  [
    "-- kernel.ld\nSECTIONS { .text : { KEEP(*(.mul|)) } }\n-- boot.S\n.section .multiboot\n.long 0",
    [".multiboot"],
    [],
  ],
  ["start = 1;\nSECTIONS { . = | }", ["ALIGN", "ADDR", "SIZEOF", "start"], ["KEEP", "ENTRY", "SECTIONS"]],
  ["SECTIONS { .text : { } .data : { } x = ADDR(|) }", [".text", ".data"], ["ALIGN"]],
  ["MEMORY { ram : ORIGIN = 0, LENGTH = 1 }\nSECTIONS { .text : { } >| }", ["ram"], ["ALIGN", ".text"]],
  ["MEMORY { ram : ORIGIN = 0, LENGTH = 1 }\nSECTIONS { .text : { } AT>| }", ["ram"], []],
  ["MEMORY { ram : | }", ["ORIGIN"], ["ENTRY"]],
  ["MEMORY { ram : ORIGIN = 0, | }", ["LENGTH"], ["ADDR"]],
  ["PHDRS { text PT_LOAD; }\nSECTIONS { .text : { } :| }", ["text", "NONE"], ["ALIGN"]],
  ["PHDRS { text | }", ["PT_LOAD", "PT_NOTE"], ["FLAGS"]],
  ["PHDRS { text PT_LOAD | }", ["FLAGS", "FILEHDR", "PHDRS", "AT"], ["ENTRY"]],
  ["SECTIONS { .text : | { } }", ["AT", "ALIGN", "SUBALIGN", "ONLY_IF_RO"], ["KEEP", "NOLOAD"]],
  ["SECTIONS { .bss (|) : { } }", ["NOLOAD", "TYPE"], ["ALIGN"]],
  ["ENTRY(km|)", ["kmain"], ["ALIGN"]],
  ["-- kernel.ld\nENTRY(|)\n-- boot.S\n.globl _start\n_start: nop", ["_start"], []],
  ["OUTPUT_FORMAT(|)", ["elf64-x86-64", "elf32-i386"], ["ALIGN"]],
  ["q = CONSTANT(|);", ["MAXPAGESIZE"], ["ALIGN"]],
  ["SECTIONS { .text : { } = | }", ["ALIGN"], ["KEEP"]],
  ["SECTIONS { .text : { a = .; } .data : AT(|) { } }", ["ADDR", "LOADADDR"], ["KEEP"]],
  ["INCLUDE |", [], ["ENTRY", "SECTIONS"]],
  ["VERSION { V1 { global: | } }", [], ["ENTRY", "KEEP"]],
  ["/* | */", [], ["ENTRY"]],
  ['ASSERT(1, "|")', [], ["ENTRY", "ALIGN"]],
];

it.each(completions)("completion: %s", (text, offered, not) => {
  const found = labels(text);
  expect(found).toEqual(expect.arrayContaining([...offered]));
  expect(found.filter((label) => not.includes(label))).toEqual([]);
});

it("replaces the word before the cursor, its dot too", () => {
  const { world, uri, position } = at("SECTIONS { .text : { *(.te|) } }");
  const item = scriptCompletion(world, uri, position).items.find(({ label }) => label === ".text");
  expect(item?.textEdit).toEqual({
    range: { start: { line: 0, character: 23 }, end: { line: 0, character: 26 } },
    newText: ".text",
  });
});

it.each([
  ["q = ALIGN(|);", "ALIGN(alignment)", "alignment"],
  ["q = ALIGN(., |);", "ALIGN(expression, alignment)", "alignment"],
  ["q = MAX(1, |);", "MAX(first, second)", "second"],
  ["q = SEGMENT_START(|);", 'SEGMENT_START("segment", default)', '"segment"'],
  ["ASSERT(|", 'ASSERT(condition, "text")', "condition"],
  ["SECTIONS { .text : { BYTE(|) } }", "BYTE(expression)", "expression"],
  ["q = MAX(ALIGN(4), |);", "MAX(first, second)", "second"],
])("signature: %s", (text, label, parameter) => {
  const { world, uri, position } = at(text);
  const help = scriptSignature(world, uri, position);
  const active = help?.signatures[help.activeSignature ?? 0];
  expect(active?.label).toBe(label);
  const place = active?.parameters?.[help?.activeParameter ?? 0]?.label;
  expect(typeof place === "object" ? active?.label.slice(...place) : place).toBe(parameter);
});

it.each(["|", "q = 1 |;", "SECTIONS { | }", "q = ALIGN(4)|;"])("no signature: %s", (text) => {
  const { world, uri, position } = at(text);
  expect(scriptSignature(world, uri, position)).toBeNull();
});

it("has one entry for each word, with a sentence and a page", () => {
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  for (const entry of entries) {
    expect(entry.text).toMatch(/[.]$|\.`?$|;`\.$/);
    expect(linkOf(entry)).toMatch(/^https:\/\/sourceware\.org\/binutils\/docs\/ld\/[A-Za-z0-9_-]+\.html$/);
  }
});

it("has an entry for every word that has a colour, and a colour for every word that is offered", () => {
  const grammar = readFileSync(
    new URL("../../media/languages/linkerscript.tmLanguage.json", import.meta.url),
    "utf8",
  );
  const coloured = new Set(
    [...grammar.matchAll(/"match": "\(\?<!\[\\\\w\.\$\]\)\(\?:([A-Z_|0-9]+)\)/g)].flatMap(
      ([, words]) => words?.split("|") ?? [],
    ),
  );
  expect(coloured.size).toBeGreaterThan(60);
  const known = new Set(entries.map(({ name }) => name));
  // Parts of INSERT; a type of sections that old scripts have; a word of newer versions of ld.
  const without = new Set(["AFTER", "BEFORE", "SPECIAL", "ASCIZ"]);
  expect([...coloured].filter((word) => !known.has(word) && !without.has(word))).toEqual([]);
  const offered = entries.filter(
    ({ places, name }) => places.length > 0 && /^[A-Z]/.test(name) && name !== "COMMON",
  );
  expect(offered.filter(({ name }) => !coloured.has(name)).map(({ name }) => name)).toEqual([]);
});
