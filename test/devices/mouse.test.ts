import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Mouse } from "../../emulator/devices/mouse.ts";

const drain = (mouse: Mouse): number[] => {
  const bytes: number[] = [];
  while (mouse.hasByte) bytes.push(mouse.take());
  return bytes;
};
const say = (mouse: Mouse, ...bytes: number[]): number[] => {
  const answer: number[] = [];
  for (const byte of bytes) {
    mouse.send(byte);
    answer.push(...drain(mouse));
  }
  return answer;
};
const ACK = 0xfa;
const withRates = (mouse: Mouse, ...rates: number[]): number[] => {
  for (const rate of rates) say(mouse, 0xf3, rate);
  return say(mouse, 0xf2);
};

describe("PS/2 mouse", () => {
  test("reports movement only when told so, y upwards", () => {
    const mouse = new Mouse();
    mouse.move(5, 3, 0, 0);
    expect(drain(mouse)).toEqual([]);
    expect(say(mouse, 0xf4)).toEqual([ACK]);
    mouse.move(5, 3, 0, 1);
    expect(drain(mouse)).toEqual([0x08 | 0x20 | 1, 5, 0xfd]);
    mouse.move(-1, -2, 0, 0);
    expect(drain(mouse)).toEqual([0x08 | 0x10, 0xff, 2]);
    mouse.move(0, 0, 0, 0);
    expect(drain(mouse)).toEqual([]);
    mouse.move(0, 0, 1, 0); // no wheel yet
    expect(drain(mouse)).toEqual([]);
  });

  test("has a wheel after 200, 100, 80, as Linux and Windows ask for it; id 4 after 200, 200, 80", () => {
    const mouse = new Mouse();
    expect(say(mouse, 0xff)).toEqual([ACK, 0xaa, 0]);
    expect(withRates(mouse, 200, 100, 80)).toEqual([ACK, 3]);
    say(mouse, 0xf4);
    mouse.move(0, 0, -1, 4);
    expect(drain(mouse)).toEqual([0x0c, 0, 0, 0xff]);
    expect(withRates(mouse, 200, 200, 80)).toEqual([ACK, 4]);
    mouse.move(1, 0, 20, 0);
    expect(drain(mouse)).toEqual([0x08, 1, 0, 7, 0x08, 0, 0, 7, 0x08, 0, 0, 6]);
    expect(say(mouse, 0xff)).toEqual([ACK, 0xaa, 0]);
    expect(say(mouse, 0xf2)).toEqual([ACK, 0]);
    expect(withRates(mouse, 200, 100, 60)).toEqual([ACK, 0]);
  });

  test("status, resolution, defaults, unknown commands", () => {
    const mouse = new Mouse();
    say(mouse, 0xe8, 3, 0xf3, 40, 0xe7, 0xf4);
    mouse.move(0, 0, 0, 2);
    drain(mouse);
    expect(say(mouse, 0xe9)).toEqual([ACK, 0x20 | 0x10 | 1, 3, 40]);
    say(mouse, 0xf6);
    expect(say(mouse, 0xe9)).toEqual([ACK, 1, 2, 100]);
    expect(say(mouse, 0xe1)).toEqual([0xfe]);
  });

  test("remote mode: a packet only when asked", () => {
    const mouse = new Mouse();
    expect(say(mouse, 0xf0)).toEqual([ACK]);
    mouse.move(3, -4, 0, 0);
    mouse.move(1, 0, 0, 0);
    expect(drain(mouse)).toEqual([]);
    expect(say(mouse, 0xeb)).toEqual([ACK, 0x08, 4, 4]);
    expect(say(mouse, 0xeb)).toEqual([ACK, 0x08, 0, 0]);
  });

  test("wrap mode echoes all but its end and reset", () => {
    const mouse = new Mouse();
    expect(say(mouse, 0xee, 0xf4, 0x12)).toEqual([ACK, 0xf4, 0x12]);
    expect(say(mouse, 0xec)).toEqual([ACK]);
    expect(say(mouse, 0xee)).toEqual([ACK]);
    expect(say(mouse, 0xff)).toEqual([ACK, 0xaa, 0]);
  });

  test("scaling 2:1 in stream mode", () => {
    const mouse = new Mouse();
    say(mouse, 0xe7, 0xf4);
    for (const [count, scaled] of [
      [1, 1],
      [2, 1],
      [3, 3],
      [4, 6],
      [5, 9],
      [6, 12],
      [-4, -6],
    ] as const) {
      mouse.move(count, 0, 0, 0);
      expect(drain(mouse)[1]).toBe(scaled & 0xff);
    }
  });

  test("movement is never lost, however it comes and is fetched", () => {
    const step = fc.oneof(
      fc.record({
        dx: fc.integer({ min: -900, max: 900 }),
        dy: fc.integer({ min: -900, max: 900 }),
        dz: fc.integer({ min: -9, max: 9 }),
      }),
      fc.nat({ max: 20 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const mouse = new Mouse();
        withRates(mouse, 200, 100, 80);
        say(mouse, 0xf4);
        const sum = { x: 0, y: 0, z: 0 };
        const bytes: number[] = [];
        for (const one of steps) {
          if (typeof one === "number")
            for (let i = 0; i < one && mouse.hasByte; i++) bytes.push(mouse.take());
          else {
            mouse.move(one.dx, one.dy, one.dz, 0);
            sum.x += one.dx;
            sum.y -= one.dy;
            sum.z += one.dz;
          }
        }
        // From a saved state it goes on the same.
        const copy = new Mouse();
        copy.load(mouse.save());
        const rest = drain(mouse);
        expect(drain(copy)).toEqual(rest);
        bytes.push(...rest);
        expect(bytes.length % 4).toBe(0);
        const signed = (byte: number): number => (byte << 24) >> 24;
        for (let at = 0; at < bytes.length; at += 4) {
          expect(bytes[at]! & 0xc8).toBe(0x08);
          sum.x -= signed(bytes[at + 1]!);
          sum.y -= signed(bytes[at + 2]!);
          sum.z -= signed(bytes[at + 3]!);
        }
        expect(sum).toEqual({ x: 0, y: 0, z: 0 });
      }),
      { seed: 20260729, numRuns: 200 },
    );
  });
});
