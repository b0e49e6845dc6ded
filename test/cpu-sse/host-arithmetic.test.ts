/** Where the host's doubles compute for SSE, results and flags are those of the software that defines them: seeded random operands, no host processor asked. */
import { expect, test } from "vitest";
import * as double from "../../emulator/cpu/sse/double.ts";
import { Environment } from "../../emulator/cpu/sse/environment.ts";
import { a, b, r } from "../../emulator/cpu/sse/lanes.ts";
import * as single from "../../emulator/cpu/sse/single.ts";
import { add, type Binary, divide, DOUBLE, type Encoding, extreme, multiply, SINGLE, squareRoot, subtract } from "../../emulator/cpu/sse/software.ts"; // oxfmt-ignore
import { Random } from "../oracle/random.ts";
import { floats, randomMxcsr } from "../oracle/sse-float-operands.ts";

const SEED = 20260201;
const ROUNDS = 20_000;

const operations: readonly { name: string; single: single.Lane; double: single.Lane; software: Binary }[] = [
  { name: "add", single: single.addSingle, double: double.addDouble, software: add },
  { name: "subtract", single: single.subtractSingle, double: double.subtractDouble, software: subtract },
  { name: "multiply", single: single.multiplySingle, double: double.multiplyDouble, software: multiply },
  { name: "divide", single: single.divideSingle, double: double.divideDouble, software: divide },
  { name: "squareRoot", single: single.squareRootSingle, double: double.squareRootDouble, software: (e, f, _a, y) => squareRoot(e, f, y) },
  { name: "minimum", single: single.minimumSingle, double: double.minimumDouble, software: (e, f, x, y) => extreme(e, f, x, y, "less") },
  { name: "maximum", single: single.maximumSingle, double: double.maximumDouble, software: (e, f, x, y) => extreme(e, f, x, y, "greater") },
]; // oxfmt-ignore

const environment = (mxcsr: number): Environment => {
  const made = new Environment();
  made.begin({ mxcsr } as never);
  return made;
};

/** Flags that are not set yet: one that is need not be found again. */
const news = (raised: number, mxcsr: number): number => raised & ~(mxcsr & (mxcsr >>> 7));

test.each(operations)("$name: $name of the host equals the software", ({ name, single: of4, double: of2, software }) => {
  const random = new Random(SEED);
  const wrong: string[] = [];
  const check = (format: "s" | "d", e: Encoding): void => {
    const x = floats(random, format);
    const y = floats(random, format, x);
    const mxcsr = randomMxcsr(random) & (random.oneIn(2) ? ~0x6000 : ~0);
    const fast = environment(mxcsr);
    const exact = environment(mxcsr);
    const wide = format === "d";
    a.bytes.set(x);
    b.bytes.set(y);
    (wide ? of2 : of4)(fast, 0);
    const [p, q] = wide ? [a.u64[0]!, b.u64[0]!] : [BigInt(a.u32[0]!), BigInt(b.u32[0]!)];
    const expected = software(exact, e, p, q);
    // An unmasked exception leaves no result.
    const stopped = (exact.raised & ~exact.masks) !== 0;
    const result = wide ? r.u64[0]! : BigInt(r.u32[0]!);
    const flags = [news(fast.raised, mxcsr), news(exact.raised, mxcsr)];
    if (flags[0] !== flags[1] || (!stopped && result !== expected))
      wrong.push(`${name} ${p.toString(16)} ${q.toString(16)} mxcsr ${mxcsr.toString(16)}: ${result.toString(16)} flags ${flags[0]!}, software ${expected.toString(16)} flags ${flags[1]!}`);
  };
  for (let i = 0; i < ROUNDS; i++) check(i % 2 === 0 ? "s" : "d", i % 2 === 0 ? SINGLE : DOUBLE);
  expect(wrong.slice(0, 5).join("\n"), `seed ${SEED}`).toBe("");
}); // oxfmt-ignore
