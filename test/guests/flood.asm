; More code than the emulator keeps decoded: what it forgets of a routine must be forgotten altogether, since nobody looks for stores to it any more.
%include "kernel.asm"

FIRST equ 0x400000
FIRST_BYTES equ 900000
SECOND equ 0x600000
SECOND_BYTES equ 600000
ROUTINE equ 0x800000

main:
  mov edi, FIRST
  mov ecx, FIRST_BYTES
  call nops
  mov edi, SECOND
  mov ecx, SECOND_BYTES
  call nops
  mov byte [ROUTINE], 0xb8      ; mov eax, imm32; ret
  mov dword [ROUTINE + 1], 1
  mov byte [ROUTINE + 5], 0xc3
  mov ebx, FIRST
  call ebx
  mov ebx, ROUTINE
  call ebx
  call print_dword
  call new_line
  mov ebx, SECOND
  call ebx
  mov dword [ROUTINE + 1], 2
  mov ebx, ROUTINE
  call ebx
  call print_dword
  call new_line
  ret

nops:
  mov al, 0x90
  rep stosb
  mov byte [edi], 0xc3
  ret
