; A guest that lives with its memory slots: it is told by the system control interrupt, looks which slot it is about, fills the memory and runs code in it,
; and gives it back when it is asked. The third DIMM is given back by code that lies in it, and the guest ends where that leads.
%include "kernel.asm"

DIRECTORIES equ 0x220000             ; page directory pointers; behind them two directories
WINDOW equ 0x40000000                ; its gibibyte lies at 4 GiB
EVENTS equ 0x210000                  ; interrupts not yet looked at
ROUNDS equ 0x210004
GPE_STATUS equ 0xafe0
GPE_ENABLE equ 0xafe2
PM_CONTROL equ 0x604
SLOTS equ 0xa00
SLOT_STATUS equ 0xa14

main:
  mov dword [EVENTS], 0
  mov dword [ROUNDS], 0
  mov edi, 0x29
  mov eax, system_control
  call set_gate
  mov edi, 6
  mov eax, nothing_there
  call set_gate
  call enable_paging
  mov dx, PM_CONTROL
  mov ax, 1
  out dx, ax
  mov dx, GPE_ENABLE
  mov ax, 8
  out dx, ax
  mov dx, 0x4d1                      ; IRQ 9 is level-triggered
  in al, dx
  or al, 2
  out dx, al
  mov al, 0xfd
  out 0xa1, al
  mov al, 0xfb
  out 0x21, al
  xor ebp, ebp                       ; DIMMs given back
.wait:
  sti
  inc dword [ROUNDS]
  mov eax, [WINDOW]                  ; whatever is there: a hole reads as ones
  add [EVENTS + 8], eax
  cmp dword [EVENTS], 0
  je .wait
  cli
  mov dword [EVENTS], 0
  xor ebx, ebx
.slot:
  mov dx, SLOTS
  mov eax, ebx
  out dx, eax
  mov dx, SLOT_STATUS
  in al, dx
  test al, 2
  jnz .came
  test al, 4
  jnz .asked
.next:
  inc ebx
  cmp ebx, 3                         ; one that does not exist is looked at, too
  jb .slot
  jmp .wait

.came:
  say "came:"
  call tell
  mov dx, SLOT_STATUS
  mov al, 2
  out dx, al
  call use
  mov dx, SLOTS + 4
  mov eax, 1
  out dx, eax
  mov dx, SLOTS + 8
  xor eax, eax
  out dx, eax
  jmp .next

.asked:
  say "asked for:"
  call tell
  mov dx, SLOT_STATUS
  mov al, 4
  out dx, al
  mov al, 8
  cmp ebp, 2
  je .from_within
  out dx, al
  call place
  mov eax, [esi]
  call print_dword                   ; through a stale entry of the TLB, perhaps, but nothing is there
  call new_line
  inc ebp
  jmp .next

.from_within:
  call place
  mov edi, esi
  mov dword [edi], 0x90feebee        ; out dx, al; and what would run for ever
  mov dx, SLOT_STATUS
  mov al, 8
  jmp edi

; an invalid opcode: of all ones, where there is no memory
nothing_there:
  say "nothing there:"
  pop eax
  call print_dword
  call new_line
  jmp leave_machine

system_control:
  push eax
  push edx
  inc dword [EVENTS]
  mov dx, GPE_STATUS
  mov ax, 8
  out dx, ax
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
  pop edx
  pop eax
  iret

; prints the slot, its status, and the address and size of what is in it
tell:
  mov eax, ebx
  call print_byte
  mov dx, SLOT_STATUS
  in al, dx
  call print_byte
  mov ecx, 4
  mov dx, SLOTS
.part:
  in eax, dx
  call print_dword
  add dx, 4
  loop .part
  mov eax, [ROUNDS]
  call print_dword
  call new_line
  ret

; ESI: where the memory of the selected slot is in the window
place:
  mov dx, SLOTS
  in eax, dx
  lea esi, [eax + WINDOW]
  ret

; prints a word of the new memory, fills three pages of it, and calls what it has copied behind them
use:
  call place
  mov eax, [esi]
  call print_dword
  mov edi, esi
  mov ecx, 3 * 1024
  mov eax, 0x12345678
.fill:
  add eax, ebx
  stosd
  rol eax, 1
  loop .fill
  push esi
  push edi
  mov esi, sum
  mov ecx, sum_end - sum
  rep movsb
  pop edi
  pop esi
  call edi
  call print_dword
  mov byte [edi + sum.add - sum], 0x2b ; code in memory that can go changes, too: SUB for ADD
  call edi
  call print_dword
  call new_line
  ret

; EAX: the sum of the three pages at ESI
sum:
  push esi
  xor eax, eax
  mov ecx, 3 * 1024
.add:
  add eax, [esi]
  add esi, 4
  dec ecx
  jnz .add
  pop esi
  ret
sum_end:

; PAE: the first gibibyte as it is, the second is what lies at 4 GiB
enable_paging:
  mov edi, DIRECTORIES
  mov ecx, 3 * 1024
  xor eax, eax
  rep stosd
  mov dword [DIRECTORIES], DIRECTORIES + 0x1001
  mov dword [DIRECTORIES + 8], DIRECTORIES + 0x2001
  mov edi, DIRECTORIES + 0x1000
  mov eax, 0x83
  xor ecx, ecx
.entry:
  mov [edi], eax
  mov [edi + 0x1000], eax
  mov dword [edi + 0x1004], 1
  add eax, 0x200000
  add edi, 8
  inc ecx
  cmp ecx, 512
  jb .entry
  mov eax, DIRECTORIES
  mov cr3, eax
  mov eax, 0x20
  mov cr4, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  ret
