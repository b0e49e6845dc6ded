/** Outlines as indented texts: kind, name, detail, first and last line counted from 1. */
import { expect, it } from "vitest";
import { SymbolKind, type DocumentSymbol } from "vscode-languageserver-types";
import { outline } from "../../extension/language/server/features/outline.ts";
import { marked } from "./cursor.ts";

const kinds = new Map(Object.entries(SymbolKind).map(([name, kind]) => [kind, name.toLowerCase()]));

function show(symbols: readonly DocumentSymbol[], indent = ""): readonly string[] {
  return symbols.flatMap(({ name, kind, detail, range, children }) => [
    `${indent}${kinds.get(kind)} ${name}${detail ? ` (${detail})` : ""} ${range.start.line + 1}-${range.end.line + 1}`,
    ...show(children ?? [], `${indent}  `),
  ]);
}

function outlineOf(text: string): readonly string[] {
  const { world, uri } = marked(text);
  const symbols = outline(world, uri);
  check(symbols);
  return show(symbols);
}

/** The editor refuses an outline whose selection is not inside, or whose parts are not inside each other. */
function check(symbols: readonly DocumentSymbol[], outer?: DocumentSymbol): void {
  for (const symbol of symbols) {
    const { range, selectionRange, children } = symbol;
    const isInside =
      compare(range.start, selectionRange.start) <= 0 && compare(selectionRange.end, range.end) <= 0;
    expect(isInside, symbol.name).toBe(true);
    if (outer) {
      const holds = compare(outer.range.start, range.start) <= 0 && compare(range.end, outer.range.end) <= 0;
      expect(holds, `${symbol.name} in ${outer.name}`).toBe(true);
    }
    check(children ?? [], symbol);
  }
}

const compare = (a: { line: number; character: number }, b: typeof a): number =>
  a.line - b.line || a.character - b.character;

it("of GNU assembly", () => {
  const text = `
#define STACK 4096
.set count, 3
.macro save from
  push \\from
.endm
  .text
  .globl start
start:
  mov $1, %eax
.Lagain:
  jmp .Lagain

# of the next
helper:
1: jmp 1b
  .pushsection .rodata
message: .ascii "x"
  .popsection
.Llast: ret
  .data
table: .quad 0
  .section .empty
`;
  expect(outlineOf(text)).toEqual([
    "constant STACK (4096) 1-1",
    "constant count (3) 2-2",
    "method save (from) 3-5",
    "namespace .text 6-19",
    "  function start (global) 8-11",
    "    key .Lagain 10-11",
    "  function helper 14-19",
    "    namespace .rodata 16-17",
    "      variable message 17-17",
    "    key .Llast 19-19",
    "namespace .data 20-21",
    "  variable table 21-21",
  ]);
});

it("of NASM", () => {
  const text = `
-- a.asm
%define WIDTH 80
%macro print 1
  mov si, %1
%endmacro
size equ 5
struc point
.x: resd 1
.y: resd 1
endstruc
section .text
start:
  mov ax, 1
.loop:
  jmp .loop
section .data
text db 'x'
`;
  expect(outlineOf(text)).toEqual([
    "constant WIDTH (80) 1-1",
    "method print (1) 2-4",
    "constant size (5) 5-5",
    "struct point 6-9",
    "  field .x 7-7",
    "  field .y 8-8",
    "namespace .text 10-14",
    "  function start 11-14",
    "    key .loop 13-14",
    "namespace .data 15-16",
    "  variable text 16-16",
  ]);
});

it("of names that macros make", () => {
  const text = `
#define FUNC(n) .globl n; n:
FUNC(main)
  nop
FUNC(other)
  nop
`;
  expect(outlineOf(text)).toEqual([
    "method FUNC (n) 1-1",
    "function main (global, FUNC) 2-3",
    "function other (global, FUNC) 4-5",
  ]);
});

it("of a linker script", () => {
  const text = `
-- k.ld
MEMORY { ram : ORIGIN = 1M, LENGTH = 1M }
SECTIONS
{
  . = 1M;
  .text :
  {
    _text = .;
    *(.text)
  }
  .data : { *(.data) }
  _end = .;
}
`;
  expect(outlineOf(text)).toEqual([
    "namespace ram (1M) 1-1",
    "namespace .text 5-9",
    "  variable _text (.) 7-7",
    "namespace .data 10-10",
    "variable _end (.) 11-11",
  ]);
});

it("is nested rightly whatever is written", () => {
  const pieces = [
    "a:",
    ".text",
    ".pushsection .x",
    ".popsection",
    ".previous",
    ".data",
    ".L1: nop",
    "x = 1",
    ".macro m",
    ".endm",
    ".byte 1",
    "m",
    "#if A",
    "#endif",
    "b: c: nop",
  ];
  let state = 7;
  for (let round = 0; round < 100; round += 1) {
    const lines = Array.from({ length: 20 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return pieces[(state >>> 16) % pieces.length];
    });
    outlineOf(lines.join("\n"));
  }
});
