/* Multiboot 2: an end tag without a size. */
        .section .multiboot, "a"
        .balign 8
header:
        .long   0xe85250d6, 0, header_end - header
        .long   -(0xe85250d6 + (header_end - header))
        .short  6, 0                    # modules on page boundaries
        .long   8
        .short  0, 0
        .long   8
header_end:

        .text
        .code32
        .globl  _start
_start:
        cli
1:
        hlt
        jmp     1b

        .section .note.GNU-stack, "", @progbits
