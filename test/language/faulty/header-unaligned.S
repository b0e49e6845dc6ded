/* A byte before the header. */
        .set    MAGIC, 0x1badb002
        .set    FLAGS, 1 << 0 | 1 << 1
        .set    EFER, 0xc0000080

        .section .multiboot, "a"
        .balign 4
        .byte   1                       # version of our own boot information
multiboot_header:
        .long   MAGIC
/* finding: multiboot-alignment "MAGIC" (fix) */
        .long   FLAGS
        .long   -(MAGIC + FLAGS)

        .text
        .code32
        .globl  _start
_start:
        movl    $stack_top, %esp
        movl    $pointers + 3, pml4
        movl    $directory + 3, pointers
        xorl    %ecx, %ecx
1:
        movl    %ecx, %eax
        shll    $21, %eax
        orl     $0x83, %eax             # present, writable, 2 MiB
        movl    %eax, directory(, %ecx, 8)
        incl    %ecx
        cmpl    $512, %ecx
        jne     1b

        movl    %cr4, %eax
        orl     $1 << 5, %eax           # PAE
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $EFER, %ecx
        rdmsr
        orl     $1 << 8, %eax           # LME
        wrmsr
        movl    %cr0, %eax
        orl     $1 << 31, %eax          # PG
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $8, $long_mode

        .code64
long_mode:
        xorl    %eax, %eax
        movw    %ax, %ss
        movw    %ax, %ds
        movw    %ax, %es
        movw    $0x3f8, %dx
        movb    $'K', %al
        outb    %al, %dx
2:
        cli
        hlt
        jmp     2b

        .section .rodata, "a"
        .balign 8
gdt:
        .quad   0
        .quad   0x00af9a000000ffff      # 64-bit code
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        .bss
        .balign 4096
pml4:
        .skip   4096
pointers:
        .skip   4096
directory:
        .skip   4096
        .skip   4096
stack_top:

        .section .note.GNU-stack, "", @progbits
