/**
 * The segments of the oracle: the LDT that the native program makes with modify_ldt, the user part of Linux's GDT, and the combinations of segment
 * registers ("modes") in which cases run.
 */
import { ARENA, type Selectors } from "./case.ts";

export interface Segment {
  readonly selector: number;
  readonly base: number;
  /** In bytes. */
  readonly limit: number;
  /** As in `emulator/cpu/layout.ts`: descriptor bytes 5 and 6. */
  readonly attributes: number;
}

const DATA = 0xf3;
const DATA_READ_ONLY = 0xf1;
const DATA_DOWN = 0xf7;
const CODE = 0xfb;
const CODE_EXECUTE_ONLY = 0xf9;
const CODE_CONFORMING = 0xff;
const NOT_PRESENT = 0x80;
const AVAILABLE = 0x1000;
const BIG = 0x4000;
const PAGES = 0x8000;
const LONG = 0x2000;
const FLAT = 0xffff_ffff;

/** Entries 1 to 13 of the LDT, as in `native/harness.c`. */
const LDT: readonly (readonly [base: number, limit: number, attributes: number])[] = [
  [0, FLAT, CODE | BIG | PAGES],
  [ARENA, 0xffff, CODE],
  [0, FLAT, DATA | BIG | PAGES],
  [ARENA, 0xffff, DATA],
  [0, FLAT, DATA_READ_ONLY | BIG | PAGES],
  [ARENA, 0x4fff, DATA_DOWN | BIG],
  [ARENA + 0x4000, 0x17f9, DATA | BIG],
  [0, FLAT, (DATA & ~NOT_PRESENT) | BIG | PAGES],
  [0, FLAT, CODE_EXECUTE_ONLY | BIG | PAGES],
  [0, FLAT, (CODE_CONFORMING & ~NOT_PRESENT) | BIG | PAGES],
  [ARENA, 0x4fff, DATA_DOWN],
  [ARENA, 0x9fff, CODE | BIG],
  [0, FLAT, (CODE & ~NOT_PRESENT) | BIG | PAGES],
];
export const LDT_ENTRIES = LDT.length + 1;

export const ldtSelector = (entry: number): number => entry * 8 + 7;

/** Linux's kernel and user segments; of other entries of its GDT no case knows. */
export const GDT: readonly Segment[] = [
  { selector: 0x10, base: 0, limit: FLAT, attributes: 0x9b | LONG | PAGES },
  { selector: 0x18, base: 0, limit: FLAT, attributes: 0x93 | BIG | PAGES },
  { selector: 0x23, base: 0, limit: FLAT, attributes: CODE | BIG | PAGES },
  { selector: 0x2b, base: 0, limit: FLAT, attributes: DATA | BIG | PAGES },
  { selector: 0x33, base: 0, limit: FLAT, attributes: CODE | LONG | PAGES },
];
/** Linux sets no AVL bit in entries made with `useable` 0. */
export const LDT_SEGMENTS: readonly Segment[] = LDT.map(([base, limit, attributes], i) => ({
  selector: ldtSelector(i + 1),
  base,
  limit,
  attributes: attributes & ~AVAILABLE,
}));

const bySelector = new Map([...GDT, ...LDT_SEGMENTS].map((segment) => [segment.selector, segment]));
export const segmentOf = (selector: number): Segment | undefined => bySelector.get(selector);

/** Selectors for instructions that load or examine one: every kind of descriptor, wrong privileges, null, and beyond the tables' ends. */
export const SELECTORS: readonly number[] = [
  ...LDT_SEGMENTS.map((segment) => segment.selector),
  ...GDT.map((segment) => segment.selector),
  0, 1, 2, 3, 0x1b, 0x13, 0x28, 0x29, 0x30, 0x20, 0x0c, 0x1c, 0x1e, 0x24, 0x2c, 0x77, 0x7f, 0x107, 0xffff, 0xfffc, 0xff8, 0x07,
]; // oxfmt-ignore
/** Selectors whose code the arena can hold. */
export const CODE_SELECTORS: readonly number[] = [0x33, 0x23, 0x0f, 0x17, 0x67, 0x4f];

export interface Mode {
  readonly name: string;
  readonly bits: 16 | 32 | 64;
  readonly selectors: Selectors;
  /** How often, relative to the others. */
  readonly weight: number;
}

const same = (
  bits: 16 | 32 | 64,
  name: string,
  weight: number,
  cs: number,
  data: number,
  others: Partial<Selectors> = {},
): Mode => ({
  name,
  bits,
  weight,
  selectors: { es: data, cs, ss: data, ds: data, fs: data, gs: data, ...others },
});

export const MODES: readonly Mode[] = [
  same(64, "64-bit", 10, 0x33, 0, { ss: 0x2b }),
  same(64, "64-bit, selectors loaded", 1, 0x33, 0x2b, { fs: 0, gs: 0x1f }),
  same(32, "32-bit flat", 4, 0x0f, 0x1f),
  same(32, "32-bit, GDT", 1, 0x23, 0x2b, { fs: 0x3f, gs: 0x37 }),
  same(32, "32-bit, limited data", 2, 0x67, 0x3f, { es: 0x37, ss: 0x1f, fs: 0x2f, gs: 0 }),
  same(32, "32-bit code, 16-bit stack", 1, 0x0f, 0x1f, { ss: 0x27, gs: 0x5f }),
  same(16, "16-bit", 4, 0x17, 0x27),
  same(16, "16-bit code, 32-bit data", 1, 0x17, 0x1f),
  same(16, "16-bit, limited data", 1, 0x17, 0x27, { ds: 0x3f, es: 0x5f, fs: 0x37, gs: 0x2f }),
];
