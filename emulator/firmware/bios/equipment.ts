/** INT 11h equipment list, INT 12h conventional memory, and INT 17h printers, of which there are none. */
import type { Service } from "./context.ts";
import { BDA } from "./data-area.ts";

export const equipment: Service = (call) => {
  call.ax = call.data(BDA.equipment, 2);
};

export const memorySize: Service = (call) => {
  call.ax = call.data(BDA.memoryKib, 2);
};

const TIMED_OUT = 0x01;

export const printer: Service = (call) => {
  call.ah = TIMED_OUT;
};
