/**
 * Time: the timer interrupt (INT 08h) and the clock's (INT 70h), INT 1Ah AH=00h … 07h (IBM PC AT Technical Reference), and the wait of INT 15h AH=83h and
 * 86h, which the clock's periodic interrupt counts down.
 */
import type { Call } from "./call.ts";
import type { Service } from "./context.ts";
import { BDA } from "./data-area.ts";
import { pciBios } from "./pci.ts";
import { CODE } from "./rom.ts";

/** Timer ticks of a day: 24 hours at 1193182 / 65536 Hz. */
const DAY_TICKS = 0x1800b0;
const TICKS_PER_SECOND = 1193182 / 65536;

/** Registers of the clock (MC146818 data sheet). */
const RTC = { seconds: 0, alarm: 1, minutes: 2, hours: 4, day: 7, month: 8, year: 9, a: 10, b: 11, c: 12, century: 0x32 } as const; // oxfmt-ignore
const B = { set: 0x80, periodic: 0x40, alarm: 0x20, daylight: 1 } as const;
const C = { periodic: 0x40, alarm: 0x20 } as const;
/** At the rate that a PC sets: 1024 Hz. */
const PERIOD_MICROSECONDS = 976;

const WAIT = { busy: 1, over: 0x80 } as const;

export function cmos(call: Call, index: number): number {
  call.out(0x70, index);
  return call.in(0x71);
}
function setCmos(call: Call, index: number, value: number): void {
  call.out(0x70, index);
  call.out(0x71, value);
}
const decimal = (bcd: number): number => (bcd >> 4) * 10 + (bcd & 15);

/** Timer ticks since midnight, by the clock. */
export function ticksOfClock(call: Call): number {
  const at = (index: number): number => decimal(cmos(call, index));
  const seconds = at(RTC.hours) * 3600 + at(RTC.minutes) * 60 + at(RTC.seconds);
  return Math.floor(seconds * TICKS_PER_SECOND);
}

/** INT 08h: counts, and INT 1Ch and the end of interrupt follow in the stub. */
export const timer: Service = (call) => {
  const ticks = call.data(BDA.ticks, 4) + 1;
  if (ticks >= DAY_TICKS) call.setData(BDA.midnight, call.data(BDA.midnight) + 1);
  call.setData(BDA.ticks, ticks >= DAY_TICKS ? 0 : ticks, 4);
};

/** INT 1Ah */
export const timeOfDay: Service = (call, context) => {
  switch (call.ah) {
    case 0x00: {
      const ticks = call.data(BDA.ticks, 4);
      call.cx = ticks >>> 16;
      call.dx = ticks & 0xffff;
      call.al = call.data(BDA.midnight);
      call.ah = 0;
      call.setData(BDA.midnight, 0);
      call.carry = false;
      return;
    }
    case 0x01:
      call.setData(BDA.ticks, ((call.cx << 16) | call.dx) >>> 0, 4);
      call.setData(BDA.midnight, 0);
      call.ah = 0;
      call.carry = false;
      return;
    case 0x02: // the clock's time, in BCD
      call.ch = cmos(call, RTC.hours);
      call.cl = cmos(call, RTC.minutes);
      call.dh = cmos(call, RTC.seconds);
      call.dl = cmos(call, RTC.b) & B.daylight;
      call.ax = call.ch;
      call.carry = false;
      return;
    case 0x03:
      stopped(call, () => {
        setCmos(call, RTC.hours, call.ch);
        setCmos(call, RTC.minutes, call.cl);
        setCmos(call, RTC.seconds, call.dh);
      });
      call.ah = 0;
      call.carry = false;
      return;
    case 0x04:
      call.ch = cmos(call, RTC.century);
      call.cl = cmos(call, RTC.year);
      call.dh = cmos(call, RTC.month);
      call.dl = cmos(call, RTC.day);
      call.ax = call.ch;
      call.carry = false;
      return;
    case 0x05:
      stopped(call, () => {
        setCmos(call, RTC.century, call.ch);
        setCmos(call, RTC.year, call.cl);
        setCmos(call, RTC.month, call.dh);
        setCmos(call, RTC.day, call.dl);
      });
      call.ah = 0;
      call.carry = false;
      return;
    case 0x06: {
      const b = cmos(call, RTC.b);
      call.ax = 0;
      call.carry = (b & B.alarm) !== 0;
      if (b & B.alarm) return;
      setCmos(call, RTC.seconds + 1, call.dh);
      setCmos(call, RTC.minutes + 1, call.cl);
      setCmos(call, RTC.hours + 1, call.ch);
      setCmos(call, RTC.b, b | B.alarm);
      unmaskClock(call);
      return;
    }
    case 0x07:
      setCmos(call, RTC.b, cmos(call, RTC.b) & ~B.alarm);
      call.ah = 0;
      call.carry = false;
      return;
    case 0xb1:
      return pciBios(call);
    default:
      context.log(`INT 1Ah AH=${call.ah.toString(16)}h is not known`);
      call.ah = 0x86;
      call.carry = true;
  }
};

/** Sets time registers with the clock's updates held. */
function stopped(call: Call, set: () => void): void {
  const b = cmos(call, RTC.b) & ~B.set;
  setCmos(call, RTC.b, b | B.set);
  set();
  setCmos(call, RTC.b, b);
}

function unmaskClock(call: Call): void {
  call.out(0xa1, call.in(0xa1) & ~1);
  call.out(0x21, call.in(0x21) & ~4);
}

/** INT 70h: counts a wait down, and an alarm goes on to INT 4Ah. */
export const clockInterrupt: Service = (call) => {
  const b = cmos(call, RTC.b);
  const due = cmos(call, RTC.c) & b;
  if (due & C.periodic && call.data(BDA.waitFlag) & WAIT.busy) {
    const left = call.data(BDA.waitCount, 4) - PERIOD_MICROSECONDS;
    call.setData(BDA.waitCount, Math.max(left, 0), 4);
    if (left <= 0) {
      const far = call.data(BDA.waitPointer, 4);
      const posted = (far >>> 16) * 16 + (far & 0xffff);
      call.write(posted, 1, call.read(posted, 1) | WAIT.over);
      endWait(call);
    }
  }
  if (due & C.alarm) call.continueAt(CODE.clockAlarm);
};

/** Starts to count; false if a wait is under way. `posted`: far address of the byte whose bit 7 says that it is over. */
export function startWait(call: Call, microseconds: number, posted: number): boolean {
  if (call.data(BDA.waitFlag) & WAIT.busy) return false;
  call.setData(BDA.waitPointer, posted, 4);
  call.setData(BDA.waitCount, microseconds, 4);
  call.setData(BDA.waitFlag, WAIT.busy);
  setCmos(call, RTC.b, cmos(call, RTC.b) | B.periodic);
  unmaskClock(call);
  return true;
}
export function endWait(call: Call): void {
  call.setData(BDA.waitFlag, call.data(BDA.waitFlag) & ~WAIT.busy);
  setCmos(call, RTC.b, cmos(call, RTC.b) & ~B.periodic);
}
