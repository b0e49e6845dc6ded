; The paging of an IncludeOS-like start, for `guests.test.ts`: P4 at 0x1000, P3 at 0x2000, five P2 from 0x100000 on with 512 pages of 2 MiB each: 2560 large pages,
; the first 5 GiB mapped to themselves. Then the machine stops for good in 64-bit mode.
bits 32
org 0x200000
BASE equ 0x200000
header:
  dd 0x1badb002, 0x00010000, -(0x1badb002 + 0x00010000)
  dd header, BASE, end, end, start

P4 equ 0x1000
P3 equ 0x2000
P2 equ 0x100000
TABLES equ 5

start:
  cli
  mov edi, P4
  mov ecx, 2 * 1024
  xor eax, eax
  rep stosd
  mov dword [P4], P3 | 3
  mov edi, P3
  mov eax, P2 | 3
  mov ecx, TABLES
.p3:
  mov [edi], eax
  add edi, 8
  add eax, 0x1000
  loop .p3
  mov edi, P2
  mov ecx, TABLES * 512
  mov eax, 0x83
  xor edx, edx
.p2:
  mov [edi], eax
  mov [edi + 4], edx
  add edi, 8
  add eax, 0x200000
  adc edx, 0
  loop .p2
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, P4
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x900
  wrmsr
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  lgdt [gdtr]
  jmp 8:inside
bits 64
inside:
  hlt
  jmp inside
align 8
gdt:
  dq 0, 0x00af9a000000ffff
gdtr:
  dw $ - gdt - 1
  dd gdt
end:
