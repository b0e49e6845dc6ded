; Memory to memory, a quadword at a time.
bits 64
again:
    mov rax, [rsi + rcx*8]
    mov [rdi + rcx*8], rax
    inc rcx
    cmp rcx, rdx
    jb again
