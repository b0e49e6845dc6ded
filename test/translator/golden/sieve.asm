; The inner loop of a sieve: byte stores at a stride.
bits 64
again:
    mov byte [rbx + rax], 0
    add rax, rcx
    cmp rax, rdx
    jbe again
