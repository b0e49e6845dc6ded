; Echoes scan codes of set 1 until Escape (0x01) comes; sleeps in between.
%include "kernel.asm"

main:
  mov edi, 0x21
  mov eax, on_key
  call set_gate
  mov al, 0xfd
  out 0x21, al
  say "ready", 10
.sleep:
  sti
  hlt
  cli
  cmp byte [last], 1
  jne .sleep
  call new_line
  ret

on_key:
  push eax
  in al, 0x60
  mov [last], al
  call print_byte
  mov al, 0x20
  out 0x20, al
  pop eax
  iret

last: db 0
