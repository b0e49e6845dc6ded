/*
 * The beginning of kernel.c: from Multiboot's 32-bit mode to 64-bit code, one GiB mapped as it is, a TSS with a stack for IST 1 and one for IST 2, and the two
 * ways in: a timer interrupt and whatever else is tried.
 *
 * SKIP makes the timer's handler step over 128 bytes first, which is what people try.
 */
        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 0, -0x1badb002

        .bss
        .balign 4096
p4:     .skip   4096
p3:     .skip   4096
p2:     .skip   4096
        .skip   16384
stack:  .skip   4096
ist1:   .skip   4096
ist2:
tss:    .skip   104

        .data
        .balign 16
        .globl  gdt
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_tss:
        .quad   0, 0
gdt_pointer:
        .word   . - gdt - 1
        .quad   gdt

        .text
        .code32
        .globl  start
start:
        movl    $p3 + 3, p4
        movl    $p2 + 3, p3
        xorl    %ecx, %ecx
1:      movl    %ecx, %eax
        shll    $21, %eax
        orl     $0x83, %eax
        movl    %eax, p2(, %ecx, 8)
        incl    %ecx
        cmpl    $512, %ecx
        jb      1b
        movl    $p4, %eax
        movl    %eax, %cr3
        movl    $0x20, %eax
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx
        rdmsr
        btsl    $8, %eax
        wrmsr
        movl    $0x80000011, %eax
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $8, $start64

        .code64
start64:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $stack, %esp
        /* The TSS: its base is below 64 KiB of nothing in particular, so three parts of the address are enough. */
        movl    $tss, %eax
        movw    %ax, gdt_tss + 2
        shrl    $16, %eax
        movb    %al, gdt_tss + 4
        movb    %ah, gdt_tss + 7
        movw    $103, gdt_tss
        movb    $0x89, gdt_tss + 5
        movq    $ist1, tss + 36
        movq    $ist2, tss + 44
        movl    $gdt_tss - gdt, %eax
        ltr     %ax
        call    kernel_main
1:      cli
        hlt
        jmp     1b

        /* ticks++, and the end of the interrupt. */
        .globl  timer_entry
        .type   timer_entry, @function
timer_entry:
#ifdef SKIP
        subq    $128, %rsp
#endif
        pushq   %rax
        incq    ticks
        movb    $0x20, %al
        outb    %al, $0x20
        popq    %rax
#ifdef SKIP
        addq    $128, %rsp
#endif
        iretq
        .size   timer_entry, . - timer_entry

        /* called() with a stack pointer that is 8 modulo 16 at its entry, as the ABI has it. */
        .globl  call_called
        .type   call_called, @function
call_called:
        pushq   %rbp
        movq    %rsp, %rbp
        andq    $-16, %rsp
        call    called
        leave
        ret
        .size   call_called, . - call_called

        /* A handler that writes below its own RSP, too: further down than what the processor pushed. */
        .globl  deep_entry
        .type   deep_entry, @function
deep_entry:
        movq    $0x5555, -16(%rsp)
        iretq
        .size   deep_entry, . - deep_entry

        /* A handler that is interrupted by itself: the frame of the first time is lost, so the second time is the end. */
        .globl  nested_entry
        .type   nested_entry, @function
nested_entry:
        btsl    $0, nested
        jc      1f
        int     $0x41
1:      outb    %al, $0xf4
        iretq
        .size   nested_entry, . - nested_entry
        .local  nested
        .comm   nested, 4

        .section .note.GNU-stack, "", @progbits
