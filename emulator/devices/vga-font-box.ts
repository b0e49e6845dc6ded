/**
 * Code page 437's lines, blocks and shades (0xB0…0xDF, 0xFE), drawn from rules so that neighbouring cells join without a seam.
 *
 * A line character is four arms (up, right, down, left), each absent, single or double. A single line is two dots thick through the
 * middle of the 8 × 16 cell; a double one is two such strands with a gap between.
 */
/** A byte per dot row, bit 7 leftmost. */
export type Bitmap = Uint8Array;
const CELL_HEIGHT = 16;
const CELL_WIDTH = 8;

/** From 0xB3 to 0xDA: arms up, right, down, left. Between them lie the blocks, at 0xDB. */
const arms = [
  ..."1010 1011 1012 2021 0021 0012 2022 2020 0022 2002 2001 1002 0011".split(" "),
  ..."1100 1101 0111 1110 0101 1111 1210 2120 2200 0220 2202 0222 2220 0202 2222".split(" "),
  ..."1202 2101 0212 0121 2100 1200 0210 0120 2121 1212 1001 0110".split(" "),
];

interface Strands {
  readonly single: readonly [number, number];
  readonly double: readonly [number, number];
  readonly gap: readonly [number, number];
}
// First and last dot of a line across its direction.
const columns: Strands = { single: [3, 4], double: [1, 6], gap: [3, 4] };
const rows: Strands = { single: [7, 8], double: [5, 10], gap: [7, 8] };

type Paint = (value: 0 | 1, row: readonly [number, number], column: readonly [number, number]) => void;

function drawLines(paint: Paint, code: string): void {
  const [up = 0, right = 0, down = 0, left = 0] = Array.from(code, Number);
  const vertical = Math.max(up, down);
  const horizontal = Math.max(left, right);
  // An arm reaches to the far side of the line it meets, so that corners close.
  const rowReach = horizontal === 2 ? rows.double : rows.single;
  const columnReach = vertical === 2 ? columns.double : columns.single;
  const across = (weight: number, strands: Strands) => (weight === 2 ? strands.double : strands.single);

  if (up > 0) paint(1, [0, rowReach[1]], across(up, columns));
  if (down > 0) paint(1, [rowReach[0], CELL_HEIGHT - 1], across(down, columns));
  if (left > 0) paint(1, across(left, rows), [0, columnReach[1]]);
  if (right > 0) paint(1, across(right, rows), [columnReach[0], CELL_WIDTH - 1]);

  // The gaps between strands: to the middle if the line ends there, else through; a single line they meet stays whole.
  const rowStop =
    horizontal === 1 && up * down === 0 ? [rows.single[0] - 1, rows.single[1] + 1] : rows.gap.toReversed();
  const columnStop =
    vertical === 1 && left * right === 0
      ? [columns.single[0] - 1, columns.single[1] + 1]
      : columns.gap.toReversed();
  if (up === 2) paint(0, [0, rowStop[0] ?? 0], columns.gap);
  if (down === 2) paint(0, [rowStop[1] ?? 0, CELL_HEIGHT - 1], columns.gap);
  if (left === 2) paint(0, rows.gap, [0, columnStop[0] ?? 0]);
  if (right === 2) paint(0, rows.gap, [columnStop[1] ?? 0, CELL_WIDTH - 1]);

  // A single line that crosses a double one crosses its gap too.
  if (up === 1 && down === 1 && horizontal === 2) paint(1, [0, CELL_HEIGHT - 1], columns.single);
  if (left === 1 && right === 1 && vertical === 2) paint(1, rows.single, [0, CELL_WIDTH - 1]);
}

/** The glyph of a line, block or shade; null for every other code. */
export function boxGlyph(code: number): Bitmap | null {
  const bitmap = new Uint8Array(CELL_HEIGHT);
  const paint: Paint = (value, [top, bottom], [first, last]) => {
    let mask = 0;
    for (let column = first; column <= last; column++) mask |= 0x80 >> column;
    for (let row = top; row <= bottom; row++)
      bitmap[row] = ((bitmap[row] ?? 0) & ~mask) | (value === 1 ? mask : 0);
  };
  const lines = arms[code < 0xdb ? code - 0xb3 : -1];
  if (lines !== undefined) drawLines(paint, lines);
  else if (code === 0xb0) bitmap.forEach((_, row) => (bitmap[row] = row % 2 === 0 ? 0x88 : 0x22));
  else if (code === 0xb1) bitmap.forEach((_, row) => (bitmap[row] = row % 2 === 0 ? 0xaa : 0x55));
  else if (code === 0xb2) bitmap.forEach((_, row) => (bitmap[row] = row % 2 === 0 ? 0x77 : 0xdd));
  else if (code === 0xdb) paint(1, [0, 15], [0, 7]);
  else if (code === 0xdc) paint(1, [8, 15], [0, 7]);
  else if (code === 0xdd) paint(1, [0, 15], [0, 3]);
  else if (code === 0xde) paint(1, [0, 15], [4, 7]);
  else if (code === 0xdf) paint(1, [0, 7], [0, 7]);
  else if (code === 0xfe) paint(1, [5, 11], [1, 6]);
  else return null;
  return bitmap;
}
