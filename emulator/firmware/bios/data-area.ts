/**
 * The BIOS data area (segment 0040): offsets of what services keep there (IBM PC AT and PS/2 Technical References), and its contents at hand-over.
 */
import type { DriveConfig } from "../../machine/types.ts";

/** The extended BIOS data area: the last KiB below 640 KiB. Conventional memory ends where it begins. */
export const EBDA = 0x9fc00;

/** Offsets from 0040:0000. Words unless said otherwise. */
export const BDA = {
  serialPorts: 0x00,
  printerPorts: 0x08,
  ebdaSegment: 0x0e,
  equipment: 0x10,
  memoryKib: 0x13,
  /** bytes: shift state, toggled keys */
  shift: 0x17,
  shift2: 0x18,
  /** byte: the number being typed with Alt and the keypad */
  altNumber: 0x19,
  keyHead: 0x1a,
  keyTail: 0x1c,
  /** byte */
  floppyStatus: 0x41,
  /** bytes: mode; words: columns, bytes of a page, start of the page shown */
  videoMode: 0x49,
  columns: 0x4a,
  pageBytes: 0x4c,
  pageStart: 0x4e,
  /** eight words: column, row */
  cursors: 0x50,
  cursorShape: 0x60,
  /** byte */
  page: 0x62,
  crtcPort: 0x63,
  /** bytes: CGA mode control and palette registers */
  modeControl: 0x65,
  cgaPalette: 0x66,
  /** dword: ticks of the timer since midnight; byte: midnight has passed */
  ticks: 0x6c,
  midnight: 0x70,
  /** byte, bit 7 */
  ctrlBreak: 0x71,
  resetFlag: 0x72,
  /** bytes */
  diskStatus: 0x74,
  disks: 0x75,
  printerTimeOut: 0x78,
  serialTimeOut: 0x7c,
  keyStart: 0x80,
  keyEnd: 0x82,
  /** bytes: rows − 1; word: height of a character in dots */
  rows: 0x84,
  characterHeight: 0x85,
  /** bytes */
  videoControl: 0x87,
  videoSwitches: 0x88,
  videoOptions: 0x89,
  displayCombination: 0x8a,
  /** bytes: keyboard mode and type, LEDs */
  keyMode: 0x96,
  keyLeds: 0x97,
  /** far pointer to the byte whose bit 7 is set when the wait is over; microseconds left; byte: 1 busy, 80h over */
  waitPointer: 0x98,
  waitCount: 0x9c,
  waitFlag: 0xa0,
  /** far pointer to the video save pointer table */
  videoSave: 0xa8,
} as const;

/** Offset, size, value. What is not listed is 0. */
const INITIAL: readonly (readonly [offset: number, size: 1 | 2, value: number])[] = [
  [BDA.serialPorts, 2, 0x3f8],
  [BDA.serialPorts + 2, 2, 0x2f8],
  [BDA.ebdaSegment, 2, EBDA >> 4],
  [BDA.memoryKib, 2, EBDA / 1024],
  [BDA.keyHead, 2, 0x1e],
  [BDA.keyTail, 2, 0x1e],
  [BDA.videoMode, 1, 3],
  [BDA.columns, 2, 80],
  [BDA.pageBytes, 2, 0x1000],
  [BDA.cursorShape, 2, 0x0607],
  [BDA.crtcPort, 2, 0x3d4],
  [BDA.serialTimeOut, 1, 10],
  [BDA.serialTimeOut + 1, 1, 10],
  [BDA.keyStart, 2, 0x1e],
  [BDA.keyEnd, 2, 0x3e],
  [BDA.rows, 1, 24],
  [BDA.characterHeight, 2, 16],
  [BDA.videoControl, 1, 0x60],
  [BDA.videoSwitches, 1, 0xf9],
  [BDA.videoOptions, 1, 0x51],
  [BDA.displayCombination, 1, 0x08],
  [BDA.keyMode, 1, 0x10], // an enhanced keyboard
];

/** Equipment: FPU, mouse, 80×25 colour, two serial ports; floppy drives are added. */
const EQUIPMENT = 0x0426;
const FLOPPY_PRESENT = 1;
const FLOPPIES_SHIFT = 6;

/** The 256 bytes at 0040:0000 for a PC with these drives. */
export function biosData(drives: readonly DriveConfig[]): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  for (const [offset, size, value] of INITIAL) {
    if (size === 1) view.setUint8(offset, value);
    else view.setUint16(offset, value, true);
  }
  const floppies = drives.filter(({ attach }) => attach === "floppy").length;
  const floppyBits = floppies === 0 ? 0 : FLOPPY_PRESENT | ((floppies - 1) << FLOPPIES_SHIFT);
  view.setUint16(BDA.equipment, EQUIPMENT | floppyBits, true);
  const disks = drives.filter(({ attach, media }) => attach !== "floppy" && media === "disk");
  view.setUint8(BDA.disks, disks.length);
  return bytes;
}
