/**
 * A boot sector: 512 bytes that a BIOS loads to 0x7C00 and jumps to in real mode.
 */
import type { Snippet } from "../snippet.ts";

const att = String.raw`    .code16
    .text
    .globl _start
_start:
    ljmp $0, $1f                            # cs is 0 from here on, however the BIOS came here
1:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7C00, %sp                       # the stack grows down from the sector
    cld

    movw $message, %si
2:
    lodsb
    testb %al, %al
    jz 3f
    movb $0x0E, %ah                         # teletype output
    movw $0x0007, %bx
    int $0x10
    jmp 2b
3:
«0»    hlt
    jmp 3b

message:
    .asciz "«1:Hello from the boot sector»\r\n"

    .org _start + 510
    .word 0xAA55                            # signature
`;

const intel = String.raw`    .code16
    .text
    .globl _start
_start:
    ljmp 0, OFFSET 1f                       # cs is 0 from here on, however the BIOS came here
1:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7C00                          # the stack grows down from the sector
    cld

    mov si, OFFSET message
2:
    lodsb
    test al, al
    jz 3f
    mov ah, 0x0E                            # teletype output
    mov bx, 0x0007
    int 0x10
    jmp 2b
3:
«0»    hlt
    jmp 3b

message:
    .asciz "«1:Hello from the boot sector»\r\n"

    .org _start + 510
    .word 0xAA55                            # signature
`;

const nasm = `\
    bits 16
    org 0x7C00
start:
    jmp 0:.flat                             ; cs is 0 from here on, however the BIOS came here
.flat:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7C00                          ; the stack grows down from the sector
    cld

    mov si, message
.next:
    lodsb
    test al, al
    jz .done
    mov ah, 0x0E                            ; teletype output
    mov bx, 0x0007
    int 0x10
    jmp .next
.done:
«0»    hlt
    jmp .done

message: db "«1:Hello from the boot sector»", 13, 10, 0

    times 510 - ($ - $$) db 0
    dw 0xAA55                               ; signature
`;

export const bootSector: readonly Snippet[] = [
  {
    name: "boot-sector",
    title: "Boot sector that prints a line",
    description:
      "512 bytes for address 0x7C00 with their signature; they set up segments and a stack and print through the BIOS. With GNU tools: `ld -Ttext 0x7C00 --oformat binary`; with NASM: `nasm -f bin`.",
    bits: [16],
    texts: { att, intel, nasm },
  },
];
