/**
 * The red-zone detector against a kernel that says itself which of its sums came out wrong: each has a report, and nothing else has one; whatever engine runs,
 * in slices of any size, with and without knowledge of what is live; and the guest does not notice.
 */
import { describe, expect, test } from "vitest";
import { linear, RED_ZONE_BYTES, type Clobber } from "../../emulator/index.ts";
import { expectEqualStates } from "../machine/equality.ts";
import { hasGcc, start, type Detector, type Run } from "./guest.ts";

const TIMER = 0x20;

/** What is printed at the end. */
const sums = (run: Run): { readonly ticks: number; readonly corrupt: number } => {
  const [, ticks, corrupt] = /ticks (\d+) corrupt (\d+)\n$/.exec(run.text()) ?? [];
  return { ticks: Number(ticks), corrupt: Number(corrupt) };
};
const of = (run: Run, kind: Clobber["kind"], vector: number): readonly Clobber[] =>
  run.reports.filter((clobber) => clobber.kind === kind && clobber.event.vector === vector);

/** Reports as text: what they say, when and of whom. */
const told = (run: Run): readonly string[] =>
  run.reports.map(
    ({ kind, event, read, before, after, isOver }) =>
      `${kind} ${isOver} ${event.kind} ${event.vector} at ${event.instant} rip ${event.rip} rsp ${event.rsp} frame ${event.frame} ` +
      `read ${read?.rip} ${read?.address} ${read?.size} ${before.join()} ${after.join()}`,
  );

describe.skipIf(!hasGcc)("2,000 ticks on the stack of a function that keeps eight numbers below RSP", () => {
  const corrupted: readonly (readonly [name: string, flags: readonly string[]])[] = [
    ["optimised, addressed by RSP", []],
    ["not optimised, addressed by RBP", ["-O0"]],
    ["a handler that steps over 128 bytes first", ["-DSKIP"]],
  ];
  test.each(
    corrupted.flatMap(([name, flags]) =>
      (["knows", "guesses"] as const).map((detector) => [name, detector, flags] as const),
    ),
  )("%s, where the detector %s what is live: a report for every wrong sum", (_, detector, flags) => {
    const run = start(flags, detector);
    expect(run.finish()).toMatchObject({ kind: "debug-exit" });
    const { ticks, corrupt } = sums(run);
    expect(ticks).toBe(2000);
    expect(corrupt).toBeGreaterThan(1000);
    expect(run.perSum).toHaveLength(corrupt);
    expect(run.perSum.filter((reports) => reports === 0)).toEqual([]);
    // A tick spoils one sum, and one report tells of it.
    expect(of(run, "confirmed", TIMER)).toHaveLength(corrupt);
    const latent = of(run, "latent", TIMER);
    if (detector === "guesses") expect(latent).toEqual([]);
    else {
      // What was read had been called latent before: at the delivery, as the processor's own push does it.
      const instants = new Set(latent.map(({ event }) => event.instant));
      for (const { event } of of(run, "confirmed", TIMER)) expect(instants).toContain(event.instant);
      expect(latent.some(({ isOver }) => !isOver)).toBe(true);
    }
  });

  test.each([
    ["built with -mno-red-zone", ["-mno-red-zone"], "knows"],
    ["built with -mno-red-zone, nothing known", ["-mno-red-zone"], "guesses"],
    ["not optimised and built with -mno-red-zone", ["-O0", "-mno-red-zone"], "guesses"],
    ["through a gate with an IST stack", ["-DIST=2"], "knows"],
    ["through a gate with an IST stack, nothing known", ["-DIST=2"], "guesses"],
  ] as const)("%s: none", (_, flags, detector) => {
    const run = start(flags, detector);
    run.finish();
    expect(sums(run)).toEqual({ ticks: 2000, corrupt: 0 });
    expect(run.reports.filter(({ event }) => event.vector === TIMER)).toEqual([]);
  });
});

describe.skipIf(!hasGcc)("one event", () => {
  const few = "-DTICKS=1";
  /** Of INT 40h in `called`. */
  const called = (flags: readonly string[], detector: Detector = "knows"): readonly Clobber[] => {
    const run = start([few, ...flags], detector);
    run.finish();
    return run.reports.filter(({ event }) => event.vector === 0x40);
  };

  test("what the processor pushes is latent at the delivery, and confirmed by the read of it", () => {
    const [latent, ...rest] = called(["-DCASE=2"]);
    const { event, before, after } = latent!;
    expect(latent).toMatchObject({ kind: "latent", isOver: false, read: null });
    expect(event).toMatchObject({ kind: "software", ist: 0, errorCode: null, cpu: 0 });
    const top = event.rsp & ~0xfn;
    expect(event.frame).toBe(top - 40n);
    const word = (bytes: Uint8Array, address: bigint): bigint =>
      new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(
        Number(address - event.rsp) + RED_ZONE_BYTES,
        true,
      );
    // The eight numbers were 7; SS, RSP and RIP are where the manual has them.
    for (let n = 1n; n <= 8n; n++) expect(word(before, event.rsp - 8n * n)).toBe(7n);
    expect(word(after, top - 8n)).toBe(0x10n);
    expect(word(after, top - 16n)).toBe(event.rsp);
    expect(word(after, top - 40n)).toBe(event.rip);
    // numbers[2] is read, which lies at RSP − 48.
    const confirmed = rest.find(({ kind }) => kind === "confirmed");
    expect(confirmed).toMatchObject({ isOver: true, read: { address: event.rsp - 48n, size: 8 } });
  });

  test("what the handler writes further down is latent at its IRET", () => {
    const list = called(["-DCASE=0"]);
    expect(list.map(({ kind, isOver }) => [kind, isOver])).toEqual([
      ["latent", true],
      ["confirmed", true],
    ]);
    // A word below the frame.
    const [{ event, read }] = list.slice(1) as [Clobber];
    expect(read!.address).toBeLessThan(event.frame);
  });

  test("what is written again before it is read, or was not overwritten, is nothing", () => {
    const run = start([few], "guesses");
    run.finish();
    // `called` reads the one number after INT 40h that lies where the processor skipped 8 bytes to align its frame; `rewritten` writes them all first.
    expect(run.reports.filter(({ event }) => event.vector === 0x40)).toEqual([]);
    expect(run.text()).toMatch(/^ready\n/);
  });

  test.each([
    ["keeps a number there", [], 1],
    ["keeps a variable there that is over, not optimised", ["-O0"], 0],
    ["has no red zone", ["-mno-red-zone"], 0],
  ] as const)("inline assembly that pushes in a function that %s", (_, flags, reports) => {
    const run = start([few, "-DPUSHES", ...flags], "knows");
    run.finish();
    expect(run.text().includes("pushes\n")).toBe(reports > 0);
    const own = run.reports.filter(({ event }) => event.kind === "push");
    expect(own.map(({ kind }) => kind)).toEqual(reports === 0 ? [] : ["latent", "confirmed"]);
    if (reports === 0) return;
    const [latent, confirmed] = own as [Clobber, Clobber];
    expect(confirmed.event).toEqual(latent.event);
    // PUSHFQ wrote the word below RSP, POPQ took it, and then the function wanted its own.
    expect(latent.live).toMatchObject({ count: 8 });
    expect(latent.live!.mask.indexOf(1)).toBe(RED_ZONE_BYTES - 8);
    expect(confirmed.read).toMatchObject({ address: latent.event.rsp - 8n, size: 8 });
    const core = run.machine.cpus[0]!;
    const opcode = (rip: bigint): number => core.peek(rip, 1)[0]!;
    expect(opcode(latent.event.rip)).toBe(0x9c);
  });

  test("a stack of the IST that is entered twice", () => {
    const run = start([few, "-DNESTED"], "guesses");
    run.finish();
    const twice = run.reports.filter(({ kind }) => kind === "ist");
    expect(twice).toHaveLength(1);
    const [{ event, first }] = twice as [Clobber];
    expect([event.vector, event.ist, first!.vector, first!.ist]).toEqual([0x41, 1, 0x41, 1]);
    expect(event.frame).toBe(first!.frame);
  });
});

describe.skipIf(!hasGcc)("the detector", () => {
  const few = "-DTICKS=200";

  test("says the same whatever engine runs, and in slices of any size", () => {
    const reference = start([few], "knows", "off");
    reference.finish();
    expect(told(reference).length).toBeGreaterThan(200);
    for (const [translator, slice] of [
      ["early", 1e6],
      ["forced", 1e6],
      ["early", 997],
    ] as const) {
      const run = start([few], "knows", translator);
      run.finish(slice);
      expect(told(run), `${translator}, slices of ${slice}`).toEqual(told(reference));
    }
  });

  test.each(["knows", "guesses"] as const)("that %s is not noticed by the guest", (detector) => {
    const off = start([few], "off");
    const on = start([few], detector, "early");
    const interpreted = start([few], detector, "off");
    // In lock-step first, where much happens.
    for (let slice = 0; slice < 60; slice++) {
      for (const { machine } of [off, on, interpreted]) machine.run({ instants: 7777, resume: true });
      expectEqualStates(off.machine.save(), on.machine.save());
      expectEqualStates(off.machine.save(), interpreted.machine.save());
    }
    for (const run of [off, on, interpreted]) run.finish();
    expect(on.reports.length).toBeGreaterThan(100);
    expect([on.text(), interpreted.text()]).toEqual([off.text(), off.text()]);
    expectEqualStates(off.machine.save(), on.machine.save());
    expectEqualStates(off.machine.save(), interpreted.machine.save());
  });

  test("beside watchpoints on the same page, and turned off and on on the way", () => {
    const off = start([few], "off");
    const on = start([few], "knows");
    const { machine } = on;
    const page = { space: "linear", address: linear(0x100000n), length: 0x10000, access: "write" } as const;
    for (let slice = 0; slice < 40; slice++) {
      if (slice % 7 === 2) machine.debug.addWatchpoint(2, page);
      if (slice % 7 === 4) machine.debug.remove(2);
      if (slice % 9 === 5) machine.debug.remove(1);
      if (slice % 9 === 7) machine.debug.addEvent(1, 256, ({ kind }) => kind === "red-zone");
      const end = machine.instant + 9999;
      while (machine.instant < end) machine.run({ instants: end - machine.instant, resume: true });
      off.machine.run({ instants: 9999, resume: true });
      expectEqualStates(off.machine.save(), machine.save());
    }
    expect(on.reports.length).toBeGreaterThan(5);
  });

  test("remembers nothing of another state", () => {
    const run = start([few], "knows");
    const early = run.machine.save();
    run.finish();
    const before = run.reports.length;
    expect(before).toBeGreaterThan(100);
    run.machine.load(early);
    run.finish();
    expect(run.reports.length).toBe(before * 2);
  });
});
