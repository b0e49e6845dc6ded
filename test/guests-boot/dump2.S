/* Prints the information structure of Multiboot 2 as it is, in hexadecimal on COM1, and leaves by isa-debug-exit. ELF64 with 32-bit code. */
        .set    MAGIC, 0xe85250d6
        .set    COM1, 0x3f8

        .section .multiboot, "a"
        .balign 8
header: .long   MAGIC, 0, header_end - header, -(MAGIC + (header_end - header))
        .short  1, 0                            # information request: command line, map, ELF sections
        .long   20, 1, 6, 9
        .balign 8
        .short  6, 0                            # modules on page boundaries
        .long   8
        .short  0, 0
        .long   8
header_end:

        .section .text, "ax"
        .code32
        .globl  _start
_start:
        movl    $stack_top, %esp
        movl    %ebx, %ebp
        call    hex32                           # EAX
        movl    %ebp, %eax
        call    hex32
        movl    %ebp, %esi
        movl    (%ebp), %ecx                    # total_size
1:      lodsb
        movb    %al, %ah
        shrb    $4, %al
        movzbl  %al, %edx
        movb    digits(%edx), %al
        call    put
        movb    %ah, %al
        andl    $15, %eax
        movb    digits(%eax), %al
        call    put
        loop    1b
        movb    $0, %al
        outb    %al, $0xf4
1:      cli
        hlt
        jmp     1b

put:    movw    $COM1, %dx
        outb    %al, %dx
        ret

hex32:  movl    $8, %ecx
1:      roll    $4, %eax
        pushl   %eax
        andl    $15, %eax
        movb    digits(%eax), %al
        call    put
        popl    %eax
        loop    1b
        movb    $' ', %al
        jmp     put

        .section .rodata, "a"
digits: .ascii  "0123456789abcdef"

        .bss
        .skip   1024
stack_top:

        .section .note.GNU-stack, "", @progbits
