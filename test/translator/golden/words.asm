; 16-bit operands, whose upper halves stay.
bits 32
again:
    mov ax, [esi]
    add bx, ax
    adc dx, 0
    xchg al, ah
    mov [esi], ax
    add esi, 2
    dec cx
    jnz again
