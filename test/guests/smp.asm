; Several processors: started by INIT and two SIPIs, counted, spoken to by IPIs with every kind of destination, told to drop a translation, sent an NMI.
; What they print comes in the order of their ids, by taking turns.
%include "kernel.asm"

APIC equ 0xfee00000
TRAMPOLINE equ 0x8000

%macro show 1
  mov eax, [APIC + %1]
  call print_dword
%endmacro

main:
  mov dword [APIC + 0xf0], 0x1ff
  mov esi, trampoline
  mov edi, TRAMPOLINE
  mov ecx, trampoline_end - trampoline
  rep movsb
  mov edi, 0x40
  mov eax, on_ipi
  call set_gate
  mov edi, 2
  mov eax, on_nmi
  call set_gate

  mov dword [APIC + 0x300], 0xc4500
  mov dword [APIC + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
  mov dword [APIC + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
.all:
  pause
  cmp dword [count], 3
  jne .all
  say "all here", 10
  mov dword [turn], 1 ; each prints its id and passes the turn on
.printed:
  pause
  cmp dword [turn], 4
  jne .printed

  ; contended: 4 processors add 10,000 each under a lock, and with LOCK
  mov dword [go], 1
  call work
.worked:
  pause
  cmp dword [finished], 4
  jne .worked
  say "sum"
  mov eax, [sum]
  call print_dword
  mov eax, [guarded]
  call print_dword
  call new_line

  say "one by id:"
  mov dword [APIC + 0x310], 2 << 24
  mov dword [APIC + 0x300], 0x4040
  call settled
  say "all others:"
  mov dword [APIC + 0x300], 0xc4040
  call settled
  say "all, me too:"
  sti
  mov dword [APIC + 0x300], 0x84040
  nop
  cli
  call settled
  say "logical, a set:"
  mov dword [APIC + 0x310], 0xa << 24
  mov dword [APIC + 0x300], 0x4840
  call settled
  say "NMI:"
  mov dword [APIC + 0x310], 1 << 24
  mov dword [APIC + 0x300], 0x4400
  call settled
  say "INIT, then start again:"
  mov dword [count], 0
  mov dword [turn], 4
  mov dword [APIC + 0x310], 3 << 24
  mov dword [APIC + 0x300], 0x4500
  mov dword [APIC + 0x300], 0x4600 | (TRAMPOLINE >> 12)
.again:
  pause
  cmp dword [count], 1
  jne .again
  call settled
  ret

; Waits until nobody has anything to do, then prints how often each was interrupted.
settled:
  mov ecx, 200000
.wait:
  pause
  loop .wait
  mov ecx, 0
.each:
  mov eax, [interrupts + ecx * 4]
  call print_byte
  inc ecx
  cmp ecx, 4
  jb .each
  mov eax, [nmis]
  call print_byte
  jmp new_line

; Where an application processor goes on in protected mode.
started:
  mov eax, [APIC + 0x20]
  shr eax, 24
  mov ebx, eax
  mov esp, eax
  shl esp, 12
  add esp, 0xa0000 - 0x5000
  sub esp, 0x10000
  lidt [idt_pointer]
  mov dword [APIC + 0xf0], 0x1ff
  mov dword [APIC + 0xe0], 0xffffffff
  mov ecx, ebx
  mov eax, 1
  shl eax, cl
  shl eax, 24
  mov [APIC + 0xd0], eax
  lock inc dword [count]
  cmp dword [turn], 4
  je .idle
.turn:
  pause
  cmp [turn], ebx
  jne .turn
  mov eax, ebx
  call print_byte
  mov eax, cr0
  call print_dword
  show 0x30
  call new_line
  inc dword [turn]
.go:
  pause
  cmp dword [go], 1
  jne .go
  call work
.idle:
  sti
.halt:
  hlt
  jmp .halt

work:
  mov ecx, 10000
.each:
  lock inc dword [sum]
.lock:
  lock bts dword [mutex], 0
  jnc .held
  pause
  jmp .lock
.held:
  inc dword [guarded]
  mov dword [mutex], 0
  loop .each
  lock inc dword [finished]
  ret

on_ipi:
  push eax
  mov eax, [APIC + 0x20]
  shr eax, 24
  lock inc dword [interrupts + eax * 4]
  mov dword [APIC + 0xb0], 0
  pop eax
  iret

on_nmi:
  lock inc dword [nmis]
  iret

bits 16
trampoline:
  cli
  xor ax, ax
  mov ds, ax
  o32 lgdt [TRAMPOLINE + (.pointer - trampoline)]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 8:TRAMPOLINE + (.flat - trampoline)
.pointer:
  dw 23
  dd gdt
bits 32
.flat:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, started
  jmp eax
trampoline_end:

align 4
count: dd 0
turn: dd 0
go: dd 0
finished: dd 0
sum: dd 0
mutex: dd 0
guarded: dd 0
nmis: dd 0
interrupts: dd 0, 0, 0, 0
