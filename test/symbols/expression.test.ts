/**
 * DWARF expressions, operation by operation, and what becomes of hostile ones.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { locate } from "../../debug-adapter/symbols/dwarf/expression.ts";
import type { FrameContext, Location } from "../../debug-adapter/symbols/index.ts";

const SEED = 7;

const frame: FrameContext = {
  address: 0n,
  registers: new Map([
    [0, 0x11n],
    [3, 0xffff_ffff_ffff_fff0n],
    [6, 0x7000n],
  ]),
  readMemory: (address, length) =>
    address >= 0x7000n && address < 0x8000n ? new Uint8Array(length).fill(0x42) : null,
};

const run = (...bytes: number[]): Location =>
  locate(new Uint8Array(bytes), {
    unit: null,
    is64: true,
    bias: 0x1000n,
    frame,
    frameBase: () => 0x9000n,
    cfa: () => 0xa000n,
  });

const STACK_VALUE = 0x9f;
const value = (...bytes: number[]): string => {
  const location = run(...bytes, STACK_VALUE);
  if (location.kind === "unavailable") return location.reason;
  if (location.kind !== "value") return location.kind;
  return String(
    BigInt.asIntN(
      64,
      location.bytes.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n),
    ),
  );
};

test("constants, stack and arithmetic", () => {
  expect(value(0x08, 200)).toBe("200");
  expect(value(0x09, 200)).toBe("-56");
  expect(value(0x0b, 0xfe, 0xff)).toBe("-2");
  expect(value(0x10, 0x80, 0x01)).toBe("128");
  expect(value(0x11, 0x7f)).toBe("-1");
  expect(value(0x35, 0x32, 0x1c)).toBe("3"); // 5 - 2
  expect(value(0x35, 0x32, 0x16, 0x1c)).toBe("-3"); // swapped
  expect(value(0x31, 0x32, 0x33, 0x17, 0x1c, 0x1c)).toBe("4"); // rot: 3 1 2 → 3 - (1 - 2)
  expect(value(0x31, 0x32, 0x14, 0x22)).toBe("3"); // over
  expect(value(0x31, 0x32, 0x33, 0x15, 2)).toBe("1"); // pick 2
  expect(value(0x09, 0xf9, 0x32, 0x1b)).toBe("-3"); // -7 / 2
  expect(value(0x37, 0x30, 0x1b)).toBe("the expression divides by zero");
  expect(value(0x09, 0xff, 0x34, 0x26)).toBe("-1"); // arithmetic shift
  expect(value(0x09, 0xff, 0x08, 60, 0x25)).toBe("15"); // logical shift
  expect(value(0x31, 0x08, 64, 0x24)).toBe("0"); // shifted out
  expect(value(0x09, 0xff, 0x31, 0x2d)).toBe("1"); // -1 < 1
  expect(value(0x35, 0x19, 0x1f, 0x20)).toBe("4"); // ~-|5|
});

test("control flow ends", () => {
  // 10 counted down to 0: sub 1, dup, bra back.
  expect(value(0x3a, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff)).toBe("0");
  expect(value(0x2f, 0x01, 0x00, 0x31, 0x32)).toBe("2");
  expect(value(0x2f, 0xfd, 0xff)).toBe("the expression does not end");
  expect(value(0x31, 0x12, 0x2f, 0xfc, 0xff)).toBe("the expression overflows its stack");
  expect(value(0x13)).toBe("the expression takes more from its stack than there is");
});

test("places", () => {
  expect(run(0x03, 0, 0x20, 0, 0, 0, 0, 0, 0)).toEqual({ kind: "memory", address: 0x3000n });
  expect(run(0x53)).toEqual({ kind: "register", register: 3, byteOffset: 0 });
  expect(run(0x90, 0x40)).toEqual({ kind: "register", register: 64, byteOffset: 0 });
  expect(run(0x73, 0x20)).toEqual({ kind: "memory", address: 0x10n });
  expect(run(0x91, 0x70)).toEqual({ kind: "memory", address: 0x8ff0n });
  expect(run(0x9c, 0x23, 0x10)).toEqual({ kind: "memory", address: 0xa010n });
  expect(run(0x76, 0, 0x06)).toEqual({ kind: "memory", address: 0x4242_4242_4242_4242n });
  expect(run(0x76, 0, 0x94, 2)).toEqual({ kind: "memory", address: 0x4242n });
  expect(run()).toEqual({ kind: "unavailable", reason: "optimized out" });
  expect(run(0x9e, 2, 7, 8)).toEqual({ kind: "value", bytes: new Uint8Array([7, 8]) });
  expect(run(0x71, 0)).toEqual({ kind: "unavailable", reason: "register 1 is not known in this frame" });
  expect(run(0x30, 0x06)).toEqual({ kind: "unavailable", reason: "no memory at 0x0" });
  expect(run(0xa3, 1, 0x55)).toMatchObject({ kind: "unavailable" });
});

test("pieces, some of them optimized out", () => {
  expect(run(0x50, 0x93, 4, 0x93, 4, 0x91, 0, 0x93, 8)).toEqual({
    kind: "pieces",
    pieces: [
      { location: { kind: "register", register: 0, byteOffset: 0 }, sizeBits: 32, offsetBits: 0 },
      { location: { kind: "unavailable", reason: "optimized out" }, sizeBits: 32, offsetBits: 0 },
      { location: { kind: "memory", address: 0x9000n }, sizeBits: 64, offsetBits: 0 },
    ],
  });
});

describe("hostile expressions", () => {
  test("any bytes give a place or a reason", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const location = run(...bytes);
        return location.kind !== undefined;
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });
});
