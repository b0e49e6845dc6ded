/** Linker scripts for kernels that a Multiboot loader takes. */
import type { Snippet } from "../snippet.ts";

const kernel = `\
ENTRY(«1:_start»)

PHDRS
{
    text PT_LOAD FLAGS(5);                  /* readable, executable */
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);                  /* readable, writable */
}

SECTIONS
{
    . = «2:1M»;
    _kernel_start = .;

    .text : ALIGN(4K)
    {
        KEEP(*(.multiboot))                 /* first, so that it lies within the first 8 KiB of the file */
        *(.text .text.*)
    } :text

    .rodata : ALIGN(4K)
    {
        *(.rodata .rodata.*)
    } :rodata

    .data : ALIGN(4K)
    {
        *(.data .data.*)
    } :data

    .bss :
    {
        *(COMMON)
        *(.bss .bss.*)
    } :data

    . = ALIGN(4K);
    _kernel_end = .;

    /DISCARD/ :
    {
        *(.comment .note .note.* .eh_frame)
    }
}
«0»`;

const higherHalf = `\
ENTRY(«1:_start»)

KERNEL_OFFSET = «2:0xFFFFFFFF80000000»;         /* linear address minus physical address */

PHDRS
{
    boot PT_LOAD FLAGS(5);                  /* runs before paging */
    boot_data PT_LOAD FLAGS(6);
    text PT_LOAD FLAGS(5);                  /* readable, executable */
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);                  /* readable, writable */
}

SECTIONS
{
    . = 1M;

    .boot : ALIGN(4K)
    {
        KEEP(*(.multiboot))                 /* first, so that it lies within the first 8 KiB of the file */
        *(.boot.text .boot.text.*)
    } :boot

    .boot.data : ALIGN(4K)
    {
        *(.boot.rodata .boot.rodata.*)
        *(.boot.data .boot.data.*)
        *(.boot.bss .boot.bss.*)
    } :boot_data

    . = ALIGN(4K) + KERNEL_OFFSET;
    _kernel_start = .;

    .text : AT(ADDR(.text) - KERNEL_OFFSET)
    {
        *(.text .text.*)
    } :text

    .rodata ALIGN(4K) : AT(ADDR(.rodata) - KERNEL_OFFSET)
    {
        *(.rodata .rodata.*)
    } :rodata

    .data ALIGN(4K) : AT(ADDR(.data) - KERNEL_OFFSET)
    {
        *(.data .data.*)
    } :data

    .bss : AT(ADDR(.bss) - KERNEL_OFFSET)
    {
        *(COMMON)
        *(.bss .bss.*)
    } :data

    . = ALIGN(4K);
    _kernel_end = .;

    /DISCARD/ :
    {
        *(.comment .note .note.* .eh_frame)
    }
}
«0»`;

export const scripts: readonly Snippet[] = [
  {
    name: "kernel",
    title: "Linker script of a kernel at 1 MiB",
    description:
      "Multiboot header first and kept, code, constants and data on pages of their own with the rights they need, `_kernel_start` and `_kernel_end` around them.",
    bits: [],
    texts: { script: kernel },
  },
  {
    name: "higher-half",
    title: "Linker script of a kernel in the higher half",
    description:
      "Loaded at 1 MiB, linked to run at 0xFFFFFFFF80000000 and up. What runs before paging (sections `.boot.text`, `.boot.rodata`, `.boot.data`, `.boot.bss`, and the Multiboot header) stays at its physical address; everything else has to be mapped first.",
    bits: [],
    texts: { script: higherHalf },
  },
];
