/**
 * Cylinders, heads and sectors: what a disk of some size has for INT 13h.
 *
 * Floppies by their size. Hard disks as QEMU and SeaBIOS agree on it: heads and sectors of the end of a partition if there is one that tells, else 16 heads
 * and 63 sectors, and where that gives more than 1024 cylinders as many heads as it takes ("LBA translation": 16, 32, 64, 128 or 255).
 */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

export const SECTOR_BYTES = 512;
const CYLINDERS_MAX = 1024;

/** Size in KiB, geometry, and the drive type of INT 13h AH=08h and CMOS. */
const FLOPPIES: readonly (readonly [kib: number, Geometry, type: number])[] = [
  [160, { cylinders: 40, heads: 1, sectors: 8 }, 1],
  [180, { cylinders: 40, heads: 1, sectors: 9 }, 1],
  [320, { cylinders: 40, heads: 2, sectors: 8 }, 1],
  [360, { cylinders: 40, heads: 2, sectors: 9 }, 1],
  [720, { cylinders: 80, heads: 2, sectors: 9 }, 3],
  [1200, { cylinders: 80, heads: 2, sectors: 15 }, 2],
  [1440, { cylinders: 80, heads: 2, sectors: 18 }, 4],
  [1680, { cylinders: 80, heads: 2, sectors: 21 }, 4],
  [1722, { cylinders: 82, heads: 2, sectors: 21 }, 4],
  [2880, { cylinders: 80, heads: 2, sectors: 36 }, 5],
];

/** Of the smallest diskette that holds so many bytes (an image may be cut short), of 2.88 MB at most. */
export function floppyGeometry(sizeBytes: number): { readonly geometry: Geometry; readonly type: number } {
  const found = FLOPPIES.find(([kib]) => sizeBytes <= kib * 1024) ?? FLOPPIES.at(-1)!;
  return { geometry: found[1], type: found[2] };
}

/** As IDENTIFY DEVICE has it: 16 heads of 63 sectors. */
export function physicalGeometry(sizeBytes: number): Geometry {
  const cylinders = Math.floor(sizeBytes / SECTOR_BYTES / (16 * 63));
  return { cylinders: Math.min(Math.max(cylinders, 2), 16383), heads: 16, sectors: 63 };
}

/** @param mbr the first sector */
export function diskGeometry(sizeBytes: number, mbr: Uint8Array): Geometry {
  const total = Math.floor(sizeBytes / SECTOR_BYTES);
  const told = fromPartitions(total, mbr);
  if (told !== null && told.heads <= 16) return told;
  const physical = physicalGeometry(sizeBytes);
  if (told === null && physical.cylinders <= CYLINDERS_MAX) return physical;
  return translated(total);
}

function translated(total: number): Geometry {
  const sectors = 63;
  const tracks = Math.floor(total / sectors);
  const needed = Math.floor(tracks / CYLINDERS_MAX);
  const heads = [128, 64, 32, 16].reduce(
    (found, limit) => (needed > limit ? found : limit === 128 ? 128 : limit),
    255,
  );
  return { cylinders: Math.min(Math.floor(tracks / heads), CYLINDERS_MAX), heads, sectors };
}

/** The last head and sector of a partition's end are the disk's, if cylinders made of them fit its size. */
function fromPartitions(total: number, mbr: Uint8Array): Geometry | null {
  if (mbr[510] !== 0x55 || mbr[511] !== 0xaa) return null;
  for (let entry = 0x1be; entry < 0x1fe; entry += 16) {
    const view = new DataView(mbr.buffer, mbr.byteOffset + entry, 16);
    const heads = view.getUint8(5) + 1;
    const sectors = view.getUint8(6) & 63;
    if (view.getUint32(12, true) === 0 || heads === 1 || sectors === 0) continue;
    const cylinders = Math.floor(total / (heads * sectors));
    if (cylinders >= 1 && cylinders <= 16383) return { cylinders, heads, sectors };
  }
  return null;
}

/** Cylinder, head and sector of a block, for tables. */
export function blockOf(
  { heads, sectors }: Geometry,
  cylinder: number,
  head: number,
  sector: number,
): number {
  return (cylinder * heads + head) * sectors + sector - 1;
}
