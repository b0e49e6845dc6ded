/**
 * Hovers: every row is a text with a cursor and what the hover must say; a row without says that there must be none.
 *
 * Elsewhere: agreement with the disassembler on instructions made by chance (`hover-oracle.test.ts`), linker scripts.
 */
import { describe, expect, it } from "vitest";
import type { Built } from "../../extension/language/server/built.ts";
import { hover } from "../../extension/language/server/features/hover.ts";
import { marked } from "./cursor.ts";

function hoverAt(text: string, name?: string, built?: Built): string | null {
  const { world, uri, position } = marked(text, name);
  world.built = built ? [built] : [];
  const found = hover(world, uri, position);
  const contents = found?.contents;
  return typeof contents === "object" && "value" in contents ? contents.value : null;
}

type Row = readonly [text: string, ...expected: (string | RegExp)[]];

function check(name: string, rows: readonly Row[]): void {
  it.each(rows.map(([text, ...expected]) => ({ text, expected })))("$text", ({ text, expected }) => {
    const found = hoverAt(text, name);
    if (expected.length === 0) {
      expect(found).toBeNull();
    }
    for (const one of expected) {
      expect(found).toEqual(
        typeof one === "string" ? expect.stringContaining(one) : expect.stringMatching(one),
      );
    }
  });
}

const gdt = (entry: string) => `gdt:\n.quad 0\n${entry}`;

describe("GNU as", () => {
  check("file.S", [
    // Instructions
    [
      "mo|v $1, %eax",
      "Copies the source",
      "mov $imm32, r32",
      "`b8 01 00 00 00`",
      "**Flags** none",
      "16, 32, 64 bits",
      "MOV—Move",
    ],
    [
      "m|ov %rax, %cr0",
      "control register",
      "`0f 22 c0`",
      "only at level 0",
      "MOV—Move to/from Control Registers",
    ],
    ["m|ov %eax, %cr3", "⚠ `MOV cr, r32` exists only in 16- and 32-bit code."],
    ["movz|bl %al, %ecx", "zeros", "`0f b6 c8`"],
    ["xo|r %eax, %eax", "clears CF SF OF; sets PF ZF; leaves undefined AF"],
    ["shl|q $3, %rax", "`48 c1 e0 03`", "writes CF PF ZF SF; leaves undefined AF OF"],
    [".code16\nlg|dt 4(%si)", "`0f 01 54 04`", "size − 1"],
    [".code16gcc\npu|sh $4", "push $imm16", /^(?!.*bytes)/s],
    ["j|ne 1f\n1:", "not equal", "jne rel8\njne rel32\n", "reads ZF"],
    [".code32\nljm|p $8, $1f\n1:", "Loads CS", "ljmp $segment, $offset32"],
    ["push|a", "⚠ `pusha` exists only in 16- and 32-bit code.", "Pushes AX"],
    ["movs|d %xmm0, %xmm1", "one double-precision value", "**Needs** SSE2"],
    ["rep movs|l", "Copies 4 bytes from DS:rSI to ES:rDI"],
    ["re|p movsl", "rCX times"],
    ["lo|ck incl (%rax)", "one step"],
    ["lock mo|v %eax, (%rax)", "⚠ LOCK"],
    ["vpadd|d %xmm0, %xmm1, %xmm2", "Adds pairs", "`c5 f1 fe d0`", "XCR0.AVX"],
    ["vmru|n", "AMD64 manual, volume 3: VMRUN"],
    ["wrms|r", "EDX:EAX", "#GP(0) if CPL is not 0"],
    ["mo|v lost, %eax", "mov r/m32, r32"],
    ["frobnic|ate %eax"],
    ["# mo|v $1, %eax"],
    ['.ascii "mo|v"'],
    [".qua|d 4", "64-bit values"],
    // Registers
    ["mov $1, %a|h", "bits 15–8 of RAX", "| rax | eax | ax | **ah** | al |"],
    ["mov $1, %r1|2d", "bits 31–0 of R12", "clears bits 63–32"],
    ["mov %cr|0, %rax", "| 31 | PG | paging", "| 16 | WP |"],
    ["mov %cr|4, %rax", "| 5 | PAE |", "| 20 | SMEP |"],
    ["mov %rax, %c|r3", "| 51–12 | base |"],
    ["mov %dr|7, %rax", "| 13 | GD |"],
    ["mov %ax, %d|s", "| 1–0 | RPL |"],
    ["mov 4(%ri|p), %eax", "the address behind the instruction"],
    // MSRs
    ["mov $0xC000|0080, %ecx\nrdmsr", "MSR 0xC0000080 EFER", "| 8 | LME |", "`3221225600`"],
    ["mov $0xC000|0080, %ecx\nmov $1, %ecx\nrdmsr", /^`0xC0000080` =/],
    ["mov $0xC000|0080, %ecx\ncall f\nrdmsr", /^`0xC0000080` =/],
    [".set MSR_EFER, 0xc0000080\nmov $MSR_EF|ER, %ecx", "MSR 0xC0000080 EFER"],
    [".set BASE, 0xc0000080\nmov $BA|SE, %ecx\nrdmsr", "MSR 0xC0000080 EFER"],
    [".set SIZ|E, 0x1b", /^(?!.*APIC)/s],
    ["mov $0xC0000080, %ecx\nrdmsr\nor $0x10|0, %eax\nwrmsr", "**EFER**: the number sets", "| 8 | LME |"],
    ["mov $0xC0000080, %ecx\nrdmsr\nbts $|8, %eax\nwrmsr", "| 8 | LME |"],
    // Control registers
    [
      "mov %cr0, %eax\nor $0x8000|0001, %eax\nmov %eax, %cr0",
      "**CR0**: the number sets",
      "| 31 | PG |",
      "| 0 | PE |",
    ],
    [
      "mov %cr0, %eax\nand $~|4, %eax\nor $2, %eax\nmov %eax, %cr0",
      "**CR0**: the number clears",
      "| 2 | EM |",
    ],
    // Ports
    ["outb %al, $0x2|0", "Port 0x20, PIC 8259, master", "end of interrupt"],
    ["mov $0x3f|8, %dx\nmov $65, %al\noutb %al, (%dx)", "COM1, UART 16550: data"],
    [".set COM1, 0x3f8\nmov $(COM|1 + 5), %dx\ninb %dx, %al", /^(?![^]*: data)[^]*COM1, UART 16550: LSR/],
    ["mov $0x3f8|+5, %dx\ninb (%dx), %al", "COM1, UART 16550: LSR"],
    ["mov $0x70, %dx\ninb (%d|x), %al", "Port 0x70, CMOS"],
    [".set COM1_PORT, 0x3f|8", "`1016`"],
    [".set COM1_PO|RT, 0x3f8", "COM1, UART 16550"],
    ["mov $0x3f|8, %dx\nadd $1, %dx\noutb %al, (%dx)", /^`0x3F8`/],
    // Interrupts
    [".code16\nmov $0x42, %ah\nmov $0x80, %dl\nint $0x1|3", "BIOS: disks", "AH = 0x42: Reads by LBA"],
    [".code16\nmov $0xe820, %eax\nint $0x1|5", "AH = 0xE8: Memory map"],
    [".code16\nmov $2, %ah\n1:\nint $0x1|3", /BIOS: disks; AH says what[^]*`19`/],
    [".code64\nint $0x|0d", "#GP"],
    ["int $0x1|0", "#MF"],
    ["int $0x8|0", "Linux's system call"],
    // Selectors
    ["mov $0x1|0, %ax\nmov %ax, %ds", "Selector 0x10", "descriptor 2 of the GDT"],
    [".code32\nljmp $0x|8, $1f\n1:", "descriptor 1 of the GDT"],
    [".code16\nljmp $0x7c|0, $1f\n1:", /^`0x7C0`/],
    [".code16\nmov %eax, %cr0\nljmp $0x1|8, $1f\n1:", "descriptor 3 of the GDT"],
    // Descriptors
    [gdt(".quad 0x00af9a00|0000ffff"), "selector 0x08**: 64-bit code, readable, level 0", "do not count"],
    [
      gdt(".quad 0x00cf9200|0000ffff"),
      "32-bit data, writable, level 0",
      "flat",
      "access byte `0x92`, flags `0xC`",
    ],
    [gdt(".word 0xffff, 0\n.byte 0, 0x9|a, 0xcf, 0"), "selector 0x08**: 32-bit code"],
    [gdt(".quad 0x00cf9a000000ffff\ngdt_end:\ngdt_ptr: .word gdt_end - gdt - |1\n.quad gdt")],
    ["table:\n.quad 0\n.quad 0x00af9a00|0000ffff", "64-bit code"],
    ["numbers:\n.quad 1\n.quad 0x00af9a00|0000ffff", /^`0xAF9A000000FFFF`/],
    [gdt(".quad 0x00ef9a00|0000ffff"), "⚠ L and D are both set"],
    [gdt(".quad 0x0000890000000067|"), "TSS, free", "16 bytes"],
    [
      gdt(".quad 0x00cf9a000000ffff\n.quad 0x0000890000000067\n.quad |0"),
      "selector 0x10**: in long mode the upper half of its base",
    ],
    ["saved_gdt: .quad |0\nsaved_idt: .quad 0"],
    [
      "SYM_DATA_START(gdt)\n.word 1, 0, 0, 0\n.quad 0x00cf9a00|0000ffff\nSYM_DATA_END(gdt)",
      "selector 0x08**: 32-bit code",
    ],
    // Page tables
    ["movl $|16, PT_EAX(%esp)", /^`0x10`/],
    ["pd:\n.quad 0x8|3", "2 MiB page at 0x0", "`R/W` writable"],
    ["pml4:\n.quad pdpt + |3\npdpt:\n", "page-directory-pointer table at `pdpt`"],
    ["pd:\n.long 0x40008|3", "4 MiB page at 0x400000"],
    ["movl $0x8|3, boot_pd(,%ecx,8)\nboot_pd: .skip 4096", "Page-table entry", "`PS`"],
    [
      "mov $pdpt, %eax\nor $|3, %eax\nmov %eax, pml4\npdpt: .skip 4096\npml4: .skip 4096",
      "page-directory-pointer table at `pdpt`",
    ],
    ["list:\n.quad 0x8|3", /^`0x83`/],
    // Multiboot
    [".align 4\n.long 0x1BAD|B002\n.long 0x10003\n.long -(0x1BADB002 + 0x10003)", "Multiboot magic"],
    [
      ".align 4\n.long 0x1BADB002\n.long 0x1000|3\n.long -(0x1BADB002 + 0x10003)",
      "| 16 | ADDRESS |",
      "| 0 | ALIGN |",
    ],
    [".align 4\n.long 0x1BADB002\n.long 3\n.long -(0x1BADB002 + |3)", "✓ The sum is 0."],
    [".align 4\n.long 0x1BADB002\n.long 3\n.long -(0x1BADB002 + |7)", "⚠ The sum is 0xFFFFFFFC, not 0."],
    [
      ".align 8\nh: .long 0xe85250d6, |0, e - h, -(0xe85250d6 + (e - h))\n.short 0, 0\n.long 8\ne:",
      "Multiboot2 architecture",
    ],
    // Names
    [
      "# Prints *one* character.\nputc:\n  ret\n\ncall pu|tc",
      "putc:\n    ret",
      String.raw`Prints \*one\* character.`,
      "file.S:2",
    ],
    ["#define PAGE 0x1000\nmov $PA|GE, %eax", "#define PAGE 0x1000", "4 KiB"],
    [".macro push2 a, b\n push \\a\n push \\b\n.endm\npus|h2 %rax, %rbx", ".macro push2 a, b\n push \\a"],
    ["-- a.S\n.globl start\nstart: nop\n-- b.S\ncall sta|rt", "start: nop", "a.S:2"],
    // Numbers
    ["mov $0x20|0000, %edi", "`0x200000` = `2097152` = bit 21 = 2 MiB"],
    ["mov $6|5, %al", "`0b1000001`", "'A'"],
    ["mov $-2|0, %eax", "in 32 bits `0xFFFFFFEC`"],
    ["mov $|3, %esi"],
  ]);
});

describe("GNU as, Intel syntax", () => {
  check("file.S", [
    [".intel_syntax noprefix\nmo|v eax, 1", "mov r32, imm32", "`b8 01 00 00 00`"],
    [".intel_syntax noprefix\nmov dx, 0x3F|8\nout dx, al", "COM1"],
    [".intel_syntax noprefix\nmov cr|4, rax", "| 5 | PAE |"],
    [".intel_syntax noprefix\nmov ecx, 0xC000008|2\nwrmsr", "LSTAR"],
  ]);
});

describe("NASM", () => {
  check("file.asm", [
    ["bits 64\nmo|v rax, 0x123456789abcdef0", "mov r64, imm64", "`48 b8 f0 de bc 9a 78 56 34 12`"],
    ["bits 64\nmo|v rax, 1", "Copies the source"],
    ["bits 16\njm|p 8:start\nstart:", "Loads CS", "jmp segment:offset16"],
    ["bits 64\niretq|", "RFLAGS, RSP and SS", "`48 cf`"],
    ["bits 32\npush a|x", "bits 15–0 of RAX"],
    ["mo|v eax, 1", "mov r32, imm32", "16, 32, 64 bits"],
    ["bits 16\nmov ah, 0x0e\nmov al, 'A'\nint 0x1|0", "BIOS: video", "AH = 0x0E: Teletype"],
    ["bits 16\nmov ax, 0x2401\nint 0x1|5", "Switches A20 on"],
    ["bits 16\nxor ah, ah\nint 1|6h", "AH = 0x00: Waits for a key"],
    ["org 0x7c00\nmov ax, 0x7C|0\nmov ds, ax", /^`0x7C0`/],
    ["mov dx, 3F|8h\nin al, dx", "COM1"],
    ["in al, 0x6|4", "i8042", "busy"],
    ["out 0xa|1, al", "PIC 8259, slave"],
    ["mov ecx, 0xC000_00|80\nrdmsr", "EFER"],
    ["EFER_MSR equ 0xC0000080\nmov ecx, EFER|_MSR\nrdmsr", "EFER_MSR equ 0xC0000080", "| 8 | LME |"],
    ["mov eax, cr0\nor eax, 1 << 3|1\nmov cr0, eax", "| 31 | PG |"],
    [
      "gdt64:\ndq 0\ndq (1<<43) | (1<<44) | (1<<47) | (1<<53)"
        .replaceAll(" | ", " + ")
        .replace("<<53", "<<5|3"),
      "selector 0x08**: 64-bit code",
    ],
    [
      "gdt_start:\ndq 0\ngdt_code:\ndw 0xffff, 0\ndb 0, 1001101|0b, 11001111b, 0",
      "selector 0x08**: 32-bit code, readable",
    ],
    [
      "mov eax, p3_table\nor eax, 0b1|1\nmov [p4_table], eax\np3_table: resb 4096\np4_table: resb 4096",
      "at `p3_table`",
    ],
    [
      "mov eax, 0x200000\nor eax, 0b1000001|1\nmov [p2_table + ecx * 8], eax\np2_table: resb 4096",
      "large page",
      "`PS`",
    ],
    ["dd 0x1BADB00|2\ndd 0\ndd -(0x1BADB002)", "Multiboot magic"],
    ["%macro twice 1\n  %1\n%endmacro\ntwic|e al", "%macro twice 1"],
    ["; What it is for.\nSIZE equ 4096\nmov eax, SI|ZE", "What it is for.", "4 KiB"],
    ["start:\n.loop: jmp .lo|op", ".loop: jmp .loop"],
    ["times 51|0 db 0", "`510`"],
    ["db 'mo|v'"],
  ]);
});

it("knows where a label lies in the program that was built", () => {
  const built: Built = {
    path: "/work/kernel.elf",
    modified: 0,
    sections: [
      { name: ".text", address: "0x101000", loadAddress: "0x101000", size: 64, flags: "AX", segment: null },
    ],
    symbols: new Map([
      ["start", { name: "start", address: "0x101010", size: 24, kind: "function" }],
      [
        "main",
        {
          name: "main",
          address: "0x101020",
          size: 8,
          kind: "function",
          source: { uri: "file:///work/main.c", line: 4 },
        },
      ],
    ]),
    lines: new Map(),
  };
  expect(hoverAt(".globl sta|rt\nstart: call main", undefined, built)).toContain(
    "`0x101010` in `.text`, 24 bytes",
  );
  expect(hoverAt("start: call ma|in", undefined, built)).toContain("main.c:5");
});
