/** Regions that are entered where the calls that leave them return to, in counts; what they compute, the other tests of both engines see. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, type TranslatorMode } from "../../emulator/index.ts";
import { assemble, CONFIG } from "../machine/guest.ts";
import { nasmProblem } from "../privileged/transcript.ts";

/** What is hot is translated between two slices, not in one. */
const SLICE = 10_000;

function run(translator: TranslatorMode) {
  const machine = createMachine({ ...CONFIG, ramBytes: 16 * 2 ** 20, translator });
  const kernel = new Uint8Array(readFileSync(assemble("callers")));
  const booted = boot(machine, { kernel, kernelName: "callers", append: "", modules: [] });
  if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  let text = "";
  machine.onOutput = (channel, byte) => {
    if (channel === "debugcon") text += String.fromCharCode(byte);
  };
  let stop = machine.run({ instants: SLICE });
  while (stop.kind === "limit" && machine.instant < 1e7) stop = machine.run({ instants: SLICE });
  expect(stop.kind).toBe("debug-exit");
  return { text, instant: machine.instant, translator: machine.statistics().processor.translator };
}

test.skipIf(nasmProblem() !== null && process.env["CI"] === undefined)(
  "a loop with three calls is entered behind each of them and needs no region for each",
  () => {
    const { text, instant, translator } = run("early");
    const plain = run("off");
    expect([text, instant]).toEqual([plain.text, plain.instant]);
    expect(text).toMatch(/^[0-9a-f]{8}/);
    // The two functions', and of the loop from where it was hot first; two blocks of it were found hot in the same round. With one entrance each it would be seven.
    expect(translator!.made).toBeLessThanOrEqual(5);
  },
);
