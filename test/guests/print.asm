; A Multiboot header for a flat file that starts at `entry`, and output to the debug console at port 0xe9. To be included first.
bits 32
org 0x100000

; say "text", 10: prints it
%macro say 1+
  push esi
  mov esi, %%text
  call print
  pop esi
  jmp %%after
%%text:
  db %1, 0
%%after:
%endmacro

header:
  dd 0x1BADB002, 0x00010003, -(0x1BADB002 + 0x00010003)
  dd header, header, 0, 0, entry

print:
  push eax
.next:
  lodsb
  test al, al
  jz .done
  out 0xe9, al
  jmp .next
.done:
  pop eax
  ret

; the low byte, word or dword of EAX in hexadecimal after a space
print_byte:
  push ecx
  mov ecx, 2
  jmp print_hex
print_word:
  push ecx
  mov ecx, 4
  jmp print_hex
print_dword:
  push ecx
  mov ecx, 8
print_hex:
  push eax
  push ebx
  mov ebx, eax
  mov al, ' '
  out 0xe9, al
  push ecx
  shl ecx, 2
  ror ebx, cl
  pop ecx
.digit:
  rol ebx, 4
  mov al, bl
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .out
  add al, 'a' - '0' - 10
.out:
  out 0xe9, al
  loop .digit
  pop ebx
  pop eax
  pop ecx
  ret

new_line:
  push eax
  mov al, 10
  out 0xe9, al
  pop eax
  ret
