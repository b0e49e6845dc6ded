; COM1 in loopback, with and without FIFO, polled and by interrupt.
%include "kernel.asm"

COM1 equ 0x3f8

%macro write_register 2
  mov dx, COM1 + %1
  mov al, %2
  out dx, al
%endmacro
%macro show_register 1
  mov dx, COM1 + %1
  in al, dx
  call print_byte
%endmacro

main:
  mov edi, 0x24
  mov eax, on_serial
  call set_gate
  mov al, 0xef
  out 0x21, al

  write_register 3, 0x83
  write_register 0, 3
  write_register 1, 0
  show_register 0
  write_register 3, 0x03
  write_register 4, 0x1b
  say "modem"
  mov dx, COM1 + 6
  in al, dx
  and al, 0xf0
  call print_byte
  call new_line

  say "single"
  show_register 5
  write_register 0, 0xa5
  show_register 5
  show_register 0
  show_register 5
  call new_line

  say "fifo"
  write_register 2, 0x47
  show_register 2
  mov ecx, 16
.fill:
  mov eax, ecx
  mov dx, COM1
  out dx, al
  loop .fill
  write_register 1, 0x01
  write_register 1, 0x00
  show_register 5
  mov ecx, 16
.drain:
  show_register 0
  loop .drain
  show_register 5
  call new_line

  say "interrupts"
  write_register 2, 0x81
  write_register 1, 0x03
  mov ecx, 10
.send:
  cli
  mov dx, COM1
  mov al, cl
  add al, 0x40
  out dx, al
  sti
  nop
  nop
  loop .send
  mov ecx, 1000
.settle:
  nop
  loop .settle
  cli
  write_register 1, 0x00
  call new_line

  write_register 4, 0x0b
  write_register 2, 0x00
  ret

on_serial:
  push eax
  push edx
.again:
  mov dx, COM1 + 2
  in al, dx
  test al, 1
  jnz .done
  call print_byte
  and al, 0x0e
  cmp al, 2
  je .again
.receive:
  mov dx, COM1
  in al, dx
  call print_byte
  mov dx, COM1 + 5
  in al, dx
  test al, 1
  jnz .receive
  jmp .again
.done:
  mov al, 0x20
  out 0x20, al
  pop edx
  pop eax
  iret
