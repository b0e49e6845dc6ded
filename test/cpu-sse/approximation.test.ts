/** RCPPS and RSQRTPS: every interval of their tables within the manual's 1.5 × 2^-12, and the operands that have no approximation. */
import { expect, test } from "vitest";
import { CR4 } from "../../emulator/cpu/core.ts";
import { sseOperations } from "../../emulator/cpu/sse/index.ts";
import { xmmAt } from "../../emulator/cpu/sse/lanes.ts";
import { Fixture } from "../cpu-system/fixture.ts";
import { instruction } from "./instruction.ts";

const BOUND = 1.5 * 2 ** -12;

const { core } = new Fixture();
core.setCr4(CR4.OSFXSR);

function approximate(name: string, bits: number): number {
  core.view.setUint32(xmmAt(1), bits, true);
  sseOperations[name]!(core, instruction(name, { reg: 0, rm: 1 }));
  return core.view.getUint32(xmmAt(0), true);
}

const scratch = new DataView(new ArrayBuffer(4));
const numberOf = (bits: number): number => {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
};

test.each([
  ["rcpss", (x: number) => 1 / x],
  ["rsqrtss", (x: number) => 1 / Math.sqrt(x)],
] as const)("%s has a relative error of at most 1.5 × 2^-12", (name, exact) => {
  let worst = 0;
  for (const exponent of [1, 2, 126, 127, 128, 251])
    for (let interval = 0; interval < 2048; interval++)
      for (const fraction of [0, 1, 0x7ff, 0xfff]) {
        const bits = (exponent << 23) | (interval << 12) | fraction;
        const error = Math.abs(numberOf(approximate(name, bits)) / exact(numberOf(bits)) - 1);
        worst = Math.max(worst, error);
      }
  expect(worst).toBeLessThanOrEqual(BOUND);
  // The bound is not met by far: a table that is better than any processor's would be a mistake too.
  expect(worst).toBeGreaterThan(BOUND / 4);
});

test.each([
  ["rcpss", 0x0000_0000, 0x7f80_0000],
  ["rcpss", 0x8000_0001, 0xff80_0000],
  ["rcpss", 0xff80_0000, 0x8000_0000],
  ["rcpss", 0x7f80_0001, 0x7fc0_0001],
  ["rcpss", 0x7e80_0000, 0x0000_0000],
  ["rsqrtss", 0x8000_0000, 0xff80_0000],
  ["rsqrtss", 0x007f_ffff, 0x7f80_0000],
  ["rsqrtss", 0x7f80_0000, 0x0000_0000],
  ["rsqrtss", 0xbf80_0000, 0xffc0_0000],
])("%s of %x is %x", (name, bits, result) => {
  expect(approximate(name, bits)).toBe(result);
});
