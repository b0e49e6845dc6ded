; The local APIC and the I/O APIC as a kernel drives them: priorities, nested delivery, the timer, a level- and an edge-triggered pin.
%include "kernel.asm"

APIC equ 0xfee00000
IOAPIC equ 0xfec00000

%macro show 1 ; the register at this offset
  mov eax, [APIC + %1]
  call print_dword
%endmacro

%macro handler 2 ; name, letter: prints the letter, the task and the processor priority
%1:
  push eax
  mov al, %2
  out 0xe9, al
  mov dword [APIC + 0xb0], 0
  pop eax
  iret
%endmacro

main:
    say "id version"
  show 0x20
  show 0x30
  call new_line
  mov dword [APIC + 0xf0], 0x1ff
  mov dword [APIC + 0x350], 0x10000
  mov dword [APIC + 0x360], 0x400
  mov edi, 0x41
  mov eax, on_low
  call set_gate
  mov edi, 0x62
  mov eax, on_high
  call set_gate
  mov edi, 0x51
  mov eax, on_timer
  call set_gate
  mov edi, 0x71
  mov eax, on_pin
  call set_gate
  mov edi, 0xff
  mov eax, on_spurious
  call set_gate

  say "self, both while interrupts are off: "
  mov dword [APIC + 0x300], 0x44041
  mov dword [APIC + 0x300], 0x44062
  show 0x220
  show 0x230
  sti
  nop
  cli
  call new_line

  say "held back by the task priority: "
  mov dword [APIC + 0x80], 0x50
  mov dword [APIC + 0x300], 0x44041
  mov dword [APIC + 0x300], 0x44062
  sti
  nop
  show 0x220
  show 0xa0
  mov dword [APIC + 0x80], 0
  nop
  cli
  call new_line

  say "CR8's place: "
  mov dword [APIC + 0x80], 0x73
  show 0x80
  show 0xa0
  mov dword [APIC + 0x80], 0
  call new_line

  say "nested: "
  mov edi, 0x41
  mov eax, on_nesting
  call set_gate
  mov dword [APIC + 0x300], 0x44041
  sti
  nop
  cli
  call new_line

  say "timer, once: "
  mov dword [APIC + 0x3e0], 3
  mov dword [APIC + 0x320], 0x51
  mov dword [APIC + 0x380], 50000
  mov dword [seen], 0
  sti
.once:
  hlt
  cmp dword [seen], 1
  jne .once
  show 0x390
  mov dword [APIC + 0x320], 0x20051
  mov dword [APIC + 0x380], 30000
.thrice:
  hlt
  cmp dword [seen], 4
  jb .thrice
  mov dword [APIC + 0x320], 0x10051
  cli
  call new_line

  say "I/O APIC: "
  mov dword [IOAPIC], 1
  mov eax, [IOAPIC + 16]
  and eax, 0xff0000
  call print_dword
  ; the PIT at pin 2, edge-triggered: one pulse
  mov dword [IOAPIC], 0x15
  mov dword [IOAPIC + 16], 0
  mov dword [IOAPIC], 0x14
  mov dword [IOAPIC + 16], 0x71
  mov al, 0x30
  out 0x43, al
  mov al, 0x40
  out 0x40, al
  mov al, 0
  out 0x40, al
  mov dword [seen], 0
  sti
.pin:
  hlt
  cmp dword [seen], 1
  jne .pin
  cli
  mov dword [IOAPIC], 0x14
  mov eax, [IOAPIC + 16]
  call print_dword
  mov dword [IOAPIC + 16], 0x10071
  ; serial port 0 at pin 4, level-triggered: it asks again until its cause is gone
  mov edi, 0x71
  mov eax, on_level
  call set_gate
  mov dword [IOAPIC], 0x18
  mov dword [IOAPIC + 16], 0x8071
  mov dx, 0x3fc
  mov al, 0x0b
  out dx, al
  mov dx, 0x3f9
  mov al, 2
  out dx, al
  mov dword [seen], 0
  sti
.level:
  cmp dword [seen], 3
  jb .level
  cli
  mov dword [IOAPIC], 0x18
  mov eax, [IOAPIC + 16]
  call print_dword
  mov dword [IOAPIC + 16], 0x10000
  call new_line

  ret

handler on_low, 'l'
handler on_high, 'h'

on_nesting:
  push eax
  mov al, '('
  out 0xe9, al
  show 0xa0
  mov dword [APIC + 0x300], 0x44062
  mov dword [APIC + 0x300], 0x44042
  show 0x120
  sti
  nop
  cli
  mov al, ')'
  out 0xe9, al
  mov edi, 0x42
  mov eax, on_low
  call set_gate
  mov dword [APIC + 0xb0], 0
  pop eax
  iret

on_timer:
  inc dword [seen]
  push eax
  mov al, 't'
  out 0xe9, al
  mov dword [APIC + 0xb0], 0
  pop eax
  iret

on_pin:
  inc dword [seen]
  push eax
  mov al, 'p'
  out 0xe9, al
  mov dword [APIC + 0xb0], 0
  pop eax
  iret

on_level:
  inc dword [seen]
  push eax
  push edx
  mov dword [IOAPIC], 0x18
  mov eax, [IOAPIC + 16]
  call print_dword
  cmp dword [seen], 3
  jb .again
  mov dx, 0x3f9
  xor al, al
  out dx, al
.again:
  mov dword [APIC + 0xb0], 0
  pop edx
  pop eax
  iret

on_spurious:
  push eax
  mov al, '?'
  out 0xe9, al
  pop eax
  iret

seen: dd 0
