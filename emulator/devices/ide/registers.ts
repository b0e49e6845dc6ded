/**
 * The registers of an ATA channel and what their bits mean (ATA/ATAPI-6 §7, §8).
 *
 *     command block (0x1f0, 0x170)                              control block (0x3f6, 0x376)
 *     +0 data, 16 or 32 bits                                    +0 r: status without acknowledging, w: device control
 *     +1 r: error, w: features                                     1 nIEN, 2 SRST, 7 HOB
 *     +2 sector count   +3 LBA low   +4 LBA mid   +5 LBA high
 *     +6 device: 4 DEV, 6 LBA, 3:0 head or LBA 27:24
 *     +7 r: status, w: command
 *
 * Features to LBA high are two bytes deep: a 48-bit command takes the value written before the last as its high byte, and HOB shows it.
 */

export const STATUS = {
  error: 0x01,
  /** DRQ: data is to be transferred. */
  request: 0x08,
  /** DSC, with which commands end that succeed. */
  seek: 0x10,
  fault: 0x20,
  ready: 0x40,
  busy: 0x80,
} as const;

/** What a command that succeeds leaves. */
export const DONE = STATUS.ready | STATUS.seek;

export const ERROR = { abort: 0x04, writeProtected: 0x40, uncorrectable: 0x40 } as const;

/** "No error" of a diagnosis. */
export const DIAGNOSTIC_PASSED = 1;

export const CONTROL = { interruptsOff: 2, softReset: 4, highOrderByte: 0x80 } as const;

export const DEVICE = { second: 0x10, lba: 0x40, head: 0x0f, always: 0xa0 } as const;

export const REGISTER = {
  data: 0,
  error: 1,
  features: 1,
  count: 2,
  lbaLow: 3,
  lbaMid: 4,
  lbaHigh: 5,
  device: 6,
  status: 7,
  command: 7,
} as const;
