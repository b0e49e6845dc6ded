; A call and its return stay inside the region.
bits 64
again:
    mov rdi, rbx
    call triple
    add rbx, rax
    dec rcx
    jnz again
    hlt
triple:
    lea rax, [rdi + rdi*2]
    ret
