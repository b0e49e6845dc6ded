/** INT 10h AH=0Eh: a screen as a terminal, and the BIOS's own messages. */
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";
import { drawCharacter, scrollPixels } from "./graphics.ts";
import { cellAt, cursorOf, moveCursor, screenOf, scrollText } from "./text.ts";

const BELL = 7;
const BACKSPACE = 8;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const LIGHT_GREY = 7;

/** @param attribute of the cell in text modes, null to keep it; the colour in graphics modes */
export function teletype(
  call: Call,
  page: number,
  code: number,
  attribute: number | null,
  colour: number,
): void {
  const screen = screenOf(call);
  const isText = screen.mode.kind === "text";
  let { column, row } = cursorOf(call, page);
  if (code === BELL) return; // the speaker is the host's to sound
  else if (code === BACKSPACE) column = Math.max(column - 1, 0);
  else if (code === LINE_FEED) row++;
  else if (code === CARRIAGE_RETURN) column = 0;
  else {
    if (isText) {
      const at = cellAt(screen, page, { column, row });
      if (attribute === null) call.write(at, 1, code);
      else call.write(at, 2, code | (attribute << 8));
    } else drawCharacter(call, screen, page, { column, row }, code, colour);
    column++;
    if (column >= screen.columns) {
      column = 0;
      row++;
    }
  }
  if (row >= screen.rows) {
    row = screen.rows - 1;
    const area = { top: 0, left: 0, bottom: row, right: screen.columns - 1 };
    if (isText) {
      const last = call.read(cellAt(screen, page, { column, row }) + 1, 1);
      scrollText(call, screen, page, area, 1, last);
    } else scrollPixels(call, screen, page, area, 1, 0);
  }
  moveCursor(call, page, { column, row });
}

/** A message of the BIOS itself. */
export function print(call: Call, message: string): void {
  const page = call.data(BDA.page);
  for (const character of message) teletype(call, page, character.charCodeAt(0), LIGHT_GREY, LIGHT_GREY);
}
