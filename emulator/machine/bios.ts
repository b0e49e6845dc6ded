/**
 * What is left of a BIOS when there is none: the interrupt vectors, handlers and addresses in segment F000 that software of 1981 and later relies on
 * (IBM PC AT Technical Reference, BIOS listing; the fixed addresses are those every PC BIOS keeps).
 *
 * Hardware interrupts are acknowledged and the timer counts at 0040:006C; exceptions and unused vectors return. A service (INT 10h, 13h …) does not exist
 * yet: its handler reports its number to SERVICE_PORT, where the machine stops and names it. The reset vector resets the machine.
 */
import type { PhysicalAddress } from "../numbers.ts";

/** A handler writes the number of its interrupt here; only code of this file uses the port. */
export const SERVICE_PORT = 0xb8;

/** Where segment F000 begins. */
export const BIOS_BASE = 0xf0000 as PhysicalAddress;
export const BIOS_BYTES = 0x10000;

const SEGMENT = 0xf000;
const IRET = 0xff53;
const TIMER = 0xfea5;
const KEYBOARD = 0xe987;
const FIRST_PIC = 0xef57;
const SECOND_PIC = 0xef70;
const CLOCK = 0xef80;
const RESET = 0xe05b;

/** Services by interrupt, at their traditional addresses. */
const SERVICES: readonly (readonly [vector: number, offset: number])[] = [
  [0x10, 0xf065],
  [0x11, 0xf84d],
  [0x12, 0xf841],
  [0x13, 0xe3fe],
  [0x14, 0xe739],
  [0x15, 0xf859],
  [0x16, 0xe82e],
  [0x17, 0xefd2],
  [0x18, 0xf600],
  [0x19, 0xe6f2],
  [0x1a, 0xfe6e],
  [0x40, 0xec59],
];

/** Machine code by offset in the segment, 16-bit. */
const CODE: readonly (readonly [offset: number, bytes: string])[] = [
  [IRET, "cf"],
  // push ax / push ds / xor ax,ax / mov ds,ax / inc dword [46ch] / int 1ch / mov al,20h / out 20h,al / pop ds / pop ax / iret
  [TIMER, "50 1e 31 c0 8e d8 66 ff 06 6c 04 cd 1c b0 20 e6 20 1f 58 cf"],
  // push ax / in al,60h / mov al,20h / out 20h,al / pop ax / iret
  [KEYBOARD, "50 e4 60 b0 20 e6 20 58 cf"],
  // push ax / mov al,20h / out 20h,al / pop ax / iret
  [FIRST_PIC, "50 b0 20 e6 20 58 cf"],
  // push ax / mov al,20h / out 0a0h,al / out 20h,al / pop ax / iret
  [SECOND_PIC, "50 b0 20 e6 a0 e6 20 58 cf"],
  // push ax / mov al,0ch / out 70h,al / in al,71h, then as above
  [CLOCK, "50 b0 0c e6 70 e4 71 b0 20 e6 a0 e6 20 58 cf"],
  // mov al,0feh / out 64h,al / hlt / jmp $-1
  [RESET, "b0 fe e6 64 f4 eb fd"],
  // jmp f000:e05b, the date, the model: an AT
  [0xfff0, "ea 5b e0 00 f0 30 31 2f 30 31 2f 32 36 00 fc 00"],
];

const parse = (bytes: string): Uint8Array =>
  Uint8Array.from(bytes.split(" "), (byte) => Number.parseInt(byte, 16));

/** The 64 KiB of segment F000. */
export function biosImage(): Uint8Array {
  const image = new Uint8Array(BIOS_BYTES);
  for (const [offset, bytes] of CODE) image.set(parse(bytes), offset);
  // push ax / mov al,vector / out SERVICE_PORT,al / pop ax / iret
  for (const [vector, offset] of SERVICES)
    image.set([0x50, 0xb0, vector, 0xe6, SERVICE_PORT, 0x58, 0xcf], offset);
  return image;
}

/** The 1 KiB of real-mode interrupt vectors at address 0. */
export function interruptVectors(): Uint8Array {
  const offsets = Array.from({ length: 256 }, (_, vector): number => {
    if (vector >= 0x60 && vector <= 0x66) return -1; // left to programs, empty
    if (vector >= 0x0a && vector <= 0x0f) return FIRST_PIC;
    if (vector >= 0x71 && vector <= 0x77) return SECOND_PIC;
    return IRET;
  });
  offsets[0x08] = TIMER;
  offsets[0x09] = KEYBOARD;
  offsets[0x70] = CLOCK;
  for (const [vector, offset] of SERVICES) offsets[vector] = offset;
  const table = new Uint8Array(1024);
  const view = new DataView(table.buffer);
  for (const [vector, offset] of offsets.entries()) {
    if (offset >= 0) view.setUint32(vector * 4, ((SEGMENT << 16) | offset) >>> 0, true);
  }
  return table;
}
