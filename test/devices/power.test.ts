import { describe, expect, test } from "vitest";
import { PM_TIMER_HERTZ, timeOf } from "../../emulator/devices/clock.ts";
import { Power } from "../../emulator/devices/power.ts";
import { Port92, ResetControl } from "../../emulator/devices/reset-control.ts";
import { bytes, ns, recordLine } from "./recorder.ts";

function power() {
  const sci = recordLine();
  const slept: number[] = [];
  const device = new Power(sci.line, (type) => slept.push(type));
  return { device, sci, slept };
}

describe("PIIX4 power management", () => {
  test("SLP_EN sleeps with the type, and does not stay set", () => {
    const { device, slept } = power();
    device.controls.write(0, 2, 0x2000);
    expect(slept).toEqual([0]);
    device.controls.write(0, 2, 0x3401);
    expect(slept).toEqual([0, 5]);
    expect(device.controls.read(0, 2)).toBe(0x1401);
  });

  test("byte writes reach their half", () => {
    const { device, slept } = power();
    device.controls.write(1, 1, 0x20);
    expect(slept).toEqual([0]);
  });

  test("the timer runs at 3.579545 MHz in 24 bits", () => {
    const { device } = power();
    device.tick(ns(1e9));
    expect(device.timer.read(0, 4)).toBe(PM_TIMER_HERTZ);
    device.tick(ns(timeOf(0x1000005, PM_TIMER_HERTZ)));
    expect(device.timer.read(0, 4)).toBe(5);
  });

  test("carry and power button interrupt if enabled, and are cleared by writing ones", () => {
    const { device, sci } = power();
    device.smiCommand.write(0, 1, 0xf1);
    expect(device.controls.read(0, 2)).toBe(1);
    device.events.write(2, 2, 0x0101);
    expect(device.deadline).toBe(timeOf(1 << 23, PM_TIMER_HERTZ));
    device.tick(ns(device.deadline));
    expect(sci.level).toBe(true);
    expect(device.events.read(0, 4)).toBe(0x01010001);
    device.events.write(0, 2, 1);
    expect(sci.level).toBe(false);
    device.pressButton();
    expect(sci.level).toBe(true);
    device.events.write(0, 2, 0x100);
    expect(sci.level).toBe(false);
    expect(device.deadline).toBe(timeOf(2 << 23, PM_TIMER_HERTZ));
    const copy = power();
    copy.device.load(device.save());
    expect(copy.device.save()).toEqual(device.save());
    expect(copy.device.deadline).toBe(device.deadline);
  });
});

test("general purpose events interrupt while they are there, enabled, and SCI is on", () => {
  const { device, sci } = power();
  device.raiseGpe(3);
  device.gpe.write(2, 2, 0x08);
  expect([device.gpe.read(0, 4), sci.level]).toEqual([0x00080008, false]);
  device.smiCommand.write(0, 1, 0xf1);
  expect(sci.level).toBe(true);
  const copy = power();
  copy.device.load(device.save());
  expect(copy.device.gpe.read(0, 4)).toBe(0x00080008);
  device.gpe.write(0, 1, 0x04);
  expect(sci.level).toBe(true);
  device.gpe.write(0, 1, 0x08);
  expect([device.gpe.read(0, 4), sci.level]).toEqual([0x00080000, false]);
});

test("port 0x92 resets on a rising bit 0 and remembers A20", () => {
  let resets = 0;
  const device = new Port92(() => resets++);
  const port = bytes(device);
  port.out(0, 2);
  expect(port.in(0)).toBe(2);
  expect(resets).toBe(0);
  port.out(0, 3);
  port.out(0, 3);
  expect(resets).toBe(1);
});

test("port 0xcf9 resets with bit 2", () => {
  let resets = 0;
  const device = new ResetControl(() => resets++);
  const port = bytes(device);
  port.out(0, 2);
  expect([port.in(0), resets]).toEqual([2, 0]);
  port.out(0, 6);
  expect([port.in(0), resets]).toEqual([2, 1]);
});
