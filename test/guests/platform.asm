; Prints the state in which firmware leaves the platform, one line a device: its registers as far as they can be read, and low memory.
%include "print.asm"

entry:
  cli
  mov esp, 0x90000
  say "pic"
  in al, 0x21
  call print_byte
  in al, 0xa1
  call print_byte
  mov al, 0x0a
  out 0x20, al
  in al, 0x20
  call print_byte
  mov al, 0x0b
  out 0x20, al
  in al, 0x20
  call print_byte
  mov al, 0x0a
  out 0xa0, al
  in al, 0xa0
  call print_byte
  mov al, 0x0b
  out 0xa0, al
  in al, 0xa0
  call print_byte
  mov dx, 0x4d0
  in al, dx
  call print_byte
  inc dx
  in al, dx
  call print_byte
  call new_line
  say "pit"
  mov al, 0xe2
  out 0x43, al
  in al, 0x40
  call print_byte
  mov al, 0xe4
  out 0x43, al
  in al, 0x41
  call print_byte
  mov al, 0xe8
  out 0x43, al
  in al, 0x42
  call print_byte
  mov al, 0xd2
  out 0x43,al
  in al,0x40
  call print_byte
  in al,0x40
  call print_byte
  call new_line
  say "ports"
  in al, 0x61
  call print_byte
  in al, 0x61
  call print_byte
  in al, 0x92
  call print_byte
  in al, 0x64
  call print_byte
  in al, 0x60
  call print_byte
  call new_line
  say "i8042"
  mov al, 0x20
  out 0x64, al
.w:
  in al,0x64
  test al,1
  jz .w
  in al,0x60
  call print_byte
  mov al, 0xd0
  out 0x64, al
.w2:
  in al,0x64
  test al,1
  jz .w2
  in al,0x60
  call print_byte
  call new_line
  say "pm1"
  mov dx, 0x600
  in ax, dx
  call print_word
  mov dx, 0x602
  in ax, dx
  call print_word
  mov dx, 0x604
  in ax, dx
  call print_word
  call new_line
  say "uart1"
  mov edi, 0x3f8
  call uart
  call new_line
  say "uart2"
  mov edi, 0x2f8
  call uart
  call new_line
  say "misc"
  mov dx, 0x3cc
  in al, dx
  call print_byte
  mov dx, 0x3ca
  in al, dx
  call print_byte
  mov dx, 0x3c2
  in al, dx
  call print_byte
  call new_line
  say "seq"
  mov edi, 0x3c4
  mov ecx, 8
  call indexed
  call new_line
  say "crtc"
  mov edi, 0x3d4
  mov ecx, 0x20
  call indexed
  call new_line
  say "gfx"
  mov edi, 0x3ce
  mov ecx, 0x10
  call indexed
  call new_line
  say "attr"
  xor ecx, ecx
.a:
  mov dx, 0x3da
  in al, dx
  mov dx, 0x3c0
  mov al, cl
  out dx, al
  inc dx
  in al, dx
  call print_byte
  inc ecx
  cmp ecx, 0x18
  jb .a
  mov dx, 0x3da
  in al, dx
  mov dx, 0x3c0
  mov al, 0x20
  out dx, al
  call new_line
  say "palette"
  mov dx, 0x3c6
  in al, dx
  call print_byte
  inc dx
  in al, dx
  call print_byte
  inc dx
  in al, dx
  call print_byte
  call new_line
  say "dac"
  mov dx, 0x3c7
  xor al,al
  out dx, al
  mov ecx, 768
.d:
  mov dx, 0x3c9
  in al, dx
  call print_byte
  loop .d
  call new_line
  say "cmos"
  xor ecx,ecx
.c:
  mov al, cl
  out 0x70, al
  in al, 0x71
  call print_byte
  inc ecx
  cmp ecx, 128
  jb .c
  call new_line
  say "low"
  xor ebp,ebp
.l:
  mov al, [ebp]
  call print_byte
  inc ebp
  cmp ebp, 0x600
  jb .l
  call new_line
  say "ebda"
  movzx ebp, word [0x40e]
  shl ebp, 4
  mov ecx, 0x400
  call print_bytes
  call new_line
  mov dx, 0xf4
  xor eax, eax
  out dx, eax
  hlt

print_bytes:
  mov al, [ebp]
  call print_byte
  inc ebp
  loop print_bytes
  ret

uart:
  mov edx, edi
  mov ecx, 7
  inc edx
.u:
  in al, dx
  call print_byte
  inc edx
  loop .u
  lea edx,[edi+3]
  in al, dx
  push eax
  or al, 0x80
  out dx, al
  mov edx, edi
  in al, dx
  call print_byte
  inc edx
  in al, dx
  call print_byte
  pop eax
  lea edx,[edi+3]
  out dx, al
  ret
indexed:
  xor ebx, ebx
.i:
  mov edx, edi
  mov al, bl
  out dx, al
  inc edx
  in al, dx
  call print_byte
  inc ebx
  cmp ebx, ecx
  jb .i
  ret
