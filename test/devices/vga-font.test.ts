/** The VGA's font: complete, distinct, and lines that join. */
import { describe, expect, it } from "vitest";
import { CODE_PAGE as codePage, screenText, VGA_FONT } from "../../emulator/devices/vga-font.ts";
import type { Bitmap } from "../../emulator/devices/vga-font-box.ts";

const CELL_WIDTH = 8;
const CELL_HEIGHT = 16;
const GLYPH_BYTES = 32;
const blank = (): Bitmap => new Uint8Array(CELL_HEIGHT);
const font = Array.from({ length: 256 }, (_, code) =>
  VGA_FONT.subarray(code * GLYPH_BYTES, code * GLYPH_BYTES + CELL_HEIGHT),
);

const glyph = (character: string): Bitmap => font[codePage.indexOf(character)] ?? blank();
const dot = (bitmap: Bitmap, row: number, column: number): boolean =>
  ((bitmap[row] ?? 0) & (0x80 >> column)) !== 0;

describe("the font", () => {
  it("has code page 437's 256 characters", () => {
    expect(codePage).toHaveLength(256);
    expect(new Set(codePage).size).toBe(256);
    expect(codePage[0x41]).toBe("A");
    expect(codePage[0x80]).toBe("Ç");
    expect(codePage[0xc9]).toBe("╔");
    expect(codePage[0xe1]).toBe("ß");
    expect(font).toHaveLength(256);
  });
  it("has a glyph of its own for each character but the three blanks", () => {
    const shapes = new Set(font.map(String));
    expect(shapes.size).toBe(256 - 2);
    expect(font.flatMap((bitmap, code) => (String(bitmap) === String(blank()) ? [code] : []))).toEqual([
      0, 0x20, 0xff,
    ]);
  });
  it("keeps letters off the cell's edge, so that they do not touch", () => {
    for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") {
      for (let row = 0; row < CELL_HEIGHT; row++)
        expect(dot(glyph(character), row, CELL_WIDTH - 1)).toBe(false);
    }
  });
});

// Which of the four edges each line character reaches, and with one strand or two.
const lines: readonly (readonly [string, number, number, number, number])[] = [
  ["│", 1, 0, 1, 0],
  ["─", 0, 1, 0, 1],
  ["┼", 1, 1, 1, 1],
  ["┌", 0, 1, 1, 0],
  ["┘", 1, 0, 0, 1],
  ["║", 2, 0, 2, 0],
  ["═", 0, 2, 0, 2],
  ["╬", 2, 2, 2, 2],
  ["╔", 0, 2, 2, 0],
  ["╝", 2, 0, 0, 2],
  ["╣", 2, 0, 2, 2],
  ["╟", 2, 1, 2, 0],
  ["╪", 1, 2, 1, 2],
  ["╫", 2, 1, 2, 1],
  ["╤", 0, 2, 1, 2],
  ["╒", 0, 2, 1, 0],
  ["╙", 2, 1, 0, 0],
];

describe("lines", () => {
  it.each(lines)("%s reaches up %i, right %i, down %i, left %i", (character, ...weights) => {
    const bitmap = glyph(character);
    const runs = (dots: readonly boolean[]): number =>
      dots.filter((on, index) => on && dots[index - 1] !== true).length;
    const column = (at: number) => Array.from({ length: CELL_HEIGHT }, (_, row) => dot(bitmap, row, at));
    const row = (at: number) => Array.from({ length: CELL_WIDTH }, (_, index) => dot(bitmap, at, index));
    const edges = [row(0), column(CELL_WIDTH - 1), row(CELL_HEIGHT - 1), column(0)];
    expect(edges.map(runs)).toEqual(weights);
  });
  it("leaves a double corner's inside open", () => {
    expect(dot(glyph("╔"), 7, 3)).toBe(false);
    expect(dot(glyph("╔"), CELL_HEIGHT - 1, 3)).toBe(false);
  });
});

describe("text of a screen", () => {
  it("is rows without trailing blanks", () => {
    const cells = new Uint8Array(4 * 2 * 2).fill(0x20);
    cells[0] = 0x48;
    cells[2] = 0x69;
    cells[8] = 0xc9;
    expect(screenText({ cells, columns: 4, rows: 2 })).toBe("Hi\n╔");
  });
});
