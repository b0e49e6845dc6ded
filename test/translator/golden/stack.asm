; Pushes and pops.
bits 64
again:
    push rbx
    push rbp
    mov rbp, rsp
    add rbx, [rbp + 8]
    pop rbp
    pop rax
    xor rbx, rax
    dec rcx
    jnz again
