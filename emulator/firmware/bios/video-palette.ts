/** INT 10h AH=0Bh and 10h: attribute registers and the DAC's colours. */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import type { BiosContext } from "./context.ts";
import { BDA } from "./data-area.ts";
import { readAttribute, writeAttribute } from "./video-mode.ts";

const OVERSCAN = 0x11;
const MODE = 0x10;
const COLOUR_SELECT = 0x14;
const BLINK = 8;
const LONG_PAGES = 0x80;

/** AH=0Bh: BH=0 border and background, BH=1 one of the two palettes of mode 4. */
export function setCgaPalette(call: Call): void {
  const value = call.data(BDA.cgaPalette);
  if (call.bh === 0) {
    call.setData(BDA.cgaPalette, (value & 0xe0) | (call.bl & 0x1f));
    const colour = (call.bl & 7) | ((call.bl & 8) << 1);
    writeAttribute(call, 0, colour);
    writeAttribute(call, OVERSCAN, colour);
    for (let n = 1; n < 4; n++) writeAttribute(call, n, (readAttribute(call, n) & 0xef) | (call.bl & 0x10));
  } else {
    call.setData(BDA.cgaPalette, (value & 0xdf) | (call.bl & 1 ? 0x20 : 0));
    for (let n = 1; n < 4; n++) writeAttribute(call, n, (readAttribute(call, n) & 0xfe) | (call.bl & 1));
  }
}

export function palette(call: Call, { log }: BiosContext): void {
  const buffer = call.linear(SEG.es, call.dx);
  switch (call.al) {
    case 0x00:
      if (call.bl <= COLOUR_SELECT) writeAttribute(call, call.bl, call.bh);
      return;
    case 0x01:
      return writeAttribute(call, OVERSCAN, call.bh);
    case 0x02:
      for (let n = 0; n < 17; n++) writeAttribute(call, n < 16 ? n : OVERSCAN, call.read(buffer + n, 1));
      return;
    case 0x03: {
      const mode = readAttribute(call, MODE);
      return writeAttribute(call, MODE, call.bl & 1 ? mode | BLINK : mode & ~BLINK);
    }
    case 0x07:
      if (call.bl <= COLOUR_SELECT) call.bh = readAttribute(call, call.bl);
      return;
    case 0x08:
      call.bh = readAttribute(call, OVERSCAN);
      return;
    case 0x09:
      for (let n = 0; n < 17; n++) call.write(buffer + n, 1, readAttribute(call, n < 16 ? n : OVERSCAN));
      return;
    case 0x10:
      return setColours(call, call.bx, [call.dh, call.ch, call.cl]);
    case 0x12:
      return setColours(call, call.bx, call.readBytes(buffer, call.cx * 3));
    case 0x13:
      return selectPage(call);
    case 0x15: {
      const [red, green, blue] = colours(call, call.bl, 1);
      call.dh = red!;
      call.ch = green!;
      call.cl = blue!;
      return;
    }
    case 0x17:
      return call.writeBytes(buffer, colours(call, call.bx, call.cx));
    case 0x18:
      return call.out(0x3c6, call.bl);
    case 0x19:
      call.bl = call.in(0x3c6);
      return;
    case 0x1a: {
      const isLong = (readAttribute(call, MODE) & LONG_PAGES) !== 0;
      const select = readAttribute(call, COLOUR_SELECT);
      call.bx = ((isLong ? select & 15 : select >> 2) << 8) | (isLong ? 1 : 0);
      return;
    }
    case 0x1b: {
      // To greys: 30 % red, 59 % green, 11 % blue.
      const values = colours(call, call.bx, call.cx);
      for (let n = 0; n < values.length; n += 3) {
        const grey = Math.floor((values[n]! * 77 + values[n + 1]! * 151 + values[n + 2]! * 28) / 256);
        values.fill(grey, n, n + 3);
      }
      return setColours(call, call.bx, values);
    }
    default:
      log(`INT 10h AX=${call.ax.toString(16)}h is not known`);
  }
}

function setColours(call: Call, first: number, values: Iterable<number>): void {
  call.out(0x3c8, first);
  for (const value of values) call.out(0x3c9, value);
}
function colours(call: Call, first: number, count: number): Uint8Array {
  call.out(0x3c7, first);
  return Uint8Array.from({ length: count * 3 }, () => call.in(0x3c9));
}

/** AL=13h: BL=0 chooses 4 pages of 64 colours or 16 of 16, BL=1 the page. */
function selectPage(call: Call): void {
  const mode = readAttribute(call, MODE);
  if (call.bl === 0) return writeAttribute(call, MODE, call.bh & 1 ? mode | LONG_PAGES : mode & ~LONG_PAGES);
  writeAttribute(call, COLOUR_SELECT, mode & LONG_PAGES ? call.bh & 15 : (call.bh & 3) << 2);
}
