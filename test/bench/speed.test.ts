/**
 * How fast the interpreter is, printed with every run; the time has no bound (machines are shared and noisy), the counts that do not depend on
 * the machine have.
 */
import { expect, test } from "vitest";
import { interpreterModule } from "../../emulator/cpu/interpreter/loop.ts";
import { coldVariants, hotVariants } from "../../emulator/cpu/interpreter/variant.ts";
import { works } from "./kernel.ts";
import { measure } from "./measure.ts";

/** Instructions of each kernel: fixed, because a run is a function of its start. */
const INSTRUCTIONS: Record<string, number> = {
  "registers and memory": 80_004_126,
};

test.each(works)("speed of $name", (work) => {
  // The first run also pays for V8's compilation of the interpreter; the second shows its speed.
  const { instructions } = measure(work);
  const second = measure(work);
  console.log(
    `interpreter: ${second.mips.toFixed(0)} M instructions/s, ${work.name} (${instructions} instructions)`,
  );
  expect(second.instructions).toBe(instructions);
  const expected = INSTRUCTIONS[work.name];
  if (expected !== undefined) expect(instructions).toBe(expected);
});

test("the interpreter's module stays small", () => {
  expect(hotVariants.length).toBeLessThanOrEqual(375);
  // SSE floating point is 150 handlers and 40 KB of it; REP and frequent system instructions are 30 KB.
  expect(hotVariants.length + coldVariants.length).toBeLessThanOrEqual(2400);
  expect(interpreterModule().length).toBeLessThanOrEqual(500_000);
});
