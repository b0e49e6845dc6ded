/** The benchmark's harness: what it reads, computes and says. What it measures is nobody's test. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { boot, createMachine } from "../../emulator/index.ts";
import { buildKernel } from "./build.ts";
import type { Contestant } from "./contestants.ts";
import { countsTable, flatten } from "./counts.ts";
import { LineReader, type TimedLine, timedRun, workTimes } from "./lines.ts";
import { parseOptions } from "./options.ts";
import { geometricMean, median, spread } from "./statistics.ts";
import { figure, table } from "./table.ts";
import { isThere, sentences, TOOLS } from "./tools.ts";
import { disagreements, type WorksPlan, worksTable } from "./works.ts";

const LONG = 120_000;

test("medians, spreads and means", () => {
  expect(median([])).toBeNaN();
  expect(median([3])).toBe(3);
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(spread([9, 10, 11])).toBeCloseTo(0.1);
  expect(geometricMean([0.5, 2])).toBeCloseTo(1);
  expect(geometricMean([1, 10, 100])).toBeCloseTo(10);
});

test("a table is aligned Markdown", () => {
  expect(table(["work", "s"], [["sieve", "1.5"], ["crc"]])).toBe(
    ["| work  |   s |", "| ----- | --: |", "| sieve | 1.5 |", "| crc   |     |"].join("\n"),
  );
  expect([0, 0.01234, 1.234, 123.4, 12_345, Number.NaN].map(figure)).toEqual([
    "0",
    "0.0123",
    "1.23",
    "123",
    "12345",
    "",
  ]);
});

describe("options", () => {
  test("the default is a slice of everything", () => {
    expect(parseOptions([])).toMatchObject({
      isFull: false,
      sections: ["boot", "parts", "parts32", "storms", "debugged", "start"],
    });
  });
  test("a choice", () => {
    const words = "--full --only parts,boot --works sieve,calls --against qemu --rounds 2 --scale 50".split(
      " ",
    );
    expect(parseOptions([...words, "--redzone", "-accel redzone,translator=off"])).toMatchObject({
      isFull: true,
      sections: ["boot", "parts"],
      works: ["sieve", "calls"],
      rivals: ["qemu"],
      rounds: 2,
      scale: 50,
      variants: ["-accel redzone,translator=off"],
    });
  });
  test.each(["--only nothing", "--rounds 0", "--scale x", "--against pcem", "--fast", "--only"])(
    "%s is refused by its name",
    (words) => {
      expect(parseOptions(words.split(" "))).toContain(words.split(" ")[0]);
    },
  );
});

/** Chunks at times in milliseconds; processor time is half of it. */
function linesOf(...chunks: readonly (readonly [number, string])[]): readonly TimedLine[] {
  const lines: TimedLine[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const [now, text] of chunks) reader.take(text, now, now / 2);
  reader.end(9999, 9999);
  return lines;
}

describe("timed lines", () => {
  test("begin with their first byte and end with their last", () => {
    expect(linesOf([1, "on"], [2, "e\r\ntw"], [5, "o\n"], [7, "rest"])).toMatchObject([
      { text: "one", began: 1, ended: 2, cpuBegan: 0.5, cpuEnded: 1 },
      { text: "two", began: 2, ended: 5 },
      { text: "rest", began: 7, ended: 9999 },
    ]);
  });

  test("a work lasts from the end of its first line to the beginning of its second", () => {
    const lines = linesOf(
      [10, "Booting from CD\nbegin sieve 00000000000000"],
      [100, "10 000000000000002a\n"],
      [600, "e"],
      [650, "nd sieve 0000000000000110 00000000deadbeef\nbegin calls 0000000000000200\ndone\n"],
    );
    expect(Object.fromEntries(workTimes(lines))).toEqual({
      sieve: { seconds: 0.5, cpuSeconds: 0.25, ticks: 256, rounds: 42, checksum: "deadbeef" },
    });
  });

  test("a program is read until its line has come, and is killed then", async () => {
    const script = "console.log('a'); console.log('done'); setInterval(() => {}, 1000)";
    const run = await timedRun({ file: process.execPath, words: ["-e", script] }, /^done$/, {
      timeoutSeconds: 60,
    });
    expect(run.failure).toBeNull();
    expect(run.lines.map(({ text }) => text)).toEqual(["a", "done"]);
  });

  test("one that ends before says why, one that is not there is named, one that hangs is stopped", async () => {
    const words = ["-e", "console.error('no such kernel'); process.exitCode = 3"];
    const run = await timedRun({ file: process.execPath, words }, /^done$/, { timeoutSeconds: 60 });
    expect(run).toMatchObject({ status: 3, failure: expect.stringContaining("no such kernel") });
    const absent = await timedRun({ file: "no-such-emulator", words: [] }, /^done$/, { timeoutSeconds: 60 });
    expect(absent.failure).toContain("no-such-emulator");
    const hanging = await timedRun(
      { file: process.execPath, words: ["-e", "setInterval(() => {}, 1000)"] },
      /^done$/,
      { timeoutSeconds: 1 },
    );
    expect(hanging.failure).toBe("not done after 1 s");
  });
});

const contestant = (name: string, isOurs: boolean): Contestant => ({
  name,
  isOurs,
  node: null,
  command: () => ({ file: "true", words: [] }),
});

test("works are compared with everybody else's, slower ones by less of it; different results are told", () => {
  const mine = { contestant: contestant("ours", true), scale: 1000 };
  const theirs = { contestant: contestant("QEMU", false), scale: 1000 };
  const slow = { contestant: contestant("Bochs", false), scale: 100 };
  const time = (seconds: number, checksum: string, rounds = 50) => ({
    seconds,
    cpuSeconds: 0,
    ticks: 2e6,
    rounds,
    checksum,
  });
  const times = new Map([
    [mine.contestant, new Map([["sieve", [time(0.5, "1")]]])],
    [theirs.contestant, new Map([["sieve", [time(1, "2")]]])],
    [slow.contestant, new Map([["sieve", [time(0.4, "3", 5)]]])],
  ]);
  const entrants = [mine, theirs, slow];
  const plan: WorksPlan = {
    kernel: "",
    works: [],
    entrants,
    rounds: 1,
    isCpuTime: false,
    statistics: "",
    log: () => {},
  };
  const rows = worksTable(plan, { times, complaints: [] }).split("\n");
  expect(rows[2]!.split("|").map((cell) => cell.trim())).toEqual([
    "",
    "sieve",
    "2.00",
    "0.500",
    "1.00",
    "4.00",
    "4.00",
    "2.00",
    "8.00",
    "",
  ]);
  expect(rows[3]).toContain("geometric mean");
  expect(disagreements(entrants, times)).toEqual(["sieve: QEMU has the result 2, ours 1"]);
});

test("counts: what is most frequent of each kind, and per million instructions", () => {
  const counts = flatten({
    instructions: 2_000_000,
    engine: "interpreter",
    statistics: { processor: { callOuts: { rdtsc: 10, cli: 30 }, translator: null } },
  });
  const rows = countsTable([{ name: "boot", counts }])
    .split("\n")
    .slice(2);
  expect(
    rows.map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
  ).toEqual([
    ["instructions", "2000000", ""],
    ["engine", "interpreter", ""],
    ["processor.callOuts", "40", "20.0"],
    ["– cli", "30", "15.0"],
    ["– rdtsc", "10", "5.00"],
  ]);
});

test("a tool that is missing is named, with its package and what is left out", () => {
  expect(isThere("node-of-nobody", "/usr/bin:/bin")).toBe(false);
  expect(isThere("sh", "/usr/bin:/bin")).toBe(true);
  expect(sentences([TOOLS.bochs])[0]).toMatch(/^missing: bochs \(Debian: bochs .*\); left out: Bochs$/);
});

/** As QEMU and v86 have them, too. */
const CHECKSUMS: { readonly [work: string]: string } = {
  patched: "97ffffeb",
  "dot-product": "811651a1",
  "self-interrupts": "00000190",
  "system-calls": "000007d0",
  switches: "ebbd475c",
  "page-faults": "9816c2c0",
};

describe("the kernel of works", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-bench-"));
  const LISTS = {
    64: "patched,dot-product,self-interrupts,system-calls,switches,page-faults",
    32: "patched,dot-product",
  } as const;
  test.each([64, 32] as const)("of %i bits does what it is asked for", { timeout: LONG }, (bits) => {
    const kernel = buildKernel(fileURLToPath(new URL("guest", import.meta.url)), folder, bits);
    if (typeof kernel === "string") throw new Error(kernel);
    const said = outputOf(kernel.path, `scale=1 run=${LISTS[bits]}`);
    const results = [...said.matchAll(/^end (\S+) [0-9a-f]{16} 0{8}([0-9a-f]{8})$/gm)];
    expect(results.map(([, name, checksum]) => `${name} ${checksum}`)).toEqual(
      LISTS[bits].split(",").map((name) => `${name} ${CHECKSUMS[name]}`),
    );
    expect(said).toMatch(/done\n$/);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
});

function outputOf(kernel: string, append: string): string {
  const machine = createMachine({
    ramBytes: 64 << 20,
    noReboot: true,
    debugExit: { iobase: 0xf4, iosize: 4 },
  });
  let text = "";
  machine.onOutput = (channel, byte) => {
    if (channel === "serial0") text += String.fromCharCode(byte);
  };
  boot(machine, { kernel: new Uint8Array(readFileSync(kernel)), kernelName: "bench", append, modules: [] });
  const stop = machine.run({ instants: 5e7 });
  expect(stop.kind).toBe("debug-exit");
  return text;
}
