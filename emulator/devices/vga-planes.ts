/**
 * The VGA's 256 KiB of memory: four planes behind the data path of the graphics controller (IBM VGA Technical Reference §2-51 ff.).
 *
 * A byte of plane p at offset o lies at o × 4 + p, so that a text cell's character and attribute are neighbours, and chain-4 and odd/even addresses
 * need one shift; the numbering of cells and pixels is QEMU's. Elsewhere: the registers (`vga.ts`).
 */

/** The registers the data path depends on, by index. */
export interface PlaneControl {
  /** 2 map mask, 4 memory mode (3: chain-4) */
  readonly sequencer: Uint8Array;
  /** 0 set/reset, 1 its enable, 2 colour compare, 3 rotate and function, 4 read map, 5 mode, 6 window, 7 colour don't care, 8 bit mask */
  readonly graphics: Uint8Array;
}

export const PLANE_BYTES = 0x10000;

/** Which part of 0xa0000…0xbffff answers, by graphics register 6 bits 3:2: offset and size. */
const WINDOWS = [
  [0, 0x20000],
  [0, 0x10000],
  [0x10000, 0x8000],
  [0x18000, 0x8000],
] as const;

const spread = (bits: number, plane: number): number => (bits & (1 << plane) ? 0xff : 0);

export class VgaPlanes {
  readonly bytes = new Uint8Array(4 * PLANE_BYTES);
  /** The byte of each plane that the last planar read fetched. */
  readonly latch = new Uint8Array(4);
  readonly #control: PlaneControl;

  constructor(control: PlaneControl) {
    this.#control = control;
  }

  /** Reads a byte at an offset from 0xa0000. */
  read(address: number): number {
    const { graphics, sequencer } = this.#control;
    const at = this.#offset(address);
    if (at < 0) return 0xff;
    if (sequencer[4]! & 8) return this.bytes[at]!;
    if (graphics[5]! & 0x10) return this.bytes[(((at & ~1) << 1) | (graphics[4]! & 2) | (at & 1)) & 0x3ffff]!;
    const offset = (at & 0xffff) * 4;
    for (let plane = 0; plane < 4; plane++) this.latch[plane] = this.bytes[offset + plane]!;
    if ((graphics[5]! & 8) === 0) return this.latch[graphics[4]! & 3]!;
    let differs = 0;
    for (let plane = 0; plane < 4; plane++) {
      if (graphics[7]! & (1 << plane)) differs |= this.latch[plane]! ^ spread(graphics[2]!, plane);
    }
    return ~differs & 0xff;
  }

  /** Writes a byte at an offset from 0xa0000; returns whether memory was there. */
  write(address: number, value: number): boolean {
    const { graphics, sequencer } = this.#control;
    const at = this.#offset(address);
    if (at < 0) return false;
    const mapMask = sequencer[2]!;
    if (sequencer[4]! & 8) {
      if (mapMask & (1 << (at & 3))) this.bytes[at] = value;
    } else if (graphics[5]! & 0x10) {
      const plane = (graphics[4]! & 2) | (at & 1);
      if (mapMask & (1 << plane)) this.bytes[(((at & ~1) << 1) | plane) & 0x3ffff] = value;
    } else {
      const offset = (at & 0xffff) * 4;
      for (let plane = 0; plane < 4; plane++) {
        if (mapMask & (1 << plane)) this.bytes[offset + plane] = this.#planar(plane, value);
      }
    }
    return true;
  }

  /** Offset into the window, −1 if the address lies outside it. */
  #offset(address: number): number {
    const [start, size] = WINDOWS[((this.#control.graphics[6]! >> 2) & 3) as 0 | 1 | 2 | 3];
    return address >= start && address < start + size ? address - start : -1;
  }

  /** What a write of `value` puts into a plane, by write mode. */
  #planar(plane: number, value: number): number {
    const { graphics } = this.#control;
    const latch = this.latch[plane]!;
    const rotation = graphics[3]! & 7;
    const rotated = ((value >> rotation) | (value << (8 - rotation))) & 0xff;
    switch (graphics[5]! & 3) {
      case 0: {
        const data = graphics[1]! & (1 << plane) ? spread(graphics[0]!, plane) : rotated;
        return this.#combine(data, latch, graphics[8]!);
      }
      case 1:
        return latch;
      case 2:
        return this.#combine(spread(value, plane), latch, graphics[8]!);
      default: {
        const mask = rotated & graphics[8]!;
        return (spread(graphics[0]!, plane) & mask) | (latch & ~mask);
      }
    }
  }

  /** Function select (register 3 bits 4:3), then the bit mask. */
  #combine(data: number, latch: number, mask: number): number {
    const operation = (this.#control.graphics[3]! >> 3) & 3;
    const result =
      operation === 0 ? data : operation === 1 ? data & latch : operation === 2 ? data | latch : data ^ latch;
    return (result & mask) | (latch & ~mask & 0xff);
  }
}
