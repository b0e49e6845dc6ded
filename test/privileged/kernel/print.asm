; Printing to port E9h, in 32-bit code.

; esi: zero-terminated text
puts32:
  push eax
.next:
  lodsb
  test al, al
  jz .end
  out 0xe9, al
  jmp .next
.end:
  pop eax
  ret

; eax: value, ecx: digits
hex32:
  push eax
  push ebx
  push ecx
  push edx
  mov edx, eax
  mov ebx, ecx
  neg ecx
  add ecx, 8
  shl ecx, 2
  shl edx, cl
.next:
  rol edx, 4
  mov al, dl
  and al, 15
  cmp al, 10
  jb .digit
  add al, 'a' - '0' - 10
.digit:
  add al, '0'
  out 0xe9, al
  dec ebx
  jnz .next
  pop edx
  pop ecx
  pop ebx
  pop eax
  ret

; FIELD32 "text", value, digits: prints text and the value in hexadecimal. The text is at most four characters, from the low byte up.
%macro FIELD32 3
  mov eax, %1
  call text32
  mov eax, %2
  mov ecx, %3
  call hex32
%endmacro

; eax: up to four characters, low byte first
text32:
  test al, al
  jz .end
  out 0xe9, al
  shr eax, 8
  jmp text32
.end:
  ret
