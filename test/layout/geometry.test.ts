/** The picture's geometry: no gaps, no part lost, and heights that add up. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  heights,
  least,
  piecesOf,
  segmentsOf,
  shareOf,
  wholeOf,
} from "../../media/panels/ram-layout/geometry.ts";
import type { FlatRangeBody, RamBlockBody, RamLayoutBody } from "../../media/protocol.ts";

const GIB = 1n << 30n;
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

const range = (start: bigint, size: bigint, block: string | null, offset = 0n): FlatRangeBody => ({
  start: hex(start),
  size: hex(size),
  region: block ?? "device",
  kind: block === null ? "mmio" : "ram",
  priority: 0,
  readonly: false,
  offset: hex(offset),
  block,
  ramAddress: block === null ? null : hex(offset),
  path: ["system"],
});
const block = (idstr: string, offset: bigint, used: bigint): RamBlockBody => ({
  idstr,
  pageBytes: 4096,
  offset: hex(offset),
  used: hex(used),
  total: hex(used),
  flags: [],
  backend: null,
  dimm: null,
  windows: [],
});
const SIX: RamLayoutBody = {
  blocks: [block("pc.ram", 0n, 6n * GIB), block("rom", 6n * GIB, 0x20000n)],
  ranges: [
    range(0n, 0xa0000n, "pc.ram"),
    range(0xa0000n, 0x20000n, null),
    range(0xc0000n, 3n * GIB - 0xc0000n, "pc.ram", 0xc0000n),
    range(4n * GIB, 3n * GIB, "pc.ram", 3n * GIB),
  ],
  ramBytes: hex(6n * GIB),
  below4G: hex(3n * GIB),
  above4G: hex(3n * GIB),
  addressBits: 40,
};

describe("a machine with 6 GiB", () => {
  it("has a segment for each range and for the hole", () => {
    const whole = wholeOf(SIX);
    expect(whole).toEqual({ start: 0n, end: 7n * GIB });
    const segments = segmentsOf(SIX, whole);
    expect(segments.map(({ kind, start }) => [kind, start])).toEqual([
      ["ram", 0n],
      ["mmio", 0xa0000n],
      ["ram", 0xc0000n],
      ["hole", 3n * GIB],
      ["ram", 4n * GIB],
    ]);
    for (const [i, { end }] of segments.entries()) expect(end).toBe(segments[i + 1]?.start ?? whole.end);
  });

  it("cuts the block where the guest sees it elsewhere, and keeps what it does not see", () => {
    const segments = segmentsOf(SIX, wholeOf(SIX));
    const pieces = piecesOf(SIX, segments);
    expect(
      pieces.map(({ block: name, blockOffset, segments: seen }) => [name, blockOffset, seen.length]),
    ).toEqual([
      ["pc.ram", 0n, 1],
      ["pc.ram", 0xa0000n, 0],
      ["pc.ram", 0xc0000n, 1],
      ["pc.ram", 3n * GIB, 1],
      ["rom", 0n, 0],
    ]);
    const above = pieces[3]!;
    expect(above.segments[0]!.start).toBe(4n * GIB);
    expect(shareOf(above.segments[0]!, above)).toEqual({ from: 0, to: 1 });
  });

  it("shows a part by itself", () => {
    const segments = segmentsOf(SIX, { start: 0n, end: 1n << 20n });
    expect(segments.at(-1)).toMatchObject({ start: 0xc0000n, end: 1n << 20n });
    const [low] = piecesOf(SIX, segments);
    expect(low).toMatchObject({ start: 0n, end: 0xa0000n });
    const cut = piecesOf(SIX, segments).find(({ blockOffset }) => blockOffset === 0xc0000n)!;
    expect(cut.end).toBe(1n << 20n);
  });
});

it("heights add up to what there is, and no name is squeezed in the logarithmic scale", () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 1n, max: 1n << 40n }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 200, max: 2000 }),
      fc.constantFrom("logarithmic" as const, "true" as const),
      (sizes, room, scale) => {
        const total = scale === "true" ? room : Math.max(room, least(sizes.length));
        const result = heights(sizes, total, scale);
        expect(result.reduce((sum, height) => sum + height, 0)).toBeCloseTo(total, 3);
        const row = scale === "true" ? 0 : least(1) - 1e-6;
        for (const height of result) expect(height).toBeGreaterThanOrEqual(row);
        // Of two parts the larger is at least as tall.
        for (const [i, a] of sizes.entries())
          for (const [j, b] of sizes.entries())
            if (a > b) expect(result[i]! + 1e-6).toBeGreaterThanOrEqual(result[j]!);
      },
    ),
    { seed: 5, numRuns: 200 },
  );
});
