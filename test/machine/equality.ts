/** When two machines are the same, and where to look. */
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import type { MachineState } from "../../emulator/index.ts";
import { equalMemory } from "../../emulator/memory/index.ts";

/** Small deterministic numbers for choosing instants. */
export function* randomNumbers(seed: number): Generator<number, never, void> {
  let state = seed >>> 0;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

export function expectEqualStates(a: MachineState, b: MachineState): void {
  expect([b.instant, b.idle]).toEqual([a.instant, a.idle]);
  for (const name of Object.keys(a.devices)) {
    const equal = isDeepStrictEqual(b.devices[name], a.devices[name]);
    expect(
      equal ? "" : `${name}: ${JSON.stringify(a.devices[name])} and ${JSON.stringify(b.devices[name])}`,
    ).toBe("");
  }
  expect(isDeepStrictEqual(a.cpus, b.cpus)).toBe(true);
  expect(equalMemory(a.memory, b.memory)).toBe(true);
}
