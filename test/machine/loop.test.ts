import { describe, expect, test } from "vitest";
import { PIT_HERTZ, timeOf } from "../../emulator/devices/clock.ts";
import { STATE } from "../../emulator/cpu/layout.ts";
import { scriptedPc, type Script } from "./scripted.ts";

/** Channel 0 in mode 2, so many ticks a period. */
function* startTimer(io: Parameters<Script>[0], count: number): ReturnType<Script> {
  for (const [port, value] of [
    [0x43, 0x34],
    [0x40, count & 0xff],
    [0x40, count >> 8],
  ] as const) {
    io.writePort(port, 1, value);
    yield;
  }
}

/** Masks everything but the given lines of the first controller. */
function* unmask(io: Parameters<Script>[0], lines: number, second = 0): ReturnType<Script> {
  io.writePort(0x21, 1, ~lines & 0xff);
  yield;
  io.writePort(0xa1, 1, ~second & 0xff);
  yield;
}

function* forever(): ReturnType<Script> {
  for (;;) yield;
}

describe("the main loop", () => {
  test("a timer interrupt is taken at its nanosecond, whatever the slices", () => {
    const script: Script = function* (io) {
      yield* unmask(io, 1);
      yield* startTimer(io, 100);
      yield "sti";
      yield* forever();
    };
    const moments = [1_000_000, 50_000, 777].map((slice) => {
      const { pc, processor } = scriptedPc(script);
      while (pc.instant < 1_000_000)
        expect(pc.run({ instants: Math.min(slice, 1_000_000 - pc.instant) })).toEqual({
          kind: "limit",
        });
      expect(pc.instant).toBe(1_000_000);
      return processor.taken.map(({ now }) => now);
    });
    expect(moments[1]).toEqual(moments[0]);
    expect(moments[2]).toEqual(moments[0]);
    const periods = moments[0]!.slice(2).map((now, i) => now - moments[0]![i + 1]!);
    expect(periods.length).toBeGreaterThanOrEqual(8);
    for (const period of periods) expect(Math.abs(period - (100 * 1e9) / PIT_HERTZ)).toBeLessThanOrEqual(1);
  });

  test("a deadline that an access brings nearer ends the run at once", () => {
    const { pc, processor } = scriptedPc(function* (io) {
      yield* unmask(io, 1);
      yield "sti";
      yield* startTimer(io, 10);
      yield* forever();
    });
    pc.run({ instants: 100_000 });
    expect(processor.taken.length).toBeGreaterThan(10);
    expect(processor.taken[0]!.now).toBeLessThan(10_000);
  });

  test("HLT skips exactly to the next interrupt, and the instant does not move", () => {
    const { pc, processor } = scriptedPc(function* (io) {
      yield* unmask(io, 1);
      yield* startTimer(io, 11932);
      yield "sti";
      for (;;) yield "hlt";
    });
    expect(pc.run({ instants: 1000 })).toEqual({ kind: "limit" });
    expect(pc.instant).toBe(1000);
    // Six instants to program, then one HLT and one interrupt for each of some 497 periods of 10 ms.
    expect(processor.taken.length).toBe(497);
    const last = processor.taken.at(-1)!.now;
    expect(Math.abs(last - timeOf(497 * 11932, PIT_HERTZ))).toBeLessThan(3000);
    expect(pc.idle).toBeGreaterThan(4.9e9);
  });

  test("HLT with interrupts off is the end; an NMI wakes", () => {
    const { pc, processor } = scriptedPc(function* () {
      yield;
      yield "hlt";
      yield;
      yield "hlt";
    });
    expect(pc.run({ instants: 100 })).toEqual({ kind: "dead", cpu: 0 });
    expect([pc.instant, pc.idle]).toEqual([2, 0]);
    expect(pc.run({ instants: 100 })).toEqual({ kind: "dead", cpu: 0 });
    pc.input({ kind: "nmi" });
    expect(pc.run({ instants: 100 })).toEqual({ kind: "dead", cpu: 0 });
    expect(processor.taken).toEqual([{ vector: 2, now: 2 }]);
    expect(pc.instant).toBe(5);
  });

  test("an NMI that the handler of another blocks wakes nobody", () => {
    const { pc, processor } = scriptedPc(function* (_io, cpu) {
      cpu.core.setWord(STATE.nmiBlocked, 1);
      yield "hlt";
    });
    pc.run({ instants: 1 });
    pc.input({ kind: "nmi" });
    expect(pc.run({ instants: 100 })).toEqual({ kind: "dead", cpu: 0 });
    expect(processor.taken).toEqual([]);
  });

  test("nothing but input can wake: idle, and time passes only if asked to", () => {
    const { pc, processor } = scriptedPc(function* (io) {
      yield* unmask(io, 2); // keyboard only; the timer ticks behind its mask
      yield "sti";
      for (;;) yield "hlt";
    });
    expect(pc.run({ instants: 1000 })).toEqual({ kind: "idle" });
    expect(pc.idle).toBe(0);
    expect(pc.run({ instants: 1000, untilNanoseconds: 5e9 })).toEqual({ kind: "idle" });
    expect(pc.instant + pc.idle).toBe(5e9);
    pc.input({ kind: "key", scancodes: [0x1c] });
    expect(pc.inputs).toEqual([{ instant: 4, idle: 5e9 - 4, input: { kind: "key", scancodes: [0x1c] } }]);
    expect(pc.run({ instants: 1000 })).toEqual({ kind: "idle" });
    expect(processor.taken).toEqual([{ vector: 9, now: 5e9 }]);
  });

  test("untilNanoseconds stops a busy machine and a halted one", () => {
    const { pc } = scriptedPc(function* (io) {
      yield* unmask(io, 1);
      yield "sti";
      for (let i = 0; i < 5000; i++) yield;
      for (;;) yield "hlt";
    });
    expect(pc.run({ instants: 1e9, untilNanoseconds: 1000 })).toEqual({ kind: "limit" });
    expect([pc.instant, pc.idle]).toEqual([1000, 0]);
    expect(pc.run({ instants: 1e9, untilNanoseconds: 1e6 })).toEqual({ kind: "limit" });
    expect(pc.instant + pc.idle).toBe(1e6);
    // A host's clock does not count in whole nanoseconds, virtual time does.
    expect(pc.run({ instants: 1e9, untilNanoseconds: 2e6 + 0.25 })).toEqual({ kind: "limit" });
    expect(pc.instant + pc.idle).toBe(2e6 + 1);
    // Nobody who waits until then waits for ever.
    expect(pc.now).toBeGreaterThanOrEqual(2e6 + 0.25);
  });

  test("idleUntilNanoseconds stops a halted machine, and not one that computes", () => {
    const { pc } = scriptedPc(function* (io) {
      yield* unmask(io, 1);
      yield "sti";
      for (let i = 0; i < 5000; i++) yield;
      yield "hlt";
    });
    expect(pc.run({ instants: 4000, idleUntilNanoseconds: 1000 })).toEqual({ kind: "limit" });
    expect([pc.instant, pc.idle]).toEqual([4000, 0]);
    expect(pc.run({ instants: 1e9, idleUntilNanoseconds: 1000 })).toEqual({ kind: "limit" });
    expect(pc.idle).toBe(0);
    expect(pc.instant).toBeGreaterThan(5000);
    expect(pc.run({ instants: 1e9, idleUntilNanoseconds: 1e6 - 0.5 })).toEqual({ kind: "limit" });
    expect(pc.now).toBe(1e6);
    expect(pc.run({ instants: 1e9, idleUntilNanoseconds: 1e6 })).toEqual({ kind: "limit" });
    expect(pc.now).toBe(1e6);
  });

  test("debug exit and power off stop, sleeping by its name", () => {
    const port = (at: number, size: 1 | 2 | 4, value: number): Script =>
      function* (io) {
        yield;
        io.writePort(at, size, value);
        yield;
        yield* forever();
      };
    const exits = scriptedPc(port(0xf4, 4, 0x10), { debugExit: { iobase: 0xf4, iosize: 4 } });
    expect(exits.pc.run({ instants: 100 })).toEqual({ kind: "debug-exit", code: 0x21 });
    expect(exits.pc.instant).toBe(2);
    expect(exits.pc.run({ instants: 100 })).toEqual({ kind: "limit" });
    expect(scriptedPc(port(0x604, 2, 0x2000)).pc.run({ instants: 100 })).toEqual({ kind: "power-off" });
    expect(scriptedPc(port(0x604, 2, 0x2400)).pc.run({ instants: 100 })).toMatchObject({
      kind: "unimplemented",
      name: "ACPI sleep type 1 (suspend to RAM)",
    });
  });

  test.each([
    [0x64, 1, 0xfe, "keyboard controller"],
    [0xcf9, 1, 6, "port 0xCF9"],
    [0x92, 1, 3, "port 0x92"],
  ] as const)("a reset through port %i", (at, size, value, cause) => {
    let run = 0;
    const script: Script = function* (io) {
      io.writePort(0x3fb, 1, 0x1b);
      yield;
      if (run++ === 0) {
        io.writePort(at, size, value);
        yield;
      }
      yield* forever();
    };
    const strict = scriptedPc(script, { noReboot: true });
    expect(strict.pc.run({ instants: 100 })).toEqual({ kind: "reset", cause });
    run = 0;
    const { pc, processor } = scriptedPc(script);
    let listened = 0;
    pc.onReset = () => {
      listened++;
      expect(pc.memory.ports.readPort(0x3fb, 1)).toBe(0);
    };
    expect(pc.run({ instants: 100 })).toEqual({ kind: "limit" });
    expect([processor.resets, listened, pc.instant]).toEqual([1, 1, 100]);
  });

  test("a triple fault stops first and resets when run again", () => {
    let run = 0;
    const script: Script = function* () {
      yield;
      if (run++ === 0) yield { kind: "triple-fault", chain: [] };
      yield* forever();
    };
    const { pc, processor } = scriptedPc(script);
    expect(pc.run({ instants: 100 })).toEqual({ kind: "triple-fault", cpu: 0, chain: [] });
    expect(processor.resets).toBe(0);
    expect(pc.run({ instants: 100 })).toEqual({ kind: "limit" });
    expect(processor.resets).toBe(1);
    run = 0;
    const strict = scriptedPc(script, { noReboot: true });
    strict.pc.run({ instants: 100 });
    expect(strict.pc.run({ instants: 100 })).toEqual({ kind: "reset", cause: "triple fault" });
  });

  test("serial and debug console output is handed out as it appears", () => {
    const seen: [string, number, number][] = [];
    const { pc } = scriptedPc(function* (io) {
      for (const [at, byte] of [
        [0x3f8, 0x41],
        [0xe9, 0x42],
        [0x2f8, 0x43],
        [0x402, 0x44],
      ] as const) {
        yield;
        io.writePort(at, 1, byte);
      }
      yield;
    });
    pc.onOutput = (channel, byte) => seen.push([channel, byte, pc.instant]);
    pc.run({ instants: 50 });
    expect(seen.map(([channel, byte]) => `${channel} ${String.fromCharCode(byte)}`)).toEqual([
      "serial0 A",
      "debugcon B",
      "serial1 C",
      "seabios D",
    ]);
  });

  test("a request that has not been answered is part of a saved state", () => {
    const script: Script = function* (io) {
      io.writePort(0x604, 2, 0x2000);
      yield* forever();
    };
    const { pc, processor } = scriptedPc(script);
    // A watched event on the same instruction is reported first.
    pc.debug.addEvent(7, 32, () => true);
    const original = processor.run.bind(processor);
    processor.run = (budget) => {
      const exit = original(budget);
      processor.core.report({ kind: "port", port: 0x604, size: 2, value: 0x2000, write: true });
      return exit;
    };
    expect(pc.run({ instants: 100 })).toMatchObject({ kind: "event", id: 7 });
    const copy = scriptedPc(forever).pc;
    copy.load(pc.save());
    expect(copy.run({ instants: 100 })).toEqual({ kind: "power-off" });
  });
});
