/**
 * Segment F000 of the built-in BIOS: interrupt handlers at the addresses that every PC BIOS keeps (IBM PC AT Technical Reference, BIOS listing), and the
 * tables that software looks up there.
 *
 * A handler is a stub: it writes to SERVICE_PORT, and before the next instruction the service that belongs to the stub's address has run on the
 * processor's registers and on memory (`bios.ts`). So registers pass through untouched, and a debugger sees a service as one instruction.
 *
 *     +0  out SERVICE_PORT, al      the service runs; to give its results, it falls through:
 *     +2  iret
 *     +3  sti / hlt / jmp +0        "not yet": waits for an interrupt, then asks again
 *     +7  push cx / mov cx, 2000 / loop $ / pop cx / jmp +0        "not yet": for what no interrupt announces
 *
 * Elsewhere: what lies in the segment below E000 (tables of `firmware/`), fonts and video tables (segment C000, `font.ts`).
 */
import type { PhysicalAddress } from "../../numbers.ts";
import { FONT_OFFSET, glyphs, SMALL_FONT, VIDEO_ROM_SEGMENT } from "./font.ts";

/** A stub writes here; the value does not matter. */
export const SERVICE_PORT = 0xb8;

/** Where segment F000 begins. */
export const BIOS_BASE = 0xf0000 as PhysicalAddress;
export const BIOS_BYTES = 0x10000;

export const BIOS_SEGMENT = 0xf000;

/** Offsets in the segment of code that services continue at. */
export const CODE = {
  /** Resets the machine: what a jump to F000:FFF0 leads to once the machine has started. */
  reset: 0xe05b,
  /** Where the processor starts. */
  post: 0xe080,
  halt: 0xe088,
  /** Waits for the event of INT 15h AH=86h. */
  eventWait: 0xe090,
  /** The keyboard interrupt's ways out: Ctrl+Break, Print Screen, SysRq. */
  keyboardBreak: 0xe0a0,
  keyboardPrint: 0xe0a8,
  keyboardRequest: 0xe0b0,
  /** The clock's: an alarm. */
  clockAlarm: 0xe0c0,
  mouse: 0xe0d0,
  /** Returned to by a program's mouse handler. */
  mouseReturn: 0xe0e8,
  mouseWait: 0xe0f0,
  keyboard: 0xe987,
  boot: 0xe100,
  serial: 0xe739,
} as const;

/** Hardware interrupts and what is only acknowledged. */
const IRET = 0xff53;
const TIMER = 0xfea5;
const FIRST_PIC = 0xef57;
const SECOND_PIC = 0xef70;
const CLOCK = 0xef80;
const KEYBOARD_END = CODE.keyboard + 12;
const CLOCK_END = CLOCK + 3;
const MOUSE_END = CODE.mouse + 8;

export const SERVICES = [
  "post",
  "boot",
  "eventWait",
  "timer",
  "key",
  "clockInterrupt",
  "mouseByte",
  "mouseReply",
  "int10",
  "int11",
  "int12",
  "int13",
  "int14",
  "int15",
  "int16",
  "int17",
  "int18",
  "int1a",
] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Stubs of the form drawn above. */
const STUBS: readonly (readonly [service: ServiceName, offset: number, vectors: readonly number[]])[] = [
  ["int10", 0xf065, [0x10, 0x42]],
  ["int11", 0xf820, [0x11]],
  ["int12", 0xf830, [0x12]],
  ["int13", 0xe3fe, [0x13]],
  ["int14", CODE.serial, [0x14]],
  ["int15", 0xf859, [0x15]],
  ["int16", 0xe82e, [0x16]],
  ["int17", 0xefd2, [0x17]],
  ["int18", 0xf600, [0x18]],
  ["int1a", 0xfe6e, [0x1a]],
  ["int13", 0xec59, [0x40]],
];

/** Other machine code, 16-bit; "S" stands for `out SERVICE_PORT, al`. */
const TEXT: readonly (readonly [offset: number, bytes: string, service?: ServiceName])[] = [
  [IRET, "cf"],
  // mov al,0feh / out 64h,al / hlt / jmp $-1
  [CODE.reset, "b0 fe e6 64 f4 eb fd"],
  // cli / cld / S / int 19h / (no return)
  [CODE.post, "fa fc S cd 19", "post"],
  // cli / hlt / jmp $-2
  [CODE.halt, "fa f4 eb fc"],
  // sti / hlt / S / iret
  [CODE.eventWait, "fb f4 S cf", "eventWait"],
  // S / (on failure) cli / hlt / jmp $-2
  [CODE.boot, "S fa f4 eb fc", "boot"],
  // jmp boot
  [0xe6f2, `e9 ${word(CODE.boot - 0xe6f5)}`],
  // jmp to the stubs of INT 11h and 12h: at the traditional addresses there is no room for more
  [0xf84d, `e9 ${word(0xf820 - 0xf850)}`],
  [0xf841, `e9 ${word(0xf830 - 0xf844)}`],
  // S / int 1ch / push ax / mov al,20h / out 20h,al / pop ax / iret
  [TIMER, "S cd 1c 50 b0 20 e6 20 58 cf", "timer"],
  // push ax / in al,60h / mov ah,4fh / stc / int 15h / jnc end / S / end: mov al,20h / out 20h,al / pop ax / iret
  [CODE.keyboard, "50 e4 60 b4 4f f9 cd 15 73 02 S b0 20 e6 20 58 cf", "key"],
  // int 1bh / jmp keyboard end
  [CODE.keyboardBreak, `cd 1b e9 ${word(KEYBOARD_END - (CODE.keyboardBreak + 5))}`],
  // mov al,20h / out 20h,al / int 5 / pop ax / iret
  [CODE.keyboardPrint, "b0 20 e6 20 cd 05 58 cf"],
  // mov al,20h / out 20h,al / (AX is set) int 15h / pop ax / iret
  [CODE.keyboardRequest, "50 b0 20 e6 20 58 cd 15 58 cf"],
  // push ax / mov al,20h / out 20h,al / pop ax / iret
  [FIRST_PIC, "50 b0 20 e6 20 58 cf"],
  // push ax / mov al,20h / out 0a0h,al / out 20h,al / pop ax / iret
  [SECOND_PIC, "50 b0 20 e6 a0 e6 20 58 cf"],
  // push ax / S / end: mov al,20h / out 0a0h,al / out 20h,al / pop ax / iret
  [CLOCK, "50 S b0 20 e6 a0 e6 20 58 cf", "clockInterrupt"],
  // int 4ah / jmp clock end
  [CODE.clockAlarm, `cd 4a e9 ${word(CLOCK_END - (CODE.clockAlarm + 5))}`],
  // pushad / push ds / push es / in al,60h / S / end: mov al,20h / out 0a0h,al / out 20h,al / pop es / pop ds / popad / iret
  [CODE.mouse, "66 60 1e 06 e4 60 S b0 20 e6 a0 e6 20 07 1f 66 61 cf", "mouseByte"],
  // add sp,8 / jmp mouse end
  [CODE.mouseReturn, `83 c4 08 e9 ${word(MOUSE_END - (CODE.mouseReturn + 6))}`],
  // in al,64h / test al,1 / jz $-4 / in al,60h / S / iret
  [CODE.mouseWait, "e4 64 a8 01 74 fa e4 60 S cf", "mouseReply"],
];

/** Vectors of hardware interrupts, and of those whose handlers are not stubs. */
const VECTORS: readonly (readonly [vector: number, offset: number])[] = [
  [0x08, TIMER],
  [0x09, CODE.keyboard],
  [0x19, 0xe6f2],
  [0x70, CLOCK],
  [0x74, CODE.mouse],
];

/** INT 15h AH=C0h: 8 bytes follow; an AT (model FCh); second PIC, RTC, keyboard intercept; INT 15h C1h and extended BIOS data area. */
export const CONFIGURATION_TABLE = 0xe6f5;
/** INT 1Eh: parameters of a 1.44 MB diskette. */
export const DISKETTE_TABLE = 0xefc7;

const TABLES: readonly (readonly [offset: number, bytes: string])[] = [
  [CONFIGURATION_TABLE, "08 00 fc 00 01 74 40 00 00 00"],
  // baud rate divisors: 110, 150, 300, 600, 1200, 2400, 4800, 9600
  [0xe729, "17 04 00 03 80 01 c0 00 60 00 30 00 18 00 0c 00"],
  [DISKETTE_TABLE, "af 02 25 02 12 1b ff 6c f6 0f 08"],
  // the date, the model: an AT
  [0xfff5, "30 31 2f 30 31 2f 32 36 00 fc 00"],
];

function byte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, "0");
}
function word(value: number): string {
  return `${byte(value)} ${byte(value >> 8)}`;
}
const parse = (bytes: string): number[] =>
  bytes.split(" ").flatMap((each) => (each === "S" ? [0xe6, SERVICE_PORT] : [Number.parseInt(each, 16)]));

/** What runs when the instruction after an OUT to SERVICE_PORT has this offset. */
const serviceAt = new Map<number, ServiceName>();
for (const [service, offset] of STUBS) serviceAt.set(offset + 2, service);
for (const [offset, bytes, service] of TEXT) {
  if (service === undefined) continue;
  const at = bytes.split(" ").indexOf("S");
  serviceAt.set(offset + at + 2, service);
}

/** The service whose stub ends its OUT at this offset, null if that is not one of ours. */
export const serviceEndingAt = (offset: number): ServiceName | null => serviceAt.get(offset) ?? null;

/** The two ways in which a stub waits, from the offset behind its OUT. */
export const waitForInterrupt = (offset: number): number => offset + 1;
export const waitAWhile = (offset: number): number => offset + 5;

/**
 * The 64 KiB of segment F000. `start`: as the processor finds it at the reset vector, with the way into the boot; else as programs find it, where the
 * same address resets the machine.
 */
export function biosImage(start: boolean): Uint8Array {
  const image = new Uint8Array(BIOS_BYTES);
  for (const [, offset] of STUBS) {
    image.set(parse("S cf fb f4 eb f9"), offset);
    image.set(parse(`51 b9 d0 07 e2 fe 59 eb ${byte(-16)}`), offset + 7);
  }
  for (const [offset, bytes] of [...TEXT, ...TABLES]) image.set(parse(bytes), offset);
  image.set(glyphs(8).subarray(0, 0x400), SMALL_FONT);
  image.set(parse(`ea ${word(start ? CODE.post : CODE.reset)} ${word(BIOS_SEGMENT)}`), 0xfff0);
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
  for (const [, offset, vectors] of STUBS) for (const vector of vectors) offsets[vector] = offset;
  for (const [vector, offset] of VECTORS) offsets[vector] = offset;
  offsets[0x1e] = DISKETTE_TABLE;
  const table = new Uint8Array(1024);
  const view = new DataView(table.buffer);
  for (const [vector, offset] of offsets.entries()) {
    if (offset >= 0) view.setUint32(vector * 4, ((BIOS_SEGMENT << 16) | offset) >>> 0, true);
  }
  // The upper half of the small font, and the font of graphics modes.
  view.setUint32(0x1f * 4, ((VIDEO_ROM_SEGMENT << 16) | (FONT_OFFSET[8] + 0x400)) >>> 0, true);
  view.setUint32(0x43 * 4, ((VIDEO_ROM_SEGMENT << 16) | FONT_OFFSET[16]) >>> 0, true);
  return table;
}
