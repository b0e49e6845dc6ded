; Shifts by CL, whose flags depend on the count.
bits 64
again:
    shl rax, cl
    sar edx, 3
    rol rbx, cl
    xor eax, ebx
    shr rsi, 1
    dec cl
    jnz again
