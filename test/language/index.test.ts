/**
 * What names mean: every case is a workspace with a cursor and the places it leads to, by file and line ("b.S:3", counted from 1).
 *
 * Elsewhere: what the editor is told (`definition.test.ts`, `references.test.ts` …), a whole kernel's sources (`linux-source.test.ts`).
 */
import { expect, it } from "vitest";
import { change, open } from "../../extension/language/server/document.ts";
import { CallTable } from "../../extension/language/server/index/call.ts";
import { IncludeGraph } from "../../extension/language/server/index/include.ts";
import { emptyPart, updatePart, type Part } from "../../extension/language/server/index/part.ts";
import type { SyntaxFile } from "../../extension/language/server/syntax.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import type { Located } from "../../extension/language/server/world.ts";
import { marked, uriOf } from "./cursor.ts";
import { randomFrom } from "./random.ts";

const place = ({ uri, line }: Located): string => `${uri.slice(uri.lastIndexOf("/") + 1)}:${line + 1}`;

function definitions(text: string): string {
  const { world, uri, position } = marked(text);
  const occurrence = world.names.at(uri, position);
  return occurrence ? world.names.definitionsOf(occurrence).map(place).join(" ") : "no name";
}

function occurrences(text: string): string {
  const { world, uri, position } = marked(text);
  const occurrence = world.names.at(uri, position);
  return occurrence
    ? world.names
        .occurrencesOf(occurrence)
        .map(
          (each) =>
            `${place(each)}${each.kind === "reference" ? "" : each.kind === "definition" ? "=" : "!"}`,
        )
        .join(" ")
    : "no name";
}

const definitionRows: readonly (readonly [string, string, string])[] = [
  ["a label", "start: nop\njmp st|art", "file.S:1"],
  ["behind it", "jmp start|\nstart: nop", "file.S:2"],
  ["itself", "sta|rt: nop", "file.S:1"],
  ["numeric, backward", "1: nop\n1: nop\njmp 1|b\n1:", "file.S:2"],
  ["numeric, forward", "1: nop\njmp 1|f\n1: nop\n1:", "file.S:3"],
  ["numeric, on the line itself", "1: jmp 1|b", "file.S:1"],
  ["numeric, forward over the line itself", "1: jmp 1|f\n1:", "file.S:2"],
  [
    "numeric, in the other branch of a condition",
    "#if A\njmp 1|f\n#else\n1: nop\n#endif\n1: nop",
    "file.S:6",
  ],
  ["numeric, backward past another branch", "1: nop\n#if A\n1: nop\n#else\njmp 1|b\n#endif", "file.S:1"],
  [
    "numeric, in either branch behind",
    "jmp 1|f\n#if A\n1: nop\n#else\n1: nop\n#endif\n1: nop",
    "file.S:3 file.S:5 file.S:7",
  ],
  ["numeric, not in a macro's body", "jmp 1|f\n.macro m\n1: nop\n.endm\n1: nop", "file.S:5"],
  ["numeric, in the body", "1:\n.macro m\n1: jmp 1|b\n.endm", "file.S:3"],
  ["numeric, not out of the body", ".macro m\njmp 1|f\n.endm\n1:", ""],
  ["a parameter", ".macro m x, y\nmov \\y|, %eax\n.endm", "file.S:1"],
  ["the inner parameter", ".macro m x\n.irp x, 1, 2\nmov $\\x|, %eax\n.endr\n.endm", "file.S:2"],
  [
    "the outer parameter behind it",
    ".macro m x\n.irp x, 1, 2\nnop\n.endr\nmov $\\x|, %eax\n.endm",
    "file.S:1",
  ],
  [
    "a parameter by its name in a call",
    '\n-- a.S\n#include "b.h"\nm fr|om=1\n-- b.h\n.macro n from\n.endm\n.macro m to, from\n.endm',
    "b.h:3",
  ],
  ["no label of that name", "from: nop\n.macro m from\n.endm\nm fr|om=1", "file.S:2"],
  ["a macro", ".macro m x\n.endm\n|m 1", "file.S:1"],
  ["a macro, not the label of that name", "m: nop\n.macro m x\n.endm\n|m 1", "file.S:2"],
  ["a label, not the macro of that name", ".macro m x\n.endm\nm: jmp |m", "file.S:3"],
  ["the last value before", ".set x, 1\n.set x, 2\nmov $x|, %eax\n.set x, 3", "file.S:2 file.S:1 file.S:4"],
  ["a #define", "#define A 1\nmov $A|, %eax", "file.S:1"],
  [".Lskip\\@", ".macro m\njmp .Lsk|ip\\@\n.Lskip\\@:\n.endm", "file.S:3"],
  ["another file that shares", "\n-- a.S\ncall fo|o\n-- b.S\n.globl foo\nfoo: ret", "b.S:2"],
  ["another file that does not share", "\n-- a.S\ncall fo|o\n-- b.S\nfoo: ret", ""],
  ["its own rather than another's", "\n-- a.S\nfoo: call fo|o\n-- b.S\n.globl foo\nfoo: ret", "a.S:1"],
  [
    "shared, where the other is not",
    "\n-- a.S\ncall fo|o\n-- b.S\nfoo:\n-- c.S\n.weak foo\nfoo: ret",
    "c.S:2",
  ],
  ["an included macro", '\n-- a.S\n#include "b.h"\nsa|ve\n-- b.h\n.macro save\n.endm', "b.h:1"],
  [
    "through two includes",
    '\n-- a.S\n#include "b.h"\nmov $A|, %al\n-- b.h\n#include <c.h>\n-- c.h\n#define A 1',
    "c.h:1",
  ],
  ["what includes it", '\n-- a.inc\nmov eax, [co|unt]\n-- b.asm\ncount: dd 0\n%include "a.inc"', "b.asm:1"],
  [
    "an include of what includes it",
    '\n-- a.asm\n%include "b.inc"\n%include "c.inc"\n-- b.inc\nA equ 1\n-- c.inc\nmov al, A|',
    "b.inc:1",
  ],
  [
    "the nearest of two headers",
    "\n-- x/a.S\n#include <s.h>\nmov $A|, %al\n-- y/include/s.h\n#define A 1\n-- x/include/s.h\n#define A 2\n#define B",
    "s.h:1",
  ],
  [
    "a header in C",
    '\n-- a.S\n#include "b.h"\nmov $out|, %eax\n-- b.h\nstatic inline int f(void) {\nout:\nreturn 1; }',
    "",
  ],
  [
    "a header in assembly",
    '\n-- a.S\n#include "b.h"\nmov $out|, %eax\n-- b.h\nint $0x80\n.long 4\nout:',
    "b.h:3",
  ],
  ["NASM's local labels", "a: nop\n.x: nop\nb:\n.x: jmp .x|", "file.S:4"],
  ["extern", "\n-- a.asm\nextern main\ncall ma|in\n-- b.asm\nglobal main\nmain: ret", "b.asm:2"],
  ["on extern", "\n-- a.asm\nextern ma|in\ncall main\n-- b.asm\nglobal main\nmain: ret", "b.asm:2"],
  ["%%x", "\n-- a.asm\n%macro m 0\n%%x: jmp %%x|\n%endmacro\n%macro n 0\n%%x:\n%endmacro", "a.asm:2"],
  ["a label alone", "\n-- a.asm\nhere\njmp her|e", "a.asm:1"],
  ["a label by a macro", "#define FUNC(n) .globl n; n:\nFUNC(main) nop\njmp mai|n", "file.S:2"],
  [
    "a label by a macro of another file's header",
    '\n-- a.S\n#include "f.h"\nFUNC(main)\n-- b.S\ncall ma|in\n-- f.h\n#define FUNC(n) .globl n; n:',
    "a.S:2",
  ],
  [
    "a label by a macro that does not share",
    '\n-- a.S\n#include "f.h"\nFUNC(main)\n-- b.S\ncall ma|in\n-- f.h\n#define FUNC(n) n:',
    "",
  ],
  ["a name that a macro makes", ".macro f n\n\\n\\()_end: nop\n.endm\nf boot\njmp boot|_end", "file.S:4"],
];

it.each(definitionRows)("%s", (name, text, expected) => {
  expect(definitions(name.startsWith("NASM") ? `-- file.asm\n${text}`.trim() : text)).toBe(
    expected.replaceAll("file.S", name.startsWith("NASM") ? "file.asm" : "file.S"),
  );
});

const occurrenceRows: readonly (readonly [string, string, string])[] = [
  ["a shared label", "\n-- a.S\n.globl f\nf|: ret\n-- b.S\ncall f\n-- c.S\nf: call f", "a.S:1! a.S:2= b.S:1"],
  [
    "a label, not a parameter of its name",
    "f|: jmp f\n.macro m f\n.endm\nm f=f",
    "file.S:1= file.S:1 file.S:4",
  ],
  ["a label of one file", "\n-- a.S\nf|: call f\n-- b.S\ncall f", "a.S:1= a.S:1"],
  ["numeric", "1: jmp 1b\njmp 1b\n1|: jmp 1b\njmp 1f\n1:", "file.S:3= file.S:3"],
  ["numeric, by its use", "1: jmp 1b\njmp 1|b\n1: jmp 1b", "file.S:1= file.S:1 file.S:2"],
  [
    "a parameter",
    ".macro m x\nmov \\x, %eax\n.endm\n.macro n x|\nmov \\x, \\x\n.endm",
    "file.S:4= file.S:5 file.S:5",
  ],
  [
    "a label by a macro",
    "#define FUNC(n) .globl n; n:\nFUNC(main)\njmp mai|n\n.size main, 4",
    "file.S:2= file.S:3 file.S:4",
  ],
  [
    "an included #define",
    '\n-- a.S\n#include "h.h"\nmov $A, %al\n-- b.S\n#include "h.h"\n.byte A\n-- c.S\n.byte A\n-- h.h\n#define A| 1',
    "a.S:2 b.S:2 h.h:1=",
  ],
  [
    "a name that nobody defines",
    "\n-- a.S\ncall kma|in\n-- b.S\n.globl kmain\ncall kmain",
    "a.S:1 b.S:1! b.S:2",
  ],
  [
    "a label of one call",
    ".macro m\njz .L\\@\n.L|\\@: nop\n.endm\n.macro n\njz .L\\@\n.endm",
    "file.S:2 file.S:3=",
  ],
  ["a local label of NASM", "\n-- a.asm\na: nop\n.x|: jmp .x\nb:\n.x: jmp a.x", "a.asm:2= a.asm:2 a.asm:4"],
];

it.each(occurrenceRows)("occurrences of %s", (_, text, expected) => {
  expect(occurrences(text)).toBe(expected);
});

const visible = (text: string): readonly string[] => {
  const { world, uri, position } = marked(text);
  return [...world.names.visibleAt(uri, position)].map(({ definition }) => definition.name).toSorted();
};

it("sees the file's own names, included ones, shared ones and the parameters around", () => {
  const text =
    '\n-- a.S\n#include "h.h"\na:\n.macro m x\n|\n.endm\n-- h.h\n#define H 1\n-- b.S\n.globl b\nb:\nc:\n-- d.S\n.macro n\n.endm';
  expect(visible(text)).toEqual(["H", "a", "b", "m", "x"]);
});

/** Any order of changes leaves the index of the text that is left. */
it("agrees, after changes, with an index made anew", () => {
  const seed = Number(process.env["LANGUAGE_SEED"] ?? 6);
  const random = randomFrom(seed);
  const pieces = [
    "a: jmp b",
    "b: nop",
    ".globl a",
    "F(a)",
    "F(c)",
    "#define F(n) n:",
    "#define F(n) .globl n; n:",
    '#include "h.h"',
    '#include "x.S"',
    ".macro m n",
    "\\n: nop",
    ".endm",
    "m d",
    "G(e)",
    "int x;",
    "",
  ];
  const world = new Workspace();
  const uris = ["x.S", "y.S", "h.h"].map(uriOf);
  uris.forEach((uri) => world.open(uri, "gas", "#define G(n) .globl n; n:"));
  for (let round = 0; round < 200; round += 1) {
    const uri = uris[random(uris.length)] ?? "";
    const from = random((world.file(uri)?.lines.length ?? 0) + 1);
    const lines = Array.from({ length: random(3) }, () => pieces[random(pieces.length)] ?? "");
    world.change(uri, { from, to: from + random(3), lines });
    const fresh = new Workspace();
    uris.forEach((each) => fresh.open(each, "gas", textOf(world.file(each))));
    expect(describe(world, uris), `seed ${seed}, round ${round}`).toEqual(describe(fresh, uris));
  }
});

function describe(world: Workspace, uris: readonly string[]): readonly string[] {
  const named = ["a", "b", "c", "d", "e", "F", "m"].flatMap((name) =>
    world.names.named(name).map((found) => `${name} ${place(found)} ${found.byCall ?? ""}`),
  );
  const found = uris.flatMap((uri) =>
    (world.file(uri)?.lines ?? []).flatMap((line, number) =>
      line.references.map((reference) => {
        const occurrence = {
          kind: "reference" as const,
          uri,
          line: number,
          token: reference.token,
          reference,
        };
        return `${place(occurrence)} ${reference.name} ${world.names.definitionsOf(occurrence).map(place).toSorted().join(" ")}`;
      }),
    ),
  );
  return [...named.toSorted(), ...found];
}

function textOf(file: SyntaxFile | undefined): string {
  return file?.lines.map(({ text }) => text).join("\n") ?? "";
}

it("renews what changed, not the file: a key in 20,000 lines", () => {
  const world = new Workspace();
  const uri = uriOf("long.S");
  const text = Array.from(
    { length: 20_000 },
    (_, n) => `label${n}: mov $value${n % 100}, %eax; jmp label${(n * 7) % 20_000}`,
  );
  world.open(uri, "gas", text.join("\n"));
  const part = emptyPart(world.file(uri) ?? open(uri, "gas", ""));
  let file = world.file(uri);
  updatePart(part, file ?? part.file);
  const times: number[] = [];
  for (let key = 0; file && key < 50; key += 1) {
    file = change(file, { from: 9_999, to: 10_000, lines: [`label9999: jmp label${key}`] });
    const start = performance.now();
    world.names.update(file);
    times.push(performance.now() - start);
    const { added, removed, appeared, disappeared } = updatePart(part, file);
    expect([added.length, removed.length, appeared.size, disappeared.size]).toEqual([1, 1, 0, 0]);
  }
  times.sort((a, b) => a - b);
  console.log(`a key in 20,000 lines: ${(times[25] ?? 0).toFixed(2)} ms in the index (median of 50)`);
  expect(world.names.named("label9999")).toHaveLength(1);
});

it("expands again only the calls that a change is about", () => {
  const graph = new IncludeGraph();
  const definers = new Map<string, Part[]>();
  const calls = new CallTable(graph, (name) => definers.get(name) ?? []);
  const uri = uriOf("calls.S");
  const lines = [
    ".macro one n",
    "\\n\\()_one: nop",
    ".endm",
    ".macro two n",
    "\\n\\()_two: nop",
    ".endm",
    ...Array.from({ length: 1000 }, (_, n) => `${n % 10 === 0 ? "one" : "two"} name${n}`),
  ];
  let file = open(uri, "gas", lines.join("\n"));
  const part = emptyPart(file);
  const expandedAfter = (changed: SyntaxFile): number => {
    const { macros, appeared } = updatePart(part, changed);
    appeared.forEach((name) => definers.set(name, [part]));
    calls.changed(macros);
    const before = calls.expandedCount;
    calls.refresh([part]);
    return calls.expandedCount - before;
  };
  graph.add(part);
  expect(expandedAfter(file)).toBe(1000);
  file = change(file, { from: 500, to: 501, lines: ["nop"] });
  expect(expandedAfter(file)).toBe(0);
  file = change(file, { from: 600, to: 601, lines: ["two other"] });
  expect(expandedAfter(file)).toBe(1);
  file = change(file, { from: 1, to: 2, lines: ["\\n\\()_first: nop"] });
  expect(expandedAfter(file)).toBe(100);
  expect(calls.definitionsOf(part, "name0_first")).toHaveLength(1);
  expect(calls.definitionsOf(part, "name0_one")).toEqual([]);
});
