/**
 * What a CD or DVD drive answers (MMC-3, SPC-2): byte layouts only, in the form QEMU 7.2's drive gives them. Numbers are big-endian.
 *
 * Elsewhere: which commands there are and when they fail (`cdrom.ts`).
 */

export const SECTOR_BYTES = 2048;
export const RAW_SECTOR_BYTES = 2352;
/** What does not fit onto a CD of 80 minutes is a DVD. */
const CD_SECTORS = 80 * 60 * 75;
/** Frames before sector 0: two seconds. */
const PREGAP_FRAMES = 150;
const LEAD_OUT = 0xaa;
const DATA_TRACK = 0x14;
const PROFILE = { cd: 0x08, dvd: 0x10 } as const;

export const isDvd = (sectors: number): boolean => sectors > CD_SECTORS;

const u16 = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];
const ascii = (text: string, length: number): number[] =>
  Array.from({ length }, (_, n) => text.charCodeAt(n) || 0x20);
const zeros = (length: number): number[] => Array.from({ length }, () => 0);

/** Puts bytes and runs of bytes one after the other. */
const join = (...parts: readonly (number | readonly number[])[]): Uint8Array => Uint8Array.from(parts.flat());

/** Minute, second, frame of a sector. */
function msf(sector: number): number[] {
  const frames = sector + PREGAP_FRAMES;
  return [Math.floor(frames / (75 * 60)) & 0xff, Math.floor(frames / 75) % 60, frames % 75];
}

export function inquiry(): Uint8Array {
  const header = [0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0]; // CD-ROM, removable, ATAPI
  return join(header, ascii("QEMU", 8), ascii("QEMU DVD-ROM", 16), ascii("2.5+", 4));
}

/** Vital product data: the pages there are, and page 0x83, the drive's names. */
export function vitalProductData(page: number, serial: string): Uint8Array | null {
  if (page === 0x00) return Uint8Array.of(0x05, 0, 0, 2, 0x00, 0x83);
  if (page !== 0x83) return null;
  const ofVendor = join(2, 0, 0, 20, ascii(serial, 20));
  const t10 = join(2, 1, 0, 68, ascii("ATA", 8), ascii("QEMU DVD-ROM", 40), ascii(serial, 20));
  return join(0x05, 0x83, u16(ofVendor.length + t10.length), [...ofVendor, ...t10]);
}

export function senseData(key: number, code: number): Uint8Array {
  return join(0xf0, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, 0, 0, 0, 0, 0);
}

export function capacity(sectors: number): Uint8Array {
  return join(u32(sectors - 1), u32(SECTOR_BYTES));
}

/** Table of contents: one data track, then the lead-out. Null if there is no such track. */
export function tableOfContents(sectors: number, isMsf: boolean, firstTrack: number): Uint8Array | null {
  if (firstTrack > 1 && firstTrack !== LEAD_OUT) return null;
  const address = (sector: number): number[] => (isMsf ? [0, ...msf(sector)] : u32(sector));
  const first = firstTrack === LEAD_OUT ? [] : [0, DATA_TRACK, 1, 0, ...address(0)];
  const entries = [...first, 0, 0x16, LEAD_OUT, 0, ...address(sectors)];
  return join(u16(entries.length + 2), 1, 1, entries);
}

/** One session, which begins at sector 0. */
export function sessions(): Uint8Array {
  return join(u16(10), 1, 1, zeros(8));
}

export function rawTableOfContents(sectors: number, isMsf: boolean): Uint8Array {
  const address = (sector: number): number[] => (isMsf ? [0, ...msf(sector)] : u32(sector));
  const points: readonly (readonly [number, readonly number[]])[] = [
    [0xa0, [0, 1, 0, 0]], // first track
    [0xa1, [0, 1, 0, 0]], // last track
    [0xa2, address(sectors)], // lead-out
    [1, address(0)],
  ];
  const entries = points.flatMap(([point, at]) => [1, DATA_TRACK, 0, point, 0, 0, 0, ...at]);
  return join(u16(entries.length + 2), 1, 1, entries);
}

/** Mode pages 0x01 error recovery, 0x0e audio control, 0x2a capabilities; null for others. */
export function modePage(page: number, isLocked: boolean): Uint8Array | null {
  const bytes = modePageBytes(page, isLocked);
  return bytes === null ? null : join(u16(bytes.length + 6), 0x70, zeros(5), [...bytes]);
}

function modePageBytes(page: number, isLocked: boolean): Uint8Array | null {
  switch (page) {
    case 0x01:
      return join(0x01, 6, 0, 5, zeros(4));
    case 0x0e:
      return join(0x0e, 14, zeros(14));
    case 0x2a: {
      const abilities = [0x3b, 0, 0x71, 0x60, 0x29 | (isLocked ? 2 : 0), 0];
      // KB/s at most, volume levels, KiB of buffer, KB/s now
      return join(0x2a, 20, abilities, u16(704), u16(2), u16(512), u16(704), zeros(6));
    }
    default:
      return null;
  }
}

/** The profile list. @param sectors null without a medium */
export function configuration(sectors: number | null): Uint8Array {
  const current = sectors === null ? 0 : isDvd(sectors) ? PROFILE.dvd : PROFILE.cd;
  const profile = (number: number): number[] => [...u16(number), current === number ? 1 : 0, 0];
  const feature = [0, 0, 0x03, 8, ...profile(PROFILE.dvd), ...profile(PROFILE.cd)];
  return join(u32(feature.length + 4), 0, 0, u16(current), feature);
}

const MEDIA_CLASS = 4;
export const MEDIA_EVENT = { none: 0, ejectRequest: 1, newMedium: 2 } as const;

/** Answer to a poll of `classes`: only media events exist. */
export function eventStatus(
  classes: number,
  event: number,
  tray: { readonly isOpen: boolean; readonly hasMedium: boolean },
): Uint8Array {
  const supported = 1 << MEDIA_CLASS;
  if ((classes & supported) === 0) return join(0, 0, 0x80, supported);
  const status = tray.isOpen ? 1 : tray.hasMedium ? 2 : 0;
  return join(0, 4, MEDIA_CLASS, supported, event, status, 0, 0);
}

export function mechanismStatus(): Uint8Array {
  return join(0, 0, 0, 0, 0, 1, 0, 0);
}

/** A finished disc with one complete session and one track. */
export function discInformation(): Uint8Array {
  return join(u16(32), 0x0e, 1, 1, 1, 1, 0x20, zeros(26));
}

/** Formats that READ DVD STRUCTURE lists, with their lengths. */
const DVD_FORMATS = [
  [0x00, 2052],
  [0x01, 8],
  [0x03, 192],
  [0x04, 2052],
] as const;

/** READ DVD STRUCTURE; null for formats that this drive does not have. */
export function dvdStructure(format: number, sectors: number): Uint8Array | null {
  switch (format) {
    case 0x00: {
      // DVD-ROM version 1, 120 mm, one layer; sectors counted from 0, as QEMU does
      const physical = [0x01, 0x0f, 0x01, 0x00, ...u32(0), ...u32(sectors - 1), ...u32(sectors - 1)];
      return join(u16(2050), 0, 0, physical, zeros(2048 - physical.length));
    }
    case 0x01: // copyright: none
      return join(u16(6), zeros(6));
    case 0x04: // manufacturing information
      return join(u16(2050), 0, 0, zeros(2048));
    case 0xff: // the formats there are, and their lengths
      return join(
        u16(18),
        0,
        0,
        DVD_FORMATS.flatMap(([number, bytes]) => [number, 0x40, ...u16(bytes)]),
      );
    default:
      return null;
  }
}

/** A sector as it is on the disc in mode 1, its error correction left at zero. */
export function rawSector(sector: number, data: Uint8Array): Uint8Array {
  const raw = new Uint8Array(RAW_SECTOR_BYTES);
  raw.fill(0xff, 1, 11); // synchronisation
  raw.set([...msf(sector), 1], 12);
  raw.set(data, 16);
  return raw;
}
