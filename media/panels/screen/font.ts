/**
 * The font of the text screen: a bitmap for each of the 256 codes of the PC's code page 437.
 *
 * ASCII is drawn by hand (`glyphs.ts`) and lines and blocks by rule (`box.ts`); accents, Greek and the symbols below 0x20 are
 * rasterised once from the host's monospace font, since no kernel's boot depends on how they look.
 */
import { boxGlyph } from "./box.ts";
import { CELL_HEIGHT, type Bitmap } from "./cell.ts";
import { glyphRows } from "./glyphs.ts";

const FIRST_GLYPH_ROW = 2;

const symbols = "\0☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
const upper =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";
/** Code page 437 as Unicode, by code. */
export const codePage: readonly string[] = [
  ...Array.from(symbols),
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)),
  "⌂",
  ...Array.from(upper),
];

function asciiGlyphs(): ReadonlyMap<string, Bitmap> {
  const glyphs = new Map<string, Bitmap>([[" ", new Uint8Array(CELL_HEIGHT)]]);
  for (const line of glyphRows.trim().split("\n")) {
    const bitmap = new Uint8Array(CELL_HEIGHT);
    const bytes = line.slice(2);
    for (let index = 0; index * 2 < bytes.length; index++) {
      bitmap[FIRST_GLYPH_ROW + index] = Number.parseInt(bytes.slice(index * 2, index * 2 + 2), 16);
    }
    glyphs.set(line.charAt(0), bitmap);
  }
  return glyphs;
}

/** Draws one character into a cell with a font of the host; a bitmap of zeros where there is no canvas to draw on. */
export type Rasterise = (character: string) => Bitmap;

/** The 256 bitmaps. */
export function makeFont(rasterise: Rasterise): readonly Bitmap[] {
  const ascii = asciiGlyphs();
  return codePage.map((character, code) => {
    if (character === "\0" || character === "\u00a0") return new Uint8Array(CELL_HEIGHT);
    return ascii.get(character) ?? boxGlyph(code) ?? rasterise(character);
  });
}

/** What a screen reader or the clipboard gets: rows of text without trailing blanks. */
export function screenText(cells: Uint8Array, columns: number, rows: number): string {
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    let line = "";
    for (let column = 0; column < columns; column++) {
      const character = codePage[cells[(row * columns + column) * 2] ?? 0] ?? " ";
      line += character === "\0" || character === "\u00a0" ? " " : character;
    }
    lines.push(line.trimEnd());
  }
  return lines.join("\n").trimEnd();
}
