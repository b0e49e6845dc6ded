; A loop that calls short routines by pointers, one behind the other: no routine is worth a region, and the loop is not before it has them inside.
%include "kernel.asm"

ROUNDS equ 1000000

main:
  mov edi, ROUNDS
.round:
  mov ebx, pointers
.next:
  mov ecx, edi
  call [ebx]
  add ebx, 4
  add ebp, eax
  cmp ebx, pointers.end
  jne .next
  dec edi
  jnz .round
  ret

align 16
double:
  lea eax, [ecx + ecx]
  ret
align 16
square:
  mov eax, ecx
  imul eax, ecx
  ret
align 16
both:
  call double
  mov edx, eax
  call square
  xor eax, edx
  ret

pointers:
%rep 8
  dd double, square, both, square
%endrep
.end:
