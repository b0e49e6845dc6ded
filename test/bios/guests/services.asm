; A disk whose boot sector reads the rest of itself with INT 13h AH=02h and prints what services answer.
bits 16
org 0x7c00
  jmp 0:boot
boot:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  mov [drive], dl
  mov ax, 0x0200 + SECTORS
  mov bx, second
  mov cx, 0x0002
  mov dh, 0
  int 0x13
  jc .failed
  jmp start
.failed:
  mov al, '!'
  out 0xe9, al
  hlt
drive: db 0
  times 510 - ($ - $$) db 0
  dw 0xaa55

second:
%include "print.asm"

; INT with all of the result that matters: "name ax bx cx dx es di flags"
%macro service 2
  int %1
  call print_carry
  push ax
  call print_word
  mov ax, bx
  call print_word
  mov ax, cx
  call print_word
  mov ax, dx
  call print_word
  pop ax
  say 10
%endmacro

start:
  sti
  say "equipment"
  int 0x11
  and ax, 0x00ff
  call print_word
  say 10, "memory"
  int 0x12
  call print_word

  say 10, "13/00"
  xor bx, bx
  xor cx, cx
  mov dx, 0x80
  mov ax, 0
  service 0x13, 0
  say "13/01"
  mov ah, 1
  service 0x13, 0
  say "13/08"
  mov ax, 0x0800
  service 0x13, 0
  say "13/08 no drive"
  mov ax, 0x0800
  mov bx, 0
  mov cx, 0
  mov dx, 0x84
  int 0x13
  call print_carry
  mov al, ah
  mov ah, 0
  call print_word
  say 10, "13/15"
  mov ax, 0x1500
  mov bx, 0
  mov cx, 0
  mov dx, 0x80
  service 0x13, 0
  say "13/41"
  mov ax, 0x4100
  mov bx, 0x55aa
  mov dx, 0x80
  int 0x13
  call print_carry
  show bx
  and cx, 5
  show cx
  say 10, "13/48"
  mov word [buffer], 0x1a
  mov ax, 0x4800
  mov dx, 0x80
  mov si, buffer
  int 0x13
  call print_carry
  mov ax, [buffer]
  call print_word
  mov ax, [buffer + 4]
  call print_word
  mov ax, [buffer + 8]
  call print_word
  mov ax, [buffer + 12]
  call print_word
  mov ax, [buffer + 16]
  call print_word
  mov ax, [buffer + 18]
  call print_word
  mov ax, [buffer + 24]
  call print_word
  say 10, "13/42 of the last sector but one"
  mov dx, 0x80
  mov ah, 0x42
  mov si, packet
  int 0x13
  call print_carry
  mov ax, [buffer + 2]
  call print_word
  mov ax, [packet + 2]
  call print_word
  say 10, "13/42 beyond the end"
  mov dword [packet + 8], 0x01000000
  mov dx, 0x80
  mov ah, 0x42
  mov si, packet
  int 0x13
  call print_carry
  say 10, "13/02 wrong sector"
  mov ax, 0x0201
  mov bx, buffer
  mov cx, 0x0000
  mov dx, 0x0080
  int 0x13
  call print_carry
  say 10, "13/03 and back"
  mov di, buffer
  mov cx, 256
  mov ax, 0x1234
  rep stosw
  mov ax, 0x0301
  mov bx, buffer
  mov cx, 0x0014
  mov dx, 0x0080
  int 0x13
  call print_carry
  mov word [buffer + 100], 0
  mov ax, 0x0201
  mov bx, buffer
  mov cx, 0x0014
  mov dx, 0x0080
  int 0x13
  call print_carry
  mov ax, [buffer + 100]
  call print_word

  say 10, "15/88"
  mov ax, 0x8800
  int 0x15
  call print_carry
  call print_word
  say 10, "15/e801"
  mov ax, 0xe801
  mov bx, 0
  mov cx, 0
  mov dx, 0
  int 0x15
  call print_carry
  call print_word
  show bx
  show cx
  show dx
  say 10, "15/c0"
  mov ah, 0xc0
  int 0x15
  call print_carry
  mov ax, [es:bx]
  call print_word
  mov al, [es:bx + 2]
  mov ah, 0
  call print_word
  push ds
  pop es
  say 10, "15/5300"
  mov ax, 0x5300
  mov bx, 0
  int 0x15
  say 10, "15/2402"
  mov ax, 0x2401
  int 0x15
  call print_carry
  mov ax, 0x2402
  int 0x15
  call print_carry
  call print_word
  say 10, "15/87"
  mov word [buffer + 300], 0x5a5a
  mov cx, 4
  mov si, descriptors
  mov ah, 0x87
  int 0x15
  call print_carry
  mov ax, [buffer + 304]
  call print_word
  say 10, "15/86"
  mov ax, 0x8600
  mov cx, 0
  mov dx, 20000
  int 0x15
  call print_carry

  say 10, "16/01 empty"
  mov ah, 1
  int 0x16
  jz .empty
  say " key"
.empty:
  say 10, "16/05 16/11 16/10"
  mov ax, 0x0500
  mov cx, 0x1e61
  int 0x16
  mov ah, 0x11
  int 0x16
  jz .nothing
  call print_word
.nothing:
  mov ah, 0x10
  int 0x16
  call print_word
  say 10, "16/02"
  mov ax, 0x0200
  int 0x16
  mov ah, 0
  call print_word

  say 10, "1a/02 1a/04"
  mov ah, 2
  int 0x1a
  call print_carry
  mov ax, cx
  mov al, 0
  call print_word
  mov ah, 4
  int 0x1a
  call print_carry
  show cx
  show dx
  say 10, "1a/b101"
  mov ax, 0xb101
  mov edi, 0
  int 0x1a
  call print_carry
  call print_word
  show bx
  show cx
  show dx
  say 10, "1a/b102 1a/b103 1a/b109"
  mov ax, 0xb102
  mov cx, 0x7000
  mov dx, 0x8086
  mov si, 0
  int 0x1a
  call print_carry
  show bx
  mov ax, 0xb103
  mov ecx, 0x030000
  mov si, 0
  int 0x1a
  call print_carry
  show bx
  mov ax, 0xb109
  mov di, 2
  int 0x1a
  call print_carry
  show cx
  mov ax, 0xb102
  mov cx, 0x1111
  mov dx, 0x2222
  mov si, 0
  int 0x1a
  call print_carry
  mov al, ah
  mov ah, 0
  call print_word

  say 10, "10/0f"
  mov ah, 0x0f
  int 0x10
  call print_word
  mov al, bh
  mov ah, 0
  call print_word
  say 10, "10/00 10/02 10/03"
  mov ax, 0x0003
  int 0x10
  mov ah, 2
  mov bh, 0
  mov dx, 0x0305
  int 0x10
  mov ah, 3
  mov bh, 0
  int 0x10
  show cx
  show dx
  say 10, "10/0e 10/08"
  mov ax, 0x0e00 + 'A'
  mov bx, 0x0007
  int 0x10
  mov ah, 3
  mov bh, 0
  int 0x10
  show dx
  mov ah, 2
  mov dx, 0x0305
  int 0x10
  mov ah, 8
  int 0x10
  call print_word
  say 10, "10/09 10/06 scrolled"
  mov ax, 0x0900 + 'x'
  mov bx, 0x001e
  mov cx, 3
  int 0x10
  mov ax, 0x0601
  mov bh, 0x70
  mov cx, 0x0000
  mov dx, 0x184f
  int 0x10
  mov ah, 2
  mov bh, 0
  mov dx, 0x0206
  int 0x10
  mov ah, 8
  int 0x10
  call print_word
  mov ah, 2
  mov dx, 0x1810
  int 0x10
  mov ah, 8
  int 0x10
  call print_word
  say 10, "10/0e wraps and scrolls"
  mov ah, 2
  mov dx, 0x184f
  int 0x10
  mov ax, 0x0e00 + 'B'
  int 0x10
  mov ah, 3
  int 0x10
  show dx
  mov ah, 2
  mov dx, 0x174f
  int 0x10
  mov ah, 8
  int 0x10
  call print_word
  say 10, "10/1a 10/12"
  mov ax, 0x1a00
  int 0x10
  call print_word
  show bx
  mov ax, 0x1200
  mov bx, 0x0010
  int 0x10
  show bx
  say 10, "10/1130"
  mov ax, 0x1130
  mov bx, 0x0600
  int 0x10
  show cx
  mov dh, 0
  show dx
  push ds
  pop es
  say 10, "10/13"
  mov ax, 0x1301
  mov bx, 0x000f
  mov cx, 3
  mov dx, 0x0500
  mov bp, text
  int 0x10
  mov ah, 3
  int 0x10
  show dx
  say 10, "10/00 13h 10/0c 10/0d"
  mov ax, 0x0013
  int 0x10
  mov ax, 0x0c2a
  mov bh, 0
  mov cx, 100
  mov dx, 50
  int 0x10
  mov ah, 0x0d
  int 0x10
  mov ah, 0
  call print_word
  mov ax, 0xa000
  mov es, ax
  mov al, [es:50 * 320 + 100]
  mov ah, 0
  call print_word
  say 10, "10/00 12h 10/0c 10/0d"
  mov ax, 0x0012
  int 0x10
  mov ax, 0x0c0b
  mov bh, 0
  mov cx, 333
  mov dx, 222
  int 0x10
  mov ah, 0x0d
  int 0x10
  mov ah, 0
  call print_word
  mov ax, 0x0003
  int 0x10

  say 10, "e820", 10
  push ds
  pop es
  xor ebx, ebx
.entry:
  mov eax, 0xe820
  mov edx, 0x534d4150
  mov ecx, 20
  mov di, buffer
  int 0x15
  jc .end
  mov cx, 10
  mov si, buffer
.word:
  lodsw
  call print_word
  loop .word
  say 10
  test ebx, ebx
  jnz .entry
.end:
  say "end", 10
  jmp finish

text: db "abc"
align 8
packet: dw 0x10, 1, buffer, 0
  dq 40
; 8 bytes from `buffer` + 300 to + 304: through a table of six descriptors
descriptors:
  times 16 db 0
  dw 0xffff
  dw buffer + 300
  db 0, 0x93, 0, 0
  dw 0xffff
  dw buffer + 304
  db 0, 0x93, 0, 0
  times 16 db 0

SECTORS equ ($ - second + 511) / 512
  times (41 * 512) - ($ - $$) db 0
buffer: equ 0xa000
