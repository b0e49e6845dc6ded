/**
 * The VGA's registers as plain data, which of their bits exist, and what they say about the picture, the DISPI extension included.
 *
 * Elsewhere: how software reaches them (`vga.ts`, `vga-dispi.ts`), what is drawn by them (`vga-text.ts`, `vga-pixels.ts`).
 */

/** Bits that exist in each register. */
export const SEQUENCER_MASKS = Uint8Array.of(0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff);
export const GRAPHICS_MASKS = Uint8Array.of(
  0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0,
); // oxfmt-ignore
export const CRTC_REGISTERS = 0x19;
export const ATTRIBUTE_REGISTERS = 0x15;
export const ATTRIBUTE_MASKS = Uint8Array.from({ length: ATTRIBUTE_REGISTERS }, (_, index) =>
  index < 0x10 ? 0x3f : [0xef, 0xff, 0x3f, 0x0f, 0x0f][index - 0x10]!,
);
/** The DISPI registers that are kept: 0 … 9. */
export const DISPI_REGISTERS = 10;

export type VgaState = {
  misc: number;
  feature: number;
  sequencerIndex: number;
  sequencer: Uint8Array;
  graphicsIndex: number;
  graphics: Uint8Array;
  crtcIndex: number;
  crtc: Uint8Array;
  /** Index with bit 5, palette address source. */
  attributeIndex: number;
  /** The next write to 0x3c0 is data. */
  attributeData: boolean;
  attribute: Uint8Array;
  /** 256 × red, green, blue, of 6 bits or, if the DISPI says so, 8. */
  dac: Uint8Array;
  dacMask: number;
  dacRead: number;
  dacWrite: number;
  /** Byte 0 … 2 of the colour that is read or written. */
  dacByte: number;
  /** What a read of 0x3c7 gives: 3 after a read index was set, 0 after a write index. */
  dacState: number;
  /** The byte of each plane that the last planar read fetched, plane 0 lowest. */
  latch: number;
  dispiIndex: number;
  /** By DISPI index (`vga-dispi.ts`). */
  dispi: number[];
  /** The frame buffer's words are stored big-endian (QEMU's extended registers). */
  bigEndian: boolean;
  now: number;
};

export const DISPI = {
  id: 0,
  width: 1,
  height: 2,
  bitsPerPixel: 3,
  enable: 4,
  bank: 5,
  virtualWidth: 6,
  virtualHeight: 7,
  x: 8,
  y: 9,
  /** Read only: memory in units of 64 KiB. */
  memory: 10,
} as const;

export const DISPI_ENABLE = { enabled: 1, capabilities: 2, dac8: 0x20, linear: 0x40, keep: 0x80 } as const;

export function powerOn(now: number): VgaState {
  const dispi = Array.from({ length: DISPI_REGISTERS }, () => 0);
  dispi[DISPI.id] = 0xb0c5;
  return {
    misc: 0,
    feature: 0,
    sequencerIndex: 0,
    sequencer: new Uint8Array(8),
    graphicsIndex: 0,
    graphics: new Uint8Array(16),
    crtcIndex: 0,
    crtc: new Uint8Array(CRTC_REGISTERS),
    attributeIndex: 0,
    attributeData: false,
    attribute: new Uint8Array(ATTRIBUTE_REGISTERS),
    dac: new Uint8Array(768),
    dacMask: 0xff,
    dacRead: 0,
    dacWrite: 0,
    dacByte: 0,
    dacState: 0,
    latch: 0,
    dispiIndex: 0,
    dispi,
    bigEndian: false,
    now,
  };
}

export const dispiEnabled = ({ dispi }: VgaState): boolean =>
  (dispi[DISPI.enable]! & DISPI_ENABLE.enabled) !== 0;

/** A DISPI mode of more than 4 bits per pixel: the frame buffer is linear, whatever the sequencer says. */
export const isLinear = (state: VgaState): boolean =>
  dispiEnabled(state) && state.dispi[DISPI.bitsPerPixel] !== 4;

/** Bytes of the frame buffer from one line to the next in a DISPI mode. */
export function dispiLineBytes({ dispi }: VgaState): number {
  const bits = dispi[DISPI.bitsPerPixel] === 15 ? 16 : dispi[DISPI.bitsPerPixel]!;
  return (dispi[DISPI.virtualWidth]! * bits) >> 3;
}

/** Shown lines, as the CRTC counts them: its register 0x12 and two bits of the overflow register. */
export const shownLines = ({ crtc }: VgaState): number =>
  (crtc[0x12]! | ((crtc[7]! & 2) << 7) | ((crtc[7]! & 0x40) << 3)) + 1;

/** The line after which the picture goes on from the start of memory. */
export const lineCompare = ({ crtc }: VgaState): number =>
  crtc[0x18]! | ((crtc[7]! & 0x10) << 4) | ((crtc[9]! & 0x40) << 3);

/** The first cell, or word of 4 bytes, that is shown. */
export const startAddress = ({ crtc }: VgaState): number => (crtc[0x0c]! << 8) | crtc[0x0d]!;

/** Nothing is shown: the palette is being written, or the screen is switched off (sequencer 1 bit 5). */
export const isBlank = (state: VgaState): boolean =>
  (state.attributeIndex & 0x20) === 0 || (!dispiEnabled(state) && (state.sequencer[1]! & 0x20) !== 0);

/** A colour of the DAC as a pixel: red in the low byte, then green, blue and an opaque alpha. */
export function dacColour({ dac, dacMask, dispi }: VgaState, index: number): number {
  const at = (index & dacMask) * 3;
  const level = (value: number): number => {
    if ((dispi[DISPI.enable]! & DISPI_ENABLE.dac8) !== 0) return value;
    // Six bits become eight, the lowest repeated, as in QEMU.
    return ((value & 0x3f) << 2) | ((value & 1) * 3);
  };
  return (0xff000000 | level(dac[at]!) | (level(dac[at + 1]!) << 8) | (level(dac[at + 2]!) << 16)) >>> 0;
}

/** The sixteen colours of text and planar modes: through the attribute controller's palette to the DAC. */
export function palette16(state: VgaState): Uint32Array {
  const { attribute } = state;
  const select = attribute[0x14]!;
  return Uint32Array.from({ length: 16 }, (_, index) => {
    const entry = attribute[index]!;
    const colour =
      (attribute[0x10]! & 0x80) !== 0
        ? ((select & 0x0f) << 4) | (entry & 0x0f)
        : ((select & 0x0c) << 4) | (entry & 0x3f);
    return dacColour(state, colour);
  });
}

export const palette256 = (state: VgaState): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, index) => dacColour(state, index));
