/*
 * From the boot loader to main(): Multiboot 1, then 64-bit mode (or, with BITS 32, protected mode with paging), SSE on.
 *
 * The first GiB is mapped as it is, in pages of 2 MiB (4 MiB): what a kernel does with its own memory.
 */
#define HEADER_MAGIC 0x1badb002
#define HEADER_FLAGS 0

.section .multiboot, "a"
.balign 4
.long HEADER_MAGIC, HEADER_FLAGS, -(HEADER_MAGIC + HEADER_FLAGS)

.section .text.entry, "ax"
.code32
.global _start
_start:
  cli
  cld
  movl $stack_end, %esp
  movl %ebx, %ebp
  movl %cr4, %eax
#if BITS == 64
  orl $0x620, %eax              /* PAE, OSFXSR, OSXMMEXCPT */
#else
  orl $0x610, %eax              /* PSE, OSFXSR, OSXMMEXCPT */
#endif
  movl %eax, %cr4

#if BITS == 64
  movl $page_directory, %edi
  movl $0x83, %eax              /* present, writable, large */
1:
  movl %eax, (%edi)
  addl $0x200000, %eax
  addl $8, %edi
  cmpl $page_directory + 4096, %edi
  jne 1b
  movl $page_directory + 3, pointer_table
  movl $pointer_table + 3, page_table_root
  /* The local APIC's page, at 0xfee00000: its own large page, uncached. */
  movl $apic_directory + 3, pointer_table + 24
  movl $0xfee00093, apic_directory + (0x1f7 * 8)
  movl $page_table_root, %eax
  movl %eax, %cr3
  movl $0xc0000080, %ecx        /* EFER */
  rdmsr
  orl $0x101, %eax              /* LME, SCE */
  wrmsr
#else
  movl $page_table_root, %edi
  movl $0x83, %eax
1:
  movl %eax, (%edi)
  addl $0x400000, %eax
  addl $4, %edi
  cmpl $page_table_root + 1024, %edi
  jne 1b
  movl $page_table_root, %eax
  movl %eax, %cr3
#endif

  movl %cr0, %eax
  andl $~0x4, %eax              /* EM */
  orl $0x80010022, %eax         /* PG, WP, NE, MP */
  movl %eax, %cr0
  lgdt gdt_pointer
#if BITS == 64
  ljmp $8, $in_long_mode
.code64
in_long_mode:
  movl %ebp, %edi
#else
  ljmp $0x28, $in_protected_mode
in_protected_mode:
#endif
  movl $0x10, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl %eax, %fs
  movl %eax, %gs
#if BITS == 32
  pushl %ebp
#endif
  call main
1:
  hlt
  jmp 1b

/* Selectors as SYSCALL and SYSRET want them: 0x08 code, 0x10 data, 0x18 user data, 0x20 user code, 64 bits; 0x28 code, 32 bits. */
.section .data
.balign 8
.global gdt
gdt:
  .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00cff2000000ffff, 0x00affa000000ffff, 0x00cf9a000000ffff
gdt_pointer:
  .word . - gdt - 1
  .long gdt, 0

.section .bss
.balign 4096
.global page_table_root, page_directory
page_table_root: .skip 4096
pointer_table: .skip 4096
page_directory: .skip 4096
apic_directory: .skip 4096
.skip 65536
stack_end:
