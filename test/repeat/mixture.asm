; A guest that keeps the processor in states that are hard to save: in the middle of REP, with traps and shadows pending, in nested interrupts, with
; stale TLB entries, with code that changes itself. Every round it prints a checksum of all it has seen, time included.
%include "kernel.asm"

ROUNDS equ 60
CHECKSUM equ 0x210000
COUNTERS equ 0x210010                ; traps, ticks, keys, bytes, faults, NMIs
SOURCE equ 0x211000
TARGET equ 0x212000
DIRECTORY equ 0x220000
TABLE equ 0x221000
WINDOW equ 0x800000                  ; its page lies at FRAMES or behind
FRAMES equ 0x230000

main:
  mov edi, CHECKSUM
  mov ecx, 0x1000
  xor eax, eax
  rep stosd
  mov edi, 0
  mov eax, divide_error
  call set_gate
  mov edi, 1
  mov eax, debug_trap
  call set_gate
  mov edi, 2
  mov eax, non_maskable
  call set_gate
  mov edi, 0x20
  mov eax, tick
  call set_gate
  mov edi, 0x21
  mov eax, key
  call set_gate
  mov edi, 0x24
  mov eax, byte_arrived
  call set_gate
  fninit
  call enable_paging
  call enable_devices
  mov ebp, ROUNDS
.round:
  call strings
  call single_steps
  call data_breakpoint
  call stale_entry
  call changed_code
  call time_and_numbers
  sti
  hlt
  call print_checksum
  dec ebp
  jnz .round
  mov al, 0xff
  out 0x21, al
  ret

enable_paging:
  mov edi, DIRECTORY
  mov eax, 0x83                      ; 4 MiB pages, the same addresses as before
  mov ecx, 1024
.each:
  stosd
  add eax, 0x400000
  loop .each
  mov dword [DIRECTORY + (WINDOW >> 22) * 4], TABLE + 3
  mov dword [TABLE], FRAMES + 3
  mov dword [FRAMES], 0x1111
  mov dword [FRAMES + 0x1000], 0x2222
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, DIRECTORY
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  ret

enable_devices:
  mov al, 0x34                       ; channel 0, both bytes, rate generator
  out 0x43, al
  mov al, 90
  out 0x40, al
  xor al, al
  out 0x40, al
  mov dx, 0x3f9                      ; received data and line status interrupt
  mov al, 5
  out dx, al
  mov dx, 0x3fa
  mov al, 0x87                       ; FIFOs, trigger at 8
  out dx, al
  mov dx, 0x3fc
  mov al, 0x0b
  out dx, al
  mov al, 0xae                       ; keyboard on
  out 0x64, al
  mov al, 0xec                       ; timer, keyboard, first serial port
  out 0x21, al
  sti
  ret

strings:
  mov esi, SOURCE
  mov edi, TARGET
  mov ecx, 40
  rep movsd
  mov edi, TARGET + 100
  mov ecx, 33
  mov al, 0x5a
  rep stosb
  mov edi, TARGET + 90
  mov ecx, 50
  repne scasb
  add [CHECKSUM], ecx
  mov esi, TARGET + 100
  mov edi, TARGET + 101
  mov ecx, 60
  repe cmpsb
  add [CHECKSUM], ecx
  mov esi, message
  mov ecx, message_end - message
  mov dx, 0xe9
  rep outsb
  mov edi, TARGET
  mov ecx, 4
  mov dx, 0x40
  rep insb                           ; the timer's count
  mov eax, [TARGET]
  call mix
  ret
message: db "mixture", 10
message_end:

single_steps:
  pushfd
  or dword [esp], 0x100
  popfd
  nop
  mov eax, 5
  mov esi, SOURCE
  mov edi, TARGET + 200
  mov ecx, 6
  rep movsb
  mov ax, ss
  mov ss, ax                         ; no trap behind this one
  inc dword [CHECKSUM]
  push ds
  pop ss
  nop
  pushfd
  and dword [esp], ~0x100
  popfd
  nop
  ret

data_breakpoint:
  mov eax, TARGET + 0x120
  mov dr0, eax
  mov eax, watched_instruction
  mov dr1, eax
  mov eax, 0x000d0406                ; DR0: four bytes, writes; DR1: an instruction
  or eax, 0x8
  mov dr7, eax
  mov edi, TARGET + 0x110
  mov ecx, 12
  mov eax, ebp
  rep stosd
  mov byte [TARGET + 0x122], 3
watched_instruction:
  add dword [CHECKSUM], 7
  xor eax, eax
  mov dr7, eax
  ret

stale_entry:
  mov eax, [WINDOW]
  xor dword [TABLE], 0x1000
  add eax, [WINDOW]                  ; still the old page
  call mix
  test ebp, 1
  jz .flushed
  invlpg [WINDOW]
.flushed:
  add dword [WINDOW], 0x10
  mov eax, [TABLE]                   ; accessed and dirty
  call mix
  ret

changed_code:
  mov eax, ebp
  mov [.patched + 1], al
  mov ecx, 3
.again:
.patched:
  mov al, 0
  add [CHECKSUM], al
  inc byte [.patched + 1]
  loop .again
  ret

time_and_numbers:
  rdtsc
  call mix
  mov al, 0x0
  out 0x70, al
  in al, 0x71
  call mix
  in al, 0x61
  call mix
  fild dword [COUNTERS]
  fld1
  faddp st1, st0
  fstp qword [TARGET + 0x300]
  mov eax, [TARGET + 0x304]
  call mix
  mov eax, 100
  cdq
  xor ecx, ecx
.divides:
  div ecx                            ; the handler puts 7 into ECX
  call mix
  cli
  sti
  nop
  ret

; adds EAX to the checksum
mix:
  push eax
  mov eax, [CHECKSUM]
  rol eax, 5
  add eax, [esp]
  mov [CHECKSUM], eax
  pop eax
  ret

print_checksum:
  mov edx, [CHECKSUM]
  mov ecx, 8
.digit:
  rol edx, 4
  mov al, dl
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .print
  add al, 'a' - '0' - 10
.print:
  out 0xe9, al
  loop .digit
  mov al, 10
  out 0xe9, al
  ret

debug_trap:
  push eax
  mov eax, dr6
  call mix
  xor eax, eax
  mov dr6, eax
  inc dword [COUNTERS]
  or dword [esp + 12], 0x10000       ; RF: an instruction breakpoint is over
  pop eax
  iretd

tick:
  pushad
  inc dword [COUNTERS + 4]
  mov al, 0x20
  out 0x20, al
  sti                                ; keys and bytes may come in between
  mov esi, SOURCE
  mov edi, SOURCE + 64
  mov ecx, 8
  rep movsb
  popad
  iretd

key:
  push eax
  xor eax, eax
  in al, 0x60
  call mix
  inc dword [COUNTERS + 8]
  mov al, 0x20
  out 0x20, al
  pop eax
  iretd

byte_arrived:
  push eax
  push edx
.more:
  mov dx, 0x3fd
  in al, dx
  test al, 1
  jz .none
  mov dx, 0x3f8
  xor eax, eax
  in al, dx
  out dx, al
  call mix
  inc dword [COUNTERS + 12]
  jmp .more
.none:
  mov dx, 0x3fa
  in al, dx
  mov al, 0x20
  out 0x20, al
  pop edx
  pop eax
  iretd

divide_error:
  mov ecx, 7
  inc dword [COUNTERS + 16]
  iretd

non_maskable:
  inc dword [COUNTERS + 20]
  iretd
