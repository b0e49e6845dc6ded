/*
 * The last step: puts the kernel where it belongs and jumps to it.
 *
 * Linked to run at 0x2000, below everything it overwrites, and stored inside the chainloader, which copies it there: the kernel may be loaded over the
 * chainloader itself. That is why nothing here touches the stack or a variable once the first byte has been copied.
 *
 *   void hotswap(struct copy *list);           see chainloader.c; the list lies at 0x2100, just behind this code
 *
 *   struct copy                                +0 to, +4 from, +8 bytes to copy, +12 bytes to clear behind them
 *   after the last (its `to` is 0)             +4 entry, +8 magic, +12 information
 */
        .section .hotswap, "ax"
        .globl  hotswap
        .type   hotswap, @function
hotswap:
        movl    4(%esp), %edx
        cld
next:
        movl    (%edx), %edi
        testl   %edi, %edi
        jz      enter
        movl    4(%edx), %esi
        movl    8(%edx), %ecx
        rep movsb
        movl    12(%edx), %ecx
        xorl    %eax, %eax
        rep stosb
        addl    $16, %edx
        jmp     next
enter:
        movl    8(%edx), %eax
        movl    12(%edx), %ebx
        jmp     *4(%edx)                        # the kernel's own first instruction
        .size   hotswap, . - hotswap

        .section .note.GNU-stack, "", @progbits
