/** The character cell of the text screen and the bitmap that fills it. */

/** Dots of a cell. */
export const CELL_WIDTH = 8;
export const CELL_HEIGHT = 16;
/** One byte per dot row, bit 7 leftmost. */
export type Bitmap = Uint8Array;
