/**
 * INT 10h: the screen (IBM VGA Technical Reference, "BIOS"; IBM PS/2 BIOS Interface Technical Reference). It works through the adapter's ports and memory
 * window, as a VGA BIOS does, and so on whatever a program has made of the adapter.
 *
 * Not there: light pens (AH=04h), saving the adapter's state (AH=1Ch); they say so, and the log names what is unknown.
 * Elsewhere: modes (`video-mode.ts`, `video-set.ts`), palettes and fonts (`video-palette.ts`, `video-font.ts`), VBE (`vbe.ts`).
 */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import type { Service } from "./context.ts";
import { BDA } from "./data-area.ts";
import { FUNCTIONALITY_OFFSET, VIDEO_ROM_SEGMENT } from "./font.ts";
import { drawCharacter, readPixel, scrollPixels, writePixel } from "./graphics.ts";
import { teletype } from "./teletype.ts";
import { cellAt, cursorOf, moveCursor, type Place, screenOf, scrollText, showCursor } from "./text.ts";
import { vbe } from "./vbe.ts";
import { character } from "./video-font.ts";
import { videoMode, writeIndexed } from "./video-mode.ts";
import { palette, setCgaPalette } from "./video-palette.ts";
import { setVideoMode } from "./video-set.ts";

/** 0040:0089: a mode set keeps the palette. */
const KEEP_PALETTE = 8;

export const video: Service = (call, context) => {
  switch (call.ah) {
    case 0x00:
      if (videoMode(call.al & 0x7f) === null)
        return context.log(`INT 10h: there is no mode ${call.al.toString(16)}h`);
      return setVideoMode(call, call.al);
    case 0x01:
      return setCursorShape(call, call.cx);
    case 0x02:
      return moveCursor(call, call.bh, { column: call.dl, row: call.dh });
    case 0x03: {
      const { column, row } = cursorOf(call, call.bh);
      call.cx = call.data(BDA.cursorShape, 2);
      call.dx = (row << 8) | column;
      return;
    }
    case 0x04: // light pen: not triggered
      call.ah = 0;
      return;
    case 0x05:
      return showPage(call, call.al);
    case 0x06:
    case 0x07:
      return scroll(call, call.ah === 0x06 ? call.al : -call.al);
    case 0x08:
      return readCell(call);
    case 0x09:
    case 0x0a:
      return writeCells(call);
    case 0x0b:
      return setCgaPalette(call);
    case 0x0c:
      return writePixel(call, screenOf(call), call.bh, call.cx, call.dx, call.al);
    case 0x0d:
      call.al = readPixel(call, screenOf(call), call.bh, call.cx, call.dx);
      return;
    case 0x0e:
      return teletype(call, call.data(BDA.page), call.al, null, call.bl);
    case 0x0f:
      call.ax = (call.data(BDA.columns) << 8) | call.data(BDA.videoMode);
      call.bh = call.data(BDA.page);
      return;
    case 0x10:
      return palette(call, context);
    case 0x11:
      return character(call, context);
    case 0x12:
      return alternate(call, context.log);
    case 0x13:
      return writeString(call);
    case 0x1a:
      return displayCombination(call);
    case 0x1b:
      return state(call);
    case 0x4f:
      return vbe(call);
    default:
      context.log(`INT 10h AX=${call.ax.toString(16)}h is not known`);
  }
};

/**
 * AH=01h. Shapes are given in lines of a cell of eight; for the taller ones of a VGA the usual two (an underline, a block) are drawn where they belong
 * ("cursor emulation"), as VGA BIOSes do.
 */
function setCursorShape(call: Call, shape: number): void {
  call.setData(BDA.cursorShape, shape, 2);
  let start = (shape >> 8) & 0x3f;
  let end = shape & 0x1f;
  const height = call.data(BDA.characterHeight, 2);
  const emulates = (call.data(BDA.videoControl) & 1) === 0;
  if (emulates && height > 8 && end < 8 && start < 0x20) {
    if (end !== start + 1) start = Math.floor(((start + 1) * height) / 8) - 1;
    else start = Math.floor(((end + 1) * height) / 8) - 2;
    end = Math.floor(((end + 1) * height) / 8) - 1;
  }
  const crtc = call.data(BDA.crtcPort, 2);
  writeIndexed(call, crtc, 0x0a, start);
  writeIndexed(call, crtc, 0x0b, end);
}

/** AH=05h */
function showPage(call: Call, page: number): void {
  const { mode, pageBytes } = screenOf(call);
  if (page > 7) return;
  const start = page * pageBytes;
  call.setData(BDA.pageStart, start, 2);
  call.setData(BDA.page, page);
  const address = mode.kind === "text" ? start / 2 : start;
  const crtc = call.data(BDA.crtcPort, 2);
  writeIndexed(call, crtc, 0x0c, (address >> 8) & 0xff);
  writeIndexed(call, crtc, 0x0d, address & 0xff);
  showCursor(call, page);
}

/** AH=06h, 07h: the window CH/CL … DH/DL, attribute (or colour) BH. */
function scroll(call: Call, lines: number): void {
  const screen = screenOf(call);
  const area = {
    top: call.ch,
    left: call.cl,
    bottom: Math.min(call.dh, screen.rows - 1),
    right: Math.min(call.dl, screen.columns - 1),
  };
  if (area.top > area.bottom || area.left > area.right) return;
  const page = call.data(BDA.page);
  if (screen.mode.kind === "text") scrollText(call, screen, page, area, lines, call.bh);
  else scrollPixels(call, screen, page, area, lines, call.bh);
}

/** AH=08h. In graphics modes characters are not told from pixels: 0. */
function readCell(call: Call): void {
  const screen = screenOf(call);
  if (screen.mode.kind === "text") call.ax = call.read(cellAt(screen, call.bh, cursorOf(call, call.bh)), 2);
  else call.ax = 0;
}

/** AH=09h: CX times character AL with attribute BL from the cursor on; AH=0Ah without the attribute. */
function writeCells(call: Call): void {
  const screen = screenOf(call);
  const start = cursorOf(call, call.bh);
  for (let n = 0; n < call.cx; n++) {
    const index = start.row * screen.columns + start.column + n;
    const place: Place = { column: index % screen.columns, row: Math.floor(index / screen.columns) };
    if (place.row >= screen.rows) return;
    if (screen.mode.kind !== "text") drawCharacter(call, screen, call.bh, place, call.al, call.bl);
    else if (call.ah === 0x09) call.write(cellAt(screen, call.bh, place), 2, call.al | (call.bl << 8));
    else call.write(cellAt(screen, call.bh, place), 1, call.al);
  }
}

/** AH=13h: CX characters at ES:BP to DH/DL; AL bit 0: the cursor moves along; bit 1: each has its attribute behind it. */
function writeString(call: Call): void {
  const page = call.bh;
  const before = cursorOf(call, page);
  let at = call.bp;
  moveCursor(call, page, { column: call.dl, row: call.dh });
  for (let n = 0; n < call.cx; n++) {
    const code = call.read(call.linear(SEG.es, at++), 1);
    const attribute = call.al & 2 ? call.read(call.linear(SEG.es, at++), 1) : call.bl;
    teletype(call, page, code, attribute, attribute);
  }
  if ((call.al & 1) === 0) moveCursor(call, page, before);
}

/** AH=12h */
function alternate(call: Call, log: (line: string) => void): void {
  switch (call.bl) {
    case 0x10: // colour, 256 KiB; feature bits and switches
      call.bx = ((call.data(BDA.crtcPort, 2) === 0x3b4 ? 1 : 0) << 8) | 3;
      call.cx = call.data(BDA.videoSwitches) & 0x0f;
      return;
    case 0x30: // scan lines of text modes: 400 is what there is
    case 0x32: // video on and off
    case 0x36:
      call.al = 0x12;
      return;
    case 0x31: // does a mode set load its palette?
      call.setData(
        BDA.videoOptions,
        (call.data(BDA.videoOptions) & ~KEEP_PALETTE) | (call.al & 1 ? KEEP_PALETTE : 0),
      );
      call.al = 0x12;
      return;
    case 0x33: // grey scales: remembered, not made
      call.setData(BDA.videoOptions, (call.data(BDA.videoOptions) & ~2) | (call.al & 1 ? 0 : 2));
      call.al = 0x12;
      return;
    case 0x34: // cursor emulation
      call.setData(BDA.videoControl, (call.data(BDA.videoControl) & ~1) | (call.al & 1));
      call.al = 0x12;
      return;
    default:
      log(`INT 10h AH=12h BL=${call.bl.toString(16)}h is not known`);
  }
}

/** AH=1Ah: a VGA with a colour display. */
function displayCombination(call: Call): void {
  if (call.al === 0) call.bx = call.data(BDA.displayCombination);
  else if (call.al === 1) call.setData(BDA.displayCombination, call.bl);
  else return;
  call.al = 0x1a;
}

/** AH=1Bh: 64 bytes of what the screen is at ES:DI; the pointer at their start leads to the modes that there are. */
function state(call: Call): void {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, FUNCTIONALITY_OFFSET, true);
  view.setUint16(2, VIDEO_ROM_SEGMENT, true);
  bytes.set(call.readBytes(0x400 + BDA.videoMode, 30), 4);
  bytes.set(call.readBytes(0x400 + BDA.rows, 3), 0x22);
  bytes[0x25] = call.data(BDA.displayCombination);
  view.setUint16(0x27, 16, true);
  bytes[0x29] = 8;
  bytes[0x2a] = 2; // 400 lines
  bytes[0x31] = 3; // 256 KiB
  call.writeBytes(call.linear(SEG.es, call.di), bytes);
  call.al = 0x1b;
}
