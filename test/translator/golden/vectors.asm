; Sums of integers and of singles.
bits 64
again:
    movups xmm0, [rsi + rcx]
    movups xmm1, [rdi + rcx]
    paddd xmm2, xmm0
    addps xmm0, xmm1
    movups [rdi + rcx], xmm0
    add rcx, 16
    cmp rcx, rdx
    jb again
