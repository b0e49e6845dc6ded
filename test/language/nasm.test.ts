/**
 * Lines of NASM's language: every row is a source and what the parser says of its last line, in a short notation.
 *
 * Elsewhere: agreement with `nasm` and `nm` (`nasm-oracle.test.ts`), changes (`gas-document.test.ts`).
 */
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { describeLine } from "./notation.ts";

function last(text: string): string {
  const line = open("file:///a.asm", "nasm", text).lines.at(-1);
  return line ? describeLine(line) : "";
}

const rows: readonly (readonly [string, string])[] = [
  ["start: mov ax, 10h", "def label start, mov(register ax, immediate=16), scope start"],
  ["start mov ax, [bx]", "def label start, mov(register ax, memory bx), scope start"],
  ["start:\n.loop: jmp .loop", "def local start.loop, jmp(target), ref start.loop"],
  ["a:\n.x:\nb: jmp a.x", "def label b, jmp(target), ref a.x, scope b"],
  ["..@here: jmp ..@here", "def label ..@here, jmp(target), ref ..@here"],
  ["size equ $ - start", "def constant size [$ - start], equ(expression), ref start"],
  ["a:\nsize equ 5\n.l: nop", "def local a.l, nop()"],
  [
    "message db 'it;s', \"; no\", `\\`q`, 13",
    "def label message, db(string, string, string, immediate=13), scope message",
  ],
  ["times 510-($-$$) db 0", "times(expression), db(immediate=0)"],
  ["times 4 nop", "times(immediate=4), nop()"],
  ["buffer: resb 64", "def label buffer, resb(immediate=64), scope buffer"],
  ["mov rax, [rel table + rbx*8 + 4]", "mov(register rax, memory rbx *8 table+4), ref table"],
  ["mov dword [es:edi+4*ecx], 0b101", "mov(memory es edi ecx *4 32 bits, immediate=5)"],
  ["mov eax, 'abc'", "mov(register eax, immediate=6513249)"],
  ["add byte [si], 1010b", "add(memory si 8 bits, immediate=10)"],
  ["jmp short .x", "jmp(target), ref .x"],
  ["jmp 0x08:protected", "jmp(target), ref protected"],
  ["jmp dword 08h:protected", "jmp(target 32 bits), ref protected"],
  ["jmp far [pointer]", "jmp(memory pointer), ref pointer"],
  ["call printf wrt ..plt", "call(target), ref printf, ref ..plt"],
  ["mov ax, seg data", "mov(register ax, immediate), ref data"],
  ["rep movsb", "rep movsb()"],
  ["lock cmpxchg [rdi], eax", "lock cmpxchg(memory rdi, register eax)"],
  ["es lodsb", "es lodsb()"],
  ["vaddps zmm1{k1}{z}, zmm2, [rax]{1to16}", "vaddps(register zmm1 k1, register zmm2, memory rax)"],
  ["[bits 32]", "bits(immediate=32), bits 32"],
  ["BITS 16", "bits(immediate=16), bits 16"],
  ["use64", "use64(), bits 64"],
  ["default rel", "default(expression)"],
  ["org 0x7c00", "org(immediate=31744)"],
  ["section .bss align=16", "def section .bss, section(expression), section .bss"],
  ["global start:function, other", "global(expression, expression), global start, global other"],
  ["extern main, puts", "extern(expression, expression), extern main, extern puts"],
  ["common shared 4:4", "def label shared, common(expression), common shared"],
  ["static own", "static(expression), ref own"],
  ["%define WIDTH 8", "def define WIDTH [8], %define(expression)"],
  [
    "%xdefine AREA(w, h) ((w) * (h) + BASE)",
    "def define AREA (w h) [((w) * (h) + BASE)], %xdefine(expression), ref BASE",
  ],
  ["%assign i i+1", "def define i [i+1], %assign(expression), ref i"],
  [
    "%macro entry 1-2+.nolist 5",
    "def macro entry [1 - 2 + .nolist 5], %macro(expression), opens %macro, in entry",
  ],
  [
    "%macro m 1\n%1_end: mov ax, %1",
    "def label %1_end, mov(register ax, unknown), template label %1_end, in m",
  ],
  ["%macro m 0\n%%x: jmp %%x", "def local %%x, jmp(target), ref %%x, in m"],
  [
    "%macro m 1\n  inner %1, 2",
    "call inner(expression, immediate=2), ref inner?, template call inner(%1, 2), in m",
  ],
  ["%macro m 0\nbits 16\n%endmacro", "%endmacro(), closes %macro"],
  ["stub_%+ n: nop", "def label stub_%+ n, nop(), scope stub_%+ n"],
  ["%ifdef DEBUG", "%ifdef(expression), ref DEBUG, opens %if"],
  ["bits 32\n%if X\nbits 16\n%endif", "%endif(), closes %if"],
  ["%elif X", "%elif(expression), ref X, closes %if, opens %if"],
  ["%rep 4", "%rep(immediate=4), opens %rep"],
  ['%include "boot.inc"', "%include(string), include <boot.inc>"],
  [
    "blob: incbin 'blob.bin', 16",
    "def label blob, incbin(string, immediate=16), include binary <blob.bin>, scope blob",
  ],
  [
    "struc point",
    "def structure point, def constant point_size, struc(expression), opens struc, section struc point, scope point",
  ],
  ["struc point\n.x: resd 1", "def field point.x, resd(immediate=1)"],
  ["struc point\nx resd 1", "def field x, resd(immediate=1), scope x"],
  ["section .data\nstruc point\nendstruc", "endstruc(), closes struc, section .data"],
  ["at point.x, dd 5", "at(expression, expression), dd(immediate=5), ref point.x"],
  ["%local old:dword, new:word", "def define old, def define new, %local(expression, expression)"],
  ["%push context", "%push(expression)"],
  ["mov ax, \\\n  other", "ref other"],
  ["print message, 5", "call print(expression, immediate=5), ref print?, ref message"],
  ["db 'open", "db(string), error The string has no closing quote."],
  ["mov ax, [bx", 'mov(register ax, memory bx), error "[" has no counterpart.'],
  ["%endmacro", '%endmacro(), error "%endmacro" ends no macro., closes %macro'],
  [", 5", 'unknown, error A line begins with a label, an instruction or a directive, not with ",".'],
  ["; only a comment", ""],
];

it.each(rows)("%s", (text, expected) => {
  expect(last(text)).toBe(expected);
});
