/* Every form of statement that GNU as knows and a boot file may have,
   for the comparison with what as and nm say of it. */
#define GLOBAL(name) .globl name
#define START(name, linkage) linkage(name); name:
#define FUNC(name) START(name, GLOBAL)
#define WIDTH 8
#define DATA(name, value) \
  name: \
  .quad value

.text
.globl main, other
.type main, @function
main:	push %rbp; mov %rsp, %rbp	# two statements
1:	dec %ecx
	jnz 1b; jmp 1f
1:	rep; stosb
	rep stosb
	lock incl counter(%rip)
	movq $outside, %rax
	call *table(,%rax,8)
	call elsewhere@PLT
	mov $';', %al
	mov $'#, %al
.Lhidden: second: third: ret
	.size main, . - main

.intel_syntax noprefix
other:
	mov eax, dword ptr [rip + counter]
	lea rax, table[rip]
	mov rax, offset table
	jmp .Lhidden
.att_syntax prefix

.macro save name, size=WIDTH, rest:vararg
\name\()_saved: .skip \size
.endm
.macro entry symbol:req
.globl \symbol
\symbol: jmp inner_\@
inner_\@: nop
.endm
.macro twice
.set used_twice, 1
	nop
.endm

FUNC(function)
	ret
START(private, GLOBAL)
	ret

.data
.align 8
counter: .long 0
table: .quad main, other, external
text: .asciz "a \"string\"; # no comment", "/* nor here"
length = . - text
.set alias, table + 8
.equ two, 2
DATA(made, 5)
	save first
	save second_one, 16

.bss
.comm shared, 64, 8
.lcomm own, 16

.pushsection .rodata.more, "a", @progbits
constant: .byte 'a', '\n', 0x1f, 0b101, 017, -1
.popsection
	twice

.section .text.cold, "ax"
.code16
real:	mov %ax, %ds
	ljmp $0x10, $real
.code32
protected: iret
.code64
	iretq
.weak perhaps
	call perhaps
.hidden secret
secret: nop
.if two == 2
conditional: nop
.else
.endif
