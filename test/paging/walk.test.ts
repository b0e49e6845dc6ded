/** Random page tables of every mode: what the model says of an address is what the processor's own walk says, for every access by every privilege. */
import { describe, expect, test } from "vitest";
import { ACCESS, BY, CR4, explainWalk, FLAG, type PageWalk } from "../../emulator/index.ts";
import { valueOf } from "../../debug-adapter/paging/entry.ts";
import { linearPage } from "../../debug-adapter/paging/index.ts";
import { SHAPES } from "../../debug-adapter/paging/mode.ts";
import { verdict, walk } from "../../debug-adapter/paging/walk.ts";
import type { TableMode } from "../../media/protocol.ts";
import { Random } from "../oracle/random.ts";
import { Subject } from "./machine.ts";

const SEED = Number(process.env["PAGING_SEED"] ?? 1);
const ROUNDS = 6;
const ADDRESSES = 250;
const FIRST = 0x10_0000;
const TABLES = 12;
const MODES = Object.keys(SHAPES) as TableMode[];

/** An entry that is likely to be something: a table, a page, a large one, with a wrong bit now and then. */
function entry(random: Random, mode: TableMode, root: boolean): bigint {
  const isWide = mode !== "32-bit paging";
  const one = (of: number): boolean => random.oneIn(of);
  if (mode === "PAE" && root) return BigInt(FIRST + random.below(TABLES) * 0x1000) | 1n;
  if (one(10)) return random.bits64() & ~1n;
  let value = BigInt(FIRST + random.below(TABLES) * 0x1000) | 1n;
  if (!root && one(4)) value = (BigInt(random.below(1 << 9)) << 22n) | 0x81n;
  for (const [bit, of] of LOW_BITS) if (one(of)) value ^= 1n << BigInt(bit);
  if (isWide && one(5)) value |= 1n << 63n;
  if (isWide && one(40)) value |= 1n << BigInt(40 + random.below(12));
  if (isWide && one(12)) value |= 1n << BigInt(52 + random.below(11));
  if (one(30)) value |= 1n << BigInt(12 + random.below(isWide ? 18 : 10));
  // Rights are more often there than not.
  return value ^ 6n;
}
/** Bits that may be the other way round, and one time in how many. */
const LOW_BITS = [
  [1, 5],
  [2, 4],
  [3, 6],
  [4, 6],
  [5, 2],
  [6, 2],
  [7, 30],
  [8, 4],
  [9, 5],
] as const;

describe.each(MODES)("%s", (mode) => {
  test(`agrees with the processor (seed ${SEED})`, () => {
    const random = new Random(SEED);
    const shape = SHAPES[mode];
    let arrived = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const flags = random.below(64);
      const cr4 = ((flags & 1) !== 0 ? CR4.SMEP : 0) | ((flags & 2) !== 0 ? CR4.SMAP : 0) | CR4.PSE;
      const subject = new Subject(
        { mode, root: FIRST, cr4, nxe: (flags & 4) !== 0, wp: (flags & 8) !== 0 },
        (given) => {
          for (let n = 0; n < TABLES; n++) given.fill(FIRST + n * 0x1000, () => entry(random, mode, n === 0));
        },
      );
      const { core } = subject;
      if ((flags & 16) !== 0) core.rflags |= BigInt(FLAG.AC);
      const { tree } = subject.view();
      for (let n = 0; n < ADDRESSES; n++) {
        const raw = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
        const linear =
          shape.linearBits === 32
            ? BigInt.asUintN(32, raw)
            : BigInt.asUintN(64, BigInt.asIntN(shape.linearBits, raw));
        const found = walk(tree, linearPage(shape, linear)!);
        // Where no memory is, 4-byte entries read as ones, which are a page: the model says that there is no table.
        if (found.failure === "outside-ram" && shape.entryBytes === 4) continue;
        for (const [access, by] of [
          ["read", "user"],
          ["write", "user"],
          ["execute", "user"],
          ["read", "supervisor"],
          ["write", "supervisor"],
          ["execute", "supervisor"],
        ] as const) {
          const real: PageWalk = explainWalk(
            core,
            Number(linear & 0xffff_ffffn),
            Number(linear >> 32n),
            ACCESS[access],
            by === "user" ? BY.user : BY.system,
          );
          const own = verdict(tree, found, linear, access, by);
          // The processor reads an entry where no memory is, too.
          const steps = found.failure === "outside-ram" ? real.steps.slice(0, -1) : real.steps;
          const processor = {
            errorCode: real.fault?.errorCode ?? null,
            physical: real.physical,
            steps: steps.map(({ address, value }) => `${address} ${value}`),
          };
          const model = {
            errorCode: own.errorCode,
            physical: found.physical < 0 ? null : found.physical * 4096 + Number(linear & 0xfffn),
            steps: found.steps.map((step) => `${step.address} ${valueOf(step.lo, step.hi)}`),
          };
          if (JSON.stringify(model) !== JSON.stringify(processor))
            expect(model, `round ${round}, ${access} by ${by} of 0x${linear.toString(16)}`).toEqual(
              processor,
            );
          if (own.allowed) arrived++;
        }
      }
    }
    expect(arrived).toBeGreaterThan(ROUNDS * 40);
  });
});
