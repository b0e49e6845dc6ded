/* Functions and labels of GNU as, with and without types, sizes and call frame information, for the symbol tests. */
	.text
	.globl _start
	.type _start, @function
_start:
	xor %ebp, %ebp
	call framed
	call bare
	hlt
	.size _start, . - _start

	.type framed, @function
framed:
	.cfi_startproc
	push %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	call bare
	pop %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size framed, . - framed

bare:
	sub $24, %rsp
	nop
inside:
	nop
	add $24, %rsp
	ret

	.section .text.other, "ax"
other:
	nop
	ret
	.data
value:	.quad 5
