/**
 * Lines of GNU assembly: every row is a source and what the parser says of its last line (or of the whole of it), in a short notation.
 *
 * Elsewhere: agreement with `as` and `nm` (`gas-oracle.test.ts`), changes (`gas-document.test.ts`).
 */
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { expand } from "../../extension/language/server/template.ts";
import { describeLine } from "./notation.ts";

function last(text: string, uri = "file:///a.S"): string {
  const file = open(uri, "gas", text);
  const line = file.lines.at(-1);
  return line ? describeLine(line) : "";
}

const rows: readonly (readonly [string, string])[] = [
  ["start: 1: mov $1, %eax", "def label start, def numeric 1, mov(immediate=1, register eax)"],
  ["movq $1f, %rax; jmp 1b", "movq(immediate, register rax), jmp(target), ref 1>, ref 1<"],
  ["lea 8+tab(%rax,%rbx,4), %rcx", "lea(memory rax rbx *4 8+tab, register rcx), ref tab"],
  ["mov %fs:0x28, %rax", "mov(memory fs 0x28, register rax)"],
  ["call *table(,%rax,8)", "call(indirect memory rax *8 table), ref table"],
  ["jmp *%rax", "jmp(indirect register rax)"],
  ["call foo@PLT", "call(target), ref foo"],
  ["rep; movsb", "rep(), movsb()"],
  ["lock cmpxchg %ebx, (%rdi)", "lock cmpxchg(register ebx, memory rdi)"],
  ["rep stosl %eax, %es:(%edi)", "rep stosl(register eax, memory es edi)"],
  ["fldl 4(%rax) # comment ; not code", "fldl(memory rax 4)"],
  ["vaddps %zmm1, %zmm2, %zmm3{%k1}{z}", "vaddps(register zmm1, register zmm2, register zmm3 k1)"],
  ["{vex} vpdpbusd %xmm1, %xmm2, %xmm3", "vpdpbusd(register xmm1, register xmm2, register xmm3)"],
  ["fadd %st(1), %st", "fadd(register st(1), register st)"],
  ["mov $'a', %al", "mov(immediate=97, register al)"],
  ["mov $-'\\n, %al", "mov(immediate=-10, register al)"],
  [
    "value = . - start; .set b, value + 1",
    "def constant value [. - start], def constant b [value + 1], =value(expression), .set(expression, expression), ref start, ref value",
  ],
  [".globl a, b", ".globl(expression, expression), global a, global b"],
  [
    ".comm buffer, 4096, 16",
    "def label buffer, .comm(expression, immediate=4096, immediate=16), common buffer",
  ],
  [
    '.pushsection .init.text, "ax"',
    "def section .init.text, .pushsection(expression, string), section .init.text",
  ],
  [".text\n.data\n.previous", ".previous(), section .text"],
  [".text\n.pushsection .a\n.pushsection .b\n.popsection", ".popsection(), section .a"],
  [".code32\n.code16gcc", ".code16gcc(), bits 16"],
  [
    ".intel_syntax noprefix\nmov eax, dword ptr [rbx+rcx*4+tab]",
    "mov(register eax, memory rbx rcx *4 32 bits tab), ref tab",
  ],
  [".intel_syntax noprefix\nmov rax, offset tab", "mov(register rax, immediate), ref tab"],
  [".intel_syntax noprefix\njmp done", "jmp(target), ref done"],
  [
    ".macro push_all from:req, to=\\from, rest:vararg",
    "def macro push_all (from to rest), def parameter from, def parameter to, def parameter rest, .macro(expression, expression, expression), opens .macro, in push_all",
  ],
  [
    ".macro m name\n\\name\\()_end: mov $\\name, %eax",
    "def label \\name\\()_end, mov(immediate, register eax), ref name, ref name, template label \\name\\()_end, in m",
  ],
  [".macro m\n.code16\n.endm", ".endm(), closes .macro"],
  [
    ".irp r, ax, bx",
    "def parameter r, .irp(expression, expression, expression), ref ax, ref bx, opens .rept",
  ],
  [".if X == 2", ".if(expression), ref X, opens .if"],
  [".code32\n.if X\n.code16\n.else\n.code32\n.endif", ".endif(), closes .if"],
  [".code32\n.if X\n.code32\n.endif", ".endif(), closes .if, bits 32"],
  ["#include <asm/page.h>", "#include(expression), include <asm/page.h>"],
  ['# include "a.h" /* x */', '#include(string), include "a.h"'],
  ['.incbin "blob.bin", 4', '.incbin(string, immediate=4), include binary "blob.bin"'],
  [
    "# if you see this, it is no comment",
    "#if(expression), ref you, ref see, ref this, ref it, ref is, ref no, ref comment, opens #if",
  ],
  ["#ifdef A\n#else", "#else(), closes #if, opens #if"],
  [
    "#define ENTRY(name) .globl name; name:",
    "def define ENTRY (name) [.globl name; name:], #define(expression), template global \\name, template label \\name",
  ],
  ["#define A(x) \\\n  mov x, %eax; \\\n  B(x)", "ref B, template call B(\\x)"],
  ["#define A(x, \\\n y) \\\n  mov x, y; B(y)", "ref B, template call B(\\y)"],
  ["#define A(x) \\\n  mov x ## D, C", "ref C"],
  [".macro m a \\\n b=1", "def parameter b, in m"],
  [".rep 4", ".rep(immediate=4), opens .rept"],
  ["EXC(1: movl %eax, %ebx)", "def numeric 1, call EXC(expression eax, register ebx), ref EXC?, ref movl"],
  ['ALTERNATIVE "jmp 1f", \\\n  "", FEATURE', "ref FEATURE"],
  ["CALL(a, \\\nb)\nnop", "nop()"],
  ["CALL(a,\n %rax, b)", "ref b"],
  ["CALL(a,\nback: nop", "def label back, nop()"],
  [
    "SYM_START(main) cmpl $0, %eax",
    "call SYM_START(expression), cmpl(immediate=0, register eax), ref SYM_START?, ref main",
  ],
  ["LOCK_PREFIX incl count(%rip)", "call LOCK_PREFIX(), incl(memory rip count), ref LOCK_PREFIX?, ref count"],
  [
    "store a %rax 4+1 $b",
    "call store(expression, register rax, expression, expression), ref store?, ref a, ref b",
  ],
  ["a: /* long\n comment */ b: // end", "def label b"],
  ["/ a comment of x86's", ""],
  ["nop / 2", "nop(memory / 2)"],
  ['.ascii "a;b#c\\"d", "//"; nop', ".ascii(string, string), nop()"],
  ['.asciz "open', ".asciz(string), error The string has no closing quote."],
  ["mov (%eax, %ebx", 'mov(memory eax ebx (%eax, %ebx), error "(" has no counterpart.'],
  [".endm", '.endm(), error ".endm" ends no macro., closes .macro'],
  ["= 5", 'unknown, error A statement begins with a label, an instruction or a directive, not with "=".'],
  [
    ".type main, @function; .size main, . - main",
    ".type(expression, expression), .size(expression, expression), ref main, ref main, ref main",
  ],
];

it.each(rows)("%s", (text, expected) => {
  expect(last(text)).toBe(expected);
});

it("reads '#' at the start of a line as a comment where the C preprocessor does not come first", () => {
  expect(last("# if you see this, it is a comment", "file:///a.s")).toBe("");
});

it("expands what a call defines through macros of both kinds", () => {
  const file = open(
    "file:///a.S",
    "gas",
    [
      "#define GLOBAL(name) .globl name",
      "#define START(name, linkage) linkage(name); name:",
      "#define FUNC(name) START(name, GLOBAL)",
      ".macro entry symbol suffix=_end",
      "FUNC(\\symbol)",
      "\\symbol\\()_inner: nop",
      ".endm",
    ].join("\n"),
  );
  const definitions = file.lines.flatMap((line) => line.definitions);
  const templates = file.lines.flatMap((line) => line.templates);
  const macroOf = (name: string) => {
    const found = definitions.find((definition) => definition.name === name);
    return (
      found && {
        parameters: found.parameters ?? [],
        templates: templates.filter((template) => template.macro === name),
      }
    );
  };
  expect(expand("entry", ["boot"], macroOf)).toEqual([
    { kind: "global", name: "boot" },
    { kind: "label", name: "boot" },
    { kind: "label", name: "boot_inner" },
  ]);
});

it("ends where macros call each other for ever", () => {
  const call = (name: string) => ({ kind: "call" as const, macro: "", name, arguments: ["\\x"] });
  const macro = { parameters: ["x"], templates: ["a", "b", "a", "b"].map(call) };
  let askedCount = 0;
  const found = expand("a", ["1"], () => {
    askedCount += 1;
    return macro;
  });
  expect(found).toEqual([]);
  expect(askedCount).toBeLessThan(1000);
});
