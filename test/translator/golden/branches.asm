; Collatz: two ways through the loop.
bits 64
again:
    test al, 1
    jz even
    lea rax, [rax + rax*2 + 1]
    inc rcx
    jmp next
even:
    shr rax, 1
next:
    cmp rax, 1
    jne again
