; Labels of NASM, for the symbol tests: no functions in its debug information, only lines.
bits 64
global _start
section .text
_start:
    mov rax, message
    call work
    call work.again
.spin:
    nop
    jmp .spin
align 16
work:
    push rbx
    mov rbx, [counter]
.again:
    inc qword [counter]
    pop rbx
    ret
section .data
message: db "hello", 0
counter: dq 3
