; The timer interrupts 50 times in mode 2 and 20 times in mode 3 while the kernel sleeps, then in mode 0 once.
%include "kernel.asm"

main:
  mov edi, 0x20
  mov eax, on_timer
  call set_gate
  mov al, 0xfe
  out 0x21, al

  mov al, 0x34
  mov bx, 1193
  mov ecx, 50
  call count_ticks
  mov al, 0x36
  mov bx, 1193
  mov ecx, 20
  call count_ticks
  mov al, 0x30
  mov bx, 30000
  mov ecx, 1
  call count_ticks

  ; the second chip's timer: channel 2 behind its gate, polled
  in al, 0x61
  and al, 0xfc
  out 0x61, al
  mov al, 0xb0
  out 0x43, al
  mov al, 0xff
  out 0x42, al
  mov al, 0x01
  out 0x42, al
  in al, 0x61
  and al, 0x20
  say "output 2"
  call print_byte
  in al, 0x61
  or al, 1
  out 0x61, al
.wait:
  in al, 0x61
  test al, 0x20
  jz .wait
  and al, 0x21
  call print_byte
  call new_line
  ret

; control word in AL, count in BX, ticks to wait for in ECX
count_ticks:
  cli
  mov dword [ticks], 0
  out 0x43, al
  call print_byte
  mov al, bl
  out 0x40, al
  mov al, bh
  out 0x40, al
.sleep:
  sti
  hlt
  cli
  cmp [ticks], ecx
  jb .sleep
  mov eax, ecx
  say " ticks"
  call print_byte
  call new_line
  ret

on_timer:
  push eax
  inc dword [ticks]
  mov al, 0x20
  out 0x20, al
  pop eax
  iret

ticks: dd 0
