/** Pictures as PNG files (W3C PNG, third edition): 8 bits of red, green and blue, each line filtered by the one that makes it smallest. */
import { deflateSync } from "node:zlib";
import { crc32 } from "./crc32.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;
const BIT_DEPTH = 8;
const TRUECOLOUR = 2;
const PIXEL_BYTES = 3;
/** Filters of a line (§9.2) that are tried: as it is, less the pixel to the left, less the line above. */
const FILTER = { none: 0, sub: 1, up: 2 } as const;

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha; row by row. Alpha is ignored: a display is opaque. */
  readonly pixels: Uint8ClampedArray;
}

export function encodePng(picture: Pixels): Uint8Array {
  const { width, height } = picture;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([BIT_DEPTH, TRUECOLOUR], 8);
  return concatenate([
    Uint8Array.from(SIGNATURE),
    ...chunk("IHDR", header),
    ...chunk("IDAT", deflateSync(filtered(picture))),
    ...chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Rows [first, first + count) without alpha. */
export function rgbRows({ width, pixels }: Pixels, first: number, count: number): Uint8Array {
  const rgb = new Uint8Array(width * count * PIXEL_BYTES);
  const end = (first + count) * width * 4;
  for (let from = first * width * 4, to = 0; from < end; from += 4) {
    rgb[to++] = pixels[from]!;
    rgb[to++] = pixels[from + 1]!;
    rgb[to++] = pixels[from + 2]!;
  }
  return rgb;
}

function filtered(picture: Pixels): Uint8Array {
  const lineBytes = picture.width * PIXEL_BYTES;
  const out = new Uint8Array((lineBytes + 1) * picture.height);
  let above: Uint8Array = new Uint8Array(lineBytes);
  for (let y = 0; y < picture.height; y++) {
    const line = rgbRows(picture, y, 1);
    const kinds = [
      { filter: FILTER.none, bytes: line },
      {
        filter: FILTER.sub,
        bytes: line.map((byte, i) => byte - (i < PIXEL_BYTES ? 0 : line[i - PIXEL_BYTES]!)),
      },
      { filter: FILTER.up, bytes: line.map((byte, i) => byte - above[i]!) },
    ] as const;
    // The usual guess: what is nearest to zero compresses best.
    const best = kinds
      .map((kind) => ({
        ...kind,
        weight: kind.bytes.reduce((sum, byte) => sum + Math.min(byte, 256 - byte), 0),
      }))
      .reduce((a, b) => (b.weight < a.weight ? b : a));
    out[y * (lineBytes + 1)] = best.filter;
    out.set(best.bytes, y * (lineBytes + 1) + 1);
    above = line;
  }
  return out;
}

/** Length, type, data and CRC. */
function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const name = Uint8Array.from(type, (letter) => letter.charCodeAt(0));
  return [word(data.length), name, data, word(crc32(data, crc32(name)))];
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
