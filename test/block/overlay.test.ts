/** The overlay against an array of bytes: random reads, writes, discards, saves and loads. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Drive, Overlay, RawImage } from "../../emulator/block/index.ts";
import type { PlainData } from "../../emulator/devices/device.ts";
import { MemoryStore, retry } from "./memory-store.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20260101);
const SIZE = 5 * 2 ** 20 + 512;

const BASE = new Uint8Array(SIZE).map((_, n) => n * 7 + (n >> 8));
const pattern = (length: number, salt: number): Uint8Array => BASE.slice(salt, salt + length);

/** Equality of states; the general one takes too long for megabytes. */
const same = (a: PlainData | undefined, b: PlainData | undefined): boolean => {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(
      ([key, value], n) => right[n]![0] === key && same(value as PlainData, right[n]![1] as PlainData),
    )
  );
};

function setUp(late = false) {
  const store = new MemoryStore(BASE.slice(), { readOnly: true });
  if (late) store.late = () => true;
  const overlay = new Overlay(new RawImage(store));
  return { store, overlay };
}

const range = fc
  .tuple(fc.nat(SIZE - 1), fc.oneof(fc.nat(9000), fc.nat(3 * 2 ** 20)))
  .map(([offset, length]) => ({ offset, length: Math.min(length, SIZE - offset) }));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), range, salt: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read" as const), range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("discard" as const), range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("save" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("load" as const), which: fc.nat() }) },
);

describe("overlay", () => {
  test("reads what was written, and every saved state comes back as it was", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.boolean(), (steps, late) => {
        const { store, overlay } = setUp(late);
        let model = store.bytes.slice();
        const saves: { state: PlainData; model: Uint8Array }[] = [];
        for (const s of steps) {
          if (s.kind === "write") {
            const bytes = new Uint8Array(s.range.length).fill(s.salt);
            retry(() => overlay.write(s.range.offset, bytes));
            model.set(bytes, s.range.offset);
          } else if (s.kind === "discard") {
            retry(() => overlay.discard(s.range.offset, s.range.length));
            model.fill(0, s.range.offset, s.range.offset + s.range.length);
          } else if (s.kind === "read") {
            const { offset, length } = s.range;
            const bytes = retry(() => overlay.read(offset, length));
            expect(Buffer.compare(bytes, model.subarray(offset, offset + length))).toBe(0);
          } else if (s.kind === "save") saves.push({ state: overlay.save(), model: model.slice() });
          else if (saves.length > 0) {
            const saved = saves[s.which % saves.length]!;
            overlay.load(saved.state);
            model = saved.model.slice();
          }
        }
        saves.push({ state: overlay.save(), model });
        for (const saved of saves) {
          const other = setUp().overlay;
          other.load(saved.state);
          expect(Buffer.compare(other.read(0, SIZE), saved.model)).toBe(0);
          expect(same(other.save(), saved.state)).toBe(true);
        }
        expect(Buffer.compare(store.bytes, BASE)).toBe(0);
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  test("successive states share what did not change", () => {
    const { overlay } = setUp();
    overlay.write(0, pattern(8192, 2));
    overlay.write(3 * 2 ** 20, pattern(4096, 3));
    const first = overlay.save() as { groups: { [index: string]: { [cluster: string]: Uint8Array } } };
    expect(overlay.save()).toBe(first);
    overlay.write(4096, Uint8Array.of(9));
    const second = overlay.save() as typeof first;
    expect(second.groups["1"]).toBe(first.groups["1"]);
    expect(second.groups["0"]!["0"]).toBe(first.groups["0"]!["0"]);
    expect(second.groups["0"]!["1"]).not.toBe(first.groups["0"]!["1"]);
    expect(first.groups["0"]!["1"]![0]).toBe(pattern(8192, 2)[4096]);
    expect(overlay.dirtyBytes).toBe(3 * 4096);
    overlay.discard(0, 2 * 2 ** 20);
    expect(overlay.dirtyBytes).toBe(4096);
  });
});

describe("drive", () => {
  test("writes through only if asked to", () => {
    const store = new MemoryStore(new Uint8Array(4096));
    const kept = new Drive("a", new RawImage(store));
    kept.image.write(0, Uint8Array.of(1));
    expect(store.bytes[0]).toBe(0);
    expect(kept.save()).not.toBeNull();
    const through = new Drive("b", new RawImage(store), { writeThrough: true });
    through.image.write(0, Uint8Array.of(2));
    expect(store.bytes[0]).toBe(2);
    expect(through.save()).toBeNull();
    const locked = new RawImage(new MemoryStore(new Uint8Array(512), { readOnly: true }));
    expect(() => new Drive("c", locked, { writeThrough: true })).toThrow("disk.img: what the guest writes");
  });
});

test("raw: a size that is no multiple of the sector is filled up, and written it grows the store", () => {
  const store = new MemoryStore(pattern(700, 1));
  const raw = new RawImage(store);
  expect(raw.sizeBytes).toBe(1024);
  expect(new RawImage(store, 2048).sizeBytes).toBe(2048);
  expect([...raw.read(698, 4)]).toEqual([...pattern(700, 1).subarray(698), 0, 0]);
  raw.write(1000, Uint8Array.of(5));
  expect(store.sizeBytes).toBe(1001);
  raw.discard(0, 700);
  expect(raw.read(0, 700).every((byte) => byte === 0)).toBe(true);
});
