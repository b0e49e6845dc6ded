; Virtual-8086 mode: what is sensitive to IOPL, what faults, and how interrupts leave it.

; V86 flags, "name": goes to virtual-8086 mode with these flags (VM is added). The code that follows is 16-bit code in segment 0.
%macro V86 2+
  %push case
  %define %$section real
  mov dword [name], %$name
  mov dword [next], %$next
  mov dword [base], %$base
  section .data
%$name: db %2, 0
  section .text
  push dword 0x4000          ; GS
  push dword 0x3000          ; FS
  push dword 0x2000          ; DS
  push dword 0x1000          ; ES
  push dword 0x0100          ; SS
  push dword 0x6000          ; ESP
  push dword (%1) | 0x20002
  push dword 0
  push dword %$base
  iretd
  section .real
bits 16
%$base:
%endmacro
%macro END_V86 0
  int DONE
bits 32
  section .text
%$next:
  %pop
%endmacro

V86 0x3000, "v86/done-iopl3"
END_V86
V86 0, "v86/done-iopl0"
END_V86

; The same instructions with IOPL 3 and IOPL 0. Each gets its own macro, because several lines do not go into one parameter.
%macro V86_BOTH 2
V86 0x3000, "v86/", %1, "-iopl3"
  %2
END_V86
V86 0x0000, "v86/", %1, "-iopl0"
  %2
END_V86
%endmacro
%macro v86_popf 0
  push word 0x7ed5
  popf
%endmacro
%macro v86_popfd 0
  push dword 0x00257ed5
  o32 popf
%endmacro
%macro v86_iret 0
  push word 0x3202
  push cs
  push word %%there
  iret
%%there:
%endmacro
%macro v86_iretd 0
  push dword 0x00023202
  push dword 0
  push dword %%there
  o32 iret
%%there:
%endmacro
%macro v86_into 0
  mov al, 0x7f
  add al, 1
  into
%endmacro
%macro v86_in 1
  in al, %1
  mov al, 0
%endmacro
%macro v86_bound 0
  mov word [0x40], 3
  mov word [0x42], 5
  mov ax, 6
  bound ax, [0x40]
%endmacro
%macro v86_ss_limit 0
  mov sp, 1
  push ax
%endmacro
%macro v86_ds_limit 0
  mov bx, 0xffff
  mov ax, [bx]
%endmacro
%macro v86_far 0
  jmp 0x0010:(%%there - 0x100)
%%there:
%endmacro
%macro v86_load 0
  mov ax, 0xffff
  mov ds, ax
  mov ax, 0xfff0
  mov ss, ax
  mov sp, 0xfffe
%endmacro
%macro v86_xor_step 0
  push word 0x3102
  popf
  nop
%endmacro
%macro v86_sgdt 0
  sgdt [0x40]
%endmacro
V86_BOTH "cli", cli
V86_BOTH "sti", sti
V86_BOTH "pushf", pushf
V86_BOTH "pushfd", pushfd
V86_BOTH "popf", v86_popf
V86_BOTH "popfd", v86_popfd
V86_BOTH "iret", v86_iret
V86_BOTH "iretd", v86_iretd
V86_BOTH "int-21", int 0x21
V86_BOTH "int-beyond", int 0x60
V86_BOTH "int3", int3
V86_BOTH "int1", int1
V86_BOTH "into", v86_into
V86_BOTH "bound", v86_bound
V86_BOTH "hlt", hlt
V86_BOTH "in-denied", v86_in 5
V86_BOTH "in-allowed", v86_in 0x0d
V86_BOTH "in-beyond-map", v86_in 0xf1
V86_BOTH "ud2", ud2
V86_BOTH "ss-limit", v86_ss_limit
V86_BOTH "ds-limit", v86_ds_limit
V86_BOTH "far-jump", v86_far
V86_BOTH "segment-loads", v86_load
V86_BOTH "sgdt", v86_sgdt
%macro V86_ILLEGAL 2
V86 0x3000, "v86/illegal-", %1
  %2
END_V86
%endmacro
V86_ILLEGAL "arpl", {arpl ax, cx}
V86_ILLEGAL "lar", {lar ax, cx}
V86_ILLEGAL "verr", verr ax
V86_ILLEGAL "lldt", lldt ax
V86_ILLEGAL "ltr", ltr ax
V86_ILLEGAL "sldt", sldt ax
V86_ILLEGAL "lgdt", lgdt [0x40]
V86_ILLEGAL "lmsw", lmsw ax
V86_ILLEGAL "smsw", smsw ax
V86_ILLEGAL "clts", clts
V86_ILLEGAL "mov-cr0", {mov eax, cr0}
V86_ILLEGAL "mov-dr0", {mov eax, dr0}
V86_ILLEGAL "rdmsr", rdmsr
V86_ILLEGAL "invlpg", invlpg [0]
V86_ILLEGAL "sysenter", sysenter
V86_ILLEGAL "sysexit", sysexit
V86 0x3000, "v86/step"
  v86_xor_step
END_V86
V86 0x3000, "v86/step-int"
  push word 0x3102
  popf
  int 0x41
END_V86

; From virtual-8086 mode through gates of other kinds
CASE "v86/int-conforming-gate"
  GATE_TO IDT + 0x41 * 8, CONFORMING, stub32_65, 0xee, 0
  push dword 0
  push dword 0
  push dword 0
  push dword 0
  push dword 0x100
  push dword 0x6000
  push dword 0x23002
  push dword 0
  push dword v86_int41
  iretd
END
CASE "v86/int-ring1-gate"
  GATE_TO IDT + 0x41 * 8, CODE1 & ~3, stub32_65, 0xee, 0
  push dword 0
  push dword 0
  push dword 0
  push dword 0
  push dword 0x100
  push dword 0x6000
  push dword 0x23002
  push dword 0
  push dword v86_int41
  iretd
END
CASE "v86/int-task-gate"
  call prepare_tss2
  mov dword [TSS2 + 0x20], %$task
  mov dword [IDT + 0x41 * 8], TSS2SEL << 16
  mov dword [IDT + 0x41 * 8 + 4], 0xe500
  push dword 0x4444
  push dword 0x3333
  push dword 0x2222
  push dword 0x1111
  push dword 0x100
  push dword 0x6000
  push dword 0x23002
  push dword 0
  push dword v86_int41
  iretd
%$task:
  mov eax, [TSS + 0x24]
  mov ebx, [TSS + 0x20]
  mov ecx, [TSS + 0x54]
  mov edx, [TSS + 0x38]
END
CASE "v86/from-task-switch"
  call prepare_tss2
  mov dword [TSS2 + 0x24], 0x23002
  mov dword [TSS2 + 0x20], v86_int40
  mov dword [TSS2 + 0x4c], 0
  mov dword [TSS2 + 0x50], 0x100
  mov dword [TSS2 + 0x38], 0x6000
  mov dword [TSS2 + 0x48], 0x1111
  mov dword [TSS2 + 0x54], 0x2222
  mov dword [TSS2 + 0x58], 0x3333
  mov dword [TSS2 + 0x5c], 0x4444
  mov dword [base], v86_int40
  jmp TSS2SEL:0
END
CASE "v86/iret-from-ring3-ignores-vm"
  USER 0x3002
  push dword 0
  push dword 0
  push dword 0
  push dword 0
  push dword 0x100
  push dword 0x6000
  push dword 0x23002
  push dword UCODE
  push dword v86_either
  iretd
END
CASE "v86/popf-cannot-set-vm"
  push dword 0x23002
  popfd
  pushfd
  pop eax
END
section .real
bits 16
; With CS = 1Bh the same offset is the flat address or, for who takes it for virtual-8086 mode, 1B0h higher.
v86_either:
  int DONE
  times 0x1b0 - 2 nop
  int DONE
v86_int41:
  int 0x41
v86_int40:
  int DONE
bits 32
section .text
