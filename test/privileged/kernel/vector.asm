; Who may use x87, MMX and SSE registers: CR0.EM, TS, MP, CR4.OSFXSR, OSXMMEXCPT, OSXSAVE; #XM, XCR0, and images with wrong headers.

VECTOR_AREA equ 0x190400     ; 576 bytes, aligned to 64

; Every kind of instruction under every setting
%macro UNDER 2 ; condition, code that sets it
%define CONDITION %1
%define SETTING %2
  VECTOR_KINDS
%endmacro
%macro KIND 2+
L64 "long/unit-", CONDITION, "-", %1
  fninit
  SETTING
  mov edi, VECTOR_AREA
  %2
END64
%endmacro
%macro VECTOR_KINDS 0
  KIND "fld1", fld1
  KIND "fnstsw", fnstsw ax
  KIND "fwait", fwait
  KIND "emms", emms
  KIND "paddb", paddb mm0, mm1
  KIND "addps", addps xmm0, xmm1
  KIND "movaps", movaps xmm0, xmm1
  KIND "paddb-xmm", paddb xmm0, xmm1
  KIND "pshufb-mm", pshufb mm0, mm1
  KIND "cvtpi2ps", cvtpi2ps xmm0, mm1
  KIND "cvtpi2pd-memory", cvtpi2pd xmm0, [rdi]
  KIND "movdq2q", movdq2q mm0, xmm1
  KIND "ldmxcsr", ldmxcsr [vector_mxcsr]
  KIND "stmxcsr", stmxcsr [rdi]
  KIND "fxsave", fxsave [rdi]
  KIND "movnti", movnti [rdi], eax
  KIND "sfence", sfence
  KIND "prefetch", prefetcht0 [rdi]
  KIND "crc32", crc32 eax, ebx
  KIND "popcnt", popcnt eax, ebx
  KIND "aesenc", aesenc xmm0, xmm1
  KIND "roundsd", roundsd xmm0, xmm1, 0
%endmacro
%macro CR4_IS 1
  mov eax, %1
  mov cr4, rax
%endmacro
%macro CR0_WITH 1
  mov eax, 0x620
  mov cr4, rax
  mov rax, cr0
  or eax, %1
  mov cr0, rax
%endmacro

section .data
  align 4
vector_mxcsr: dd 0x1f80
vector_mxcsr_divide: dd 0x1d80
vector_mxcsr_reserved: dd 0x11f80
section .text

  UNDER "no-osfxsr", CR4_IS 0x20
  UNDER "osfxsr", CR4_IS 0x220
  UNDER "ts", CR0_WITH 8
  UNDER "em", CR0_WITH 4
  UNDER "em-ts", CR0_WITH 12

; #XM
%macro DIVIDE_BY_ZERO 0
  ldmxcsr [vector_mxcsr_divide]
  xorps xmm0, xmm0
  mov eax, 1
  cvtsi2ss xmm1, eax
  divss xmm1, xmm0
%endmacro
L64 "long/xm"
  CR4_IS 0x620
  DIVIDE_BY_ZERO
END64
L64 "long/xm-without-osxmmexcpt"
  CR4_IS 0x220
  DIVIDE_BY_ZERO
END64
L64 "long/xm-user"
  CR4_IS 0x620
  ldmxcsr [vector_mxcsr_divide]
  xorps xmm0, xmm0
  mov eax, 1
  cvtsi2ss xmm1, eax
  U64
  divss xmm1, xmm0
END64
L64 "long/xm-masked"
  CR4_IS 0x620
  ldmxcsr [vector_mxcsr]
  xorps xmm0, xmm0
  mov eax, 1
  cvtsi2ss xmm1, eax
  divss xmm1, xmm0
  movd eax, xmm1
  stmxcsr [VECTOR_AREA]
  mov ecx, [VECTOR_AREA]
END64
L64 "long/ldmxcsr-reserved"
  CR4_IS 0x620
  ldmxcsr [vector_mxcsr_reserved]
END64
L64 "long/movaps-misaligned"
  CR4_IS 0x620
  movaps xmm0, [VECTOR_AREA + 8]
END64
L64 "long/movups-misaligned"
  CR4_IS 0x620
  movups xmm0, [VECTOR_AREA + 8]
END64
L64 "long/addps-misaligned"
  CR4_IS 0x620
  addps xmm0, [VECTOR_AREA + 4]
END64
L64 "long/fxsave-misaligned"
  CR4_IS 0x620
  fxsave [VECTOR_AREA + 8]
END64
L64 "long/fxrstor-misaligned"
  CR4_IS 0x620
  fxrstor [VECTOR_AREA + 8]
END64
L64 "long/fxrstor-mxcsr-reserved"
  CR4_IS 0x620
  fninit
  ldmxcsr [vector_mxcsr]
  fxsave [VECTOR_AREA]
  or dword [VECTOR_AREA + 24], 0x10000
  fxrstor [VECTOR_AREA]
END64

; XSAVE and XCR0
%macro XSAVE_ON 0
  CR4_IS 0x40620
  mov eax, 3
  xor edx, edx
  xor ecx, ecx
  xsetbv
%endmacro
%macro WITHOUT_OSXSAVE 2+
L64 "long/no-osxsave-", %1
  CR4_IS 0x620
  mov edi, VECTOR_AREA
  xor ecx, ecx
  mov eax, 3
  xor edx, edx
  %2
END64
%endmacro
WITHOUT_OSXSAVE "xsave", xsave [rdi]
WITHOUT_OSXSAVE "xrstor", xrstor [rdi]
WITHOUT_OSXSAVE "xsaveopt", xsaveopt [rdi]
WITHOUT_OSXSAVE "xgetbv", xgetbv
WITHOUT_OSXSAVE "xsetbv", xsetbv
%macro XCR 4 ; name, ecx, edx, eax
L64 "long/xsetbv-", %1
  CR4_IS 0x40620
  mov ecx, %2
  mov edx, %3
  mov eax, %4
  xsetbv
  xor ecx, ecx
  xgetbv
END64
%endmacro
XCR "x87", 0, 0, 1
XCR "x87-sse", 0, 0, 3
XCR "nothing", 0, 0, 0
XCR "sse-alone", 0, 0, 2
XCR "upper", 0, 1, 3
XCR "unknown", 0, 0, 0x40000003
XCR "xcr1", 1, 0, 3
L64 "long/xsetbv-user"
  CR4_IS 0x40620
  U64
  xor ecx, ecx
  xor edx, edx
  mov eax, 3
  xsetbv
END64
L64 "long/xgetbv-user"
  XSAVE_ON
  U64
  xor ecx, ecx
  xgetbv
END64
L64 "long/xgetbv-xcr2"
  XSAVE_ON
  mov ecx, 2
  xgetbv
END64
L64 "long/xsave-ts"
  XSAVE_ON
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  xsave [VECTOR_AREA]
END64
L64 "long/xsave-misaligned"
  XSAVE_ON
  mov eax, 3
  xsave [VECTOR_AREA + 16]
END64
L64 "long/xrstor-misaligned"
  XSAVE_ON
  mov eax, 3
  xrstor [VECTOR_AREA + 32]
END64
%macro HEADER 3+ ; name, component bits asked for, code that spoils the image
L64 "long/xrstor-", %1
  XSAVE_ON
  fninit
  ldmxcsr [vector_mxcsr]
  mov edi, VECTOR_AREA
  mov ecx, 64 / 4
  xor eax, eax
  lea edi, [rdi + 512]
  rep stosd
  mov edi, VECTOR_AREA
  mov eax, 3
  xor edx, edx
  xsave [rdi]
  mov eax, %2
  %3
  xrstor [rdi]
  mov ebx, 0x600d
END64
%endmacro
HEADER "good", 3, nop
HEADER "xstate-bv-unknown", 3, mov dword [rdi + 512], 0x403
HEADER "xstate-bv-unknown-not-asked", 1, mov dword [rdi + 512], 0x403
HEADER "xstate-bv-upper", 3, mov dword [rdi + 516], 1
HEADER "xcomp-bv", 3, mov dword [rdi + 520], 3
HEADER "reserved-16", 3, mov dword [rdi + 528], 1
HEADER "reserved-24", 3, mov dword [rdi + 536], 1
HEADER "mxcsr", 3, mov dword [rdi + 24], 0x11f80
HEADER "mxcsr-not-asked", 1, mov dword [rdi + 24], 0x11f80
