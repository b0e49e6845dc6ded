/**
 * Entries for exceptions and interrupts, which leave every register as it was.
 *
 * In 64-bit mode the processor aligns the stack to 16 before it pushes: five words, fifteen registers and, of exceptions, the error code and the vector make
 * 16-byte multiples again, so that C can be called.
 * Source: Intel SDM, volume 3, 6.13 "Error Code", 6.14.2 "64-Bit Mode Stack Frame", table 6-1 for vectors with an error code.
 */
import type { Snippet } from "../snippet.ts";

const low = "a b c d".split(" ").map((name) => `r${name}x`);
const saved64 = [...low, "rsi", "rdi", "rbp", ...Array.from({ length: 8 }, (_, number) => `r${number + 8}`)];

const lines = (mnemonic: string, registers: readonly string[]): string =>
  registers.map((register) => `    ${mnemonic} ${register}\n`).join("");

const att = (registers: readonly string[]): readonly string[] => registers.map((register) => `%${register}`);

const save64 = { att: lines("pushq", att(saved64)), intel: lines("push", saved64) };
const restore64 = {
  att: lines("popq", att(saved64.toReversed())),
  intel: lines("pop", saved64.toReversed()),
};

const vectors = Array.from({ length: 32 }, (_, number) => number).join(", ");
const hasCode = (name: string, or: string): string =>
  [8, 10, 11, 12, 13, 14, 17, 21, 29, 30].map((vector) => `${name} == ${vector}`).join(` ${or} `);

/** "word" is the width of a table's entry. */
const stubsGas = (zero: string, vector: string, word: string): string => String.raw`    .pushsection .rodata
exception_table:                            # addresses of the stubs, for the gates of the IDT
    .popsection
    .irp vector, ${vectors}
exception_\vector:
    .ifeq ${hasCode(String.raw`\vector`, "||")}
    ${zero}                                 # in place of the error code that the processor does not push
    .endif
    ${vector}
    jmp exception_common
    .pushsection .rodata
    ${word} exception_\vector
    .popsection
    .endr
`;

const stubsNasm = (word: string): string => `\
section .rodata
exception_table:                            ; addresses of the stubs, for the gates of the IDT
section .text
%assign vector 0
%rep 32
exception_%+ vector:
  %ifn ${hasCode("vector", "||")}
    push 0                                  ; in place of the error code that the processor does not push
  %endif
    push vector
    jmp exception_common
[section .rodata]
    ${word} exception_%+ vector
section .text
%assign vector vector + 1
%endrep
`;

const exceptions64att = `\
${stubsGas("pushq $0", String.raw`pushq $\vector`, ".quad")}
exception_common:
${save64.att}    cld
    movq %rsp, %rdi                         # registers, vector, error code, rip, cs, rflags, rsp, ss
    call «1:exception_handler»
${restore64.att}    addq $16, %rsp                          # vector and error code
    iretq
«0»`;

const exceptions64intel = `\
${stubsGas("push 0", String.raw`push \vector`, ".quad")}
exception_common:
${save64.intel}    cld
    mov rdi, rsp                            # registers, vector, error code, rip, cs, rflags, rsp, ss
    call «1:exception_handler»
${restore64.intel}    add rsp, 16                             # vector and error code
    iretq
«0»`;

const exceptions64nasm = `\
extern «1:exception_handler»
${stubsNasm("dq")}
exception_common:
${save64.intel}    cld
    mov rdi, rsp                            ; registers, vector, error code, rip, cs, rflags, rsp, ss
    call «1»
${restore64.intel}    add rsp, 16                             ; vector and error code
    iretq
«0»`;

const exceptions32att = `\
${stubsGas("pushl $0", String.raw`pushl $\vector`, ".long")}
exception_common:
    pushal
    cld
    movl %esp, %eax
    pushl %eax                              # registers, vector, error code, eip, cs, eflags
    call «1:exception_handler»
    addl $4, %esp
    popal
    addl $8, %esp                           # vector and error code
    iretl
«0»`;

const exceptions32intel = `\
${stubsGas("push 0", String.raw`push \vector`, ".long")}
exception_common:
    pushad
    cld
    mov eax, esp
    push eax                                # registers, vector, error code, eip, cs, eflags
    call «1:exception_handler»
    add esp, 4
    popad
    add esp, 8                              # vector and error code
    iretd
«0»`;

const exceptions32nasm = `\
extern «1:exception_handler»
${stubsNasm("dd")}
exception_common:
    pushad
    cld
    mov eax, esp
    push eax                                ; registers, vector, error code, eip, cs, eflags
    call «1»
    add esp, 4
    popad
    add esp, 8                              ; vector and error code
    iretd
«0»`;

const interrupt64 = (kind: "att" | "intel"): string => `\
«1:interrupt_handler»:
${save64[kind]}    cld
«0»${restore64[kind]}    iretq
`;

export const interrupts: readonly Snippet[] = [
  {
    name: "exceptions",
    title: "Stubs for exceptions 0 to 31, 32-bit",
    description:
      "A stub for each vector pushes 0 where the processor pushes no error code, then the vector; all of them save the registers and call `exception_handler(frame)`. `exception_table` has their addresses for the IDT. Segment registers stay as they are: kernel code with flat segments.",
    bits: [32],
    texts: { att: exceptions32att, intel: exceptions32intel, nasm: exceptions32nasm },
  },
  {
    name: "exceptions64",
    title: "Stubs for exceptions 0 to 31, 64-bit",
    description:
      "A stub for each vector pushes 0 where the processor pushes no error code, then the vector; all of them save the registers and call `exception_handler(frame)` with the stack aligned. `exception_table` has their addresses for the IDT. A kernel that uses `gs` adds `swapgs` for exceptions of user code.",
    bits: [64],
    texts: { att: exceptions64att, intel: exceptions64intel, nasm: exceptions64nasm },
  },
  {
    name: "interrupt64",
    title: "Interrupt handler that saves all registers",
    description:
      "Pushes all general registers, clears the direction flag, and restores everything before `iretq`. For interrupts that push no error code; the stack is aligned for calls of C. C code must be compiled with `-mgeneral-regs-only` or save the SSE state itself, and a device's interrupt needs its end-of-interrupt.",
    bits: [64],
    texts: { att: interrupt64("att"), intel: interrupt64("intel"), nasm: interrupt64("intel") },
  },
];
