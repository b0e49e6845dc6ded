/**
 * Page tables as data, which need no code to be filled.
 *
 * Entries that hold an address are two halves, so that they assemble for 32-bit objects as well; tables lie below 4 GiB.
 * Source: Intel SDM, volume 3, 4.5 "4-Level Paging and 5-Level Paging".
 */
import type { Snippet } from "../snippet.ts";

const gas = String.raw`    .pushsection .data
    .balign 4096
pml4:
    .long pdpt + 0x3, 0                     # present, writable
    .skip 4096 - 8
pdpt:
    .set number, 0
    .rept «1:1»                                 # so many GiB, each with a directory of its own
    .long page_directories + number * 4096 + 0x3, 0
    .set number, number + 1
    .endr
    .balign 4096
page_directories:
    .set number, 0
    .rept «1» * 512
    .quad number * 0x200000 + 0x83          # present, writable, a page of 2 MiB
    .set number, number + 1
    .endr
    .popsection
«0»`;

const nasm = `\
section .data
    align 4096
pml4:
    dd pdpt + 0x3, 0                        ; present, writable
    times 4096 - 8 db 0
pdpt:
%assign number 0
%rep «1:1»                                      ; so many GiB, each with a directory of its own
    dd page_directories + number * 4096 + 0x3, 0
%assign number number + 1
%endrep
    times 4096 - number * 8 db 0
page_directories:
%assign number 0
%rep «1» * 512
    dq number * 0x200000 + 0x83             ; present, writable, a page of 2 MiB
%assign number number + 1
%endrep
section .text
«0»`;

export const pageTables: readonly Snippet[] = [
  {
    name: "page-tables",
    title: "Page tables that map memory to itself",
    description:
      "Four-level tables as data: the first GiB (or more) with pages of 2 MiB, present and writable. CR3 takes the address of `pml4`; they need CR4.PAE and long mode.",
    bits: [16, 32, 64],
    texts: { att: gas, intel: gas, nasm },
  },
];
