; Registers only: nothing but arithmetic and one branch.
bits 64
again:
    lea rax, [rax + rbx*4 + 16]
    xor rbx, rax
    ror rbx, 13
    imul rdx, rax, 37
    sub rdx, rbx
    dec ecx
    jnz again
