import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dateOf, daysOf } from "../../emulator/devices/calendar.ts";
import { Rtc } from "../../emulator/devices/rtc.ts";
import { bytes, ns, recordLine } from "./recorder.ts";

const SECOND = 1e9;

function rtc(start = "2026-01-01T00:00:00Z") {
  const irq = recordLine();
  const device = new Rtc(irq.line, Date.parse(start));
  const port = bytes(device);
  const get = (index: number): number => {
    port.out(0, index);
    return port.in(1);
  };
  const set = (index: number, value: number): void => {
    port.out(0, index);
    port.out(1, value);
  };
  /** Runs as the machine does: deadline by deadline. */
  const runTo = (time: number): void => {
    while (device.deadline <= time) device.tick(ns(device.deadline));
    device.tick(ns(time));
  };
  const time = (): string =>
    [0x32, 9, 8, 7, 4, 2, 0].map((index) => get(index).toString(16).padStart(2, "0")).join(" ");
  return { device, irq, get, set, runTo, time };
}

describe("MC146818", () => {
  test("starts where it is told and counts seconds", () => {
    const { get, runTo, time } = rtc();
    expect(time()).toBe("20 26 01 01 00 00 00");
    expect(get(6)).toBe(5); // a Thursday
    runTo(SECOND - 1);
    expect(time()).toBe("20 26 01 01 00 00 00");
    runTo(SECOND);
    expect(time()).toBe("20 26 01 01 00 00 01");
    runTo((86_400 * 59 - 1) * SECOND);
    expect(time()).toBe("20 26 02 28 23 59 59");
    runTo(86_400 * 59 * SECOND);
    expect(time()).toBe("20 26 03 01 00 00 00");
  });

  test("12-hour and binary formats", () => {
    const { get, set } = rtc("2026-12-31T23:59:58Z");
    set(11, 0x00);
    expect(get(4)).toBe(0x91); // 11 p.m.
    set(11, 0x04);
    expect(get(4)).toBe(0x8b);
    set(11, 0x06);
    expect([get(4), get(2), get(0x32), get(0x37)]).toEqual([23, 59, 20, 20]);
    const midnight = rtc("2026-06-01T00:10:00Z");
    midnight.set(11, 0);
    expect(midnight.get(4)).toBe(0x12);
  });

  test("update in progress is up for the last 244 µs of a second", () => {
    const { get, runTo } = rtc();
    runTo(SECOND - 244_001);
    expect(get(10) & 0x80).toBe(0);
    runTo(SECOND - 244_000);
    expect(get(10) & 0x80).toBe(0x80);
    runTo(SECOND);
    expect(get(10) & 0x80).toBe(0);
  });

  test("time is set between SET and its release", () => {
    const { set, runTo, time } = rtc();
    runTo(SECOND / 4);
    set(11, 0x82);
    for (const [index, value] of [
      [0, 0x58],
      [2, 0x59],
      [4, 0x23],
      [7, 0x29],
      [8, 2],
      [9, 0x28],
      [0x32, 0x20],
    ] as const) {
      set(index, value);
    }
    runTo(10 * SECOND);
    expect(time()).toBe("20 28 02 29 23 59 58");
    set(11, 0x02);
    runTo(12.5 * SECOND);
    expect(time()).toBe("20 28 03 01 00 00 00");
  });

  test("periodic interrupt: 1024 Hz, once per read of register C", () => {
    const { get, set, runTo, irq } = rtc();
    set(11, 0x42);
    runTo(SECOND / 1024 - 1000);
    expect(irq.level).toBe(false);
    runTo(SECOND / 1024 + 1000);
    expect(irq.level).toBe(true);
    runTo(5 * (SECOND / 1024));
    expect(irq.rises).toBe(1);
    expect(get(12)).toBe(0xc0);
    expect(irq.level).toBe(false);
    for (let i = 0; i < 1024; i++) {
      runTo(6 * (SECOND / 1024) + (i * SECOND) / 1024 + 1000);
      get(12);
    }
    expect(irq.rises).toBe(1025);
  });

  test("flags are set without their interrupts, too", () => {
    const { get, runTo, device, irq } = rtc();
    expect(device.deadline).toBe(Infinity);
    runTo(2 * SECOND);
    // All three: the alarm is at 00:00:00 after reset, so it is not due for a day.
    expect(get(12)).toBe(0x50);
    expect(get(12)).toBe(0);
    expect(irq.rises).toBe(0);
  });

  test("update interrupt once a second", () => {
    const { get, set, runTo, irq } = rtc();
    set(11, 0x12);
    for (let second = 1; second <= 5; second++) {
      runTo(second * SECOND);
      expect(irq.rises).toBe(second);
      expect(get(12) & 0x90).toBe(0x90);
    }
  });

  test("alarm at a time, and with don't-care fields", () => {
    const { get, set, runTo, irq, device } = rtc("2026-01-01T10:20:30Z");
    set(5, 0x11);
    set(3, 0x05);
    set(1, 0x00);
    set(11, 0x22);
    expect(device.deadline).toBe((44 * 60 + 30) * SECOND);
    runTo((44 * 60 + 30) * SECOND);
    expect(irq.rises).toBe(1);
    expect(get(12)).toBe(0xf0);
    set(5, 0xff);
    set(3, 0xff);
    set(1, 0x15);
    runTo((44 * 60 + 46) * SECOND);
    expect(irq.rises).toBe(2);
    get(12);
    runTo((45 * 60 + 46) * SECOND);
    expect(irq.rises).toBe(3);
  });

  test("memory keeps what is written, over a reset too", () => {
    const { device, get, set } = rtc();
    set(0x0f, 0x0a);
    set(0x7f, 0x55);
    set(11, 0x72);
    device.reset();
    expect([get(0x0f), get(0x7f), get(11), get(13)]).toEqual([0x0a, 0x55, 0x02, 0x80]);
  });

  test("goes on the same from a saved state", () => {
    const original = rtc();
    original.set(10, 0x2f);
    original.set(11, 0x52);
    original.runTo(3.7 * SECOND);
    const copy = rtc("1999-01-01T00:00:00Z");
    copy.device.load(original.device.save());
    for (const target of [original, copy]) {
      target.get(12);
      target.runTo(9.3 * SECOND);
    }
    expect(copy.time()).toBe(original.time());
    expect(copy.device.save()).toEqual(original.device.save());
    expect(copy.device.deadline).toBe(original.device.deadline);
  });
});

test("dates agree with the host's calendar", () => {
  fc.assert(
    fc.property(fc.integer({ min: -200_000, max: 200_000 }), (days) => {
      const host = new Date(days * 86_400_000);
      const date = dateOf(days);
      expect(date).toEqual({
        year: host.getUTCFullYear(),
        month: host.getUTCMonth() + 1,
        day: host.getUTCDate(),
      });
      expect(daysOf(date.year, date.month, date.day)).toBe(days);
    }),
    { seed: 1970, numRuns: 2000 },
  );
});
