/**
 * A VGA's text screen: what its registers and memory say it is, and how it becomes dots.
 *
 * A cell is four bytes of memory: character and attribute in planes 0 and 1, and in plane 2, at 32 bytes a glyph, the fonts. Bit 7 of an attribute is the bright
 * half of the background whether blinking is chosen or not, as in QEMU. The cursor is not drawn: it blinks by the clock of whoever looks.
 * Not modelled: underlines of the monochrome mode, fine scrolling.
 */
import type { TextCursor, TextDisplay, TextScreen } from "../machine/display.ts";
import { PLANES_BYTES, type VgaMemory } from "./vga-memory.ts";
import { lineCompare, palette16, shownLines, startAddress, type VgaState } from "./vga-state.ts";

const GLYPHS = 256;
const GLYPH_BYTES = 32;
const FONT_BYTES = GLYPHS * GLYPH_BYTES;
/** Characters of code page 437 whose ninth dot repeats the eighth if so chosen: lines, and by IBM's rule everything from 0xc0 to 0xdf. */
const JOINED = { first: 0xc0, last: 0xdf } as const;

export const isText = ({ graphics }: VgaState): boolean => (graphics[6]! & 1) === 0;

interface Geometry {
  readonly columns: number;
  readonly rows: number;
  readonly cellHeight: number;
  readonly dotHeight: 1 | 2;
}

function geometry(state: VgaState): Geometry {
  const { crtc } = state;
  const cellHeight = (crtc[9]! & 0x1f) + 1;
  const dotHeight = (crtc[9]! & 0x80) === 0 ? 1 : 2;
  const rows = Math.max(Math.floor(shownLines(state) / (cellHeight * dotHeight)), 1);
  return { columns: crtc[1]! + 1, rows, cellHeight, dotHeight };
}

/** Index in memory of the first cell of each row. The split of the screen comes between rows, as in QEMU. */
function rowStarts(state: VgaState, { rows, cellHeight, dotHeight }: Geometry): number[] {
  const split = lineCompare(state);
  const height = cellHeight * dotHeight;
  let start = startAddress(state);
  return Array.from({ length: rows }, (_, row) => {
    const at = start;
    start += state.crtc[0x13]! * 2;
    if (row * height < split && (row + 1) * height >= split) start = 0;
    return at;
  });
}

export function textScreen(state: VgaState, memory: VgaMemory): TextScreen {
  if (!isText(state)) return { columns: 0, rows: 0, cells: new Uint8Array(0), cursor: null };
  const shape = geometry(state);
  const { columns, rows } = shape;
  const { visible, index } = cursorOf(state, shape);
  const bytes = memory.bytes(0, PLANES_BYTES);
  return { columns, rows, cells: cellsOf(state, bytes, shape), cursor: visible ? index : null };
}

export function textDisplay(state: VgaState, memory: VgaMemory): TextDisplay {
  const shape = geometry(state);
  const bytes = memory.bytes(0, PLANES_BYTES);
  const map = state.sequencer[3]!;
  const font = new Uint8Array(2 * FONT_BYTES);
  copyFont(font.subarray(0, FONT_BYTES), bytes, ((map >> 4) & 1) | ((map << 1) & 6));
  copyFont(font.subarray(FONT_BYTES), bytes, ((map >> 5) & 1) | ((map >> 1) & 6));
  const colours = palette16(state);
  const palette = new Uint8Array(16 * 3);
  for (const [i, colour] of colours.entries()) palette.set([colour, colour >> 8, colour >> 16], i * 3);
  return {
    kind: "text",
    columns: shape.columns,
    rows: shape.rows,
    cells: cellsOf(state, bytes, shape),
    font,
    cellWidth: (state.sequencer[1]! & 1) === 0 ? 9 : 8,
    cellHeight: shape.cellHeight,
    joinsLines: (state.attribute[0x10]! & 4) !== 0,
    dotWidth: (state.sequencer[1]! & 8) === 0 ? 1 : 2,
    dotHeight: shape.dotHeight,
    palette,
    cursor: cursorOf(state, shape),
  };
}

function cellsOf(state: VgaState, bytes: Uint8Array, shape: Geometry): Uint8Array {
  const { columns, rows } = shape;
  const cells = new Uint8Array(columns * rows * 2);
  for (const [row, start] of rowStarts(state, shape).entries()) {
    for (let column = 0; column < columns; column++) {
      const from = ((start + column) * 4) % PLANES_BYTES;
      const to = (row * columns + column) * 2;
      cells[to] = bytes[from]!;
      cells[to + 1] = bytes[from + 1]!;
    }
  }
  return cells;
}

/** Plane 2 holds eight fonts of 8 KiB. Sequencer 3 numbers them so that an EGA's four come first. */
function copyFont(font: Uint8Array, bytes: Uint8Array, number: number): void {
  for (let i = 0; i < FONT_BYTES; i++) font[i] = bytes[(number * FONT_BYTES + i) * 4 + 2]!;
}

/** Not visible: switched off, of no height, or scrolled out. */
function cursorOf({ crtc }: VgaState, { columns, rows, cellHeight }: Geometry): TextCursor {
  const start = crtc[0x0a]! & 0x1f;
  const end = Math.min(crtc[0x0b]! & 0x1f, cellHeight - 1);
  const rowCells = crtc[0x13]! * 2;
  const offset = ((crtc[0x0e]! << 8) | crtc[0x0f]!) - ((crtc[0x0c]! << 8) | crtc[0x0d]!);
  const row = rowCells === 0 ? 0 : Math.floor(offset / rowCells);
  const column = offset - row * rowCells;
  const isInside = offset >= 0 && row < rows && column < columns;
  const visible = isInside && (crtc[0x0a]! & 0x20) === 0 && start <= end;
  return { index: isInside ? row * columns + column : 0, start, end, visible, blink: true };
}

/** Width and height in pixels. */
export function textSize(display: TextDisplay): { readonly width: number; readonly height: number } {
  return {
    width: display.columns * display.cellWidth * display.dotWidth,
    height: display.rows * display.cellHeight * display.dotHeight,
  };
}

/** The cursor as a rectangle of the picture, in the colour of the character it is under. */
export interface CursorBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Red, green, blue. */
  readonly colour: readonly [number, number, number];
}

/** Where the cursor is in the picture; null if it is not to be seen. */
export function cursorBox(display: TextDisplay): CursorBox | null {
  const { columns, cells, cellWidth, cellHeight, dotWidth, dotHeight, palette, cursor } = display;
  if (!cursor.visible) return null;
  const ink = (cells[cursor.index * 2 + 1]! & 0x0f) * 3;
  return {
    x: (cursor.index % columns) * cellWidth * dotWidth,
    y: (Math.floor(cursor.index / columns) * cellHeight + cursor.start) * dotHeight,
    width: cellWidth * dotWidth,
    height: (cursor.end - cursor.start + 1) * dotHeight,
    colour: [palette[ink]!, palette[ink + 1]!, palette[ink + 2]!],
  };
}

/** Draws a text screen without its cursor, line by line: `put` gets each line's pixels, in an array that it must not keep. */
export function drawText(display: TextDisplay, put: (y: number, line: Uint32Array) => void): void {
  const { columns, rows, cells, font, cellWidth, cellHeight, dotWidth, dotHeight, joinsLines } = display;
  const colours = Uint32Array.from({ length: 16 }, (_, i) => {
    const at = i * 3;
    return (
      (0xff000000 |
        display.palette[at]! |
        (display.palette[at + 1]! << 8) |
        (display.palette[at + 2]! << 16)) >>>
      0
    );
  });
  const line = new Uint32Array(columns * cellWidth * dotWidth);
  for (let row = 0; row < rows; row++) {
    for (let y = 0; y < cellHeight; y++) {
      let at = 0;
      for (let cell = row * columns; cell < (row + 1) * columns; cell++) {
        const character = cells[cell * 2]!;
        const attribute = cells[cell * 2 + 1]!;
        const ink = colours[attribute & 0x0f]!;
        const paper = colours[attribute >> 4]!;
        const glyph = font[((attribute & 8) !== 0 ? FONT_BYTES : 0) + character * GLYPH_BYTES + y]!;
        for (let bit = 0x80; bit !== 0; bit >>= 1) {
          const colour = (glyph & bit) !== 0 ? ink : paper;
          line[at++] = colour;
          if (dotWidth === 2) line[at++] = colour;
        }
        if (cellWidth === 9) {
          const joins =
            joinsLines && character >= JOINED.first && character <= JOINED.last && (glyph & 1) !== 0;
          line[at++] = joins ? ink : paper;
          if (dotWidth === 2) line[at++] = joins ? ink : paper;
        }
      }
      const top = (row * cellHeight + y) * dotHeight;
      for (let repeat = 0; repeat < dotHeight; repeat++) put(top + repeat, line);
    }
  }
}
