/**
 * The translator is invisible: with it and without, a guest is the same after every slice, to the last register, device and page.
 *
 * In every run of the tests small guests, and a prefix of a Linux boot; with REDZONE_LONG=1 the whole boot.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import type { Machine } from "../../emulator/index.ts";
import { KERNELS, linuxSystem } from "../linux/system.ts";
import { assemble, CONFIG } from "../machine/guest.ts";
import { randomNumbers } from "../machine/equality.ts";
import { buildKernel, nasmProblem } from "../privileged/transcript.ts";
import { SUBJECTS } from "../repeat/subjects.ts";
import { lockstep, unsaved, type Engine, type Outcome, type Subject } from "./lockstep.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20_261_122);
const isLong = process.env["REDZONE_LONG"] === "1";
const MEBIBYTE = 2 ** 20;
const LONG = 3_600_000;

const loads =
  (kernel: Uint8Array, append = "", modules: readonly Uint8Array[] = []) =>
  (machine: Machine): void => {
    const given = modules.map((bytes) => ({ bytes, name: "initrd", cmdline: "" }));
    const booted = boot(machine, { kernel, kernelName: "kernel", append, modules: given });
    if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  };

const always = function* (size: number): Generator<number, never, void> {
  for (;;) yield size;
};
/** Sizes of all magnitudes up to `most`. */
const random = function* (seed: number, most: number): Generator<number, never, void> {
  for (const numbers = randomNumbers(seed); ;) yield Math.ceil(most ** numbers.next().value);
};

/** Share of a guest's instants that translated code executes; a test in which it does nothing proves nothing. */
function report(name: string, engine: Engine, { instants, translated, stop }: Outcome): number {
  const share = translated / instants;
  console.log(`${name}, ${engine}: ${instants} instants, ${(share * 100).toFixed(1)} % translated, ${stop}`);
  return share;
}

const ENGINES = ["early", "forced"] as const;
const hasNasm = nasmProblem() === null || process.env["CI"] !== undefined;

describe.each(ENGINES)("translator %s", (engine) => {
  describe.each(Object.entries(SUBJECTS))("%s", (name, given) => {
    test.skipIf(given === null)(`in slices of all sizes (seed ${SEED})`, { timeout: LONG }, () => {
      const { kernel, append, config, inputs, end, lively } = given!;
      const subject: Subject = { config, load: loads(kernel, append), inputs };
      const slices = function* () {
        // Where nothing happens it goes quickly.
        for (let at = 0; at < lively; at += 500_000) yield Math.min(500_000, lively - at);
        yield* random(SEED, isLong ? 3000 : 400_000);
      };
      report(name, engine, lockstep(subject, engine, end, slices()));
    });
  });

  const guests = ["timer", "clock", "serial", "priority", "apic", "smp"];
  test.skipIf(!hasNasm).each(guests)("the guest '%s'", { timeout: LONG }, (name) => {
    const config = { ...CONFIG, ramBytes: 16 * MEBIBYTE, cpus: name === "smp" ? 4 : 1 };
    const subject: Subject = { config, load: loads(new Uint8Array(readFileSync(assemble(name)))) };
    const outcome = lockstep(subject, engine, 20e6, random(SEED, 200_000));
    expect(outcome.stop).toBe("debug-exit");
    report(name, engine, outcome);
  });

  test.skipIf(!hasNasm)("the privileged kernel", { timeout: LONG }, () => {
    const subject: Subject = {
      config: { ramBytes: 64 * MEBIBYTE, debugExit: { iobase: 0xf4, iosize: 1 }, noReboot: true },
      load: loads(new Uint8Array(readFileSync(buildKernel()))),
    };
    const outcome = lockstep(subject, engine, 20e6, random(SEED, isLong ? 5000 : 300_000));
    expect(outcome.stop).toBe("debug-exit");
    report("the privileged kernel", engine, outcome);
  });

  describe.each([
    { cpus: 1, prefix: { early: 100e6, forced: 20e6 } },
    { cpus: 4, prefix: { early: 0, forced: 0 } },
  ])("Debian's cloud kernel, $cpus CPU(s)", ({ cpus, prefix }) => {
    const end = isLong ? 700e6 : prefix[engine];
    test.skipIf(end === 0)(`${KERNELS.cloud} for ${end} instants`, { timeout: LONG }, async () => {
      const { kernel, initrd } = await linuxSystem("cloud");
      const subject: Subject = {
        config: { ramBytes: 256 * MEBIBYTE, cpus, noReboot: true },
        load: loads(new Uint8Array(kernel), "console=ttyS0 cryptomgr.notests", [initrd]),
      };
      const outcome = lockstep(subject, engine, end, isLong ? always(1e6) : always(500_000));
      expect(report("cloud", engine, outcome)).toBeGreaterThan(0.5);
    });
    test.skipIf(end === 0)(`${KERNELS.cloud} for ${end} instants, unsaved`, { timeout: LONG }, async () => {
      const { kernel, initrd } = await linuxSystem("cloud");
      const subject: Subject = {
        config: { ramBytes: 256 * MEBIBYTE, cpus, noReboot: true },
        load: loads(new Uint8Array(kernel), "console=ttyS0 cryptomgr.notests", [initrd]),
      };
      const outcome = unsaved(subject, engine, end * 2, 1e6);
      expect(report("cloud, unsaved", engine, outcome)).toBeGreaterThan(0.5);
    });
  });
});
