; A pop is missing.
default rel
bits 64
section .text
global load_tables, timer, checksum
extern tick

load_tables:
        lgdt [gdt_pointer]
        lidt [idt_pointer]
        ret

timer:
        push rax
        push rcx
        push rdx
        push rsi
        push rdi
        push r8
        push r9
        push r10
        push r11
        call tick
        mov al, 0x20
        out 0x20, al
        pop r11
        pop r10
        pop r9
        pop r8
        pop rdi
        pop rsi
        pop rdx
        pop rcx
        pop rax
        iretq

; The sum of the eight words at RDI, folded to 16 bits.
checksum:
        push rbx
        push r12
        mov rbx, [rdi]
        mov r12, [rdi + 8]
        add rbx, r12
        adc rbx, 0
        mov rax, rbx
        shr rbx, 32
        add eax, ebx
        adc eax, 0
        pop r12
        ret
; finding: stack-balance "ret"

section .data
align 8
gdt:
        dq 0
        dq 0x00AF9A000000FFFF
        dq 0x00CF92000000FFFF
gdt_end:
align 4
gdt_pointer:
        dw gdt_end - gdt - 1
        dq gdt
idt_pointer:
        dw idt_end - idt - 1
        dq idt

section .bss
align 16
idt:
        resb 256 * 16
idt_end:
