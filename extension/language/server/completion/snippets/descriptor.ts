/**
 * Descriptor tables: GDTs with their pseudo-descriptors, and IDTs whose gates are made at run time.
 *
 * Segments are marked as accessed, so that the processor need not write to a table in read-only memory. Offsets in gates are cut in parts, which no
 * relocation can express; therefore a routine writes them.
 * Source: Intel SDM, volume 3, 3.4.5 "Segment Descriptors", 6.11 "IDT Descriptors", 6.14.1 "64-Bit Mode IDT".
 */
import type { Snippet } from "../snippet.ts";

const gas32 = `\
    .balign 8
«1:gdt»:
    .quad 0                                 # null
    .quad 0x00CF9B000000FFFF                # 0x08: code, 32 bits, all of 4 GiB
    .quad 0x00CF93000000FFFF                # 0x10: data, all of 4 GiB
«1»_end:
«1»_pointer:
    .word «1»_end - «1» - 1                 # limit: the last valid byte
    .long «1»
«0»`;

const nasm32 = `\
    align 8
«1:gdt»:
    dq 0                                    ; null
    dq 0x00CF9B000000FFFF                   ; 0x08: code, 32 bits, all of 4 GiB
    dq 0x00CF93000000FFFF                   ; 0x10: data, all of 4 GiB
«1»_end:
«1»_pointer:
    dw «1»_end - «1» - 1                    ; limit: the last valid byte
    dd «1»
«0»`;

const gas64 = `\
    .balign 8
«1:gdt64»:
    .quad 0                                 # null
    .quad 0x00AF9B000000FFFF                # 0x08: code, 64 bits
    .quad 0x00CF93000000FFFF                # 0x10: data
«1»_end:
«1»_pointer:
    .word «1»_end - «1» - 1             # limit: the last valid byte
    .quad «1»
«0»`;

const nasm64 = `\
    align 8
«1:gdt64»:
    dq 0                                    ; null
    dq 0x00AF9B000000FFFF                   ; 0x08: code, 64 bits
    dq 0x00CF93000000FFFF                   ; 0x10: data
«1»_end:
«1»_pointer:
    dw «1»_end - «1» - 1                ; limit: the last valid byte
    dq «1»
«0»`;

const idt32att = `\
/* Sets the gate of vector ecx to the handler at eax; changes eax and ecx. */
idt_set_gate:
    leal idt(, %ecx, 8), %ecx
    movw %ax, (%ecx)                        # offset, bits 0 to 15
    movw $«1:0x08», 2(%ecx)                     # code segment
    movw $0x8E00, 4(%ecx)                   # present, DPL 0, 32-bit interrupt gate
    shrl $16, %eax
    movw %ax, 6(%ecx)                       # offset, bits 16 to 31
    ret

idt_load:
    lidt idt_pointer
    ret

    .pushsection .rodata
idt_pointer:
    .word 256 * 8 - 1                       # limit: the last valid byte
    .long idt
    .popsection
    .pushsection .bss
    .balign 8
idt:
    .skip 256 * 8
    .popsection
«0»`;

const idt32intel = `\
/* Sets the gate of vector ecx to the handler at eax; changes eax and ecx. */
idt_set_gate:
    lea ecx, [idt + ecx * 8]
    mov word ptr [ecx], ax                  # offset, bits 0 to 15
    mov word ptr [ecx + 2], «1:0x08»            # code segment
    mov word ptr [ecx + 4], 0x8E00          # present, DPL 0, 32-bit interrupt gate
    shr eax, 16
    mov word ptr [ecx + 6], ax              # offset, bits 16 to 31
    ret

idt_load:
    lidt [idt_pointer]
    ret

    .pushsection .rodata
idt_pointer:
    .word 256 * 8 - 1                       # limit: the last valid byte
    .long idt
    .popsection
    .pushsection .bss
    .balign 8
idt:
    .skip 256 * 8
    .popsection
«0»`;

const idt32nasm = `\
; Sets the gate of vector ecx to the handler at eax; changes eax and ecx.
idt_set_gate:
    lea ecx, [idt + ecx * 8]
    mov word [ecx], ax                      ; offset, bits 0 to 15
    mov word [ecx + 2], «1:0x08»                ; code segment
    mov word [ecx + 4], 0x8E00              ; present, DPL 0, 32-bit interrupt gate
    shr eax, 16
    mov word [ecx + 6], ax                  ; offset, bits 16 to 31
    ret

idt_load:
    lidt [idt_pointer]
    ret

section .rodata
idt_pointer:
    dw 256 * 8 - 1                          ; limit: the last valid byte
    dd idt
section .bss
    alignb 8
idt:
    resb 256 * 8
section .text
«0»`;

const idt64att = `\
/* Sets the gate of vector edi to the handler at rsi; changes rax, rdi and rsi. */
idt_set_gate:
    movl %edi, %edi
    shlq $4, %rdi
    leaq idt(%rip), %rax
    addq %rax, %rdi
    movw %si, (%rdi)                        # offset, bits 0 to 15
    movw $«1:0x08», 2(%rdi)                     # code segment
    movw $0x8E00, 4(%rdi)                   # present, DPL 0, 64-bit interrupt gate, no IST
    shrq $16, %rsi
    movw %si, 6(%rdi)                       # offset, bits 16 to 31
    shrq $16, %rsi
    movl %esi, 8(%rdi)                      # offset, bits 32 to 63
    movl $0, 12(%rdi)
    ret

idt_load:
    lidt idt_pointer(%rip)
    ret

    .pushsection .rodata
idt_pointer:
    .word 256 * 16 - 1                      # limit: the last valid byte
    .quad idt
    .popsection
    .pushsection .bss
    .balign 16
idt:
    .skip 256 * 16
    .popsection
«0»`;

const idt64intel = `\
/* Sets the gate of vector edi to the handler at rsi; changes rax, rdi and rsi. */
idt_set_gate:
    mov edi, edi
    shl rdi, 4
    lea rax, [rip + idt]
    add rdi, rax
    mov word ptr [rdi], si                  # offset, bits 0 to 15
    mov word ptr [rdi + 2], «1:0x08»            # code segment
    mov word ptr [rdi + 4], 0x8E00          # present, DPL 0, 64-bit interrupt gate, no IST
    shr rsi, 16
    mov word ptr [rdi + 6], si              # offset, bits 16 to 31
    shr rsi, 16
    mov dword ptr [rdi + 8], esi            # offset, bits 32 to 63
    mov dword ptr [rdi + 12], 0
    ret

idt_load:
    lidt [rip + idt_pointer]
    ret

    .pushsection .rodata
idt_pointer:
    .word 256 * 16 - 1                      # limit: the last valid byte
    .quad idt
    .popsection
    .pushsection .bss
    .balign 16
idt:
    .skip 256 * 16
    .popsection
«0»`;

const idt64nasm = `\
; Sets the gate of vector edi to the handler at rsi; changes rax, rdi and rsi.
idt_set_gate:
    mov edi, edi
    shl rdi, 4
    lea rax, [rel idt]
    add rdi, rax
    mov word [rdi], si                      ; offset, bits 0 to 15
    mov word [rdi + 2], «1:0x08»                ; code segment
    mov word [rdi + 4], 0x8E00              ; present, DPL 0, 64-bit interrupt gate, no IST
    shr rsi, 16
    mov word [rdi + 6], si                  ; offset, bits 16 to 31
    shr rsi, 16
    mov dword [rdi + 8], esi                ; offset, bits 32 to 63
    mov dword [rdi + 12], 0
    ret

idt_load:
    lidt [rel idt_pointer]
    ret

section .rodata
idt_pointer:
    dw 256 * 16 - 1                         ; limit: the last valid byte
    dq idt
section .bss
    alignb 16
idt:
    resb 256 * 16
section .text
«0»`;

export const descriptors: readonly Snippet[] = [
  {
    name: "gdt",
    title: "GDT with flat 32-bit segments",
    description:
      "Null, code (`0x08`) and data (`0x10`), each over all of 4 GiB, and the pseudo-descriptor that `lgdt` loads. `cs` changes only with a far jump.",
    bits: [16, 32],
    texts: { att: gas32, intel: gas32, nasm: nasm32 },
  },
  {
    name: "gdt64",
    title: "GDT for long mode",
    description:
      "Null, 64-bit code (`0x08`) and data (`0x10`), and the pseudo-descriptor that `lgdt` loads. Its base has 64 bits, of which `lgdt` in 32-bit code reads 32.",
    bits: [32, 64],
    texts: { att: gas64, intel: gas64, nasm: nasm64 },
  },
  {
    name: "idt",
    title: "IDT of 256 gates, 32-bit",
    description:
      "Room for 256 gates of 8 bytes, `idt_set_gate`, which writes an interrupt gate, and `idt_load`. A gate that was not set is not present.",
    bits: [32],
    texts: { att: idt32att, intel: idt32intel, nasm: idt32nasm },
  },
  {
    name: "idt64",
    title: "IDT of 256 gates, 64-bit",
    description:
      "Room for 256 gates of 16 bytes, `idt_set_gate(vector, handler)`, which C can call as well, and `idt_load`. A gate that was not set is not present.",
    bits: [64],
    texts: { att: idt64att, intel: idt64intel, nasm: idt64nasm },
  },
];
