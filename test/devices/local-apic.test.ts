/** What QEMU 7.2 has no or another answer to: errors, x2APIC, the deadline timer, destinations, lowest priority. The rest is in the guests "apic" and "smp". */
import { describe, expect, test } from "vitest";
import type { ProcessorPins } from "../../emulator/machine/interrupts.ts";
import { Interrupts } from "../../emulator/machine/interrupts.ts";
import type { LocalApic } from "../../emulator/devices/local-apic.ts";
import { ns } from "./recorder.ts";

const ENABLED = 0x1ff;
const X2APIC = 0xfee00c00n;

function machine(cpus = 1) {
  const intr: boolean[] = Array.from({ length: cpus }, () => false);
  const events: string[] = [];
  const pins: ProcessorPins = {
    intr: (cpu, level) => (intr[cpu] = level),
    nmi: (cpu) => events.push(`nmi ${cpu}`),
    init: (cpu) => events.push(`init ${cpu}`),
    startUp: (cpu, vector) => events.push(`start ${cpu} ${vector}`),
    apicMode: () => {},
    taskPriority: (cpu, value) => events.push(`cr8 ${cpu} ${value}`),
    timestampOffset: () => 1000n,
  };
  const interrupts = new Interrupts(cpus, pins, true);
  for (const apic of interrupts.apics) apic.reset();
  events.length = 0;
  const apic = interrupts.apics[0]!;
  apic.write(0xf0, ENABLED);
  return { interrupts, apic, intr, events, others: interrupts.apics.slice(1) };
}

/** Vectors that a processor would take one after the other, each ended at once. */
function take(interrupts: Interrupts, cpu: number, intr: readonly boolean[]): number[] {
  const vectors: number[] = [];
  while (intr[cpu] === true) {
    vectors.push(interrupts.acknowledge(cpu));
    interrupts.apics[cpu]!.write(0xb0, 0);
  }
  return vectors;
}

describe("errors", () => {
  test("a vector below 16 is an error of sender and receiver, and interrupts nobody", () => {
    const { apic, intr } = machine();
    apic.write(0x300, 0x44005);
    expect(intr[0]).toBe(false);
    expect(apic.read(0x280)).toBe(0);
    apic.write(0x280, 0);
    expect(apic.read(0x280)).toBe(0x60);
    apic.write(0x280, 0);
    expect(apic.read(0x280)).toBe(0);
  });

  test("the error entry interrupts", () => {
    const { apic, interrupts, intr } = machine();
    apic.write(0x370, 0x45);
    apic.write(0x300, 0x44005);
    expect(take(interrupts, 0, intr)).toEqual([0x45]);
  });
});

describe("x2APIC", () => {
  test("is reached from the enabled state only, and left by way of the disabled one", () => {
    const { apic } = machine();
    expect(apic.writeMsr(0x1b, 0xfee00400n)).toBe(false);
    expect(apic.readMsr(0x802)).toBeNull();
    expect(apic.writeMsr(0x1b, X2APIC)).toBe(true);
    expect(apic.readMsr(0x1b)).toBe(0xfee00d00n);
    expect(apic.writeMsr(0x1b, 0xfee00800n)).toBe(false);
    expect(apic.writeMsr(0x1b, 0xfee00000n)).toBe(true);
    expect(apic.writeMsr(0x1b, X2APIC)).toBe(false);
  });

  test("its registers are MSRs: the id is whole, the logical id derived, reserved ones fault", () => {
    const { others } = machine(20);
    const apic = others[17]!;
    apic.writeMsr(0x1b, X2APIC);
    expect(apic.readMsr(0x802)).toBe(18n);
    expect(apic.readMsr(0x80d)).toBe(0x10004n);
    expect(apic.readMsr(0x80e)).toBeNull();
    expect(apic.readMsr(0x80b)).toBeNull();
    expect(apic.writeMsr(0x80b, 1n)).toBe(false);
    expect(apic.writeMsr(0x80d, 0n)).toBe(false);
    expect(apic.writeMsr(0x831, 0n)).toBe(false);
    expect(apic.writeMsr(0x808, 1n << 32n)).toBe(false);
    expect(apic.readMsr(0x10)).toBeUndefined();
  });

  test("ICR is one register, and SELF IPI another", () => {
    const { apic, interrupts, intr, others } = machine(3);
    for (const each of interrupts.apics) {
      each.write(0xf0, ENABLED);
      each.writeMsr(0x1b, X2APIC);
    }
    apic.writeMsr(0x830, (2n << 32n) | 0x4041n);
    expect(apic.readMsr(0x830)).toBe((2n << 32n) | 0x4041n);
    expect(intr).toEqual([false, false, true]);
    apic.writeMsr(0x83f, 0x55n);
    expect(take(interrupts, 0, intr)).toEqual([0x55]);
    expect(take(interrupts, 2, intr)).toEqual([0x41]);
    apic.writeMsr(0x830, (0xffffffffn << 32n) | 0x4042n);
    expect(intr).toEqual([true, true, true]);
    expect(others).toHaveLength(2);
  });
});

describe("the timer", () => {
  test("at the deadline given as a TSC value, once", () => {
    const { apic, interrupts, intr } = machine();
    apic.write(0x320, 0x40051);
    apic.tick(ns(500));
    apic.writeMsr(0x6e0, 4000n);
    expect(apic.deadline).toBe(3000);
    expect(apic.readMsr(0x6e0)).toBe(4000n);
    apic.tick(ns(2999));
    expect(intr[0]).toBe(false);
    apic.tick(ns(3000));
    expect(take(interrupts, 0, intr)).toEqual([0x51]);
    expect(apic.readMsr(0x6e0)).toBe(0n);
    expect(apic.deadline).toBe(Infinity);
  });

  test("a deadline in the past fires now; 0 disarms; other modes have none", () => {
    const { apic } = machine();
    apic.tick(ns(10_000));
    apic.writeMsr(0x6e0, 20_000n);
    expect(apic.deadline).toBe(Infinity);
    apic.write(0x320, 0x40051);
    apic.writeMsr(0x6e0, 5n);
    expect(apic.deadline).toBe(10_000);
    apic.writeMsr(0x6e0, 0n);
    expect(apic.deadline).toBe(Infinity);
    apic.write(0x380, 100);
    expect(apic.read(0x380)).toBe(0);
  });

  test.each([
    [0b1011, 1],
    [0b0000, 2],
    [0b0011, 16],
    [0b1010, 128],
  ])("divided by configuration %i", (configuration, divider) => {
    const { apic } = machine();
    apic.tick(ns(7));
    apic.write(0x320, 0x20051);
    apic.write(0x3e0, configuration);
    apic.write(0x380, 1000);
    expect(apic.deadline).toBe(7 + 1000 * divider);
    apic.tick(ns(7 + 250 * divider));
    expect(apic.read(0x390)).toBe(750);
    apic.tick(ns(7 + 2500 * divider));
    expect(apic.deadline).toBe(7 + 3000 * divider);
    apic.write(0x320, 0x30051);
    expect(apic.deadline).toBe(Infinity);
  });

  test("a state saved in its middle goes on alike", () => {
    const one = machine();
    one.apic.write(0x320, 0x20051);
    one.apic.write(0x380, 1000);
    one.apic.tick(ns(700));
    const two = machine();
    two.apic.load(one.apic.save());
    for (const each of [one, two]) each.apic.tick(ns(5000));
    expect(two.apic.save()).toEqual(one.apic.save());
    expect(take(two.interrupts, 0, two.intr)).toEqual(take(one.interrupts, 0, one.intr));
  });
});

describe("messages", () => {
  const enable = (apic: LocalApic, logical: number): void => {
    apic.write(0xf0, ENABLED);
    apic.write(0xd0, logical << 24);
  };

  test("a logical destination in the cluster model", () => {
    const { interrupts, intr } = machine(4);
    for (const [cpu, apic] of interrupts.apics.entries()) {
      enable(apic, [0x11, 0x12, 0x21, 0x22][cpu]!);
      apic.write(0xe0, 0x0fffffff);
    }
    interrupts.message(0xfee00000 | (0x23 << 12) | 4, 0x41);
    expect(intr).toEqual([false, false, true, true]);
  });

  test("lowest priority goes to one: the least busy, then the first", () => {
    const { interrupts, intr } = machine(3);
    for (const [cpu, apic] of interrupts.apics.entries()) enable(apic, 1 << cpu);
    interrupts.apics[0]!.write(0x80, 0x20);
    interrupts.message(0xfee00000 | (7 << 12) | 4, 0x141);
    expect(intr).toEqual([false, true, false]);
  });

  test("INIT, its de-assert and start-up reach a disabled APIC's processor", () => {
    const { apic, events } = machine(2);
    apic.write(0x310, 1 << 24);
    apic.write(0x300, 0xc500);
    apic.write(0x300, 0x8500);
    apic.write(0x300, 0x4608);
    expect(events).toEqual(["init 1", "start 1 8"]);
  });

  test("CR8 shows the task priority, whichever way it was set", () => {
    const { apic, events } = machine();
    apic.write(0x80, 0x73);
    apic.setTaskPriority(0x20);
    expect(events).toEqual(["cr8 0 7", "cr8 0 2"]);
    expect(apic.read(0x80)).toBe(0x20);
  });

  test("an interrupt that is masked by the time it is taken is spurious", () => {
    const { apic, interrupts } = machine();
    apic.write(0x300, 0x44041);
    apic.write(0x80, 0xf0);
    expect(interrupts.acknowledge(0)).toBe(0xff);
    expect(apic.read(0x100 + 0x20)).toBe(0);
  });
});
