/** INT 10h AH=11h: the fonts in the adapter's plane 2, and where to find those of the BIOS. */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import type { BiosContext } from "./context.ts";
import { BDA } from "./data-area.ts";
import { FONT_OFFSET, type FontHeight, GLYPH_BYTES, glyphs, SMALL_FONT, VIDEO_ROM_SEGMENT } from "./font.ts";
import { BIOS_SEGMENT } from "./rom.ts";
import { showCursor } from "./text.ts";
import { readIndexed, writeIndexed } from "./video-mode.ts";

const FONT_BLOCK_BYTES = 0x2000;
const WINDOW = 0xa0000;

/** Where each of the eight fonts begins in plane 2: an EGA's four first. */
const blockOffset = (block: number): number => ((block & 3) * 2 + ((block >> 2) & 1)) * FONT_BLOCK_BYTES;

/** Copies glyphs of `height` bytes from `first` on into font `block`. The text mode's registers are put back. */
function load(call: Call, bytes: Uint8Array, height: number, first: number, block: number): void {
  const saved = [
    [0x3c4, 2],
    [0x3c4, 4],
    [0x3ce, 5],
    [0x3ce, 6],
  ].map(([port, index]) => [port!, index!, readIndexed(call, port!, index!)] as const);
  writeIndexed(call, 0x3c4, 2, 4);
  writeIndexed(call, 0x3c4, 4, 7);
  writeIndexed(call, 0x3ce, 5, 0);
  writeIndexed(call, 0x3ce, 6, 4);
  const count = Math.floor(bytes.length / height);
  for (let n = 0; n < count; n++) {
    const glyph = bytes.subarray(n * height, (n + 1) * height);
    call.writeBytes(WINDOW + blockOffset(block) + (first + n) * GLYPH_BYTES, glyph);
  }
  for (const [port, index, value] of saved) writeIndexed(call, port, index, value);
}

export function loadFont(call: Call, height: number, block: number): void {
  load(call, glyphs(height), height, 0, block);
}

/** AL=1xh: characters of another height make another number of rows of the same 400 lines. */
function setHeight(call: Call, height: number): void {
  const crtc = call.data(BDA.crtcPort, 2);
  writeIndexed(call, crtc, 0x09, (readIndexed(call, crtc, 0x09) & 0xe0) | (height - 1));
  const rows = Math.floor(400 / height);
  const lines = rows * height - 1;
  writeIndexed(call, crtc, 0x12, lines & 0xff);
  call.setData(BDA.rows, rows - 1);
  call.setData(BDA.characterHeight, height, 2);
  call.setData(BDA.pageBytes, (rows * call.data(BDA.columns, 2) * 2 + 0xff) & 0xff00, 2);
  writeIndexed(call, crtc, 0x0a, height - 2);
  writeIndexed(call, crtc, 0x0b, height - 1);
  showCursor(call, call.data(BDA.page));
}

const HEIGHTS: Readonly<Record<number, FontHeight>> = { 1: 14, 2: 8, 4: 16 };

export function character(call: Call, { log }: BiosContext): void {
  const fn = call.al;
  switch (fn) {
    case 0x00:
    case 0x10: {
      const bytes = call.readBytes(call.linear(SEG.es, call.bp), call.cx * call.bh);
      if (call.bh > 0) load(call, bytes, call.bh, call.dx, call.bl);
      if (fn === 0x10 && call.bh > 0) setHeight(call, call.bh);
      return;
    }
    case 0x01:
    case 0x02:
    case 0x04:
    case 0x11:
    case 0x12:
    case 0x14: {
      const height = HEIGHTS[fn & 15]!;
      loadFont(call, height, call.bl);
      if (fn >= 0x10) setHeight(call, height);
      return;
    }
    case 0x03: // which fonts attribute bit 3 chooses between
      return writeIndexed(call, 0x3c4, 3, call.bl);
    case 0x20:
      return call.write(0x1f * 4, 4, far(call.core.selector(SEG.es), call.bp));
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
      return graphicsFont(call, fn);
    case 0x30:
      return information(call);
    default:
      log(`INT 10h AX=${call.ax.toString(16)}h is not known`);
  }
}

const far = (segment: number, offset: number): number => ((segment << 16) | offset) >>> 0;

/** AL=21h … 24h: which characters graphics modes draw; a program's own (21h) are only pointed to. */
function graphicsFont(call: Call, fn: number): void {
  const height = fn === 0x21 ? call.cx : HEIGHTS[fn === 0x22 ? 1 : fn === 0x23 ? 2 : 4]!;
  const address =
    fn === 0x21
      ? far(call.core.selector(SEG.es), call.bp)
      : far(VIDEO_ROM_SEGMENT, FONT_OFFSET[height as FontHeight]);
  call.write(0x43 * 4, 4, address);
  const rows = [call.dl, 14, 25, 43][call.bl] ?? 25;
  call.setData(BDA.rows, rows - 1);
  call.setData(BDA.characterHeight, height, 2);
}

/** AL=30h: a pointer in ES:BP by BH, the height on the screen in CX, rows − 1 in DL. */
function information(call: Call): void {
  const pointers: Readonly<Record<number, number>> = {
    0: call.read(0x1f * 4, 4),
    1: call.read(0x43 * 4, 4),
    2: far(VIDEO_ROM_SEGMENT, FONT_OFFSET[14]),
    3: far(BIOS_SEGMENT, SMALL_FONT),
    4: far(VIDEO_ROM_SEGMENT, FONT_OFFSET[8] + 0x400),
    5: far(VIDEO_ROM_SEGMENT, FONT_OFFSET[14]),
    6: far(VIDEO_ROM_SEGMENT, FONT_OFFSET[16]),
    7: far(VIDEO_ROM_SEGMENT, FONT_OFFSET[16]),
  };
  const pointer = pointers[call.bh];
  if (pointer === undefined) return;
  call.loadSegment(SEG.es, pointer >>> 16);
  call.bp = pointer & 0xffff;
  call.cx = call.data(BDA.characterHeight, 2);
  call.dl = call.data(BDA.rows);
}
