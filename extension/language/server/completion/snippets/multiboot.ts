/**
 * Headers by which a loader knows a kernel.
 *
 * Source: Multiboot Specification 0.6.96, 3.1.1 "The layout of Multiboot header"; Multiboot2 Specification 2.0, 3.1.
 */
import type { Snippet } from "../snippet.ts";

const gas1 = `\
    .pushsection .multiboot, "a"
    .balign 4
    .set MULTIBOOT_FLAGS, «1:0x00000003»        # modules on page boundaries; memory map wanted
    .long 0x1BADB002                        # magic
    .long MULTIBOOT_FLAGS
    .long -(0x1BADB002 + MULTIBOOT_FLAGS)   # checksum: the three add up to zero
    .popsection
«0»`;

const nasm1 = `\
section .multiboot progbits alloc noexec nowrite align=4
MULTIBOOT_FLAGS equ «1:0x00000003»              ; modules on page boundaries; memory map wanted
    dd 0x1BADB002                           ; magic
    dd MULTIBOOT_FLAGS
    dd -(0x1BADB002 + MULTIBOOT_FLAGS)      ; checksum: the three add up to zero
section .text
«0»`;

const gas2 = `\
    .pushsection .multiboot, "a"
    .balign 8
multiboot2_header:
    .long 0xE85250D6                        # magic
    .long 0                                 # architecture: protected mode of i386
    .long multiboot2_end - multiboot2_header
    .long -(0xE85250D6 + 0 + (multiboot2_end - multiboot2_header))

    .short 1, 0                             # tag: information request
    .long 16                                # its size
    .long 6                                 # memory map
    .long 4                                 # basic memory information

    .short 0, 0                             # tag: end
    .long 8
multiboot2_end:
    .popsection
«0»`;

const nasm2 = `\
section .multiboot progbits alloc noexec nowrite align=8
multiboot2_header:
    dd 0xE85250D6                           ; magic
    dd 0                                    ; architecture: protected mode of i386
    dd multiboot2_end - multiboot2_header
    dd -(0xE85250D6 + 0 + (multiboot2_end - multiboot2_header))

    dw 1, 0                                 ; tag: information request
    dd 16                                   ; its size
    dd 6                                    ; memory map
    dd 4                                    ; basic memory information

    dw 0, 0                                 ; tag: end
    dd 8
multiboot2_end:
section .text
«0»`;

export const multiboot: readonly Snippet[] = [
  {
    name: "multiboot1",
    title: "Multiboot 1 header",
    description:
      "The 12 bytes that a Multiboot loader looks for in the first 8 KiB of the file, aligned to 4. They are in a section `.multiboot`, which the linker script has to place first, with `KEEP`.",
    bits: [16, 32, 64],
    texts: { att: gas1, intel: gas1, nasm: nasm1 },
  },
  {
    name: "multiboot2",
    title: "Multiboot 2 header",
    description:
      "The header that a Multiboot 2 loader looks for in the first 32 KiB of the file, aligned to 8, with a request for the memory map and the tag that ends it. It is in a section `.multiboot`, which the linker script has to place first, with `KEEP`.",
    bits: [16, 32, 64],
    texts: { att: gas2, intel: gas2, nasm: nasm2 },
  },
];
