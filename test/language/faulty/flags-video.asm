; The video fields stand where the addresses belong.
section .multiboot progbits alloc noexec nowrite align=4
header:
        dd 0x1BADB002
        dd 7
; finding: multiboot-flags "7"
        dd -(0x1BADB002 + 7)
        dd 1, 80, 25, 0                 ; text

section .text
bits 32
global start
start:
        mov esp, stack_top
        mov esi, message
        call print
.halt:
        cli
        hlt
        jmp .halt

; Sends the zero-terminated text at ESI to COM1.
print:
        push eax
        push edx
        mov dx, 0x3F8
.next:
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp .next
.done:
        pop edx
        pop eax
        ret

section .rodata
message:
        db "Hello", 13, 10, 0

section .bss
align 16
        resb 4096
stack_top:
