/**
 * Bootable CDs (El Torito specification 1.0, Phoenix and IBM, 1995): finds the initial entry of the boot catalogue.
 *
 *     sector 17   boot record volume descriptor: 00 "CD001" 01 "EL TORITO SPECIFICATION" …, at 47h the catalogue's sector
 *     catalogue   validation entry: 01, platform, …, words sum up to 0, 55h AAh at 1Eh; then the initial entry:
 *                 +0 88h bootable   +1 media: 0 none, 1 1.2 MB, 2 1.44 MB, 3 2.88 MB, 4 hard disk   +2 segment   +4 system type
 *                 +6 sectors of 512 bytes to load   +8 first sector of the image
 */
import type { BlockImage } from "../../block/image.ts";
import { floppyGeometry, type Geometry } from "./geometry.ts";

const SECTOR = 2048;
const BOOT_RECORD = 17;

export interface BootEntry {
  readonly media: 0 | 1 | 2 | 3 | 4;
  /** Real-mode segment to load to. */
  readonly segment: number;
  readonly systemType: number;
  /** Sectors of 512 bytes. */
  readonly count: number;
  /** CD sector of the image. */
  readonly sector: number;
}

/** A CD whose boot image stands in for a drive. Plain data. */
export type Emulation = {
  readonly driveId: string;
  readonly media: "none" | "floppy" | "disk";
  readonly type: number;
  readonly number: number;
  readonly sector: number;
  readonly segment: number;
  readonly count: number;
  /** Where the image lies on the CD, in bytes. */
  readonly start: number;
  readonly sizeBytes: number;
  readonly geometry: { readonly cylinders: number; readonly heads: number; readonly sectors: number };
};

const FLOPPY_KIB = { 1: 1200, 2: 1440, 3: 2880 } as const;

const text = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

/** The initial entry, or why the CD does not boot. Throws `Pending`. */
export function bootEntry(image: BlockImage): BootEntry | string {
  if (image.sizeBytes < (BOOT_RECORD + 1) * SECTOR) return "is too short for a CD file system";
  const record = image.read(BOOT_RECORD * SECTOR, SECTOR);
  if (record[0] !== 0 || text(record, 1, 6) !== "CD001" || text(record, 7, 30) !== "EL TORITO SPECIFICATION")
    return "has no El Torito boot record";
  const at = new DataView(record.buffer, record.byteOffset).getUint32(0x47, true);
  if ((at + 1) * SECTOR > image.sizeBytes) return `has a boot catalogue beyond its end (sector ${at})`;
  const catalogue = image.read(at * SECTOR, SECTOR);
  const view = new DataView(catalogue.buffer, catalogue.byteOffset);
  let sum = 0;
  for (let word = 0; word < 32; word += 2) sum += view.getUint16(word, true);
  if (view.getUint8(0) !== 1 || view.getUint16(0x1e, true) !== 0xaa55 || (sum & 0xffff) !== 0)
    return `has a boot catalogue without a validation entry (sector ${at})`;
  if (view.getUint8(0x20) !== 0x88) return "has a boot entry that is not bootable";
  const media = view.getUint8(0x21) & 15;
  if (media > 4) return `asks for an unknown kind of emulation (${media})`;
  return {
    media: media as BootEntry["media"],
    segment: view.getUint16(0x22, true) || 0x07c0,
    systemType: view.getUint8(0x24),
    count: view.getUint16(0x26, true) || 1,
    sector: view.getUint32(0x28, true),
  };
}

/** What the CD is while this entry runs. Throws `Pending`. */
export function emulationOf(driveId: string, number: number, image: BlockImage, entry: BootEntry): Emulation {
  const start = entry.sector * SECTOR;
  const rest = image.sizeBytes - start;
  const common = { driveId, sector: entry.sector, segment: entry.segment, count: entry.count, start };
  if (entry.media === 0) {
    const geometry = { cylinders: 0, heads: 0, sectors: 0 };
    return { ...common, media: "none", type: 0, number, sizeBytes: rest, geometry };
  }
  if (entry.media !== 4) {
    const bytes = FLOPPY_KIB[entry.media] * 1024;
    const { geometry } = floppyGeometry(bytes);
    return {
      ...common,
      media: "floppy",
      type: entry.media,
      number: 0,
      sizeBytes: Math.min(bytes, rest),
      geometry,
    };
  }
  const geometry = diskOf(image.read(start, 512));
  const bytes = geometry.cylinders * geometry.heads * geometry.sectors * 512;
  return { ...common, media: "disk", type: 4, number: 0x80, sizeBytes: Math.min(bytes, rest), geometry };
}

/** A hard disk image has one partition, whose end is the disk's. */
function diskOf(mbr: Uint8Array): Geometry {
  const heads = mbr[0x1be + 5]! + 1;
  const low = mbr[0x1be + 6]!;
  const sectors = low & 63 || 63;
  return { cylinders: (mbr[0x1be + 7]! | ((low & 0xc0) << 2)) + 1, heads, sectors };
}
