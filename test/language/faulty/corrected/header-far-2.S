/* Multiboot 2: the header lies beyond the first 32 KiB. */
        .section .multiboot, "a"
        .balign 8
header:
        .long   0xe85250d6, 0, header_end - header
        .long   -(0xe85250d6 + (header_end - header))
        .short  0, 0
        .long   8
header_end:
logo:
        .fill   40000, 1, 0x20

        .text
        .code32
        .globl  _start
_start:
        cli
1:
        hlt
        jmp     1b

        .section .note.GNU-stack, "", @progbits
