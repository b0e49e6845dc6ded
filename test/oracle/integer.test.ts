/**
 * Integer instructions against the host processor: random encodings, operands and flags in 64-bit mode and in 32- and 16-bit protected mode.
 *
 * The long form: ORACLE_COUNT=5000000 ORACLE_SEED=7 npx vitest run test/oracle/integer.test.ts; ORACLE_ONLY=shld looks at one mnemonic.
 */
import { expect, test } from "vitest";
import { differences, Report } from "./comparison.ts";
import { Emulated, ENGINES, Stopped, TRANSLATED } from "./emulated.ts";
import { type IntegerCase, randomCase } from "./generator.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? (process.env["REDZONE_LONG"] === "1" ? 50_000 : 32_000));
const ONLY = process.env["ORACLE_ONLY"] ?? null;
const BATCH = 10_000;
const MINUTES_PER_MILLION = 5;

const problem = nativeProblem();
test.skipIf(problem !== null).each(ENGINES)(
  `integer, translator $translator: ${COUNT} random cases (forced: fewer) equal the host's (seed ${SEED})${problem === null ? "" : `: ${problem}`}`,
  { timeout: 60_000 * Math.max(3, (COUNT / 1_000_000) * MINUTES_PER_MILLION) },
  ({ translator, share }) => {
    const count = Math.ceil(COUNT * share);
    const random = new Random(SEED);
    const emulated = new Emulated(translator);
    const report = new Report();
    while (report.cases < count) {
      const cases: IntegerCase[] = [];
      while (cases.length < Math.min(BATCH, count - report.cases)) cases.push(randomCase(random, ONLY));
      const host = runNative(cases);
      cases.forEach((item, i) => {
        try {
          report.add(item, differences(item, emulated.run(item), host[i]!));
        } catch (thrown) {
          if (!(thrown instanceof Stopped)) throw thrown;
          report.add(item, [`${thrown.message}, host vector ${host[i]!.vector}`]);
        }
      });
    }
    console.log(
      `oracle: ${report.cases} integer cases, translator ${translator}, seed ${SEED}, ${report.mismatches} mismatches`,
    );
    expect(report.text(), `seed ${SEED}`).toBe("");
    if (translator === "forced") expect(emulated.translated).toBeGreaterThan(count * TRANSLATED);
  },
);
