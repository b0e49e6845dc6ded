; Flags as values: SETcc, CMOVcc, ADC and SBB.
bits 64
again:
    cmp rax, rbx
    setl dl
    cmovge rax, rbx
    movzx edx, dl
    sub rsi, rdi
    sbb r8, r8
    inc rbx
    adc r9, rdx
    dec ecx
    jg again
