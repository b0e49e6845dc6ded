; A routine with a loop, called so often that what was made of it is made anew. Each time by another pointer, so that nobody joins it with its caller.
%include "kernel.asm"

CALLS equ 1000000

main:
  mov esi, CALLS
.again:
  mov eax, esi
  and eax, 15
  call [pointers + eax * 4]
  dec esi
  jnz .again
  ret

%macro routine 1
align 64
routine_%1:
  mov ecx, 6
  jmp .check
.body:
  add ebx, ecx
  xor ebx, esi
  dec ecx
.check:
  test ecx, ecx
  jnz .body
  lea edx, [ebx + %1]
  ret
%endmacro
%assign number 0
%rep 16
routine number
%assign number number + 1
%endrep

pointers:
%assign number 0
%rep 16
  dd routine_ %+ number
%assign number number + 1
%endrep
