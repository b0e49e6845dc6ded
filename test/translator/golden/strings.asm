; strcmp: LODSB, byte registers, two exits.
bits 64
again:
    lodsb
    cmp al, [rdi]
    jne differ
    inc rdi
    test al, al
    jnz again
    xor eax, eax
differ:
    hlt
