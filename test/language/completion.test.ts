/** Completion at the server's boundary: cursor marks, in every dialect and mode. `+` is offered, `-` is not, `=` is all there is, `first` leads the list. */
import { describe, expect, it } from "vitest";
import type { CompletionItem } from "vscode-languageserver-types";
import { directives } from "../../extension/language/server/completion/directive.ts";
import { completion, completionResolve } from "../../extension/language/server/features/completion.ts";
import { directiveNames as gasNames } from "../../extension/language/server/gas/directive.ts";
import { dataNames, directiveNames as nasmNames } from "../../extension/language/server/nasm/statement.ts";
import { marked } from "./cursor.ts";

const itemsAt = (text: string, name?: string): readonly CompletionItem[] => {
  const { world, uri, position } = marked(text, name);
  return completion(world, uri, position).items;
};

interface Expected {
  readonly has?: string;
  readonly lacks?: string;
  readonly is?: string;
  readonly first?: string;
}

const list = (words: string | undefined): string[] => (words ?? "").split("  ").filter((word) => word !== "");

function check(text: string, { has, lacks, is, first }: Expected, name?: string): void {
  const labels = itemsAt(text, name).map(({ label }) => label);
  expect(list(has).filter((label) => !labels.includes(label))).toEqual([]);
  expect(list(lacks).filter((label) => labels.includes(label))).toEqual([]);
  if (is !== undefined) expect(labels).toEqual(list(is));
  if (first !== undefined) expect(labels.slice(0, list(first).length)).toEqual(list(first));
}

type Case = readonly [text: string, expected: Expected, name?: string];
const gas = "file.s";
const nasm = "file.asm";
const named = (cases: readonly Case[]): (readonly [string, Expected, string])[] =>
  cases.map(([text, expected, name = "file.S"]) => [text, expected, name]);

describe("instructions that the mode has", () => {
  const cases: readonly Case[] = [
    [".code16\n push|", { has: "push  pusha  pushf  pushw  pushl", lacks: "pushq  pushfq" }],
    [".code32\n push|", { has: "push  pusha  pushal  pushl", lacks: "pushq" }],
    [".code64\n push|", { has: "push  pushq  pushfq", lacks: "pusha  pushal  pushl" }],
    [".code64\n sw|", { first: "swapgs" }],
    [".code32\n sw|", { lacks: "swapgs" }],
    ["bits 16\n i|", { has: "int  in  iret  inc", lacks: "iretq  inb" }, nasm],
    ["bits 64\n iret|", { is: "iret  iretd  iretq  iretw" }, nasm],
    ["bits 32\n aa|", { has: "aaa  aad  aam  aas" }, nasm],
    ["bits 64\n aa|", { lacks: "aaa  aad  aam  aas" }, nasm],
    [".intel_syntax noprefix\n.code64\n mov|", { first: "mov  movsb  movzx  movsx", lacks: "movl  movzbl" }],
    [".code64\n movz|", { has: "movzbl  movzwq" }],
    [".code64\n MOV|", { first: "MOV  MOVSB" }],
    // By letters in their order, after the same first one.
    [".code32\n lgt|", { has: "lgdt" }],
    // No width: everything, with a word of where.
    [" sysc|", { has: "syscall" }],
    [" pusha|", { has: "pusha" }],
    [".code32\n rep |", { has: "movsb  stosl", lacks: "mov  .globl  gdt" }],
    [".code32\n lock |", { has: "inc  cmpxchg  xadd", lacks: "mov  movsb" }],
    [".code64\nlabel: nop; mo|", { has: "mov" }],
    ["bits 64\nlabel: mo|", { has: "mov" }, nasm],
    ["bits 64\n times 4 no|", { has: "nop" }, nasm],
  ];
  it.each(named(cases))("%j", (text, expected, name) => check(text, expected, name));

  it("the usual stand as people need them, not as the alphabet has them", () =>
    check(".code64\n |", { first: "mov  add  sub" }));

  it("without a letter only the usual, and more is there to ask for", () => {
    for (const [text, name] of [
      [".code64\n |", gas],
      ["bits 64\n |", nasm],
    ] as const) {
      const { world, uri, position } = marked(text, name);
      const { items, isIncomplete } = completion(world, uri, position);
      expect(isIncomplete).toBe(true);
      expect(items.length).toBeGreaterThan(40);
      expect(items.length).toBeLessThanOrEqual(200);
      expect(items.some(({ label }) => label.startsWith("vp"))).toBe(false);
    }
  });
});

describe("operands that the instruction takes", () => {
  const cases: readonly Case[] = [
    [".code64\n movq |", { first: "%rax  %rbp  %rbx", has: "%cr3  %rax", lacks: "%eax  %ax  %xmm31" }],
    [".code64\n movq %rax, |", { has: "%rbx  %cr3  %dr7", lacks: "%ebx  $" }],
    [".code64\n movl %e|", { has: "%eax  %esi", lacks: "%rax" }],
    [".code32\n mov %|", { has: "%eax  %ax  %cr0", lacks: "%rax  %r8d  %sil  %xmm0" }],
    [".code16\n mov %|", { first: "%ax  %bp", lacks: "%rax" }],
    [".code64\n movw %ax, %|", { has: "%ds  %bx", lacks: "%rbx  %cr0" }],
    [".code64\n pushq %|", { has: "%rax  %fs", lacks: "%eax  %cs  %ds" }],
    [".code64\n lgdt |", { lacks: "%rax  %eax" }],
    [".code64\n outb %|", { has: "%al", lacks: "%ah  %eax  %bl" }],
    [".code64\n outb %al, |", { has: "%dx  (%dx)", lacks: "%cx" }],
    [".code64\n shlq %|", { has: "%cl", lacks: "%dl" }],
    [".code64\n addsd %|", { has: "%xmm0  %xmm15", lacks: "%rax  %ymm0" }],
    [".code32\n addsd %|", { has: "%xmm7", lacks: "%xmm8" }],
    ["bits 64\n mov eax, |", { has: "ebx  dword", lacks: "rbx  bx  cr0  qword" }, nasm],
    ["bits 64\n mov rax, |", { has: "rbx  cr0  cr8  qword", lacks: "ebx" }, nasm],
    ["bits 32\n mov cr0, |", { is: "eax  ebp  ebx  ecx  edi  edx  esi  esp" }, nasm],
    ["bits 16\n mov ds, |", { has: "ax", lacks: "es  1" }, nasm],
    ["bits 16\n in al, |", { has: "dx", lacks: "cx  bl" }, nasm],
    [".intel_syntax noprefix\n.code64\n mov |", { has: "rax  dword ptr", lacks: "%rax  dword" }],
    [".code64\n movl (|", { has: "%rax  %r15  %rip  %eax", lacks: "%ax  %al  %cr0" }],
    [".code64\n movl 8(%rax, %r|", { has: "%rcx", lacks: "%rip" }],
    [".code16\n movw (%|", { first: "%bx  %bp  %si  %di", lacks: "%rax  %ax" }],
    ["bits 64\n mov eax, [|", { has: "rax  rel  fs:", lacks: "rip  al" }, nasm],
    ["bits 32\n mov eax, [e|", { has: "ebx", lacks: "ebx:" }, nasm],
    // What is no instruction takes everything.
    [".code64\n unknown_macro %r|", { has: "%rax  %r15" }],
    // Names of the registers of a mode that is not known.
    ["\n mov %r|", { has: "%rax" }],
  ];
  it.each(named(cases))("%j", (text, expected, name) => check(text, expected, name));
});

describe("names by scope", () => {
  const cases: readonly Case[] = [
    [".code64\nmain: nop\n.Lhere: nop\n jmp |", { first: ".Lhere  main" }],
    [".code64\n1: nop\n jmp 1|\n1: nop\n2: nop", { has: "1b  1f", lacks: "2b" }],
    [".code64\n jmp |\n1: nop\n2: nop", { has: "1f  2f", lacks: "1b" }],
    [".set SIZE, 4096\n.code64\n mov |", { has: "$SIZE  %rax", lacks: "SIZE" }],
    [".set SIZE, 4096\n.code64\n mov $|", { has: "SIZE", lacks: "%rax  $SIZE" }],
    [".code64\nbuffer: .skip 8\n lea bu|", { is: "buffer" }],
    [".code64\n call *%r|", { has: "%rax", lacks: "%eax" }],
    [
      "bits 64\nmain:\n.loop: nop\n jmp .|\nother:\n.done: nop",
      { has: ".loop", lacks: ".done  main.loop" },
      nasm,
    ],
    ["bits 64\nmain:\n.loop: nop\nother: jmp main.|", { has: "main.loop" }, nasm],
    ["%define WIDTH 80\nbits 16\n mov cx, WI|", { is: "WIDTH" }, nasm],
    ["%macro entry 1\n%endmacro\n en|", { has: "entry" }, nasm],
    [".macro entry name\n movl $\\n|\n.endm", { has: "\\name" }],
    [
      "-- a.s\n.globl shared\nshared: nop\nhidden: nop\n-- b.s\n.code64\n call |",
      { has: "shared", lacks: "hidden" },
    ],
    [
      "-- k.ld\nSECTIONS { .text : { *(.text) } _kernel_end = .; }\n-- b.s\n.code64\n lea _ker|",
      { has: "_kernel_end" },
    ],
    [".globl |\nmain: nop", { is: "main" }],
    ["-- a.asm\nglobal puts\nputs: ret\n-- b.asm\nmine: ret\nextern |", { has: "puts", lacks: "mine" }],
  ];
  it.each(named(cases))("%j", (text, expected, name) => check(text, expected, name));
});

describe("directives and what they take", () => {
  const cases: readonly Case[] = [
    [" .|", { has: ".globl  .section  .code64", lacks: "mov  #include" }, gas],
    [" .code|", { first: ".code16  .code32  .code64" }, gas],
    [" glob|", { has: ".globl" }, gas],
    ["#|", { has: "#include  #define  #ifdef", lacks: ".text" }],
    ["#inc|", { first: "#include" }],
    ["# a comment |", { is: "" }],
    [" mov # |", { is: "" }, gas],
    [" mov ; |", { is: "" }, nasm],
    ["/* a |", { is: "" }],
    [' .ascii "a|', { is: "" }],
    ["%|", { has: "%define  %macro  %if" }, nasm],
    ["%ifd|", { first: "%ifdef" }, nasm],
    ["message d|", { has: "db", lacks: "div" }, nasm],
    ["message |", { has: "db  equ  times  resb", lacks: "mov  section" }, nasm],
    ["value equ 4\nmessage: dw va|", { is: "value" }, nasm],
    ["section .mine\nsection |", { first: ".mine", has: ".text  .bss" }, nasm],
    ["section .text |", { has: "progbits  exec  align=", lacks: ".text" }, nasm],
    [" .section .text.boot\n .section .|", { has: ".text.boot  .rodata" }],
    [' .section .text, "|', { is: "" }],
    [" .section .text, |", { has: '"ax"', lacks: "@progbits" }],
    [' .section .text, "ax", |', { has: "@progbits", lacks: '"ax"' }],
    [" .type main, |", { has: "@function" }],
    ["bits |", { is: "16  32  64" }, nasm],
    ["bits 6|", { is: "64" }, nasm],
    [".intel_syntax |", { is: "noprefix  prefix" }],
    ["#define NAME 1\n#ifdef N|", { is: "NAME" }],
    [" .macro na|", { is: "" }],
    ["%define na|", { is: "" }, nasm],
    [" mov $12|", { is: "" }],
  ];
  it.each(named(cases))("%j", (text, expected, name) => check(text, expected, name));

  it("every directive that the parsers know is told of, and none that they do not know", () => {
    const told = [...directives.gas.keys()].filter(
      (name) => name.startsWith(".") && !name.startsWith(".cfi_"),
    );
    // `.def` and what belongs to it are of COFF; the parser knows their end only.
    const known = [...gasNames].filter((name) => !name.startsWith(".cfi_"));
    expect(told.toSorted()).toEqual([...new Set([...known, ".def"])].toSorted());
    const toldNasm = [...directives.nasm.keys()].filter((name) => !name.startsWith("%"));
    expect(toldNasm.toSorted()).toEqual([...dataNames, ...nasmNames].toSorted());
    for (const { sentence } of [...directives.gas.values(), ...directives.nasm.values()]) {
      expect(sentence).toMatch(/^[`A-Z1-9].*[.…]$/);
    }
  });
});

describe("paths", () => {
  const files =
    "-- boot/main.S\nCURSOR\n-- boot/gdt.inc.S\n.text\n-- include/asm/msr.h.S\n.text\n-- lib/print.S\n.text";
  const cases: readonly Case[] = [
    [
      files.replace("CURSOR", '#include "|'),
      { has: "gdt.inc.S  asm/msr.h.S  ../lib/print.S", lacks: "main.S" },
    ],
    [files.replace("CURSOR", "#include <|"), { is: "asm/msr.h.S" }],
    [files.replace("CURSOR", ' .include "gd|'), { is: "gdt.inc.S" }],
    ['-- a.asm\n%include "|\n-- b.inc\nbits 16', { is: "b.inc" }],
  ];
  it.each(named(cases))("%j", (text, expected) => check(text, expected));
});

describe("numbers of MSRs and ports", () => {
  const cases: readonly Case[] = [
    [".code32\n movl $|, %ecx\n rdmsr", { has: "0xC0000080  0x1B", lacks: "$0xC0000080" }],
    [".code32\n movl |, %ecx\n cpuid_is_no_load\n", { lacks: "$0xC0000080" }],
    [".code32\n movl |, %ecx\n xorl %edx, %edx\n wrmsr", { has: "$0xC0000080  %eax" }],
    [".code32\n movl |, %eax\n rdmsr", { lacks: "$0xC0000080" }],
    [".code32\n movl $EF|, %ecx", { is: "0xC0000080" }],
    [".code32\n movl $0xC00|, %ecx\n rdmsr", { has: "0xC0000080", lacks: "0x1B" }],
    ["bits 32\n mov ecx, |\n rdmsr", { has: "0xC0000080" }, nasm],
    ["bits 32\n mov ecx, |\nlabel:\n rdmsr", { lacks: "0xC0000080" }, nasm],
    ["bits 32\n mov eax, EF|", { lacks: "0xC0000080" }, nasm],
    ["bits 16\n in al, |", { has: "0x60  dx", lacks: "0x3F8" }, nasm],
    ["bits 16\n out |", { has: "0x20  dx", lacks: "al" }, nasm],
    ["bits 16\n mov dx, |\n mov al, 1\n out dx, al", { has: "0x3F8  0x60" }, nasm],
    ["bits 16\n mov dx, co|\n out dx, al", { has: "0x3F8" }, nasm],
    [".code16\n inb |", { has: "$0x60  %dx" }],
    [".code16\n movw $|, %dx\n inb %dx, %al", { has: "0x3F8" }],
  ];
  it.each(named(cases))("%j", (text, expected, name) => check(text, expected, name));
});

describe("snippets", () => {
  const cases: readonly Case[] = [
    [".code32\n long|", { has: "long-mode" }],
    [".code64\n long|", { lacks: "long-mode" }],
    [".code16\n |", { has: "protected-mode  boot-sector  gdt", lacks: "idt64" }],
    ["bits 64\n idt|", { has: "idt64", lacks: "idt" }, nasm],
    [".macro a\n gd|\n.endm", { lacks: "gdt" }],
    ["|", { has: "kernel  higher-half" }, "file.ld"],
    ["SECTIONS\n{\n |\n}", { lacks: "kernel  higher-half" }, "file.ld"],
  ];
  it.each(named(cases))("%j", (text, expected, name) => check(text, expected, name));

  it("are text in the notation of the place", () => {
    const textOf = (text: string, name?: string): string | undefined =>
      itemsAt(text, name).find(({ label }) => label === "multiboot1")?.textEdit?.newText;
    expect(textOf(".code32\n multib|")).toContain("\t.pushsection .multiboot");
    expect(textOf("bits 32\n multib|", nasm)).toContain("section .multiboot progbits");
  });

  it("begin at the margin, whatever stands before the word", () => {
    const item = itemsAt(".code32\n\tmultib|").find(({ label }) => label === "multiboot1");
    expect(item?.textEdit).toMatchObject({
      range: { start: { line: 1, character: 0 }, end: { line: 1, character: 7 } },
    });
    const behind = itemsAt(".code32\nlabel: multib|").find(({ label }) => label === "multiboot1");
    expect(behind?.textEdit).toBeUndefined();
  });
});

describe("what is told of an item", () => {
  const told = (text: string, label: string, name?: string): string => {
    const { world, uri, position } = marked(text, name);
    const item = completion(world, uri, position).items.find((one) => one.label === label);
    expect(item?.documentation).toBeUndefined();
    // Through JSON, as it comes back from a client.
    const { documentation } = completionResolve(world, JSON.parse(JSON.stringify(item)) as CompletionItem);
    return typeof documentation === "object" ? documentation.value : "";
  };
  it("instructions: their forms in the dialect's order", () => {
    expect(told(".code32\n lg|", "lgdt")).toContain("lgdt m");
    expect(told(".code64\n ou|", "out")).toContain("out %al, %dx");
    expect(told("bits 64\n ou|", "out", nasm)).toContain("out dx, al");
  });
  it("directives: a sentence", () => {
    expect(told(" .org|", ".org")).toContain("Goes on at a place further on");
  });
  it("instructions: what they do", () => {
    expect(told(".code64\n hl|", "hlt")).toMatch(/^[A-Z].*\.\n/);
  });
  it("registers, MSRs and ports: what their tables say", () => {
    expect(told(".code64\n movq %cr|", "%cr0")).toContain("`PG`");
    expect(told(".code64\n movl $EF|, %ecx", "0xC0000080")).toContain("`LME`");
    expect(told("bits 16\n in al, |", "0x60", nasm)).toContain("(port 0x60)");
  });
  it("names: their line", () => {
    expect(told("bits 64\nmain: nop\n jmp ma|", "main", nasm)).toContain("main: nop\n```\nfile.asm:2");
  });
  it("snippets: what they need, and the code", () => {
    const value = told(".code32\n long|", "long-mode");
    expect(value).toContain("CR4.PAE, CR3, EFER.LME, CR0.PG");
    expect(value).toContain("lgdt gdt64_pointer");
  });
});
