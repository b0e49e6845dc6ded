/*
 * Prints what a Multiboot 1 loader hands over, in hexadecimal on COM1, and leaves by isa-debug-exit: the registers at the entry, the information structure,
 * what it points to, and the first bytes of each module.
 */
        .set    MAGIC, 0x1badb002
        .set    FLAGS, 3
        .set    COM1, 0x3f8

        .section .multiboot, "a"
        .balign 4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .text
        .code32
        .globl  _start
_start:
        /* The first push goes to the loader's stack, which must be there. */
        pushfl
        movl    %esp, stack_at_entry
        popl    flags_at_entry
        movl    $stack_top, %esp
        pushl   %ebx
        pushl   %eax

        call    line_magic
        popl    %eax
        call    hex32
        movl    (%esp), %eax
        call    hex32
        movl    flags_at_entry, %eax
        call    hex32
        movl    stack_at_entry, %eax
        call    hex32
        movl    %cr0, %eax
        call    hex32
        .irp    register, cs, ds, es, fs, gs, ss
        movl    %\register, %eax
        call    hex32
        .endr

        /* Its selectors are good for loading: the GDT is there. */
        movl    %ds, %eax
        movl    %eax, %ds
        movl    %ss, %eax
        movl    %eax, %ss
        pushl   %cs
        pushl   $1f
        lretl
1:
        popl    %ebp                            # the information structure from here on
        call    line_information
        movl    %ebp, %esi
        movl    $116, %ecx
        call    dump
        call    line_map
        movl    48(%ebp), %esi
        movl    44(%ebp), %ecx
        call    dump
        call    line_command
        movl    16(%ebp), %esi
        call    text
        call    line_loader
        movl    64(%ebp), %esi
        call    text

        movl    20(%ebp), %edi
        movl    24(%ebp), %ebx
        jmp     3f
2:      call    line_module
        movl    (%ebx), %eax
        call    hex32
        movl    4(%ebx), %eax
        call    hex32
        movl    12(%ebx), %eax
        call    hex32
        movl    8(%ebx), %esi
        call    text
        call    line_bytes
        movl    (%ebx), %esi
        movl    $16, %ecx
        call    dump
        addl    $16, %ebx
        decl    %edi
3:      testl   %edi, %edi
        jnz     2b

        call    line_end
        movb    $0, %al
        outb    %al, $0xf4
1:      cli
        hlt
        jmp     1b

        .macro  heading name, text
line_\name:
        pushl   %esi
        movl    $9f, %esi
        call    text
        popl    %esi
        ret
        .section .rodata, "a"
9:      .asciz  "\n\text "
        .text
        .endm
        heading magic, "entry"
        heading information, "information"
        heading map, "map"
        heading command, "command"
        heading loader, "loader"
        heading module, "module"
        heading bytes, "bytes"
        heading end, "end"

put:    pushl   %edx
        movw    $COM1, %dx
        outb    %al, %dx
        popl    %edx
        ret

text:   lodsb
        testb   %al, %al
        jz      1f
        call    put
        jmp     text
1:      ret

/* EAX in eight digits and a blank. */
hex32:  pushl   %ecx
        movl    $8, %ecx
1:      roll    $4, %eax
        pushl   %eax
        andl    $15, %eax
        movb    digits(%eax), %al
        call    put
        popl    %eax
        loop    1b
        movb    $' ', %al
        call    put
        popl    %ecx
        ret

/* ECX bytes at ESI, two digits each. */
dump:   jecxz   2f
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
2:      ret

        .section .rodata, "a"
digits: .ascii  "0123456789abcdef"

        .bss
        .balign 4
stack_at_entry:
        .skip   4
flags_at_entry:
        .skip   4
        .skip   1024
stack_top:

        .section .note.GNU-stack, "", @progbits
