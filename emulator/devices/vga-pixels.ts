/**
 * A VGA's graphics screen: memory to pixels, in the formats of the VGA (four planes, CGA's two bits, a byte a pixel) and of DISPI (8 to 32 bits).
 *
 * Sizes are those of the scan-out: mode 13h is 640 × 400 pixels, each of its own shown as 2 × 2, as in QEMU's `screendump`. A pixel of the result is
 * red in the low byte, then green, blue, alpha. Not modelled: fine panning (attribute 0x13, CRTC 8), overscan.
 */
import { dispiStart } from "./vga-dispi.ts";
import { PLANES_BYTES, type VgaMemory } from "./vga-memory.ts";
import {
  DISPI,
  dispiEnabled,
  dispiLineBytes,
  isLinear,
  lineCompare,
  palette16,
  palette256,
  shownLines,
  startAddress,
  type VgaState,
} from "./vga-state.ts";

export interface GraphicsSize {
  readonly width: number;
  readonly height: number;
}
export type Put = (y: number, line: Uint32Array) => void;

export function graphicsSize(state: VgaState): GraphicsSize {
  const { dispi, crtc, sequencer } = state;
  if (dispiEnabled(state)) return { width: dispi[DISPI.width]!, height: dispi[DISPI.height]! };
  // A byte a pixel: two character clocks of four pixels each are shown as eight; a halved dot clock doubles what is left.
  const isHalved = (sequencer[1]! & 8) !== 0 && shiftMode(state) < 2;
  return { width: (crtc[1]! + 1) * 8 * (isHalved ? 2 : 1), height: shownLines(state) };
}

/** 0: a bit from each of four planes; 1: CGA's two bits; 2 and 3: a byte. */
const shiftMode = ({ graphics }: VgaState): number => (graphics[5]! >> 5) & 3;

/** Where in memory a linear picture is: its first byte, and bytes of a line. Null in the VGA's own modes. */
export function linearLayout(state: VgaState): { readonly start: number; readonly lineBytes: number } | null {
  return isLinear(state) ? { start: dispiStart(state), lineBytes: dispiLineBytes(state) } : null;
}

/** Draws lines [first, last) of a linear picture. */
export function drawLinear(state: VgaState, memory: VgaMemory, first: number, last: number, put: Put): void {
  const { dispi } = state;
  const width = dispi[DISPI.width]!;
  const bits = dispi[DISPI.bitsPerPixel]!;
  const pixelBytes = bits === 15 ? 2 : bits >> 3;
  const { start, lineBytes } = linearLayout(state)!;
  const line = new Uint32Array(width);
  const colours = palette256(state);
  for (let y = first; y < last; y++) {
    const bytes = memory.bytes(start + y * lineBytes, width * pixelBytes);
    if (state.bigEndian) reversePixels(bytes, pixelBytes);
    expand(bits, bytes, line, colours);
    put(y, line);
  }
}

/** Bytes of each pixel in the other order. */
function reversePixels(bytes: Uint8Array, pixelBytes: number): void {
  for (let at = 0; at < bytes.length; at += pixelBytes) bytes.subarray(at, at + pixelBytes).reverse();
}

function expand(bits: number, bytes: Uint8Array, line: Uint32Array, colours: Uint32Array): void {
  const { length } = line;
  if (bits === 8) {
    for (let x = 0; x < length; x++) line[x] = colours[bytes[x]!]!;
  } else if (bits === 24) {
    for (let x = 0, at = 0; x < length; x++, at += 3)
      line[x] = 0xff000000 | bytes[at + 2]! | (bytes[at + 1]! << 8) | (bytes[at]! << 16);
  } else if (bits === 32) {
    const words = new Uint32Array(bytes.buffer, 0, length);
    for (let x = 0; x < length; x++) {
      const word = words[x]!;
      line[x] = 0xff000000 | ((word >> 16) & 0xff) | (word & 0xff00) | ((word & 0xff) << 16);
    }
  } else {
    const words = new Uint16Array(bytes.buffer, 0, length);
    const greenBits = bits === 15 ? 5 : 6;
    // High bits are repeated below, so that full intensity is full.
    const five = (value: number): number => (value << 3) | (value >> 2);
    const green = greenBits === 5 ? five : (value: number): number => (value << 2) | (value >> 4);
    const greenMask = (1 << greenBits) - 1;
    for (let x = 0; x < length; x++) {
      const word = words[x]!;
      const red = five((word >> (5 + greenBits)) & 0x1f);
      line[x] = 0xff000000 | red | (green((word >> 5) & greenMask) << 8) | (five(word & 0x1f) << 16);
    }
  }
}

/** Draws a picture of the VGA's own modes, or of a DISPI mode of 4 bits, whole. */
export function drawPlanar(state: VgaState, memory: VgaMemory, put: Put): void {
  const { crtc } = state;
  const { width, height } = graphicsSize(state);
  const isDispi = dispiEnabled(state);
  const lineBytes = isDispi ? dispiLineBytes(state) : crtc[0x13]! << 3;
  const split = isDispi ? Infinity : lineCompare(state);
  const start = isDispi ? dispiStart(state) : startAddress(state) * 4;
  // The VGA's own counters see 256 KiB and go round; a DISPI picture lies within memory.
  const bytes = isDispi ? memory.bytes(0, start + lineBytes * height) : memory.bytes(0, PLANES_BYTES);
  const mode = crtc[0x17]!;
  const isCga = (mode & 1) === 0;
  const doubles = crtc[9]! >> 7;
  const repeats = isCga ? doubles : (((crtc[9]! & 0x1f) + 1) << doubles) - 1;
  const interleaved = (mode & 3) ^ 3;
  const line = new Uint32Array(width);
  const draw = lineDrawer(state, bytes, line);

  let row = 0;
  let from = start;
  let left = repeats;
  let isStale = true;
  for (let y = 0; y < height; y++) {
    if (isStale) draw(cgaAddress(mode, from, row));
    put(y, line);
    isStale = left === 0 || y === split;
    if (left > 0) left--;
    else {
      if ((row & interleaved) === interleaved) from += lineBytes;
      row++;
      left = repeats;
    }
    if (y === split) from = 0;
  }
}

/** As in a CGA, the row within a character replaces address bit 13 (CRTC 0x17 bit 0 clear), and as in a Hercules, bit 14. In bytes of four planes. */
function cgaAddress(mode: number, address: number, row: number): number {
  let at = address;
  if ((mode & 1) === 0) {
    const shift = 14 + ((mode >> 6) & 1);
    at = (at & ~(1 << shift)) | ((row & 1) << shift);
  }
  if ((mode & 2) === 0) at = (at & ~0x8000) | ((row & 2) << 14);
  return at;
}

/** Draws into `line` from a byte of `bytes` on, which goes round at its end. */
function lineDrawer(state: VgaState, bytes: Uint8Array, line: Uint32Array): (from: number) => void {
  const shift = shiftMode(state);
  const isHalved = (state.sequencer[1]! & 8) !== 0 && !dispiEnabled(state);
  if (shift >= 2) {
    const colours = palette256(state);
    return (from) => {
      for (let x = 0; x < line.length; x += 2)
        line[x] = line[x + 1] = colours[bytes[(from + (x >> 1)) % bytes.length]!]!;
    };
  }
  const colours = palette16(state);
  const enabled = state.attribute[0x12]!;
  const scale = isHalved ? 2 : 1;
  const { length } = bytes;
  const masks = [0, 1, 2, 3].map((plane) => ((enabled >> plane) & 1) * 0xff);
  const [m0, m1, m2, m3] = masks as [number, number, number, number];
  return (from) => {
    let x = 0;
    for (let at = from % length; x < line.length; at = (at + 4) % length) {
      const p0 = bytes[at]! & m0;
      const p1 = bytes[at + 1]! & m1;
      const p2 = bytes[at + 2]! & m2;
      const p3 = bytes[at + 3]! & m3;
      for (let dot = 0; dot < 8; dot++) {
        const bit = shift === 0 ? 7 - dot : 6 - 2 * (dot & 3);
        // Shift mode 1: four dots of two bits from planes 0 and 2, then four from 1 and 3.
        const index =
          shift === 0
            ? ((p0 >> bit) & 1) |
              (((p1 >> bit) & 1) << 1) |
              (((p2 >> bit) & 1) << 2) |
              (((p3 >> bit) & 1) << 3)
            : (((dot < 4 ? p0 : p1) >> bit) & 3) | ((((dot < 4 ? p2 : p3) >> bit) & 3) << 2);
        const colour = colours[index]!;
        for (let copy = 0; copy < scale; copy++) line[x++] = colour;
      }
    }
  };
}
