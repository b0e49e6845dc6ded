; The limit is the size, as a number.
org 0x7C00
bits 16
start:
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7C00
        lgdt [gdt_pointer]
        mov eax, cr0
        or eax, 1                       ; PE
        mov cr0, eax
        jmp 8:protected

bits 32
protected:
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x7C00
        mov dx, 0x3F8
        mov al, 'K'
        out dx, al
halt:
        hlt
        jmp halt

align 8
gdt:
        dq 0
        dq 0x00CF9A000000FFFF           ; code
        dq 0x00CF92000000FFFF           ; data
gdt_end:
gdt_pointer:
        dw 24 - 1
        dd gdt

times 510 - ($ - $$) db 0
dw 0xAA55
