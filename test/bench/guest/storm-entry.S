/* Ways into the kernel and out of it, for the works of storm.c. */
.section .text
.code64

.global software_entry
software_entry:
  incq interrupt_count(%rip)
  iretq

.global spurious_entry
spurious_entry:
  iretq

/* What a compiler may change is saved, as for a handler in C. */
.macro save_registers
  pushq %rax
  pushq %rcx
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %r11
.endm
.macro restore_registers
  popq %r11
  popq %r10
  popq %r9
  popq %r8
  popq %rdi
  popq %rsi
  popq %rdx
  popq %rcx
  popq %rax
.endm

.global apic_entry
apic_entry:
  save_registers
  incq interrupt_count(%rip)
  movl $0xfee000b0, %eax
  movl $0, (%rax)               /* end of interrupt */
  restore_registers
  iretq

.global page_fault_entry
page_fault_entry:
  save_registers
  movq %cr2, %rdi
  call page_fault
  restore_registers
  addq $8, %rsp                 /* error code */
  iretq

/* void enter_user(uintptr_t code, uintptr_t stack, uint64_t count): returns when the user's code makes system call 0. */
.global enter_user
enter_user:
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, system_call_area + 16(%rip)
  movq %rdx, %rbx
  pushq $0x1b
  pushq %rsi
  pushq $2
  pushq $0x23
  pushq %rdi
  iretq

.global system_call_entry
system_call_entry:
  swapgs
  movq %rsp, %gs:0
  movq %gs:8, %rsp
  testl %eax, %eax
  jz 1f
  pushq %rcx
  pushq %r11
  incq system_call_count(%rip)
  popq %r11
  popq %rcx
  movq %gs:0, %rsp
  swapgs
  sysretq
1:
  movq %gs:16, %rsp
  swapgs
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
  ret

.global user_code, user_code_end
user_code:
  movl $1, %eax
  syscall
  decq %rbx
  jnz user_code
  xorl %eax, %eax
  syscall
user_code_end:

/* void switch_to(uintptr_t *from, uintptr_t to, uintptr_t root) */
.global switch_to
switch_to:
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rdx, %cr3
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
  ret

.global task_entry
task_entry:
  call task_body
