; Two processors started beside the first; each counts in `rounds` and calls `work` for ever. An ELF file, so that it has symbols.
bits 32
APIC equ 0xfee00000
TRAMPOLINE equ 0x8000

section .multiboot
align 4
  dd 0x1badb002, 0, -0x1badb002

section .text
global _start
_start:
  mov esp, stacks + 4096
  mov dword [APIC + 0xf0], 0x1ff
  mov esi, trampoline
  mov edi, TRAMPOLINE
  mov ecx, trampoline_end - trampoline
  rep movsb
  mov dword [APIC + 0x300], 0xc4500
  mov dword [APIC + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
  mov dword [APIC + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
  xor ebx, ebx
global counting
counting:
  inc dword [rounds + ebx * 4]
  mov eax, ebx
  call work
global called
called:
  cmp dword [rounds + ebx * 4], 0x7fffffff
  jb counting
  cli
  hlt

global work
work:
  lock inc dword [total]
global worked
worked:
  ret

global started
started:
  mov eax, [APIC + 0x20]
  shr eax, 24
  mov ebx, eax
  lock inc dword [alive]
  inc eax
  shl eax, 12
  lea esp, [stacks + eax]
  ; the last of three sleeps
  cmp ebx, 3
  jne counting
  cli
  hlt

bits 16
trampoline:
  cli
  xor ax, ax
  mov ds, ax
  o32 lgdt [TRAMPOLINE + (.pointer - trampoline)]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 8:TRAMPOLINE + (.flat - trampoline)
.pointer:
  dw 23
  dd gdt
bits 32
.flat:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, started
  jmp eax
trampoline_end:

section .data
align 8
gdt: dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
global rounds
rounds: dd 0, 0, 0, 0
global total
total: dd 0
global alive
alive: dd 0

section .bss
align 16
stacks: resb 5 * 4096
