/**
 * A run is a function of its start and its inputs: the same twice, the same in slices of any size, with a debugger looking on, and from any state saved
 * on the way and put into a new machine. "The same" is every instant, byte of output, device, register and page.
 */
import { describe, expect, test } from "vitest";
import { FLAG, linear, STATE, WATCH, type Core, type MachineState } from "../../emulator/index.ts";
import { expectEqualStates, randomNumbers } from "../machine/equality.ts";
import { runTo, start, text, type Run, type Subject } from "./runner.ts";
import { SUBJECTS } from "./subjects.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 71_077_345);
const isLong = process.env["REDZONE_LONG"] === "1";
/** What the run on an unwatched machine in large slices gives. */
const references = new Map<
  string,
  { readonly end: MachineState; readonly run: Run; readonly kind: string }
>();
function reference(name: string, subject: Subject) {
  let found = references.get(name);
  if (found === undefined) {
    const run = start(subject);
    const { kind } = finish(run, subject);
    found = { run, kind, end: run.machine.save() };
    references.set(name, found);
  }
  return found;
}

/** To the end of the subject; a triple fault is gone on from. */
function finish(run: Run, subject: Subject, slice?: number, look?: Parameters<typeof runTo>[4]) {
  for (;;) {
    const stop = runTo(run, subject, subject.end, slice, look);
    if (stop.kind !== "triple-fault") return stop;
  }
}

describe.each(Object.entries(SUBJECTS))("%s", (name, given) => {
  const subject = given!;
  const check = test.skipIf(given === null);
  const expectReference = (run: Run): void => {
    const { end, run: expected } = reference(name, subject);
    expect(text(run.written)).toBe(text(expected.written));
    expect(run.written).toEqual(expected.written);
    expectEqualStates(end, run.machine.save());
  };

  check("twice", () => {
    const { run } = reference(name, subject);
    expect(run.written.length).toBeGreaterThan(100);
    const again = start(subject);
    finish(again, subject);
    expect(again.machine.inputs).toEqual(run.machine.inputs);
    expectReference(again);
  });

  check.each([1, 7, 1000, 77_777])("in slices of %i", (slice) => {
    const until = Math.min(subject.end, subject.lively + slice * 60_000);
    const run = start(subject);
    let { kind } = runTo(run, subject, subject.lively);
    while (kind === "triple-fault" || (kind === "limit" && run.machine.instant < until))
      ({ kind } = runTo(run, subject, until, slice));
    if (kind === "limit") finish(run, subject);
    expectReference(run);
  });

  check(`from states saved at random instants, in new machines (seed ${SEED})`, () => {
    const { run: expected, end } = reference(name, subject);
    const random = randomNumbers(SEED);
    const instants = Array.from({ length: isLong ? 8 : 4 }, () =>
      Math.floor(random.next().value * end.instant),
    );
    const run = start(subject);
    const states = instants
      .toSorted((a, b) => a - b)
      .map((instant) => {
        while (runTo(run, subject, instant).kind === "triple-fault");
        return run.machine.save();
      });
    finish(run, subject);
    expectReference(run);
    for (const state of states) {
      const later = start(subject);
      const before = later.written.length;
      later.machine.load(state);
      finish(later, subject);
      expect(later.written.slice(before), `saved at ${state.instant}`).toEqual(
        expected.written.filter(({ instant }) => instant >= state.instant),
      );
      expectEqualStates(end, later.machine.save());
    }
  });

  check("with breakpoints, watchpoints and watched events", () => {
    const { end } = reference(name, subject);
    const core = (run: Run): Core => run.machine.cpus[0]!;
    // Where the guest often is: places that a few probes found it at.
    const probe = start(subject);
    const places = new Set<bigint>();
    for (let n = 1; n <= 20; n++) {
      while (runTo(probe, subject, Math.floor((end.instant * n) / 21)).kind === "triple-fault");
      places.add(core(probe).segmentBase(1) + core(probe).rip);
    }
    const run = start(subject);
    const { debug } = run.machine;
    let id = 0;
    for (const place of places) debug.addBreakpoint(id++, linear(place & 0xffff_ffff_ffff_ffffn), "linear");
    const stack = core(probe).gpr(4) & ~0xfffn;
    debug.addWatchpoint(id++, { space: "linear", address: linear(stack), length: 64, access: "readWrite" });
    debug.addEvent(
      id++,
      Object.values(WATCH).reduce((all, bit) => all | bit, 0),
      ({ kind }) => kind === "exception" || kind === "privilege",
    );
    let stops = 0;
    finish(run, subject, 1e6, (stop) => {
      stops++;
      // Enough has been seen of a place in a hot loop.
      if (stops % (isLong ? 300 : 100) === 0 && stop.kind === "breakpoint")
        for (const each of stop.ids) debug.remove(each);
    });
    expect(stops).toBeGreaterThan(10);
    expectReference(run);
  });
});

test("a state saved where a triple fault stopped the machine goes on with the reset", () => {
  const subject = SUBJECTS["a reset by a triple fault"]!;
  const run = start(subject);
  expect(runTo(run, subject, subject.end).kind).toBe("triple-fault");
  const later = start(subject);
  later.machine.load(run.machine.save());
  const end = run.machine.instant + 100_000;
  expect([runTo(run, subject, end).kind, runTo(later, subject, end).kind]).toEqual(["limit", "limit"]);
  expectEqualStates(run.machine.save(), later.machine.save());
});

describe.skipIf(SUBJECTS["the mixture"] === null)("the mixture, saved at every instant of a while", () => {
  const subject = SUBJECTS["the mixture"]!;
  /** The inputs arrive in this stretch. */
  const [FROM, TO] = [20_950, 22_450];

  test("each goes on to the same", () => {
    const run = start(subject);
    runTo(run, subject, FROM);
    const states: MachineState[] = [];
    const seen = {
      insideRep: 0,
      trapDue: 0,
      shadow: 0,
      halted: 0,
      interruptsOff: 0,
      bytesOnTheirWay: 0,
      keysOnTheirWay: 0,
    };
    const core = run.machine.cpus[0]!;
    const device = (name: string, queue: string): number => {
      const saved = run.machine.devices.find((each) => each.name === name)!.save();
      return (saved as Readonly<Record<string, readonly number[]>>)[queue]!.length;
    };
    let rip = -1n;
    while (run.machine.instant < TO) {
      states.push(run.machine.save());
      const view = core.view;
      if (core.rip === rip && core.activity === 0) seen.insideRep++;
      if (view.getUint32(STATE.pendingDebug, true) !== 0) seen.trapDue++;
      if (view.getUint32(STATE.shadow, true) !== 0) seen.shadow++;
      if (core.activity !== 0) seen.halted++;
      if (!core.systemFlag(FLAG.IF)) seen.interruptsOff++;
      if (device("isa-serial.0", "incoming") > 0) seen.bytesOnTheirWay++;
      if (device("ps2-kbd", "queue") > 0) seen.keysOnTheirWay++;
      rip = core.rip;
      runTo(run, subject, run.machine.instant + 1);
    }
    const end = run.machine.save();
    const written = run.written.filter(({ instant }) => instant >= FROM);
    for (const [state, count] of Object.entries(seen)) expect(count, state).toBeGreaterThan(0);

    // One machine for all of them: what it did before must leave no trace.
    const later = start(subject);
    for (const state of states) {
      later.written.length = 0;
      later.machine.load(state);
      runTo(later, subject, TO);
      expect(later.written, `saved at ${state.instant}`).toEqual(
        written.filter(({ instant }) => instant >= state.instant),
      );
      expectEqualStates(end, later.machine.save());
    }
  });
});
