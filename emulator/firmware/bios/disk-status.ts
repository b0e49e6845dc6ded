/** How a disk service ends: AH, CF, and the status that INT 13h AH=01h gives. */
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";
import { FIRST_DISK } from "./drive.ts";

/** What AH says afterwards. */
export const DISK = {
  ok: 0x00,
  invalid: 0x01,
  writeProtected: 0x03,
  sectorNotFound: 0x04,
  changed: 0x06,
  dmaBoundary: 0x09,
  controller: 0x20,
  timeOut: 0x80,
  notReady: 0xaa,
  noMedium: 0x31,
  writeFault: 0xcc,
  notRemovable: 0xb2,
} as const;

/** Sets AH, CF and the status that AH=01h gives. */
export function finish(call: Call, drive: number, status: number): void {
  call.setData(drive < FIRST_DISK ? BDA.floppyStatus : BDA.diskStatus, status);
  call.ah = status;
  call.carry = status !== DISK.ok;
}
