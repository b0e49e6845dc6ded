/* An IDT of 256 gates for 32-bit code in 64-bit code. */
        .intel_syntax noprefix
        .code64
        .text
        .globl  load_tables, timer, checksum
load_tables:
        lgdt    [rip + gdt_pointer]
        lidt    [rip + idt_pointer]
        ret

timer:
        push    rax
        push    rdx
        inc     qword ptr [rip + ticks]
        mov     al, 0x20
        out     0x20, al
        pop     rdx
        pop     rax
        iretq

checksum:
        push    rbx
        push    rbp
        mov     rbx, [rdi]
        mov     rbp, [rdi + 8]
        add     rbx, rbp
        adc     rbx, 0
        mov     rax, rbx
        pop     rbp
        pop     rbx
        ret

        .data
        .balign 8
ticks:
        .quad   0
gdt:
        .quad   0
        .quad   0x00af9a000000ffff
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .quad   gdt
idt_pointer:
        .word   256 * 8 - 1
/* finding: gate-size "256 * 8 - 1" (fix) */
        .quad   idt

        .bss
        .balign 16
idt:
        .skip   256 * 16

        .section .note.GNU-stack, "", @progbits
