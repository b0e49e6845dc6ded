/**
 * The picture as the Display panel has it, in the pieces in which it came: a panel that was hidden has lost it, and its session may be over by the time it is shown again.
 */
import type { Band, ToDisplayPanel } from "../../media/panels/display/messages.ts";
import type { DisplayBody } from "../../media/protocol.ts";

/** With more pieces than this it is better to ask for the whole once. */
const MOST_BANDS = 200;

type Picture = Extract<ToDisplayPanel, { kind: "picture" }>;

export class KeptPicture {
  #whole: Picture;

  constructor(display: DisplayBody) {
    this.#whole = messageOf(display);
  }

  /** A message that shows it from nothing. */
  get whole(): Picture {
    return this.#whole;
  }

  get isInManyPieces(): boolean {
    return this.#whole.bands.length > MOST_BANDS;
  }

  /** Takes what has changed. Returns the message that says so, or null if nothing has. */
  update(display: DisplayBody): Picture | null {
    const message = messageOf(display);
    const before = this.#whole;
    const isAnother = message.width !== before.width || message.height !== before.height;
    const isSame =
      message.bands.length === 0 &&
      !isAnother &&
      JSON.stringify(besides(message)) === JSON.stringify(besides(before));
    if (isSame) return null;
    const isCovered = (band: Band): boolean =>
      message.bands.some(({ y, height }) => y <= band.y && y + height >= band.y + band.height);
    const kept = isAnother ? [] : before.bands.filter((band) => !isCovered(band));
    this.#whole = { ...message, bands: [...kept, ...message.bands] };
    return message;
  }
}

const besides = ({ cursor, text }: Picture): object => ({ cursor, text });

function messageOf({ width, height, bands, cursor, text }: DisplayBody): Picture {
  return {
    kind: "picture",
    width,
    height,
    bands: bands.map(({ y, height: lines, data }) => ({
      y,
      height: lines,
      data: new Uint8Array(Buffer.from(data, "base64")),
    })),
    cursor,
    text: text === null ? null : { columns: text.columns, rows: text.rows, lines: text.lines },
  };
}
