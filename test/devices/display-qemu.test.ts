/** The pictures of every kind of mode are QEMU's, pixel by pixel. */
import { expect, test } from "vitest";
import { canCompare, compile, OurGuest, qemuPictures } from "./display-qemu.ts";

/**
 * Deliberate differences: a channel of 5 bits that is full is full in ours, 248 in QEMU's 15-bit modes; shades and lines from 0xb0 to 0xbf have no ninth dot, nor is a
 * cell of 40 columns cut to 16 dots. Not compared: DISPI modes of 4 bits, in which QEMU ignores the map mask.
 */
const SCENES = [
  "text, 80 × 25 cells of 9 × 16",
  "text, cells of 8 × 8, two fonts, scrolled and split",
  "256 colours, chained",
  "256 colours, unchained, 240 lines",
  "640 × 480 in 16 colours",
  "320 × 200 in 16 colours",
  "CGA, 4 colours",
  "CGA, 2 colours",
  "DISPI 1024 × 768, 32 bits",
  "DISPI 800 × 600, 24 bits, virtual width, moved",
  "DISPI 800 × 600, 16 bits, moved down",
  "DISPI 640 × 480, 15 bits",
  "DISPI 1280 × 1024, 8 bits, DAC of 8 bits",
  "DISPI 640 × 480, 8 bits, by banks",
];

test.skipIf(!canCompare)("pictures are those of QEMU's screendump", { timeout: 120_000 }, async () => {
  const path = compile();
  const theirs = await qemuPictures(path, SCENES.length);
  const guest = new OurGuest(path);
  const differences: string[] = [];
  for (const [number, scene] of SCENES.entries()) {
    const ours = guest.next(number);
    const { width, height, rgb } = theirs[number]!;
    if (ours.width !== width || ours.height !== height) {
      differences.push(`${scene}: ${ours.width} × ${ours.height}, in QEMU ${width} × ${height}`);
      continue;
    }
    const mask = scene.endsWith("15 bits") ? 0xf8 : 0xff;
    const isSame = (at: number): boolean => ((rgb[at]! ^ ours.rgb[at]!) & mask) === 0;
    let count = 0;
    let first = -1;
    for (let at = 0; at < rgb.length; at += 3) {
      if (isSame(at) && isSame(at + 1) && isSame(at + 2)) continue;
      if (count++ === 0) first = at / 3;
    }
    if (count > 0) {
      const colour = (from: Uint8Array): string => from.subarray(first * 3, first * 3 + 3).join();
      differences.push(
        `${scene}: ${count} pixels differ, first (${first % width}, ${Math.floor(first / width)}): ${colour(ours.rgb)}, in QEMU ${colour(rgb)}`,
      );
    }
  }
  expect(differences).toEqual([]);
});
