/*
 * The chainloader's first instructions: a Multiboot 1 header, a stack, and the call into C.
 * State on entry (Multiboot 1, section 3.2): 32-bit protected mode, no paging, EAX = magic, EBX = boot information.
 */
        .set    MAGIC, 0x1badb002
        .set    FLAGS, 1 << 0 | 1 << 1          # modules on page boundaries, memory information

        .section .multiboot, "a"
        .balign 4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .section .text.start, "ax"
        .globl  _start
        .type   _start, @function
_start:
        movl    $stack_top, %esp
        xorl    %ebp, %ebp                      # the end of the chain of frames
        pushl   %ebx                            # information
        pushl   %eax                            # magic
        call    chainload
1:      cli
        hlt
        jmp     1b
        .size   _start, . - _start

        .bss
        .balign 16
        .skip   4096
stack_top:

        .section .note.GNU-stack, "", @progbits
