/**
 * The guest's picture on a canvas: bands of lines go in as they arrive, the text cursor blinks on top.
 *
 * Invariant: a canvas pixel is a pixel of the guest's; sizing on the page is CSS's. Bands are drawn in the order in which they came.
 */
import type { DisplayCursor } from "../../protocol.ts";
import type { Band } from "./messages.ts";

/** Half a period of the cursor's blinking: a VGA turns it every 16 frames of 1/70 s. */
const BLINK_MILLISECONDS = 230;
const OPAQUE = 0xff;

export class DisplayCanvas {
  readonly #canvas: HTMLCanvasElement;
  #image: ImageData | null = null;
  #cursor: DisplayCursor | null = null;
  #cursorOn = true;
  #blink: ReturnType<typeof setInterval> | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** Draws what has changed. Resolves when it is there. */
  async update(
    width: number,
    height: number,
    bands: readonly Band[],
    cursor: DisplayCursor | null,
  ): Promise<void> {
    const rows = await Promise.all(bands.map(async ({ data }) => inflate(data)));
    if (this.#image === null || this.#image.width !== width || this.#image.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#image = new ImageData(width, height);
    }
    this.#wipeCursor();
    const { data } = this.#image;
    for (const [i, band] of bands.entries()) {
      const rgb = rows[i]!;
      for (let from = 0, to = band.y * width * 4; from < rgb.length; from += 3, to += 4) {
        data[to] = rgb[from]!;
        data[to + 1] = rgb[from + 1]!;
        data[to + 2] = rgb[from + 2]!;
        data[to + 3] = OPAQUE;
      }
      this.#context.putImageData(this.#image, 0, 0, 0, band.y, width, band.height);
    }
    this.#cursor = cursor;
    this.#cursorOn = true;
    this.#drawCursor();
  }

  /** Lets the cursor blink, or stand still. */
  set blinks(blinks: boolean) {
    clearInterval(this.#blink);
    this.#blink = undefined;
    if (blinks) this.#blink = setInterval(() => this.#turnCursor(), BLINK_MILLISECONDS);
    else if (!this.#cursorOn) this.#turnCursor();
  }

  get #context(): CanvasRenderingContext2D {
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("the canvas has a context");
    return context;
  }

  #turnCursor(): void {
    if (this.#cursor === null) return;
    this.#cursorOn = !this.#cursorOn;
    if (this.#cursorOn) this.#drawCursor();
    else this.#wipeCursor();
  }

  #drawCursor(): void {
    if (this.#cursor === null) return;
    const { x, y, width, height, colour } = this.#cursor;
    const context = this.#context;
    context.fillStyle = `rgb(${colour.join(" ")})`;
    context.fillRect(x, y, width, height);
  }

  #wipeCursor(): void {
    if (this.#cursor === null || this.#image === null) return;
    const { x, y, width, height } = this.#cursor;
    this.#context.putImageData(this.#image, 0, 0, x, y, width, height);
  }
}

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  // A copy of its own: what arrives in a message may be part of a larger buffer.
  const stream = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
