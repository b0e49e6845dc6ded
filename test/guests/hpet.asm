; Reads and writes the HPET's counter and comparators over and over, in 4 and 8 bytes, while they are memory, count or belong to the device; adds up what it sees.
%include "kernel.asm"

HPET equ 0xfed00000
CONFIG equ HPET + 0x10
COUNTER equ HPET + 0xf0
%define TIMER(n) (HPET + 0x100 + 0x20 * n)
%define COMPARATOR(n) (HPET + 0x108 + 0x20 * n)
ROUNDS equ 400

main:
  mov dword [CONFIG], 1
  mov ebp, ROUNDS
.round:
  movq mm0, [COUNTER]
  movq [COMPARATOR(2)], mm0
  paddd mm7, mm0
  mov eax, [COUNTER]
  add [sum], eax
  mov [COMPARATOR(1)], eax
  mov eax, [COUNTER + 4]
  add [sum + 4], eax
  mov eax, [COMPARATOR(2)]
  add [sum], eax
  inc dword [COMPARATOR(1)]
  movq mm0, [COMPARATOR(1)]
  paddd mm7, mm0

  test ebp, 15
  jnz .running
  mov dword [CONFIG], 0
  mov eax, [COUNTER]
  add eax, 1000
  mov [COUNTER], eax
  movq mm0, [COUNTER]
  paddd mm7, mm0
  mov dword [CONFIG], 1
.running:

  ; A timer of 32 bits, enabled for a while.
  mov eax, ebp
  and eax, 31
  cmp eax, 7
  jne .off
  mov dword [TIMER(1)], 0x104
.off:
  cmp eax, 3
  jne .on
  mov dword [TIMER(1)], 0
.on:
  dec ebp
  jnz .round
  movq [sum + 8], mm7
  emms
  ret

align 16
sum: times 2 dq 0
