; For boot sectors that print what services give: to the debug console (port E9h), which works alike here and in QEMU. To be included.
; say "text": prints it. print_word: " " and AX in hexadecimal. finish: leaves by isa-debug-exit at F4h.
%macro say 1+
  call print
  db %1, 0
%endmacro

%macro show 1
  mov ax, %1
  call print_word
%endmacro

  jmp near start

print:
  pushf
  push bp
  mov bp, sp
  pusha
  mov si, [bp + 4]
.next:
  mov al, [cs:si]
  inc si
  test al, al
  jz .done
  out 0xe9, al
  jmp .next
.done:
  mov [bp + 4], si
  popa
  pop bp
  popf
  ret

print_word:
  pushf
  pusha
  mov dx, ax
  mov al, ' '
  out 0xe9, al
  mov cx, 4
.digit:
  rol dx, 4
  mov al, dl
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .out
  add al, 'a' - '9' - 1
.out:
  out 0xe9, al
  loop .digit
  popa
  popf
  ret

; the carry flag as " c" or " -"
print_carry:
  pushf
  push ax
  mov al, ' '
  out 0xe9, al
  mov al, '-'
  jnc .out
  mov al, 'c'
.out:
  out 0xe9, al
  pop ax
  popf
  ret

finish:
  mov al, 0
  mov dx, 0xf4
  out dx, al
  cli
  hlt
