; A 32-bit Multiboot kernel in one flat file: flat segments, an interrupt table, the PICs at 0x20 and all masked.
; A guest includes this first and defines `main`; when that returns, the machine is left through isa-debug-exit at 0xf4.
%include "print.asm"

entry:
  cli
  mov esp, 0x90000
  lgdt [gdt_pointer]
  jmp 8:.flat
.flat:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov ss, ax
  call remap_pic
  call fill_idt
  lidt [idt_pointer]
  call main

leave_machine:
  mov dx, 0xf4
  xor eax, eax
  out dx, eax
  cli
.stay:
  hlt
  jmp .stay

gdt:
  dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
  dw 23
  dd gdt
idt_pointer:
  dw 0x7ff
  dd IDT

IDT equ 0x200000

; Vectors 0x20 … 0x2f at ports 0x20 and 0xa0, everything masked.
remap_pic:
  mov al, 0x11
  out 0x20, al
  out 0xa0, al
  mov al, 0x20
  out 0x21, al
  mov al, 0x28
  out 0xa1, al
  mov al, 4
  out 0x21, al
  mov al, 2
  out 0xa1, al
  mov al, 1
  out 0x21, al
  out 0xa1, al
  mov al, 0xff
  out 0x21, al
  out 0xa1, al
  ret

fill_idt:
  mov edi, IDT
  mov ecx, 256
.each:
  mov eax, unexpected
  call .gate
  loop .each
  ret
.gate:
  mov [edi], ax
  mov word [edi + 2], 8
  mov word [edi + 4], 0x8e00
  shr eax, 16
  mov [edi + 6], ax
  add edi, 8
  ret

; vector in EDI, handler in EAX
set_gate:
  lea edi, [IDT + edi * 8]
  jmp fill_idt.gate

unexpected:
  say "unexpected interrupt", 10
  jmp leave_machine
