; Events in long mode, as `frame32.asm` has them for the modes before it.

bits 64
Q_GS    equ 0
Q_FS    equ 8
Q_ES    equ 16
Q_DS    equ 24
Q_R15   equ 32
Q_R14   equ 40
Q_R13   equ 48
Q_R12   equ 56
Q_R11   equ 64
Q_R10   equ 72
Q_R9    equ 80
Q_R8    equ 88
Q_RDI   equ 96
Q_RSI   equ 104
Q_RBP   equ 112
Q_RBX   equ 120
Q_RDX   equ 128
Q_RCX   equ 136
Q_RAX   equ 144
Q_VEC   equ 152
Q_ERR   equ 160
Q_RIP   equ 168
Q_CS    equ 176
Q_FLAGS equ 184
Q_RSP   equ 192
Q_SS    equ 200

; Long-mode tables where the legacy modes had theirs
PML4    equ PAGES
LPDPT   equ PAGES + 0x5000
LPD     equ PAGES + 0x4000
LONG_LDT equ GATE2           ; an LDT descriptor has 16 bytes here
IST_STACK equ 0x186000

puts64:
  push rax
.next:
  lodsb
  test al, al
  jz .end
  out 0xe9, al
  jmp .next
.end:
  pop rax
  ret

; rax: value, ecx: digits
hex64:
  push rax
  push rbx
  push rcx
  push rdx
  mov rdx, rax
  mov ebx, ecx
  neg ecx
  add ecx, 16
  shl ecx, 2
  shl rdx, cl
.next:
  rol rdx, 4
  mov al, dl
  and al, 15
  cmp al, 10
  jb .digit
  add al, 'a' - '0' - 10
.digit:
  add al, '0'
  out 0xe9, al
  dec ebx
  jnz .next
  pop rdx
  pop rcx
  pop rbx
  pop rax
  ret

text64:
  test al, al
  jz .end
  out 0xe9, al
  shr eax, 8
  jmp text64
.end:
  ret

%macro FIELD64 3
  mov eax, %1
  call text64
  mov rax, %2
  mov ecx, %3
  call hex64
%endmacro

%macro STUB64 1
stub64_%1:
  %if %1 != 8 && (%1 < 10 || %1 > 14) && %1 != 17
  push 0
  %endif
  push %1
  jmp common64
%endmacro
%assign v 0
%rep 0x48
  STUB64 v
  %assign v v + 1
%endrep

common64:
  push rax
  push rcx
  push rdx
  push rbx
  push rbp
  push rsi
  push rdi
  push r8
  push r9
  push r10
  push r11
  push r12
  push r13
  push r14
  push r15
  mov eax, ds
  push rax
  mov eax, es
  push rax
  mov eax, fs
  push rax
  mov eax, gs
  push rax
  mov rbp, rsp
  cld
  call line64
  cmp dword [resume], 0
  je abort64
  dec dword [resume]
  mov eax, [resume_rf]
  or [rbp + Q_FLAGS], rax
  add rsp, 32
  pop r15
  pop r14
  pop r13
  pop r12
  pop r11
  pop r10
  pop r9
  pop r8
  pop rdi
  pop rsi
  pop rbp
  pop rbx
  pop rdx
  pop rcx
  pop rax
  add rsp, 16
  iretq

abort64:
  mov rsp, KERNEL_STACK
  call reset64
  jmp [next]

line64:
  mov esi, [name]
  call puts64
  FIELD64 ' v=', [rbp + Q_VEC], 2
  FIELD64 ' e=', [rbp + Q_ERR], 4
  cmp dword [rbp + Q_VEC], 14
  jne .no_cr2
  mov eax, ' cr2'
  call text64
  mov al, '='
  out 0xe9, al
  mov rax, cr2
  mov ecx, 16
  call hex64
.no_cr2:
  cmp dword [rbp + Q_VEC], 1
  jne .no_dr6
  mov eax, ' dr6'
  call text64
  mov al, '='
  out 0xe9, al
  mov rax, dr6
  mov ecx, 8
  call hex64
  mov eax, 0xffff0ff0
  mov dr6, rax
.no_dr6:
  FIELD64 ' cs=', [rbp + Q_CS], 4
  mov eax, ' ip='
  call text64
  mov rax, [rbp + Q_RIP]
  sub rax, [base]
  cmp rax, 0x400
  jae .absolute
  push rax
  mov al, '+'
  out 0xe9, al
  pop rax
  mov ecx, 3
  call hex64
  jmp .flags
.absolute:
  mov rax, [rbp + Q_RIP]
  mov ecx, 16
  call hex64
.flags:
  FIELD64 ' fl=', [rbp + Q_FLAGS], 8
  FIELD64 ' ss=', [rbp + Q_SS], 4
  FIELD64 ' sp=', [rbp + Q_RSP], 16
  ; Where the handler's stack is: at RSP0, in an IST, or below the interrupted stack, aligned to 16
  mov eax, ' at='
  call text64
  mov rax, rbp
  mov ecx, 16
  call hex64
  FIELD64 ' ax=', [rbp + Q_RAX], 16
  FIELD64 ' cx=', [rbp + Q_RCX], 16
  FIELD64 ' dx=', [rbp + Q_RDX], 16
  FIELD64 ' bx=', [rbp + Q_RBX], 16
  FIELD64 ' si=', [rbp + Q_RSI], 16
  mov eax, ' r11'
  call text64
  mov al, '='
  out 0xe9, al
  mov rax, [rbp + Q_R11]
  mov ecx, 16
  call hex64
  FIELD64 ' ds=', [rbp + Q_DS], 4
  FIELD64 ' es=', [rbp + Q_ES], 4
  FIELD64 ' fs=', [rbp + Q_FS], 4
  FIELD64 ' gs=', [rbp + Q_GS], 4
  mov eax, ' pde'
  call text64
  mov al, '='
  out 0xe9, al
  mov rax, [LPD + 16]
  mov ecx, 16
  call hex64
  mov eax, ' pte'
  call text64
  mov al, '='
  out 0xe9, al
  mov rax, [PT1]
  mov ecx, 16
  call hex64
  mov al, 10
  out 0xe9, al
  ret

; Keeps no registers. Pages are rewritten in place: kernel translations do not change, the others are flushed through CR4.PGE and CR3.
reset64:
  mov eax, 0x20
  mov cr4, rax
  mov eax, 0x80050033
  mov cr0, rax
  mov ecx, 0xc0000080
  mov eax, 0xd01
  xor edx, edx
  wrmsr
  mov esi, gdt_pristine
  mov edi, GDT
  mov ecx, GDT_BYTES / 4
  rep movsd
  call make_tables64
  mov edi, TSS
  mov ecx, (TABLES_END - TSS) / 4
  xor eax, eax
  rep stosd
  mov dword [TSS + 4], RING0_STACK
  mov dword [TSS + 12], RING1_STACK
  mov dword [TSS + 20], RING2_STACK
  mov dword [TSS + 0x24], IST_STACK
  mov dword [TSS + 0x64], 0x680000
  mov dword [TSS + 0x68], 0xffff00ff
  mov dword [TSS + 0x6c], -1
  mov dword [TSS + 0x70], -1
  ; The upper half of the TSS descriptor, and a 16-byte LDT descriptor
  mov dword [GDT + TSS2SEL], 0
  mov dword [GDT + TSS2SEL + 4], 0
  mov rax, DESCRIPTOR(LDT, 0x3f, 0x82, 0)
  mov [GDT + LONG_LDT], rax
  mov qword [GDT + LONG_LDT + 8], 0
  lgdt [gdtr]
  lidt [idtr64]
  xor eax, eax
  lldt ax
  mov dr7, rax
  mov dr0, rax
  mov dr1, rax
  mov dr2, rax
  mov dr3, rax
  mov eax, 0xffff0ff0
  mov dr6, rax
  mov ax, TSSSEL
  ltr ax
  mov ax, KDATA
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov ecx, 0xc0000100
  xor eax, eax
  xor edx, edx
  wrmsr
  inc ecx
  wrmsr
  inc ecx
  wrmsr
  mov ecx, 0x174
  wrmsr
  mov ecx, 0xc0000081
  mov edx, SYS_BASE | (SYS_BASE + 0x10 | 3) << 16
  wrmsr
  mov ecx, 0xc0000084
  xor edx, edx
  mov eax, 0x700
  wrmsr
  mov dword [resume], 0
  mov dword [resume_rf], 0
  mov rax, PML4
  mov cr3, rax
  push 2
  popfq
  mov rax, 0xa0a0a0a0a0a0a0a0
  mov rcx, 0xc1c1c1c1c1c1c1c1
  mov rdx, 0xd2d2d2d2d2d2d2d2
  mov rbx, 0xb3b3b3b3b3b3b3b3
  mov rbp, 0xb5b5b5b5b5b5b5b5
  mov rsi, 0x5656565656565656
  mov rdi, 0xd7d7d7d7d7d7d7d7
  mov r8, 0x0808080808080808
  mov r9, 0x0909090909090909
  mov r10, 0x1010101010101010
  mov r11, 0x1111111111111111
  mov r12, 0x1212121212121212
  mov r13, 0x1313131313131313
  mov r14, 0x1414141414141414
  mov r15, 0x1515151515151515
  ret

make_tables64:
  ; Gates
  mov edi, IDT
  mov esi, stub_table64
  xor ecx, ecx
.gate:
  mov eax, [rsi + rcx * 4]
  mov edx, eax
  and eax, 0xffff
  or eax, KCODE64 << 16
  and edx, 0xffff0000
  or edx, 0x8e00
  cmp ecx, 3
  je .user_gate
  cmp ecx, DONE
  jne .kernel_gate
.user_gate:
  or edx, 0x6000
.kernel_gate:
  mov [rdi], eax
  mov [rdi + 4], edx
  mov qword [rdi + 8], 0
  add edi, 16
  inc ecx
  cmp ecx, 0x48
  jb .gate
  ; Frames behind PROBE
  mov rax, 0x90900000 | DONE << 8 | 0xcd
  xor ecx, ecx
.mark:
  mov edx, ecx
  shl edx, 12
  mov [PROBE_FRAMES + rdx], rax
  mov [PROBE_FRAMES + rdx + 8], rcx
  mov [PROBE_FRAMES + rdx + 0xff8], rax
  inc ecx
  cmp ecx, 8
  jb .mark
  ; Page tables: what maps the kernel keeps its values, so that it may be written under way
  mov qword [PML4], LPDPT + 7
  mov qword [PML4 + 8], 0
  mov qword [LPDPT], LPD + 7
  mov qword [LPDPT + 8], 0
  mov qword [LPD], PT0 + 7
  mov qword [LPD + 8], PT0B + 7
  mov qword [LPD + 16], PT1 + 7
  mov qword [LPD + 24], 0
  mov edi, PT1
  mov eax, PROBE_FRAMES + 7
.probe:
  mov [rdi], rax
  add edi, 8
  add eax, 0x1000
  cmp eax, PROBE_FRAMES + 0x8000
  jb .probe
  ret

; Cases: as in frame32.asm; U64 goes to CPL 3 in 64-bit mode, U32 to CPL 3 in compatibility mode.
%macro L64 1+
  %push case
  mov qword [name], %$name
  mov qword [next], %$next
  mov qword [base], %$base
  section .data
%$name: db %1, 0
  section .text
%$base:
%endmacro
%macro TO_USER 3 ; selector, flags, label
  push rax
  mov eax, UDATA
  mov ds, eax
  mov es, eax
  pop rax
  push UDATA
  push USER_STACK
  push %2
  push %1
  push %3
  mov qword [base], %3
  iretq
  section .user
%endmacro
%macro U64 0-1 2
  TO_USER UCODE64, %1, %$user
bits 64
%$user:
%endmacro
%macro U32 0-1 2
  TO_USER UCODE, %1, %$user
bits 32
%$user:
%endmacro
%macro END64 0
  int DONE
  section .text
bits 64
%$next:
  %pop
%endmacro
%macro SET64 2
  push rax
  mov rax, %2
  mov [GDT + ((%1) & ~7)], rax
  pop rax
%endmacro
; A 16-byte gate: address, selector, label, type, IST
%macro GATE64 5
  push rax
  mov rax, %3
  mov [%1], ax
  mov word [%1 + 2], %2
  mov byte [%1 + 4], %5
  mov byte [%1 + 5], %4
  shr rax, 16
  mov [%1 + 6], ax
  shr rax, 16
  mov [%1 + 8], rax
  pop rax
%endmacro

section .data
  align 8
idtr64: dw 0x48 * 16 - 1
  dq IDT
  align 4
stub_table64:
%assign v 0
%rep 0x48
  dd stub64_%+ v
  %assign v v + 1
%endrep
section .text
