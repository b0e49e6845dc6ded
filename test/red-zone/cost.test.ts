/**
 * What the detector costs on a kernel that does little but take interrupts, one every 10,000 instructions, on the stack in use. Two machines run the same in turns,
 * so that what else the host does hits both. Times are printed; their bound is wide, because the machines that run this are shared. Counts have exact ones.
 */
import { expect, test } from "vitest";
import { cpuMilliseconds } from "../support/time.ts";
import { hasGcc, start, type Detector, type Run } from "./guest.ts";

const TICKS = 4000;
const SLICE = 500_000;
/** 1.00 where it knows; where it guesses, what may be spent at once (and V8 does not know yet) is a third of so short a run. */
const MOST = 5;

function milliseconds(action: () => void): number {
  const before = cpuMilliseconds();
  action();
  return cpuMilliseconds() - before;
}

const slowAccesses = ({ machine }: Run): number =>
  machine.statistics().processor.memory["handled in TypeScript"] ?? 0;

test.skipIf(!hasGcc).each([
  ["knows", 0],
  // The credit, which is spent on the first events, and what comes back to it on the way.
  ["guesses", 4096 + (TICKS * 10_000) / 40_000],
] as const)("a detector that %s looks at no more than %i accesses", (detector: Detector, accesses) => {
  const flags = ["-mno-red-zone", `-DTICKS=${TICKS}`];
  const off = start(flags, "off");
  const on = start(flags, detector);
  const spent = { off: 0, on: 0 };
  for (let n = 0, isOver = false; !isOver; n++) {
    const turns = n % 2 === 0 ? ["off", "on"] : ["on", "off"];
    for (const turn of turns as ("off" | "on")[]) {
      const { machine } = turn === "off" ? off : on;
      spent[turn] += milliseconds(() => {
        isOver = machine.run({ instants: SLICE, resume: true }).kind !== "limit";
      });
    }
  }
  expect(on.text()).toBe(off.text());
  expect(on.reports).toEqual([]);
  const ratio = spent.on / spent.off;
  console.log(
    `${TICKS} ticks, the detector ${detector}: ${ratio.toFixed(3)} of the time without (${spent.off.toFixed(0)} ms)`,
  );
  expect(ratio).toBeLessThan(MOST);
  const more = slowAccesses(on) - slowAccesses(off);
  expect(more).toBeLessThanOrEqual(accesses);
  if (accesses > 0) expect(more).toBeGreaterThan(100);
});
