; 32-bit protected mode without paging: segment loads and checks, privileged instructions, exceptions of ordinary instructions.

; Exceptions with their return addresses
CASE "p32/de-div"
  xor ecx, ecx
  div ecx
END
CASE "p32/de-idiv-overflow"
  mov eax, 0x80000000
  cdq
  mov ecx, -1
  idiv ecx
END
CASE "p32/de-aam-0"
  aam 0
END
CASE "p32/ud2"
  ud2
END
CASE "p32/ud-lock"
  db 0xf0, 0x8b, 0x00
END
CASE "p32/ud-lock-register"
  db 0xf0, 0x01, 0xc0
END
CASE "p32/ud-mov-cs"
  mov ax, KDATA
  db 0x8e, 0xc8
END
CASE "p32/ud-lea-register"
  db 0x8d, 0xc0
END
CASE "p32/ud-les-register"
  db 0xc4, 0xc0
  nop
END
CASE "p32/int3"
  int3
END
CASE "p32/int3-resume"
  RESUME 1
  int3
END
CASE "p32/into-clear"
  into
END
CASE "p32/into-set"
  mov al, 0x7f
  inc al
  into
END
CASE "p32/bound-inside"
  mov eax, 5
  push dword 9
  push dword 1
  bound eax, [esp]
END
CASE "p32/bound-outside"
  mov eax, 10
  push dword 9
  push dword 1
  bound eax, [esp]
END
CASE "p32/int-n"
  int 0x41
END
CASE "p32/int-beyond-idt"
  int 0x80
END
CASE "p32/int-not-present"
  VECTOR 0x41, GATE8(KCODE, 0, 0x0e, 0)
  int 0x41
END
CASE "p32/int-bad-type"
  VECTOR 0x41, GATE8(KCODE, 0, 0x82, 0)
  int 0x41
END
CASE "p32/int-null-selector"
  VECTOR 0x41, GATE8(0, 0, 0x8e, 0)
  int 0x41
END
CASE "p32/int-selector-beyond"
  VECTOR 0x41, GATE8(0xff8, 0, 0x8e, 0)
  int 0x41
END
CASE "p32/int-selector-data"
  VECTOR 0x41, GATE8(KDATA, 0, 0x8e, 0)
  int 0x41
END
CASE "p32/int-selector-user-code"
  VECTOR 0x41, GATE8(UCODE, 0, 0x8e, 0)
  int 0x41
END
CASE "p32/int-selector-np"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x1b, 0xc)
  VECTOR 0x41, GATE8(SCRATCH, 0, 0x8e, 0)
  int 0x41
END
CASE "p32/int-offset-beyond-limit"
  SET SCRATCH, DESCRIPTOR(0, 0xff, 0x9b, 0x4)
  VECTOR 0x41, GATE8(SCRATCH, 0x1000, 0x8e, 0)
  ; Where the limit is not looked at, IRETD comes back.
  mov byte [0x1000], 0xcf
  int 0x41
END
CASE "p32/int-trap-gate-keeps-if"
  push dword 0x202
  popfd
  GATE_TO IDT + 0x41 * 8, KCODE, %$on, 0x8f, 0
  int 0x41
%$on:
  pushfd
  pop eax
END
CASE "p32/int-286-gate"
  GATE_TO IDT + 0x41 * 8, KCODE, stub286, 0x86, 0
  int 0x41
END
CASE "p32/ud-in-fault-handler-missing"
  VECTOR 6, GATE8(KCODE, 0, 0x0e, 0)
  ud2
END
CASE "p32/df-gp-without-gate"
  VECTOR 13, GATE8(KCODE, 0, 0x0e, 0)
  mov ax, 0xfff8
  mov ds, ax
END
CASE "p32/df-ts-then-gp"
  VECTOR 11, GATE8(0, 0, 0x8e, 0)
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x13, 0xc)
  mov ax, SCRATCH
  mov ds, ax
END
CASE "p32/pf-class-benign-ud-gate-np"
  VECTOR 6, GATE8(0xff8, 0, 0x8e, 0)
  ud2
END

; Loads of data segments, by selector
%macro LOAD_DATA 2
CASE "p32/ds-", %1
  mov ax, %2
  mov ds, ax
END
CASE "p32/es-", %1
  mov ax, %2
  mov es, ax
END
CASE "p32/ss-", %1
  mov ax, %2
  mov ss, ax
END
CASE "p32/fs-", %1, "-user"
  mov ax, %2
  USER
  mov fs, ax
END
CASE "p32/ss-", %1, "-user"
  mov ax, %2
  USER
  mov ss, ax
END
%endmacro
LOAD_DATA "null", 0
LOAD_DATA "null-rpl3", 3
LOAD_DATA "kernel-data", KDATA
LOAD_DATA "kernel-data-rpl3", KDATA | 3
LOAD_DATA "user-data", UDATA
LOAD_DATA "user-data-rpl0", UDATA & ~3
LOAD_DATA "read-only", RODATA
LOAD_DATA "expand-down", DOWN
LOAD_DATA "kernel-code", KCODE
LOAD_DATA "user-code", UCODE
LOAD_DATA "conforming", CONFORMING
LOAD_DATA "conforming-rpl3", CONFORMING | 3
LOAD_DATA "execute-only", XONLY
LOAD_DATA "tss", TSSSEL
LOAD_DATA "ldt", LDTSEL
LOAD_DATA "beyond", 0xfff8
LOAD_DATA "beyond-by-one", GDT_BYTES
LOAD_DATA "in-null-ldt", 0x0c
LOAD_DATA "ring1-data", DATA1

%macro LOAD_SCRATCH 2
CASE "p32/ds-np-", %1
  SET SCRATCH, %2
  mov ax, SCRATCH
  mov ds, ax
END
CASE "p32/ss-np-", %1
  SET SCRATCH, %2
  mov ax, SCRATCH
  mov ss, ax
END
%endmacro
LOAD_SCRATCH "data", DESCRIPTOR(0, 0xfffff, 0x13, 0xc)
LOAD_SCRATCH "code", DESCRIPTOR(0, 0xfffff, 0x1b, 0xc)
LOAD_SCRATCH "execute-only", DESCRIPTOR(0, 0xfffff, 0x19, 0xc)
LOAD_SCRATCH "user-data", DESCRIPTOR(0, 0xfffff, 0x73, 0xc)

CASE "p32/accessed-bit-set"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x92, 0xc)
  mov ax, SCRATCH
  mov ds, ax
  mov eax, [ss:GDT + SCRATCH + 4]
END
CASE "p32/accessed-bit-not-set-by-lar"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x92, 0xc)
  mov ax, SCRATCH
  lar ebx, ax
  mov eax, [ss:GDT + SCRATCH + 4]
END
CASE "p32/accessed-bit-of-code"
  SET SCRATCH, DESCRIPTOR(0, 0xfffff, 0x9a, 0xc)
  jmp SCRATCH:%$there
%$there:
  mov eax, [ss:GDT + SCRATCH + 4]
END
CASE "p32/busy-bit-of-ltr"
  mov ax, TSS2SEL
  ltr ax
  mov eax, [GDT + TSS2SEL + 4]
END

; Limits and types when memory is accessed
CASE "p32/limit-inside"
  mov ax, SMALL
  mov ds, ax
  mov eax, [0xffc]
END
CASE "p32/limit-across"
  mov ax, SMALL
  mov ds, ax
  mov eax, [0xffd]
END
CASE "p32/limit-write-byte"
  mov ax, SMALL
  mov ds, ax
  mov [0x1000], al
END
CASE "p32/limit-wrap"
  mov ax, KDATA
  mov ds, ax
  mov eax, [0xffffffff]
END
CASE "p32/limit-stack-segment"
  mov ax, SMALL & ~3
  mov ss, ax
END
CASE "p32/limit-stack"
  SET SCRATCH, DESCRIPTOR(0x190000, 0xfff, 0x93, 0x4)
  mov ax, SCRATCH
  mov ss, ax
  mov esp, 0xf00
  mov ebx, [ss:0x2000]
END
CASE "p32/expand-down-inside"
  mov ax, DOWN
  mov ds, ax
  mov eax, [0x1000]
END
CASE "p32/expand-down-below"
  mov ax, DOWN
  mov ds, ax
  mov eax, [0xfff]
END
CASE "p32/expand-down-16-top"
  SET SCRATCH, DESCRIPTOR(0x180000, 0xfff, 0x97, 0)
  mov ax, SCRATCH
  mov ds, ax
  mov eax, [0xfffd]
END
CASE "p32/write-read-only"
  mov ax, RODATA
  mov ds, ax
  mov [0x190000], eax
END
CASE "p32/write-code"
  mov [cs:0x190000], eax
END
CASE "p32/read-execute-only"
  mov ax, SCRATCH
  jmp XONLY:%$there
%$there:
  mov eax, [cs:0x190000]
END
CASE "p32/read-through-null"
  xor eax, eax
  mov gs, ax
  mov eax, [gs:0]
END
CASE "p32/write-through-null"
  xor eax, eax
  mov es, ax
  mov edi, 0x190000
  stosd
END
CASE "p32/rmw-read-only"
  mov ax, RODATA
  mov ds, ax
  add dword [0x190000], 1
END
CASE "p32/cmpxchg-read-only"
  mov ax, RODATA
  mov ds, ax
  mov eax, 0x12345678
  cmpxchg [0x190000], ecx
END

; LAR LSL VERR VERW ARPL over descriptor types
%assign type 0
%rep 32
%assign high type / 10
%assign low type % 10
%substr digit_high '0123' high + 1
%substr digit_low '0123456789' low + 1
%strcat INSPECT_NAME 'p32/inspect-type-', digit_high, digit_low
%strcat INSPECT_USER_NAME 'p32/inspect-user-type-', digit_high, digit_low
CASE INSPECT_NAME
  SET SCRATCH, DESCRIPTOR(0x123456, 0x789ab, 0x80 | type, 0x8)
  mov ax, SCRATCH
  xor ebx, ebx
  xor ecx, ecx
  lar ebx, ax
  setz dl
  lsl ecx, ax
  setz dh
  shl edx, 16
  verr ax
  setz dl
  verw ax
  setz dh
END
CASE INSPECT_USER_NAME
  SET SCRATCH, DESCRIPTOR(0x123456, 0x789ab, 0xe0 | type, 0x0)
  mov ax, SCRATCH | 3
  USER
  xor ebx, ebx
  xor ecx, ecx
  lar ebx, ax
  setz dl
  lsl ecx, ax
  setz dh
  shl edx, 16
  verr ax
  setz dl
  verw ax
  setz dh
END
%assign type type + 1
%endrep
%macro INSPECT 2
CASE "p32/inspect-", %1
  mov ax, %2
  xor ebx, ebx
  xor ecx, ecx
  lar ebx, ax
  setz dl
  lsl ecx, ax
  setz dh
  shl edx, 16
  verr ax
  setz dl
  verw ax
  setz dh
END
CASE "p32/inspect-", %1, "-user"
  mov ax, %2
  USER
  xor ebx, ebx
  xor ecx, ecx
  lar ebx, ax
  setz dl
  lsl ecx, ax
  setz dh
  shl edx, 16
  verr ax
  setz dl
  verw ax
  setz dh
END
%endmacro
INSPECT "null", 0
INSPECT "beyond", 0xfff8
INSPECT "kernel-data", KDATA
INSPECT "kernel-data-rpl3", KDATA | 3
INSPECT "user-data", UDATA
INSPECT "conforming", CONFORMING | 3
INSPECT "execute-only", XONLY
INSPECT "null-ldt", 0x0c
CASE "p32/arpl-raises"
  mov eax, 0x10
  mov ecx, 0x1b
  arpl ax, cx
END
CASE "p32/arpl-keeps"
  mov eax, 0x13
  mov ecx, 0x1a
  arpl ax, cx
END

; Privileged instructions
%macro PRIVILEGED 2+
CASE "p32/user-", %1
  USER
  %2
END
%endmacro
PRIVILEGED "hlt", hlt
PRIVILEGED "cli", cli
PRIVILEGED "sti", sti
PRIVILEGED "clts", clts
PRIVILEGED "lgdt", lgdt [USER_STACK - 16]
PRIVILEGED "lidt", lidt [USER_STACK - 16]
PRIVILEGED "lldt", lldt ax
PRIVILEGED "ltr", ltr ax
PRIVILEGED "lmsw", lmsw ax
PRIVILEGED "invlpg", invlpg [0]
PRIVILEGED "invd", invd
PRIVILEGED "wbinvd", wbinvd
PRIVILEGED "rdmsr", rdmsr
PRIVILEGED "wrmsr", wrmsr
PRIVILEGED "mov-from-cr0", mov eax, cr0
PRIVILEGED "mov-to-cr0", mov cr0, eax
PRIVILEGED "mov-from-cr2", mov eax, cr2
PRIVILEGED "mov-to-cr3", mov cr3, eax
PRIVILEGED "mov-from-cr4", mov eax, cr4
PRIVILEGED "mov-from-dr0", mov eax, dr0
PRIVILEGED "mov-to-dr7", mov dr7, eax
PRIVILEGED "smsw", smsw ax
PRIVILEGED "int-kernel-gate", int 0x41
PRIVILEGED "int3", int3
PRIVILEGED "in-denied", in al, 5
PRIVILEGED "in-word-across", in ax, 7
PRIVILEGED "in-beyond-map", in al, 0x80
PRIVILEGED "out-denied", out 5, al
PRIVILEGED "insb-denied", insb
PRIVILEGED "sysexit", sysexit
PRIVILEGED "sysenter-cs-0", sysenter
PRIVILEGED "syscall-disabled", syscall
PRIVILEGED "rdpmc", rdpmc
PRIVILEGED "mov-es-kernel", mov es, [ss:USER_STACK - 4]
CASE "p32/user-in-allowed"
  USER
  in al, 0xd
  mov al, 0
END
CASE "p32/user-iopl3-cli"
  USER 0x3002
  cli
  pushfd
  pop eax
END
CASE "p32/user-iopl3-in"
  USER 0x3002
  in al, 5
  mov al, 0
END
CASE "p32/user-popf-iopl-if"
  USER 0x202
  push dword 0x3000
  popfd
  pushfd
  pop eax
END
CASE "p32/user-iopl3-popf-if"
  USER 0x3202
  push dword 0x0002
  popfd
  pushfd
  pop eax
END
CASE "p32/popf-everything"
  push dword 0x003f7fff & ~0x100
  popfd
  pushfd
  pop eax
  push dword 2
  popfd
END
CASE "p32/popf16-everything"
  push word 0x7eff
  popfw
  pushfd
  pop eax
END
CASE "p32/user-no-io-map"
  mov word [TSS + 0x66], 0xffff
  USER
  in al, 0xd
END
CASE "p32/user-map-ends-inside"
  mov word [TSS + 0x66], TSS_BYTES - 1
  USER
  in al, 0
END
CASE "p32/tsd-user"
  mov eax, 4
  mov cr4, eax
  USER
  rdtsc
END
CASE "p32/sgdt-stores"
  sgdt [0x190010]
  mov eax, [0x190010]
  mov ebx, [0x190012]
END
CASE "p32/sldt-null"
  mov eax, -1
  sldt eax
END
CASE "p32/str-register"
  mov eax, -1
  str eax
END
CASE "p32/umip-sgdt"
  mov eax, 0x800
  mov cr4, eax
  USER
  sgdt [USER_STACK - 16]
END
CASE "p32/umip-smsw"
  mov eax, 0x800
  mov cr4, eax
  USER
  smsw ax
END

; Control registers
%macro CR0_BITS 2
CASE "p32/cr0-", %1
  mov eax, %2
  mov cr0, eax
  mov eax, cr0
END
%endmacro
CR0_BITS "nw-without-cd", 0x20000011
CR0_BITS "cd-nw", 0x60000011
CR0_BITS "am-ne-wp", 0x00050031
CASE "p32/cr0-upper-reserved"
  mov eax, 0x1ff8ffc0 | 0x11
  mov cr0, eax
  mov eax, cr0
END
CASE "p32/mov-cr1"
  db 0x0f, 0x20, 0xc8
END
CASE "p32/mov-cr5"
  db 0x0f, 0x22, 0xe8
END
CASE "p32/mov-cr8-legacy-lock"
  db 0xf0, 0x0f, 0x20, 0xc0
END
CASE "p32/lmsw-cannot-clear-pe"
  mov eax, 0
  lmsw ax
  smsw eax
END
CASE "p32/lmsw-sets-ts"
  mov eax, 0x0b
  lmsw ax
  smsw eax
END
CASE "p32/clts"
  mov eax, cr0
  or eax, 8
  mov cr0, eax
  clts
  mov eax, cr0
END
CASE "p32/nm-ts"
  mov eax, cr0
  or eax, 8
  mov cr0, eax
  fninit
END
CASE "p32/nm-em"
  mov eax, cr0
  or eax, 4
  mov cr0, eax
  fld1
END
CASE "p32/nm-wait-mp-ts"
  mov eax, cr0
  or eax, 0xa
  mov cr0, eax
  fwait
END
CASE "p32/wait-ts-only"
  mov eax, cr0
  or eax, 8
  and eax, ~2
  mov cr0, eax
  fwait
END
CASE "p32/mf-at-next-waiting"
  fninit
  push dword 0x37b
  fldcw [esp]
  fldz
  fld1
  fdivrp
  fnstsw ax
  fnop
  fldz
END
CASE "p32/rdmsr-unknown"
  mov ecx, 0x12345678
  rdmsr
END
CASE "p32/wrmsr-efer-reserved"
  mov ecx, 0xc0000080
  mov eax, 0xfffff
  xor edx, edx
  wrmsr
END
CASE "p32/rdmsr-pat"
  mov ecx, 0x277
  rdmsr
END
CASE "p32/wrmsr-pat-bad-type"
  mov ecx, 0x277
  mov eax, 0x02
  xor edx, edx
  wrmsr
END

; #AC
CASE "p32/ac-user"
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  USER 0x40002
  mov eax, [USER_STACK - 7]
END
CASE "p32/ac-user-aligned"
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  USER 0x40002
  mov eax, [USER_STACK - 8]
END
CASE "p32/ac-not-kernel"
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  push dword 0x40002
  popfd
  mov eax, [USER_STACK - 7]
END
CASE "p32/ac-user-word"
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  USER 0x40002
  mov ax, [USER_STACK - 7]
END
CASE "p32/ac-user-push"
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  USER 0x40002
  dec esp
  push eax
END

; Code segment limits, 16-bit code and stacks
CASE "p32/fetch-beyond-limit"
  SET SCRATCH, DESCRIPTOR(0, 0x1000ff, 0x9b, 0x4)
  jmp SCRATCH:0x100100
END
CASE "p32/near-jump-beyond-limit"
  SET SCRATCH, DESCRIPTOR(LOAD, %$beyond - image_start - 1, 0x9b, 0x4)
  jmp SCRATCH:(%$inside - LOAD)
%$inside:
  jmp %$beyond
%$beyond:
END
CASE "p32/run-beyond-limit"
  SET SCRATCH, DESCRIPTOR(LOAD, %$beyond - image_start - 1, 0x9b, 0x4)
  jmp SCRATCH:(%$inside - LOAD)
%$inside:
  nop
%$beyond:
END
CASE "p32/code16"
  SET SCRATCH, DESCRIPTOR(0x180000, 0xffff, 0x9b, 0)
  mov dword [0x180000], 0x00eab866
  mov dword [0x180004], 0x90900000
  mov word [0x180006], 0x40cd
  jmp SCRATCH:0
END
CASE "p32/stack16-push"
  SET SCRATCH, DESCRIPTOR(0x180000, 0xffff, 0x93, 0)
  mov ax, SCRATCH
  mov ss, ax
  mov esp, 0x00121008
  push dword 0x11223344
  mov ebx, esp
  mov ecx, [0x181004]
END
CASE "p32/stack16-wrap-to-zero"
  SET SCRATCH, DESCRIPTOR(0x180000, 0xffff, 0x93, 0)
  mov ax, SCRATCH
  mov ss, ax
  mov esp, 0
  push eax
  mov ebx, esp
END
CASE "p32/pop-beyond-limit"
  call prepare_handlers
  SET SCRATCH, DESCRIPTOR(0x180000, 0xffff, 0x93, 0x4)
  mov ax, SCRATCH
  mov ss, ax
  mov esp, 0x1fffe
  pop eax
END
CASE "p32/enter-leave"
  mov ebp, esp
  enter 16, 3
  mov ebx, esp
  leave
END
CASE "p32/pusha-order"
  pusha
  mov eax, [esp]
  mov ebx, [esp + 12]
  mov ecx, [esp + 28]
  add esp, 32
END
CASE "p32/push-selector-upper-half"
  push dword -1
  pop eax
  push ds
  movzx eax, word [esp]
  pop ds
END
CASE "p32/pop-ss-blocks-step"
  push dword KDATA
  push dword 0x102
  RESUME 2
  popfd
  pop ss
  nop
  nop
  push dword 2
  popfd
END
