/**
 * What the monitor says about itself: an EDID 1.4 base block (VESA E-EDID Standard, Release A2). A flat panel of 1024 × 768 that takes other sizes, too.
 *
 * Elsewhere: who reads it (`pci/display.ts`).
 */
const BLOCK_BYTES = 128;
const HEADER = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00] as const;
const VENDOR = "RZN";
const PRODUCT = 0x0001;
/** Year of manufacture, less 1990. */
const YEAR = 36;
/** Digital, 8 bits per colour, interface undefined. */
const DIGITAL = 0xa0;
const WIDTH_CM = 26;
const HEIGHT_CM = 20;
/** 2.2, in hundredths above 1. */
const GAMMA = 120;
/** RGB only; the preferred timing is the native one. */
const FEATURES = 0x06;
/** sRGB primaries and white point, in 10 bits each, as §3.7 packs them. */
const CHROMATICITY = [0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54] as const;
/** Established timings: 640×480, 800×600, 1024×768, at 60 Hz. */
const ESTABLISHED = [0x21, 0x08, 0x00] as const;
/** Standard timings: width / 8 − 31, then aspect ratio (0: 16:10, 1: 4:3, 2: 5:4, 3: 16:9) and 60 Hz. */
const STANDARD = [
  [1920, 3],
  [1600, 1],
  [1280, 2],
  [1280, 0],
  [1440, 0],
  [1680, 0],
  [1024, 1],
  [800, 1],
] as const;

/** 1024 × 768 at 60 Hz (VESA DMT): active, blanking, sync offset and width, in pixels and lines. */
const TIMING = {
  clockHertz: 65_000_000,
  horizontal: { active: 1024, blank: 320, front: 24, sync: 136 },
  vertical: { active: 768, blank: 38, front: 3, sync: 6 },
} as const;

function detailedTiming(): number[] {
  const { horizontal: h, vertical: v, clockHertz } = TIMING;
  const clock = clockHertz / 10_000;
  const high = (value: number): number => value >> 8;
  return [
    clock & 0xff, high(clock),
    h.active & 0xff, h.blank & 0xff, (high(h.active) << 4) | high(h.blank),
    v.active & 0xff, v.blank & 0xff, (high(v.active) << 4) | high(v.blank),
    h.front, h.sync, (v.front << 4) | v.sync, 0,
    (WIDTH_CM * 10) & 0xff, HEIGHT_CM * 10, high(WIDTH_CM * 10) << 4,
    0, 0, 0x18, // digital separate sync
  ]; // oxfmt-ignore
}

/** A display descriptor of 18 bytes: tag and up to 13 bytes. */
function descriptor(tag: number, bytes: readonly number[]): number[] {
  return [0, 0, 0, tag, 0, ...bytes, ...Array.from({ length: 13 - bytes.length }, () => 0x20)];
}

const characters = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

/** Three letters of five bits, A = 1, high byte first. */
function vendorBytes(name: string): number[] {
  const word = characters(name).reduce((bits, code) => (bits << 5) | (code - 0x40), 0);
  return [word >> 8, word & 0xff];
}

export function monitorEdid(): Uint8Array {
  const ratesAndSizes = [50, 125, 30, 160, 25, 0x01, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20];
  const block = Uint8Array.from([
    ...HEADER,
    ...vendorBytes(VENDOR), PRODUCT & 0xff, PRODUCT >> 8, 0, 0, 0, 0, 0, YEAR, 1, 4,
    DIGITAL, WIDTH_CM, HEIGHT_CM, GAMMA, FEATURES,
    ...CHROMATICITY,
    ...ESTABLISHED,
    ...STANDARD.flatMap(([width, aspect]) => [width / 8 - 31, aspect << 6]),
    ...detailedTiming(),
    ...descriptor(0xfd, ratesAndSizes),
    ...descriptor(0xfc, [...characters("Redzone"), 0x0a]),
    ...descriptor(
      0x10,
      Array.from({ length: 13 }, () => 0),
    ),
    0, // no extensions
    0,
  ]); // oxfmt-ignore
  // All bytes of the block sum up to a multiple of 256.
  block[BLOCK_BYTES - 1] = -block.reduce((sum, byte) => sum + byte, 0);
  return block;
}
