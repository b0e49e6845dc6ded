/** What has V8 optimise the interpreter before there is a machine: it checks by itself that it ran. */
import { expect, test } from "vitest";
import { compiledInterpreter, exerciseInterpreter } from "../../emulator/cpu/interpreter/compiled.ts";

test("the interpreter runs a trace of nothing in memory of its own, as the module that machines use", () => {
  const before = compiledInterpreter();
  exerciseInterpreter();
  expect(compiledInterpreter()).toBe(before);
});
