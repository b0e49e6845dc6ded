/**
 * Rules about assembly, on the fewest lines that matter: what they find stands between `⟦` and `⟧`; where nothing does, they are silent, however near the code
 * comes to the mistake.
 *
 * Elsewhere: whole files and their fixes (`faulty.test.ts`), real code (`linux-source.test.ts`), expressions and places (`rules-oracle.test.ts`).
 */
import { describe, expect, it } from "vitest";
import { check } from "../../extension/language/server/rules/index.ts";
import { marked } from "./cursor.ts";

/** Findings as "line: code text", and what is expected of the marks. */
function compare(code: string, text: string, name: string): void {
  const { world, uri, parts } = marked(text, name);
  const file = world.file(uri);
  expect(file?.lines.flatMap(({ errors }) => errors)).toEqual([]);
  const found = file
    ? [...check(file, world)].flatMap((one) =>
        one
          ? [{ code: one.rule.code, line: one.finding.line, start: one.finding.start, end: one.finding.end }]
          : [],
      )
    : [];
  expect(found).toEqual(parts.map(({ line, start, end }) => ({ code, line, start, end })));
}

type Row = readonly [what: string, text: string];

function describeRule(code: string, name: string, rows: readonly Row[]): void {
  describe(`${code}, ${name}`, () => {
    it.each(rows)("%s", (_, text) => {
      compare(code, text, name);
    });
  });
}

describeRule("multiboot-checksum", "a.S", [
  ["a sum that is not zero", ".long 0x1badb002, 3, ⟦-(0x1badb002 + 2)⟧"],
  ["on three lines, with labels", "a: .long 0x1badb002\nb: .long 3\nc: .long ⟦-0x1badb002⟧"],
  ["and binds tighter than plus for GNU as", ".long 0x1badb002, 1 + 3 & 1, -(0x1badb002 + 1 + 3 & 1)"],
  ["a constant that is text", "#define FLAGS 3\n#define MAGIC 0x1BADB002\n.long MAGIC, FLAGS, ⟦-MAGIC⟧"],
  ["a name that nobody knows", ".long 0x1badb002, FLAGS, -(0x1badb002)"],
  ["a name that nobody knows, which cancels", ".long 0x1badb002, FLAGS, -(0x1badb002 + FLAGS)"],
  ["a name with two values", ".set F, 1\n.long 0x1badb002, F, -0x1badb002\n.set F, 2"],
  ["a list of magic numbers", ".long 0x1badb002, 0xe85250d6, 0x36d76289"],
  ["what a loader compares with", "cmpl $0x1badb002, (%edi)\n.long 5, 6"],
  ["in a branch", "#ifdef X\n.long 0x1badb002, 3, 0\n#endif"],
  ["in a macro", ".macro header flags\n.long 0x1badb002, \\flags, 0\n.endm"],
  [
    "a branch between",
    ".long 0x1badb002\n#ifdef X\n.long 1\n#else\n.long 3\n#endif\n.long -(0x1badb002 + 3)",
  ],
  [
    "the length in it is counted",
    "h: .long 0xe85250d6, 0, e - h, ⟦-(0xe85250d6 + 16)⟧\n.short 0, 0\n.long 8\ne:",
  ],
]);

describeRule("multiboot-checksum", "a.asm", [
  ["2 to the 32", "dd 0xE85250D6, 0, 24, 0x100000000 - (0xE85250D6 + 24)\ndw 0, 0\ndd 8"],
  ["equ", "FLAGS equ 1 ^ 2\nSUM equ -(0x1BADB002 + FLAGS)\ndd 0x1BADB002\ndd FLAGS\ndd SUM"],
  ["equ, wrong", "FLAGS equ 1 ^ 2\nSUM equ -(0x1BADB002 - FLAGS)\ndd 0x1BADB002\ndd FLAGS\ndd ⟦SUM⟧"],
  ["other ways to write numbers", "dd 1badb002h, 11b, ⟦0e4524ffeh⟧"],
]);

describeRule("multiboot-magic", "a.asm", [
  ["two digits", "section .multiboot\ndd ⟦0x1BADB020⟧, 0, -0x1BADB020"],
  ["reversed", "multiboot_header: dd ⟦0x02B0AD1B⟧, 0, 0"],
  ["quite another number", "section .multiboot_information\ndd 0x12345678, 0, 0"],
  ["what EAX is compared with", "multiboot_check: cmp eax, 0x2BADB002\nret"],
]);

describeRule("multiboot-flags", "a.S", [
  ["a bit that is not defined", ".long 0x1badb002, ⟦0x23⟧, -(0x1badb002 + 0x23)"],
  ["bits that a loader may ignore", ".long 0x1badb002, 0x20003, -(0x1badb002 + 0x20003)\n.text"],
  [
    "addresses are there",
    ".long 0x1badb002, 0x10003, -(0x1badb002 + 0x10003)\n.long header, start, edata, end, entry\n.text",
  ],
  ["who knows what a macro adds", ".long 0x1badb002, 0x10003, -(0x1badb002 + 0x10003)\naddresses"],
]);

describeRule("multiboot-alignment", "a.asm", [
  ["behind a byte", "section .boot align=8\ndb 1\ndd ⟦0x1BADB002⟧, 0, -0x1BADB002"],
  ["at the start of a section", "section .boot\ndd 0x1BADB002, 0, -0x1BADB002"],
  ["behind code", "section .boot\nnop\ndd 0x1BADB002, 0, -0x1BADB002"],
  ["behind code and a byte", "section .boot\nnop\nalign 4\ndb 0\ndd ⟦0x1BADB002⟧, 0, -0x1BADB002"],
  ["a section that begins anywhere", "section .boot\ndb 1\ndd 0x1BADB002, 0, -0x1BADB002"],
]);

describeRule("multiboot-position", "a.S", [
  ["behind 8 KiB", ".skip 8192\n.long ⟦0x1badb002⟧, 0, -0x1badb002"],
  ["the last place", ".skip 8180\n.long 0x1badb002, 0, -0x1badb002"],
  ["in another section", ".skip 8192\n.section .multiboot\n.long 0x1badb002, 0, -0x1badb002"],
  ["perhaps nothing before it", ".ifdef X\n.skip 8192\n.endif\n.long 0x1badb002, 0, -0x1badb002"],
  ["text and instructions", '.rept 2\nnop\n.endr\n.ascii "abc"\n.long 0x1badb002, 0, -0x1badb002'],
]);

const protect = "bits 16\nmov eax, cr0\nor al, 1\nmov cr0, eax\n";
describeRule("far-jump", "a.asm", [
  ["falls through", `${protect}bits 32\n⟦mov ax, 16⟧`],
  ["a label is no jump", `${protect}[bits 32]\nnext: ⟦mov ax, 16⟧`],
  ["a near jump to it", `${protect}⟦jmp next⟧\nbits 32\nnext: mov ax, 16`],
  ["a near jump first", `${protect}jmp short next\nnext: jmp 8:far\nbits 32\nfar: mov ax, 16`],
  ["a far jump", `${protect}jmp dword 8:next\nbits 32\nnext: mov ax, 16`],
  ["a far return", `${protect}push word 8\npush word next\nretf\nbits 32\nnext: mov ax, 16`],
  ["written as bytes", `${protect}db 0x66, 0xEA\ndd next\ndw 8\nbits 32\nnext: mov ax, 16`],
  ["by a macro", `%macro go 1\njmp 8:%1\n%endmacro\n${protect}go next\nbits 32\nnext: mov ax, 16`],
  ["by a function", `extern go\n${protect}call go\nbits 32\nmov ax, 16`],
  ["PE is not set", "bits 16\nmov eax, cr0\nand al, 0xFE\nmov cr0, eax\nbits 32\nmov ax, 16"],
  ["who knows what is set", "bits 16\nmov cr0, eax\nbits 32\nmov ax, 16"],
  ["unreal mode and back", `${protect}and al, 0xFE\nmov cr0, eax\nmov ax, 0`],
]);

describeRule("far-jump", "a.S", [
  ["long mode", ".code32\nmovl %cr0, %eax\nbtsl $31, %eax\nmovl %eax, %cr0\n.code64\n⟦xorl %eax, %eax⟧"],
  ["smsw and lmsw", ".code16\nmovl $1, %eax\nlmsw %ax\n.code32\n⟦movl $1, %eax⟧"],
  [
    "another section between",
    ".text\n.code16\nmovl %cr0, %eax\norl $1, %eax\nmovl %eax, %cr0\n.data\n.long 5\n.text\n.code32\n⟦nop⟧",
  ],
  ["in a macro", ".macro go\n.code16\nmovl $1, %eax\nmovl %eax, %cr0\n.code32\nnop\n.endm"],
]);

const long = "mov ecx, 0xC0000080\nrdmsr\nor eax, 0x100\nwrmsr\n";
const page = "mov eax, cr0\nor eax, 0x80000000\nmov cr0, eax\njmp 8:on\n";
const pae = "mov eax, cr4\nor eax, 0x20\nmov cr4, eax\n";
describeRule("pae-before-paging", "a.asm", [
  ["before both", `bits 32\n_start: ${pae}${long}${page}bits 64\non: nop`],
  ["between", `bits 32\n_start: ${long}${pae}${page}bits 64\non: nop`],
  ["never", `bits 32\n_start: ${long}${page.replace("mov cr0, eax", "⟦mov cr0, eax⟧")}bits 64\non: nop`],
  [
    "perhaps in another file",
    `bits 32\nextern prepare\n_start: call prepare\n${long}${page}bits 64\non: nop`,
  ],
  ["no file that begins", `bits 32\nlater: ${long}${page}bits 64\non: nop`],
  [
    "too late",
    `bits 32\nlater: ${long}${page.replace("mov cr0, eax\njmp 8:on", `⟦mov cr0, eax⟧\n${pae}jmp 8:on`)}bits 64\non: nop`,
  ],
  ["plain paging", `bits 32\n_start: ${page.replace("jmp 8:on\n", "ret")}`],
]);

describeRule("cr3-alignment", "a.asm", [
  ["a number", "bits 64\n⟦mov rax, 0x1234⟧\nmov cr3, rax"],
  ["PWT and PCD", "bits 64\nmov rax, 0x1018\nmov cr3, rax"],
  ["PAE's table of pointers", "bits 32\nmov eax, 0x1020\nmov cr3, eax"],
  ["PCIDs", "bits 64\nmov rax, cr4\nor rax, 1 << 17\nmov cr4, rax\nmov rax, 0x1001\nmov cr3, rax"],
  ["a label on a page", "bits 64\nmov rax, table\nmov cr3, rax\nsection .bss\nalign 4096\ntable: resb 4096"],
  [
    "a label behind something",
    "bits 64\n⟦mov rax, table⟧\nmov cr3, rax\nsection .bss\nalign 4096\nflag: resb 4\ntable: resb 4096",
  ],
  [
    "flags that are added to a label",
    "bits 64\nmov rax, table + 0x18\nmov cr3, rax\nsection .bss\nalign 4096\ntable: resb 4096",
  ],
  [
    "a label that may be anywhere",
    "bits 64\nmov rax, table\nmov cr3, rax\nsection .bss\nflag: resb 4\ntable: resb 4096",
  ],
  ["a register that has changed", "bits 64\nmov rax, 0x1234\nadd rax, rbx\nmov cr3, rax"],
]);

describeRule("table-limit", "a.S", [
  ["a size", "lgdt pointer\npointer: .word ⟦end - gdt⟧\n.long gdt\ngdt: .quad 0, 1\nend:"],
  ["less one", "lgdt pointer\npointer: .word end - gdt - 1\n.long gdt\ngdt: .quad 0, 1\nend:"],
  [
    "by a name",
    ".set SIZE, end - gdt\nlgdt pointer\ngdt: .quad 0, 1\nend:\npointer: .word ⟦SIZE⟧\n.long gdt",
  ],
  ["here less the start", "lgdt pointer\ngdt: .quad 0, 1\npointer: .word ⟦. - gdt⟧\n.long gdt"],
  ["numeric labels", "lgdt 3f\n1: .quad 0, 1\n2:\n3: .word ⟦2b - 1b⟧\n.long 1b"],
  ["RIP", ".code64\nlgdt pointer(%rip)\npointer: .word ⟦16⟧\n.quad gdt\ngdt: .quad 0, 1"],
  ["empty", "lidt pointer\npointer: .word 0\n.long 0"],
  ["not loaded", "pointer: .word end - gdt\n.long gdt\ngdt: .quad 0, 1\nend:"],
  ["filled in later", "lgdt pointer\npointer: .word end - gdt\n.long other\ngdt: .quad 0\nfoo\nend:"],
  ["another table", "lgdt (%eax)\npointer: .word 16\n.long gdt"],
]);

describeRule("gate-size", "a.asm", [
  ["half a gate", "bits 64\nlidt [p]\np: dw ⟦idt.end - idt - 1⟧\ndq idt\nidt: times 33 dq 0\n.end:"],
  ["256 of 8 bytes", "bits 64\nlidt [p]\np: dw ⟦8*256-1⟧\ndq idt\nsection .bss\nidt: resq 512"],
  ["128 of 16 bytes", "bits 64\nlidt [p]\np: dw 128*16-1\ndq idt\nsection .bss\nidt: resq 256"],
  ["256 of 16 bytes", "bits 64\nlidt [p]\np: dw 256*16-1\ndq idt\nsection .bss\nidt: resq 512"],
  ["none", "bits 64\nlidt [p]\np: dw 0\ndq 0"],
  ["a GDT", "bits 64\nlgdt [p]\np: dw 3*8-1\ndq gdt\ngdt: dq 0, 0, 0"],
  ["loaded by 32-bit code", "bits 32\nlidt [p]\np: dw 256*8-1\ndd idt\nsection .bss\nidt: resq 256"],
  ["a limit that nobody knows", "bits 64\nlidt [p]\np: dw LIMIT\ndq idt\nidt: times 33 dq 0"],
]);

describeRule("table-pointer", "a.asm", [
  ["4 bytes in 64-bit code", "bits 64\nlidt [pointer]\npointer: dw 4095\n⟦dd⟧ idt\nidt: dq 1"],
  ["4 bytes and zeros", "bits 64\nlidt [pointer]\npointer: dw 4095\ndd idt, 0\nidt: dq 1"],
  ["4 bytes and padding", "bits 64\nlidt [pointer]\npointer: dw 4095\ndd idt\nalign 8\nidt: dq 1"],
  ["4 bytes in 32-bit code", "bits 32\nlidt [pointer]\npointer: dw 4095\ndd idt\nidt: dq 1"],
  ["8 bytes in 32-bit code", "bits 32\nlidt [pointer]\npointer: dw 4095\ndq idt\nidt: dq 1"],
  ["nobody knows the width", "lidt [pointer]\npointer: dw 4095\ndd idt\nidt: dq 1"],
]);

describeRule("instruction-mode", "a.S", [
  ["gone in 64-bit code", ".code64\n⟦pusha⟧\n⟦aaa⟧\n⟦lds⟧ (%rax), %eax\n⟦into⟧"],
  [
    "not yet there",
    ".code32\nmov %⟦rax⟧, %rbx\n⟦syscall⟧\n⟦swapgs⟧\nmov %cr0, %eax".replace("⟦syscall⟧", "cpuid"),
  ],
  ["nothing says how wide code is", "pusha\nmovq %rax, %rbx"],
  ["a macro may have changed it", ".macro wide\n.code64\n.endm\n.code32\nwide\nmovq %rax, %rbx"],
  ["nobody knows the macro", ".code32\nwide\nmovq %rax, %rbx"],
  ["it is told again", ".code32\nwide\n.code32\nmovq %⟦rax⟧, %rbx"],
  ["in a macro", ".code32\n.macro m\nmovq %rax, %rbx\n.endm"],
  ["a mnemonic that is a macro", ".macro pusha\npush %rax\n.endm\n.code64\npusha"],
  ["a parameter", ".code64\n#define SAVE(r) push r\nSAVE(%eax)\npush %rax"],
  ["branches of different widths", "#ifdef X\n.code64\n#else\n.code32\n#endif\nmovq %rax, %rbx"],
  [
    "everything in its place",
    ".code16\npusha\nmovl %eax, (%bx,%si)\nljmp $8, $0\n.code64\nmovq %r8, %cr8\nlea (%rip), %rax",
  ],
]);

describeRule("instruction-mode", "a.asm", [
  ["registers", "bits 32\nmov ⟦r8⟧, 1\nmov ⟦sil⟧, al"],
  ["addresses", "bits 64\n⟦mov⟧ ax, [bx]\nmov eax, [ebx]"],
  ["segments", "bits 64\n⟦push⟧ ds\npush fs\npop gs"],
  ["a block that says its own", "bits 64\npush rax\nbits 16\npusha\nbits 32\npushad"],
]);

describeRule("iret-width", "a.S", [
  ["64-bit code", ".code64\n⟦iret⟧"],
  ["said", ".code64\niretq\niretl\niretw"],
  ["32-bit code", ".code32\niret"],
  ["nobody knows", "iret"],
]);

describeRule("stack-balance", "a.asm", [
  ["one left", "bits 64\nglobal f\nf: push rbx\nmov rbx, rdi\nlea rax, [rbx + 1]\n⟦ret⟧"],
  ["one too many", "bits 64\nglobal f\nf: push rbx\nmov rbx, rdi\npop rbx\n⟦pop rbp⟧\nret"],
  ["push and ret is a jump", "bits 64\nglobal f\nf: push rax\nret"],
  ["a saved register as a jump", "bits 64\nglobal f\nf: mov rbx, rdi\npush rbx\nret"],
  ["the caller's return address is dropped", "bits 64\nglobal f\nf: pop rax\nret"],
  ["a frame", "bits 64\nglobal f\nf: push rbp\nmov rbp, rsp\npush rbx\nmov rbx, 1\nleave\nret"],
  ["no function", "bits 64\nf: push rbx\nmov rbx, 1\nret"],
  ["a function of C between", "bits 64\nglobal f\nextern g\nf: push rbx\nmov rbx, rdi\ncall g\n⟦ret⟧"],
  [
    "a function of its own between",
    "bits 64\nglobal f\ng: pop rax\njmp rax\nf: push rbx\nmov rbx, rdi\ncall g\nret",
  ],
  ["a jump between", "bits 64\nglobal f\nf: push rbx\nmov rbx, rdi\njz .out\npop rbx\n.out: ret"],
  ["arguments", "bits 32\nglobal f\nf: push ebx\nmov ebx, 1\nret 4"],
]);

describeRule("boot-sector", "a.asm", [
  ["not 0x7C00", "org 0x8000\ntimes 510 - ($ - $$) db 0"],
  [
    "a second stage",
    "org 0x7C00\nbits 16\nnop\ntimes 510 - ($ - $$) db 0\ndw 0xAA55\ntimes 1024 - ($ - $$) db 0",
  ],
  ["as bytes", "org 0x7C00\ntimes 510 - ($ - $$) db 0\ndb 0x55, 0xAA"],
  ["partitions first", "org 0x7C00\ntimes 446 - ($ - $$) db 0\ntimes 64 db 0\ndw 0xAA55"],
  ["signature by a name", "org 0x7C00\nSIGNATURE equ 0x55AA\ntimes 510 - ($ - $$) db 0\ndw ⟦SIGNATURE⟧"],
  [
    "too long",
    "org 0x7C00\ntimes 511 nop\n⟦times 510 - ($ - $$)⟧ db 0\ndw 0xAA55".replace(
      "times 511 nop",
      "times 511 db 0x90",
    ),
  ],
  ["from a file", 'org 0x7C00\n%include "nowhere.inc"\ntimes 510 - ($ - $$) db 0'],
]);

describeRule("undefined-symbol", "a.asm", [
  ["nowhere", "mov eax, ⟦nothing⟧\njmp ⟦.here⟧"],
  ["elsewhere", "extern other\nmov eax, other\ncall own\nown: ret"],
  ["a local label of another", "a: nop\n.x: nop\nb: jmp ⟦.x⟧\njmp a.x"],
  ["from the command line", "mov eax, SECTORS"],
  ["by a macro", "%macro define 1\n%1: dd 0\n%endmacro\ndefine value\nmov eax, [value]"],
  ["in a file that is not known", '%include "nowhere.inc"\nmov eax, nothing'],
  ["in a branch", "%ifdef X\nmov eax, nothing\n%endif"],
  ["any case", "%idefine Count 5\nmov eax, count"],
  [
    "a structure",
    "struc point\n.x: resd 1\n.y: resd 1\nendstruc\nmov eax, [ebx + point.y]\nmov ecx, point_size",
  ],
]);

describeRule("undefined-symbol", "a.S", [
  ["no label behind", "1: nop\njmp ⟦1f⟧"],
  ["no label before", "jmp ⟦2b⟧\n2: nop"],
  ["on the same line", "jmp 1f; 1: nop"],
  ["local to the file", "call ⟦.Lnothing⟧\ncall nothing"],
  ["by a macro", ".macro label n\n\\n: nop\n.endm\nlabel 1\njmp 1f\nlabel 1"],
  ["repeated", ".rept 3\n1: nop\n.endr\njmp 1b"],
]);

describeRule("undefined-symbol", "a.inc", [["a file for others to include", "mov eax, nothing"]]);

describeRule("duplicate-label", "a.S", [
  ["twice", "a: nop\n⟦a⟧: nop"],
  ["numeric ones", "1: nop\n1: nop"],
  ["either", "#ifdef X\na: nop\n#else\na: nop\n#endif"],
  ["in a macro", ".macro m\na: nop\n.endm\na: nop"],
  ["common", ".comm a, 4\na: .long 0"],
  ["repeated", ".rept 2\na\\@: nop\n.endr"],
]);

describeRule("duplicate-label", "a.asm", [
  ["local ones of one label", "a: nop\n.x: nop\n⟦.x⟧: nop"],
  ["local ones of two labels", "a: nop\n.x: nop\nb: nop\n.x: nop"],
  ["of a macro", "%macro m 0\n%%x: nop\n%%x: nop\n%endmacro"],
]);

describe("silence", () => {
  it.each([
    ["on the line", "bits 64\niret ; redzone: ignore iret-width"],
    ["on the line before", "bits 64\n; redzone: ignore iret-width\niret"],
    ["one of several", "bits 64\niret ; redzone: ignore pusha, iret-width"],
  ])("%s", (_, text) => {
    compare("iret-width", text, "a.asm");
  });
  it.each([
    ["another rule's", "bits 64\n⟦iret⟧ ; redzone: ignore far-jump"],
    ["two lines before", "bits 64\n; redzone: ignore iret-width\nnop\n⟦iret⟧"],
    ["another word", "bits 64\n⟦iret⟧ ; ignore iret-width"],
  ])("is not %s", (_, text) => {
    compare("iret-width", text, "a.asm");
  });
});

it("says nothing of a file that is written for another assembler", () => {
  const text = Array.from({ length: 20 }, () => "    = <>\na: nop").join("\n");
  const { world, uri } = marked(text, "a.asm");
  const file = world.file(uri);
  expect(file ? [...check(file, world)] : []).toEqual([]);
});
