/** Saving, loading, forking: random histories beside a plain copy of all bytes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  equalMemory,
  memoryDifferences,
  type MemoryState,
  MemoryRegion,
  stateBytes,
  unsharedBytes,
} from "../../emulator/memory/index.ts";
import { PAGE_BYTES } from "../../emulator/numbers.ts";
import { at, createMemory, createRam, GIB, MIB, storeByte } from "./machine.ts";

const PAGES = 1100;

/** Two blocks; all accesses go to pages of both. */
function createTwoBlocks() {
  const { memory, wasm } = createMemory({ frameLimitBytes: 8 * MIB, frameBudgetBytes: MIB });
  const ram = memory.allocate({ idstr: "ram", usedLength: PAGES * PAGE_BYTES });
  const video = memory.allocate({ idstr: "video", usedLength: 16 * PAGE_BYTES });
  memory.system.add(MemoryRegion.ram("ram", ram), 0);
  memory.system.add(MemoryRegion.ram("video", video), 0x10000000);
  return { memory, wasm };
}

type Step =
  | { readonly kind: "store"; readonly page: number; readonly offset: number; readonly value: number }
  | { readonly kind: "dma"; readonly page: number; readonly offset: number; readonly value: number }
  | { readonly kind: "save" }
  | { readonly kind: "load"; readonly which: number }
  | { readonly kind: "relieve"; readonly pages: number }
  | { readonly kind: "read"; readonly page: number }
  | { readonly kind: "epoch" };

// Few pages and values, so that pages go back to what they were.
const page = fc.oneof(fc.nat(6), fc.integer({ min: 508, max: 516 }), fc.nat(PAGES + 15));
const offset = fc.oneof(fc.nat(3), fc.nat(PAGE_BYTES - 1));
const value = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("store" as const), page, offset, value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("dma" as const), page, offset, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("save" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("load" as const), which: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("relieve" as const), pages: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("read" as const), page }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const) }) },
);

/** The truth: bytes that are not zero, by address. */
type Model = Map<number, number>;
const addressOf = (p: number, within: number) =>
  p < PAGES ? p * PAGE_BYTES + within : 0x10000000 + (p - PAGES) * PAGE_BYTES + within;

describe("random histories", () => {
  it("save and load keep every byte, in this memory and in a new one", () => {
    let loads = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), (steps) => {
        const { memory, wasm } = createTwoBlocks();
        let model: Model = new Map();
        const saved: { state: MemoryState; model: Model }[] = [];
        const touched = new Set<number>();
        const check = (of: typeof memory, expected: Model) => {
          for (const p of touched) {
            const bytes = of.readBytes(at(addressOf(p, 0)), PAGE_BYTES);
            for (let i = 0; i < PAGE_BYTES; i++) {
              if (bytes[i] !== (expected.get(addressOf(p, i)) ?? 0))
                throw new Error(`page ${p} offset ${i}: ${bytes[i]}`);
            }
          }
        };
        for (const s of steps) {
          if (s.kind === "store" || s.kind === "dma") {
            const address = addressOf(s.page, s.offset);
            if (s.kind === "dma") memory.writeBytes(at(address), Uint8Array.of(s.value));
            else if (!storeByte(memory, wasm, address, s.value)) throw new Error("no frame");
            touched.add(s.page);
            model.set(address, s.value);
          } else if (s.kind === "save") {
            const state = memory.save();
            saved.push({ state, model: new Map(model) });
          } else if (s.kind === "load" && saved.length > 0) {
            const from = saved[s.which % saved.length]!;
            memory.load(from.state);
            model = new Map(from.model);
            loads++;
          } else if (s.kind === "relieve") memory.relieve(s.pages * PAGE_BYTES);
          else if (s.kind === "read") memory.frameForRead(addressOf(s.page, 0) / PAGE_BYTES);
          else if (s.kind === "epoch") memory.beginEpoch();
        }
        check(memory, model);
        // States are values: all of them are still what they were, in a memory that never saw them.
        const fork = createTwoBlocks().memory;
        for (const { state, model: expected } of saved) {
          fork.load(state);
          check(fork, expected);
          if (!equalMemory(fork.save(), state)) throw new Error("a loaded state saves as itself");
        }
        // Equality is that of the bytes.
        const nonZero = (m: Model) =>
          JSON.stringify([...m].filter(([, v]) => v !== 0).sort(([a], [b]) => a - b));
        for (const a of saved) {
          for (const b of saved) {
            const equal = nonZero(a.model) === nonZero(b.model);
            if (equalMemory(a.state, b.state) !== equal) throw new Error(`equality should be ${equal}`);
          }
        }
      }),
      { seed: 20260102, numRuns: 60 },
    );
    expect(loads).toBeGreaterThan(100);
  });
});

describe("states", () => {
  it("share what did not change", () => {
    const { memory, wasm } = createRam(64 * MIB);
    for (let p = 0; p < 2000; p++) storeByte(memory, wasm, p * PAGE_BYTES, 1);
    const first = memory.save();
    expect(unsharedBytes(first, null)).toBe(2000 * PAGE_BYTES);
    expect(memory.save()).toBe(first);
    storeByte(memory, wasm, 5 * PAGE_BYTES, 2);
    storeByte(memory, wasm, 6 * PAGE_BYTES, 1);
    const second = memory.save();
    expect(unsharedBytes(second, first)).toBe(PAGE_BYTES);
    expect([...memoryDifferences(first, second)]).toEqual([{ idstr: "ram", page: 5 }]);
    expect(second.blocks["ram"]!.chunks[1]).toBe(first.blocks["ram"]!.chunks[1]);
    expect(stateBytes(first.blocks["ram"]!, 5 * PAGE_BYTES - 1, 2)).toEqual(Uint8Array.of(0, 1));
    expect(stateBytes(second.blocks["ram"]!, 5 * PAGE_BYTES, 1)).toEqual(Uint8Array.of(2));
    storeByte(memory, wasm, 5 * PAGE_BYTES, 1);
    expect(equalMemory(memory.save(), first)).toBe(true);
    for (let p = 0; p < 2000; p++) storeByte(memory, wasm, p * PAGE_BYTES, 0);
    const empty = memory.save();
    expect(unsharedBytes(empty, null)).toBe(0);
    expect(equalMemory(empty, createRam(64 * MIB).memory.save())).toBe(true);
  });

  it("a load voids addresses, reports code and marks what it changes", () => {
    const { memory, wasm, block } = createRam(4 * MIB);
    storeByte(memory, wasm, PAGE_BYTES, 1);
    storeByte(memory, wasm, 2 * PAGE_BYTES, 1);
    const state = memory.save();
    storeByte(memory, wasm, PAGE_BYTES, 2);
    memory.markCode(1);
    memory.markCode(2);
    memory.dirty.clear("vga", block);
    const reports: number[] = [];
    memory.onCodeWrite = (p) => reports.push(p);
    let voided = 0;
    memory.onFramesChanged = () => voided++;
    memory.load(state);
    expect(reports).toEqual([1]);
    expect(voided).toBeGreaterThan(0);
    expect(memory.dirty.take("vga", block)).toEqual([{ first: 1, count: 1 }]);
    expect(memory.readBytes(at(PAGE_BYTES), 1)[0]).toBe(1);
  });

  it("64 GiB: saving costs what changed", () => {
    const { memory, wasm } = createRam(64 * GIB);
    storeByte(memory, wasm, 63 * GIB, 1);
    const first = memory.save();
    storeByte(memory, wasm, 1 * GIB, 1);
    const second = memory.save();
    expect(unsharedBytes(second, first)).toBe(PAGE_BYTES);
    memory.load(first);
    expect(memory.readBytes(at(1 * GIB), 1)[0]).toBe(0);
    expect(memory.readBytes(at(63 * GIB), 1)[0]).toBe(1);
  });
});
