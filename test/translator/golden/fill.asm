; REP STOSD between ordinary instructions.
bits 64
again:
    mov rdi, rbx
    mov ecx, 64
    rep stosd
    add rbx, 4096
    dec rdx
    jnz again
