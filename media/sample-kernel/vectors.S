/*
 * The 256 places where the processor enters the kernel. Each pushes its vector (and a zero where the processor pushes no error code), saves the
 * registers and calls interrupt(). What is on the stack then is struct interrupt_frame.
 *
 * The directives beside the code let a debugger unwind through here to what was interrupted.
 */
        .cfi_sections .debug_frame
        .section .text, "ax"

        .balign 16
        .globl  vectors
        .type   vectors, @function
vectors:
        .set    vector, 0
        .rept   256
        .balign 16
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa rsp, 8
        .cfi_offset rip, -8
        /* The processor itself pushes an error code for these (SDM 3A table 6-1). */
        .if     vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
        .cfi_def_cfa rsp, 16                    # RIP stays where it is: the error code is below it
        .else
        pushq   $0
        .cfi_adjust_cfa_offset 8
        .endif
        pushq   $vector
        .cfi_adjust_cfa_offset 8
        jmp     save_registers
        .cfi_endproc
        .set    vector, vector + 1
        .endr
        .size   vectors, . - vectors

/* The frame, from the vector up: vector, error code, RIP, CS, RFLAGS, RSP, SS. Its end is the CFA. */
        .type   save_registers, @function
save_registers:
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa rsp, 56
        .cfi_offset rip, -40
        .cfi_offset rsp, -16
        .macro  save register
        pushq   %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm
        .macro  restore register
        popq    %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm
        .irp    register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        save    \register
        .endr
        cld
        movq    %rsp, %rdi                      # struct interrupt_frame *
        call    interrupt
        .irp    register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
        restore \register
        .endr
        addq    $16, %rsp                       # vector and error code
        .cfi_adjust_cfa_offset -16
        iretq
        .cfi_endproc
        .size   save_registers, . - save_registers

        .section .note.GNU-stack, "", @progbits
