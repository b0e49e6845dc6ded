/** The text screen as INT 10h works on it: cells in the memory window, the cursor in the BIOS data area and the CRTC. */
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";
import { videoMode, type VideoMode, writeIndexed } from "./video-mode.ts";

export interface Screen {
  readonly mode: VideoMode;
  readonly columns: number;
  readonly rows: number;
  readonly pageBytes: number;
}

export interface Place {
  readonly column: number;
  readonly row: number;
}

const MODE_3 = 3;

export function screenOf(call: Call): Screen {
  const mode = videoMode(call.data(BDA.videoMode) & 0x7f) ?? videoMode(MODE_3)!;
  return {
    mode,
    columns: call.data(BDA.columns, 2) || mode.columns,
    rows: call.data(BDA.rows) + 1,
    pageBytes: call.data(BDA.pageBytes, 2) || mode.pageBytes,
  };
}

export function cursorOf(call: Call, page: number): Place {
  const word = call.data(BDA.cursors + (page & 7) * 2, 2);
  return { column: word & 0xff, row: word >> 8 };
}

export function moveCursor(call: Call, page: number, { column, row }: Place): void {
  call.setData(BDA.cursors + (page & 7) * 2, (row << 8) | column, 2);
  if (page === call.data(BDA.page)) showCursor(call, page);
}

export function showCursor(call: Call, page: number): void {
  const { mode, columns, pageBytes } = screenOf(call);
  if (mode.kind !== "text") return;
  const { column, row } = cursorOf(call, page);
  const cell = (page * pageBytes) / 2 + row * columns + column;
  const crtc = call.data(BDA.crtcPort, 2);
  writeIndexed(call, crtc, 0x0e, (cell >> 8) & 0xff);
  writeIndexed(call, crtc, 0x0f, cell & 0xff);
}

/** Linear address of a cell. */
export function cellAt({ mode, columns, pageBytes }: Screen, page: number, { column, row }: Place): number {
  return mode.segment * 16 + page * pageBytes + (row * columns + column) * 2;
}

/** A rectangle of character cells, corners included. */
export interface Area {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** Moves text up (or down, for negative `lines`), and fills what becomes free with blanks; 0 lines: all of it. */
export function scrollText(
  call: Call,
  screen: Screen,
  page: number,
  { top, left, bottom, right }: Area,
  lines: number,
  attribute: number,
): void {
  const width = right - left + 1;
  const blanks = new Uint8Array(width * 2);
  for (let n = 0; n < width; n++) blanks.set([0x20, attribute], n * 2);
  const height = bottom - top + 1;
  const by = lines === 0 || Math.abs(lines) >= height ? height : lines;
  const rowAt = (row: number): number => cellAt(screen, page, { column: left, row });
  for (let n = 0; n < height; n++) {
    const row = by > 0 ? top + n : bottom - n;
    const from = row + by;
    const bytes = from >= top && from <= bottom ? call.readBytes(rowAt(from), width * 2) : blanks;
    call.writeBytes(rowAt(row), bytes);
  }
}
