/**
 * MMX and SSE moves and integer vectors against the host processor, bit for bit: random encodings and addresses in 64-, 32- and 16-bit code, operands in registers
 * and in memory, aligned and not, across pages and beyond them; x87 exceptions that are pending, too.
 *
 * The long form: ORACLE_COUNT=1000000 ORACLE_SEED=7 npx vitest run test/oracle/vector.test.ts; ORACLE_ONLY=pshufb looks at one mnemonic.
 */
import { expect, test } from "vitest";
import { differences, Report } from "./comparison.ts";
import { Emulated, ENGINES, Stopped, TRANSLATED } from "./emulated.ts";
import type { Form } from "./forms.ts";
import { type IntegerCase, randomCase } from "./generator.ts";
import { isMakersOwn, keepsX87 } from "./maker.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";
import { VECTOR_FORMS } from "./vector-forms.ts";
import { describeVectors, vectorDifferences } from "./vector-operands.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? 64_000);
const ONLY = process.env["ORACLE_ONLY"] ?? null;
const BATCH = 5000;
const MINUTES_PER_MILLION = 30;
/** With this many cases of each encoding in the mean, all have some that end without an exception. */
const CASES_PER_FORM = 100;

const problem = nativeProblem();
test.skipIf(problem !== null).each(ENGINES)(
  `vectors, translator $translator: ${COUNT} random cases (forced: fewer) equal the host's (seed ${SEED})${problem === null ? "" : `: ${problem}`}`,
  { timeout: 60_000 * Math.max(10, (COUNT / 1_000_000) * MINUTES_PER_MILLION) },
  ({ translator, share }) => {
    const count = Math.ceil(COUNT * share);
    const random = new Random(SEED);
    const emulated = new Emulated(translator);
    const report = new Report();
    const completed = new Map<Form, number>();
    while (report.cases < count) {
      const batch: IntegerCase[] = [];
      while (batch.length < Math.min(BATCH, count - report.cases)) batch.push(randomCase(random, ONLY, VECTOR_FORMS));
      const host = runNative(batch);
      batch.forEach((item, i) => {
        const result = host[i]!;
        const ended = result.vector === 3 || result.vector === 1;
        completed.set(item.form, (completed.get(item.form) ?? 0) + (ended ? 1 : 0));
        try {
          const ours = emulated.run(item);
          const wide = item.mode.bits === 64;
          const isComparable = !isMakersOwn(item, ours, result) && !keepsX87(item, result);
          const vectors = isComparable ? vectorDifferences(ours.fx!, result.fx!, wide) : [];
          const texts = [...differences(item, ours, result), ...vectors];
          report.add(item, texts.length === 0 ? texts : [...texts, describeVectors(item.fx!)]);
        } catch (thrown) {
          if (!(thrown instanceof Stopped)) throw thrown;
          report.add(item, [`${thrown.message}, host vector ${result.vector}`]);
        }
      });
    }
    const [rarest, least] = [...completed].sort(([, a], [, b]) => a - b)[0]!;
    const encoding = rarest.opcode.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    console.log(
      `oracle: ${report.cases} vector cases of ${completed.size} encodings, at least ${least} without an exception of each (${rarest.name} ${encoding}), translator ${translator}, seed ${SEED}, ${report.mismatches} mismatches`,
    );
    expect(report.text(), `seed ${SEED}`).toBe("");
    if (ONLY === null && count >= VECTOR_FORMS.length * CASES_PER_FORM) {
      expect(completed.size).toBe(VECTOR_FORMS.length);
      expect(least, `${rarest.name} ${encoding}`).toBeGreaterThan(0);
    }
    if (translator === "forced") expect(emulated.translated).toBeGreaterThan(count * TRANSLATED);
  },
); // oxfmt-ignore
