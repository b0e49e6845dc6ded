/* swapgs in 32-bit code. */
        .code32
        .text
        .globl  load_base
load_base:
        movl    $0xc0000101, %ecx
        wrmsr
        ret

        .section .note.GNU-stack, "", @progbits
