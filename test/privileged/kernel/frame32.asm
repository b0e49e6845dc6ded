; Events in protected mode: 32-bit handlers that write a line and end the case or return to it; and what every case starts from.

; What a handler has on its stack (offsets from ebp)
F_GS    equ 0
F_FS    equ 4
F_ES    equ 8
F_DS    equ 12
F_EDI   equ 16
F_ESI   equ 20
F_EBP   equ 24
F_EBX   equ 32
F_EDX   equ 36
F_ECX   equ 40
F_EAX   equ 44
F_VEC   equ 48
F_ERR   equ 52
F_EIP   equ 56
F_CS    equ 60
F_FLAGS equ 64
F_ESP   equ 68
F_SS    equ 72
F_V86   equ 76

%macro STUB32 1
stub32_%1:
  %if %1 != 8 && (%1 < 10 || %1 > 14) && %1 != 17
  push dword 0
  %endif
  push dword %1
  jmp common32
%endmacro

%assign v 0
%rep 0x48
  STUB32 v
  %assign v v + 1
%endrep

common32:
  pushad
  push ds
  push es
  push fs
  push gs
  mov ebp, esp
  ; The case may have left a stack segment of 16 bits, in which only SP counts.
  mov eax, ss
  lar eax, eax
  test eax, 0x400000
  jnz .stack32
  movzx ebp, bp
.stack32:
  mov eax, KDATA
  mov ds, eax
  mov es, eax
  cld
  call line32
  cmp dword [resume], 0
  je abort32
  dec dword [resume]
  mov eax, [resume_rf]
  or [ebp + F_FLAGS], eax
  pop gs
  pop fs
  pop es
  pop ds
  popad
  add esp, 8
  iretd

; Ends the case: its address to go on at is in `next`.
abort32:
  mov eax, KDATA
  mov ss, eax
  mov esp, KERNEL_STACK
  call reset32
  jmp [next]

line32:
  mov esi, [name]
  call puts32
  FIELD32 ' v=', [ebp + F_VEC], 2
  FIELD32 ' e=', [ebp + F_ERR], 4
  cmp dword [ebp + F_VEC], 14
  jne .no_cr2
  mov eax, ' cr2'
  call text32
  mov al, '='
  out 0xe9, al
  mov eax, cr2
  mov ecx, 8
  call hex32
.no_cr2:
  cmp dword [ebp + F_VEC], 1
  jne .no_dr6
  mov eax, ' dr6'
  call text32
  mov al, '='
  out 0xe9, al
  mov eax, dr6
  mov ecx, 8
  call hex32
  mov eax, 0xffff0ff0
  mov dr6, eax
.no_dr6:
  FIELD32 ' cs=', [ebp + F_CS], 4
  mov eax, ' ip='
  call text32
  mov eax, [ebp + F_EIP]
  sub eax, [base]
  cmp eax, 0x400
  jae .absolute
  push eax
  mov al, '+'
  out 0xe9, al
  pop eax
  mov ecx, 3
  call hex32
  jmp .flags
.absolute:
  mov eax, [ebp + F_EIP]
  mov ecx, 8
  call hex32
.flags:
  FIELD32 ' fl=', [ebp + F_FLAGS], 8
  ; With a change of privilege SS:ESP are on the stack, without it they are what they were.
  test dword [ebp + F_FLAGS], 0x20000
  jnz .outer
  mov eax, cs
  xor eax, [ebp + F_CS]
  test eax, 3
  jnz .outer
  mov edx, ss
  lea ebx, [ebp + F_ESP]
  jmp .stack
.outer:
  mov edx, [ebp + F_SS]
  mov ebx, [ebp + F_ESP]
.stack:
  FIELD32 ' ss=', edx, 4
  FIELD32 ' sp=', ebx, 8
  FIELD32 ' ax=', [ebp + F_EAX], 8
  FIELD32 ' cx=', [ebp + F_ECX], 8
  FIELD32 ' dx=', [ebp + F_EDX], 8
  FIELD32 ' bx=', [ebp + F_EBX], 8
  FIELD32 ' bp=', [ebp + F_EBP], 8
  FIELD32 ' si=', [ebp + F_ESI], 8
  FIELD32 ' di=', [ebp + F_EDI], 8
  test dword [ebp + F_FLAGS], 0x20000
  jnz .virtual
  FIELD32 ' ds=', [ebp + F_DS], 4
  FIELD32 ' es=', [ebp + F_ES], 4
  FIELD32 ' fs=', [ebp + F_FS], 4
  FIELD32 ' gs=', [ebp + F_GS], 4
  jmp .end
.virtual:
  FIELD32 ' ds=', [ebp + F_V86 + 4], 4
  FIELD32 ' es=', [ebp + F_V86], 4
  FIELD32 ' fs=', [ebp + F_V86 + 8], 4
  FIELD32 ' gs=', [ebp + F_V86 + 12], 4
.end:
  cmp dword [show_pte], 0
  je .newline
  mov eax, ' pde'
  call text32
  mov al, '='
  out 0xe9, al
  mov eax, [show_pde]
  mov eax, [eax]
  mov ecx, 8
  call hex32
  mov eax, ' pte'
  call text32
  mov al, '='
  out 0xe9, al
  mov eax, [show_pte]
  mov eax, [eax]
  mov ecx, 8
  call hex32
.newline:
  mov al, 10
  out 0xe9, al
  ret

; A handler behind a 286 gate: words on the stack instead of doublewords. Such a gate has an offset of 16 bits, so the way in is in low memory.
section .real
stub286:
  jmp dword stub286_body
section .text
stub286_body:
  push dword 0                   ; error code
  push dword 0x50
  pushad
  push ds
  push es
  push fs
  push gs
  mov ebp, esp
  mov eax, KDATA
  mov ds, eax
  mov es, eax
  mov esi, [name]
  call puts32
  mov eax, ' 286'
  call text32
  movzx ebx, word [ebp + F_EIP]
  FIELD32 ' ip=', ebx, 4
  movzx ebx, word [ebp + F_EIP + 2]
  FIELD32 ' cs=', ebx, 4
  movzx ebx, word [ebp + F_EIP + 4]
  FIELD32 ' fl=', ebx, 4
  mov ebx, ebp
  add ebx, F_EIP + 6
  FIELD32 ' sp=', ebx, 8
  mov al, 10
  out 0xe9, al
  jmp abort32

; Everything back to what cases start from: tables, TSSs, control and debug registers, pages, flags, segments. Keeps no registers.
setup32:
  lgdt [gdtr]
  lidt [idtr]
reset32:
  mov eax, [cr4_reset]
  mov cr4, eax
  mov eax, [cr0_reset]
  mov cr0, eax
  mov ecx, 0xc0000080
  xor eax, eax
  xor edx, edx
  wrmsr
  mov esi, gdt_pristine
  mov edi, GDT
  mov ecx, GDT_BYTES / 4
  rep movsd
  call make_idt
  mov edi, TSS
  mov ecx, (TABLES_END - TSS) / 4
  xor eax, eax
  rep stosd
  mov dword [TSS + 4], RING0_STACK
  mov dword [TSS + 8], KDATA
  mov dword [TSS + 12], RING1_STACK
  mov dword [TSS + 16], DATA1
  mov dword [TSS + 20], RING2_STACK
  mov dword [TSS + 24], DATA2
  mov dword [TSS + 0x64], 0x680000 ; I/O permission map at once behind
  mov dword [TSS + 0x68], 0xffff00ff ; ports 0-7 denied, 8-15 allowed
  mov dword [TSS + 0x6c], -1
  mov dword [TSS + 0x70], -1
  mov dword [ldt_pristine_end], 0
  lgdt [gdtr]
  lidt [idtr]
  xor eax, eax
  lldt ax
  mov dr7, eax
  mov dr0, eax
  mov dr1, eax
  mov dr2, eax
  mov dr3, eax
  mov eax, 0xffff0ff0
  mov dr6, eax
  mov ax, TSSSEL
  ltr ax
  mov ax, KDATA
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov dword [resume], 0
  mov dword [resume_rf], 0
  call [paging_reset]
  push dword 2
  popfd
  mov eax, 0xa0a0a0a0
  mov ecx, 0xc1c1c1c1
  mov edx, 0xd2d2d2d2
  mov ebx, 0xb3b3b3b3
  mov ebp, 0xb5b5b5b5
  mov esi, 0x56565656
  mov edi, 0xd7d7d7d7
  ret

no_paging:
  ret

; 32-bit interrupt gates, DPL 0 but for INT3, INTO, BOUND's vector and DONE.
make_idt:
  mov edi, IDT
  mov esi, stub_table32
  xor ecx, ecx
.next:
  mov eax, [esi + ecx * 4]
  mov edx, eax
  and eax, 0xffff
  or eax, KCODE << 16
  and edx, 0xffff0000
  or edx, 0x8e00
  cmp ecx, 3
  je .user
  cmp ecx, 4
  je .user
  cmp ecx, DONE
  jne .kernel
.user:
  or edx, 0x6000
.kernel:
  mov [edi + ecx * 8], eax
  mov [edi + ecx * 8 + 4], edx
  inc ecx
  cmp ecx, 0x48
  jb .next
  ret

; TSS2 describes a task at CPL 0 that ends the case at once.
prepare_tss2:
  mov dword [TSS2 + 0x1c], 0          ; CR3
  mov dword [TSS2 + 0x20], task_done
  mov dword [TSS2 + 0x24], 2
  mov dword [TSS2 + 0x28], 0x10101010 ; EAX …
  mov dword [TSS2 + 0x2c], 0x11111111
  mov dword [TSS2 + 0x30], 0x12121212
  mov dword [TSS2 + 0x34], 0x13131313
  mov dword [TSS2 + 0x38], KERNEL_STACK - 0x1000
  mov dword [TSS2 + 0x3c], 0x15151515
  mov dword [TSS2 + 0x40], 0x16161616
  mov dword [TSS2 + 0x44], 0x17171717
  mov dword [TSS2 + 0x48], KDATA
  mov dword [TSS2 + 0x4c], KCODE
  mov dword [TSS2 + 0x50], KDATA
  mov dword [TSS2 + 0x54], KDATA
  mov dword [TSS2 + 0x58], UDATA
  mov dword [TSS2 + 0x5c], 0
  mov dword [TSS2 + 0x60], 0
  mov dword [TSS2 + 0x64], 0x680000
  mov dword [TSS2 + 4], RING0_STACK
  mov dword [TSS2 + 8], KDATA
  push eax
  mov eax, cr3
  mov [TSS2 + 0x1c], eax
  pop eax
  ret
task_done:
  int DONE

; Task gates for vectors 10 to 13: for cases in which no handler could run on the current stack. Keeps all registers.
prepare_handlers:
  pushad
  mov edi, HANDLER_TSS
  mov ebx, GDT + HANDLER_SEL
  mov esi, 10
.next:
  mov eax, cr3
  mov [edi + 0x1c], eax
  mov eax, [stub_table32 + esi * 4]
  mov [edi + 0x20], eax
  mov dword [edi + 0x24], 2
  mov dword [edi + 0x38], HANDLER_STACK
  mov eax, KDATA
  mov [edi + 0x48], eax
  mov dword [edi + 0x4c], KCODE
  mov [edi + 0x50], eax
  mov [edi + 0x54], eax
  mov [edi + 0x58], eax
  mov [edi + 0x5c], eax
  mov dword [edi + 0x64], 0x680000
  mov eax, edi
  shl eax, 16
  mov ax, 0x67
  mov [ebx], eax
  mov eax, edi
  shr eax, 16
  or eax, 0x8900
  mov [ebx + 4], eax
  lea eax, [ebx - GDT]
  shl eax, 16
  mov [IDT + esi * 8], eax
  mov dword [IDT + esi * 8 + 4], 0x8500
  add edi, 0x80
  add ebx, 8
  inc esi
  cmp esi, 14
  jb .next
  popad
  ret

; ---------------------------------------------------------------------------------------------------------------------------------------------------
; How cases are written:
;
;     CASE "name"            32-bit code at CPL 0
;       ...
;     END
;
;     CASE "name"
;       ...                  preparations at CPL 0
;     USER [flags]           code at CPL 3 from here on
;       ...
;     END

; Several strings make one name.
%macro CASE 1+
  %push case
  %define %$section text
  mov dword [name], %$name
  mov dword [next], %$next
  mov dword [base], %$base
  section .data
%$name: db %1, 0
  section .text
%$base:
%endmacro

; Goes to CPL 3 with IOPL 0 unless other flags are given; the stack pointer and all registers are kept from the macro's view.
%macro USER 0-1 2
  push eax
  mov eax, UDATA
  mov ds, eax
  mov es, eax
  mov fs, eax
  mov gs, eax
  pop eax
  push dword UDATA
  push dword USER_STACK
  push dword %1
  push dword UCODE
  push dword %$user
  mov dword [ss:base], %$user
  iretd
  %define %$section user
  section .user
%$user:
%endmacro

%macro END 0
  int DONE
  section .text
%$next:
  %pop
%endmacro

; Returns from the next n events instead of ending the case.
%macro RESUME 1
  mov dword [ss:resume], %1
%endmacro

; Writes a descriptor or gate: selector, value (64 bits)
%macro SET 2
  mov dword [ss:GDT + ((%1) & ~7)], (%2) & 0xffffffff
  mov dword [ss:GDT + ((%1) & ~7) + 4], (%2) >> 32
%endmacro
; The same in the IDT: vector, value
%macro VECTOR 2
  mov dword [ss:IDT + (%1) * 8], (%2) & 0xffffffff
  mov dword [ss:IDT + (%1) * 8 + 4], (%2) >> 32
%endmacro
; A gate whose target is a label: table address, selector, label, type, count
%macro GATE_TO 5
  push eax
  mov eax, %3
  mov [ss:%1], ax
  mov word [ss:%1 + 2], %2
  mov byte [ss:%1 + 4], %5
  mov byte [ss:%1 + 5], %4
  shr eax, 16
  mov [ss:%1 + 6], ax
  pop eax
%endmacro

section .data
align 8
name: dd 0, 0
next: dd 0, 0
base: dd 0, 0
resume: dd 0
; Where the entries are that lines about paging end with; 0: no paging.
show_pde: dd 0
show_pte: dd 0
; Flags to set when returning: RF, so that an instruction with a breakpoint runs.
resume_rf: dd 0
cr0_reset: dd 0x00010031
cr4_reset: dd 0
paging_reset: dd no_paging
ldt_pristine_end: dd 0
boot_gdtr: dw GDT_BYTES - 1
  dd gdt_pristine
  align 8
gdtr: dw GDT_BYTES - 1
  dd GDT, 0
  align 8
idtr: dw 0x48 * 8 - 1
  dd IDT, 0

align 8
gdt_pristine:
  dq 0
  dq DESCRIPTOR(0, 0xfffff, 0x9b, 0xc)           ; KCODE
  dq DESCRIPTOR(0, 0xfffff, 0x93, 0xc)           ; KDATA
  dq DESCRIPTOR(0, 0xfffff, 0xfb, 0xc)           ; UCODE
  dq DESCRIPTOR(0, 0xfffff, 0xf3, 0xc)           ; UDATA
  dq DESCRIPTOR(TSS, TSS_BYTES - 1, 0x89, 0)     ; TSSSEL
  dq DESCRIPTOR(TSS2, 0x67, 0x89, 0)             ; TSS2SEL
  dq DESCRIPTOR(LDT, 0x3f, 0x82, 0)              ; LDTSEL
  dq 0, 0, 0, 0, 0, 0, 0, 0                      ; SCRATCH SCRATCH2 GATE GATE2
  dq DESCRIPTOR(0, 0xffff, 0x9b, 0)              ; KCODE16
  dq DESCRIPTOR(0, 0xffff, 0x93, 0)              ; KDATA16
  dq DESCRIPTOR(0, 0xffff, 0xfb, 0)              ; UCODE16
  dq DESCRIPTOR(0, 0xffff, 0xf3, 0)              ; UDATA16
  dq DESCRIPTOR(TSS16, 0x2b, 0x81, 0)            ; TSS16SEL
  dq DESCRIPTOR(TSS16_B, 0x2b, 0x81, 0)          ; TSS16BSEL
  dq DESCRIPTOR(0, 0xfffff, 0x9f, 0xc)           ; CONFORMING
  dq DESCRIPTOR(0, 0xfffff, 0xbb, 0xc)           ; CODE1
  dq DESCRIPTOR(0, 0xfffff, 0xb3, 0xc)           ; DATA1
  dq DESCRIPTOR(0, 0xfffff, 0xdb, 0xc)           ; CODE2
  dq DESCRIPTOR(0, 0xfffff, 0xd3, 0xc)           ; DATA2
  dq DESCRIPTOR(0, 0xfffff, 0x9b, 0xa)           ; KCODE64
  dq DESCRIPTOR(0, 0xfffff, 0xfb, 0xa)           ; UCODE64
  dq 0, 0, 0
  dq DESCRIPTOR(0, 0xfffff, 0x9b, 0xa)           ; SYS_BASE
  dq DESCRIPTOR(0, 0xfffff, 0x93, 0xc)
  dq DESCRIPTOR(0, 0xfffff, 0xfb, 0xc)
  dq DESCRIPTOR(0, 0xfffff, 0xf3, 0xc)
  dq DESCRIPTOR(0, 0xfffff, 0xfb, 0xa)
  dq 0
  dq DESCRIPTOR(0, 0xfffff, 0x99, 0xc)           ; XONLY
  dq DESCRIPTOR(0, 0xfffff, 0xff, 0xc)           ; UCONFORMING
  dq DESCRIPTOR(0x190000, 0xfff, 0xf3, 0x4)      ; SMALL
  dq DESCRIPTOR(0x180000, 0xfff, 0xf7, 0x4)      ; DOWN
  dq DESCRIPTOR(0, 0xfffff, 0xf1, 0xc)           ; RODATA
  dq 0
  dq DESCRIPTOR(0, 0xfffff, 0x9b, 0xc)           ; SYSE_BASE
  dq DESCRIPTOR(0, 0xfffff, 0x93, 0xc)
  dq DESCRIPTOR(0, 0xfffff, 0xfb, 0xc)
  dq DESCRIPTOR(0, 0xfffff, 0xf3, 0xc)
  dq DESCRIPTOR(0, 0xfffff, 0xfb, 0xa)
  dq DESCRIPTOR(0, 0xfffff, 0xf3, 0xc)
  times GDT_BYTES - ($ - gdt_pristine) db 0

stub_table32:
%assign v 0
%rep 0x48
  dd stub32_%+ v
  %assign v v + 1
%endrep
section .text
