/**
 * The machine's display as a client sees it: what has changed since it looked last, and the whole as a picture.
 *
 * Invariant: nothing is remembered per client. Each line of the picture knows when it changed, so any number of clients can ask, each from where it stands.
 */
import { deflateSync } from "node:zlib";
import { cursorBox, type CursorBox, type Machine, screenText } from "../emulator/index.ts";
import type { DisplayBand, DisplayBody, DisplayText } from "../media/protocol.ts";
import { type Pixels, rgbRows } from "./png.ts";
import { base64 } from "./requests/run.ts";

/** Speed before size: a picture is used once. */
const LEVEL = 1;
/** Unchanged lines between changed ones that are sent along rather than a band of its own begun. */
const GAP_LINES = 8;

/** @param since the version that the client has; −1: none. */
export function displayBody(machine: Machine, since: number): DisplayBody {
  const version = machine.displayVersion;
  const picture = machine.picture();
  const { width, height, rowVersions } = picture;
  const bands: DisplayBand[] = [];
  if (since !== version) {
    for (const { first, end } of changedLines(rowVersions, since)) {
      const data = base64(deflateSync(rgbRows(picture, first, end - first), { level: LEVEL }));
      bands.push({ y: first, height: end - first, data });
    }
  }
  return { version, width, height, bands, ...textOf(machine) };
}

function textOf(machine: Machine): Pick<DisplayBody, "text" | "cursor"> {
  const display = machine.display();
  if (display.kind === "pixels") return { text: null, cursor: null };
  const { columns, rows, cells } = display;
  const text: DisplayText = { columns, rows, cells: base64(cells), lines: screenText(display) };
  return { text, cursor: cursorBox(display) };
}

function changedLines(versions: Float64Array, since: number): { first: number; end: number }[] {
  const runs: { first: number; end: number }[] = [];
  for (let y = 0; y < versions.length; y++) {
    if (versions[y]! <= since) continue;
    const last = runs.at(-1);
    if (last !== undefined && y - last.end <= GAP_LINES) last.end = y + 1;
    else runs.push({ first: y, end: y + 1 });
  }
  return runs;
}

/** The display with its text cursor, in the visible half of its blinking. */
export function capture(machine: Machine): Pixels {
  const { width, height, pixels } = machine.picture();
  const display = machine.display();
  const cursor = display.kind === "text" ? cursorBox(display) : null;
  const copy = pixels.slice();
  if (cursor !== null) drawCursor(copy, width, cursor);
  return { width, height, pixels: copy };
}

function drawCursor(pixels: Uint8ClampedArray, width: number, cursor: CursorBox): void {
  for (let y = cursor.y; y < cursor.y + cursor.height; y++) {
    for (let x = cursor.x; x < cursor.x + cursor.width; x++) pixels.set(cursor.colour, (y * width + x) * 4);
  }
}
