; A boot sector that says hello by INT 10h and reads another sector by C/H/S (floppy) or by number (hard disk). It echoes keys until Escape.
bits 16
org 0x7c00
start:
  cli
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  sti
  mov [drive], dl
  mov si, hello
  call say
  test dl, 0x80
  jnz .extended
  mov ax, 0x0201
  mov bx, 0x8000
  mov cx, 0x0103        ; cylinder 1, sector 3
  mov dh, 1
  int 0x13
  jmp .read
.extended:
  mov ah, 0x42
  mov si, packet
  int 0x13
.read:
  jc failed
  mov si, 0x8000
  call say
keys:
  mov ah, 0
  int 0x16
  cmp al, 27
  je leave
  mov ah, 0x0e
  mov bx, 7
  int 0x10
  jmp keys
leave:
  mov al, [drive]
  mov dx, 0xf4
  out dx, al
failed:
  mov si, broken
  call say
  cli
  hlt

say:
  lodsb
  test al, al
  jz .done
  mov ah, 0x0e
  mov bx, 7
  int 0x10
  jmp say
.done:
  ret

hello: db "Hello from a boot sector", 13, 10, 0
broken: db "broken", 0
drive: db 0
align 4
packet: dw 0x10, 1, 0x8000, 0
  dq 56
  times 510 - ($ - $$) db 0
  dw 0xaa55
; sector 56 by number, and cylinder 1, head 1, sector 3 of a 1.44 MB floppy (2 heads, 18 sectors)
  times 56 * 512 - ($ - $$) db 0
  db "sector 56", 13, 10, 0
