; One row of a long multiplication: what RSA self-tests of a kernel do.
bits 64
again:
    mov rax, [rsi + rcx*8]
    mul r8
    add rax, r9
    adc rdx, 0
    add [rdi + rcx*8], rax
    adc rdx, 0
    mov r9, rdx
    inc rcx
    cmp rcx, r10
    jne again
