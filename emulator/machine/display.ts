/**
 * What a machine shows on its display: a text screen as the adapter keeps it, or pixels.
 *
 * Elsewhere: how a text screen becomes pixels (`devices/vga-text.ts`), who shows them (the Display panel, `redzone --screenshot`).
 */

/** A cursor in a text screen. */
export interface TextCursor {
  /** Index of its cell. */
  readonly index: number;
  /** First and last line of the cell that it fills. */
  readonly start: number;
  readonly end: number;
  readonly visible: boolean;
  /** Always true for a VGA, whose cursor blinks at a sixteenth of the frame rate. */
  readonly blink: boolean;
}

export interface TextDisplay {
  readonly kind: "text";
  readonly columns: number;
  readonly rows: number;
  /** Character and attribute of each cell, row by row: `columns × rows × 2` bytes. */
  readonly cells: Uint8Array;
  /** Two fonts of 256 glyphs of 32 bytes, a byte per line, bit 7 leftmost. Attribute bit 3 chooses the first or, if set, the second. */
  readonly font: Uint8Array;
  /** Dots of a cell. */
  readonly cellWidth: 8 | 9;
  readonly cellHeight: number;
  /** The ninth dot of characters 0xc0 … 0xdf repeats the eighth, so that lines join. */
  readonly joinsLines: boolean;
  /** Each dot is shown this many pixels wide and high. */
  readonly dotWidth: 1 | 2;
  readonly dotHeight: 1 | 2;
  /** The sixteen colours: red, green, blue. */
  readonly palette: Uint8Array;
  readonly cursor: TextCursor;
}

export interface PixelDisplay {
  readonly kind: "pixels";
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha; row by row. Good until the machine is asked again. */
  readonly pixels: Uint8ClampedArray;
}

/** The cells of a text screen alone; no columns in graphics modes. */
export interface TextScreen {
  readonly columns: number;
  readonly rows: number;
  /** Character and attribute of each cell, `columns × rows × 2` bytes. */
  readonly cells: Uint8Array;
  /** Cell index, or null if hidden. */
  readonly cursor: number | null;
}

export type Display = TextDisplay | PixelDisplay;

/** The display as a monitor would show it, the text cursor left out, with what a client needs to fetch only what changed. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha; row by row. Good until the machine is asked again. */
  readonly pixels: Uint8ClampedArray;
  /** `Machine.displayVersion` at which each row last changed. */
  readonly rowVersions: Float64Array;
}
