/** The sample kernel: rebuilt as committed, booted every way there is, its bugs shown, and the same text as in QEMU. */
import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadable, symbols } from "./elf-facts.ts";
import { start } from "./guest.ts";
import { buildMedia, hasGcc, hasQemu, qemu, SAMPLE, sampleFor32BitLoaders } from "./toolchain.ts";

const lines = (serial: string): readonly string[] => serial.split(/\r?\n/).filter((line) => line !== "");

const BOOT = [
  "32-bit protected mode",
  "page tables at CR3",
  "PAE on",
  "long mode enabled",
  "paging on: compatibility mode",
  "64-bit mode",
  " Redzone sample kernel ",
];
const TASKS = [
  "task report, priority 3",
  "task clock, priority 2",
  "task echo, priority 1",
  "tick 1",
  "tick 2",
  "tick 3",
];

describe("the ready-built file", () => {
  it("is small", () => {
    expect(statSync(SAMPLE).size).toBeLessThan(200 * 1024);
  });
  it.skipIf(!hasGcc)("has the symbols of a new build, and with the same compiler its code", () => {
    const rebuilt = buildMedia("sample-kernel", "sample.elf");
    const committed = readFileSync(SAMPLE);
    expect(symbols(rebuilt)).toEqual(symbols(committed));
    if (/12\.2\.0/.test(rebuilt.toString("latin1"))) expect(loadable(rebuilt)).toEqual(loadable(committed));
  });
});

describe("booted", () => {
  it.each([
    ["multiboot1", "Multiboot 1", []],
    ["multiboot2", "Multiboot 2", []],
    ["chainloader", "Multiboot 1", [expect.stringMatching(/^chainloader: entering the kernel at 0x0020/)]],
  ] as const)("by %s, it says hello and leaves", (loader, protocol, before) => {
    const guest = start(SAMPLE, { append: "exit=3", loader });
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 7 });
    expect(lines(guest.serial())).toEqual([
      ...before,
      ...BOOT,
      `boot: ${protocol}, loader redzone`,
      "command line: sample.elf exit=3",
      "memory: 127 MiB usable in 2 ranges",
      ...TASKS,
      "exit 3",
    ]);
  });

  it("echoes what is typed on the serial port and on the keyboard", () => {
    const guest = start(SAMPLE);
    guest.run("type something");
    guest.machine.input({ kind: "serial", port: 0, bytes: new TextEncoder().encode("ab") });
    guest.run("ab", 50e6);
    // Make and break of Q, as the keyboard sends them (set 2).
    guest.machine.input({ kind: "key", scancodes: [0x15, 0xf0, 0x15] });
    guest.run("abq", 50e6);
    expect(guest.serial()).toMatch(/type something\r\nabq$/);
  });

  it("shows its banner in colour on the screen", () => {
    const guest = start(SAMPLE, { append: "exit=1" });
    guest.run();
    const { cells, columns } = guest.machine.screen();
    const row = (n: number): string =>
      String.fromCharCode(
        ...cells.subarray(n * columns * 2, (n + 1) * columns * 2).filter((_, at) => at % 2 === 0),
      );
    expect([columns, row(0).trimEnd(), row(1).slice(0, 23)]).toEqual([
      80,
      expect.stringMatching(/^64-bit mode/),
      " Redzone sample kernel ",
    ]);
    expect(cells[columns * 2 + 1]).toBe(0x4f);
  });
});

describe("its bugs", () => {
  const show = (bug: string): { readonly text: string; readonly stop: string } => {
    const guest = start(SAMPLE, { append: `bug=${bug} exit=5` });
    const { kind } = guest.run();
    return { text: guest.serial(), stop: kind };
  };

  it("redzone: an interrupt overwrites a leaf function's locals", () => {
    const { text, stop } = show("redzone");
    expect(text).toMatch(/redzone: the sum is \d+, expected 8028: mismatch/);
    expect(stop).toBe("debug-exit");
  });
  it("null: page 0 is not there", () => {
    expect(show("null").text).toMatch(
      /page fault: read of 0x8, page not present\r\nexception 14 at rip 0x20/,
    );
  });
  it("stale-tlb: the old translation is used until invlpg", () => {
    expect(show("stale-tlb").text).toContain(
      "stale-tlb: 0x1d before, 0x1d after the entry changed, 0x2e3 after invlpg",
    );
  });
  it("triple-fault: a stack overflow that cannot be reported", () => {
    const guest = start(SAMPLE, { append: "bug=triple-fault" });
    const stop = guest.run();
    expect(stop.kind).toBe("triple-fault");
    const vectors = stop.kind === "triple-fault" ? stop.chain.map(({ vector }) => vector) : [];
    // The push onto the guard page, the delivery of that on the same page, and the double fault's delivery there, too.
    expect(vectors).toEqual([14, 14, 8, 14]);
  });
  it("overflow: the double fault has a stack of its own", () => {
    expect(show("overflow").text).toContain("panic: double fault");
  });
});

describe.skipIf(!hasQemu)("beside QEMU, which needs it as 32-bit ELF", () => {
  const path = sampleFor32BitLoaders();
  // Names of the loader and of the file differ; the numbers that a bug prints may, too.
  const comparable = (serial: string): readonly string[] =>
    lines(serial).filter((line) => !/^(boot:|command line:|redzone:)/.test(line));

  it.each(["", "bug=redzone", "bug=null", "bug=stale-tlb", "bug=overflow"])("the same text: %s", (bug) => {
    const append = `${bug} exit=9`;
    const theirs = qemu(["-m", "128", "-kernel", path, "-append", append]);
    const guest = start(SAMPLE, { append });
    const stop = guest.run();
    expect(theirs.code).toBe(19);
    expect(stop).toEqual({ kind: "debug-exit", code: 19 });
    expect(comparable(guest.serial())).toEqual(comparable(theirs.serial));
  });
});
