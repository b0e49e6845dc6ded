/* A near jump into 32-bit code. */
        .code16
        .text
        .globl  _start
_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x7c00, %sp
        lgdt    gdt_pointer
        movl    %cr0, %eax
        orl     $1, %eax                # PE
        movl    %eax, %cr0
        ljmp    $8, $protected

        .code32
protected:
        movw    $16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $0x7c00, %esp
        movw    $0x3f8, %dx
        movb    $'K', %al
        outb    %al, %dx
halt:
        hlt
        jmp     halt

        .balign 8
gdt:
        .quad   0
        .quad   0x00cf9a000000ffff      # code
        .quad   0x00cf92000000ffff      # data
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        .code16
        .org    510
        .word   0xaa55
