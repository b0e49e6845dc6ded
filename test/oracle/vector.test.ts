/**
 * MMX and SSE moves and integer vectors against the host processor, bit for bit: random encodings and addresses in 64-, 32- and 16-bit code, operands in registers
 * and in memory, aligned and not, across pages and beyond them; x87 exceptions that are pending, too.
 *
 * The long form: ORACLE_COUNT=1000000 ORACLE_SEED=7 npx vitest run test/oracle/vector.test.ts; ORACLE_ONLY=pshufb looks at one mnemonic.
 */
import { expect, test } from "vitest";
import { differences, Report } from "./comparison.ts";
import { Emulated, Stopped } from "./emulated.ts";
import { type IntegerCase, randomCase } from "./generator.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";
import { VECTOR_FORMS } from "./vector-forms.ts";
import { describeVectors, vectorDifferences } from "./vector-operands.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? 64_000);
const ONLY = process.env["ORACLE_ONLY"] ?? null;
const BATCH = 5000;
const MINUTES_PER_MILLION = 10;
/** With this many cases of each encoding in the mean, all have some that end without an exception. */
const CASES_PER_FORM = 100;

const problem = nativeProblem();
test.skipIf(problem !== null)(
  `vectors: ${COUNT} random cases equal the host's (seed ${SEED})${problem === null ? "" : `: ${problem}`}`,
  { timeout: 60_000 * Math.max(3, (COUNT / 1_000_000) * MINUTES_PER_MILLION) },
  () => {
    const random = new Random(SEED);
    const emulated = new Emulated();
    const report = new Report();
    const cases = new Map<string, { count: number; completed: number }>();
    while (report.cases < COUNT) {
      const batch: IntegerCase[] = [];
      while (batch.length < Math.min(BATCH, COUNT - report.cases)) batch.push(randomCase(random, ONLY, VECTOR_FORMS));
      const host = runNative(batch);
      batch.forEach((item, i) => {
        const result = host[i]!;
        const coverage = cases.get(item.name) ?? { count: 0, completed: 0 };
        cases.set(item.name, coverage);
        coverage.count++;
        if (result.vector === 3 || result.vector === 1) coverage.completed++;
        try {
          const ours = emulated.run(item);
          const wide = item.mode.bits === 64;
          const texts = [...differences(item, ours, result), ...vectorDifferences(ours.fx!, result.fx!, wide)];
          report.add(item, texts.length === 0 ? texts : [...texts, describeVectors(item.fx!)]);
        } catch (thrown) {
          if (!(thrown instanceof Stopped)) throw thrown;
          report.add(item, [`${thrown.message}, host vector ${result.vector}`]);
        }
      });
    }
    const least = [...cases].sort(([, a], [, b]) => a.completed - b.completed)[0]!;
    console.log(
      `oracle: ${report.cases} vector cases of ${cases.size} instructions in ${VECTOR_FORMS.length} encodings, at least ${least[1].completed} without an exception of each (${least[0]}), seed ${SEED}, ${report.mismatches} mismatches`,
    );
    expect(report.text(), `seed ${SEED}`).toBe("");
    if (ONLY === null && COUNT >= VECTOR_FORMS.length * CASES_PER_FORM) {
      expect(cases.size).toBe(new Set(VECTOR_FORMS.map(({ name }) => name)).size);
      expect(least[1].completed, least[0]).toBeGreaterThan(0);
    }
  },
); // oxfmt-ignore
