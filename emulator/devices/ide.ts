/**
 * The two ATA channels of a PIIX3 with nothing plugged in. A host holds data line 7 of an empty cable low (ATA/ATAPI-6, D.1.1), so that its status reads
 * as not busy and drivers give up at once instead of waiting half a minute for a drive to become ready. As in QEMU every register reads 0.
 *
 *     0x1f0…0x1f7, 0x3f6  first channel      0x170…0x177, 0x376  second channel
 */
import type { RegionOps } from "./device.ts";

export const emptyIdeChannel: RegionOps = { read: () => 0, write: () => {} };
