/** INT 14h: serial ports by number (IBM PC AT Technical Reference; AH=04h and 05h as on a PS/2). */
import type { Call } from "./call.ts";
import type { Service } from "./context.ts";
import { BDA } from "./data-area.ts";

const LINE = { ready: 1, transmitterEmpty: 0x20 } as const;
const TIMED_OUT = 0x80;
/** A unit of the time-outs in the BIOS data area: about a quarter of a second. */
const TIME_OUT_NANOSECONDS = 250_000_000;
const DIVISORS = [1047, 768, 384, 192, 96, 48, 24, 12, 6, 3, 2, 1] as const;
const EXTENDED_DIVISORS = [1047, 768, 384, 192, 96, 48, 24, 12, 6] as const;
const DIVISOR_LATCH = 0x80;

export const serial: Service = (call, context) => {
  const port = call.dx < 4 ? call.data(BDA.serialPorts + call.dx * 2, 2) : 0;
  if (port === 0) return;
  switch (call.ah) {
    case 0x00:
      program(call, port, DIVISORS[call.al >> 5]!, call.al & 0x1f);
      return status(call, port);
    case 0x01:
    case 0x02: {
      const isRead = call.ah === 0x02;
      if ((call.in(port + 5) & (isRead ? LINE.ready : LINE.transmitterEmpty)) === 0) {
        const since = (context.state.waitingSince ??= context.now);
        const limit = Math.max(call.data(BDA.serialTimeOut + call.dx), 1) * TIME_OUT_NANOSECONDS;
        if (context.now - since < limit) return isRead ? call.waitForInterrupt() : call.waitAWhile();
        context.state.waitingSince = null;
        call.ah = call.in(port + 5) | TIMED_OUT;
        return;
      }
      context.state.waitingSince = null;
      if (isRead) call.al = call.in(port);
      else call.out(port, call.al);
      call.ah = call.in(port + 5) & 0x7f;
      return;
    }
    case 0x03:
      return status(call, port);
    case 0x04: {
      const parity = [0, 0x08, 0x18, 0x28, 0x38][call.bh] ?? 0;
      const line = (call.ch & 3) | (call.bl === 0 ? 0 : 4) | parity | (call.al === 0 ? 0 : 0x40);
      program(call, port, EXTENDED_DIVISORS[call.cl] ?? 12, line);
      return status(call, port);
    }
    case 0x05:
      if (call.al === 1) call.out(port + 4, call.bl);
      else call.bl = call.in(port + 4);
      return status(call, port);
    default:
      context.log(`INT 14h AH=${call.ah.toString(16)}h is not known`);
  }
};

function program(call: Call, port: number, divisor: number, line: number): void {
  call.out(port + 3, line | DIVISOR_LATCH);
  call.out(port, divisor & 0xff);
  call.out(port + 1, divisor >> 8);
  call.out(port + 3, line);
  call.out(port + 1, 0);
}

function status(call: Call, port: number): void {
  call.ah = call.in(port + 5);
  call.al = call.in(port + 6);
}
