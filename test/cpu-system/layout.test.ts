/** Linear memory: its map, with no two things in one place, and the views of it. */
import { expect, test } from "vitest";
import {
  CODE_GRANULES,
  FILLED,
  FRAMES,
  INDIRECT_LOG,
  ITLB,
  OPEN_REGISTERS,
  PAGE_CACHE,
  RUN,
  SCRATCH,
  STATE,
  TLB,
  TRACE_GUESS,
  TRACE_INDEX,
  TRACE_POOL,
} from "../../emulator/cpu/layout.ts";
import { Views } from "../../emulator/cpu/views.ts";

test.each([
  ["STATE", STATE],
  ["RUN", RUN],
])("the words of %s are different ones", (_name, words) => {
  const offsets = Object.values(words);
  expect(new Set(offsets).size).toBe(offsets.length);
  expect(Math.max(...offsets)).toBe(words.end);
});

test("areas lie one behind the other", () => {
  const area = ({ base, entries, entryBytes }: { base: number; entries: number; entryBytes: number }) =>
    [base, base + entries * entryBytes] as const;
  const areas = [
    [0, STATE.end],
    [RUN.budget, RUN.end],
    [OPEN_REGISTERS.page, OPEN_REGISTERS.end],
    [SCRATCH, SCRATCH + 4096],
    area(TLB),
    area(ITLB),
    [FILLED.data, FILLED.end],
    area(CODE_GRANULES),
    area(INDIRECT_LOG),
    area(TRACE_GUESS),
    area(PAGE_CACHE),
    area(TRACE_INDEX),
    [TRACE_POOL.base, TRACE_POOL.end],
    [FRAMES, FRAMES],
  ] as const;
  for (const [n, [from, to]] of areas.entries()) {
    expect(from).toBeLessThanOrEqual(to);
    expect(from).toBeGreaterThanOrEqual(areas[n - 1]?.[1] ?? 0);
  }
});

test("every view of linear memory that grew is a new one, whichever is asked for first", () => {
  for (const name of ["u8", "u32", "u64", "f64", "view"] as const) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const views = new Views(memory);
    memory.grow(1);
    expect(views[name].byteLength).toBe(2 * 65536);
  }
});
