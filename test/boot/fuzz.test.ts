/** Damaged and random images: a plan or a diagnosis in bounded time, never an exception, and no plan that reaches outside of RAM. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { LOADERS, plan, type BootImage } from "../../emulator/boot/index.ts";
import { buildElf, code, multiboot1, multiboot2, pvhElf, pvhNote } from "./elf-builder.ts";
import { bzImage } from "./linux-builder.ts";
import { image, MIB, RAM_128M } from "./plan.ts";
import { SAMPLE } from "./toolchain.ts";
import { cpuMilliseconds } from "../support/time.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20260101);

const chained = code(multiboot2([[10, 24, MIB, 64 * MIB, 4096, 0]]));
const seeds: readonly Uint8Array[] = [
  new Uint8Array(readFileSync(SAMPLE)),
  buildElf({ bits: 32, programs: [{ physicalAddress: MIB, bytes: code(multiboot1(7, [0, 0, 0, 0, 0, 1, 0, 0, 0])) }] }),
  buildElf({ bits: 64, programs: [{ physicalAddress: MIB, bytes: chained }, { physicalAddress: 2 * MIB, bytes: chained }] }),
  code(multiboot1(0x10003, [MIB, MIB, 0, 0, MIB + 64])),
  code(multiboot2([[2, 24, MIB, MIB, 0, 0], [3, 12, MIB + 100], [1, 16, 6, 9]])),
  bzImage(),
  bzImage({ version: 0x201, xloadflags: 0, relocatable: false }),
  pvhElf(pvhNote(BigInt(MIB))),
  buildElf({ bits: 64, programs: [{ physicalAddress: MIB, bytes: new TextEncoder().encode("Linux version 6") }] }),
]; // oxfmt-ignore

/** Values at which sizes and addresses go wrong. */
const interesting = fc.constantFrom(
  0,
  1,
  3,
  4,
  7,
  8,
  0x7f,
  0x80,
  0xff,
  0xffff,
  0x10000,
  0x7fffffff,
  0x80000000,
  0xfffff000,
  0xffffffff,
);
const change = fc.oneof(
  fc.record({ kind: fc.constant("word" as const), at: fc.nat(), value: fc.oneof(interesting, fc.nat()) }),
  // Most of what is read lies at the beginning of the file or of its first segment.
  fc.record({
    kind: fc.constant("word" as const),
    at: fc.oneof(
      fc.nat(160),
      fc.integer({ min: 0x1f0, max: 0x270 }),
      fc.integer({ min: 0x1000, max: 0x1070 }),
    ),
    value: interesting,
  }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat(), value: fc.constant(0) }),
);

/** Repairs the checksums, so that changes reach what lies behind them. */
function repair(file: Uint8Array): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + 16 <= Math.min(file.length, 0x2000); at += 4) {
    const word = (n: number): number => view.getUint32(at + n * 4, true);
    if (word(0) === 0x1badb002) view.setUint32(at + 8, -(word(0) + word(1)), true);
    if (word(0) === 0xe85250d6) view.setUint32(at + 12, -(word(0) + word(1) + word(2)), true);
  }
}

function mutate(
  file: Uint8Array,
  changes: readonly { kind: "word" | "cut"; at: number; value: number }[],
): Uint8Array {
  let result = file.slice();
  for (const { kind, at, value } of changes) {
    if (result.length < 8) break;
    if (kind === "cut") result = result.slice(0, at % result.length);
    else new DataView(result.buffer).setUint32(at % (result.length - 3), value, true);
  }
  repair(result);
  return result;
}

function check(given: BootImage): void {
  const result = plan(given, RAM_128M);
  if (result.kind === "diagnosis") {
    expect(result.cause.text).not.toBe("");
    expect(result.cause.fix).not.toBe("");
    const { offset } = result.cause;
    if (offset !== null) expect(offset).toBeLessThanOrEqual(Math.max(given.kernel.length, 64));
    return;
  }
  for (const { start, length, bytes } of result.placed) {
    expect(bytes.length).toBeLessThanOrEqual(length);
    expect(start).toBeGreaterThanOrEqual(0);
    expect(start + length).toBeLessThanOrEqual(128 * MIB);
  }
  const taken = result.placed.filter(({ length }) => length > 0).toSorted((a, b) => a.start - b.start);
  for (const [n, range] of taken.entries())
    if (n > 0 && result.loader !== "chainloader")
      expect(taken[n - 1]!.start + taken[n - 1]!.length).toBeLessThanOrEqual(range.start);
}

const loader = fc.constantFrom("auto" as const, ...LOADERS);

it(`mutated images (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.nat(seeds.length - 1),
      fc.array(change, { maxLength: 6 }),
      loader,
      (seed, changes, chosen) =>
        check(
          image(mutate(seeds[seed]!, changes), {
            loader: chosen,
            modules: [{ bytes: seeds[1]!, name: "m", cmdline: "m" }],
          }),
        ),
    ),
    { seed: SEED, numRuns: 3000 },
  );
});

it(`random bytes behind each magic number (seed ${SEED})`, () => {
  const magic = fc.constantFrom(
    [0x7f, 0x45, 0x4c, 0x46],
    [0x02, 0xb0, 0xad, 0x1b],
    [0xd6, 0x50, 0x52, 0xe8],
    [0x4d, 0x5a],
    [...bzImage().subarray(0, 0x280)],
    [],
  );
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 600 }), loader, (head, tail, chosen) => {
      const file = Uint8Array.of(...head, ...tail);
      repair(file);
      check(image(file, { loader: chosen }));
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

it("tables as large as their fields allow take no long time", () => {
  const nothing = new Uint8Array(0);
  const programs = Array.from({ length: 60000 }, (_, n) => ({
    physicalAddress: MIB + n * 64,
    offset: 0,
    bytes: nothing,
    fileBytes: 4,
    memoryBytes: 64,
  }));
  const file = buildElf({ bits: 32, programs });
  // In the place of a program header, which for its type is then none to load.
  file.set(multiboot1(), 52 + 127 * 32);
  const started = cpuMilliseconds();
  expect(plan(image(file), RAM_128M).kind).toBe("plan");
  expect(cpuMilliseconds() - started).toBeLessThan(5000);
});
