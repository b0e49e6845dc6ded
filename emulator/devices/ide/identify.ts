/**
 * What a drive says of itself: the 256 words of IDENTIFY DEVICE (ATA/ATAPI-6 §8.15) and IDENTIFY PACKET DEVICE (§8.16). The names and the modes are those of
 * QEMU 7.2's drives: udev and drivers' lists of quirks know them.
 */

const WORDS = 256;
const FIRMWARE = "2.5+";

/** READ and WRITE MULTIPLE transfer at most this many sectors a block. */
export const MAXIMUM_MULTIPLE = 16;
/** The largest address of a 28-bit command. */
export const MAXIMUM_LBA28 = 0x0fffffff;

export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

/** Geometry of a disk that has none: 16 heads, 63 sectors, 2 … 16383 cylinders. */
export function standardGeometry(totalSectors: number): Geometry {
  const cylinders = Math.floor(totalSectors / (16 * 63));
  return { cylinders: Math.min(Math.max(cylinders, 2), 16_383), heads: 16, sectors: 63 };
}

export interface DiskIdentity {
  readonly serial: string;
  readonly totalSectors: number;
  readonly geometry: Geometry;
  /** As INITIALIZE DEVICE PARAMETERS has set it. */
  readonly current: Geometry;
  /** 0: SET MULTIPLE MODE was not used. */
  readonly multiple: number;
  /** As SET FEATURES has it: 7:3 kind, 2:0 number. */
  readonly transferMode: number;
  readonly isWriteCached: boolean;
  readonly isSmart: boolean;
}

/** Kinds of transfer mode. */
export const MODE = { singleWord: 2, multiWord: 4, ultra: 8 } as const;

export function identifyDisk(identity: DiskIdentity): Uint8Array {
  const { geometry, current, totalSectors } = identity;
  const capacity = current.cylinders * current.heads * current.sectors;
  const lba28 = Math.min(totalSectors, MAXIMUM_LBA28);
  const supported = 0x4020; // NOP, write cache
  const words = new Words();
  words.put(0, 0x0040); // fixed disk
  words.put(1, geometry.cylinders);
  words.put(3, geometry.heads);
  words.put(4, 512 * geometry.sectors);
  words.put(5, 512);
  words.put(6, geometry.sectors);
  names(words, identity.serial, "QEMU HARDDISK");
  words.put(47, 0x8000 | MAXIMUM_MULTIPLE);
  words.put(48, 1); // 32-bit data port
  words.put(49, 0x0b00); // IORDY, LBA, DMA
  words.put(51, 0x200, 0x200); // old PIO and DMA timing
  words.put(53, 7); // words 54 … 58, 64 … 70 and 88 are valid
  words.put(54, current.cylinders, current.heads, current.sectors, capacity, capacity >>> 16);
  if (identity.multiple !== 0) words.put(59, 0x100 | identity.multiple);
  words.put(60, lba28, lba28 >>> 16);
  modes(words, identity.transferMode);
  words.put(65, 120, 120, 120, 120); // cycle times in nanoseconds
  words.put(69, 0x4000); // trimmed sectors read the same each time
  words.put(80, 0x00f0, 0x0016); // ATA/ATAPI-4 … 7
  words.put(82, supported | 1, 0x7400, 0x4000); // SMART; flush cache, flush cache ext, 48 bits
  words.put(85, 0x4000 | (identity.isWriteCached ? 0x20 : 0) | (identity.isSmart ? 1 : 0), 0x3400, 0x4000);
  words.put(93, 0x6001); // 80-conductor cable
  for (let n = 0; n < 4; n++) words.put(100 + n, Math.floor(totalSectors / 2 ** (16 * n)));
  words.put(106, 0x6000); // logical and physical sectors of 512 bytes
  words.put(169, 1); // TRIM
  return words.bytes;
}

export function identifyPacket(serial: string, transferMode: number): Uint8Array {
  const words = new Words();
  words.put(0, 0x85c0); // CD-ROM, removable, takes a packet within 50 µs, of 12 bytes
  names(words, serial, "QEMU DVD-ROM");
  words.put(48, 1);
  words.put(49, 0x0300); // LBA, DMA
  words.put(53, 7);
  modes(words, transferMode);
  words.put(65, 0xb4, 0xb4, 0x12c, 0xb4);
  words.put(71, 30, 30); // nanoseconds from a packet to the bus, and from SERVICE
  words.put(80, 0x1e); // ATA-1 … ATA/ATAPI-4
  return words.bytes;
}

class Words {
  readonly bytes = new Uint8Array(2 * WORDS);
  /** Puts values from word `index` on. */
  put(index: number, ...values: readonly number[]): void {
    for (const [n, value] of values.entries()) {
      this.bytes[2 * (index + n)] = value & 0xff;
      this.bytes[2 * (index + n) + 1] = (value >>> 8) & 0xff;
    }
  }
  /** ASCII, filled up with blanks, the first of two characters in a word's high byte. */
  text(index: number, length: number, text: string): void {
    for (let n = 0; n < length; n++) this.bytes[2 * index + (n ^ 1)] = text.charCodeAt(n) || 0x20;
  }
}

function names(words: Words, serial: string, model: string): void {
  words.text(10, 20, serial);
  words.put(20, 3, 512, 4);
  words.text(23, 8, FIRMWARE);
  words.text(27, 40, model);
}

/** Words 62 to 64 and 88: what is supported, and in the high byte what is chosen. Ultra DMA 5 at power-on. */
function modes(words: Words, transferMode: number): void {
  const chosen = (kind: number): number => (transferMode >>> 3 === kind ? 1 << (8 + (transferMode & 7)) : 0);
  words.put(62, 0x07 | chosen(MODE.singleWord), 0x07 | chosen(MODE.multiWord), 0x03);
  words.put(88, 0x3f | chosen(MODE.ultra));
}
