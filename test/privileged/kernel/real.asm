; Real mode: the interrupt table, segment limits, what does not exist yet; and the way there and back.

section .text
bits 32
run_real:
  mov [real_return], esp
  lidt [real_idtr]
  jmp KCODE16:real_entry16
real_back:
  mov ax, KDATA
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov esp, [real_return]
  ret

section .real
bits 16
real_entry16:
  mov ax, KDATA16
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  jmp 0:.real
.real:
  call reset16
  jmp real_cases

real_idtr: dw 0x3ff
  dd 0
real_gdtr: dw GDT_BYTES - 1
  dd gdt_pristine
align 4
real_return: dd 0
name16: dw 0
next16: dw 0
base16: dw 0
resume16: dw 0

; What a handler has on its stack
H_GS equ 0
H_FS equ 2
H_ES equ 4
H_DS equ 6
H_EDI equ 8
H_ESI equ 12
H_EBP equ 16
H_EBX equ 24
H_EDX equ 28
H_ECX equ 32
H_EAX equ 36
H_VEC equ 40
H_IP equ 42
H_CS equ 44
H_FLAGS equ 46
H_SP equ 48

%assign v 0
%rep 0x48
stub16_%+ v:
  push word v
  jmp common16
  %assign v v + 1
%endrep

common16:
  pushad
  push ds
  push es
  push fs
  push gs
  mov bp, sp
  xor ax, ax
  mov ds, ax
  mov es, ax
  cld
  call line16
  cmp word [resume16], 0
  je abort16
  dec word [resume16]
  pop gs
  pop fs
  pop es
  pop ds
  popad
  add sp, 2
  iret

abort16:
  xor ax, ax
  mov ss, ax
  mov sp, REAL_STACK
  call reset16
  jmp [next16]

puts16:
  lodsb
  test al, al
  jz .end
  out 0xe9, al
  jmp puts16
.end:
  ret

text16:
  test al, al
  jz .end
  out 0xe9, al
  shr eax, 8
  jmp text16
.end:
  ret

; eax: value, cx: digits
hex16:
  pushad
  mov edx, eax
  mov bx, cx
  neg cx
  add cx, 8
  shl cx, 2
  shl edx, cl
.next:
  rol edx, 4
  mov al, dl
  and al, 15
  cmp al, 10
  jb .digit
  add al, 'a' - '0' - 10
.digit:
  add al, '0'
  out 0xe9, al
  dec bx
  jnz .next
  popad
  ret

%macro WORD16 2 ; text, offset from bp
  mov eax, %1
  call text16
  movzx eax, word [bp + %2]
  mov cx, 4
  call hex16
%endmacro
%macro LONG16 2
  mov eax, %1
  call text16
  mov eax, [bp + %2]
  mov cx, 8
  call hex16
%endmacro

line16:
  mov si, [name16]
  call puts16
  mov eax, ' v='
  call text16
  mov al, [bp + H_VEC]
  mov cx, 2
  call hex16
  cmp word [bp + H_VEC], 1
  jne .no_dr6
  mov eax, ' dr6'
  call text16
  mov al, '='
  out 0xe9, al
  mov eax, dr6
  mov cx, 8
  call hex16
  mov eax, 0xffff0ff0
  mov dr6, eax
.no_dr6:
  WORD16 ' cs=', H_CS
  mov eax, ' ip='
  call text16
  movzx eax, word [bp + H_IP]
  sub ax, [base16]
  cmp ax, 0x200
  jae .absolute
  push eax
  mov al, '+'
  out 0xe9, al
  pop eax
  mov cx, 3
  call hex16
  jmp .flags
.absolute:
  mov ax, [bp + H_IP]
  mov cx, 4
  call hex16
.flags:
  WORD16 ' fl=', H_FLAGS
  mov eax, ' ss='
  call text16
  mov ax, ss
  mov cx, 4
  call hex16
  mov eax, ' sp='
  call text16
  lea ax, [bp + H_SP]
  mov cx, 4
  call hex16
  LONG16 ' ax=', H_EAX
  LONG16 ' cx=', H_ECX
  LONG16 ' dx=', H_EDX
  LONG16 ' bx=', H_EBX
  LONG16 ' si=', H_ESI
  LONG16 ' di=', H_EDI
  WORD16 ' ds=', H_DS
  WORD16 ' es=', H_ES
  WORD16 ' fs=', H_FS
  WORD16 ' gs=', H_GS
  mov al, 10
  out 0xe9, al
  ret

reset16:
  pop word [.back]
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov sp, REAL_STACK
  lidt [real_idtr]
  mov eax, 0x10
  mov cr0, eax
  xor eax, eax
  mov dr7, eax
  mov eax, 0xffff0ff0
  mov dr6, eax
  xor di, di
  mov si, stub_table16
  mov cx, 0x48
.next:
  movsw
  xor ax, ax
  stosw
  loop .next
  mov word [resume16], 0
  push dword 2
  popfd
  mov eax, 0xa0a0a0a0
  mov ecx, 0xc1c1c1c1
  mov edx, 0xd2d2d2d2
  mov ebx, 0xb3b3b3b3
  mov ebp, 0xb5b5b5b5
  mov esi, 0x56565656
  mov edi, 0xd7d7d7d7
  jmp [.back]
.back: dw 0

stub_table16:
%assign v 0
%rep 0x48
  dw stub16_%+ v
  %assign v v + 1
%endrep

; REAL_CASE "name" … END16
%macro REAL_CASE 1+
  %push case
  jmp %$start
%$name: db %1, 0
%$start:
  mov word [name16], %$name
  mov word [next16], %$next
  mov word [base16], %$base
%$base:
%endmacro
%macro END16 0
  int DONE
%$next:
  %pop
%endmacro

real_cases:
REAL_CASE "real/done"
END16
REAL_CASE "real/de-div"
  xor cx, cx
  div cx
END16
REAL_CASE "real/de-idiv-8"
  mov ax, 0x8000
  mov cl, 0xff
  idiv cl
END16
REAL_CASE "real/ud2"
  ud2
END16
REAL_CASE "real/int3"
  int3
END16
REAL_CASE "real/into"
  mov al, 0x7f
  inc al
  into
END16
REAL_CASE "real/bound"
  mov word [0x6000], 3
  mov word [0x6002], 5
  mov ax, 6
  bound ax, [0x6000]
END16
REAL_CASE "real/int-clears-if-tf"
  push word 0x0202
  popf
  mov word [0x41 * 4], %$handler
  int 0x41
%$handler:
  pushf
  pop ax
  pop bx
  pop dx
  pop cx
END16
REAL_CASE "real/int-returns"
  mov word [resume16], 1
  int 0x41
END16
REAL_CASE "real/step"
  mov word [resume16], 2
  push word 0x0102
  popf
  nop
  push word 2
  popf
END16
REAL_CASE "real/step-int"
  push word 0x0102
  popf
  int 0x41
END16
REAL_CASE "real/data-beyond-limit"
  mov bx, 0xffff
  mov ax, [bx]
END16
REAL_CASE "real/data-beyond-limit-32"
  mov ebx, 0x10000
  mov al, [ebx]
END16
REAL_CASE "real/stack-beyond-limit"
  mov ebp, 0x20000
  mov al, [ebp]
END16
REAL_CASE "real/push-wraps"
  mov word [0x6000], 0
  mov ax, 0x0600
  mov ss, ax
  mov sp, 2
  push cx
  mov dx, [0x6000]
  mov bx, sp
END16
REAL_CASE "real/push-sp-1"
  mov ax, 0x0600
  mov ss, ax
  mov sp, 0x4001
  push cx
  mov bx, sp
END16
REAL_CASE "real/fetch-wraps"
  mov ax, 0x40cd
  mov bx, 0x0700
  mov ds, bx
  mov [0], ax
  jmp 0x0700:0
END16
REAL_CASE "real/far-call"
  push cs
  call %$there
%$there:
  pop bx
  pop cx
  mov bx, sp
END16
REAL_CASE "real/retf"
  push word 0
  push word %$there
  retf
%$there:
END16
REAL_CASE "real/iret-flags"
  push word 0x7ed5
  push word 0
  push word %$there
  iret
%$there:
  pushf
  pop bx
END16
REAL_CASE "real/iretd"
  push dword 0x00247ed5
  push dword 0
  push dword %$there
  iretd
%$there:
  pushfd
  pop ebx
END16
REAL_CASE "real/popfd"
  push dword 0x00267ed5
  popfd
  pushfd
  pop ebx
END16
REAL_CASE "real/popf-nt-iopl"
  push word 0x7002
  popf
  pushf
  pop bx
END16
REAL_CASE "real/cli-sti"
  sti
  pushf
  pop bx
  cli
  pushf
  pop cx
END16
REAL_CASE "real/lock-nop"
  db 0xf0, 0x90
END16
REAL_CASE "real/mov-cs"
  db 0x8e, 0xc8
END16
REAL_CASE "real/arpl"
  arpl ax, cx
END16
REAL_CASE "real/lar"
  lar ax, cx
END16
REAL_CASE "real/lsl"
  lsl ax, cx
END16
REAL_CASE "real/verr"
  verr ax
END16
REAL_CASE "real/sldt"
  sldt ax
END16
REAL_CASE "real/str"
  str ax
END16
REAL_CASE "real/lldt"
  lldt ax
END16
REAL_CASE "real/ltr"
  ltr ax
END16
REAL_CASE "real/smsw"
  smsw ax
END16
REAL_CASE "real/sgdt"
  lgdt [real_gdtr]
  sgdt [0x6000]
  mov ax, [0x6000]
  mov ebx, [0x6002]
END16
REAL_CASE "real/lidt-limit"
  mov word [0x6000], 0x40 * 4 + 3
  mov dword [0x6002], 0
  lidt [0x6000]
  int 0x41
END16
REAL_CASE "real/lidt-elsewhere"
  mov word [0x6000], 0x3ff
  mov dword [0x6002], 0x6100
  mov word [0x6100 + 0x41 * 4], %$handler
  mov word [0x6102 + 0x41 * 4], 0
  lidt [0x6000]
  int 0x41
%$handler:
  lidt [real_idtr]
END16
REAL_CASE "real/sysenter"
  sysenter
END16
REAL_CASE "real/sysexit"
  sysexit
END16
REAL_CASE "real/segment-registers"
  mov ax, 0x1234
  mov ds, ax
  mov ax, 0xffff
  mov es, ax
  mov fs, ax
  mov ax, 0
  mov gs, ax
END16
REAL_CASE "real/lds"
  mov dword [0x6000], 0x22221111
  lds si, [0x6000]
END16
REAL_CASE "real/a20-on"
  ; FFFF:0018 is the checksum of the Multiboot header, which nobody reads again; 0000:0008 is the vector of NMI.
  mov ax, 0xffff
  mov es, ax
  mov byte [0x0008], 0x11
  mov byte [es:0x0018], 0x22
  mov bl, [0x0008]
  mov bh, [es:0x0018]
END16
REAL_CASE "real/pusha-popa"
  pushaw
  popaw
  mov bx, sp
END16
REAL_CASE "real/enter"
  mov bp, sp
  enter 8, 2
  mov bx, sp
  leave
END16
REAL_CASE "real/32-bit-operands"
  mov eax, 0x12345678
  push eax
  pop ebx
  add ebx, eax
END16
REAL_CASE "real/loop-cx"
  mov ecx, 0x10002
%$again:
  loop %$again
END16
REAL_CASE "real/loop-ecx"
  mov ecx, 2
%$again:
  a32 loop %$again
END16
REAL_CASE "real/rep-stosb-wraps"
  mov di, 0x6ffe
  mov cx, 4
  rep stosb
END16
REAL_CASE "real/xlat"
  mov bx, 0x6000
  mov byte [0x6010], 0x77
  mov al, 0x10
  xlatb
END16
REAL_CASE "real/aam-0"
  aam 0
END16
REAL_CASE "real/nm-ts"
  mov eax, 0x18
  mov cr0, eax
  fninit
END16
REAL_CASE "real/break-data"
  mov word [resume16], 1
  mov eax, 0x6004
  mov dr0, eax
  mov eax, 0x00050002
  mov dr7, eax
  mov [0x6004], ax
END16
REAL_CASE "real/unreal"
  ; A limit of 4 GiB, loaded in protected mode, stays.
  lgdt [real_gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  mov bx, KDATA
  mov es, bx
  and al, 0xfe
  mov cr0, eax
  mov dword [es:dword 0x190000], 0x12345678
  mov ebx, [es:dword 0x190000]
  mov dx, KDATA16
  mov eax, cr0
  or al, 1
  mov cr0, eax
  mov es, dx
  and al, 0xfe
  mov cr0, eax
  xor ax, ax
  mov es, ax
END16
  ; Back to protected mode
  lgdt [real_gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword KCODE:real_back
bits 32
section .text
