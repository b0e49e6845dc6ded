/**
 * The font that a VGA's text modes start with: 256 glyphs of 8 × 16 dots for the PC's code page 437, as a BIOS loads them into plane 2.
 *
 * A glyph takes 32 bytes, of which the first 16 are its rows. Characters that are a letter and an accent are put together here.
 * Elsewhere: glyphs drawn dot by dot (`vga-font-glyphs.ts`), lines and blocks by rule (`vga-font-box.ts`).
 */
import { assert } from "../assert.ts";
import { type Bitmap, boxGlyph } from "./vga-font-box.ts";
import { glyphRows } from "./vga-font-glyphs.ts";

const CELL_HEIGHT = 16;
const GLYPH_BYTES = 32;
const FIRST_GLYPH_ROW = 2;
const BASE_LINE = 11;

const symbols = "\0☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
const upper =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";
/** Code page 437 as Unicode, by code. */
export const CODE_PAGE: readonly string[] = [
  ...Array.from(symbols),
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)),
  "⌂",
  ...Array.from(upper),
];

/** Rows of dots above a small letter, the last one row above its top; a capital has them from row 0 on and is made a row shorter. */
const ACCENTS: { readonly [mark: string]: readonly number[] } = {
  "\u0300": [0x30, 0x18],
  "\u0301": [0x0c, 0x18],
  "\u0302": [0x38, 0x6c],
  "\u0303": [0x76, 0xdc],
  "\u0308": [0x6c, 0x6c],
  "\u030a": [0x38, 0x6c, 0x38],
};
const CEDILLA = { mark: "\u0327", rows: [0x0c, 0x06, 0x3c] } as const;
const INVERSE: { readonly [character: string]: string } = { "◘": "•", "◙": "○" };

function drawnGlyphs(): ReadonlyMap<string, Bitmap> {
  const glyphs = new Map<string, Bitmap>();
  for (const character of ["\0", " ", "\u00a0"]) glyphs.set(character, new Uint8Array(CELL_HEIGHT));
  for (const line of glyphRows.trim().split("\n")) {
    const bitmap = new Uint8Array(CELL_HEIGHT);
    const isWhole = line.charAt(2) === "^";
    const bytes = line.slice(isWhole ? 3 : 2);
    const top = isWhole ? 0 : FIRST_GLYPH_ROW;
    for (let index = 0; index * 2 < bytes.length; index++) {
      bitmap[top + index] = Number.parseInt(bytes.slice(index * 2, index * 2 + 2), 16);
    }
    glyphs.set(line.charAt(0), bitmap);
  }
  return glyphs;
}

/** A letter and its accent; null if the character is not made of two. */
function accented(character: string, glyphs: ReadonlyMap<string, Bitmap>): Bitmap | null {
  const [letter, mark] = Array.from(character.normalize("NFD"));
  if (letter === undefined || mark === undefined) return null;
  const bitmap = glyphs.get(letter === "i" ? "ı" : letter)!.slice();
  if (mark === CEDILLA.mark) {
    bitmap.set(CEDILLA.rows, BASE_LINE + 1);
    return bitmap;
  }
  const rows = ACCENTS[mark];
  assert(rows !== undefined, "an accent of the code page", character);
  const isCapital = letter < "a";
  if (isCapital) {
    // The row that is left out is like its neighbour.
    const doubled = bitmap.findIndex((row, y) => y > FIRST_GLYPH_ROW + 1 && row === bitmap[y + 1]);
    bitmap.copyWithin(FIRST_GLYPH_ROW + 1, FIRST_GLYPH_ROW, doubled);
    bitmap[FIRST_GLYPH_ROW] = 0;
  }
  const above = isCapital ? rows.slice(-2) : rows;
  bitmap.set(above, isCapital ? 0 : FIRST_GLYPH_ROW + 2 - above.length);
  return bitmap;
}

function makeFont(): Uint8Array {
  const glyphs = drawnGlyphs();
  const font = new Uint8Array(CODE_PAGE.length * GLYPH_BYTES);
  for (const [code, character] of CODE_PAGE.entries()) {
    const inverse = INVERSE[character];
    const bitmap =
      inverse === undefined
        ? (glyphs.get(character) ?? boxGlyph(code) ?? accented(character, glyphs))
        : glyphs.get(inverse)!.map((row) => ~row);
    assert(bitmap !== null && bitmap !== undefined, "a glyph for each character", character);
    font.set(bitmap, code * GLYPH_BYTES);
  }
  return font;
}

/** 256 glyphs of 32 bytes. */
export const VGA_FONT: Uint8Array = makeFont();

/** A text screen as lines of Unicode without trailing blanks: for the clipboard, screen readers and logs. */
export function screenText({
  cells,
  columns,
  rows,
}: {
  readonly cells: Uint8Array;
  readonly columns: number;
  readonly rows: number;
}): string {
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    let line = "";
    for (let column = 0; column < columns; column++) {
      const character = CODE_PAGE[cells[(row * columns + column) * 2]!]!;
      line += character === "\0" || character === "\u00a0" ? " " : character;
    }
    lines.push(line.trimEnd());
  }
  return lines.join("\n").trimEnd();
}
