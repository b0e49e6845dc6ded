/** The room for decoded code runs out: all of it is forgotten, and what the guest runs next is what is in its memory. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine } from "../../emulator/index.ts";
import { assemble, CONFIG } from "./guest.ts";

test("a routine that changes after it has been forgotten", () => {
  const kernel = new Uint8Array(readFileSync(assemble("flood")));
  const machine = createMachine({ ...CONFIG, ramBytes: 16 * 2 ** 20 });
  let text = "";
  machine.onOutput = (_channel, byte) => {
    text += String.fromCharCode(byte);
  };
  const booted = boot(machine, { kernel, kernelName: "flood", append: "", modules: [] });
  if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  const { flushes } = machine.statistics().processor.traces;
  while (machine.run({ instants: 1e6 }).kind === "limit");
  expect(machine.statistics().processor.traces.flushes).toBe(flushes + 1);
  expect(text.trim().split(/\s+/u)).toEqual(["00000001", "00000002"]);
});
