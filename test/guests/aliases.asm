; One function at two linear addresses, and later another one at the second of them: for breakpoints at linear addresses.
; Identity mapping of 2 MiB; linear 2 MiB … 4 MiB is the same 2 MiB of memory at first, then that at 4 MiB.
; Ends with debug exit 0 after ROUNDS calls of each kind.
bits 32
org 0x100000
ROUNDS equ 3000
header:
  dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  dd header, header, image_end, image_end, start
start:
  mov esp, 0x90000
  mov edi, 0x1000
  xor eax, eax
  mov ecx, 0xc00
  rep stosd
  mov dword [0x1000], 0x2003
  mov dword [0x2000], 0x3003
  mov dword [0x3000], 0x83
  mov dword [0x3008], 0x83
  mov dword [0x3010], 0x400083
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, 0x1000
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  lgdt [gdt_pointer]
  jmp 8:long_mode
align 8
gdt: dq 0, 0x00209a0000000000, 0x0000920000000000
gdt_pointer:
  dw 23
  dd gdt
bits 64
long_mode:
  xor eax, eax
  mov ss, ax
  ; The same page at the third 2 MiB, where another function will be.
  mov rsi, 0x100000
  mov rdi, 0x500000
  mov ecx, (image_end - header + 7) / 8
  rep movsq
  xor ebx, ebx
  mov rdx, function
  mov ecx, ROUNDS
.identity:
  call rdx
  dec ecx
  jnz .identity
  test eax, 0x5a5a0001
  mov rdx, function + 0x200000
  mov ecx, ROUNDS
.alias:
  call rdx
  dec ecx
  jnz .alias
  test eax, 0x5a5a0002
  mov dword [0x3008], 0x400083
  invlpg [rdx]
  mov ecx, ROUNDS
.moved:
  call rdx
  dec ecx
  jnz .moved
  test eax, 0x5a5a0003
  mov al, 0
  out 0xf4, al
.halt:
  hlt
  jmp .halt
align 4096
function:
  add rbx, 1
  lea rax, [rbx + rbx * 2]
  xor rbx, rax
  and rbx, 0xffff
  ret
align 8
image_end:
