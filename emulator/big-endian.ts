/** Big-endian numbers at byte offsets: the order of qcow2 and of fw_cfg, on a machine that is little-endian otherwise. */

export class BigEndian {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset);
  }
  u32(offset: number): number {
    return this.#view.getUint32(offset);
  }
  /** Rounded above 2^53: for values that are refused if they are that large. */
  u64(offset: number): number {
    return this.#view.getUint32(offset) * 2 ** 32 + this.#view.getUint32(offset + 4);
  }
  setU16(offset: number, value: number): void {
    this.#view.setUint16(offset, value);
  }
  setU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value);
  }
  setU64(offset: number, value: number): void {
    this.#view.setUint32(offset, Math.floor(value / 2 ** 32));
    this.#view.setUint32(offset + 4, value % 2 ** 32);
  }
}

/** The bytes of a string of characters below 256. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}
