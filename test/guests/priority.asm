; Three interrupts wait while they are not allowed in, then come by priority: timer (0), clock (8, through line 2), serial port (4).
; Twice: in the ordinary order, and after line 2 was given the lowest priority but one.
%include "kernel.asm"

main:
  mov edi, 0x20
  mov eax, on_timer
  call set_gate
  mov edi, 0x28
  mov eax, on_clock
  call set_gate
  mov edi, 0x24
  mov eax, on_serial
  call set_gate

  call pend_all
  call let_in
  mov al, 0xc2 ; line 2 becomes the last, 3 the first
  out 0x20, al
  call pend_all
  call let_in
  ret

pend_all:
  mov al, 0xea
  out 0x21, al
  mov al, 0xfe
  out 0xa1, al
  mov al, 0x0c
  out 0x70, al
  in al, 0x71
  mov al, 0x0a ; periodic interrupts at 8192 Hz
  out 0x70, al
  mov al, 0x23
  out 0x71, al
  mov al, 0x0b
  out 0x70, al
  mov al, 0x42
  out 0x71, al
  mov dx, 0x3fc
  mov al, 0x0b
  out dx, al
  mov dx, 0x3f9 ; transmitter empty
  xor al, al
  out dx, al
  mov al, 2
  out dx, al
  mov al, 0x30 ; timer once, soon
  out 0x43, al
  mov al, 0x10
  out 0x40, al
  mov al, 0
  out 0x40, al
.wait:
  mov al, 0x0a
  out 0x20, al
  in al, 0x20
  and al, 0x15
  cmp al, 0x15
  jne .wait
  ret

let_in:
  say "order"
  sti
  mov ecx, 1000
.settle:
  nop
  loop .settle
  cli
  call new_line
  mov al, 0x0b
  out 0x20, al
  in al, 0x20
  say "in service"
  call print_byte
  call new_line
  ret

on_timer:
  push eax
  mov al, 0
  call print_byte
  mov al, 0x20
  out 0x20, al
  pop eax
  iret

on_clock:
  push eax
  mov al, 0x0b ; once is enough
  out 0x70, al
  mov al, 2
  out 0x71, al
  mov al, 0x0c
  out 0x70, al
  in al, 0x71
  mov al, 8
  call print_byte
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
  pop eax
  iret

on_serial:
  push eax
  push edx
  mov dx, 0x3fa
  in al, dx
  mov al, 4
  call print_byte
  mov al, 0x20
  out 0x20, al
  pop edx
  pop eax
  iret
