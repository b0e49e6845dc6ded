/**
 * The privileged kernel in the emulator: its transcript equals QEMU's but for the errors in `qemu-errors.ts`, and it obeys rules that QEMU breaks everywhere.
 *
 * PRIVILEGED_TRANSCRIPTS=DIR writes both transcripts there.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { QEMU_ERRORS } from "./qemu-errors.ts";
import {
  buildKernel,
  byCase,
  nasmProblem,
  qemuProblem,
  qemuVersion,
  type Run,
  runEmulator,
  runQemu,
} from "./transcript.ts";

const TIMEOUT_MS = 180_000;
const CASES_MIN = 1000;
const RF = 0x1_0000;
/** Vectors of faults, whose frames carry RF; #DF is an abort, and traps and INT n carry none. */
const FAULTS = new Set([0x00, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x10, 0x11, 0x13]);
const TRAPS = new Set([0x03, 0x04, 0x40, 0x41]);

const field = (line: string, name: string): string | undefined =>
  new RegExp(` ${name}=(\\S+)`).exec(line)?.[1];
const withoutRf = (line: string): string =>
  line.replace(
    / fl=([0-9a-f]{8})/,
    (_, flags: string) => ` fl=${((Number.parseInt(flags, 16) & ~RF) >>> 0).toString(16).padStart(8, "0")}`,
  );

const problem = nasmProblem();
describe.skipIf(problem !== null)(`privileged kernel${problem === null ? "" : `: ${problem}`}`, () => {
  let image = "";
  let ours: Run;
  beforeAll(() => {
    image = buildKernel();
    ours = runEmulator(image);
    const directory = process.env["PRIVILEGED_TRANSCRIPTS"];
    if (directory !== undefined) writeFileSync(join(directory, "emulator.txt"), ours.text);
  }, TIMEOUT_MS);

  test("every case ends, and the kernel leaves through isa-debug-exit", () => {
    expect(ours.stop).toEqual({ kind: "debug-exit", code: 1 });
    expect(ours.text.endsWith("\nend\n")).toBe(true);
    expect(byCase(ours.text).size).toBeGreaterThan(CASES_MIN);
  });

  test("faults push RF, traps and software interrupts do not (SDM 3A 17.3.1.1)", () => {
    const wrong = ours.text.split("\n").filter((line) => {
      const flags = field(line, "fl");
      const vector = Number.parseInt(field(line, "v") ?? "", 16);
      // Sixteen-bit frames have no RF, and a handler task prints an empty frame.
      if (flags === undefined || flags.length !== 8 || flags === "00000000") return false;
      const rf = (Number.parseInt(flags, 16) & RF) !== 0;
      return (FAULTS.has(vector) && !rf) || (TRAPS.has(vector) && rf);
    });
    expect(wrong).toEqual([]);
  });

  const qemu = qemuProblem();
  test.skipIf(qemu !== null)(
    `equals QEMU's transcript but for QEMU's errors${qemu === null ? ` (QEMU ${qemuVersion()})` : `: ${qemu}`}`,
    () => {
      const text = runQemu(image);
      const directory = process.env["PRIVILEGED_TRANSCRIPTS"];
      if (directory !== undefined) writeFileSync(join(directory, "qemu.txt"), text);
      const theirs = byCase(text);
      const mine = byCase(ours.text);
      expect([...mine.keys()]).toEqual([...theirs.keys()]);
      const excused = new Set(QEMU_ERRORS.flatMap((error) => error.cases));
      const different = new Set<string>();
      const unexplained: string[] = [];
      for (const [name, lines] of theirs) {
        const own = mine.get(name) ?? [];
        if (lines.map(withoutRf).join("\n") === own.map(withoutRf).join("\n")) continue;
        different.add(name);
        if (!excused.has(name))
          unexplained.push(`qemu ${lines.join("\n     ")}\nours ${own.join("\n     ")}`);
      }
      console.log(`privileged: ${theirs.size} cases, ${different.size} of them errors of QEMU`);
      expect(unexplained.join("\n")).toBe("");
      expect(
        [...excused].filter((name) => !different.has(name)),
        "cases in the table in which QEMU is right",
      ).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
