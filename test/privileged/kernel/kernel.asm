; The privileged test kernel: what user mode cannot reach, one small case after the other, in every mode from real mode to long mode.
;
; Each case runs from a fixed state (`reset32`, `reset64`, `reset16` put back tables, pages, segments and registers) and ends in its first event: a fault, or
; INT 40h at its end ("done"). An event is one line on port E9h:
;
;     name vector error [cr2] [dr6] cs:ip flags ss:sp registers segments
;
; ip is relative to the start of the case's code where it lies in it, so that lines do not change when cases are added. A case that wants more than one event
; says how many to return from (RESUME n). After the last case the kernel writes "end" and leaves through isa-debug-exit (port F4h).
;
; Loaded by Multiboot 1 through the a.out fields of its header, assembled by `nasm -f bin`.

%include "layout.asm"

section .text start=0 vstart=LOAD
section .data follows=.text vfollows=.text align=4096 valign=4096
section .user follows=.data vfollows=.data align=4096 valign=4096
section .real follows=.user vstart=REAL align=16
section .tail follows=.real align=16

section .user
user_start:

section .text
bits 32
image_start:
  align 4
multiboot:
  dd 0x1badb002, 0x00010003, -(0x1badb002 + 0x00010003)
  dd LOAD + (multiboot - image_start), LOAD, 0, 0, entry

%include "print.asm"
%include "frame32.asm"

entry:
  cli
  cld
  mov esp, KERNEL_STACK
  ; Both PICs masked: no case wants interrupts from outside.
  mov al, 0xff
  out 0x21, al
  out 0xa1, al
  ; The real-mode section goes where its addresses are.
  mov esi, LOAD + section..real.start
  mov edi, REAL
  mov ecx, REAL_BYTES / 4
  rep movsd
  lgdt [boot_gdtr]
  jmp KCODE:.reload
.reload:
  mov ax, KDATA
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  call run_real
  call setup32
  %include "protected.asm"
  %include "gates.asm"
  %include "task.asm"
  %include "debug.asm"
  %include "v86.asm"
  %include "paging.asm"
  jmp enter_long

%include "long.asm"
%include "real.asm"

section .user
user_end:
section .data
text_end: db "end", 10, 0
section .tail
  align 512
