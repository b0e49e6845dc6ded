import { describe, expect, test } from "vitest";
import type { OpenRegisters, Reach } from "../../emulator/devices/device.ts";
import { Hpet } from "../../emulator/devices/hpet.ts";
import { random } from "./ide-board.ts";
import { ns, recordLine } from "./recorder.ts";

const CONFIG = 0x10;
const STATUS = 0x20;
const COUNTER = 0xf0;
const timer = (n: number): number => 0x100 + 0x20 * n;
const comparator = (n: number): number => 0x108 + 0x20 * n;
const TIMER = { level: 2, enabled: 4, periodic: 8, setValue: 0x40, bits32: 0x100, route2: 2 << 9 } as const;

/** The HPET's registers, and accesses of guests to them. */
function openRegisters() {
  const words = new Uint32Array(256);
  const reach = new Map<number, Reach>();
  let period = 0;
  const registers: OpenRegisters = {
    get: (offset) => words[offset >> 2]!,
    set: (offset, value) => {
      words[offset >> 2] = value;
    },
    open: (register, how) => reach.set(register, how),
    count: (nanoseconds) => {
      period = nanoseconds;
    },
  };
  return {
    registers,
    reach: (offset: number): Reach => reach.get(offset & ~7) ?? "device",
    counter: (offset: number, now: number): number => {
      const register = offset & ~7;
      const origin = BigInt(registers.get(register)) + (BigInt(registers.get(register + 4)) << 32n);
      const value = origin + BigInt(Math.floor(now / period));
      return Number(BigInt.asUintN(32, offset & 4 ? value >> 32n : value));
    },
  };
}

function hpet() {
  const lines = new Map([0, 2, 8].map((route) => [route, recordLine()] as const));
  const open = openRegisters();
  const device = new Hpet((route) => lines.get(route)!.line, open.registers);
  let now = 0;
  const read64 = (address: number): bigint =>
    BigInt(device.read(address)) + (BigInt(device.read(address + 4)) << 32n);
  return {
    device,
    line: (route: number) => lines.get(route)!,
    read: (address: number) => device.read(address),
    read64,
    write: (address: number, value: number) => device.write(address, 4, value),
    reach: open.reach,
    /** As `read` and `write`, but the device is only asked for what it has not opened. */
    readOpen: (address: number): number => {
      const reach = open.reach(address);
      if (reach === "device") return device.read(address);
      return reach === "counter" ? open.counter(address, now) : open.registers.get(address);
    },
    writeOpen: (address: number, value: number): void => {
      if (open.reach(address) === "memory") open.registers.set(address, value);
      else device.write(address, 4, value);
    },
    /** Lets time pass as the machine does: from deadline to deadline. Returns the times of the deadlines. */
    pass: (nanoseconds: number): number[] => {
      const end = now + nanoseconds;
      const times: number[] = [];
      while (device.deadline <= end) {
        now = device.deadline;
        times.push(now);
        device.tick(ns(now));
      }
      now = end;
      device.tick(ns(now));
      return times;
    },
  };
}

describe("HPET", () => {
  test("says what QEMU's says", () => {
    const { read, read64 } = hpet();
    expect(read64(0)).toBe(0x0098_9680_8086_a201n);
    expect(read64(timer(0))).toBe(0x0000_0004_0000_0030n);
    expect(read64(comparator(2))).toBe(0xffff_ffff_ffff_ffffn);
    expect(read(timer(3))).toBe(0);
  });

  test("the counter counts 10 ns while it runs, in 64 bits, and can be set while it does not", () => {
    const { pass, read64, write, device } = hpet();
    pass(1000);
    expect(read64(COUNTER)).toBe(0n);
    write(COUNTER, 0xfffffff0);
    write(COUNTER + 4, 7);
    write(CONFIG, 1);
    pass(1009);
    expect(read64(COUNTER)).toBe(0x8_0000_0054n);
    write(COUNTER, 0);
    expect(read64(COUNTER)).toBe(0x8_0000_0054n);
    write(CONFIG, 0);
    pass(5000);
    expect(read64(COUNTER)).toBe(0x8_0000_0054n);
    expect(device.deadline).toBe(Infinity);
  });

  test("one shot by the edge", () => {
    const { pass, write, line, device } = hpet();
    write(CONFIG, 1);
    write(timer(0), TIMER.enabled | TIMER.route2);
    write(comparator(0), 500);
    write(comparator(0) + 4, 0);
    expect(device.deadline).toBe(5000);
    expect(pass(20_000)).toEqual([5000]);
    expect([line(2).rises, line(2).level]).toEqual([1, false]);
    write(comparator(0), 700); // the past: as in QEMU it matches at once
    expect(pass(1000)).toEqual([20_010]);
    expect(line(2).rises).toBe(2);
  });

  test("periodic: the accumulator is set once, then the period", () => {
    const { pass, write, line, read } = hpet();
    write(CONFIG, 1);
    write(timer(0), TIMER.enabled | TIMER.periodic | TIMER.setValue | TIMER.bits32 | TIMER.route2);
    expect(read(timer(0)) & TIMER.setValue).toBe(TIMER.setValue);
    write(comparator(0), 1000);
    write(comparator(0), 250);
    expect(read(comparator(0))).toBe(1000);
    expect(pass(18_000)).toEqual([10_000, 12_500, 15_000, 17_500]);
    expect(read(comparator(0))).toBe(2000);
    expect(line(2).rises).toBe(4);
  });

  test("level: the line is up until the status is cleared", () => {
    const { pass, write, line, read } = hpet();
    write(CONFIG, 1);
    write(timer(1), TIMER.enabled | TIMER.level | TIMER.route2);
    write(comparator(1), 100);
    write(comparator(1) + 4, 0);
    pass(2000);
    expect([line(2).level, read(STATUS)]).toEqual([true, 2]);
    write(STATUS, 1);
    expect(line(2).level).toBe(true);
    write(STATUS, 2);
    expect([line(2).level, read(STATUS)]).toEqual([false, 0]);
  });

  test("a timer without a route interrupts nobody", () => {
    const { pass, write, line } = hpet();
    write(CONFIG, 1);
    write(timer(2), TIMER.enabled | (11 << 9));
    write(comparator(2), 10);
    write(comparator(2) + 4, 0);
    pass(1000);
    expect([0, 2, 8].map((route) => line(route).rises)).toEqual([0, 0, 0]);
  });

  test("an access to what it has opened is the same as one to the device", () => {
    const next = random(1);
    const one = hpet();
    const two = hpet();
    const reached = new Map<Reach, number>();
    for (let step = 0; step < 6000; step++) {
      const register = [CONFIG, STATUS, COUNTER, timer(next(3)), comparator(next(3))][next(5)]!;
      const address = register + 4 * next(2);
      const reach = one.reach(address);
      reached.set(reach, (reached.get(reach) ?? 0) + 1);
      if (next(2) === 0) expect(one.readOpen(address)).toBe(two.read(address));
      else {
        const soon = next(2) * Number(two.device.counter & 0xffffffffn) + next(0x1000);
        const value = (address & 4) !== 0 ? next(2) : register === CONFIG ? next(4) : soon % 2 ** 32;
        one.writeOpen(address, value);
        two.write(address, value);
      }
      expect(one.device.save()).toEqual(two.device.save());
      const nanoseconds = next(3) === 0 ? next(60_000) : 0;
      expect(one.pass(nanoseconds)).toEqual(two.pass(nanoseconds));
    }
    for (const reach of ["device", "memory", "counter"] as const)
      expect(reached.get(reach)).toBeGreaterThan(200);
    for (const route of [0, 2, 8]) expect(one.line(route).rises).toBe(two.line(route).rises);
  });

  test("legacy routing takes interrupts 0 and 8 from the PIT and the RTC, and gives them back", () => {
    const { pass, write, line, device } = hpet();
    device.pit(true);
    device.rtc(true);
    expect([line(0).level, line(8).level]).toEqual([true, true]);
    write(CONFIG, 3);
    expect([line(0).level, line(8).level]).toEqual([false, false]);
    device.pit(false);
    device.pit(true);
    device.rtc(false);
    expect([line(0).rises, line(8).rises]).toEqual([1, 1]);
    for (const n of [0, 1]) {
      write(timer(n), TIMER.enabled | TIMER.bits32);
      write(comparator(n), 100 + n);
    }
    pass(2000);
    expect([line(0).rises, line(8).rises]).toEqual([2, 2]);
    write(CONFIG, 1);
    expect([line(0).level, line(8).level]).toEqual([true, false]);
  });

  test("32-bit timers match again when the counter has gone around", () => {
    const { pass, write, line } = hpet();
    write(CONFIG, 1);
    write(timer(0), TIMER.enabled | TIMER.bits32 | TIMER.route2);
    write(comparator(0), 100);
    expect(pass(43e9)).toEqual([1000, 1000 + 10 * 2 ** 32]);
    expect(line(2).rises).toBe(2);
  });

  const seed = 4_711;
  test(`a state loaded at any moment goes on alike (seed ${seed})`, () => {
    const next = random(seed);
    const one = hpet();
    for (let step = 0; step < 400; step++) {
      const n = next(3);
      const actions = [
        () => one.write(CONFIG, next(8) === 0 ? next(4) : 1 + 2 * next(2)),
        () => one.write(timer(n), (next(2 ** 15) & ~0x3e00) | (next(2) === 0 ? TIMER.route2 : 0)),
        () => one.write(comparator(n), (Number(one.device.counter & 0xffffffffn) + next(5000)) % 2 ** 32),
        () => one.write(comparator(n), 10 + next(3000)),
        () => one.write(comparator(n) + 4, next(2)),
        () => one.write(STATUS, next(8)),
        () => one.device.pit(next(2) === 0),
        () => one.device.rtc(next(2) === 0),
      ];
      actions[next(actions.length)]!();
      const nanoseconds = next(60_000);
      const saved = one.device.save();
      const two = hpet();
      two.device.load(JSON.parse(JSON.stringify(saved)));
      expect(two.device.save()).toEqual(saved);
      expect(two.device.deadline).toBe(one.device.deadline);
      const times = one.pass(nanoseconds);
      if (step % 8 === 0) {
        const same = two.device;
        const again: number[] = [];
        const end = (one.device.save() as { now: number }).now;
        while (same.deadline <= end) {
          again.push(same.deadline);
          same.tick(ns(same.deadline));
        }
        same.tick(ns(end));
        expect(again).toEqual(times);
        expect(same.save()).toEqual(one.device.save());
      }
    }
  });
});
