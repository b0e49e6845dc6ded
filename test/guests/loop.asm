; A hot loop of registers and memory, with room in its page for breakpoints that are never met.
%include "kernel.asm"

main:
  mov ecx, 1000000
  xor eax, eax
  mov ebx, 0x400000
.again:
  add eax, ecx
  xor [ebx], eax
  dec ecx
  jnz .again
  ret
