; A loop that calls functions on pages of their own; between the calls it needs its registers and the flags that a callee has set.
; It prints the sum of what they gave, in hexadecimal.
%include "kernel.asm"

CALLS equ 9000

main:
  mov ecx, CALLS
  xor ebx, ebx
.again:
  mov eax, ecx
  call triple
  jc .carried
  add ebx, eax
.carried:
  lea edi, [eax + ebx]
  call fold
  adc ebx, 1
  call triple
  xor ebx, eax
  dec ecx
  jnz .again

  mov esi, 8
.digit:
  rol ebx, 4
  mov eax, ebx
  and eax, 15
  cmp al, 10
  jb .small
  add al, 'a' - 10 - '0'
.small:
  add al, '0'
  out 0xe9, al
  dec esi
  jnz .digit
  ret

; EAX times 3; CF: it was not below 2^31.
align 4096
triple:
  lea edx, [eax + eax * 2]
  shl eax, 1
  mov eax, edx
  ret

; EAX from EDI, and CF by its lowest bit.
align 4096
fold:
  mov eax, edi
  shr eax, 7
  xor eax, edi
  shr edi, 1
  ret
