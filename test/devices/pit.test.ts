import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PIT_HERTZ, ticksAt, timeOf } from "../../emulator/devices/clock.ts";
import { Pit } from "../../emulator/devices/pit.ts";
import { ReferenceChannel } from "./pit-model.ts";
import { bytes, ns, recordLine } from "./recorder.ts";

const at = (tick: number): ReturnType<typeof ns> => ns(timeOf(tick, PIT_HERTZ));

function pitAt0(): { pit: Pit; irq: ReturnType<typeof recordLine>; port: ReturnType<typeof bytes> } {
  const irq = recordLine();
  const pit = new Pit(irq.line);
  pit.reset();
  return { pit, irq, port: bytes(pit) };
}

/** Programs a channel with access low/high. */
function program(
  port: ReturnType<typeof bytes>,
  channel: number,
  mode: number,
  count: number,
  bcd = false,
): void {
  port.out(3, (channel << 6) | 0x30 | (mode << 1) | (bcd ? 1 : 0));
  port.out(channel, count & 0xff);
  port.out(channel, count >> 8);
}

/** Runs to a tick as the machine does: deadline by deadline. */
function runTo(pit: Pit, tick: number): void {
  while (pit.deadline <= at(tick)) pit.tick(ns(pit.deadline));
  pit.tick(at(tick));
}

describe("i8254", () => {
  test("mode 2 raises IRQ 0 once per count, to the nanosecond", () => {
    const { pit, irq, port } = pitAt0();
    program(port, 0, 2, 11932);
    const start = irq.rises;
    runTo(pit, 1 + 11932 * 100 - 1);
    expect(irq.rises - start).toBe(99);
    runTo(pit, 1 + 11932 * 100);
    expect(irq.rises - start).toBe(100);
  });

  test("mode 3 with an odd count is high for the longer half", () => {
    const { pit, port } = pitAt0();
    pit.gate2 = true;
    program(port, 2, 3, 5);
    const levels = Array.from({ length: 12 }, (_, tick) => {
      runTo(pit, tick + 1);
      return pit.out2 ? 1 : 0;
    });
    expect(levels.join("")).toBe("111001110011");
  });

  test("mode 0 goes high count + 1 ticks after it was written, and stays", () => {
    const { pit, irq, port } = pitAt0();
    program(port, 0, 0, 1000);
    expect(irq.level).toBe(false);
    runTo(pit, 1000);
    expect(irq.level).toBe(false);
    runTo(pit, 1001);
    expect(irq.level).toBe(true);
    expect(pit.deadline).toBe(Infinity);
  });

  test("a latched count is kept until it was read; status comes first in a read-back", () => {
    const { pit, port } = pitAt0();
    program(port, 0, 2, 0x1234);
    runTo(pit, 0x35);
    port.out(3, 0xc2); // count and status of channel 0
    runTo(pit, 0x100);
    expect(port.in(0)).toBe(0x80 | 0x30 | 0x04);
    expect(port.in(0) | (port.in(0) << 8)).toBe(0x1234 - 0x34);
    expect(port.in(0) | (port.in(0) << 8)).toBe(0x1234 - 0xff);
  });

  test("the null-count flag stands until the count is loaded", () => {
    const { pit, port } = pitAt0();
    const status = (): number => {
      port.out(3, 0xe2);
      return port.in(0);
    };
    program(port, 0, 2, 100);
    expect(status() & 0x40).toBe(0x40);
    runTo(pit, 1);
    expect(status() & 0x40).toBe(0);
    port.out(0, 50);
    port.out(0, 0);
    runTo(pit, 60);
    expect(status() & 0x40).toBe(0x40);
    runTo(pit, 101);
    expect(status() & 0x40).toBe(0);
  });

  test("single-byte access: low only and high only", () => {
    const { pit, port } = pitAt0();
    port.out(3, 0x14);
    port.out(0, 0x80);
    runTo(pit, 0x11);
    expect(port.in(0)).toBe(0x70);
    port.out(3, 0x24);
    port.out(0, 0x02);
    runTo(pit, 0x11 + 0x101);
    expect(port.in(0)).toBe(0x01);
  });

  test("BCD counts in decimal", () => {
    const { pit, port } = pitAt0();
    program(port, 0, 2, 0x0100, true);
    runTo(pit, 1 + 7);
    port.out(3, 0x00);
    expect(port.in(0) | (port.in(0) << 8)).toBe(0x0093);
  });

  test("agrees with a channel that counts clock by clock", () => {
    const step = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("control" as const),
          mode: fc.integer({ min: 0, max: 5 }),
          bcd: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("count" as const), value: fc.integer({ min: 2, max: 40 }) }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("gate" as const), level: fc.boolean() }) },
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant("run" as const), ticks: fc.integer({ min: 1, max: 60 }) }),
      },
    );
    const steps = fc.array(step, { minLength: 4, maxLength: 30 });
    fc.assert(
      fc.property(steps, (program_) => {
        const { pit, port } = pitAt0();
        const model = new ReferenceChannel();
        model.gate = false;
        let tick = 0;
        let access = false;
        const log: string[] = [];
        for (const each of program_) {
          log.push(JSON.stringify(each));
          if (each.kind === "control") {
            port.out(3, 0xb0 | (each.mode << 1) | (each.bcd ? 1 : 0));
            model.control(each.mode, each.bcd);
            access = true;
          } else if (each.kind === "count") {
            if (!access) continue;
            const raw = model.bcd ? (Math.floor(each.value / 10) << 4) | (each.value % 10) : each.value;
            port.out(2, raw);
            port.out(2, 0);
            model.count(each.value);
          } else if (each.kind === "gate") {
            pit.gate2 = each.level;
            model.setGate(each.level);
          } else if (access) {
            for (let i = 0; i < each.ticks; i++) {
              runTo(pit, ++tick);
              model.clock();
              if (pit.out2 !== model.out)
                throw new Error(`output ${pit.out2} at tick ${tick} after ${log.join(" ")}`);
              if (model.value === null) continue;
              port.out(3, 0x80);
              const read = port.in(2) | (port.in(2) << 8);
              const value = model.bcd ? Number(read.toString(16)) : read;
              if (value !== model.value)
                throw new Error(`count ${value}, not ${model.value}, at tick ${tick} after ${log.join(" ")}`);
            }
          }
        }
      }),
      { seed: 8254, numRuns: 1000 },
    );
  });

  test("a channel goes on the same from a saved state", () => {
    const { pit, irq, port } = pitAt0();
    program(port, 0, 3, 999);
    runTo(pit, 12_345);
    const copyLine = recordLine();
    const copy = new Pit(copyLine.line);
    copy.load(pit.save());
    const before = irq.rises;
    const copyBefore = copyLine.rises;
    copyLine.level = irq.level;
    runTo(pit, 99_999);
    runTo(copy, 99_999);
    expect(copyLine.rises - copyBefore).toBe(irq.rises - before);
    expect(copy.save()).toEqual(pit.save());
  });
});

test("ticks and times of a clock are each other's inverse", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(PIT_HERTZ, 3_579_545, 32_768),
      (part, hertz) => {
        const tick = Math.floor(part * 9e6 * hertz); // up to the 104 days that 2^53 ns last
        const time = timeOf(tick, hertz);
        expect(ticksAt(time, hertz)).toBe(tick);
        if (tick > 0) expect(ticksAt(time - 1, hertz)).toBe(tick - 1);
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});
