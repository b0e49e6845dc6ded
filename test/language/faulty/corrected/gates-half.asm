; 33 gates, as many as 32-bit code would have room for.
bits 64
section .text
global load_tables, breakpoint
load_tables:
        lidt [rel idt_pointer]
        ret

breakpoint:
        push rax
        mov al, '!'
        out 0xE9, al
        pop rax
        iretq

section .data
align 8
idt_pointer:
        dw 33 * 16 - 1
        dq idt

section .bss
alignb 16
idt:
        resb 33 * 16
