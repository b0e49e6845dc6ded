/**
 * Output over a serial port, polled.
 *
 * The same text assembles to the right code in all three widths: `lodsb` reads at si, esi or rsi.
 * Source: PC16550D data sheet, 8 "Registers".
 */
import type { Snippet } from "../snippet.ts";

const att = `\
    .set COM1, «1:0x3F8»

/* 115200 baud, 8 data bits, no parity, one stop bit. Changes al and dx. */
serial_init:
    movw $COM1 + 1, %dx                     # IER
    movb $0, %al                            # no interrupts
    outb %al, %dx
    movw $COM1 + 3, %dx                     # LCR
    movb $0x80, %al                         # the divisor comes next
    outb %al, %dx
    movw $COM1 + 0, %dx                     # DLL
    movb $1, %al                            # 115200 / 1
    outb %al, %dx
    movw $COM1 + 1, %dx                     # DLM
    movb $0, %al
    outb %al, %dx
    movw $COM1 + 3, %dx                     # LCR
    movb $0x03, %al                         # 8 bits, no parity, one stop bit
    outb %al, %dx
    movw $COM1 + 2, %dx                     # FCR
    movb $0xC7, %al                         # FIFOs on and empty
    outb %al, %dx
    movw $COM1 + 4, %dx                     # MCR
    movb $0x03, %al                         # DTR and RTS
    outb %al, %dx
    ret

/* Writes the character in al. Changes ah and dx. */
serial_putc:
    movb %al, %ah
    movw $COM1 + 5, %dx                     # LSR
1:
    inb %dx, %al
    testb $0x20, %al                        # room for the next character?
    jz 1b
    movb %ah, %al
    movw $COM1, %dx
    outb %al, %dx
    ret

/* Writes the string at si, esi or rsi, which ends with a zero byte.
   Changes ax, dx and the pointer. */
serial_puts:
    cld
1:
    lodsb
    testb %al, %al
    jz 2f
    call serial_putc
    jmp 1b
2:
    ret
«0»`;

const intel = `\
    .set COM1, «1:0x3F8»

/* 115200 baud, 8 data bits, no parity, one stop bit. Changes al and dx. */
serial_init:
    mov dx, COM1 + 1                        # IER
    mov al, 0                               # no interrupts
    out dx, al
    mov dx, COM1 + 3                        # LCR
    mov al, 0x80                            # the divisor comes next
    out dx, al
    mov dx, COM1 + 0                        # DLL
    mov al, 1                               # 115200 / 1
    out dx, al
    mov dx, COM1 + 1                        # DLM
    mov al, 0
    out dx, al
    mov dx, COM1 + 3                        # LCR
    mov al, 0x03                            # 8 bits, no parity, one stop bit
    out dx, al
    mov dx, COM1 + 2                        # FCR
    mov al, 0xC7                            # FIFOs on and empty
    out dx, al
    mov dx, COM1 + 4                        # MCR
    mov al, 0x03                            # DTR and RTS
    out dx, al
    ret

/* Writes the character in al. Changes ah and dx. */
serial_putc:
    mov ah, al
    mov dx, COM1 + 5                        # LSR
1:
    in al, dx
    test al, 0x20                           # room for the next character?
    jz 1b
    mov al, ah
    mov dx, COM1
    out dx, al
    ret

/* Writes the string at si, esi or rsi, which ends with a zero byte.
   Changes ax, dx and the pointer. */
serial_puts:
    cld
1:
    lodsb
    test al, al
    jz 2f
    call serial_putc
    jmp 1b
2:
    ret
«0»`;

const nasm = `\
COM1 equ «1:0x3F8»

; 115200 baud, 8 data bits, no parity, one stop bit. Changes al and dx.
serial_init:
    mov dx, COM1 + 1                        ; IER
    mov al, 0                               ; no interrupts
    out dx, al
    mov dx, COM1 + 3                        ; LCR
    mov al, 0x80                            ; the divisor comes next
    out dx, al
    mov dx, COM1 + 0                        ; DLL
    mov al, 1                               ; 115200 / 1
    out dx, al
    mov dx, COM1 + 1                        ; DLM
    mov al, 0
    out dx, al
    mov dx, COM1 + 3                        ; LCR
    mov al, 0x03                            ; 8 bits, no parity, one stop bit
    out dx, al
    mov dx, COM1 + 2                        ; FCR
    mov al, 0xC7                            ; FIFOs on and empty
    out dx, al
    mov dx, COM1 + 4                        ; MCR
    mov al, 0x03                            ; DTR and RTS
    out dx, al
    ret

; Writes the character in al. Changes ah and dx.
serial_putc:
    mov ah, al
    mov dx, COM1 + 5                        ; LSR
.wait:
    in al, dx
    test al, 0x20                           ; room for the next character?
    jz .wait
    mov al, ah
    mov dx, COM1
    out dx, al
    ret

; Writes the string at si, esi or rsi, which ends with a zero byte.
; Changes ax, dx and the pointer.
serial_puts:
    cld
.next:
    lodsb
    test al, al
    jz .done
    call serial_putc
    jmp .next
.done:
    ret
«0»`;

export const serial: readonly Snippet[] = [
  {
    name: "serial",
    title: "Serial output: init, putc, puts",
    description:
      "Three routines for the first serial port, polled: `serial_init`, `serial_putc` (character in `al`) and `serial_puts` (string at `si`, `esi` or `rsi`). They need a stack.",
    bits: [16, 32, 64],
    texts: { att, intel, nasm },
  },
];
