import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { linear, physical, WATCH, type Machine, type StopReason } from "../../emulator/index.ts";
import { assemble, startGuest } from "./guest.ts";

const BASE = 0x100000;
/** TEST EAX, imm32 */
const MARK_BYTES = 5;

function watched(): {
  machine: Machine;
  mark: (n: number) => bigint;
  counter: number;
  target: number;
  go: () => StopReason;
} {
  const image = readFileSync(assemble("watched"));
  const { machine } = startGuest("watched");
  const mark = (n: number): bigint => {
    const at = image.indexOf(Buffer.from([0xa9, n, 0x00, 0x5a, 0x5a]));
    if (at < 0) throw new Error(`mark ${n} is not in the guest`);
    return BigInt(BASE + at);
  };
  const addresses = image.indexOf(Buffer.from([0xaa, 0xaa, 0x5a, 0x5a])) + 4;
  return {
    machine,
    mark,
    counter: image.readUInt32LE(addresses),
    target: image.readUInt32LE(addresses + 4),
    go: () => machine.run({ instants: 1e6, resume: true }),
  };
}

describe("breakpoints", () => {
  test("stop before the instruction, each time, and not when resumed from it", () => {
    const { machine, mark, go } = watched();
    machine.debug.addBreakpoint(7, linear(mark(2)), "linear");
    for (let i = 0; i < 5; i++) {
      expect(go()).toEqual({ kind: "breakpoint", cpu: 0, ids: [7] });
      expect(machine.cpus[0]!.rip).toBe(mark(2));
      expect(machine.cpus[0]!.gpr(1)).toBe(BigInt(5 - i));
    }
    expect(go()).toMatchObject({ kind: "debug-exit" });
  });

  test("by physical address, several at one place, and removed", () => {
    const { machine, mark, go } = watched();
    machine.debug.addBreakpoint(1, physical(Number(mark(3))), "physical");
    machine.debug.addBreakpoint(2, linear(mark(3)), "linear");
    machine.debug.addBreakpoint(3, linear(mark(4)), "linear");
    expect(go()).toEqual({ kind: "breakpoint", cpu: 0, ids: [2, 1] });
    machine.debug.remove(3);
    expect(go()).toMatchObject({ kind: "debug-exit" });
  });

  test("an address with the same offset in its page is not one", () => {
    const { machine, mark, go } = watched();
    machine.debug.addBreakpoint(1, linear(mark(3) + 0x1000n), "linear");
    expect(go()).toMatchObject({ kind: "debug-exit" });
  });

  test("change nothing the guest could see: a run with them is the run without", () => {
    const plain = watched();
    plain.go();
    const { machine, mark, go } = watched();
    for (let n = 1; n <= 11; n++) machine.debug.addBreakpoint(n, linear(mark(n)), "linear");
    let stops = 0;
    while (go().kind === "breakpoint") stops++;
    expect(stops).toBe(15);
    expect(machine.instant).toBe(plain.machine.instant);
    expect(machine.save().cpus).toEqual(plain.machine.save().cpus);
  });

  test("stepping: one instant at a time", () => {
    const { machine, mark, go } = watched();
    machine.debug.addBreakpoint(1, linear(mark(1)), "linear");
    go();
    expect(machine.run({ instants: 1, resume: true })).toEqual({ kind: "limit" });
    expect(machine.cpus[0]!.rip).toBe(mark(1) + BigInt(MARK_BYTES));
  });
});

describe("watchpoints", () => {
  test("stop after a write, and name the instruction", () => {
    const { machine, mark, counter, go } = watched();
    machine.debug.addWatchpoint(4, {
      space: "linear",
      address: linear(BigInt(counter)),
      length: 4,
      access: "write",
    });
    const stop = go();
    expect(stop).toMatchObject({ kind: "watchpoint", cpu: 0, id: 4, access: { write: true, size: 4 } });
    expect(stop.kind === "watchpoint" && stop.rip).toBe(mark(2) + BigInt(MARK_BYTES));
    expect(machine.memory.readBytes(physical(counter), 1)[0]).toBe(1);
    go();
    expect(machine.memory.readBytes(physical(counter), 1)[0]).toBe(2);
  });

  test("reads and writes of a byte range, physical", () => {
    const { machine, mark, target, go } = watched();
    machine.debug.addWatchpoint(5, {
      space: "physical",
      address: physical(target + 3),
      length: 1,
      access: "read",
    });
    machine.debug.addWatchpoint(6, {
      space: "physical",
      address: physical(target + 8),
      length: 2,
      access: "readWrite",
    });
    const rips = [mark(4), mark(5)].map((at) => at + BigInt(MARK_BYTES));
    for (const rip of rips) {
      const stop = go();
      expect(stop).toMatchObject({ kind: "watchpoint", id: 5 });
      expect(stop.kind === "watchpoint" && stop.rip).toBe(rip);
    }
    // The string move writes it byte by byte: twice, in the middle of a REP.
    for (const left of [7n, 6n]) {
      expect(go()).toMatchObject({ kind: "watchpoint", id: 6, access: { write: true, size: 1 } });
      expect(machine.cpus[0]!.gpr(1)).toBe(left);
    }
    machine.debug.clear();
    expect(go()).toMatchObject({ kind: "debug-exit" });
  });
});

describe("events", () => {
  test("port, exception, control register: each with its instruction", () => {
    const { machine, mark, go } = watched();
    machine.debug.addEvent(1, WATCH.port, (event) => event.kind === "port" && event.port === 0x3f8);
    machine.debug.addEvent(2, WATCH.exception, () => true);
    machine.debug.addEvent(3, WATCH.control, () => true);
    const out = go();
    expect(out).toMatchObject({
      kind: "event",
      id: 1,
      event: { kind: "port", write: true, size: 1, value: 0x78 },
    });
    expect(out.kind === "event" && out.rip).toBe(mark(8) - 1n);
    const int3 = go();
    expect(int3).toMatchObject({ kind: "event", id: 2, event: { kind: "exception", fault: { vector: 3 } } });
    const cr4 = go();
    expect(cr4).toMatchObject({ kind: "event", id: 3, event: { register: "CR4", before: 0n, after: 0x10n } });
    expect(cr4.kind === "event" && cr4.rip).toBe(mark(10) - 3n);
    expect(go()).toMatchObject({ kind: "debug-exit" });
  });

  test("an event nobody accepts stops nothing", () => {
    const { machine, go } = watched();
    let asked = 0;
    machine.debug.addEvent(1, WATCH.port | WATCH.exception, () => {
      asked++;
      return false;
    });
    expect(go()).toMatchObject({ kind: "debug-exit" });
    expect(asked).toBeGreaterThan(2);
  });
});
