/* swapgs in 32-bit code. */
        .code32
        .text
        .globl  load_base
load_base:
        swapgs
/* finding: instruction-mode "swapgs" */
        movl    $0xc0000101, %ecx
        wrmsr
        ret

        .section .note.GNU-stack, "", @progbits
