; 32-bit code: a hash of bytes.
bits 32
again:
    movzx eax, byte [esi]
    imul ecx, ecx, 31
    add ecx, eax
    mov [edi + ecx*4], eax
    inc esi
    cmp esi, edx
    jne again
