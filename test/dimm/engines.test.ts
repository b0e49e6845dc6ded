/** The guest with memory slots, on each engine: code in memory that comes and goes is dropped in time, also under the feet of what runs. */
import { expect, test } from "vitest";
import { expectEqualStates } from "../machine/equality.ts";
import { runTo, start, text } from "../repeat/runner.ts";
import { SUBJECTS } from "../repeat/subjects.ts";

const given = SUBJECTS["memory that comes and goes"] ?? null;

test.skipIf(given === null)("it sees the same, whether code is translated, and when", () => {
  const subject = given!;
  const runs = (["off", "early", "forced"] as const).map((translator) => {
    const run = start({ ...subject, config: { ...subject.config, translator } });
    expect(runTo(run, subject, subject.end).kind).toBe("debug-exit");
    return { run, state: run.machine.save() };
  });
  const [first, ...others] = runs;
  const lines = text(first!.run.written).split("\n");
  expect(lines.map((line) => line.split(":")[0]!).filter((word) => /^[a-z]/.test(word))).toEqual(
    ["came", "came", "asked for", "came", "asked for", "asked for", "nothing there"], // oxfmt-ignore
  );
  // What was read where a DIMM had been.
  expect(lines.filter((line) => line === " ffffffff").length).toBe(2);
  // In the window, right behind the OUT.
  expect(lines.at(-2)).toBe("nothing there: 4a000001");
  for (const { run, state } of others) {
    expect(run.written).toEqual(first!.run.written);
    expectEqualStates({ ...first!.state, config: state.config }, state);
  }
});
