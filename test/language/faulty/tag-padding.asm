; Multiboot 2: a tag that does not begin on a multiple of 8.
MAGIC   equ 0xE85250D6
LENGTH  equ header_end - header

section .multiboot progbits alloc noexec nowrite align=8
header:
        dd MAGIC
        dd 0                            ; architecture: the PC
        dd LENGTH
        dd 0x100000000 - (MAGIC + LENGTH)
        dw 5, 0                         ; the frame buffer
        dd 20
        dd 80, 25, 0                    ; text
        dw 0, 0                         ; the end tag
; finding: multiboot-tags "0"
        dd 8
header_end:

section .text
bits 32
global start
start:
        mov esp, stack_top
        mov dword [pml4], pointers + 3
        mov dword [pointers], directory + 3
        xor ecx, ecx
.map:
        mov eax, ecx
        shl eax, 21
        or eax, 0x83                    ; present, writable, 2 MiB
        mov [directory + ecx * 8], eax
        inc ecx
        cmp ecx, 512
        jne .map

        mov eax, cr4
        or eax, 1 << 5                  ; PAE
        mov cr4, eax
        mov eax, pml4
        mov cr3, eax
        mov ecx, 0xC0000080             ; EFER
        rdmsr
        or eax, 1 << 8                  ; LME
        wrmsr
        mov eax, cr0
        or eax, 1 << 31                 ; PG
        mov cr0, eax
        lgdt [gdt_pointer]
        jmp 8:long_mode

bits 64
long_mode:
        xor eax, eax
        mov ss, ax
        mov ds, ax
        mov es, ax
        mov dx, 0x3F8
        mov al, 'K'
        out dx, al
.halt:
        cli
        hlt
        jmp .halt

section .rodata
align 8
gdt:
        dq 0
        dq 0x00AF9A000000FFFF           ; 64-bit code
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt

section .bss
align 4096
pml4:
        resb 4096
pointers:
        resb 4096
directory:
        resb 4096
        resb 4096
stack_top:
