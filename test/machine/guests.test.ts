/** Programs that use the devices as drivers do: the same on QEMU, the same each time, the same from any saved state. */
import { describe, expect, test } from "vitest";
import { expectEqualStates, randomNumbers } from "./equality.ts";
import { emptyGuest, hasQemu, runQemu, startGuest } from "./guest.ts";

const GUESTS = ["timer", "clock", "serial", "priority", "apic", "smp"] as const;
const SEED = 20_260_101;
const STATES = process.env["REDZONE_LONG"] === "1" ? 6 : 3;

describe.each(GUESTS)("guest %s", (name) => {
  test.skipIf(!hasQemu)("prints what it prints in QEMU", () => {
    const guest = startGuest(name);
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
    expect(guest.text()).toBe(runQemu(name));
    expect(guest.text()).not.toContain("unexpected");
  });

  test("two runs are equal, whatever their slices", () => {
    const [once, again] = [startGuest(name), startGuest(name)];
    once.run();
    again.run(1237);
    expect(again.text()).toBe(once.text());
    expectEqualStates(once.machine.save(), again.machine.save());
  });

  test(`going on from states saved at random instants ends the same (seed ${SEED})`, () => {
    const reference = startGuest(name);
    reference.run();
    const end = reference.machine.save();
    const random = randomNumbers(SEED + name.length);
    for (let i = 0; i < STATES; i++) {
      const instant = Math.floor(random.next().value * end.instant);
      const before = startGuest(name);
      before.machine.run({ instants: instant });
      const after = emptyGuest(name);
      after.machine.load(before.machine.save());
      after.run();
      expect(before.text() + after.text(), `saved at ${instant}`).toBe(reference.text());
      expectEqualStates(end, after.machine.save());
    }
  });
});

test("a keyboard echo: keys in, scan codes of set 1 out, the same when the log is played again", () => {
  const type = (): ReturnType<typeof startGuest> => {
    const guest = startGuest("keyboard");
    expect(guest.run()).toEqual({ kind: "idle" });
    expect(guest.text()).toContain("ready");
    guest.machine.input({ kind: "key", scancodes: [0x1c, 0xf0, 0x1c] });
    expect(guest.run()).toEqual({ kind: "idle" });
    guest.machine.run({ instants: 1, untilNanoseconds: 1e9 });
    guest.machine.input({ kind: "key", scancodes: [0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x76] });
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
    return guest;
  };
  const live = type();
  expect(live.text()).toBe("ready\n 1e 9e e0 48 e0 c8 01\n");

  const replay = startGuest("keyboard");
  for (const { instant, idle, input } of live.machine.inputs) {
    const stop = replay.machine.run({
      instants: instant - replay.machine.instant + 1,
      untilNanoseconds: instant + idle,
    });
    expect(["limit", "idle"]).toContain(stop.kind);
    expect([replay.machine.instant, replay.machine.idle]).toEqual([instant, idle]);
    replay.machine.input(input);
  }
  replay.run();
  expect(replay.machine.inputs).toEqual(live.machine.inputs);
  expectEqualStates(live.machine.save(), replay.machine.save());
});
