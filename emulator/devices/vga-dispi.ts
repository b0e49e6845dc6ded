/**
 * The Bochs display interface (VBE_DISPI, ids B0C0 … B0C5) as QEMU's "stdvga" has it: modes of any size and depth on a linear frame buffer.
 *
 *     0 id   1 width   2 height   3 bits per pixel   4 enable   5 bank   6, 7 virtual width and height   8, 9 x and y offset   10 memory / 64 KiB
 *     enable: 0 enabled, 1 reads give the limits, 5 DAC of 8 bits, 6 linear frame buffer, 7 memory is not cleared
 *
 * Invariant: while a mode is enabled its registers fit the memory: what software asks for beyond it is cut down, as in QEMU, and the VGA's own registers say the
 * same about the size. The linear frame buffer answers with or without bit 6. Elsewhere: ports and PCI registers (`vga.ts`, `pci/display.ts`).
 */
import { VGA_MEMORY_BYTES } from "./vga-memory.ts";
import {
  DISPI,
  DISPI_ENABLE,
  DISPI_REGISTERS,
  dispiEnabled,
  dispiLineBytes,
  type VgaState,
} from "./vga-state.ts";

const MAX_WIDTH = 16_000;
const MAX_HEIGHT = 12_000;
const MAX_BITS_PER_PIXEL = 32;
const UNIT_BYTES = 0x10000;
const DEPTHS: readonly number[] = [4, 8, 15, 16, 24, 32];
const IDS = { first: 0xb0c0, last: 0xb0c5 } as const;

export function readDispi({ dispi, dispiIndex }: VgaState): number {
  if (dispiIndex === DISPI.memory) return VGA_MEMORY_BYTES / UNIT_BYTES;
  if (dispiIndex >= DISPI_REGISTERS) return 0;
  if ((dispi[DISPI.enable]! & DISPI_ENABLE.capabilities) !== 0) {
    if (dispiIndex === DISPI.width) return MAX_WIDTH;
    if (dispiIndex === DISPI.height) return MAX_HEIGHT;
    if (dispiIndex === DISPI.bitsPerPixel) return MAX_BITS_PER_PIXEL;
  }
  return dispi[dispiIndex]!;
}

/** Writes the register that is chosen. Returns the number of bytes at the start of memory that are to be cleared. */
export function writeDispi(state: VgaState, value: number): number {
  const { dispi, dispiIndex } = state;
  switch (dispiIndex) {
    case DISPI.id:
      if (value >= IDS.first && value <= IDS.last) dispi[DISPI.id] = value;
      return 0;
    case DISPI.width:
    case DISPI.height:
    case DISPI.bitsPerPixel:
    case DISPI.virtualWidth:
    case DISPI.x:
    case DISPI.y:
      dispi[dispiIndex] = value;
      fit(state);
      return 0;
    case DISPI.bank:
      dispi[DISPI.bank] = value & (VGA_MEMORY_BYTES / UNIT_BYTES - 1);
      return 0;
    case DISPI.enable:
      return enable(state, value);
    default: // read only, or none
      return 0;
  }
}

function enable(state: VgaState, value: number): number {
  const { dispi } = state;
  const starts = (value & DISPI_ENABLE.enabled) !== 0 && !dispiEnabled(state);
  dispi[DISPI.enable] = value;
  if (!starts) {
    dispi[DISPI.bank] = 0;
    return 0;
  }
  dispi[DISPI.virtualWidth] = 0;
  dispi[DISPI.x] = 0;
  dispi[DISPI.y] = 0;
  fit(state);
  return (value & DISPI_ENABLE.keep) !== 0 ? 0 : dispi[DISPI.height]! * dispiLineBytes(state);
}

/** Cuts the registers to what is possible, and tells the VGA's own. */
function fit(state: VgaState): void {
  if (!dispiEnabled(state)) return;
  const { dispi } = state;
  const within = (value: number, least: number, most: number): number =>
    Math.min(Math.max(value, least), most);
  if (!DEPTHS.includes(dispi[DISPI.bitsPerPixel]!)) dispi[DISPI.bitsPerPixel] = 8;
  const width = within(dispi[DISPI.width]! & ~7, 8, MAX_WIDTH);
  dispi[DISPI.width] = width;
  dispi[DISPI.virtualWidth] = within(dispi[DISPI.virtualWidth]! & ~7, width, MAX_WIDTH);
  const line = dispiLineBytes(state);
  const lines = Math.floor(VGA_MEMORY_BYTES / line);
  const height = Math.min(within(dispi[DISPI.height]!, 1, MAX_HEIGHT), lines);
  dispi[DISPI.height] = height;
  dispi[DISPI.virtualHeight] = lines;
  dispi[DISPI.x] = Math.min(dispi[DISPI.x]!, MAX_WIDTH);
  dispi[DISPI.y] = Math.min(dispi[DISPI.y]!, MAX_HEIGHT);
  const isBeyond = (): boolean => dispiStart(state) + height * line > VGA_MEMORY_BYTES;
  if (isBeyond()) dispi[DISPI.y] = 0;
  if (isBeyond()) dispi[DISPI.x] = 0;
  tellRegisters(state);
}

/** Byte of memory at which the picture of a DISPI mode starts. */
export function dispiStart(state: VgaState): number {
  const { dispi } = state;
  const bits = dispi[DISPI.bitsPerPixel] === 15 ? 16 : dispi[DISPI.bitsPerPixel]!;
  return ((dispi[DISPI.x]! * bits) >> 3) + dispi[DISPI.y]! * dispiLineBytes(state);
}

/** Graphics mode, 64 KiB at 0xa0000, no CGA addressing, the size; nothing doubled, no split. */
function tellRegisters(state: VgaState): void {
  const { crtc, graphics, dispi } = state;
  graphics[6] = (graphics[6]! & ~0x0c) | 0x05;
  crtc[0x17]! |= 3;
  crtc[0x13] = dispiLineBytes(state) >> 3;
  crtc[1] = (dispi[DISPI.width]! >> 3) - 1;
  const last = dispi[DISPI.height]! - 1;
  crtc[0x12] = last;
  crtc[7] = (crtc[7]! & ~0x42) | ((last >> 7) & 0x02) | ((last >> 3) & 0x40) | 0x10;
  crtc[0x18] = 0xff;
  crtc[9] = (crtc[9]! & ~0x9f) | 0x40;
  const shift = dispi[DISPI.bitsPerPixel] === 4 ? 0 : 2;
  graphics[5] = (graphics[5]! & ~0x60) | (shift << 5);
}
