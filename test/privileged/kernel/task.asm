; Task switches: by JMP, CALL, IRET and gates, with every check of a TSS and of what it loads.

CASE "p32/task-jmp"
  call prepare_tss2
  mov dword [base], task_done
  jmp TSS2SEL:0
END
CASE "p32/task-call"
  call prepare_tss2
  mov dword [base], task_done
  call TSS2SEL:0
END
CASE "p32/task-call-state"
  call prepare_tss2
  mov dword [TSS2 + 0x20], %$task
  call TSS2SEL:0
%$task:
  mov eax, [TSS2]
  mov ebx, [GDT + TSSSEL + 4]
  mov ecx, [GDT + TSS2SEL + 4]
  str edx
  mov esi, cr0
  mov edi, [TSS + 0x20]
  sub edi, %$task
END
CASE "p32/task-jmp-state"
  call prepare_tss2
  mov dword [TSS2 + 0x20], %$task
  jmp TSS2SEL:0
%$task:
  mov eax, [TSS2]
  mov ebx, [GDT + TSSSEL + 4]
  mov ecx, [GDT + TSS2SEL + 4]
  str edx
  mov esi, [TSS + 0x28]
  mov edi, [TSS + 0x24]
END
CASE "p32/task-call-iret"
  call prepare_tss2
  mov dword [TSS2 + 0x20], %$task
  call TSS2SEL:0
  mov eax, [GDT + TSS2SEL + 4]
  mov ebx, [TSS2 + 0x24]
  str ecx
  int DONE
%$task:
  iretd
END
CASE "p32/task-iret-back-link-not-busy"
  call prepare_tss2
  mov dword [TSS], TSS2SEL
  push dword 0x4002
  popfd
  iretd
END
CASE "p32/task-iret-back-link-null"
  push dword 0x4002
  popfd
  iretd
END
CASE "p32/task-gate-idt"
  call prepare_tss2
  mov dword [IDT + 0x41 * 8], TSS2SEL << 16
  mov dword [IDT + 0x41 * 8 + 4], 0x8500
  mov dword [base], task_done
  int 0x41
END
CASE "p32/task-gate-idt-error-code"
  call prepare_tss2
  mov dword [TSS2 + 0x20], stub32_13
  mov dword [IDT + 13 * 8], TSS2SEL << 16
  mov dword [IDT + 13 * 8 + 4], 0x8500
  mov ax, 0xfff8
  mov ds, ax
END
CASE "p32/task-gate-idt-np"
  mov dword [IDT + 0x41 * 8], TSS2SEL << 16
  mov dword [IDT + 0x41 * 8 + 4], 0x0500
  int 0x41
END
CASE "p32/task-gate-idt-not-tss"
  mov dword [IDT + 0x41 * 8], KDATA << 16
  mov dword [IDT + 0x41 * 8 + 4], 0x8500
  int 0x41
END
CASE "p32/task-gate-idt-ldt-selector"
  mov dword [IDT + 0x41 * 8], (TSS2SEL | 4) << 16
  mov dword [IDT + 0x41 * 8 + 4], 0x8500
  int 0x41
END
CASE "p32/task-gate-idt-busy"
  call prepare_tss2
  mov byte [GDT + TSS2SEL + 5], 0x8b
  mov dword [IDT + 0x41 * 8], TSS2SEL << 16
  mov dword [IDT + 0x41 * 8 + 4], 0x8500
  int 0x41
END
CASE "p32/task-gate-gdt"
  call prepare_tss2
  mov dword [GDT + GATE], TSS2SEL << 16
  mov dword [GDT + GATE + 4], 0x8500
  mov dword [base], task_done
  jmp GATE:0
END
CASE "p32/task-user-through-gate"
  call prepare_tss2
  mov dword [GDT + GATE], TSS2SEL << 16
  mov dword [GDT + GATE + 4], 0xe500
  mov dword [base], task_done
  USER
  call (GATE | 3):0
END
CASE "p32/task-user-direct"
  call prepare_tss2
  USER
  call (TSS2SEL | 3):0
END
CASE "p32/task-df-through-gate"
  call prepare_tss2
  mov dword [TSS2 + 0x20], stub32_8
  mov dword [IDT + 8 * 8], TSS2SEL << 16
  mov dword [IDT + 8 * 8 + 4], 0x8500
  VECTOR 13, GATE8(KCODE, 0, 0x0e, 0)
  mov ax, 0xfff8
  mov ds, ax
END

; A switch to TSS2 with changes: pairs of an address and a doubleword to put there.
%macro TASK 1-*
CASE "p32/task-", %1
  call prepare_tss2
  call prepare_handlers
  %rep (%0 - 1) / 2
  mov dword [%2], %3
  %rotate 2
  %endrep
  mov dword [base], task_done
  jmp TSS2SEL:0
END
%endmacro
T2 equ GDT + TSS2SEL
SD equ GDT + SCRATCH
TASK "busy", T2 + 4, 0x8b1b
TASK "np", T2 + 4, 0x091b
TASK "limit", T2, 0x24000066
TASK "ldt-bad", TSS2 + 0x60, KDATA
TASK "ldt-np", GDT + LDTSEL + 4, 0x021b, TSS2 + 0x60, LDTSEL
TASK "ldt-good", TSS2 + 0x60, LDTSEL
TASK "cs-null", TSS2 + 0x4c, 0
TASK "cs-data", TSS2 + 0x4c, KDATA
TASK "cs-beyond", TSS2 + 0x4c, 0xfff8
TASK "cs-np", TSS2 + 0x4c, SCRATCH, SD, 0xffff, SD + 4, 0xcf1b00
TASK "cs-user-rpl0", TSS2 + 0x4c, UCODE & ~3
TASK "ss-null", TSS2 + 0x50, 0
TASK "ss-user", TSS2 + 0x50, UDATA
TASK "ss-code", TSS2 + 0x50, KCODE
TASK "ss-np", TSS2 + 0x50, SCRATCH, SD, 0xffff, SD + 4, 0xcf1300
TASK "ds-beyond", TSS2 + 0x54, 0xfff8
TASK "es-execute-only", TSS2 + 0x48, XONLY
TASK "fs-tss", TSS2 + 0x58, TSSSEL
TASK "gs-np", TSS2 + 0x5c, SCRATCH, SD, 0xffff, SD + 4, 0xcf1300
TASK "all-null", TSS2 + 0x48, 0, TSS2 + 0x54, 0, TSS2 + 0x58, 0
TASK "to-user", TSS2 + 0x4c, UCODE, TSS2 + 0x50, UDATA, TSS2 + 0x38, USER_STACK, TSS2 + 0x48, UDATA, TSS2 + 0x54, UDATA
TASK "eip-beyond-limit", TSS2 + 0x4c, SCRATCH, SD, 0xf, SD + 4, 0x409b00
TASK "debug-trap", TSS2 + 0x64, 0x680001
TASK "flags", TSS2 + 0x24, 0x00003ed7
CASE "p32/task-clears-local-breakpoints"
  call prepare_tss2
  mov dword [TSS2 + 0x20], task_dr7
  mov eax, 0x190000
  mov dr0, eax
  mov eax, 0x000f0303
  mov dr7, eax
  jmp TSS2SEL:0
END
CASE "p32/task-sets-ts"
  call prepare_tss2
  mov dword [TSS2 + 0x20], task_cr0
  jmp TSS2SEL:0
END
CASE "p32/task-286"
  mov word [TSS16 + 0x0e], task286
  mov dword [TSS16 + 0x10], 2
  mov word [TSS16 + 0x12], 0x1234
  mov word [TSS16 + 0x14], 0x2345
  mov word [TSS16 + 0x1a], 0x7c00
  mov word [TSS16 + 0x22], KDATA16
  mov word [TSS16 + 0x24], KCODE16
  mov word [TSS16 + 0x26], KDATA16
  mov word [TSS16 + 0x28], KDATA
  jmp TSS16SEL:0
END
CASE "p32/task-286-limit"
  mov word [GDT + TSS16SEL], 0x2a
  jmp TSS16SEL:0
END
CASE "p32/ltr-busy"
  mov ax, TSSSEL
  ltr ax
END
CASE "p32/ltr-null"
  xor eax, eax
  ltr ax
END
CASE "p32/ltr-data"
  mov ax, KDATA
  ltr ax
END
CASE "p32/ltr-np"
  mov byte [GDT + TSS2SEL + 5], 0x09
  mov ax, TSS2SEL
  ltr ax
END
CASE "p32/ltr-ldt-selector"
  mov ax, TSS2SEL | 4
  ltr ax
END
CASE "p32/lldt-data"
  mov ax, KDATA
  lldt ax
END
CASE "p32/lldt-np"
  mov byte [GDT + LDTSEL + 5], 0x02
  mov ax, LDTSEL
  lldt ax
END
CASE "p32/lldt-beyond"
  mov ax, 0xfff8
  lldt ax
END
CASE "p32/ldt-load-segment"
  mov dword [LDT + 8], 0xffff
  mov dword [LDT + 12], 0xcf9300
  mov ax, LDTSEL
  lldt ax
  mov ax, 0x0c
  mov ds, ax
  mov eax, ds
END
CASE "p32/ldt-beyond-limit"
  mov ax, LDTSEL
  lldt ax
  mov ax, 0x44
  mov ds, ax
END

  jmp task_end
task_dr7:
  mov ebx, dr7
  int DONE
task_cr0:
  mov ebx, cr0
  int DONE
section .real
bits 16
task286:
  ; The upper halves are undefined after a switch to a 286 task.
  movzx esp, sp
  movzx eax, ax
  movzx ecx, cx
  xor edx, edx
  xor ebx, ebx
  xor ebp, ebp
  xor esi, esi
  xor edi, edi
  int DONE
bits 32
section .text
task_end:
