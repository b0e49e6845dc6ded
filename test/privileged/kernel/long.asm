; Long mode: 64-bit and compatibility code, its gates and stacks, canonical addresses, SYSCALL and SYSENTER, paging with four levels.

bits 32
enter_long:
  ; The identity map of PAE serves here too: PT0, PT0B and PT1 keep their places.
  mov edx, 4
  call map_identity
  mov dword [PML4], LPDPT + 7
  mov dword [LPDPT], LPD + 7
  mov dword [LPD], PT0 + 7
  mov dword [LPD + 8], PT0B + 7
  mov eax, 0x20
  mov cr4, eax
  mov eax, PML4
  mov cr3, eax
  mov ecx, 0xc0000080
  mov eax, 0x900
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  jmp KCODE64:.long
bits 64
.long:
  call reset64
  jmp long_cases

%include "frame64.asm"

long_cases:
; Exceptions and gates
L64 "long/ud2"
  ud2
END64
L64 "long/de"
  xor ecx, ecx
  div rcx
END64
L64 "long/int3"
  int3
END64
L64 "long/int3-resume"
  mov dword [resume], 1
  int3
END64
L64 "long/stack-aligned"
  sub rsp, 3
  int3
END64
L64 "long/int-not-present"
  GATE64 IDT + 0x41 * 16, KCODE64, stub64_65, 0x0e, 0
  int 0x41
END64
L64 "long/int-286-gate"
  GATE64 IDT + 0x41 * 16, KCODE64, stub64_65, 0x86, 0
  int 0x41
END64
L64 "long/int-task-gate"
  GATE64 IDT + 0x41 * 16, TSSSEL, stub64_65, 0x85, 0
  int 0x41
END64
L64 "long/int-to-32-bit-code"
  GATE64 IDT + 0x41 * 16, KCODE, stub64_65, 0x8e, 0
  int 0x41
END64
L64 "long/int-to-data"
  GATE64 IDT + 0x41 * 16, KDATA, stub64_65, 0x8e, 0
  int 0x41
END64
L64 "long/int-to-null"
  GATE64 IDT + 0x41 * 16, 0, stub64_65, 0x8e, 0
  int 0x41
END64
L64 "long/int-not-canonical"
  GATE64 IDT + 0x41 * 16, KCODE64, 0x8000000000000000, 0x8e, 0
  int 0x41
END64
L64 "long/int-beyond-idt"
  int 0x80
END64
L64 "long/int-ist1"
  GATE64 IDT + 0x41 * 16, KCODE64, stub64_65, 0x8e, 1
  int 0x41
END64
L64 "long/int-ist-not-canonical"
  mov rax, 0x8000000000000000
  mov [TSS + 0x2c], rax
  GATE64 IDT + 0x41 * 16, KCODE64, stub64_65, 0x8e, 2
  int 0x41
END64
L64 "long/trap-gate-keeps-if"
  push 0x202
  popfq
  GATE64 IDT + 0x41 * 16, KCODE64, %$there, 0x8f, 0
  int 0x41
%$there:
  pushfq
  pop rax
END64
L64 "long/user-int"
  GATE64 IDT + 0x41 * 16, KCODE64, stub64_65, 0xee, 0
  U64
  int 0x41
END64
L64 "long/user-int-ist1"
  GATE64 IDT + 0x41 * 16, KCODE64, stub64_65, 0xee, 1
  U64
  int 0x41
END64
L64 "long/user-int-kernel-gate"
  U64
  int 0x41
END64
L64 "long/user-int-rsp0-not-canonical"
  mov rax, 0x8000000000000000
  mov [TSS + 4], rax
  GATE64 IDT + 0x0d * 16, KCODE64, stub64_13, 0x8e, 1
  GATE64 IDT + 0x0c * 16, KCODE64, stub64_12, 0x8e, 1
  U64
  int DONE
END64
L64 "long/df-on-ist"
  GATE64 IDT + 8 * 16, KCODE64, stub64_8, 0x8e, 1
  GATE64 IDT + 6 * 16, KCODE64, stub64_6, 0x8e, 0
  mov rsp, 0x800000
  ud2
END64
L64 "long/df-gp-without-gate"
  GATE64 IDT + 13 * 16, KCODE64, stub64_13, 0x0e, 0
  mov ax, 0xfff8
  mov ds, ax
END64
L64 "long/gate-to-conforming"
  SET64 SCRATCH, DESCRIPTOR(0, 0xfffff, 0x9f, 0xa)
  GATE64 IDT + 0x41 * 16, SCRATCH, stub64_65, 0xee, 0
  U64
  int 0x41
END64

; Canonical addresses
L64 "long/read-not-canonical"
  mov rcx, 0x800000000000
  mov rax, [rcx]
END64
L64 "long/read-across-hole"
  mov rcx, 0x7ffffffffffc
  mov rax, [rcx]
END64
L64 "long/read-top"
  mov rcx, -8
  mov rax, [rcx]
END64
L64 "long/stack-not-canonical"
  mov rcx, 0x800000000000
  mov rax, [rcx + rsp]
END64
L64 "long/rbp-not-canonical"
  mov rbp, 0x800000000000
  mov rax, [rbp]
END64
L64 "long/push-not-canonical"
  GATE64 IDT + 12 * 16, KCODE64, stub64_12, 0x8e, 1
  GATE64 IDT + 13 * 16, KCODE64, stub64_13, 0x8e, 1
  mov rsp, 0x800000000008
  push rax
END64
L64 "long/jmp-not-canonical"
  mov rcx, 0x800000000000
  jmp rcx
END64
L64 "long/call-not-canonical"
  mov rcx, 0x800000000000
  call rcx
END64
L64 "long/ret-not-canonical"
  mov rcx, 0x800000000000
  push rcx
  ret
END64
L64 "long/jmp-unmapped"
  mov rcx, 0xffff800000000000
  jmp rcx
END64
L64 "long/wrmsr-fsbase-not-canonical"
  mov ecx, 0xc0000100
  mov edx, 0x8000
  wrmsr
END64
L64 "long/wrmsr-lstar-not-canonical"
  mov ecx, 0xc0000082
  mov edx, 0x8000
  wrmsr
END64
L64 "long/wrmsr-efer-lme-off"
  mov ecx, 0xc0000080
  mov eax, 0xc01
  xor edx, edx
  wrmsr
END64
L64 "long/invlpg-not-canonical"
  mov rcx, 0x800000000000
  invlpg [rcx]
END64
L64 "long/fs-base-added"
  mov ecx, 0xc0000100
  mov eax, PROBE
  xor edx, edx
  wrmsr
  mov rbx, [fs:8]
END64
L64 "long/gs-load-clears-base"
  mov ecx, 0xc0000101
  mov eax, PROBE
  xor edx, edx
  wrmsr
  mov ax, KDATA
  mov gs, ax
  rdmsr
END64
L64 "long/swapgs"
  mov ecx, 0xc0000101
  mov eax, 0x1000
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000102
  mov eax, 0x2000
  wrmsr
  swapgs
  rdmsr
  mov ebx, eax
  mov ecx, 0xc0000101
  rdmsr
END64
L64 "long/wrfsbase-disabled"
  wrfsbase rax
END64
L64 "long/wrfsbase-user"
  mov eax, 0x10020
  mov cr4, rax
  U64
  mov eax, 0x1234
  wrfsbase rax
  rdfsbase rbx
END64
L64 "long/wrfsbase-not-canonical"
  mov eax, 0x10020
  mov cr4, rax
  mov rax, 0x800000000000
  wrfsbase rax
END64

; Instructions that 64-bit mode does not have
%macro GONE 1+
L64 "long/gone-", GONE_NAME
  db %1
END64
%endmacro
%define GONE_NAME "push-es"
GONE 0x06
%define GONE_NAME "pop-es"
GONE 0x07
%define GONE_NAME "push-cs"
GONE 0x0e
%define GONE_NAME "daa"
GONE 0x27
%define GONE_NAME "das"
GONE 0x2f
%define GONE_NAME "aaa"
GONE 0x37
%define GONE_NAME "aas"
GONE 0x3f
%define GONE_NAME "pusha"
GONE 0x60
%define GONE_NAME "popa"
GONE 0x61
%define GONE_NAME "82"
GONE 0x82, 0xc0, 0x00
%define GONE_NAME "call-far"
GONE 0x9a, 0, 0, 0, 0, 0, 0
%define GONE_NAME "into"
GONE 0xce
%define GONE_NAME "aam"
GONE 0xd4, 0x0a
%define GONE_NAME "aad"
GONE 0xd5, 0x0a
%define GONE_NAME "salc"
GONE 0xd6
%define GONE_NAME "jmp-far"
GONE 0xea, 0, 0, 0, 0, 0, 0

; Segment registers
%macro LOAD64 2
L64 "long/ds-", %1
  mov ax, %2
  mov ds, ax
END64
L64 "long/ss-", %1
  mov ax, %2
  mov ss, ax
END64
L64 "long/user-es-", %1
  mov ax, %2
  U64
  mov es, ax
END64
L64 "long/user-ss-", %1
  mov ax, %2
  U64
  mov ss, ax
END64
%endmacro
LOAD64 "null", 0
LOAD64 "null-rpl3", 3
LOAD64 "kernel-data", KDATA
LOAD64 "user-data", UDATA
LOAD64 "code64", KCODE64
LOAD64 "execute-only", XONLY
LOAD64 "tss", TSSSEL
LOAD64 "read-only", RODATA
LOAD64 "beyond", 0xfff8

; Far transfers
%macro FAR64 2
L64 "long/jmp-far-", %1
  mov qword [PROBE], %$there
  mov word [PROBE + 8], %2
  jmp far qword [PROBE]
%$there:
END64
L64 "long/retf-", %1
  push %2
  push %$there
  retfq
%$there:
END64
%endmacro
FAR64 "kernel-code64", KCODE64
FAR64 "null", 0
FAR64 "data", KDATA
FAR64 "user-code64", UCODE64
FAR64 "tss", TSSSEL
FAR64 "beyond", 0xfff8
L64 "long/jmp-far-l-and-d"
  SET64 SCRATCH, DESCRIPTOR(0, 0xfffff, 0x9b, 0xe)
  mov qword [PROBE], %$there
  mov word [PROBE + 8], SCRATCH
  jmp far qword [PROBE]
%$there:
END64
L64 "long/jmp-far-not-canonical"
  mov rax, 0x800000000000
  mov [PROBE], rax
  mov word [PROBE + 8], KCODE64
  jmp far qword [PROBE]
END64
L64 "long/jmp-to-compatibility"
  mov dword [PROBE], %$there
  mov word [PROBE + 4], KCODE
  jmp far dword [PROBE]
bits 32
%$there:
  mov ebx, cs
END64
L64 "long/compatibility-and-back"
  mov dword [PROBE], %$there
  mov word [PROBE + 4], KCODE
  jmp far dword [PROBE]
bits 32
%$there:
  jmp KCODE64:%$back
bits 64
%$back:
  mov rbx, -1
END64
%macro CALL_GATE64 2+ ; name, preparation
L64 "long/user-call-gate-", %1
  GATE64 GDT + GATE, KCODE64, %$kernel, 0xec, 0
  %2
  U64
  mov dword [rsp - 8], GATE | 3
  mov dword [rsp - 12], 0
  call far dword [rsp - 12]
  section .text
%$kernel:
  mov rax, [rsp]
  mov rbx, [rsp + 8]
  mov rcx, [rsp + 16]
  mov rdx, [rsp + 24]
END64
%endmacro
CALL_GATE64 "good", nop
CALL_GATE64 "dpl0", mov byte [GDT + GATE + 5], 0x8c
CALL_GATE64 "not-present", mov byte [GDT + GATE + 5], 0x6c
CALL_GATE64 "upper-type", mov byte [GDT + GATE + 13], 0x0c
CALL_GATE64 "to-32-bit", mov word [GDT + GATE + 2], KCODE
CALL_GATE64 "to-data", mov word [GDT + GATE + 2], KDATA
CALL_GATE64 "not-canonical", mov dword [GDT + GATE + 8], 0x8000
CALL_GATE64 "286", mov byte [GDT + GATE + 5], 0xe4

; IRETQ
%macro IRET64 4 ; name, cs, flags, ss
L64 "long/iretq-", %1
  push %4
  push USER_STACK
  push %3
  push %2
  push %$there
  iretq
  section .user
%$there:
END64
%endmacro
IRET64 "user", UCODE64, 0x202, UDATA
IRET64 "user-nt-iopl", UCODE64, 0x7202, UDATA
IRET64 "user-ss-null", UCODE64, 2, 0
IRET64 "user-ss-null-rpl3", UCODE64, 2, 3
IRET64 "user-ss-kernel", UCODE64, 2, KDATA
IRET64 "user-ss-code", UCODE64, 2, UCODE
IRET64 "cs-null", 0, 2, UDATA
IRET64 "cs-data", UDATA, 2, UDATA
IRET64 "cs-rpl0-of-user", UCODE64 & ~3, 2, UDATA
IRET64 "vm-ignored", UCODE64, 0x20002, UDATA
L64 "long/iretq-kernel-ss-null"
  push 0
  push KERNEL_STACK
  push 2
  push KCODE64
  push %$there
  iretq
%$there:
END64
L64 "long/iretq-kernel-loads-rsp"
  push KDATA
  push KERNEL_STACK - 0x100
  push 0x602
  push KCODE64
  push %$there
  iretq
%$there:
END64
L64 "long/iretq-not-canonical"
  push KDATA
  push KERNEL_STACK
  push 2
  push KCODE64
  mov rax, 0x800000000000
  push rax
  iretq
END64
L64 "long/iretq-nt"
  push 0x4002
  popfq
  push KDATA
  push KERNEL_STACK
  push 2
  push KCODE64
  push %$there
  iretq
%$there:
END64
L64 "long/iretd-to-compatibility"
  push KDATA
  push KERNEL_STACK
  push 2
  push KCODE
  push %$there
  iretq
bits 32
%$there:
  mov ebx, cs
END64

; SYSCALL, SYSRET, SYSENTER, SYSEXIT
%macro SET_LSTAR 1
  mov ecx, 0xc0000082
  mov rax, %1
  mov rdx, rax
  shr rdx, 32
  wrmsr
%endmacro
L64 "long/syscall"
  SET_LSTAR %$kernel
  U64 0x602
  syscall
  section .text
%$kernel:
  mov rax, cs
  mov rbx, ss
END64
L64 "long/syscall-from-kernel"
  SET_LSTAR %$kernel
  syscall
%$kernel:
  mov rax, cs
END64
L64 "long/syscall-tf-masked"
  mov ecx, 0xc0000084
  mov eax, 0x100
  xor edx, edx
  wrmsr
  SET_LSTAR %$kernel
  mov dword [resume], 1
  U64 0x102
  syscall
  section .text
%$kernel:
  nop
END64
L64 "long/syscall-disabled"
  mov ecx, 0xc0000080
  mov eax, 0xd00
  xor edx, edx
  wrmsr
  U64
  syscall
END64
L64 "long/sysret-64"
  mov rcx, %$user
  mov r11, 0x3f7fff & ~0x100
  mov rsp, USER_STACK
  o64 sysret
  section .user
%$user:
  mov rax, cs
  mov rbx, ss
END64
L64 "long/sysret-32"
  mov rcx, %$user
  mov r11, 0x202
  mov rsp, USER_STACK
  sysret
  section .user
bits 32
%$user:
  mov eax, cs
  mov ebx, ss
END64
L64 "long/sysret-not-canonical"
  mov rcx, 0x800000000000
  mov r11, 2
  o64 sysret
END64
L64 "long/sysret-user"
  U64
  o64 sysret
END64
L64 "long/sysret-disabled"
  mov ecx, 0xc0000080
  mov eax, 0xd00
  xor edx, edx
  wrmsr
  o64 sysret
END64
%macro SET_SYSENTER 1
  mov ecx, 0x174
  mov eax, SYSE_BASE
  xor edx, edx
  wrmsr
  inc ecx
  mov eax, RING0_STACK
  wrmsr
  inc ecx
  mov rax, %1
  wrmsr
%endmacro
L64 "long/sysenter"
  SET_SYSENTER %$kernel
  U64 0x202
  sysenter
  section .text
%$kernel:
  mov rax, cs
  mov rbx, ss
END64
L64 "long/sysenter-cs-0"
  U64
  sysenter
END64
L64 "long/sysenter-from-compatibility"
  SET_SYSENTER %$kernel
  U32 0x202
  sysenter
  section .text
bits 64
%$kernel:
  mov rax, cs
  mov rbx, ss
END64
L64 "long/sysexit-64"
  SET_SYSENTER 0
  mov rdx, %$user
  mov rcx, USER_STACK
  o64 sysexit
  section .user
%$user:
  mov rax, cs
  mov rbx, ss
END64
L64 "long/sysexit-32"
  SET_SYSENTER 0
  mov edx, %$user
  mov ecx, USER_STACK
  sysexit
  section .user
bits 32
%$user:
  mov eax, cs
  mov ebx, ss
END64
L64 "long/sysexit-not-canonical"
  SET_SYSENTER 0
  mov rdx, 0x800000000000
  mov rcx, USER_STACK
  o64 sysexit
END64
L64 "long/sysexit-user"
  U64
  sysexit
END64

; Compatibility mode
L64 "compat/done"
  U32
  mov eax, cs
  mov ebx, ss
END64
L64 "compat/int3"
  U32
  int3
END64
L64 "compat/into"
  U32
  mov al, 0x7f
  inc al
  into
END64
L64 "compat/bound"
  U32
  push 5
  push 3
  mov eax, 6
  bound eax, [esp]
END64
L64 "compat/call-far-to-64"
  U32
  call UCODE64:%$there
bits 64
%$there:
  mov rbx, rsp
END64
L64 "compat/limit-applies"
  SET64 SCRATCH, DESCRIPTOR(0, 0xfff, 0xf3, 0x4)
  U32
  mov eax, SCRATCH | 3
  mov es, eax
  mov eax, [es:0xffd]
END64
L64 "compat/base-applies"
  SET64 SCRATCH, DESCRIPTOR(PROBE, 0xfffff, 0xf3, 0xc)
  U32
  mov eax, SCRATCH | 3
  mov es, eax
  mov ebx, [es:8]
END64
L64 "compat/address-wraps"
  U32
  mov ecx, 0xfffffffc
  mov ebx, [ecx + PROBE + 12]
END64
L64 "compat/inc-is-not-rex"
  U32
  xor eax, eax
  db 0x40
END64
L64 "compat/cli"
  U32
  cli
END64
L64 "compat/pushf"
  U32 0x202
  pushfd
  pop ebx
END64
L64 "compat/iret"
  U32
  pushfd
  push cs
  push %$there
  iretd
%$there:
END64
L64 "compat/jmp-task"
  U32
  jmp TSSSEL:0
END64
L64 "compat/call-gate-32-bit"
  SET64 GATE, GATE8(UCODE, 0, 0xec, 0)
  U32
  call (GATE | 3):0
END64
L64 "compat/ldt-null"
  U32
  mov eax, 0x0c
  mov es, eax
END64

; Control registers
L64 "long/cr0-upper"
  mov rax, cr0
  bts rax, 40
  mov cr0, rax
END64
L64 "long/cr8"
  mov eax, 5
  mov cr8, rax
  mov rbx, cr8
  xor eax, eax
  mov cr8, rax
END64
L64 "long/cr8-reserved"
  mov eax, 0x10
  mov cr8, rax
END64
L64 "long/dr7-upper"
  mov rax, 0x100000400
  mov dr7, rax
END64
L64 "long/dr6-upper"
  mov rax, 0x100000000
  mov dr6, rax
END64
L64 "long/dr0-any"
  mov rax, 0x800000000000
  mov dr0, rax
  mov rbx, dr0
END64
L64 "long/ltr-upper-type"
  mov byte [GDT + TSSSEL + 5], 0x89
  mov dword [GDT + TSS2SEL + 4], 0x1f00
  mov ax, TSSSEL
  ltr ax
END64
L64 "long/ltr-286"
  SET64 SCRATCH, DESCRIPTOR(TSS, 0x67, 0x81, 0)
  mov ax, SCRATCH
  ltr ax
END64
L64 "long/ltr-busy"
  mov ax, TSSSEL
  ltr ax
END64
L64 "long/lldt-good"
  mov ax, LONG_LDT
  lldt ax
  sldt rbx
END64
L64 "long/lldt-not-canonical"
  mov dword [GDT + LONG_LDT + 8], 0x8000
  mov ax, LONG_LDT
  lldt ax
END64
L64 "long/sgdt-10-bytes"
  sgdt [PROBE + 2]
  mov rax, [PROBE + 4]
  movzx ebx, word [PROBE + 2]
END64
L64 "long/lgdt-not-canonical"
  mov word [PROBE], 0xff
  mov rax, 0x800000000000
  mov [PROBE + 2], rax
  lgdt [PROBE]
  lgdt [gdtr]
END64
L64 "long/cmpxchg16b-unaligned"
  cmpxchg16b [PROBE + 8]
END64
L64 "long/cmpxchg16b"
  xor edx, edx
  mov rax, 0x909040cd909040cd
  mov rdx, 0x909040cd00000000
  cmpxchg16b [PROBE]
END64
L64 "long/user-in-allowed"
  U64
  in al, 0x0d
  mov al, 0
END64
L64 "long/user-in-denied"
  U64
  in al, 5
END64
L64 "long/user-popfq"
  U64 0x202
  push 0x3002
  popfq
  pushfq
  pop rax
END64
L64 "long/user-hlt"
  U64
  hlt
END64
L64 "long/user-swapgs"
  U64
  swapgs
END64
L64 "long/user-wrmsr"
  U64
  wrmsr
END64
L64 "long/user-mov-cr8"
  U64
  mov rax, cr8
END64

; LAR and LSL know fewer system types
%assign type 0
%rep 16
%assign high type / 10
%assign low type % 10
%substr digit_high '0123' high + 1
%substr digit_low '0123456789' low + 1
%strcat INSPECT_NAME 'long/inspect-type-', digit_high, digit_low
L64 INSPECT_NAME
  SET64 SCRATCH, DESCRIPTOR(0x123456, 0x789ab, 0x80 | type, 0x8)
  SET64 SCRATCH + 8, 0
  mov ax, SCRATCH
  xor ebx, ebx
  xor ecx, ecx
  lar ebx, ax
  setz dl
  lsl ecx, ax
  setz dh
END64
%assign type type + 1
%endrep

; Debug
L64 "long/break-data-8-bytes"
  mov dword [resume], 1
  mov eax, PROBE + 8
  mov dr0, rax
  mov eax, 0x00090002
  mov dr7, rax
  mov byte [PROBE + 15], 1
END64
L64 "long/break-instruction"
  mov dword [resume], 1
  mov dword [resume_rf], 0x10000
  mov rax, %$here
  mov dr0, rax
  mov eax, 2
  mov dr7, rax
  nop
%$here:
  mov ebx, 1
END64
L64 "long/step"
  mov dword [resume], 2
  push 0x102
  popfq
  nop
  push 2
  popfq
END64
L64 "long/step-syscall-not-masked"
  mov ecx, 0xc0000084
  xor eax, eax
  xor edx, edx
  wrmsr
  SET_LSTAR %$kernel
  U64 0x102
  syscall
  section .text
%$kernel:
  nop
END64
L64 "long/fault-sets-rf-trap-does-not"
  mov dword [resume], 1
  int3
  ud2
END64
L64 "long/ac-user"
  mov rax, cr0
  bts rax, 18
  mov cr0, rax
  U64 0x40002
  mov rax, [USER_STACK - 12]
END64

; Paging with four levels
%macro RIGHTS64 3 ; name, directory flags, table flags
L64 "long/", %1, "-user-read"
  ENTRIES64 %2, %3
  U64
  mov rcx, [PROBE]
END64
L64 "long/", %1, "-user-write"
  ENTRIES64 %2, %3
  U64
  mov [PROBE + 4], ecx
END64
L64 "long/", %1, "-user-fetch"
  ENTRIES64 %2, %3
  U64
  mov edx, PROBE
  jmp rdx
END64
L64 "long/", %1, "-kernel-write"
  ENTRIES64 %2, %3
  mov [PROBE + 4], ecx
END64
L64 "long/", %1, "-kernel-fetch"
  ENTRIES64 %2, %3
  mov edx, PROBE
  jmp rdx
END64
%endmacro
%macro ENTRIES64 2
  mov rax, (PT1 | ((%1) & 0xfff)) | (((%1) >> 12) << 63)
  mov [LPD + 16], rax
  mov rax, (PROBE_FRAMES | ((%2) & 0xfff)) | (((%2) >> 12) << 63)
  mov [PT1], rax
  mov rax, cr3
  mov cr3, rax
%endmacro
RIGHTS64 "pte-none", 7, 0
RIGHTS64 "pte-pu", 7, 5
RIGHTS64 "pte-pw", 7, 3
RIGHTS64 "pte-pwu", 7, 7
RIGHTS64 "pte-nx", 7, 7 | NX
RIGHTS64 "pde-nx", 7 | NX, 7
RIGHTS64 "pde-none", 0, 7

%macro UPPER64 3 ; name, address of an entry, value
L64 "long/", %1, "-user-read"
  mov rax, %3
  mov [%2], rax
  mov rax, cr3
  mov cr3, rax
  U64
  mov rcx, [PROBE]
END64
L64 "long/", %1, "-kernel-read"
  mov rax, %3
  mov [%2], rax
  mov rax, cr3
  mov cr3, rax
  mov rcx, [PROBE]
END64
%endmacro
UPPER64 "pte-bit-51", PT1, PROBE_FRAMES | 7 | 1 << 51
UPPER64 "pte-bit-40", PT1, PROBE_FRAMES | 7 | 1 << 40
UPPER64 "pte-bit-52-ignored", PT1, PROBE_FRAMES | 7 | 1 << 52
UPPER64 "pte-bit-62-ignored", PT1, PROBE_FRAMES | 7 | 1 << 62
UPPER64 "pde-large", LPD + 16, 0x400087
UPPER64 "pde-large-reserved-13", LPD + 16, 0x402087
UPPER64 "pde-large-pat", LPD + 16, 0x401087
UPPER64 "pde-large-supervisor", LPD + 16, 0x400083

%macro FAR_UP 3 ; name, value of PML4 entry 1, of the PDPT entry below it
L64 "long/", %1
  mov rax, %2
  mov [PML4 + 8], rax
  mov rax, %3
  mov [LPDPT + 8], rax
  mov rax, cr3
  mov cr3, rax
  mov rbx, 0x8000000000 + 0x40000000
  mov rcx, [rbx + 8]
END64
%endmacro
FAR_UP "pdpte-1g", LPDPT + 7, 0x87
FAR_UP "pdpte-1g-reserved-13", LPDPT + 7, 0x2087
FAR_UP "pdpte-1g-reserved-29", LPDPT + 7, 0x20000087
FAR_UP "pml4e-ps-reserved", LPDPT + 0x87, 0x87
FAR_UP "pml4e-not-present", 0, 0x87
FAR_UP "pml4e-bit-51", LPDPT + 7 + (1 << 51), 0x87
FAR_UP "pdpte-not-present", LPDPT + 7, 0
L64 "long/pdpte-1g-invlpg"
  mov qword [LPDPT + 8], 0x87
  mov rbx, 0x40000000
  mov rcx, [rbx + PROBE_FRAMES + 0x1008]
  mov qword [LPDPT + 8], 0
  mov rdx, [rbx + PROBE_FRAMES + 0x1008]
  invlpg [rbx]
  mov rax, [rbx + PROBE_FRAMES + 0x1008]
END64
L64 "long/smep-fetch"
  mov eax, 0x100020
  mov cr4, rax
  mov edx, PROBE
  jmp rdx
END64
L64 "long/smap-read"
  mov eax, 0x200020
  mov cr4, rax
  mov rcx, [PROBE]
END64
L64 "long/smap-stac"
  mov eax, 0x200020
  mov cr4, rax
  stac
  mov rcx, [PROBE + 8]
  pushfq
  pop rbx
END64
L64 "long/smap-syscall-masks-ac"
  mov ecx, 0xc0000084
  mov eax, 0x40000
  xor edx, edx
  wrmsr
  SET_LSTAR %$kernel
  mov eax, 0x200020
  mov cr4, rax
  U64 0x40002
  syscall
  section .text
%$kernel:
  mov rsp, KERNEL_STACK
  mov rcx, [PROBE]
END64
L64 "long/cross-page-write"
  mov qword [PT1 + 8], 0
  mov rax, cr3
  mov cr3, rax
  mov [PROBE + 0xffc], rcx
END64
L64 "long/pcid-needs-pcide"
  mov rax, PML4 + 0x005
  mov cr3, rax
  mov rbx, cr3
END64
%include "vector.asm"
  jmp finish

finish:
  mov esi, text_end
  call puts64
  mov al, 0
  out 0xf4, al
  cli
.halt:
  hlt
  jmp .halt
