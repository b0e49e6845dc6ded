/** Graphics modes as INT 10h works on them: pixels, and characters drawn from pixels. */
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";
import { glyphs } from "./font.ts";
import type { Area, Place, Screen } from "./text.ts";
import { writeIndexed } from "./video-mode.ts";

/** A colour with this bit is combined with what is there by exclusive or (not with 256 colours). */
const XOR = 0x80;

/** Address of the byte of a pixel, and where in it the pixel is. */
function locate(
  { mode, columns }: Screen,
  page: number,
  x: number,
  y: number,
): { at: number; shift: number; bits: number } {
  const base = mode.segment * 16;
  if (mode.kind === "bytes") return { at: base + y * 320 + x, shift: 0, bits: 8 };
  if (mode.kind === "planar")
    return { at: base + page * mode.pageBytes + y * columns + (x >> 3), shift: 7 - (x & 7), bits: 1 };
  const bits = columns === 40 ? 2 : 1;
  const perByte = 8 / bits;
  const at = base + (y & 1) * 0x2000 + (y >> 1) * 80 + Math.floor(x / perByte);
  return { at, shift: (perByte - 1 - (x % perByte)) * bits, bits };
}

export function writePixel(
  call: Call,
  screen: Screen,
  page: number,
  x: number,
  y: number,
  colour: number,
): void {
  const { at, shift, bits } = locate(screen, page, x, y);
  if (screen.mode.kind === "planar") {
    writeIndexed(call, 0x3ce, 8, 1 << shift);
    writeIndexed(call, 0x3ce, 5, 2);
    writeIndexed(call, 0x3ce, 3, colour & XOR ? 0x18 : 0);
    call.read(at, 1); // fills the latches
    call.write(at, 1, colour & 15);
    writeIndexed(call, 0x3ce, 8, 0xff);
    writeIndexed(call, 0x3ce, 5, 0);
    writeIndexed(call, 0x3ce, 3, 0);
  } else if (bits === 8) call.write(at, 1, colour);
  else {
    const mask = ((1 << bits) - 1) << shift;
    const before = call.read(at, 1);
    const value = (colour << shift) & mask;
    call.write(at, 1, colour & XOR ? before ^ value : (before & ~mask) | value);
  }
}

export function readPixel(call: Call, screen: Screen, page: number, x: number, y: number): number {
  const { at, shift, bits } = locate(screen, page, x, y);
  if (screen.mode.kind !== "planar") return (call.read(at, 1) >> shift) & ((1 << bits) - 1);
  let colour = 0;
  for (let plane = 0; plane < 4; plane++) {
    writeIndexed(call, 0x3ce, 4, plane);
    colour |= ((call.read(at, 1) >> shift) & 1) << plane;
  }
  writeIndexed(call, 0x3ce, 4, 0);
  return colour;
}

/** Draws a character into a cell: foreground on 0, or with XOR over what is there. */
export function drawCharacter(
  call: Call,
  screen: Screen,
  page: number,
  place: Place,
  code: number,
  colour: number,
): void {
  const height = call.data(BDA.characterHeight, 2);
  const rows = glyphs(height).subarray(code * height, code * height + height);
  const isXor = (colour & XOR) !== 0 && screen.mode.kind !== "bytes";
  for (const [dy, row] of rows.entries()) {
    for (let dx = 0; dx < 8; dx++) {
      const isSet = (row & (0x80 >> dx)) !== 0;
      if (isSet || !isXor)
        writePixel(call, screen, page, place.column * 8 + dx, place.row * height + dy, isSet ? colour : 0);
    }
  }
}

/** As `scrollText`, for areas of whole character cells. */
export function scrollPixels(
  call: Call,
  screen: Screen,
  page: number,
  area: Area,
  lines: number,
  colour: number,
): void {
  const height = call.data(BDA.characterHeight, 2);
  const top = area.top * height;
  const bottom = (area.bottom + 1) * height;
  const by = lines === 0 ? bottom - top : lines * height;
  const rowCount = bottom - top;
  for (let n = 0; n < rowCount; n++) {
    const y = by > 0 ? top + n : bottom - 1 - n;
    const from = y + by;
    const isCopy = from >= top && from < bottom;
    for (let column = area.left; column <= area.right; column++) {
      if (screen.mode.kind === "planar")
        copyEight(call, screen, page, column * 8, isCopy ? from : -1, y, colour);
      else
        for (let x = column * 8; x < column * 8 + 8; x++)
          writePixel(call, screen, page, x, y, isCopy ? readPixel(call, screen, page, x, from) : colour);
    }
  }
}

/** Eight pixels of all planes at once, through the latches; `from` −1: fills them. */
function copyEight(
  call: Call,
  screen: Screen,
  page: number,
  x: number,
  from: number,
  y: number,
  colour: number,
): void {
  const target = locate(screen, page, x, y).at;
  writeIndexed(call, 0x3ce, 5, from < 0 ? 2 : 1);
  if (from >= 0) call.read(locate(screen, page, x, from).at, 1);
  call.write(target, 1, colour & 15);
  writeIndexed(call, 0x3ce, 5, 0);
}
