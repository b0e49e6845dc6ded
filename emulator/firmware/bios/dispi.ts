/** The Bochs display interface through its ports 1CEh (index) and 1CFh (data), as VBE uses it. */
import type { Call } from "./call.ts";

/** Registers of the adapter and bits of its "enable". */
export const DISPI = { id: 0, width: 1, height: 2, bits: 3, enable: 4, bank: 5, virtualWidth: 6, x: 8, y: 9, memory: 10 } as const; // oxfmt-ignore
export const ENABLE = { enabled: 1, dac8: 0x20, linear: 0x40, keep: 0x80 } as const;
const FIRST_ID = 0xb0c0;

export function dispi(call: Call, index: number): number {
  call.ports.writePort(0x1ce, 2, index);
  return call.ports.readPort(0x1cf, 2);
}
export function setDispi(call: Call, index: number, value: number): void {
  call.ports.writePort(0x1ce, 2, index);
  call.ports.writePort(0x1cf, 2, value);
}
export const hasDispi = (call: Call): boolean => {
  const id = dispi(call, DISPI.id);
  return id >= FIRST_ID && id <= FIRST_ID + 0xf;
};

/** DISPI off: what setting one of the VGA's own modes does first. */
export function leaveLinearMode(call: Call): void {
  if (hasDispi(call)) setDispi(call, DISPI.enable, 0);
}
