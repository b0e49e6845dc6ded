/** The table of `--stats` and `info jit`. */
import { expect, it } from "vitest";
import { statisticsText } from "../../debug-adapter/statistics.ts";
import type { Statistics } from "../../emulator/index.ts";

const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`op${i}`, i]));

const statistics: Statistics = {
  instants: 2_000_000,
  nanoseconds: 3e9,
  idleNanoseconds: 1e9,
  memoryBytes: 3 * 2 ** 20,
  processor: {
    traces: { kept: 7, decoded: 1234, dropped: 3, flushes: 1 },
    translator: {
      instants: 1_500_000,
      made: 10,
      kept: 8,
      written: 1,
      evicted: 1,
      modules: 2,
      moduleBytes: 20_480,
      instructions: 4321,
      orders: 1,
      elsewhereMilliseconds: 30.2,
      entries: 5000,
      exits: { "page walk": 40, "no region": 4960 },
      milliseconds: 12.4,
      longestMilliseconds: 7.25,
    },
    callOuts: many,
    exits: { "no trace known": 6 },
    events: {},
    memory: { "page walk": 0 },
  },
};

it("says who executed what, the most frequent first, and adds up what is rare", () => {
  expect(statisticsText(statistics, { wallSeconds: 0.02 })).toBe(
    `\
instructions            2,000,000 in 0.02 s: 100 M/s
virtual time            3.000 s, 1.000 s of it idle
host memory             3,072 KiB
translated              75.00 % of the instructions
traces                  1,234 decoded, 7 kept, 3 dropped; the cache was emptied once
regions                 10 made, 8 kept, 1 written to, 1 evicted
translated code         2 modules, 20 KiB for 4,321 instructions
made in                 12 ms, 7.3 ms at once; 30 ms of another thread

                                   count     per million
regions entered
  from the interpreter             5,000          2500.0
regions left
  no region                        4,960          2480.0
  page walk                           40            20.0
emitted code left
  no trace known                       6             3.0
TypeScript called for
${Array.from({ length: 16 }, (_, i) => `  ${`op${19 - i}`.padEnd(22)}${String(19 - i).padStart(16)}${((19 - i) / 2).toFixed(1).padStart(16)}\n`).join("")}\
  3 more                               6             3.0
`,
  );
});

it("without a translator and a clock", () => {
  const processor = { ...statistics.processor, translator: null };
  const lines = statisticsText({ ...statistics, processor }).split("\n");
  expect(lines[0]).toBe("instructions            2,000,000");
  expect(lines).toContain("translated              nothing: the translator is off");
  expect(lines.join("\n")).not.toContain("regions");
});
