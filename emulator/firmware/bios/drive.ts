/**
 * The drives as INT 13h numbers them: floppies from 00h, hard disks from 80h (IDE before virtio, each in the order of its bus), CDs from E0h. A CD that is
 * booted with an emulated diskette or disk puts that in front of the others of its kind.
 */
import type { BlockImage } from "../../block/image.ts";
import type { DriveConfig } from "../../machine/types.ts";
import type { BiosContext } from "./context.ts";
import { diskGeometry, floppyGeometry, type Geometry, SECTOR_BYTES } from "./geometry.ts";

export interface NumberedDrive {
  readonly number: number;
  readonly kind: "floppy" | "disk" | "cd";
  /** null for an emulated drive. */
  readonly config: DriveConfig | null;
  /** null: no medium. */
  readonly image: BlockImage | null;
  readonly blockBytes: 512 | 2048;
  /** Where block 0 is in the image, in bytes. */
  readonly start: number;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** What an emulated drive was given by the CD's catalogue. */
  readonly given: Geometry | null;
}

export const FIRST_DISK = 0x80;
export const FIRST_CD = 0xe0;

const kindOf = ({ attach, media }: DriveConfig): NumberedDrive["kind"] =>
  attach === "floppy" ? "floppy" : media === "cdrom" ? "cd" : "disk";
const busOrder = ({ attach, index }: DriveConfig): number => (attach === "virtio" ? 1000 : 0) + index;

/** All drives with their numbers. */
export function numberedDrives({ drives, state }: BiosContext): readonly NumberedDrive[] {
  const emulation = state.emulation?.media === "none" ? null : state.emulation;
  const first = { floppy: 0, disk: FIRST_DISK, cd: FIRST_CD };
  const numbered: NumberedDrive[] = [];
  if (emulation !== null) {
    const source = drives.find(({ config }) => config.id === emulation.driveId);
    const kind = emulation.media === "disk" ? "disk" : "floppy";
    if (source?.image)
      numbered.push({
        number: first[kind]++,
        kind,
        config: null,
        image: source.image,
        blockBytes: SECTOR_BYTES,
        start: emulation.start,
        sizeBytes: emulation.sizeBytes,
        readOnly: true,
        given: emulation.geometry,
      });
  }
  const sorted = drives.toSorted((a, b) => busOrder(a.config) - busOrder(b.config));
  for (const { config, image } of sorted) {
    const kind = kindOf(config);
    numbered.push({
      number: kind === "floppy" && emulation === null ? config.index : first[kind]++,
      kind,
      config,
      image,
      blockBytes: kind === "cd" ? 2048 : SECTOR_BYTES,
      start: 0,
      sizeBytes: image?.sizeBytes ?? 0,
      readOnly: config.readOnly || (image?.readOnly ?? true),
      given: null,
    });
  }
  return numbered;
}

/** Throws `Pending`: a hard disk's geometry follows from its first sector. */
export function geometryOf(drive: NumberedDrive): Geometry {
  if (drive.given !== null) return drive.given;
  if (drive.kind === "floppy" || drive.image === null) return floppyGeometry(drive.sizeBytes).geometry;
  return diskGeometry(drive.sizeBytes, drive.image.read(0, SECTOR_BYTES));
}

export const blocksOf = ({ sizeBytes, blockBytes }: NumberedDrive): number =>
  Math.floor(sizeBytes / blockBytes);

/** Throws `Pending`; null if blocks are beyond the end or there is no medium. */
export function readBlocks(drive: NumberedDrive, first: number, count: number): Uint8Array | null {
  if (drive.image === null || first + count > blocksOf(drive)) return null;
  return drive.image.read(drive.start + first * drive.blockBytes, count * drive.blockBytes);
}
