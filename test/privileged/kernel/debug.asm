; #DB: single step, breakpoints on instructions, data and ports, DR6 and DR7, and what holds them back.

CASE "p32/step"
  RESUME 2
  push dword 0x102
  popfd
  nop
  push dword 2
  popfd
END
CASE "p32/step-mov-ss"
  RESUME 3
  mov ax, KDATA
  push dword 0x102
  popfd
  mov ss, ax
  nop
  push dword 2
  popfd
END
CASE "p32/step-rep-movs"
  RESUME 3
  mov esi, 0x190000
  mov edi, 0x190010
  mov ecx, 2
  push dword 0x102
  popfd
  rep movsb
  nop
  push dword 2
  popfd
END
CASE "p32/step-over-int"
  RESUME 3
  push dword 0x102
  popfd
  int 0x41
  nop
  push dword 2
  popfd
END
CASE "p32/step-fault"
  push dword 0x102
  popfd
  ud2
END
CASE "p32/step-user"
  USER 0x102
  nop
  nop
END
CASE "p32/step-pushf"
  RESUME 4
  push dword 0x102
  popfd
  pushfd
  pop eax
  push dword 2
  popfd
END
CASE "p32/int1"
  int1
END

%macro BREAKPOINT 3 ; register number, address, DR7
  mov eax, %2
  mov dr%1, eax
  mov eax, %3
  mov dr7, eax
%endmacro

CASE "p32/break-instruction"
  RESUME 1
  mov dword [resume_rf], 0x10000
  BREAKPOINT 0, %$here, 0x02
  nop
%$here:
  mov ebx, 1
END
CASE "p32/break-instruction-middle"
  BREAKPOINT 0, %$here + 1, 0x02
%$here:
  mov ebx, 1
END
CASE "p32/break-instruction-rf"
  BREAKPOINT 1, %$here, 0x08
  push dword 0x10002
  push dword KCODE
  push dword %$here
  iretd
%$here:
  mov ebx, 1
END
CASE "p32/break-disabled"
  BREAKPOINT 0, %$here, 0x00
%$here:
  mov ebx, 1
END
CASE "p32/break-data-write"
  RESUME 1
  BREAKPOINT 2, 0x190004, 0x0d000020
  mov [0x190004], eax
  mov ecx, [0x190004]
END
CASE "p32/break-data-write-not-read"
  BREAKPOINT 2, 0x190004, 0x0d000020
  mov ecx, [0x190004]
END
CASE "p32/break-data-read"
  RESUME 1
  BREAKPOINT 3, 0x190004, 0xf0000080
  mov ecx, [0x190004]
END
CASE "p32/break-data-overlap"
  RESUME 1
  BREAKPOINT 0, 0x190004, 0x000d0002
  mov [0x190002], eax
END
CASE "p32/break-data-beside"
  BREAKPOINT 0, 0x190004, 0x000d0002
  mov [0x190000], eax
  mov [0x190008], eax
END
CASE "p32/break-data-byte"
  RESUME 1
  BREAKPOINT 0, 0x190005, 0x00010002
  mov byte [0x190004], 1
  mov byte [0x190005], 1
END
CASE "p32/break-data-word-aligned"
  RESUME 1
  BREAKPOINT 0, 0x190006, 0x00050002
  mov byte [0x190007], 1
END
CASE "p32/break-data-rep-stos"
  RESUME 1
  BREAKPOINT 0, 0x190004, 0x000d0002
  mov edi, 0x190000
  mov ecx, 4
  rep stosd
END
CASE "p32/break-data-push"
  RESUME 1
  mov esp, 0x191000
  BREAKPOINT 0, 0x190ffc, 0x000d0002
  push eax
END
CASE "p32/break-two-at-once"
  RESUME 1
  mov eax, 0x190006
  mov dr1, eax
  BREAKPOINT 0, 0x190004, 0x00550000 | 0x0a
  mov [0x190004], eax
END
CASE "p32/break-data-and-step"
  RESUME 3
  BREAKPOINT 0, 0x190004, 0x000d0002
  push dword 0x102
  popfd
  mov [0x190004], eax
  push dword 2
  popfd
END
CASE "p32/break-io"
  RESUME 1
  mov eax, 8
  mov cr4, eax
  BREAKPOINT 0, 0x80, 0x00020002
  out 0x80, al
END
CASE "p32/dr7-gd"
  mov eax, 0x2000
  mov dr7, eax
  mov ebx, dr0
END
CASE "p32/dr7-gd-cleared-in-handler"
  RESUME 1
  mov eax, 0x2000
  mov dr7, eax
  mov ebx, dr7
END
CASE "p32/dr4-is-dr6"
  mov eax, 0
  mov dr6, eax
  db 0x0f, 0x21, 0xe3
END
CASE "p32/dr4-with-de"
  mov eax, 8
  mov cr4, eax
  db 0x0f, 0x21, 0xe3
END
CASE "p32/dr6-fixed-bits"
  xor eax, eax
  mov dr6, eax
  mov ebx, dr6
  mov eax, -1
  mov dr6, eax
  mov ecx, dr6
END
CASE "p32/dr7-fixed-bits"
  xor eax, eax
  mov dr7, eax
  mov ebx, dr7
  mov eax, 0xffffdfff
  and eax, 0xff
  mov dr7, eax
  mov ecx, dr7
END
