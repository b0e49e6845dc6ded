/**
 * Draws a text screen: character and attribute bytes become dots of a canvas that is exactly columns × 8 by rows × 16.
 *
 * Bit 7 of an attribute is the bright half of the background, as in QEMU's display, not blinking. Sizing on the page is CSS's.
 */
import { CELL_HEIGHT, CELL_WIDTH, type Bitmap } from "./cell.ts";
import { makeFont } from "./font.ts";

export interface Picture {
  readonly columns: number;
  readonly rows: number;
  /** Character and attribute, `columns × rows × 2` bytes. */
  readonly cells: Uint8Array;
  /** Cell index, or null if hidden. */
  readonly cursor: number | null;
}

// The sixteen colours a VGA's DAC holds in text mode, as 0xAABBGGRR.
const palette = new Uint32Array(
  [0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa]
    .concat([0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff])
    .map((rgb) => 0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)),
);

const CURSOR_ROWS = 2;

/** Thresholds a glyph of the host's monospace font to dots. */
function rasterise(character: string): Bitmap {
  const bitmap = new Uint8Array(CELL_HEIGHT);
  const context = new OffscreenCanvas(CELL_WIDTH, CELL_HEIGHT).getContext("2d", { willReadFrequently: true });
  if (context === null) return bitmap;
  context.font = "bold 14px monospace";
  context.textBaseline = "alphabetic";
  context.fillText(character, 0, 12, CELL_WIDTH);
  const { data } = context.getImageData(0, 0, CELL_WIDTH, CELL_HEIGHT);
  for (let row = 0; row < CELL_HEIGHT; row++) {
    for (let column = 0; column < CELL_WIDTH; column++) {
      if ((data[(row * CELL_WIDTH + column) * 4 + 3] ?? 0) > 110)
        bitmap[row] = (bitmap[row] ?? 0) | (0x80 >> column);
    }
  }
  return bitmap;
}

export class ScreenCanvas {
  readonly #canvas: HTMLCanvasElement;
  readonly #font = makeFont(rasterise);
  #image: ImageData | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** @param cursorOn whether the cursor is in the visible half of its blinking. */
  draw(picture: Picture, cursorOn: boolean): void {
    const width = picture.columns * CELL_WIDTH;
    const height = picture.rows * CELL_HEIGHT;
    if (this.#image === null || this.#image.width !== width || this.#image.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#image = new ImageData(width, height);
    }
    const dots = new Uint32Array(this.#image.data.buffer);
    for (let cell = 0; cell < picture.columns * picture.rows; cell++) {
      const attribute = picture.cells[cell * 2 + 1] ?? 0;
      const ink = palette[attribute & 15] ?? 0;
      const paper = palette[attribute >> 4] ?? 0;
      const glyph = this.#font[picture.cells[cell * 2] ?? 0];
      const cursorTop = cursorOn && cell === picture.cursor ? CELL_HEIGHT - CURSOR_ROWS : CELL_HEIGHT;
      let dot =
        Math.floor(cell / picture.columns) * CELL_HEIGHT * width + (cell % picture.columns) * CELL_WIDTH;
      for (let row = 0; row < CELL_HEIGHT; row++, dot += width) {
        const bits = row >= cursorTop ? 0xff : (glyph?.[row] ?? 0);
        for (let column = 0; column < CELL_WIDTH; column++) {
          dots[dot + column] = (bits & (0x80 >> column)) !== 0 ? ink : paper;
        }
      }
    }
    this.#canvas.getContext("2d")?.putImageData(this.#image, 0, 0);
  }
}
