/*
 * From the boot loader's 32-bit protected mode to 64-bit C, one step at a time.
 *
 * On entry (Multiboot 1 section 3.2, Multiboot 2 section 3.3): flat 32-bit segments, no paging, interrupts off,
 * EAX = a magic number that tells which version, EBX = physical address of the boot information.
 *
 *   1  say hello on COM1            4  long mode enable: EFER.LME
 *   2  build page tables            5  paging on: CR0.PG; the CPU is now in compatibility mode
 *   3  CR4.PAE, CR3                 6  far jump into a 64-bit code segment, and into C
 */

/* ---- Multiboot headers: both versions, in the first 8 KiB of the file ------------------------------------------ */

        .set    MB1_MAGIC, 0x1badb002
        .set    MB1_FLAGS, 1 << 0 | 1 << 1      # modules on page boundaries; a memory map, please
        .set    MB2_MAGIC, 0xe85250d6
        .set    MB2_I386, 0

        .section .multiboot, "a"
        .balign 8
mb2:    .long   MB2_MAGIC, MB2_I386, mb2_end - mb2, -(MB2_MAGIC + MB2_I386 + (mb2_end - mb2))
        .short  0, 0                            # the end tag: type, flags,
        .long   8                               # size
mb2_end:
mb1:    .long   MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

/* ---- 32-bit code ------------------------------------------------------------------------------------------------ */

        .set    COM1, 0x3f8
        .set    PRESENT, 1 << 0
        .set    WRITABLE, 1 << 1
        .set    LARGE, 1 << 7                   # an entry of a page directory that maps 2 MiB itself
        .set    CR0_PG, 1 << 31
        .set    CR0_WP, 1 << 16                 # ring 0, too, respects read-only pages
        .set    CR4_PAE, 1 << 5
        .set    EFER, 0xc0000080
        .set    EFER_LME, 1 << 8
        .set    BOOT_CODE64, 8                  # selector in boot_gdt
        .set    GIBIBYTES, 4                    # mapped one to one, enough for every 32-bit address

        .macro  say text
        .section .rodata.boot, "a"
1:      .asciz  "\text"
        .previous
        movl    $1b, %esi
        call    print32
        .endm

        .section .text.boot, "ax"
        .code32
        .globl  _start
        .type   _start, @function
_start:
        cli
        cld
        movl    $stack_top, %esp
        xorl    %ebp, %ebp                      # the end of the chain of frames
        movl    %eax, boot_magic
        movl    %ebx, boot_information

        call    serial_init32
        say     "32-bit protected mode\r\n"

        call    build_page_tables
        say     "page tables at CR3\r\n"

        movl    %cr4, %eax
        orl     $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        say     "PAE on\r\n"

        movl    $EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        say     "long mode enabled\r\n"

        movl    %cr0, %eax
        orl     $(CR0_PG | CR0_WP), %eax
        movl    %eax, %cr0                      # from here on every address is translated
        say     "paging on: compatibility mode\r\n"

        lgdt    boot_gdt_pointer
        ljmp    $BOOT_CODE64, $start64
        .size   _start, . - _start

/* Identity-maps 4 GiB with 2 MiB pages: one PML4 entry, 4 page-directory pointers, 4 × 512 page-directory entries. */
        .type   build_page_tables, @function
build_page_tables:
        movl    $page_directory_pointers + (PRESENT | WRITABLE), pml4

        movl    $page_directories + (PRESENT | WRITABLE), %eax
        xorl    %ecx, %ecx
1:      movl    %eax, page_directory_pointers(, %ecx, 8)
        addl    $4096, %eax
        incl    %ecx
        cmpl    $GIBIBYTES, %ecx
        jb      1b

        movl    $(PRESENT | WRITABLE | LARGE), %eax
        xorl    %ecx, %ecx
2:      movl    %eax, page_directories(, %ecx, 8)
        addl    $0x200000, %eax
        incl    %ecx
        cmpl    $(GIBIBYTES * 512), %ecx
        jb      2b
        ret
        .size   build_page_tables, . - build_page_tables

/* 115200 baud, 8 data bits, no parity, FIFOs on. */
        .type   serial_init32, @function
serial_init32:
        .macro  set_port port, value
        movw    $(\port), %dx
        movb    $\value, %al
        outb    %al, %dx
        .endm
        set_port COM1 + 1, 0x00                  # no interrupts yet
        set_port COM1 + 3, 0x80                  # divisor latch on
        set_port COM1 + 0, 0x01                  # divisor 1
        set_port COM1 + 1, 0x00
        set_port COM1 + 3, 0x03                  # latch off, 8N1
        set_port COM1 + 2, 0xc7                  # FIFOs on and cleared
        set_port COM1 + 4, 0x0b                  # DTR, RTS, OUT2 (which lets interrupts out)
        ret
        .size   serial_init32, . - serial_init32

/* Prints the zero-terminated text at ESI. */
        .type   print32, @function
print32:
        movw    $(COM1 + 5), %dx
1:      inb     %dx, %al
        testb   $0x20, %al                      # transmitter empty?
        jz      1b
        lodsb
        testb   %al, %al
        jz      2f
        movw    $COM1, %dx
        outb    %al, %dx
        jmp     print32
2:      ret
        .size   print32, . - print32

/* ---- 64-bit code ------------------------------------------------------------------------------------------------ */

        .section .text, "ax"
        .code64
        .type   start64, @function
start64:
        xorl    %eax, %eax                      # data segments mean nothing here; null ones say so
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movl    boot_magic, %edi
        movl    boot_information, %esi
        call    kernel_main                     # does not return
        ud2
        .size   start64, . - start64

/* ---- Data ------------------------------------------------------------------------------------------------------- */

        .section .rodata.boot, "a"
        .balign 8
boot_gdt:
        .quad   0                               # null
        .quad   0x00af9b000000ffff              # 64-bit code: P, S, execute/read, L
boot_gdt_end:
boot_gdt_pointer:
        .short  boot_gdt_end - boot_gdt - 1
        .quad   boot_gdt

        .data
        .balign 4
boot_magic:
        .long   0
boot_information:
        .long   0

        .bss
        .balign 4096
        .globl  pml4, page_directories
        .type   pml4, @object
        .type   page_directory_pointers, @object
        .type   page_directories, @object
pml4:   .skip   4096
        .size   pml4, 4096
page_directory_pointers:
        .skip   4096
        .size   page_directory_pointers, 4096
page_directories:
        .skip   GIBIBYTES * 4096
        .size   page_directories, GIBIBYTES * 4096

/* paging.c unmaps the page below the stack: running over its end faults at once. */
        .globl  stack_guard, stack_bottom, stack_top
        .type   stack_guard, @object
        .type   stack_bottom, @object
stack_guard:
        .skip   4096
        .size   stack_guard, 4096
stack_bottom:
        .skip   16384
        .size   stack_bottom, 16384
stack_top:

        .section .note.GNU-stack, "", @progbits
