; Things for a debugger to watch, each at a place that a marker names: `mark N` is an instruction without effect that a test finds by its bytes.
%include "kernel.asm"

%macro mark 1
  test eax, 0x5a5a0000 + %1
%endmacro

main:
  mark 1
  mov ecx, 5
.loop:
  mark 2
  inc dword [counter]
  loop .loop

  mark 3
  mov dword [target], 0x11223344
  mark 4
  mov eax, [target]
  mark 5
  mov al, [target + 3]
  mark 6
  mov esi, source
  mov edi, target
  mov ecx, 16
  rep movsb

  mark 7
  mov dx, 0x3f8
  mov al, 'x'
  out dx, al
  mark 8
  mov edi, 3
  mov eax, on_breakpoint
  call set_gate
  int3
  mark 9
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mark 10
  ret

on_breakpoint:
  mark 11
  iret

source: times 16 db 0xcc
align 64
counter: dd 0
align 64
target: times 64 db 0
; The words of these addresses, for the test to find.
addresses: dd 0x5a5aaaaa, counter, target
