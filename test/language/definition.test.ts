/**
 * Go to definition and links of includes, as the editor asks: places come as "file:line:column", counted from 1.
 *
 * Elsewhere: what names mean in all their cases (`index.test.ts`).
 */
import { expect, it } from "vitest";
import type { Location } from "vscode-languageserver-types";
import { definition } from "../../extension/language/server/features/definition.ts";
import { documentLinks } from "../../extension/language/server/features/links.ts";
import type { Built } from "../../extension/language/server/built.ts";
import { marked, uriOf } from "./cursor.ts";

const place = ({ uri, range }: Location): string =>
  `${uri.slice(uri.lastIndexOf("/") + 1)}:${range.start.line + 1}:${range.start.character + 1}`;

function definitionsIn(text: string, built: readonly Built[] = []): string {
  const { world, uri, position } = marked(text);
  world.built = built;
  return definition(world, uri, position).map(place).join(" ");
}

const rows: readonly (readonly [string, string, string])[] = [
  ["a label", "start:\n jmp sta|rt", "file.S:1:1"],
  ["a linker script's symbol", "\n-- a.S\nmov $_end|, %rdi\n-- k.ld\nSECTIONS {\n  _end = .;\n}", "k.ld:2:3"],
  ["a symbol of assembly in a script", "\n-- k.ld\nENTRY(sta|rt)\n-- a.S\n.globl start\nstart:", "a.S:2:1"],
  ["not a symbol that is not shared", "\n-- k.ld\nENTRY(sta|rt)\n-- a.S\nstart:", ""],
  [
    "sections of assembly in a script",
    '\n-- k.ld\nSECTIONS { .text : { *(.multi|boot) } }\n-- a.S\n.section .multiboot, "a"',
    "a.S:1:10",
  ],
  [
    "a region of memory",
    "\n-- k.ld\nMEMORY { ram : ORIGIN = 0, LENGTH = 1M }\nSECTIONS { .text : { } >r|am }",
    "k.ld:1:10",
  ],
  [
    "a program header, not the label of that name",
    "\n-- k.ld\nPHDRS { code PT_LOAD; }\nSECTIONS { .text : { } :co|de }\n-- a.S\n.globl code\ncode:",
    "k.ld:1:9",
  ],
  ["an include", '\n-- a.S\n#include "sub/b|.h"\n-- sub/b.h\n', "b.h:1:1"],
  ["an instruction", "m|ov %eax, %ebx", ""],
  ["a register", "mov %ea|x, %ebx", ""],
  ["nothing", "mov $1, %ebx\n|", ""],
];

it.each(rows)("of %s", (_, text, expected) => {
  expect(definitionsIn(text)).toBe(expected);
});

it("of a symbol of C is where the built program's line table has it", () => {
  const source = { uri: uriOf("kernel.c"), line: 11 };
  const symbol = { name: "kmain", address: "0x100000", size: 64, kind: "function", source } as const;
  const built: Built = {
    path: "/work/kernel.elf",
    modified: 0,
    sections: [],
    symbols: new Map([["kmain", symbol]]),
    lines: new Map(),
  };
  expect(definitionsIn("call kma|in", [built])).toBe("kernel.c:12:1");
  expect(definitionsIn("kmain: call kma|in", [built])).toBe("file.S:1:1");
});

it("links includes whose file is known", () => {
  const { world, uri } = marked(
    '\n-- a.S\n#include "b.h"\n#include <asm/c.h>\n#include "none.h"\n-- b.h\n-- include/asm/c.h\n',
  );
  expect(
    documentLinks(world, uri).map(({ range, target }) => [range.start.line, range.start.character, target]),
  ).toEqual([
    [0, 10, uriOf("b.h")],
    [1, 10, uriOf("include/asm/c.h")],
  ]);
});
