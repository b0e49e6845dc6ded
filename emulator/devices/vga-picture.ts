/**
 * The picture that was drawn last, and when each of its lines last changed: what a client holds of it needs no second look.
 *
 * Invariant: a line's version is that of the drawing in which a pixel of it changed, or in which the picture changed its size.
 */
import type { Picture } from "../machine/display.ts";

export class VgaPicture implements Picture {
  width = 0;
  height = 0;
  pixels = new Uint8ClampedArray(0);
  rowVersions = new Float64Array(0);
  #words = new Uint32Array(0);
  #version = 0;

  /** Drawing starts; lines that change do so at `version`. Returns whether the size is new: everything has to be drawn. */
  begin(width: number, height: number, version: number): boolean {
    this.#version = version;
    if (width === this.width && height === this.height) return false;
    this.width = width;
    this.height = height;
    this.#words = new Uint32Array(width * height);
    this.pixels = new Uint8ClampedArray(this.#words.buffer);
    this.rowVersions = new Float64Array(height).fill(version);
    return true;
  }

  readonly put = (y: number, line: Uint32Array): void => {
    const words = this.#words;
    const start = y * this.width;
    let x = 0;
    while (x < line.length && words[start + x] === line[x]) x++;
    if (x === line.length) return;
    words.set(line, start);
    this.rowVersions[y] = this.#version;
  };
}
