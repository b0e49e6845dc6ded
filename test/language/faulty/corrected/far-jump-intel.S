/* lmsw without a far jump. */
        .intel_syntax noprefix
        .code16
        .text
        .globl  enter_protected
enter_protected:
        cli
        lgdt    [gdt_pointer]
        smsw    ax
        or      ax, 1
        lmsw    ax
        jmp     8:protected

        .code32
protected:
        mov     ax, 16
        mov     ds, ax
1:
        hlt
        jmp     1b

        .balign 8
gdt:
        .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        .section .note.GNU-stack, "", @progbits
