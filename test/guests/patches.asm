; Code that changes while it is hot: by its own stores, through another linear address, by DMA, and by pages that are mapped to something else or to
; nothing. Each part adds up what it has executed and prints the sum.
%include "kernel.asm"

%ifndef ROUNDS
%define ROUNDS 1500
%endif
DIRECTORY equ 0x300000
TABLE equ 0x301000
FIRST equ 0x180000      ; two physical pages for code
SECOND equ 0x181000
WINDOW equ 0x400000     ; linear: what TABLE maps
ALIAS equ WINDOW + 0x1000
SWAPPED equ WINDOW + 0x2000
UNDERFOOT equ WINDOW + 0x3000
VANISHING equ WINDOW + 0x4000
%define ENTRY(linear) (TABLE + ((linear - WINDOW) >> 12) * 4)

%macro result 1+
  say %1
  call print_dword
  call new_line
%endmacro

main:
  call next_instruction
  result "the next instruction"
  call previous_instruction
  result "one of the round before"
  call itself
  result "the instruction that stores"
  call by_string
  result "by a string instruction"
  call beside
  result "data beside it"
  call across
  result "across a page's edge"
  call by_dma
  result "by DMA"
  call paging_on
  call aliased
  result "through another linear address"
  call swapped
  result "a page that is mapped elsewhere"
  call underfoot
  result "the page it runs in"
  call vanishing
  result "a page that is not there"
  ret

next_instruction:
  mov ecx, ROUNDS
  xor eax, eax
.again:
  mov [.sum + 1], ecx
.sum:
  add eax, 0x11111111
  loop .again
  ret

previous_instruction:
  mov ecx, ROUNDS
  xor eax, eax
.sum:
  add eax, 0x11111111
  lea edx, [ecx * 2]
  mov [.sum + 1], edx
  dec ecx
  jnz .sum
  ret

itself:
  mov ecx, ROUNDS
  xor eax, eax
.again:
  mov dword [.store + 6], 3
.store:
  mov dword [.store + 6], 5
  add eax, [.store + 6]
  loop .again
  ret

by_string:
  mov ecx, ROUNDS
  xor ebx, ebx
.again:
  push ecx
  mov eax, ecx
  mov edi, .sum + 2
  mov ecx, 1
  rep stosd
.sum:
  add ebx, 0x11111111
  pop ecx
  loop .again
  mov eax, ebx
  ret

beside:
  mov ecx, ROUNDS
.again:
  inc dword [.count]
  mov eax, [.count]
  loop .again
  ret
.count:
  dd 0

across:
  mov ecx, ROUNDS
  xor eax, eax
.again:
  mov [straddling + 1], ecx
  call straddling
  mov [straddling + 3], cx
  call straddling
  loop .again
  ret

by_dma:
  mov ecx, ROUNDS
  xor ebx, ebx
.again:
  mov dword [target + 1], ecx
  call target
  add ebx, eax
  xor eax, eax
  mov dx, 0x514
  out dx, eax
  mov eax, control
  bswap eax
  mov dx, 0x518
  out dx, eax
  call target
  add ebx, eax
  loop .again
  mov eax, ebx
  ret
target:
  mov eax, 0x11111111
  ret
; fw_cfg: select item 0 ("QEMU") and read its 4 bytes; big-endian
control:
  db 0, 0, 0, 0x0a
  db 0, 0, 0, 4
  dd 0
  db ((target + 1 - header + 0x100000) >> 24) & 255, ((target + 1 - header + 0x100000) >> 16) & 255
  db ((target + 1 - header + 0x100000) >> 8) & 255, (target + 1 - header + 0x100000) & 255

; identity for 4 MiB, WINDOW by TABLE
paging_on:
  mov dword [DIRECTORY], 0x83
  mov dword [DIRECTORY + 4], TABLE + 3
  mov dword [ENTRY(WINDOW)], FIRST + 3
  mov dword [ENTRY(ALIAS)], FIRST + 3
  mov dword [ENTRY(SWAPPED)], FIRST + 3
  mov dword [ENTRY(UNDERFOOT)], FIRST + 3
  mov dword [ENTRY(VANISHING)], FIRST + 3
  mov edi, 14
  mov eax, on_page_fault
  call set_gate
  mov eax, DIRECTORY
  mov cr3, eax
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  ret

; copies ECX bytes of code from ESI to FIRST and SECOND
%macro install 2
  mov esi, %1
  mov edi, FIRST
  mov ecx, %2 - %1
  rep movsb
  mov esi, %1
  mov edi, SECOND
  mov ecx, %2 - %1
  rep movsb
%endmacro

aliased:
  install adding, adding.end
  mov ecx, ROUNDS
  xor eax, eax
  mov ebx, WINDOW
.again:
  mov [ALIAS + 1], ecx
  call ebx
  loop .again
  ret

swapped:
  install adding, adding.end
  mov dword [FIRST + 1], 1
  mov dword [SECOND + 1], 0x10000
  mov ecx, ROUNDS
  xor eax, eax
  mov ebx, SWAPPED
.again:
  call ebx
  call ebx
  xor dword [ENTRY(SWAPPED)], FIRST ^ SECOND
  invlpg [SWAPPED]
  loop .again
  ret

underfoot:
  install remapping, remapping.end
  mov dword [FIRST + remapping.add - remapping + 1], 1
  mov dword [SECOND + remapping.add - remapping + 1], 0x10000
  mov ecx, ROUNDS + 1
  xor eax, eax
  mov ebx, UNDERFOOT
.again:
  call ebx
  loop .again
  ret

vanishing:
  install leaving, leaving.end
  mov ecx, ROUNDS
  xor eax, eax
  mov ebx, VANISHING
.again:
  call ebx
  loop .again
  add eax, [faults]
  ret

on_page_fault:
  inc dword [faults]
  or dword [ENTRY(VANISHING)], 1
  add esp, 4
  iret
faults:
  dd 0

adding:
  add eax, 0x11111111
  ret
.end:

remapping:
  xor dword [ENTRY(UNDERFOOT)], FIRST ^ SECOND
  invlpg [UNDERFOOT]
.add:
  add eax, 0x11111111
  ret
.end:

leaving:
  and dword [ENTRY(VANISHING)], ~1
  invlpg [VANISHING]
  add eax, 0x10000
  ret
.end:

  align 4096
  times 4093 nop
straddling:
  add eax, 0x11111111
  ret
