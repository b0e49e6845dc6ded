/**
 * Iterations of REP done at once are so many single ones: a processor that is given one instant at a time, and so never does two at once, agrees with one that is
 * given many, at every instant at which the second stops: registers, flags, memory.
 */
import { expect, test } from "vitest";
import { WATCH } from "../../emulator/cpu/event.ts";
import { SEG, STATE_BYTES } from "../../emulator/cpu/layout.ts";
import { physical } from "../../emulator/numbers.ts";
import { randomNumbers } from "../machine/equality.ts";
import { CODE, testProcessor, type TestMode, type TestProcessor } from "../support/processor.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20_261_122);
const CASES = Number(process.env["STRING_CASES"] ?? 120);
/** Where strings are, and how much of it: three pages, the middle one with code on it if the case says so. */
const AREA = 0x40000;
const AREA_BYTES = 0x3000;
/** A segment whose first 64 KiB end in the middle of the area: there 16-bit offsets wrap. */
const WRAPPING = AREA + 0x1800 - 0x10000;
/** Long mode's second map of the same memory. */
const ALIAS = 1n << 39n;
const OPCODES = { movs: 0xa4, cmps: 0xa6, stos: 0xaa, lods: 0xac, scas: 0xae } as const;

class Random {
  readonly #numbers = randomNumbers(SEED);
  below(limit: number): number {
    return Math.floor(this.#numbers.next().value * limit);
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
  chance(part: number): boolean {
    return this.below(1000) < part * 1000;
  }
}

interface Case {
  readonly code: Uint8Array;
  readonly registers: readonly (readonly [number: number, value: bigint])[];
  readonly bytes: Uint8Array;
  readonly flags: readonly boolean[];
  readonly base: bigint;
  readonly limit: number;
}

function makeCase(random: Random, mode: TestMode): Case {
  const name = random.pick(["movs", "movs", "movs", "stos", "stos", "lods", "scas", "cmps"] as const);
  const long = mode === "long";
  const size = random.pick(long ? [0, 1, 2, 3] : [0, 1, 2]);
  const prefixes: number[] = [random.chance(0.7) ? 0xf3 : 0xf2];
  const wordSized = mode === "real" || mode === "protected16" ? 2 : 1;
  if ((size === 1 || size === 2) && size !== 3 - wordSized) prefixes.push(0x66);
  const otherAddress = random.chance(0.3);
  if (otherAddress) prefixes.push(0x67);
  const override = random.chance(0.2) ? random.pick([0x26, 0x2e, 0x36, 0x64]) : 0;
  if (override !== 0) prefixes.push(override);
  if (size === 3) prefixes.push(0x48);
  const code = [...prefixes, OPCODES[name] + (size === 0 ? 0 : 1)];
  const flat = mode === "protected32" && random.chance(0.6);
  const base = flat ? 0 : random.pick([0, AREA, AREA + 0x123, WRAPPING]);
  const at = () => {
    if (base === WRAPPING && random.chance(0.7)) return BigInt(0x10000 - random.below(100));
    const place = random.chance(0.2)
      ? random.pick([0x1000, 0x2000]) - random.below(40)
      : random.below(AREA_BYTES);
    return BigInt(AREA + place - (long ? 0 : base));
  };
  const si = at();
  const near = BigInt(random.below(50) - 25);
  const alias = long && random.chance(0.3) ? ALIAS : 0n;
  const di = (random.chance(0.5) ? si + near : at()) + alias;
  const count = random.chance(0.1) ? 0 : random.chance(0.5) ? random.below(40) : random.below(1500);
  const junk = long ? BigInt(random.below(2 ** 30)) << 33n : 0n;
  const narrow = otherAddress && random.chance(0.5) ? junk : 0n;
  const bytes = new Uint8Array(AREA_BYTES);
  const kinds = random.pick([1, 2, 256]);
  const fill = random.below(256);
  for (let i = 0; i < AREA_BYTES; i++)
    bytes[i] = random.chance(kinds === 1 ? 0.001 : 1) ? random.below(kinds) : fill;
  let ax = random.chance(0.5) ? BigInt(fill) * 0x0101_0101_0101_0101n : BigInt(random.below(2 ** 40)) * 4097n;
  if (!long) ax &= 0xffff_ffffn;
  const wide = (value: bigint): bigint => BigInt.asUintN(long ? 64 : 32, value);
  return {
    code: new Uint8Array([...code, 0x90, 0x90]),
    registers: [
      [0, ax],
      [1, wide(BigInt(count) | narrow)],
      [6, wide(si | narrow)],
      [7, wide(di | narrow)],
    ],
    bytes,
    flags: [random.chance(0.25), random.chance(0.5)],
    base: BigInt(base),
    limit: random.chance(0.2)
      ? AREA + random.below(AREA_BYTES) - base
      : mode === "real"
        ? 0xffff
        : 0xffff_ffff,
  };
}

const FLAGS = [0x400, 0x1];

function prepare({ cpu, memory }: TestProcessor, item: Case, mode: TestMode): void {
  const { core } = cpu;
  memory.poke(physical(CODE), item.code);
  memory.poke(physical(AREA), item.bytes);
  for (const [number, value] of item.registers) core.setGpr(number, value);
  for (const segment of [SEG.ds, SEG.es, SEG.fs]) {
    const { selector, attributes } = core.segment(segment);
    const { base, limit } = item;
    core.setSegment(segment, { selector, attributes, base, limit: Math.max(limit, 0xff) });
  }
  core.rflags = BigInt(2 | FLAGS.reduce((sum, bit, i) => sum | (item.flags[i] === true ? bit : 0), 0));
  core.rip = mode === "real" ? 0n : BigInt(CODE);
}

/** Pages of 4 KiB below 2 MiB, none before and behind the area, and all of it a second time at ALIAS. */
function paging({ cpu, memory }: TestProcessor): void {
  const tables = new BigUint64Array(1024);
  tables[0] = 0x4007n;
  for (let page = 0; page < 512; page++) tables[512 + page] = BigInt(page * 4096) | 7n;
  tables[512 + AREA / 4096 - 1] = tables[512 + (AREA + AREA_BYTES) / 4096] = 0n;
  memory.poke(physical(0x3000), new Uint8Array(tables.buffer));
  memory.poke(physical(0x2000), new Uint8Array([0x07, 0x30, 0, 0, 0, 0, 0, 0]));
  memory.poke(physical(0x1000 + 8), new Uint8Array([0x07, 0x20]));
  cpu.core.setCr3(0x1000n);
}

const imageOf = ({ cpu, memory }: TestProcessor) => ({
  state: Buffer.from(cpu.core.u8.slice(0, STATE_BYTES)).toString("hex"),
  memory: Buffer.from(memory.readBytes(physical(WRAPPING), AREA_BYTES + 0x10000)).toString("hex"),
});

test.each(["long", "protected32", "protected16", "real"] as const)(
  `as single iterations, in %s mode (seed ${SEED}, ${CASES} cases)`,
  (mode) => {
    const random = new Random();
    const [many, one] = [testProcessor(mode), testProcessor(mode)];
    for (const processor of [many, one]) {
      const { core } = processor.cpu;
      if (mode === "long") paging(processor);
      core.watched = WATCH.exception;
      core.report = () => true;
    }
    const seen = { faults: 0, atOnce: 0, instants: 0, stops: 0 };
    for (let number = 0; number < CASES; number++) {
      const item = makeCase(random, mode);
      const what = () =>
        `case ${number}: ${Buffer.from(item.code).toString("hex")} ${item.registers.map(([n, v]) => `r${n}=${v.toString(16)}`).join(" ")} base ${item.base.toString(16)} limit ${item.limit.toString(16)} flags ${item.flags.join()}`;
      for (const processor of [many, one]) prepare(processor, item, mode);
      const start = many.cpu.core.rip;
      const last = start + BigInt(item.code.length - 2);
      for (let slices = 0; many.cpu.core.rip === start; slices++) {
        expect(slices, what()).toBeLessThan(2000);
        const { kind } = many.cpu.run(random.chance(0.5) ? 1 + random.below(9) : 1 + random.below(3000));
        const { executed } = many.cpu;
        seen.stops++;
        seen.instants += executed;
        if (executed > 1) seen.atOnce++;
        let other: string = kind;
        for (let done = 0; done < executed; done++) other = one.cpu.run(1).kind;
        if (kind === "exception") other = one.cpu.run(1).kind;
        expect(other, what()).toBe(kind);
        expect(many.cpu.core.rip === start || many.cpu.core.rip >= last, what()).toBe(true);
        const [a, b] = [imageOf(many), imageOf(one)];
        if (a.state !== b.state || a.memory !== b.memory) expect(a, what()).toEqual(b);
        if (kind !== "exception") continue;
        seen.faults++;
        break;
      }
    }
    expect(seen.atOnce).toBeGreaterThan(CASES / 2);
    expect(seen.faults).toBeGreaterThan(0);
  },
  300_000,
);
