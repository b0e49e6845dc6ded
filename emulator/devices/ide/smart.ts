/**
 * SMART (ATA/ATAPI-6 §8.54) of a disk that does not fail: it can be switched on and off, says that it is well, and has a few attributes that never change. No self-tests and
 * no logs, and IDENTIFY says so.
 */
import type { DriveState } from "./drive.ts";

const KEY = { mid: 0x4f, high: 0xc2 } as const;
const PAGE_BYTES = 512;
const ATTRIBUTE_BYTES = 12;

/** Id, flags, threshold, raw value. Each stands at 100, its best. */
const ATTRIBUTES = [
  [0x03, 0x03, 0x00, 0], // spin-up time
  [0x05, 0x03, 0x24, 0], // reallocated sectors
  [0x09, 0x03, 0x00, 1], // power-on hours
  [0x0c, 0x03, 0x00, 1], // power cycles
] as const;

/** Does the SMART command that the registers hold: an answer for the host, or nothing to say. */
export function smartCommand(
  registers: DriveState,
  disk: { isSmart: boolean },
): Uint8Array | "done" | "refused" {
  const subcommand = registers.features & 0xff;
  if ((registers.lbaMid & 0xff) !== KEY.mid || (registers.lbaHigh & 0xff) !== KEY.high) return "refused";
  if (!disk.isSmart && subcommand !== 0xd8) return "refused";
  switch (subcommand) {
    case 0xd0:
      return page((bytes, at, [id, flags, , raw]) => {
        bytes.set([id, flags, 0, 100, 100, raw], at);
      });
    case 0xd1:
      return page((bytes, at, [id, , threshold]) => {
        bytes.set([id, threshold], at);
      });
    case 0xd2: // attribute autosave on or off, save now
    case 0xd3:
      return "done";
    case 0xd8:
    case 0xd9:
      disk.isSmart = subcommand === 0xd8;
      return "done";
    case 0xda: // the key unchanged: no threshold is exceeded
      return "done";
    default:
      return "refused";
  }
}

function page(
  put: (bytes: Uint8Array, at: number, attribute: (typeof ATTRIBUTES)[number]) => void,
): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  bytes[0] = 1; // revision
  for (const [n, attribute] of ATTRIBUTES.entries()) put(bytes, 2 + ATTRIBUTE_BYTES * n, attribute);
  bytes[PAGE_BYTES - 1] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}
