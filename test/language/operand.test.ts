/** Operands as expressions: what the debugger's hover evaluates, as text, and as the adapter reads it in a machine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operandAt } from "../../extension/language/server/features/operand.ts";
import { Client } from "../adapter/client.ts";
import { marked } from "./cursor.ts";
import { buildKernel, hasTools, type Kernel } from "./kernel.ts";

/** What is under the cursor and its expression. */
function at(text: string, name: string): string | null {
  const { world, uri, position } = marked(text, name);
  const found = operandAt(world, uri, position);
  const line = world.file(uri)?.lines[position.line]?.text ?? "";
  return found && `${line.slice(found.start, found.end)} → ${found.expression}`;
}

describe("an operand in AT&T syntax", () => {
  it.each([
    ["mov %r|ax, %rbx", "%rax → $rax"],
    ["mov |%rax, %rbx", "%rax → $rax"],
    ["mov %rax, %rb|x", "%rbx → $rbx"],
    ["movl 8|(%rsp,%rax,4), %ecx", "8(%rsp,%rax,4) → *(unsigned int*)($rsp + $rax*4 + 8),x"],
    ["movl 8(%rsp,%r|ax,4), %ecx", "%rax → $rax"],
    ["movq -8(%rbp|), %rcx", "-8(%rbp) → (void*)*(unsigned long long*)($rbp - 8)"],
    ["movq |-8(%rbp), %rcx", "-8(%rbp) → (void*)*(unsigned long long*)($rbp - 8)"],
    ["movb %al, |(%rdi)", "(%rdi) → *(unsigned char*)($rdi),x"],
    ["movw $5, |2(,%rcx,8)", "2(,%rcx,8) → *(unsigned short*)($rcx*8 + 2),x"],
    ["movzbl |3(%rsi), %eax", "3(%rsi) → *(unsigned char*)($rsi + 3),x"],
    [
      "incl cou|nter(%rip)\ncounter: .long 0",
      "counter(%rip) → *(unsigned int*)((unsigned long long)&counter),x",
    ],
    ["movq %gs:|0x28, %rax", "%gs:0x28 → (void*)*(unsigned long long*)($gs:(0x28))"],
    ["leaq |16(%rsp), %rax", "16(%rsp) → (void*)($rsp + 0x10)"],
    [
      "call *|table(,%rax,8)",
      "*table(,%rax,8) → (void*)*(unsigned long long*)($rax*8 + (unsigned long long)&table)",
    ],
    ["jmp *|%rax", "*%rax → $rax"],
    ["call hand|ler\nhandler: ret", "handler → &handler"],
    ["mov $sta|ck, %rsp\nstack: .quad 0", "$stack → &stack"],
    [
      "#define OFFSET 8\nmovq OFFSET|+8(%rdi), %rax",
      "OFFSET+8(%rdi) → (void*)*(unsigned long long*)($rdi + (8)+8)",
    ],
    [".set A, 4\n.set B, A*2\nmovl |B(%rdi), %eax", "B(%rdi) → *(unsigned int*)($rdi + ((4)*2)),x"],
    ["fldt |(%rax)", "(%rax) → (unsigned char[10])*(unsigned char*)($rax),x"],
    ["movaps |(%rax), %xmm0", "(%rax) → (unsigned char[16])*(unsigned char*)($rax),x"],
    ["movaps (%rax), %xmm|0", "%xmm0 → $xmm0"],
    ["la|bel: ret", "label → &label"],
    [".quad la|bel\nlabel: ret", "label → &label"],
  ])("%s", (text, expected) => {
    expect(at(`.code64\n${text}`, "file.S")).toBe(expected);
  });

  it.each([
    [
      "the segment of the stack",
      ".code32\nmovl |8(%ebp), %eax",
      "8(%ebp) → (void*)*(unsigned int*)($ss:($ebp + 8))",
    ],
    [
      "the segment of data",
      ".code16\nmovw |4(%bx,%si), %ax",
      "4(%bx,%si) → *(unsigned short*)($ds:($bx + $si + 4)),x",
    ],
    ["a segment of its own", ".code16\nmovb %es:|(%di), %al", "%es:(%di) → *(unsigned char*)($es:($di)),x"],
    [
      "a plain address",
      ".code32\nmovl |value, %eax\nvalue: .long 0",
      "value → (void*)*(unsigned int*)($ds:((unsigned long long)&value))",
    ],
  ])("in other modes: %s", (_, text, expected) => {
    expect(at(text, "file.S")).toBe(expected);
  });

  it.each([
    ["a constant", ".set A, 4\nmov $|A, %eax"],
    ["a number", "mov $|5, %eax"],
    ["a constant in data", ".set A, 4\n.long |A"],
    ["a mnemonic", "m|ov %eax, %ebx"],
    ["a macro's call", ".macro two\n.endm\nt|wo"],
    ["a parameter", ".macro two a\nmov |\\a(%rax), %ebx\n.endm"],
    ["a width that nothing tells", "movq |8(%rip), %rax"],
    ["a word that may be anything", "mov |foo@GOTPCREL(%rip), %rax"],
    ["a comment", "nop # e|ax"],
    ["a numeric label", "1: jmp 1|b"],
    ["the name of a directive", ".glo|bl main"],
  ])("has no expression for %s", (_, text) => {
    expect(at(`.code64\n${text}`, "file.S")).toBeNull();
  });
});

describe("an operand in Intel syntax", () => {
  it.each([
    ["mov rax, [rbx|+8]", "[rbx+8] → (void*)*(unsigned long long*)($rbx + 8)"],
    ["mov rax, [r|bx+8]", "rbx → $rbx"],
    ["inc dword |[rsi + rcx*4 - 16]", "dword [rsi + rcx*4 - 16] → *(unsigned int*)($rsi + $rcx*4 - 0x10),x"],
    ["mov al, |[fs:0]", "[fs:0] → *(unsigned char*)($fs:(0)),x"],
    ["mov eax, |[rel value]\nvalue: dd 0", "[rel value] → *(unsigned int*)((unsigned long long)&value),x"],
    ["lea rdi, |[value]\nvalue: dd 0", "[value] → (void*)((unsigned long long)&value)"],
    ["mov rdi, val|ue\nvalue: dd 0", "value → &value"],
    ["%define OFF 0x10\nmov eax, |[rdi+OFF]", "[rdi+OFF] → *(unsigned int*)($rdi + (0x10)),x"],
    ["movzx eax, byte |[rsi]", "byte [rsi] → *(unsigned char*)($rsi),x"],
    ["push qword |[rsp+8]", "qword [rsp+8] → (void*)*(unsigned long long*)($rsp + 8)"],
    ["mov r8|d, 5", "r8d → $r8d"],
  ])("%s", (text, expected) => {
    expect(at(`bits 64\n${text}`, "file.asm")).toBe(expected);
  });

  it("of GNU as", () => {
    const start = ".code64\n.intel_syntax noprefix\n";
    expect(at(`${start}mov eax, dword ptr |[rbx+8]`, "file.s")).toMatch(
      /→ \*\(unsigned int\*\)\(\$rbx \+ 8\),x$/,
    );
    expect(at(`${start}mov rax, qword ptr fs:|[0]`, "file.s")).toMatch(/→ .*\$fs:\(0\)\)$/);
  });
});

const source = `        .code32
        .globl  _start
        .section .boot, "ax"
        .long   0x1badb002, 0, -0x1badb002
        .text
_start: movl    $stack, %esp
        movl    $table, %ebx
        movl    $2, %ecx
        pushl   $0x1234
        movl    table(,%ecx,4), %eax
        movzwl  4(%ebx), %edx
        movb    (%ebx,%ecx,2), %al
        fldt    wide
        lgdt    pointer
        leal    8(%ebx), %edi
        pushl   4(%esp)
stop:   hlt
        jmp     stop
        .data
table:  .long   0x11111111, 0x2222beef, 0x33333333
wide:   .byte   1, 2, 3, 4, 5, 6, 7, 8, 9, 10
pointer: .word  0x17
        .long   0x200000
        .skip   256
stack:  .long   0, 0x5678
`;

describe.runIf(hasTools)("as the adapter reads it", { timeout: 120_000 }, () => {
  let kernel: Kernel;
  const client = new Client(60_000);
  beforeAll(async () => {
    const script =
      "ENTRY(_start) SECTIONS { . = 0x100000; .boot : { *(.boot) } .text : { *(.text) } .data : { *(.data) } }\n";
    kernel = buildKernel({ "boot.s": source, "boot.ld": script }, 32);
    await client.launch({ kernel: kernel.path });
    await client.stopped();
    const stop = kernel.built.symbols.get("stop")!.address;
    await client.request("redzone/runTo", { address: stop });
    const stopped = await client.stopped();
    expect(stopped.reason).toBe("goto");
  }, 120_000);
  afterAll(async () => {
    await client.respond("disconnect");
    kernel?.remove();
  });

  it.each([
    ["table(", /^0x33333333\b/],
    ["4(%ebx), %edx", /^0xbeef$/],
    ["(%ebx,%ecx,2)", /^0xef$/],
    ["wide\n", /^.*0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa/],
    ["pointer\n", /0x17, 0x0, 0x0, 0x0, 0x20, 0x0/],
    ["8(%ebx)", /^0x[0-9a-f]+ <table\+0x8>|^0x[0-9a-f]+/],
    ["%edi", /^0x[0-9a-f]+/],
    ["stop\n", /<stop>/],
  ])("%s", async (text, expected) => {
    const offset = source.indexOf(text);
    const before = source.slice(0, offset).split("\n");
    const position = { line: before.length - 1, column: before.at(-1)!.length };
    const found = operandAt(kernel.world, kernel.uri("boot.s"), position);
    expect(found).not.toBeNull();
    const { stackFrames } = await client.request("stackTrace", { threadId: 1 });
    const answer = await client.request("evaluate", {
      expression: found!.expression,
      context: "hover",
      frameId: stackFrames[0]!.id,
    });
    expect(answer.result).toMatch(expected);
  });

  it("runs to a place that was reached before only if it is reached again, and stops at breakpoints on the way", async () => {
    const stop = kernel.built.symbols.get("stop")!.address;
    await client.request("setInstructionBreakpoints", {
      breakpoints: [{ instructionReference: `0x${(BigInt(stop) + 1n).toString(16)}` }],
    });
    await client.request("redzone/runTo", { address: stop });
    await client.event("continued");
    // The machine halts for good; the user pauses it.
    const stopped = await client.stopped();
    expect(stopped.description).toMatch(/Halted for good|instruction breakpoint/);
  });
});
