/**
 * Which assembler and which machine a file is for, by its content. What matters most is that nothing written for x86 is called foreign, and that nothing is said
 * of instructions that are.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { tell } from "../../extension/language/server/dialect.ts";

interface Case {
  readonly name: string;
  readonly id?: string;
  readonly text: string;
  /** "gas", "nasm: MASM"; "none" for what is not ours. */
  readonly told: string;
}

const cases: Readonly<Record<string, Case>> = {
  "AT&T": { name: "boot.s", text: "\t.globl start\nstart:\n\tmovl $1, %eax\n\tret\n", told: "gas" },
  "Intel syntax of GNU as": {
    name: "boot.s",
    text: "\t.intel_syntax noprefix\n\t.globl start\nstart:\n\tmov eax, 1\n\tret\n",
    told: "gas",
  },
  "GNU as in .asm": {
    name: "boot.asm",
    id: "nasm",
    text: "\t.code16\n\t.globl start\n\t.text\nstart:\n\tmovw %ax, %ds\n",
    told: "gas",
  },
  "NASM in .s": {
    name: "boot.s",
    id: "gas",
    text: "bits 32\nglobal start\nsection .text\nstart:\n  mov eax, 1\n  dd 5\n",
    told: "nasm",
  },
  "a boot sector of NASM": {
    name: "boot.asm",
    text: "[bits 16]\n[org 0x7c00]\nstart:\n  mov ax, 0\n  times 510-($-$$) db 0\n  dw 0xaa55\n",
    told: "nasm",
  },
  "NASM under another extension's name": {
    name: "boot.asm",
    id: "asm-intel-x86-generic",
    text: "%define SIZE 4\nsection .text\nstart:\n  mov ax, SIZE\n",
    told: "nasm",
  },
  "GNU as under another extension's name": {
    name: "boot.S",
    id: "assembly",
    text: "#include <x.h>\n\t.section .text\nstart:\tmovl %eax, %ebx\n",
    told: "gas",
  },
  "an empty file by its editor's language": { name: "boot.asm", id: "nasm", text: "", told: "nasm" },
  "an empty file by its name": { name: "boot.S", text: "", told: "gas" },
  "nothing but data": { name: "table.asm", text: "table:\n  dd 1, 2, 3\n  dw 4\n", told: "nasm" },
  MASM: {
    name: "boot.asm",
    id: "nasm",
    text: ".386p\n.model flat\n.code\npublic start\nstart proc\n  mov eax, 1\n  ret\nstart endp\nend\n",
    told: "nasm: MASM",
  },
  "MASM with much data": {
    name: "boot.asm",
    text: `.model small\n.stack 100h\n.data\n${"x db 1\n".repeat(20)}.code\nmain proc\n  assume ds:_DATA\nmain endp\nend main\n`,
    told: "nasm: MASM",
  },
  fasm: {
    name: "boot.asm",
    text: "format ELF64 executable 3\nentry start\nsegment readable executable\nstart:\n  mov eax, 60\n  syscall\n  x db 1\n",
    told: "nasm: fasm",
  },
  "Arm, 32 bits": {
    name: "boot.s",
    text: "\t.arm\nstart:\n\tldr r0, =0x1000\n\tstmfd sp!, {r4-r7, lr}\n\tmov r1, #1\n\tbx lr\n",
    told: "gas: Arm assembly",
  },
  "Arm, 64 bits": {
    name: "boot.S",
    id: "gas",
    text: "start:\n\tmrs x0, CurrentEL\n\tadrp x1, stack\n\tmov sp, x1\n\tbl main\n\tstp x29, x30, [sp, #-16]!\n",
    told: "gas: Arm assembly",
  },
  "RISC-V": {
    name: "entry.S",
    text: "\t.section .text\n\t.global _entry\n_entry:\n\tla sp, stack0\n\tli a0, 4096\n\tcsrr a1, mhartid\n\taddi a1, a1, 1\n\tcall start\n",
    told: "gas: RISC-V assembly",
  },
  MIPS: {
    name: "head.S",
    text: "\t.set noreorder\nstart:\n\tmfc0 $t0, $12\n\tlui $a0, 0x8000\n\tjr $ra\n\tnop\n\tmove $a0, $t0\n",
    told: "gas: MIPS assembly",
  },
  PowerPC: {
    name: "head.S",
    text: "start:\n\tmflr r0\n\tstwu r1, -16(r1)\n\tlis r3, 1\n\tmtspr 272, r3\n\tblr\n",
    told: "gas: PowerPC assembly",
  },
  "two lines that might be Arm's": { name: "a.S", text: "start:\n\tldr r0, [r1]\n\tbx lr\n", told: "gas" },
  "x86 with a macro called str": {
    name: "a.S",
    text: "\tstr %ax\n\tstr %bx\n\tstr %cx\n\tpush %eax\n\tsub $1, %ecx\n",
    told: "gas",
  },
  "Arm's among x86": {
    name: "a.S",
    text: "\tldr r0, [r1]\n\tldr r1, [r1]\n\tldr r2, [r1]\n\tmovl %eax, %ebx\n\tmovl %eax, %ecx\n",
    told: "gas",
  },
  "what is in comments": {
    name: "a.s",
    text: "# ldr r0, [r1]\n; ldr r0, [r1]\n// ldr r0, [r1]\n * ldr r0, [r1]\nstart:\n",
    told: "gas",
  },
  "a linker script": { name: "kernel.ld", text: "SECTIONS { }", told: "linkerscript" },
  "a linker script for the preprocessor": {
    name: "vmlinux.lds.S",
    text: "#include <x.h>\n",
    told: "linkerscript",
  },
  ".x with a linker script": {
    name: "elf.x",
    text: "/* ours */\nENTRY(start)\nSECTIONS\n{\n}\n",
    told: "linkerscript",
  },
  ".x of RPC": {
    name: "proto.x",
    text: "program P { version V { void NULL(void) = 0; } = 1; } = 2;\n",
    told: "none",
  },
  ".inc of NASM": { name: "gdt.inc", text: "%macro descriptor 3\n  dw %1\n%endmacro\n", told: "nasm" },
  ".inc of GNU as": { name: "gdt.inc", text: "\t.macro descriptor a\n\t.word \\a\n\t.endm\n", told: "gas" },
  ".inc of PHP": { name: "page.inc", text: "<?php\nfunction f() {\n  return 1;\n}\n", told: "none" },
};

describe("what a file is told for", () => {
  it.each(Object.entries(cases))("%s", (_, { name, id, text, told }) => {
    const found = tell(`file:///work/${name}`, id ?? null, text);
    const words = found ? [found.language, ...(found.foreign ? [found.foreign] : [])].join(": ") : "none";
    expect(words).toBe(told);
  });
});

it("believes a folder's name only with the file's own word", () => {
  const text = "start:\n\tldr r0, [r1]\n";
  expect(tell("file:///linux/arch/arm/kernel/head.S", null, text)?.foreign).toBe("Arm assembly");
  expect(tell("file:///linux/arch/arm/kernel/data.S", null, '\t.incbin "x"\n')?.foreign).toBeNull();
  expect(tell("file:///home/arm/boot.S", null, "\tmovl %eax, %ebx\n\tmovl $1, %ecx\n")?.foreign).toBeNull();
});

/** Unpacked by the long run of `linux-source.test.ts`. */
const linux = path.resolve(import.meta.dirname, "../../.cache/linux-source/arch/x86");

it.skipIf(!existsSync(linux))("calls nothing of Linux's x86 foreign", () => {
  const files = readdirSync(linux, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".S"),
  );
  const foreign = files.filter((name) => {
    const told = tell(`file:///x/${path.basename(name)}`, null, readFileSync(path.join(linux, name), "utf8"));
    return told?.foreign !== null || told.language === "nasm";
  });
  expect(files.length).toBeGreaterThan(100);
  expect(foreign).toEqual([]);
});
