; Far transfers: jumps, calls, returns, call gates of both sizes with and without a change of privilege, IRET in its variants.

%macro FAR_JUMP 2
CASE "p32/jmp-far-", %1
  push dword %2
  push dword %$there
  jmp far [esp]
%$there:
END
CASE "p32/call-far-", %1
  push dword %2
  push dword %$there
  call far [esp]
%$there:
END
CASE "p32/retf-", %1
  push dword %2
  push dword %$there
  retf
%$there:
END
%endmacro
FAR_JUMP "null", 0
FAR_JUMP "null-rpl3", 3
FAR_JUMP "kernel-code", KCODE
FAR_JUMP "kernel-code-rpl1", KCODE | 1
FAR_JUMP "user-code-rpl0", UCODE & ~3
FAR_JUMP "conforming", CONFORMING
FAR_JUMP "user-conforming", UCONFORMING & ~3
FAR_JUMP "data", KDATA
FAR_JUMP "execute-only", XONLY
FAR_JUMP "beyond", 0xfff8
FAR_JUMP "ldt-null", 0x0c
FAR_JUMP "ldt-descriptor", LDTSEL
FAR_JUMP "code1", CODE1

%macro FAR_SCRATCH 2
CASE "p32/jmp-far-scratch-", %1
  SET SCRATCH, %2
  jmp SCRATCH:%$there
%$there:
END
%endmacro
FAR_SCRATCH "np", DESCRIPTOR(0, 0xfffff, 0x1b, 0xc)
FAR_SCRATCH "data", DESCRIPTOR(0, 0xfffff, 0x93, 0xc)
FAR_SCRATCH "reserved-type", DESCRIPTOR(0, 0xfffff, 0x8d, 0xc)
FAR_SCRATCH "beyond-limit", DESCRIPTOR(0, 0xf, 0x9b, 0x4)
FAR_SCRATCH "call-gate-of-np", DESCRIPTOR(0, 0, 0x0c, 0)
FAR_SCRATCH "interrupt-gate", GATE8(KCODE, 0, 0x8e, 0)
FAR_SCRATCH "busy-tss", DESCRIPTOR(TSS2, 0x67, 0x8b, 0)

%macro USER_FAR 2
CASE "p32/user-jmp-far-", %1
  USER
  jmp %2:%$there
%$there:
END
CASE "p32/user-call-far-", %1
  USER
  call %2:%$there
%$there:
END
CASE "p32/user-retf-", %1
  USER
  push dword %2
  push dword %$there
  retf
%$there:
END
%endmacro
USER_FAR "kernel-code", KCODE
USER_FAR "user-code", UCODE
USER_FAR "user-code-rpl0", UCODE & ~3
USER_FAR "conforming", CONFORMING
USER_FAR "conforming-rpl3", CONFORMING | 3
USER_FAR "user-conforming", UCONFORMING
USER_FAR "code1", CODE1
USER_FAR "null", 0

; Call gates
CASE "p32/call-gate-same-level"
  GATE_TO GDT + GATE, KCODE, %$there, 0x8c, 0
  call GATE:0
%$there:
  mov ebx, [esp]
  mov ecx, [esp + 4]
END
CASE "p32/jmp-gate-same-level"
  GATE_TO GDT + GATE, KCODE, %$there, 0x8c, 0
  jmp GATE:0x12345678
%$there:
END
CASE "p32/call-gate-286"
  GATE_TO GDT + GATE, KCODE, low_done, 0x84, 0
  call GATE:0
END
CASE "p32/call-gate-null-selector"
  GATE_TO GDT + GATE, 0, %$there, 0x8c, 0
  call GATE:0
%$there:
END
CASE "p32/call-gate-np"
  GATE_TO GDT + GATE, KCODE, %$there, 0x0c, 0
  call GATE:0
%$there:
END
CASE "p32/call-gate-data"
  GATE_TO GDT + GATE, KDATA, %$there, 0x8c, 0
  call GATE:0
%$there:
END
CASE "p32/call-gate-to-user-code"
  GATE_TO GDT + GATE, UCODE, %$there, 0xec, 0
  call GATE:0
%$there:
END
CASE "p32/call-gate-rpl-above-dpl"
  GATE_TO GDT + GATE, KCODE, %$there, 0x8c, 0
  call (GATE | 3):0
%$there:
END

%macro USER_GATE 3+ ; name, preparation, type and count
CASE "p32/user-call-gate-", %1
  GATE_TO GDT + GATE, KCODE, %$kernel, %3
  call prepare_handlers
  %2
  USER
  push dword 0x11111111
  push dword 0x22222222
  call (GATE | 3):0
  section .text
%$kernel:
  mov eax, [esp]
  mov ebx, [esp + 4]
  mov ecx, [esp + 8]
  mov edx, [esp + 12]
  mov esi, [esp + 16]
END
%endmacro
USER_GATE "0-parameters", {}, 0xec, 0
USER_GATE "2-parameters", {}, 0xec, 2
USER_GATE "dpl0", {}, 0x8c, 0
USER_GATE "np", {}, 0x6c, 0
USER_GATE "ss0-null", {mov dword [TSS + 8], 0}, 0xec, 0
USER_GATE "ss0-user", {mov dword [TSS + 8], UDATA}, 0xec, 0
USER_GATE "ss0-read-only", {mov dword [TSS + 8], RODATA & ~3}, 0xec, 0
USER_GATE "ss0-code", {mov dword [TSS + 8], KCODE}, 0xec, 0
USER_GATE "ss0-beyond", {mov dword [TSS + 8], 0xff8}, 0xec, 0
CASE "p32/user-call-gate-ss0-np"
  GATE_TO GDT + GATE, KCODE, %$kernel, 0xec, 0
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x13, 0xc)
  mov dword [TSS + 8], SCRATCH
  call prepare_handlers
  USER
  call (GATE | 3):0
  section .text
%$kernel:
END
CASE "p32/user-call-gate-286"
  mov word [GDT + GATE + 2], KCODE
  mov eax, low_done
  mov [GDT + GATE], ax
  shr eax, 16
  mov [GDT + GATE + 6], ax
  mov word [GDT + GATE + 4], 0xe401
  USER
  push word 0x1234
  call (GATE | 3):0
  section .text
%$kernel:
END
CASE "p32/call-gate-returns-to-user"
  GATE_TO GDT + GATE, KCODE, %$kernel, 0xec, 2
  USER
  push dword 0x11111111
  push dword 0x22222222
  call (GATE | 3):0
  mov ebx, esp
  int DONE
  section .text
%$kernel:
  retf 8
END
CASE "p32/user-call-gate-conforming"
  GATE_TO GDT + GATE, CONFORMING, %$user_there, 0xec, 0
  USER
  call (GATE | 3):0
%$user_there:
  mov ebx, cs
END
CASE "p32/user-jmp-gate-more-privilege"
  GATE_TO GDT + GATE, KCODE, %$kernel, 0xec, 0
  USER
  jmp (GATE | 3):0
  section .text
%$kernel:
END
CASE "p32/gate-to-ring1-and-back"
  GATE_TO GDT + GATE, CODE1, %$ring1, 0xec, 0
  USER
  call (GATE | 3):0
%$ring1:
  mov eax, cs
  mov ebx, ss
  mov ecx, esp
END

; RETF to outer levels
CASE "p32/retf-outer"
  push dword UDATA
  push dword USER_STACK
  push dword UCODE
  push dword %$there
  retf
%$there:
END
CASE "p32/retf-outer-nulls-segments"
  mov ax, UDATA
  mov es, ax
  mov ax, CONFORMING
  mov fs, ax
  push dword UDATA
  push dword USER_STACK
  push dword 0x12345678
  push dword UCODE
  push dword %$there
  retf 4
%$there:
END
%macro RETF_OUTER 3
CASE "p32/retf-outer-", %1
  push dword %3
  push dword USER_STACK
  push dword %2
  push dword %$there
  retf
%$there:
END
%endmacro
RETF_OUTER "ss-null", UCODE, 0
RETF_OUTER "ss-kernel", UCODE, KDATA
RETF_OUTER "ss-rpl", UCODE, UDATA & ~3
RETF_OUTER "ss-code", UCODE, UCODE
RETF_OUTER "ss-read-only", UCODE, RODATA
RETF_OUTER "ss-beyond", UCODE, 0xfffb
RETF_OUTER "cs-conforming", CONFORMING | 3, UDATA
RETF_OUTER "cs-kernel-rpl3", KCODE | 3, UDATA
RETF_OUTER "cs-data-rpl3", UDATA, UDATA
RETF_OUTER "to-ring1", CODE1, DATA1
CASE "p32/retf-outer-ss-np"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x73, 0xc)
  push dword SCRATCH | 3
  push dword USER_STACK
  push dword UCODE
  push dword %$there
  retf
%$there:
END
CASE "p32/retf-to-inner-from-user"
  USER
  push dword KCODE
  push dword 0x100000
  retf
END

; IRET
CASE "p32/iret-same-level"
  push dword 0x00000a97
  push dword KCODE
  push dword %$there
  iretd
%$there:
END
CASE "p32/iret16-same-level"
  push word 0x0a97
  push word KCODE16
  push word code16_done
  iretw
END
section .real
bits 16
code16_done:
  int DONE
bits 32
; 32-bit code in low memory, where gates of 16 bits can lead
low_frame:
  mov eax, [esp]
  mov ebx, [esp + 4]
  mov ecx, [esp + 8]
low_done:
  int DONE
section .text
%macro IRET_OUTER 4
CASE "p32/iret-outer-", %1
  push dword %4
  push dword USER_STACK
  push dword %3
  push dword %2
  push dword %$there
  iretd
%$there:
END
%endmacro
IRET_OUTER "user", UCODE, 0x202, UDATA
IRET_OUTER "user-iopl3-nt", UCODE, 0x7202, UDATA
IRET_OUTER "cs-null", 0, 2, UDATA
IRET_OUTER "cs-data", KDATA, 2, UDATA
IRET_OUTER "cs-user-rpl0", UCODE & ~3, 2, UDATA
IRET_OUTER "ss-null", UCODE, 2, 0
IRET_OUTER "ss-kernel", UCODE, 2, KDATA
IRET_OUTER "ss-rpl", UCODE, 2, UDATA & ~3
IRET_OUTER "ss-code", UCODE, 2, UCODE
IRET_OUTER "ring2", CODE2, 2, DATA2
CASE "p32/iret-outer-cs-np"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x7b, 0xc)
  push dword UDATA
  push dword USER_STACK
  push dword 2
  push dword SCRATCH | 3
  push dword 0
  iretd
END
CASE "p32/iret-beyond-limit"
  SET SCRATCH, DESCRIPTOR(0, 0xfff, 0x9b, 0x4)
  push dword 2
  push dword SCRATCH
  push dword 0x1000
  iretd
END
CASE "p32/user-iret-cannot-change-iopl"
  USER 0x202
  push dword 0x3002
  push dword UCODE
  push dword %$there
  iretd
%$there:
  pushfd
  pop eax
END
CASE "p32/user-iret-to-kernel"
  USER
  push dword 2
  push dword KCODE
  push dword 0x100000
  iretd
END

; Interrupts with a change of privilege
%macro USER_INT 2
CASE "p32/user-int-", %1
  mov byte [IDT + 0x41 * 8 + 5], 0xee
  call prepare_handlers
  %2
  USER
  int 0x41
END
%endmacro
USER_INT "kernel", {}
USER_INT "ss0-null", {mov dword [TSS + 8], 0}
USER_INT "ss0-user", {mov dword [TSS + 8], UDATA}
USER_INT "tss-limit", {mov dword [GDT + TSSSEL], (TSS & 0xffff) << 16 | 0x67}
CASE "p32/user-int-conforming"
  GATE_TO IDT + 0x41 * 8, CONFORMING, stub32_65, 0xee, 0
  USER
  int 0x41
END
CASE "p32/user-fault-ring1-handler"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0xbb, 0xc)
  GATE_TO IDT + 0x41 * 8, CODE1, %$ring1, 0xee, 0
  USER
  int 0x41
%$ring1:
  mov eax, cs
  mov ebx, ss
  mov ecx, esp
END
CASE "p32/user-int-286-gate"
  GATE_TO IDT + 0x41 * 8, KCODE, low_frame, 0xe6, 0
  USER
  int 0x41
END
