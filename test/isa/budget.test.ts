/** Runs that end within a trace: exactly where they should, also if the instructions that are executed change those behind them. */
import { expect, test } from "vitest";
import { physical } from "../../emulator/numbers.ts";
import { CODE, testProcessor } from "../support/processor.ts";

// Patches the sixth instruction, four further on, from NOP to INC EBX, and the one behind it; then eight more and a jump to the start, which patches them back.
const hex = (byte: number, at: number): string =>
  `c605${Buffer.from(new Uint32Array([CODE + at]).buffer).toString("hex")}${byte.toString(16)}`;
const PROGRAM = `${hex(0x43, 18)}${hex(0x43, 19)}90414190${"90".repeat(8)}${hex(0x90, 18)}ebdd`;

test("a run of any length, from any instruction of a loop that changes itself, is as many single steps", () => {
  const make = () => {
    const processor = testProcessor("protected32");
    processor.load(CODE, Uint8Array.from(Buffer.from(PROGRAM, "hex")));
    return processor;
  };
  const seen = new Set<string>();
  for (const first of [1, 2, 5, 11, 15, 16, 20, 40]) {
    const [many, one] = [make(), make()];
    let length = first;
    for (let round = 0; round < 60; round++) {
      many.cpu.run(length);
      expect(many.cpu.executed).toBe(length);
      for (let step = 0; step < length; step++) one.cpu.run(1);
      const look = ({ cpu, memory }: typeof many) => ({
        rip: cpu.core.rip,
        registers: Array.from({ length: 8 }, (_, n) => cpu.core.gpr32(n)),
        code: Buffer.from(memory.readBytes(physical(CODE), 48)).toString("hex"),
      });
      expect(look(many), `${round} runs, the first of ${first}`).toEqual(look(one));
      seen.add(String(many.cpu.core.rip));
      length = 1 + ((length * 7 + round) % 19);
    }
    expect(many.cpu.core.gpr32(3)).toBeGreaterThan(10);
  }
  expect(seen.size).toBeGreaterThan(12);
});
