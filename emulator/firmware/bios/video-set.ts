/** INT 10h AH=00h: sets a mode, with what belongs to it in memory and in the BIOS data area. */
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";
import { leaveLinearMode } from "./dispi.ts";
import { showCursor } from "./text.ts";
import { loadFont } from "./video-font.ts";
import { programMode, videoMode } from "./video-mode.ts";

const KEEP_MEMORY = 0x80;
/** 0040:0089 */
const KEEP_PALETTE = 8;
const DEFAULT_CURSOR = 0x0607;

/** AH=00h; bit 7: memory keeps its contents. */
export function setVideoMode(call: Call, number: number): void {
  const mode = videoMode(number & 0x7f);
  if (mode === null) return;
  leaveLinearMode(call);
  programMode(call, mode, (call.data(BDA.videoOptions) & KEEP_PALETTE) !== 0);
  call.setData(BDA.videoMode, number & 0x7f);
  call.setData(BDA.columns, mode.columns, 2);
  call.setData(BDA.pageBytes, mode.pageBytes, 2);
  call.setData(BDA.pageStart, 0, 2);
  call.setData(BDA.rows, mode.rows - 1);
  call.setData(BDA.characterHeight, mode.characterHeight, 2);
  call.setData(BDA.page, 0);
  const control = call.data(BDA.videoControl);
  call.setData(BDA.videoControl, number & KEEP_MEMORY ? control | KEEP_MEMORY : control & ~KEEP_MEMORY);
  for (let page = 0; page < 8; page++) call.setData(BDA.cursors + page * 2, 0, 2);
  const isText = mode.kind === "text";
  if (isText) loadFont(call, mode.characterHeight, 0);
  if ((number & KEEP_MEMORY) === 0) {
    const bytes = new Uint8Array(isText || mode.kind === "cga" ? 0x8000 : 0x10000);
    if (isText) for (let n = 0; n < bytes.length; n += 2) bytes.set([0x20, 0x07], n);
    call.writeBytes(mode.segment * 16, bytes);
  }
  if (!isText) return;
  call.setData(BDA.cursorShape, DEFAULT_CURSOR, 2);
  showCursor(call, 0);
}
