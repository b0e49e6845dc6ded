/**
 * Renames: a workspace with a cursor, the new name, and the workspace as it is afterwards, or the sentence that refuses.
 *
 * Every rename that is done is also asked what its names mean afterwards: the same places as before.
 */
import { expect, it } from "vitest";
import type { Built } from "../../extension/language/server/built.ts";
import { prepareRename, rename } from "../../extension/language/server/features/rename.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { marked, uriOf, type Marked } from "./cursor.ts";

/** The files after the edits as one text, without the cursor; a sentence as it is. */
function renamed(given: Marked, newName: string): string {
  const { world, uri, position } = given;
  const answer = rename(world, uri, position, newName);
  if (answer === null || typeof answer === "string") {
    return answer ?? "nothing";
  }
  const after = new Workspace();
  for (const file of world.files()) {
    const lines = file.lines.map(({ text }) => text);
    const edits = (answer.changes?.[file.uri] ?? []).toSorted(
      (a, b) => b.range.start.line - a.range.start.line || b.range.start.character - a.range.start.character,
    );
    for (const { range, newText } of edits) {
      const text = lines[range.start.line] ?? "";
      lines[range.start.line] =
        text.slice(0, range.start.character) + newText + text.slice(range.end.character);
    }
    after.open(file.uri, file.language, lines.join("\n"));
  }
  expect(meanings(after), "meanings stay").toEqual(meanings(world));
  return textOf(after);
}

function textOf(world: Workspace): string {
  const files = [...world.files()].map(({ uri, lines }) => ({
    name: uri.slice(uriOf("").length),
    text: lines.map(({ text }) => text).join("\n"),
  }));
  return files.length === 1
    ? (files[0]?.text ?? "")
    : files.map(({ name, text }) => `\n-- ${name}\n${text}`).join("");
}

/** Of every reference in order the lines it leads to: names and columns change, this does not. */
function meanings(world: Workspace): readonly string[] {
  return [...world.files()].flatMap(({ uri, lines }) =>
    lines.flatMap(({ references }, line) =>
      references.map((reference) =>
        world.names
          .definitionsOf({ kind: "reference", uri, line, token: reference.token, reference })
          .map((found) => `${found.uri}:${found.line}`)
          .join(" "),
      ),
    ),
  );
}

const rows: readonly (readonly [string, string, string, string])[] = [
  [
    "a label with its .globl line, other files and a script",
    "\n-- a.S\n.globl start\nsta|rt: jmp start\n.size start, . - start\n-- b.S\ncall start\n-- c.S\nstart: jmp start\n-- k.ld\nENTRY(start)",
    "boot",
    "\n-- a.S\n.globl boot\nboot: jmp boot\n.size boot, . - boot\n-- b.S\ncall boot\n-- c.S\nstart: jmp start\n-- k.ld\nENTRY(boot)",
  ],
  [
    "a script's symbol",
    "\n-- k.ld\nSECTIONS { _en|d = .; }\n-- a.S\nmov $_end, %eax\n-- b.asm\nextern _end\nmov eax, _end",
    "_kernel_end",
    "\n-- k.ld\nSECTIONS { _kernel_end = .; }\n-- a.S\nmov $_kernel_end, %eax\n-- b.asm\nextern _kernel_end\nmov eax, _kernel_end",
  ],
  ["a numeric label", "1: jmp 1b\n1: jmp 1|b\n jmp 1f\n1:", "7", "1: jmp 1b\n7: jmp 7b\n jmp 1f\n1:"],
  [
    "a parameter, in strings and calls too",
    '.macro m from, to=\\from\n.ascii "\\from"\nmov \\fr|om, \\to # \\from\n.endm\nm from=1\nm 1, from',
    "source",
    '.macro m source, to=\\source\n.ascii "\\source"\nmov \\source, \\to # \\from\n.endm\nm source=1\nm 1, from',
  ],
  [
    "a parameter by its name in a call",
    ".macro m from\nmov \\from, %eax\n.endm\nm fr|om=1",
    "source",
    ".macro m source\nmov \\source, %eax\n.endm\nm source=1",
  ],
  ["a macro", ".macro m| a\n.endm\nm 1\nm: jmp m", "save", ".macro save a\n.endm\nsave 1\nm: jmp m"],
  ["a #define", "#define A| 1\n#if A\nmov $A, %eax\n#endif", "B", "#define B 1\n#if B\nmov $B, %eax\n#endif"],
  [
    "NASM's local label, also by its whole name",
    "\n-- a.asm\na:\n.x|: jmp .x\nb:\n.x: jmp a.x",
    ".loop",
    "a:\n.loop: jmp .loop\nb:\n.x: jmp a.loop",
  ],
  [
    "a label that local ones belong to",
    "\n-- a.asm\na|:\n.x: jmp a\nb: jmp a.x",
    "start",
    "start:\n.x: jmp start\nb: jmp start.x",
  ],
  [
    "a structure with its size and fields",
    "\n-- a.asm\nstruc poi|nt\n.x: resd 1\nendstruc\nmov eax, [ebx+point.x]\nmov ecx, point_size",
    "pixel",
    "struc pixel\n.x: resd 1\nendstruc\nmov eax, [ebx+pixel.x]\nmov ecx, pixel_size",
  ],
  [
    "a label by a macro",
    "#define FUNC(n) .globl n; n:\nFUNC(main)\njmp mai|n",
    "entry",
    "#define FUNC(n) .globl n; n:\nFUNC(entry)\njmp entry",
  ],
  [
    "a label of one call",
    ".macro m\njz .Lend|\\@\n.Lend\\@: nop\n.endm",
    ".Lout\\@",
    ".macro m\njz .Lout\\@\n.Lout\\@: nop\n.endm",
  ],
  [
    "an instruction",
    "mo|v %eax, %ebx",
    "a",
    "mov is an instruction: only names that a program defines can be renamed.",
  ],
  [
    "a register",
    "mov %ea|x, %ebx",
    "a",
    "eax is a register: only names that a program defines can be renamed.",
  ],
  [
    "a directive",
    ".glo|bl a",
    "a",
    ".globl is a directive: only names that a program defines can be renamed.",
  ],
  [
    "a name that nobody defines",
    "call kma|in",
    "a",
    "kmain is defined neither in assembly nor in a linker script of this workspace: it may come from C.",
  ],
  [
    "a section",
    ".section .multi|boot",
    ".mb",
    ".multiboot is a section: linker scripts choose sections by patterns, which a rename cannot follow.",
  ],
  [
    "a name that a macro puts together",
    ".macro f n\n\\n\\()_end: nop\n.endm\nf boot\njmp boot|_end",
    "a",
    "boot_end is put together by the macro f (file.S:4): rename what the macro is given, or change the macro.",
  ],
  [
    "what a macro makes more of",
    ".macro f n\n\\n: nop\n\\n\\()_end: nop\n.endm\nf boot\njmp boot_end\njmp bo|ot",
    "a",
    "The macro f makes boot_end of it, which file.S:6 uses.",
  ],
  [
    "what a string has that is given to a macro",
    '.Lslow|: nop\nALTERNATIVE "jmp .Lslow", \\\n "", X',
    ".Lfast",
    ".Lslow also stands in a string that a macro is given: file.S:2.",
  ],
  ["what a plain string has", '.Lslow|: nop\n.ascii "jmp .Lslow"', ".La", '.La: nop\n.ascii "jmp .Lslow"'],
  [
    "a number in such a string",
    'ALTERNATIVE "", \\\n "jmp 1f", X\n1|: nop',
    "2",
    "1 also stands in a string that a macro is given: file.S:2.",
  ],
  [
    "a parameter where it needs no backslash",
    ".altmacro\n.macro m a|\nmov $\\a, %eax\n.endm",
    "b",
    "After .altmacro parameters are also written without a backslash, where they cannot be told from other words.",
  ],
  ["to a name that is there", "a|: nop\nb: jmp a", "b", "b is there already: file.S:2."],
  ["to a name that is used", "a|: jmp kmain", "kmain", "kmain is there already: file.S:1."],
  [
    "to a name that another file shares",
    "\n-- a.S\n.globl a\na|:\n-- b.S\n.globl b\nb:",
    "b",
    "b is there already: b.S:2.",
  ],
  ["to a name of another file alone", "\n-- a.S\na|:\n-- b.S\nb:", "b", "\n-- a.S\nb:\n-- b.S\nb:"],
  [
    "where it also means another",
    '\n-- a.S\nx|: nop\n#include "i.inc"\n-- b.S\nx: nop\n#include "i.inc"\n-- i.inc\njmp x',
    "y",
    "In i.inc:1 the name also means b.S:1: only one of them would be renamed.",
  ],
  [
    "to no name",
    "a|: nop",
    "1a",
    '"1a" is not a name: names have letters, digits and "_", and begin with no digit.',
  ],
  ["a number to a name", "1|: nop", "a", "A local label of this kind is a number."],
  [
    "a number to one that catches another's jump",
    "2: nop\n1|: nop\n jmp 2b\n jmp 1b",
    "2",
    "With the number 2 a jump nearby would go elsewhere: choose one that is not used around it.",
  ],
  ["to a register, in NASM", "\n-- a.asm\na|: nop", "eax", "eax is a register."],
  ["to an instruction, in NASM", "\n-- a.asm\na|: nop", "mov", "mov is an instruction."],
  ["a local label to none", "\n-- a.asm\na:\n.x|: nop", "x", "A local label begins with a dot: .x"],
  [
    "a shared label to a local name",
    ".globl a\na|: nop",
    ".La",
    "Names that begin with .L stay inside their object file, and a is shared.",
  ],
];

it.each(rows)("%s", (_, text, newName, expected) => {
  expect(renamed(marked(text), newName)).toBe(expected);
});

const symbol = (name: string, source?: string) => ({
  name,
  address: "0x100000",
  size: 1,
  kind: "function" as const,
  ...(source === undefined ? {} : { source: { uri: uriOf(source), line: 2 } }),
});

const built: Built = {
  path: "/work/kernel.elf",
  modified: 0,
  sections: [],
  symbols: new Map([
    ["kmain", symbol("kmain", "kernel.c")],
    ["outb", symbol("outb")],
    ["start", symbol("start")],
  ]),
  lines: new Map(),
};

const builtRows: readonly (readonly [string, string, string])[] = [
  ["a symbol of C", "call kma|in", "kmain is defined in kernel.c:3, which is not assembly: rename it there."],
  [
    "a label that C may use",
    ".globl outb\nou|tb: ret",
    "outb is shared with other files, and no assembly or linker script uses it: C may (the program has kernel.c:3). Rename it by hand there and here.",
  ],
  [
    "a label that a script uses",
    "\n-- a.S\n.globl start\nsta|rt:\n-- k.ld\nENTRY(start)",
    "\n-- a.S\n.globl x\nx:\n-- k.ld\nENTRY(x)",
  ],
  ["a label that is not shared", "ou|tb: ret", "x: ret"],
];

it.each(builtRows)("with a built program: %s", (_, text, expected) => {
  const given = marked(text);
  given.world.built = [built];
  expect(renamed(given, "x")).toBe(expected);
});

const prepareRows: readonly (readonly [string, string, string | null])[] = [
  ["a label", "jmp sta|rt\nstart:", "start"],
  ["a numeric label without its direction", "1: jmp 1|b", "1"],
  ["a parameter without its backslash", ".macro m a\nmov \\a|, %eax\n.endm", "a"],
  ["a local label without its scope", "\n-- a.asm\na:\n.x: nop\nb: jmp a.x|", ".x"],
  ["nothing", "nop\n|", null],
];

it.each(prepareRows)("prepares %s", (_, text, expected) => {
  const { world, uri, position } = marked(text);
  const answer = prepareRename(world, uri, position);
  if (answer === null || typeof answer === "string") {
    expect(answer).toBe(expected);
  } else {
    const { start, end } = answer.range;
    const line = world.file(uri)?.lines[start.line]?.text ?? "";
    expect([answer.placeholder, line.slice(start.character, end.character)]).toEqual([expected, expected]);
  }
});
