/** A CD with nothing on it but an El Torito boot catalogue and one image. */
const SECTOR = 2048;
const CATALOGUE = 18;
const IMAGE = 20;

export interface BootCd {
  /** 0 no emulation, 1 … 3 diskettes, 4 hard disk. */
  readonly media: number;
  /** Sectors of 512 bytes to load. */
  readonly count: number;
  readonly image: Uint8Array;
  /** The validation entry's checksum is right. */
  readonly valid?: boolean;
}

export function bootCd({ media, count, image, valid = true }: BootCd): Uint8Array {
  const cd = new Uint8Array(IMAGE * SECTOR + Math.ceil(image.length / SECTOR) * SECTOR);
  const view = new DataView(cd.buffer);
  const put = (at: number, text: string): void => cd.set(Buffer.from(text, "latin1"), at);
  put(16 * SECTOR, "\u0001CD001\u0001");
  put(17 * SECTOR, "\0CD001\u0001EL TORITO SPECIFICATION");
  view.setUint32(17 * SECTOR + 0x47, CATALOGUE, true);
  const catalogue = CATALOGUE * SECTOR;
  view.setUint8(catalogue, 1);
  view.setUint16(catalogue + 0x1e, 0xaa55, true);
  view.setUint16(catalogue + 0x1c, valid ? 0x10000 - 0xaa55 - 1 : 0, true);
  view.setUint8(catalogue + 0x20, 0x88);
  view.setUint8(catalogue + 0x21, media);
  view.setUint16(catalogue + 0x26, count, true);
  view.setUint32(catalogue + 0x28, IMAGE, true);
  cd.set(image, IMAGE * SECTOR);
  return cd;
}
