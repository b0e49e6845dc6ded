/**
 * The characters of INT 10h in the heights that a VGA BIOS has, from the adapter's one font of 16 lines; and where they are in segment C000, for programs
 * that draw with them.
 *
 *     C000:1000  16 lines, 4 KiB     C000:2000  14 lines, 3.5 KiB     C000:3000  8 lines, 2 KiB (its first half also at F000:FA6E)
 */
import { VGA_FONT } from "../../devices/vga-font.ts";

/** Bytes of a glyph in the adapter's memory. */
export const GLYPH_BYTES = 32;
const GLYPHS = 256;

export const VIDEO_ROM_SEGMENT = 0xc000;
export const FONT_OFFSET = { 8: 0x3000, 14: 0x2000, 16: 0x1000 } as const;
export type FontHeight = keyof typeof FONT_OFFSET;
/** In segment F000, the first 128 characters of eight lines: where every PC has had them. */
export const SMALL_FONT = 0xfa6e;
const VIDEO_ROM_BYTES = 0x4000;

const fonts = new Map<number, Uint8Array>();

/** 256 glyphs of `height` bytes each. */
export function glyphs(height: number): Uint8Array {
  const made = fonts.get(height) ?? make(height);
  fonts.set(height, made);
  return made;
}

/** Eight lines: each of two together. Fourteen: without the top and bottom line. */
function make(height: number): Uint8Array {
  const font = new Uint8Array(GLYPHS * height);
  const top = (16 - height) >> 1;
  for (let code = 0; code < GLYPHS; code++) {
    const rows = VGA_FONT.subarray(code * GLYPH_BYTES, (code + 1) * GLYPH_BYTES);
    if (height !== 8) font.set(rows.subarray(top, top + height), code * height);
    else for (let n = 0; n < 8; n++) font[code * 8 + n] = rows[n * 2]! | rows[n * 2 + 1]!;
  }
  return font;
}

/** What segment C000 holds: fonts and tables. It has no option ROM's signature, since nothing is to be run. */
export function videoRom(): Uint8Array {
  const rom = new Uint8Array(VIDEO_ROM_BYTES);
  for (const height of [8, 14, 16] as const) rom.set(glyphs(height), FONT_OFFSET[height]);
  rom.set(VBE_OEM, VBE_OEM_OFFSET);
  rom.set(FUNCTIONALITY, FUNCTIONALITY_OFFSET);
  return rom;
}

/** The name that VBE gives the adapter. */
export const VBE_OEM_OFFSET = 0x100;
const VBE_OEM = Uint8Array.from(Array.from("Redzone VGA BIOS\0", (character) => character.charCodeAt(0)));

/** INT 10h AH=1Bh points here: modes 0 … 7, 0Dh … 13h; 200, 350 and 400 lines; two fonts of eight; what else a VGA BIOS does. */
export const FUNCTIONALITY_OFFSET = 0x120;
const FUNCTIONALITY = Uint8Array.of(0xff, 0xe0, 0x0f, 0, 0, 0, 0, 7, 2, 8, 0xff, 0x0e, 0, 0, 0x3f, 0);
