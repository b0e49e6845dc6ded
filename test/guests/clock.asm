; The real-time clock: date and hour, memory, 64 periodic interrupts at 1024 Hz, two update interrupts.
%include "kernel.asm"

main:
  mov edi, 0x28
  mov eax, on_clock
  call set_gate
  mov al, 0xfb
  out 0x21, al
  mov al, 0xfe
  out 0xa1, al

  say "date"
  mov esi, date_registers
  mov ecx, 5
.date:
  lodsb
  call read_cmos
  call print_byte
  loop .date
  call new_line

  say "memory"
  mov esi, memory_registers
  mov ecx, 9
.memory:
  lodsb
  call read_cmos
  call print_byte
  loop .memory
  call new_line

  mov bl, 0x42
  mov ecx, 64
  call wait_interrupts
  mov bl, 0x12
  mov ecx, 2
  call wait_interrupts
  ret

; value of register B in BL, interrupts in ECX
wait_interrupts:
  cli
  mov dword [interrupts], 0
  mov byte [flags], 0
  mov al, 0x0c
  call read_cmos
  mov al, 0x0b
  out 0x70, al
  mov al, bl
  out 0x71, al
.sleep:
  sti
  hlt
  cli
  cmp [interrupts], ecx
  jb .sleep
  mov al, 0x0b
  out 0x70, al
  mov al, 2
  out 0x71, al
  mov eax, ecx
  say "interrupts"
  call print_byte
  mov al, [flags]
  and al, bl ; flags whose interrupts are off are set here, but not in QEMU
  call print_byte
  call new_line
  ret

on_clock:
  push eax
  inc dword [interrupts]
  mov al, 0x0c
  call read_cmos
  or [flags], al
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
  pop eax
  iret

read_cmos:
  out 0x70, al
  in al, 0x71
  ret

interrupts: dd 0
flags: db 0
date_registers: db 0x32, 9, 8, 7, 4
memory_registers: db 0x0d, 0x15, 0x16, 0x17, 0x18, 0x30, 0x31, 0x34, 0x35
