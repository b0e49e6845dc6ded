/**
 * The video modes of a VGA BIOS: register values by mode number (IBM VGA Technical Reference, "Video modes"; the values are those that any VGA needs for these
 * timings), their palettes, and INT 10h AH=00h.
 */
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";

export interface VideoMode {
  readonly kind: "text" | "cga" | "planar" | "bytes";
  readonly columns: number;
  readonly rows: number;
  readonly characterHeight: 8 | 14 | 16;
  /** Segment of the memory window, and bytes of a page. */
  readonly segment: number;
  readonly pageBytes: number;
  readonly palette: "ega" | "cga" | "mono" | "256";
  readonly misc: number;
  /** Registers 1 …, 0 … and so on, of sequencer, CRTC, attribute and graphics controller. */
  readonly sequencer: string;
  readonly crtc: string;
  readonly attribute: string;
  readonly graphics: string;
}

const EGA_ATTRIBUTES = "00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f";
const CGA_ATTRIBUTES = "00 01 02 03 04 05 06 07 10 11 12 13 14 15 16 17";
const TEXT_GRAPHICS = "00 00 00 00 00 10 0e 0f ff";
const PLANAR_GRAPHICS = "00 00 00 00 00 00 05 0f ff";

const text40: VideoMode = {
  kind: "text", columns: 40, rows: 25, characterHeight: 16, segment: 0xb800, pageBytes: 0x800, palette: "ega", misc: 0x67,
  sequencer: "08 03 00 02",
  crtc: "2d 27 28 90 2b a0 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 14 1f 96 b9 a3 ff",
  attribute: `${EGA_ATTRIBUTES} 0c 00 0f 08`, graphics: TEXT_GRAPHICS,
}; // oxfmt-ignore
const text80: VideoMode = {
  ...text40, columns: 80, pageBytes: 0x1000,
  sequencer: "00 03 00 02",
  crtc: "5f 4f 50 82 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 28 1f 96 b9 a3 ff",
}; // oxfmt-ignore
const cga320: VideoMode = {
  kind: "cga", columns: 40, rows: 25, characterHeight: 8, segment: 0xb800, pageBytes: 0x4000, palette: "cga", misc: 0x63,
  sequencer: "09 03 00 02",
  crtc: "2d 27 28 90 2b 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 14 00 96 b9 a2 ff",
  attribute: "00 13 15 17 02 04 06 07 10 11 12 13 14 15 16 17 01 00 03 00", graphics: "00 00 00 00 00 30 0f 0f ff",
}; // oxfmt-ignore
const cga640: VideoMode = {
  ...cga320, columns: 80,
  sequencer: "01 01 00 06",
  crtc: "5f 4f 50 82 54 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 28 00 96 b9 c2 ff",
  attribute: "00 17 17 17 17 17 17 17 17 17 17 17 17 17 17 17 01 00 01 00", graphics: "00 00 00 00 00 00 0d 0f ff",
}; // oxfmt-ignore
const mono: VideoMode = {
  ...text80, segment: 0xb000, palette: "mono", misc: 0x66,
  crtc: "5f 4f 50 82 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 28 0f 96 b9 a3 ff",
  attribute: "00 08 08 08 08 08 08 08 10 18 18 18 18 18 18 18 0e 00 0f 08", graphics: "00 00 00 00 00 10 0a 0f ff",
}; // oxfmt-ignore
const ega320: VideoMode = {
  kind: "planar", columns: 40, rows: 25, characterHeight: 8, segment: 0xa000, pageBytes: 0x2000, palette: "cga", misc: 0x63,
  sequencer: "09 0f 00 06",
  crtc: "2d 27 28 90 2b 80 bf 1f 00 c0 00 00 00 00 00 00 9c 8e 8f 14 00 96 b9 e3 ff",
  attribute: `${CGA_ATTRIBUTES} 01 00 0f 00`, graphics: PLANAR_GRAPHICS,
}; // oxfmt-ignore
const ega640: VideoMode = {
  ...ega320, columns: 80, pageBytes: 0x4000,
  sequencer: "01 0f 00 06",
  crtc: "5f 4f 50 82 54 80 bf 1f 00 c0 00 00 00 00 00 00 9c 8e 8f 28 00 96 b9 e3 ff",
}; // oxfmt-ignore
const ega350: VideoMode = {
  ...ega640, characterHeight: 14, pageBytes: 0x8000, palette: "ega", misc: 0xa3,
  crtc: "5f 4f 50 82 54 80 bf 1f 00 40 00 00 00 00 00 00 83 85 5d 28 0f 63 ba e3 ff",
  attribute: `${EGA_ATTRIBUTES} 01 00 0f 00`,
}; // oxfmt-ignore
const vga480: VideoMode = {
  ...ega640, rows: 30, characterHeight: 16, pageBytes: 0xa000, palette: "ega", misc: 0xe3,
  crtc: "5f 4f 50 82 54 80 0b 3e 00 40 00 00 00 00 00 00 ea 8c df 28 00 e7 04 e3 ff",
  attribute: `${EGA_ATTRIBUTES} 01 00 0f 00`,
}; // oxfmt-ignore
const mode11: VideoMode = {
  ...vga480,
  crtc: "5f 4f 50 82 54 80 0b 3e 00 40 00 00 00 00 00 00 ea 8c df 28 00 e7 04 c3 ff",
  attribute: "00 3f 3f 3f 3f 3f 3f 3f 3f 3f 3f 3f 3f 3f 3f 3f 01 00 0f 00",
}; // oxfmt-ignore
const mode13: VideoMode = {
  kind: "bytes", columns: 40, rows: 25, characterHeight: 8, segment: 0xa000, pageBytes: 0xfa00, palette: "256", misc: 0x63,
  sequencer: "01 0f 00 0e",
  crtc: "5f 4f 50 82 54 80 bf 1f 00 41 00 00 00 00 00 00 9c 8e 8f 28 40 96 b9 a3 ff",
  attribute: "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 41 00 0f 00", graphics: "00 00 00 00 00 40 05 0f ff",
}; // oxfmt-ignore

const MODES: ReadonlyMap<number, VideoMode> = new Map([
  [0x00, text40],
  [0x01, text40],
  [0x02, text80],
  [0x03, text80],
  [0x04, cga320],
  [0x05, cga320],
  [0x06, cga640],
  [0x07, mono],
  [0x0d, ega320],
  [0x0e, ega640],
  [0x0f, { ...ega350, palette: "mono" }],
  [0x10, ega350],
  [0x11, mode11],
  [0x12, vga480],
  [0x13, mode13],
]);

export const videoMode = (number: number): VideoMode | null => MODES.get(number) ?? null;

/** 256 × red, green, blue of 6 bits. */
function paletteOf(kind: VideoMode["palette"]): Uint8Array {
  const dac = new Uint8Array(768);
  const set = (n: number, red: number, green: number, blue: number): void =>
    dac.set([red, green, blue], n * 3);
  if (kind === "ega") {
    // Of a colour's six bits, 2…0 are two thirds of red, green and blue, 5…3 one third.
    for (let n = 0; n < 64; n++) {
      const part = (bit: number): number => ((n >> bit) & 1) * 0x2a + ((n >> (bit + 3)) & 1) * 0x15;
      set(n, part(2), part(1), part(0));
    }
  } else if (kind === "mono") {
    for (let n = 0; n < 64; n++) {
      const grey = [0x00, 0x2a, 0x15, 0x3f][((n >> 3) & 1) + ((n >> 3) & 2)]!;
      set(n, grey, grey, grey);
    }
  } else {
    for (let n = 0; n < 16; n++) set(n, ...cgaColour(n));
    if (kind === "cga") for (let n = 16; n < 64; n++) set(n, ...cgaColour((n & 7) | ((n >> 1) & 8)));
    else greysAndHues(set);
  }
  return dac;
}

function cgaColour(n: number): [number, number, number] {
  const light = n & 8 ? 0x15 : 0;
  const part = (bit: number): number => ((n >> bit) & 1) * 0x2a + light;
  return n === 6 ? [0x2a, 0x15, 0] : [part(2), part(1), part(0)];
}

/** The upper part of mode 13h's colours: 16 greys, then 24 hues in three saturations of three brightnesses. */
function greysAndHues(set: (n: number, red: number, green: number, blue: number) => void): void {
  const greys = [0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63];
  for (const [n, grey] of greys.entries()) set(16 + n, grey, grey, grey);
  const ramps = [
    [0, 16, 31, 47, 63], [31, 39, 47, 55, 63], [45, 49, 54, 58, 63],
    [0, 7, 14, 21, 28], [14, 17, 21, 24, 28], [20, 22, 24, 26, 28],
    [0, 4, 8, 12, 16], [8, 10, 12, 14, 16], [11, 12, 13, 15, 16],
  ]; // oxfmt-ignore
  let at = 32;
  for (const ramp of ramps) {
    for (let hue = 0; hue < 24; hue++)
      set(at++, level(ramp, hue + 8), level(ramp, hue + 16), level(ramp, hue));
  }
}
/** A channel on the colour circle: blue is full at hues 0 … 4 and 20 … 23, falls to nothing at 8 and comes back from 16 on. */
function level(ramp: readonly number[], hue: number): number {
  const at = hue % 24;
  if (at <= 4 || at >= 20) return ramp[4]!;
  if (at < 8) return ramp[8 - at]!;
  return at <= 16 ? ramp[0]! : ramp[at - 16]!;
}

const bytes = (list: string): number[] => list.split(" ").map((each) => Number.parseInt(each, 16));

export function writeIndexed(call: Call, port: number, index: number, value: number): void {
  call.out(port, index);
  call.out(port + 1, value);
}
export function readIndexed(call: Call, port: number, index: number): number {
  call.out(port, index);
  return call.in(port + 1);
}

/** Sets an attribute register, with the screen left on. */
export function writeAttribute(call: Call, index: number, value: number): void {
  call.in(statusPort(call));
  call.out(0x3c0, index);
  call.out(0x3c0, value);
  call.out(0x3c0, 0x20);
}
export function readAttribute(call: Call, index: number): number {
  call.in(statusPort(call));
  call.out(0x3c0, index);
  const value = call.in(0x3c1);
  call.in(statusPort(call));
  call.out(0x3c0, 0x20);
  return value;
}
const statusPort = (call: Call): number => call.data(BDA.crtcPort, 2) + 6;

/** Programs the adapter; memory and the BIOS data area are the caller's business. */
export function programMode(call: Call, mode: VideoMode, keepPalette: boolean): void {
  const crtc = mode.misc & 1 ? 0x3d4 : 0x3b4;
  call.setData(BDA.crtcPort, crtc, 2);
  call.out(0x3c2, mode.misc);
  writeIndexed(call, 0x3c4, 0, 1);
  for (const [n, value] of bytes(mode.sequencer).entries()) writeIndexed(call, 0x3c4, n + 1, value);
  writeIndexed(call, 0x3c4, 0, 3);
  writeIndexed(call, crtc, 0x11, 0);
  for (const [n, value] of bytes(mode.crtc).entries()) writeIndexed(call, crtc, n, value);
  for (const [n, value] of bytes(mode.graphics).entries()) writeIndexed(call, 0x3ce, n, value);
  call.in(crtc + 6);
  for (const [n, value] of [...bytes(mode.attribute), 0].entries()) {
    call.out(0x3c0, n);
    call.out(0x3c0, value);
  }
  call.out(0x3c0, 0x20);
  call.out(0x3c6, 0xff);
  if (keepPalette) return;
  call.out(0x3c8, 0);
  for (const value of paletteOf(mode.palette)) call.out(0x3c9, value);
}
